"""What the decoder's cache of keys and values is worth: n tokens written with it, and without.

  python -m benchmarks.cached_attention --width=128 --layers=2             # two CPU cores
  python -m benchmarks.cached_attention --width=768 --layers=6 --rows=16   # a GPU

Without a cache (X094), every token runs the decoder over the whole sequence, whose shape is static.
Random weights, a memory of 256 tokens, float32. On CPUs the times are processor time, on
accelerators clock time. Prints a table in Markdown, and how the time grows: e, where it is
proportional to n^e.
"""

import argparse
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from xojl_jax.nn.config import BlockConfig, DecoderConfig
from xojl_jax.nn.decoder import CAUSAL, Decoder

MEMORY = 256


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--rows", type=int, default=4, help="sequences at once")
    parser.add_argument("--lengths", type=int, nargs="*", default=[64, 128, 256])
    flags = parser.parse_args()
    device = jax.devices()[0].device_kind
    print(f"width {flags.width}, {flags.layers} layers, {flags.rows} rows, {device}")
    print("| tokens | cached, s | without, s | times as fast |")
    print("| ---: | ---: | ---: | ---: |")
    found = []
    for length in flags.lengths:
        found.append([seconds(*made) for made in programs(flags, length)])
        cached, without = found[-1]
        ratio = without / cached
        print(f"| {length} | {cached:.3f} | {without:.3f} | {ratio:.1f} |", flush=True)
    logs = np.log(np.array(found))
    for name, times in zip(("cached", "without"), logs.T, strict=True):
        exponent = np.polyfit(np.log(flags.lengths), times, 1)[0]
        print(f"{name}: time grows as n^{exponent:.2f}")


def programs(flags: argparse.Namespace, length: int) -> list[tuple[Callable, tuple]]:
    """(jitted function, arguments) of writing `length` tokens with a cache, and without.

    Both feed each hidden state back as the next input: nothing is known ahead.
    """
    heads = max(1, flags.width // 64)
    block = BlockConfig(width=flags.width, heads=heads, dtype="float32", remat="none")
    decoder = Decoder(DecoderConfig(block, flags.layers, length))
    noise = np.random.default_rng(0)
    first = jnp.asarray(noise.normal(size=(flags.rows, 1, flags.width)), jnp.float32)
    memory = jnp.asarray(noise.normal(size=(flags.rows, MEMORY, flags.width)), jnp.float32)
    mask = jnp.ones((flags.rows, MEMORY), bool)
    params = nn.meta.unbox(jax.jit(decoder.init)(jax.random.key(0), first, memory, mask, CAUSAL))

    def cached(params, first, memory):
        cache = decoder.apply(params, memory, mask, flags.rows, method="start_cache")

        def step(carry, position):
            cache, x = carry
            x, cache = decoder.apply(params, x[:, 0], cache, position, CAUSAL, method="step")
            return (cache, x[:, None]), None

        positions = jnp.arange(length, dtype=jnp.int32)
        return jax.lax.scan(step, (cache, first), positions)[0][1]

    def without(params, first, memory):
        x = first
        written = jnp.zeros((flags.rows, length, flags.width), jnp.float32)

        def step(carry, position):
            written, x = carry
            written = jax.lax.dynamic_update_slice(written, x, (0, position, 0))
            hidden = decoder.apply(params, written, memory, mask, CAUSAL)
            return (written, jax.lax.dynamic_slice_in_dim(hidden, position, 1, axis=1)), None

        positions = jnp.arange(length, dtype=jnp.int32)
        return jax.lax.scan(step, (written, x), positions)[0][1]

    arguments = (params, first, memory)
    return [(jax.jit(cached), arguments), (jax.jit(without), arguments)]


def seconds(program: Callable, arguments: tuple, repeats: int = 3) -> float:
    """The median of a few runs, compilation left out."""
    clock = time.process_time if jax.default_backend() == "cpu" else time.perf_counter
    jax.block_until_ready(program(*arguments))
    times = []
    for _ in range(repeats):
        began = clock()
        jax.block_until_ready(program(*arguments))
        times.append(clock() - began)
    return float(np.median(times))


if __name__ == "__main__":
    main()
