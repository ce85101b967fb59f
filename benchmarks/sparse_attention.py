"""What the decoder's sparse attention saves (X098): a window, and beyond it the best keys or the
best blocks of keys, against all keys.

  python -m benchmarks.sparse_attention                                       # two CPU cores
  python -m benchmarks.sparse_attention --heads=12 --rows=8 --dtype=bfloat16  # a GPU

At each length: time and temporary memory of whole sequences, forward and with the backward pass;
and the time of one query at the end of a full cache, as in decoding. A cache holds the same keys
and values whatever attention reads of them; one that selects blocks holds their means, too.
Queries, keys and values are random. On CPUs times are processor time, else clock time. Prints a
table in Markdown.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xojl_jax.nn.attention import Mask, attend, attend_cached, block_sparse

Array = jax.Array
MIB = 2**20


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--lengths", type=int, nargs="*", default=[1024, 2048, 4096, 8192])
    add("--rows", type=int, default=1, help="sequences at once (default 1)")
    add("--heads", type=int, default=2)
    add("--head-dim", type=int, default=64)
    add("--dtype", default="float32", choices=["float32", "bfloat16"])
    add("--window", type=int, default=512)
    add("--top-k", type=int, default=64)
    add("--key-block", type=int, default=16)
    add("--repeats", type=int, default=5)
    flags = parser.parse_args(argv)
    print(
        f"{flags.rows} rows, {flags.heads} heads of {flags.head_dim}, {flags.dtype}, "
        f"{jax.devices()[0].device_kind}, jax {jax.__version__}\n\n"
        "| tokens | attends to | forward, ms | MiB | with backward, ms | MiB | a step, ms |\n"
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: |"
    )
    for length in flags.lengths:
        for name, mask in masks(flags).items():
            cells = [f"{x:.3g}" for x in measure(flags, length, mask)]
            print(f"| {length:,} | {name} | " + " | ".join(cells) + " |", flush=True)


def masks(flags: argparse.Namespace) -> dict[str, Mask]:
    keys = Mask(causal=True, window=flags.window, top_k=flags.top_k)
    blocks = keys.replace(key_block=flags.key_block)
    return {
        "all keys": Mask(causal=True),
        "a window and the best keys": keys,
        "a window and the best blocks": blocks,
    }


def measure(flags: argparse.Namespace, length: int, mask: Mask) -> list[float]:
    """Milliseconds and MiB forward, the same with the backward pass, milliseconds of a step."""
    noise = np.random.default_rng(0)
    shape = (flags.rows, length, flags.heads, flags.head_dim)
    q, k, v, weight = (jnp.asarray(noise.normal(size=shape), flags.dtype) for _ in range(4))

    def loss(q: Array, k: Array, v: Array) -> Array:
        return (attend(q, k, v, mask) * weight).astype(jnp.float32).sum()

    forward = of_program(lambda *x: attend(*x, mask), (q, k, v), flags.repeats)
    backward = of_program(jax.grad(loss, argnums=(0, 1, 2)), (q, k, v), flags.repeats)
    keys, values = k.swapaxes(1, 2), v.swapaxes(1, 2)
    means = block_sparse.block_means(keys, mask.key_block) if mask.key_block > 1 else None

    def step(q: Array, keys: Array, values: Array, means: Array | None, position: Array) -> Array:
        return attend_cached(q, keys, values, mask, position=position, means=means)

    inputs = (q[:, -1:] / flags.head_dim**0.5, keys, values, means, jnp.int32(length - 1))
    # A step is over in less than a clock tells apart.
    milliseconds, _ = of_program(step, inputs, flags.repeats, calls=50)
    return [*forward, *backward, milliseconds]


def of_program(
    function: Callable, arguments: tuple[Any, ...], repeats: int, calls: int = 1
) -> tuple[float, float]:
    """(milliseconds of a call, the median of some; MiB of temporary memory)."""
    program = jax.jit(function).lower(*arguments).compile()
    clock = time.process_time if jax.default_backend() == "cpu" else time.perf_counter
    times = []
    for _ in range(repeats + 1):
        began = clock()
        for _ in range(calls):
            jax.block_until_ready(program(*arguments))
        times.append((clock() - began) / calls)
    memory = program.memory_analysis().temp_size_in_bytes / MIB
    return 1e3 * float(np.median(times[1:])), memory


if __name__ == "__main__":
    main()
