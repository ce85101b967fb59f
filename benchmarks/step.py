"""Where a training step spends its time, by part of the model, from a profiler trace.

  python -m benchmarks.step --preset=base --batch=8        # a GPU
  python -m benchmarks.step --preset=tiny --batch=8        # two CPU cores

Compiles the real training step, times it, traces some steps, and sums the time of every device
operation by the part that it belongs to, which the compiled program's `op_name` metadata tell.
Forward and backward are told apart; what remat computes again counts as backward.
"""

import argparse
import collections
import re
import tempfile
import time
from pathlib import Path

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

from configs import stage4
from xojl_jax import tasks
from xojl_jax.data import loader
from xojl_jax.engine import sharding, state, step
from xojl_jax.tasks.base import Bucket

# Part of the model -> what its operations' names contain; the first that matches counts.
PARTS = {
    "optimizer": r"optimizer|adamw|global_norm|clip",
    "patch embedding": r"vision/patches|vision\._embed",
    "vision attention": r"vision/.*attention(?!_norm)",
    "vision MLP": r"vision/.*feed_forward(?!_norm)",
    "vision, rest": r"trunk/vision|\bvision\b",
    "class composition": r"html_encoder.*classes",
    "html attention": r"html_encoder/.*attention",
    "html, rest": r"html_encoder",
    "fusion": r"fusion",
    "pyramid, memory": r"pyramid|spatial_attention|memory_in|memory_norm",
    "decoder self-attention": r"decoder/.*self_attention",
    "decoder cross-attention": r"decoder/.*memory_attention",
    "decoder MLP": r"decoder/.*mlp(?!_norm)",
    "decoder, rest": r"trunk/decoder|\bdecoder\b",
    "heads": r"(node|patch|element|category)_head|_region",
    "embedding of tokens": r"token_embed|depth_embed|view_embed|here_in|ahead_in",
    "scores": r"detail_head|semantic_head|pointer",
    "the rest of the model": r"LayoutModel",
}
CONTAINERS = ("while", "call", "conditional")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=10, help="timed steps")
    parser.add_argument("--traced", type=int, default=2, help="traced steps")
    parser.add_argument("--operations", type=int, default=0, help="lists so many, the slowest")
    flags = parser.parse_args()
    config = stage4.get_config(flags.preset)
    with config.unlocked():
        config.batch_size = flags.batch
    compiled, start, batch = build(config)
    seconds, start = time_steps(compiled, start, batch, flags.steps)
    forward = sum(tasks.make(config).flops().values())
    rate = 3 * forward * flags.batch / np.median(seconds) / 1e12
    print(
        f"{flags.preset}, batch {flags.batch}, {jax.devices()[0].device_kind}, jax "
        f"{jax.__version__}: {1e3 * np.median(seconds):.1f} ms a step (p95 "
        f"{1e3 * np.quantile(seconds, 0.95):.1f}), {flags.batch / np.median(seconds):.1f} "
        f"samples/s, {rate:.1f} TFLOP/s of {3 * forward / 1e12:.2f} TFLOP a sample",
        flush=True,
    )
    names = op_names(compiled.as_text())
    operations = trace(compiled, start, batch, flags.traced)
    console = Console(width=140 if flags.operations else 110)
    console.print(table(by_part(operations, names)))
    if flags.operations:
        console.print(operations_table(operations, names, flags.operations))


def build(config):
    """The compiled training step, its first state and a batch of the sample data."""
    task = tasks.make(config)
    mesh = sharding.make_mesh(config.mesh, jax.devices()[:1])
    setup = state.make_train_setup(task, config, mesh)
    compiled = compile_step(task, config, setup)
    with loader.batches(
        task.dataset("train"), seed=0, batch_size=config.batch_size, num_threads=0
    ) as batches:
        batch = sharding.put_batch(next(batches), mesh)
    return compiled, state.from_scratch(task, config, setup), batch


def compile_step(task, config, setup, bucket: Bucket | None = None):
    """The compiled training step of a bucket; of the full size without one."""
    began = time.perf_counter()
    abstract = (setup.abstract, step.abstract_batch(task, setup.mesh, bucket))
    train_step = step.make_train_step(task, config, setup)
    compiled = step.compile_ahead(train_step, abstract, setup.mesh)
    memory = compiled.memory_analysis()
    print(
        f"  compiled in {time.perf_counter() - began:.1f} s, temporary memory "
        f"{memory.temp_size_in_bytes / 2**30:.2f} GiB",
        flush=True,
    )
    return compiled


def time_steps(compiled, start, batch, count: int):
    """Seconds of each of `count` steps after two that warm up, and the state after them."""
    seconds = []
    for number in range(count + 2):
        began = time.perf_counter()
        start, metrics = compiled(start, batch)
        jax.block_until_ready((start, metrics))
        if number >= 2:
            seconds.append(time.perf_counter() - began)
    return seconds, start


def trace(compiled, start, batch, count: int) -> dict[str, tuple[float, float]]:
    """HLO operation -> how often it runs in a step, and its milliseconds of a step in all."""
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            for _ in range(count):
                start, metrics = compiled(start, batch)
            jax.block_until_ready((start, metrics))
        (path,) = Path(folder).rglob("*.xplane.pb")
        profile = jax.profiler.ProfileData.from_file(str(path))
        runs, times = collections.Counter(), collections.Counter()
        for operation, nanoseconds in device_events(profile):
            runs[operation] += 1 / count
            times[operation] += nanoseconds / 1e6 / count
    return {operation: (runs[operation], times[operation]) for operation in times}


def by_part(
    operations: dict[str, tuple[float, float]], names: dict[str, str]
) -> dict[tuple[str, str], float]:
    """(part, "forward" or "backward") -> milliseconds of a step on the device."""
    times: dict[tuple[str, str], float] = collections.Counter()
    for operation, (_, milliseconds) in operations.items():
        times[part_of(names.get(operation, operation))] += milliseconds
    return times


def device_events(profile):
    """(HLO operation, nanoseconds) of every event that ran an operation of a compiled program."""
    for plane in profile.planes:
        for line in plane.lines:
            for event in line.events:
                stats = {key: value for key, value in event.stats if key}
                # A loop's own event covers those of its body, which are counted one by one.
                if "hlo_op" in stats and not str(stats["hlo_op"]).startswith(CONTAINERS):
                    yield str(stats["hlo_op"]), event.duration_ns


def op_names(hlo: str) -> dict[str, str]:
    """HLO instruction -> the name that JAX gave the operation."""
    pattern = r"^\s*(?:ROOT )?%?([\w.\-]+) = .*metadata=\{[^}]*op_name=\"([^\"]*)\""
    return dict(re.findall(pattern, hlo, flags=re.MULTILINE))


def part_of(name: str) -> tuple[str, str]:
    """The part and the pass of an operation, by the name that JAX gave it, or else XLA ("fusion.7",
    which no part's pattern may match)."""
    if "/" not in name:
        return "not named: " + re.sub(r"[\d.]+", "", name)[:40], "forward"
    backward = "transpose(" in name or "rematted" in name or "remat" in name
    for part, pattern in PARTS.items():
        if re.search(pattern, name):
            return part, "backward" if backward else "forward"
    return "not named: " + re.sub(r"[\d.]+", "", name.rsplit("/", 1)[-1])[:40], "forward"


def table(times: dict[tuple[str, str], float]) -> Table:
    total = sum(times.values())
    result = Table(title=f"{total:.1f} ms of device time a step")
    for column in ("part", "forward ms", "backward ms", "share"):
        result.add_column(column, justify="left" if column == "part" else "right")
    parts = collections.Counter()
    for (part, _), value in times.items():
        parts[part] += value
    for part, value in parts.most_common(45):
        both = (times.get((part, side), 0.0) for side in ("forward", "backward"))
        result.add_row(part, *(f"{x:.2f}" for x in both), f"{100 * value / total:.1f} %")
    return result


def operations_table(
    operations: dict[str, tuple[float, float]], names: dict[str, str], count: int
) -> Table:
    """The slowest operations: how often they run, and what JAX calls them."""
    result = Table(title=f"the {count} slowest operations")
    for column in ("operation", "runs", "ms", "part", "name"):
        result.add_column(column, justify="right" if column in ("runs", "ms") else "left")
    slowest = sorted(operations.items(), key=lambda item: -item[1][1])[:count]
    for operation, (runs, milliseconds) in slowest:
        name = names.get(operation, "")
        part, side = part_of(name or operation)
        tail = "/".join(name.split("/")[-3:])
        result.add_row(operation, f"{runs:.0f}", f"{milliseconds:.2f}", f"{part} {side}", tail)
    return result


if __name__ == "__main__":
    main()
