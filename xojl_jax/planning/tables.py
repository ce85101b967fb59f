"""What `xojl_jax.plan` prints: tables of a plan's shapes and of compiled steps, and advice."""

import collections

import jax
import numpy as np
from rich.table import Table

from xojl_jax.engine import sharding, state, step
from xojl_jax.engine.telemetry import TRAINING
from xojl_jax.planning.compile_report import CompileReport

GIB, MIB = 2**30, 2**20

_TIMES = {
    "products at peak": "matrix products at the chip's peak",
    "compiler": "all but collectives, as the compiler expects",
    "collectives": "collectives at the links' full speed, if nothing hides them",
}


def parameter_table(params) -> Table:
    """Parameters by part of the model, two levels deep."""
    count: dict[str, int] = collections.Counter()
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        count["/".join(sharding.path_name(path).split("/")[:2])] += leaf.size
    table = Table("part", title="parameters")
    table.add_column("millions", justify="right")
    for name, size in sorted(count.items(), key=lambda item: -item[1]):
        if size >= 0.001 * sum(count.values()):
            table.add_row(name, f"{size / 1e6:,.3f}")
    small = [size for size in count.values() if size < 0.001 * sum(count.values())]
    table.add_row(f"{len(small)} smaller parts", f"{sum(small) / 1e6:,.3f}")
    table.add_row("all", f"{sum(count.values()) / 1e6:,.3f}", style="bold")
    return table


def flops_table(parts: dict[str, float], batch_size: int) -> Table:
    table = Table("part", title="FLOPs (a multiply-add is two)")
    table.add_column("GFLOP a sample, forward", justify="right")
    for name, flops in parts.items():
        table.add_row(name, f"{flops / 1e9:,.2f}")
    total = sum(parts.values())
    table.add_row("forward", f"{total / 1e9:,.2f}", style="bold")
    table.add_row("training (3 x forward)", f"{TRAINING * total / 1e9:,.2f}", style="bold")
    table.add_row(f"a step of {batch_size} samples", f"{TRAINING * batch_size * total / 1e9:,.0f}")
    return table


def bucket_table(task) -> Table:
    """The shapes that batches come in, and what a sample costs in each; all other tables are of
    the full size."""
    table = Table("bucket", title="buckets")
    table.add_column("GFLOP a sample, forward", justify="right")
    table.add_column("share of the full size", justify="right")
    full = sum(task.flops().values())
    for bucket in task.buckets():
        flops = sum(task.flops(bucket).values())
        table.add_row(str(bucket), f"{flops / 1e9:,.2f}", f"{flops / full:.1%}")
    return table


def memory_table(task, setup: state.TrainSetup) -> Table:
    """What every device holds all the time."""
    table = Table("array", title="memory of the state")
    table.add_column("MiB on each device", justify="right")
    rows = state_bytes(setup) | {"one batch": _device_bytes(step.abstract_batch(task, setup.mesh))}
    for name, size in rows.items():
        table.add_row(name, f"{size / MIB:,.1f}")
    table.add_row("all", f"{sum(rows.values()) / MIB:,.1f}", style="bold")
    return table


def state_bytes(setup: state.TrainSetup) -> dict[str, int]:
    """Bytes of the training state on each device."""
    trained = setup.abstract
    rows = {
        "parameters (float32)": trained.params,
        "optimizer": trained.opt_state,
        "running average": trained.ema,
        **({"frozen parameters": trained.frozen} if jax.tree.leaves(trained.frozen) else {}),
        "gradients": trained.params,
    }
    return {name: _device_bytes(tree) for name, tree in rows.items()}


def sharding_lines(task, setup: state.TrainSetup) -> list[str]:
    """Every parameter and every array of the batch: shape, mesh axes of each dimension."""
    lines = ["how arrays are split (Adam's moments and the running average: as their parameters)"]
    arrays = {
        sharding.path_name(path): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(setup.abstract.params)
    }
    batch = step.abstract_batch(task, setup.mesh)
    arrays |= {f"batch/{name}": leaf for name, leaf in batch.items()}
    for name, leaf in sorted(arrays.items()):
        spec = (*leaf.sharding.spec, *[None] * leaf.ndim)[: leaf.ndim]
        axes = ", ".join("+".join(_as_tuple(axis)) or "-" for axis in spec)
        lines.append(f"{name}  {leaf.dtype.name}{list(leaf.shape)}  ({axes})")
    return lines


def compiled_table(found: CompileReport, what: str) -> Table:
    """The memory of a step, as the compiler reports it."""
    table = Table("memory", title=what)
    table.add_column("GiB on each device", justify="right")
    for name, size in found.memory.items():
        table.add_row(name, f"{size / GIB:,.2f}")
    table.add_row("all", f"{sum(found.memory.values()) / GIB:,.2f}", style="bold")
    if found.chip:
        table.add_row("the device has", f"{found.chip.memory / GIB:,.2f}")
    return table


def speed_table(found: CompileReport, task, config) -> Table:
    """What a training step computes, how long it should take, and MFU."""
    table = Table("work and time", title="a training step, as seen from one device")
    table.add_column("", justify="right")
    devices = found.devices
    model = TRAINING * config.batch_size * sum(task.flops().values()) / devices
    table.add_row("GFLOP of the model (3 x forward)", f"{model / 1e9:,.0f}")
    table.add_row("GFLOP that run, recomputation included", f"{found.cost.flops / 1e9:,.0f}")
    if found.cost.loops:
        table.add_row("  loops whose length depends on data, counted once", str(found.cost.loops))
    if found.cost.kernels:
        table.add_row("  calls of kernels whose work is not counted", f"{found.cost.kernels:,.0f}")
    for name, seconds in found.seconds(found.cost).items():
        table.add_row(_TIMES[name], f"{seconds * 1e3:,.2f} ms")
    if expected := found.expected_seconds(found.cost):
        table.add_row("expected step", f"{expected * 1e3:,.1f} ms", style="bold")
        table.add_row("samples a second, all devices", f"{config.batch_size / expected:,.0f}")
        table.add_row("expected MFU", f"{model / expected / found.chip.flops:.1%}", style="bold")
    return table


def traffic_table(found: CompileReport) -> Table:
    """The collectives of a step by kind and by the number of devices that take part in one."""
    table = Table("collective", title="between devices, a training step")
    table.add_column("devices in a group", justify="right")
    table.add_column("MiB that enter on each device", justify="right")
    for (kind, group), size in sorted(found.cost.traffic.items()):
        table.add_row(kind, str(group or "?"), f"{size / MIB:,.1f}")
    if not found.cost.traffic:
        table.add_row("none", "", "0.0")
    return table


def decoding_table(found: CompileReport, records: int) -> Table:
    table = compiled_table(found, f"answering {records} records at once, on one device")
    if found.round is None:
        return table
    rest = found.cost.flops - found.round.flops
    table.add_row("GFLOP of encoding", f"{rest / 1e9:,.1f}")
    table.add_row("GFLOP of each token", f"{found.round.flops / 1e9:,.2f}")
    expected = found.expected_seconds(found.cost)
    if expected:
        token = found.expected_seconds(found.round)
        table.add_row("expected, encoding", f"{(expected - token) * 1e3:,.1f} ms")
        table.add_row("expected, each token of all views", f"{token * 1e3:,.2f} ms")
    return table


def advice(config, setup: state.TrainSetup) -> str:
    """What to change where a step does not fit, the cheapest first."""
    held = sum(state_bytes(setup).values())
    rows = config.batch_size // (setup.mesh.shape["data"] * setup.mesh.shape["fsdp"])
    ways = []
    if rows > config.optim.accumulate:
        ways.append(f"--config.optim.accumulate={_next_divisor(rows, config.optim.accumulate)}")
    # The engine has no such field: a task whose model can recompute layers has.
    if config.get("model", {}).get("remat", "full") != "full":
        ways.append("--config.model.remat=full")
    if setup.mesh.shape["data"] > 1:
        fsdp = setup.mesh.shape["fsdp"] * _next_divisor(setup.mesh.shape["data"], 1)
        ways.append(f"--config.mesh.fsdp={fsdp}")
    ways.append(f"a --config.batch_size below {config.batch_size}, or more devices")
    return (
        f"each device holds {rows} sample(s) and {held / GIB:.1f} GiB of state; try, "
        f"in this order: {', '.join(ways)}"
    )


def _as_tuple(axis) -> tuple[str, ...]:
    return (axis,) if isinstance(axis, str) else tuple(axis or ())


def _device_bytes(tree) -> int:
    """Bytes that one device holds of a tree of sharded arrays."""
    return sum(
        int(np.prod(leaf.sharding.shard_shape(leaf.shape))) * leaf.dtype.itemsize
        for leaf in jax.tree.leaves(tree)
    )


def _next_divisor(number: int, above: int) -> int:
    return next(d for d in range(above + 1, number + 1) if number % d == 0)
