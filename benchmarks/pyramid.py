"""What the feature pyramid costs (X066): the decoder's memory of a picture with and without it.

  python -m benchmarks.pyramid --preset=base                     # two CPU cores
  python -m benchmarks.pyramid --preset=base --topology=v5e:2x4  # compiled for a chip, nothing runs

Of `VisualMemory` alone, with every entry of `PICTURE_LEVELS`: parameters, temporary memory and
time, forward and with the backward pass, of pictures of the preset's full size. Numbers are
random. On CPUs times are processor time, else clock time; with --topology they are what the
compiler expects of one chip (docs/plan.md). Prints a table in Markdown. Whole models, with and
without:
`python -m benchmarks.switches --set=pyramid`.
"""

import argparse
import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from benchmarks.sparse_attention import MIB, of_program
from configs import stage4
from xojl_jax import command, tasks
from xojl_jax.engine import sharding
from xojl_jax.planning import compile_report
from xojl_jax.tasks.layout.model_config import ModelConfig
from xojl_jax.tasks.layout.visual_memory import PICTURE_LEVELS, VisualMemory


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", default="tiny", help="of configs/stage4.py (default tiny)")
    parser.add_argument("--pictures", type=int, default=1, help="at once (default 1)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--topology", default="", help="only compile, for this slice")
    flags = parser.parse_args(argv)
    devices = compile_report.topology(flags.topology) if flags.topology else jax.devices()
    config = tasks.make(stage4.get_config(flags.preset)).model_config
    rows, columns = config.grid
    print(
        f"{flags.preset}, {flags.pictures} picture(s) of {rows} x {columns} patches, "
        f"{config.block.dtype}, {devices[0].device_kind}, jax {jax.__version__}\n\n"
        "| level | parameters, M | forward, ms | MiB | with backward, ms | MiB |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: |"
    )
    for name in PICTURE_LEVELS:
        found = dataclasses.replace(config, visual_memory=name)
        cells = measure(found, flags, devices[0] if flags.topology else None)
        print(f"| {name} | " + " | ".join(f"{x:.3g}" for x in cells) + " |", flush=True)


def measure(config: ModelConfig, flags: argparse.Namespace, chip) -> list[float]:
    """Millions of parameters; ms and MiB forward, and of the gradient by everything.

    chip: what to compile for, None to run here.
    """
    model, shapes = VisualMemory(config), inputs(config, flags.pictures)
    init = jax.eval_shape(lambda *x: model.init(jax.random.key(0), *x, config.grid), *shapes)
    params = nn.meta.unbox(init)

    def forward(params, *inputs):
        return model.apply(params, *inputs, config.grid).tokens

    def loss(params, html, html_mask, patches, patch_mask, taps):
        tokens = forward(params, html, html_mask, patches, patch_mask, taps)
        return (tokens.astype(jnp.float32) ** 2).sum()

    millions = sum(leaf.size for leaf in jax.tree.leaves(params)) / 1e6
    programs = (forward, jax.grad(loss, argnums=(0, 1, 3, 5)))
    arguments = (params, *shapes)
    if chip is not None:
        each = [expected(program, arguments, chip) for program in programs]
    else:
        filled = jax.tree.map(_noise, arguments)
        each = [of_program(program, filled, flags.repeats) for program in programs]
    return [millions, *(figure for pair in each for figure in pair)]


def inputs(config: ModelConfig, pictures: int) -> tuple[jax.ShapeDtypeStruct, ...]:
    """HTML tokens, their mask, patches, their mask, and taps, as `VisualMemory` is called."""
    width, dtype = config.block.width, config.block.jnp_dtype
    html, patches = (pictures, config.html.max_nodes), (pictures, config.num_patches)
    return (
        jax.ShapeDtypeStruct((*html, width), dtype),
        jax.ShapeDtypeStruct(html, bool),
        jax.ShapeDtypeStruct((*patches, width), dtype),
        jax.ShapeDtypeStruct(patches, bool),
        jax.ShapeDtypeStruct((4, *patches, width), dtype),
    )


def _noise(shape: jax.ShapeDtypeStruct) -> jax.Array:
    if shape.dtype == bool:
        return jnp.ones(shape.shape, bool)
    noise = np.random.default_rng(0).normal(0, 0.1, shape.shape)
    return jnp.asarray(noise, shape.dtype)


def expected(program: Callable, arguments: tuple, chip) -> tuple[float, float]:
    """(ms that the compiler expects of one chip; MiB of temporary memory)."""
    mesh = sharding.single(chip)
    whole = sharding.replicated(mesh)
    placed = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=whole), arguments
    )
    found = compile_report.compile_step(jax.jit(program), placed, mesh)
    return 1e3 * (found.expected_seconds(found.cost) or float("nan")), found.memory[
        "temporary"
    ] / MIB


if __name__ == "__main__":
    command.run(main)
