"""`python -m tests.engine.toy_run WORKDIR [FIELD=VALUE …]`: a toy run, as `xojl_jax.train` does it.

The subprocess tests kill it. TOY_KILL_AT=POINT:N makes it kill itself, as hard as a power cut, when
it comes to a point within a save for the Nth time: while the arrays are written, before the
manifest, before the rename, before older checkpoints are pruned. TOY_PEER_TIMEOUT and
TOY_STALL_TIMEOUT are what the flags of these names are. TOY_ROWS=FOLDER notes there which records
each process trained on. TOY_SIGNAL_AT=SIGNAL:STEP:PROCESS makes one process send itself a signal
when it takes the step after STEP; with HANG for a signal it hangs there, its heart beating.
TOY_POISON=nan:2 makes the first two records have a NaN loss; inf is another poison.
TOY_COMPILES=forever makes the compiler take hours; further:6 makes it so for the program of another
bucket, in which all batches are after step 6.
"""

import ast
import hashlib
import itertools
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import jax
import orbax.checkpoint as ocp
from absl import flags

from tests.engine.toy_task import ToyTask, toy_config
from xojl_jax import command
from xojl_jax import train as training
from xojl_jax.engine import checkpoint_files, loop, processes, programs
from xojl_jax.engine.saver import Saver


def plant_kill(point: str, count: str) -> None:
    """Wraps one function so that its Nth call kills the process."""
    owner, name = {
        # The first call comes from the save itself, the second while the arrays are written.
        "arrays": (ocp.AsyncCheckpointer, "wait_until_finished"),
        "manifest": (checkpoint_files, "digests"),
        "rename": (checkpoint_files, "commit"),
        "prune": (Saver, "_prune"),
    }[point]
    original = getattr(owner, name)
    calls = itertools.count(1)

    def call_or_die(*arguments):
        if next(calls) == int(count):
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments)

    setattr(owner, name, call_or_die)


def before_each_step(act: Callable) -> None:
    """Wraps the training step: act(number of steps before it, batch) comes first."""
    original = loop._one_step

    def act_and_take(step_fn, state, batch):
        act(int(state.step), batch)
        return original(step_fn, state, batch)

    loop._one_step = act_and_take


def note_rows(folder: str) -> None:
    """Notes what lies on this process's devices when a step is taken.

    A line a step: {"step": number, "rows": [[row of the global batch, record], …]}.
    """
    path = Path(folder, f"{jax.process_index()}.jsonl")

    def note(step, batch):
        rows = []
        for shard in batch["record"].addressable_shards:
            first = shard.index[0].start or 0
            rows += enumerate(jax.device_get(shard.data).tolist(), first)
        with path.open("a", encoding="utf-8") as file:
            print(json.dumps({"step": step, "rows": rows}), file=file)

    before_each_step(note)


def plant_signal(name: str, at: str, process: str) -> None:
    def maybe(step, _):
        if step == int(at) and jax.process_index() == int(process):
            if name == "HANG":
                threading.Event().wait()
            os.kill(os.getpid(), signal.Signals[name])

    before_each_step(maybe)


def compile_forever(*_) -> None:
    """As in the compiler, no Python code of this thread runs."""
    print("compiling", file=sys.stderr, flush=True)
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", 10**9)


def add_a_bucket(after: int) -> None:
    """After so many steps all batches are of another bucket, whose program takes hours."""
    compile_first, take, done = training.compile_steps, loop._one_step, [0]

    def compile_steps(*arguments):
        return programs.Programs(
            lambda further: compile_forever() if further else compile_first(*arguments),
            [False, True],
            lambda _: done[0] >= after,
        )

    def take_and_count(*arguments):
        state, metrics = take(*arguments)
        done[0] += 1
        return state, metrics

    loop._one_step = take_and_count
    training.compile_steps = compile_steps


def main(argv: list[str]) -> int:
    flags.FLAGS([sys.argv[0]])
    peer_timeout = int(os.environ.get("TOY_PEER_TIMEOUT", processes.PEER_TIMEOUT))
    processes.initialize(
        "auto", peer_timeout, int(os.environ.get("TOY_STALL_TIMEOUT", processes.STALL_TIMEOUT))
    )
    workdir, *changes = argv
    pairs = (change.split("=", 1) for change in changes)
    config = toy_config(**{name: ast.literal_eval(value) for name, value in pairs})
    if "TOY_KILL_AT" in os.environ:
        plant_kill(*os.environ["TOY_KILL_AT"].split(":"))
    if "TOY_ROWS" in os.environ:
        note_rows(os.environ["TOY_ROWS"])
    if "TOY_SIGNAL_AT" in os.environ:
        plant_signal(*os.environ["TOY_SIGNAL_AT"].split(":"))
    what, _, after = os.environ.get("TOY_COMPILES", "").partition(":")
    if what == "forever":
        training.compile_steps = compile_forever
    if what == "further":
        add_a_bucket(int(after))
    poison, _, count = os.environ.get("TOY_POISON", "nan:0").partition(":")
    task = ToyTask(config, poison=(float(poison), int(count)))
    return training.train(task, config, workdir, exits=True)


if __name__ == "__main__":
    command.run(main)
