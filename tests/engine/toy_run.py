"""`python -m tests.engine.toy_run WORKDIR [FIELD=VALUE …]`: a toy run, as `xojl_jax.train` does it.

The subprocess tests kill it. TOY_KILL_AT=POINT:N makes it kill itself, as hard as a power cut, when
it comes to a point within a save for the Nth time: while the arrays are written, before the
manifest, before the rename, before older checkpoints are pruned. TOY_PEER_TIMEOUT is the seconds
after which a silent process of several counts as dead.
"""

import ast
import itertools
import os
import signal
import sys

import orbax.checkpoint as ocp
from absl import flags

from tests.engine.toy_task import ToyTask, toy_config
from xojl_jax import command
from xojl_jax import train as training
from xojl_jax.engine import checkpoint, hosts


def plant_kill(point: str, count: str) -> None:
    """Wraps one function so that its Nth call kills the process."""
    owner, name = {
        # The first call comes from the save itself, the second while the arrays are written.
        "arrays": (ocp.AsyncCheckpointer, "wait_until_finished"),
        "manifest": (checkpoint, "_digests"),
        "rename": (checkpoint, "_commit"),
        "prune": (checkpoint.Saver, "_prune"),
    }[point]
    original = getattr(owner, name)
    calls = itertools.count(1)

    def call_or_die(*arguments):
        if next(calls) == int(count):
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments)

    setattr(owner, name, call_or_die)


def main(argv: list[str]) -> int:
    flags.FLAGS([sys.argv[0]])
    hosts.join("auto", int(os.environ.get("TOY_PEER_TIMEOUT", hosts.PEER_TIMEOUT)))
    workdir, *changes = argv
    pairs = (change.split("=", 1) for change in changes)
    config = toy_config(**{name: ast.literal_eval(value) for name, value in pairs})
    if "TOY_KILL_AT" in os.environ:
        plant_kill(*os.environ["TOY_KILL_AT"].split(":"))
    return training.train(ToyTask(config), config, workdir)


if __name__ == "__main__":
    command.run(main)
