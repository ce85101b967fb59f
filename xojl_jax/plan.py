"""Says what a config would build, without building it: `python -m xojl_jax.plan --config=FILE`.

Parameters by part, FLOPs by part, and the memory of the training state; all from shapes, so that
it takes seconds at any size and needs no accelerator.
"""

import collections

import jax
import numpy as np
from absl import flags
from ml_collections import config_flags
from rich.console import Console
from rich.table import Table

from xojl_jax import command, tasks
from xojl_jax.engine import sharding, state, step

USAGE = """
Prints a config's parameters, FLOPs and memory without training.

  python -m xojl_jax.plan --config=configs/stage4.py
  python -m xojl_jax.plan --config=configs/stage4.py:small --config.batch_size=16 --compile

--config=FILE[:PRESET]  as for xojl_jax.train
--compile               also compiles the training step for this machine's devices, and prints the
                        memory that it needs beside the state (tiny: half a minute; base: minutes)
"""

_CONFIG = config_flags.DEFINE_config_file("config", None, "FILE[:PRESET]", lock_config=True)
_COMPILE = flags.DEFINE_bool("compile", False, "compile the training step for this machine")

TRAINING = 3  # forward and backward, in multiples of the forward pass


def main() -> None:
    config = command.read_config(_CONFIG)
    task = tasks.make(config)
    mesh = sharding.make_mesh(config.mesh)
    sharding.check_batch_size(config.batch_size, config.optim.accumulate, mesh)
    plan = state.make_plan(task, config, mesh)
    console = Console()
    console.print(f"stage {config.stage}, preset {config.preset}, mesh {dict(mesh.shape)}")
    console.print(parameter_table(plan.abstract.params))
    console.print(flops_table(task.flops(), config.batch_size))
    console.print(memory_table(task, plan))
    if _COMPILE.value:
        console.print(compiled_table(task, config, plan))


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


def memory_table(task, plan: state.Plan) -> Table:
    """What lies on one device all the time."""
    trained = plan.abstract
    rows = {
        "parameters (float32)": trained.params,
        "optimiser": trained.opt_state,
        "running average": trained.ema,
        "gradients": trained.params,
        "one batch": step.abstract_batch(task, plan.mesh),
    }
    table = Table("array", title="memory of the state")
    table.add_column("MiB on each device", justify="right")
    for name, tree in rows.items():
        table.add_row(name, f"{_device_bytes(tree) / 2**20:,.1f}")
    total = sum(_device_bytes(tree) for tree in rows.values())
    table.add_row("all", f"{total / 2**20:,.1f}", style="bold")
    return table


def compiled_table(task, config, plan: state.Plan) -> Table:
    """What the compiler says of the step on this machine's devices."""
    arguments = (plan.abstract, step.abstract_batch(task, plan.mesh))
    train_step = step.make_train_step(task, config, plan)
    memory = step.compile_ahead(train_step, arguments, plan.mesh).memory_analysis()
    table = Table("array", title=f"the compiled step on {jax.devices()[0].device_kind}")
    table.add_column("MiB on each device", justify="right")
    table.add_row("arguments", f"{memory.argument_size_in_bytes / 2**20:,.1f}")
    table.add_row("temporary", f"{memory.temp_size_in_bytes / 2**20:,.1f}")
    return table


def _device_bytes(tree) -> int:
    """Bytes that one device holds of a tree of sharded arrays."""
    return sum(
        int(np.prod(leaf.sharding.shard_shape(leaf.shape))) * leaf.dtype.itemsize
        for leaf in jax.tree.leaves(tree)
    )


if __name__ == "__main__":
    command.run_absl(main, USAGE)
