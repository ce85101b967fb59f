"""What the decoder's cache of keys and values is worth: time and memory, with it and without.

  python -m benchmarks.cached_attention --width=128 --layers=2             # two CPU cores
  python -m benchmarks.cached_attention --width=768 --layers=6 --lengths 256 2048 --tokens
  python -m benchmarks.cached_attention --width=768 --layers=6 --rows=16   # a GPU

Random weights, a memory of 256 tokens, float32 unless --dtype says otherwise. On CPUs the times are
processor time, on accelerators clock time. Prints tables in Markdown:

- n tokens written one after the other, with a cache and without (X094), and how the time grows: e,
  where it is proportional to n^e. Without a cache, every token runs the decoder over the whole
  sequence, whose shape is static.
- one token behind n - 1 others (X102), by what is kept between tokens (`WAYS`): what that holds,
  what is there beside it while the token is written, and the time. Memory is the compiled
  program's, without parameters and the memory's keys, the same for all. With --tokens, this alone.
"""

import argparse
import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from xojl_jax.nn.config import BlockConfig, DecoderConfig
from xojl_jax.nn.decoder import CAUSAL, Decoder, cache_lengths, grow_cache

MEMORY = 256
MIB = 2**20


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--rows", type=int, default=4, help="sequences at once")
    parser.add_argument("--lengths", type=int, nargs="*", default=[64, 128, 256])
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--tokens", action="store_true", help="only of single tokens")
    flags = parser.parse_args(argv)
    device = jax.devices()[0].device_kind
    print(f"width {flags.width}, {flags.layers} layers, {flags.rows} rows, {flags.dtype}, {device}")
    if not flags.tokens:
        print_sequences(flags)
    print_tokens(flags)


def print_sequences(flags: argparse.Namespace) -> None:
    print("\n| tokens | cached, s | without, s | times as fast |")
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


def print_tokens(flags: argparse.Namespace) -> None:
    print("\n| token | kept between tokens | held, MiB | beside it, MiB | ms a token |")
    print("| ---: | --- | ---: | ---: | ---: |")
    given = setting(flags, max(flags.lengths))
    for length in flags.lengths:
        for name, way in WAYS.items():
            token = way(given, length)
            held, beside, milliseconds = measure(token)
            print(
                f"| {length} | {name} | {held:.2f} | {beside:.2f} | {milliseconds:.2f} |",
                flush=True,
            )


# --- the decoder, and n tokens --------------------------------------------------------------------


class Setting(NamedTuple):
    """A decoder with random weights, and what it reads.

    Attributes:
      first: [R, 1, D], the first input.
      memory: [R, M, D]. mask: bool[R, M].
    """

    decoder: Decoder
    params: dict
    first: jax.Array
    memory: jax.Array
    mask: jax.Array


def setting(flags: argparse.Namespace, length: int) -> Setting:
    heads = max(1, flags.width // 64)
    block = BlockConfig(width=flags.width, heads=heads, dtype=flags.dtype, remat="none")
    decoder = Decoder(DecoderConfig(block, flags.layers, length))
    noise = np.random.default_rng(0)
    first = jnp.asarray(noise.normal(size=(flags.rows, 1, flags.width)), flags.dtype)
    memory = jnp.asarray(noise.normal(size=(flags.rows, MEMORY, flags.width)), flags.dtype)
    mask = jnp.ones((flags.rows, MEMORY), bool)
    params = nn.meta.unbox(jax.jit(decoder.init)(jax.random.key(0), first, memory, mask, CAUSAL))
    return Setting(decoder, params, first, memory, mask)


def programs(flags: argparse.Namespace, length: int) -> list[tuple[Callable, tuple]]:
    """(jitted function, arguments) of writing `length` tokens with a cache, and without.

    Both feed each hidden state back as the next input: nothing is known ahead.
    """
    decoder, params, first, memory, mask = setting(flags, length)

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
        written = jnp.zeros((flags.rows, length, flags.width), first.dtype)

        def step(carry, position):
            written, x = carry
            written = jax.lax.dynamic_update_slice(written, x, (0, position, 0))
            hidden = decoder.apply(params, written, memory, mask, CAUSAL)
            return (written, jax.lax.dynamic_slice_in_dim(hidden, position, 1, axis=1)), None

        positions = jnp.arange(length, dtype=jnp.int32)
        return jax.lax.scan(step, (written, x), positions)[0][1]

    arguments = (params, first, memory)
    return [(jax.jit(cached), arguments), (jax.jit(without), arguments)]


# --- one token, by what is kept ------------------------------------------------------------------


class Token(NamedTuple):
    """A program that writes one more token.

    Attributes:
      write: jitted, (kept, …) -> (hidden [R, D], what is kept for the next token).
      kept: what the program is given of earlier tokens, and the next one is of this.
      others: the arguments behind it.
      held: bytes of `kept`, parameters and the memory's keys left out.
      again: whether the result can be given to the same program. (A longer cache cannot.)
    """

    write: Callable
    kept: object
    others: tuple
    held: int
    again: bool = True


def _with_cache(given: Setting, length: int, room: int, *, grows: bool = False) -> Token:
    decoder, params, first, memory, mask = given
    cache = decoder.apply(params, memory, mask, len(first), room, method="start_cache")
    kept = jax.tree.map(jnp.copy, (cache.keys, cache.values))  # all layers begin with one array

    def write(kept, cache, params, x, position):
        cache = cache.replace(keys=kept[0], values=kept[1])
        if grows:
            cache = grow_cache(cache, length)
        hidden, cache = decoder.apply(params, x, cache, position, CAUSAL, method="step")
        return hidden, (cache.keys, cache.values)

    # A cache that is longer afterwards can take no argument's place.
    jitted = jax.jit(write) if grows else jax.jit(write, donate_argnums=0)
    held = sum(x.nbytes for x in jax.tree.leaves(kept))
    others = (cache.replace(keys=(), values=()), params, first[:, 0], jnp.int32(length - 1))
    return Token(jitted, kept, others, held, again=not grows)


def preallocated(given: Setting, length: int) -> Token:
    """Room for all tokens from the start; each writes its place."""
    return _with_cache(given, length, given.decoder.config.max_length)


def in_phases(given: Setting, length: int) -> Token:
    """Room for the next power of two: what decoding does (`cache_lengths`)."""
    sizes = cache_lengths(given.decoder.config.max_length)
    return _with_cache(given, length, next(size for size in sizes if size >= length))


def concatenated(given: Setting, length: int) -> Token:
    """Room for what is there; each token makes a new cache that is one longer, in a program of its
    own."""
    return _with_cache(given, length, length - 1, grows=True)


def nothing(given: Setting, length: int) -> Token:
    """No keys, the inputs alone: every token runs the decoder over all of them."""
    decoder, params, first, memory, mask = given

    def write(written, params, x, memory, position):
        written = jax.lax.dynamic_update_slice(written, x[:, None], (0, position, 0))
        hidden = decoder.apply(params, written, memory, mask, CAUSAL)
        return jax.lax.dynamic_index_in_dim(hidden, position, 1, keepdims=False), written

    written = jnp.zeros((len(first), length, first.shape[-1]), first.dtype)
    others = (params, first[:, 0], memory, jnp.int32(length - 1))
    return Token(jax.jit(write, donate_argnums=0), written, others, written.nbytes)


WAYS: dict[str, Callable[[Setting, int], Token]] = {
    "a cache, preallocated": preallocated,
    "a cache, in phases": in_phases,
    "a cache, concatenated": concatenated,
    "no cache": nothing,
}


def measure(token: Token, repeats: int = 5) -> tuple[float, float, float]:
    """(MiB held between tokens, MiB beside it while one is written, ms)."""
    program = token.write.lower(token.kept, *token.others).compile()
    memory = program.memory_analysis()
    new = memory.output_size_in_bytes - memory.alias_size_in_bytes + memory.temp_size_in_bytes
    clock = _clock()
    kept, times = token.kept, []
    for _ in range(repeats + 1):
        began = clock()
        _, after = jax.block_until_ready(program(kept, *token.others))
        times.append(clock() - began)
        if token.again:
            kept = after
    return token.held / MIB, new / MIB, 1e3 * float(np.median(times[1:]))


def seconds(program: Callable, arguments: tuple, repeats: int = 3) -> float:
    """The median of a few runs, compilation left out."""
    clock = _clock()
    jax.block_until_ready(program(*arguments))
    times = []
    for _ in range(repeats):
        began = clock()
        jax.block_until_ready(program(*arguments))
        times.append(clock() - began)
    return float(np.median(times))


def _clock() -> Callable[[], float]:
    return time.process_time if jax.default_backend() == "cpu" else time.perf_counter


if __name__ == "__main__":
    main()
