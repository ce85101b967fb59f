"""`python -m tests.engine.toy_run WORKDIR [FIELD=VALUE …]`: a toy run, as `xojl_jax.train` does it.

The subprocess tests kill it. TOY_KILL_AT=POINT:STEP makes it kill itself, as hard as a power cut,
at a point within the save of a step: before the arrays, before the manifest, before the rename,
before pruning.
"""

import ast
import os
import signal
import sys

from absl import flags

from tests.engine.toy_task import ToyTask, toy_config
from xojl_jax import command
from xojl_jax import train as training
from xojl_jax.engine import checkpoint


def plant_kill(point: str, step: str) -> None:
    """Wraps one function of the checkpoint module so that it kills the process when called."""
    owner, name = {
        "arrays": (checkpoint, "_as_tree"),
        "manifest": (checkpoint, "_digests"),
        "rename": (checkpoint, "_commit"),
        "prune": (checkpoint.Saver, "_prune"),
    }[point]
    original = getattr(owner, name)

    def kill_or_call(*arguments):
        partial = f"/{step}.partial"
        shown = " ".join(str(argument) for argument in arguments)
        saved = getattr(arguments[0], "last_step", None) == int(step)
        if partial in shown or saved or int(getattr(arguments[0], "step", -1)) == int(step):
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments)

    setattr(owner, name, kill_or_call)


def main(argv: list[str]) -> int:
    flags.FLAGS([sys.argv[0]])
    workdir, *changes = argv
    pairs = (change.split("=", 1) for change in changes)
    config = toy_config(**{name: ast.literal_eval(value) for name, value in pairs})
    if "TOY_KILL_AT" in os.environ:
        plant_kill(*os.environ["TOY_KILL_AT"].split(":"))
    return training.train(ToyTask(config), config, workdir)


if __name__ == "__main__":
    command.run(main)
