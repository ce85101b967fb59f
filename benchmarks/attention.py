"""Blockwise attention against dense attention: time and temporary memory, as ratios from one run.

    python -m benchmarks.attention
    python -m benchmarks.attention --lengths 3624 14400 --heads 12 --head-dim 64 --dtype bfloat16

Each row is one length and one pass. Time is the median of the timed runs, the two variants taking
turns, so that a busy machine slows both. Memory is what the compiled program asks for beside its
arguments and results. A variant that would need more than --limit-gib is compiled, not run.
"""

import argparse
import statistics
import time

import jax
import jax.numpy as jnp

from xojl_jax.nn.attention import Mask, attend, attend_dense

VARIANTS = {"blockwise": attend, "dense": attend_dense}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lengths", type=int, nargs="+", default=[512, 1024, 2048, 3624, 14400])
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--heads", type=int, default=2)
    parser.add_argument("--head-dim", type=int, default=64)
    parser.add_argument("--block-size", type=int, default=512)
    parser.add_argument("--window", type=int, help="local attention: so many tokens to each side")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--warm-up", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit-gib", type=float, default=2.0)
    return parser.parse_args()


def compiled_passes(options: argparse.Namespace, length: int, variant: str) -> dict:
    """Compiled forward and forward-plus-backward of one variant, by name of the pass."""
    shape = (options.batch, length, options.heads, options.head_dim)
    arguments = [jax.ShapeDtypeStruct(shape, options.dtype)] * 3
    mask = Mask(exclude_self=True, window=options.window)
    extra = {"block_size": options.block_size} if variant == "blockwise" else {}

    def forward(q, k, v):
        return VARIANTS[variant](q, k, v, mask, **extra)

    def loss(q, k, v):
        return forward(q, k, v).astype(jnp.float32).sum()

    passes = {"forward": forward, "fwd+bwd": jax.grad(loss, argnums=(0, 1, 2))}
    return {name: jax.jit(f).lower(*arguments).compile() for name, f in passes.items()}


def measure(options: argparse.Namespace, length: int, compiled: dict) -> dict:
    """Median seconds of each variant."""
    shape = (options.batch, length, options.heads, options.head_dim)
    keys = jax.random.split(jax.random.key(0), 3)
    inputs = [jax.random.normal(key, shape, options.dtype) for key in keys]
    seconds = {name: [] for name in compiled}
    for turn in range(options.warm_up + options.repeats):
        for name, program in compiled.items():
            start = time.perf_counter()
            jax.block_until_ready(program(*inputs))
            if turn >= options.warm_up:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def main() -> None:
    options = parse_arguments()
    device = jax.devices()[0]
    print(
        f"{device.platform} ({device.device_kind}), jax {jax.__version__}, {options.dtype}, batch "
        f"{options.batch}, {options.heads} heads of {options.head_dim}, blocks of "
        f"{options.block_size}, window {options.window}, {options.repeats} timed runs, medians"
    )
    print(
        f"{'length':>7} {'pass':>8} {'dense MiB':>10} {'block MiB':>10} {'memory':>8} {'time':>8}"
    )
    for length in options.lengths:
        programs = {name: compiled_passes(options, length, name) for name in VARIANTS}
        for name in ("forward", "fwd+bwd"):
            compiled = {variant: programs[variant][name] for variant in VARIANTS}
            mib = {
                variant: program.memory_analysis().temp_size_in_bytes / 2**20
                for variant, program in compiled.items()
            }
            ratio = "not run"
            if max(mib.values()) <= options.limit_gib * 1024:
                seconds = measure(options, length, compiled)
                ratio = f"{seconds['blockwise'] / seconds['dense']:.2f}"
            print(
                f"{length:>7} {name:>8} {mib['dense']:>10.1f} {mib['blockwise']:>10.1f} "
                f"{mib['blockwise'] / mib['dense']:>8.3f} {ratio:>8}",
                flush=True,
            )
    print("memory, time: blockwise / dense")


if __name__ == "__main__":
    main()
