"""What buckets are worth: samples/s with and without, in one run, from the sizes of real records.

  python -m benchmarks.buckets --preset=base --batch=8 --steps=6     # a GPU
  python -m benchmarks.buckets --preset=tiny --batch=8 --steps=3     # two CPU cores

Compiles and times the training step of each bucket that has records, the cheapest first, and the
full size, one after the other; each line comes as soon as it is measured. A mix of batches as the
training data have it takes the mean of their times. `--seconds` ends early: what was not measured
by then is taken at the time of the full size, which is always measured, second.
"""

import argparse
import time

import jax
import numpy as np
from rich.console import Console

import configs.stage1
import configs.stage2
import configs.stage3
import configs.stage4
from benchmarks.step import (
    by_part,
    compile_step,
    op_names,
    operations_table,
    table,
    time_steps,
    trace,
)
from xojl_jax import tasks
from xojl_jax.data import loader
from xojl_jax.engine import sharding, state
from xojl_jax.tasks.base import Bucket

STAGES = {n: getattr(configs, f"stage{n}") for n in (1, 2, 3, 4)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--stage", type=int, default=4, choices=STAGES)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--buckets", type=int, default=6)
    parser.add_argument("--steps", type=int, default=6, help="timed steps of each bucket")
    parser.add_argument("--data", default="", help="shards (default: the sample data)")
    parser.add_argument("--operations", type=int, default=0, help="lists the full size's slowest")
    parser.add_argument("--seconds", type=float, default=230, help="begin nothing after so many")
    flags = parser.parse_args()
    began = time.perf_counter()
    config = STAGES[flags.stage].get_config(flags.preset)
    with config.unlocked():
        config.batch_size, config.data.buckets = flags.batch, flags.buckets
        config.data.path = flags.data
    task = tasks.make(config)
    shares = shares_of(task)
    print(f"{flags.preset}, stage {flags.stage}, batch {flags.batch}, {describe_machine()}")
    full = task.buckets()[-1]
    order = sorted(shares, key=lambda bucket: -shares[bucket])
    # The most frequent one and the full size first: they make most of the result.
    order = list(dict.fromkeys([order[0], full, *order[1:]]))
    mesh = sharding.make_mesh(config.mesh, jax.devices()[:1])
    setup = state.make_train_setup(task, config, mesh)
    milliseconds: dict[Bucket, float] = {}
    for bucket in order:
        if len(milliseconds) >= 2 and time.perf_counter() - began > flags.seconds:
            print(f"  {bucket}: no time left, counted as the full size", flush=True)
            continue
        listed = flags.operations if bucket == full else 0
        milliseconds[bucket] = measure(task, config, setup, bucket, flags.steps, listed)
        print(
            f"  {bucket}: {shares.get(bucket, 0):.1%} of samples, "
            f"{sum(task.flops(bucket).values()) / 1e9:.1f} GFLOP a sample forward, "
            f"{milliseconds[bucket]:.2f} ms a step, "
            f"{1e3 * flags.batch / milliseconds[bucket]:.1f} samples/s",
            flush=True,
        )
        if full in milliseconds:
            report(milliseconds, shares, full, flags.batch)


def describe_machine() -> str:
    return f"{jax.devices()[0].device_kind}, jax {jax.__version__}"


def shares_of(task) -> dict[Bucket, float]:
    """Of the training samples, augmentation included, which share is in each bucket."""
    dataset, buckets = task.dataset("train"), task.buckets()
    if dataset.buckets is None:
        return {buckets[-1]: 1.0}
    weights = np.ones(len(dataset)) if dataset.weights is None else dataset.weights
    count = (1 - dataset.changed_share) * np.bincount(dataset.buckets, weights, len(buckets))
    if dataset.changed_share:
        changed = np.bincount(dataset.changed_buckets, weights, len(buckets))
        count = count + dataset.changed_share * changed
    pairs = zip(buckets, count / weights.sum(), strict=True)
    return {bucket: float(share) for bucket, share in pairs if share}


def measure(task, config, setup, bucket: Bucket, steps: int, operations: int = 0) -> float:
    """Milliseconds of the median step of a bucket. Lists so many of its slowest operations."""
    compiled = compile_step(task, config, setup, bucket)
    batch = sharding.put_batch(rows_of(task, config, bucket), setup.mesh)
    seconds, now = time_steps(compiled, state.from_scratch(task, config, setup), batch, steps)
    if operations:
        print_operations(compiled, now, batch, operations)
    return 1e3 * float(np.median(seconds))


def print_operations(compiled, start, batch, count: int) -> None:
    """Where a step of the full size spends its time, as in benchmarks.step."""
    names = op_names(compiled.as_text())
    operations = trace(compiled, start, batch, 1)
    console = Console(width=140)
    console.print(table(by_part(operations, names)))
    console.print(operations_table(operations, names, count))


def rows_of(task, config, bucket: Bucket):
    """A batch of the bucket: real records where it has some, else blank ones."""
    dataset = task.dataset("train")
    number = task.buckets().index(bucket)
    if dataset.buckets is None or (dataset.buckets == number).any():
        with loader.batches(
            dataset, seed=0, batch_size=config.batch_size, num_threads=0
        ) as batches:
            numbers = (batches.order.batch(at)[0] for at in range(10**6))
            start = next(at for at, found in enumerate(numbers) if found == number or at > 10**5)
        with loader.batches(
            dataset, seed=0, batch_size=config.batch_size, start_step=start, num_threads=0
        ) as batches:
            return next(batches)
    specs = task.batch_spec(bucket)
    return {name: np.zeros(spec.shape, spec.dtype) for name, spec in specs.items()}


def report(milliseconds, shares, full: Bucket, batch: int) -> None:
    """What the mix takes with what is measured so far."""
    slowest = milliseconds[full]
    mean = sum(share * milliseconds.get(bucket, slowest) for bucket, share in shares.items())
    measured = sum(share for bucket, share in shares.items() if bucket in milliseconds)
    print(
        f"mix ({measured:.0%} of samples measured): {1e3 * batch / mean:.1f} samples/s, without "
        f"buckets {1e3 * batch / slowest:.1f}: {slowest / mean:.2f} times as many",
        flush=True,
    )


if __name__ == "__main__":
    main()
