"""Answers held-out records with a run of the ledger, and keeps the counts of each record.

  python -m benchmarks.ledger_answers --workdir RUN --out FILE.json --held-out SHARDS…

The file has, of each set of shards, records and a row of counts for each (the family's `counts`,
benchmarks/ledger_families.py), with which any interval can be computed later. Beside that: what a
training step costs here.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.buckets import describe_machine
from benchmarks.ledger_families import FAMILIES, Family
from benchmarks.step import compile_step
from xojl_jax import compilation_cache, evaluate, restore, suite, tasks
from xojl_jax.data import loader
from xojl_jax.engine import sharding, state
from xojl_jax.files import write_text

# Steps that are timed, after one that is not.
TIMED = 5


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workdir", required=True)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--held-out", nargs="+", required=True)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--family", choices=FAMILIES, default="layout")
    flags = parser.parse_args()
    family = FAMILIES[flags.family]
    compilation_cache.enable()
    report = {
        "machine": describe_machine(),
        "cost": cost(flags.workdir),
        "held_out": {
            Path(data).name: counts(family, flags.workdir, data, flags.limit)
            for data in flags.held_out
        },
    }
    write_text(flags.out, json.dumps(report) + "\n")


def counts(family: Family, workdir: str, data: str, limit: int) -> dict[str, Any]:
    """Of records at even distances of a test split, at most `limit` of them (0: all)."""
    flags = evaluate.parse(
        [f"--workdir={workdir}", f"--data={data}", "--split=test", *family.flags]
    )
    model = restore.load(workdir, data, flags)
    dataset = model.inference.dataset("test")
    numbers = suite.evenly(range(len(dataset)), limit)
    predict = restore.predictor(model, model.inference.options(flags))
    answers = suite.answer(model.inference, predict, dataset, numbers, flags)
    return family.counts(model.inference, dataset, numbers, answers)


def cost(workdir: str) -> dict[str, float]:
    """Of a training step of the full size: seconds, memory, and what does not depend on a machine.

    On CPUs the seconds are processor time: a machine that does other things meets all runs alike.
    """
    _, metadata = restore.load_params(workdir)
    config = restore.ConfigDict(metadata["config"])
    task = tasks.make(config, metadata["task"])
    mesh = sharding.make_mesh(config.mesh, jax.devices()[:1])
    setup = state.make_train_setup(task, config, mesh)
    compiled = compile_step(task, config, setup, task.buckets()[-1])
    start = state.from_scratch(task, config, setup)
    dataset = task.dataset("train")
    with loader.batches(dataset, seed=0, batch_size=config.batch_size, num_threads=0) as batches:
        batch = sharding.put_batch(next(batches), mesh)
    memory = compiled.memory_analysis()
    return {
        "seconds": step_seconds(compiled, start, batch),
        "memory": float(memory.temp_size_in_bytes),
        "parameters": float(sum(leaf.size for leaf in jax.tree.leaves(setup.abstract.params))),
        "flops": float(sum(task.flops().values())),
    }


def step_seconds(compiled, start, batch) -> float:
    clock = time.process_time if jax.default_backend() == "cpu" else time.perf_counter
    seconds = []
    for _ in range(TIMED + 1):
        began = clock()
        start, found = compiled(start, batch)
        jax.block_until_ready((start, found))
        seconds.append(clock() - began)
    return float(np.median(seconds[1:]))


if __name__ == "__main__":
    main()
