"""Decoding a batch of sections: encoding, milliseconds of a step, tokens a second.

  python -m benchmarks.decode --preset=base                # a GPU: 32 records, both views, 64 rows
  python -m benchmarks.decode --preset=tiny --records=4    # a CPU

Random weights, records of the sample data, greedy. Documents end where the weights happen to end
them, the same with every run. `free` decodes as many steps with every token legal instead of the
grammar, and without the cursor in the HTML tree that depends on what is written: the difference is
what they cost. Every line is printed as it is measured.
"""

import argparse
import functools
import time
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from configs import stage4
from xojl_jax import tasks
from xojl_jax.data.transforms import stack
from xojl_jax.nn.decoder import DecoderCache, cache_lengths
from xojl_jax.nn.decoding.phases import while_in_phases
from xojl_jax.tasks.layout.decode import decode_batch
from xojl_jax.tasks.layout.decoder_stacks import ViewCaches, grow_caches
from xojl_jax.tasks.layout.html_cursor import HtmlCursor
from xojl_jax.tasks.layout.model import LayoutModel


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--records", type=int, default=32, help="each is two rows, one for a view")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--no-free", action="store_true", help="leaves out decoding without grammar"
    )
    flags = parser.parse_args()
    task = tasks.make(stage4.get_config(flags.preset))
    params, batch = inputs(task, flags.records)
    device = jax.devices()[0]
    print(
        f"{flags.preset}, {flags.records} records, {2 * flags.records} rows, "
        f"{device.device_kind}, jax {jax.__version__}",
        flush=True,
    )
    encode = functools.partial(task.model().apply, method=LayoutModel.encode)
    encoding = measure("encoding", encode, ({"params": params}, batch), flags.repeats)[0]

    whole = functools.partial(decode_batch, task)
    seconds, found = measure("encoding and decoding", whole, (params, batch), flags.repeats)
    steps, tokens = int(found.length.max()), int(found.length.sum())
    print(
        f"  {steps} steps, {tokens} tokens: {1e3 * (seconds - encoding) / steps:.3f} ms a step, "
        f"{tokens / (seconds - encoding):.0f} tokens/s in the loop, {tokens / seconds:.0f} with "
        "encoding",
        flush=True,
    )
    if not flags.no_free:
        free = functools.partial(decode_freely, task, steps=steps)
        seconds, _ = measure("the same without grammar", free, (params, batch), flags.repeats)
        print(f"  {1e3 * (seconds - encoding) / steps:.3f} ms a step", flush=True)


def inputs(task, records: int):
    """Random parameters, and a batch of the sample data."""
    shapes = nn.meta.unbox(jax.eval_shape(task.init, jax.random.key(0)))
    noise = np.random.default_rng(0)

    def fill(path, leaf):
        center = 1.0 if path[-1].key == "scale" else 0.0
        return jnp.asarray(noise.normal(center, 0.03, leaf.shape).astype(leaf.dtype))

    dataset = task.dataset("val")
    samples = [dataset[i % len(dataset)] for i in range(records)]
    batch = jax.tree.map(jnp.asarray, stack(samples))
    return jax.tree_util.tree_map_with_path(fill, shapes), batch


def measure(name: str, function, arguments, repeats: int):
    """The median of the seconds of a call, which it prints, and the result."""
    began = time.perf_counter()
    compiled = jax.jit(function).lower(*arguments).compile()
    compiling = time.perf_counter() - began
    result = jax.block_until_ready(compiled(*arguments))
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        jax.block_until_ready(compiled(*arguments))
        seconds.append(time.perf_counter() - began)
    print(
        f"{name}: {1e3 * np.median(seconds):.1f} ms (compiled in {compiling:.1f} s, temporary "
        f"memory {compiled.memory_analysis().temp_size_in_bytes / 2**30:.2f} GiB)",
        flush=True,
    )
    return float(np.median(seconds)), result


class _Free(NamedTuple):
    position: jax.Array  # int32[]
    model: DecoderCache | ViewCaches
    last: jax.Array  # int32[R]
    tokens: jax.Array  # int32[R, steps]


def decode_freely(task, params, batch, *, steps: int):
    """The tokens of so many steps, each the most probable one of all: int32[R, steps]."""
    apply = functools.partial(task.model().apply, {"params": params})
    encoded, _ = apply(batch, method=LayoutModel.encode)
    rows, nodes = 2 * batch["html_mask"].shape[0], batch["html_mask"].shape[1]
    lengths = cache_lengths(task.config.model.max_target)
    lengths = (*(length for length in lengths if length < steps), max(steps, lengths[0]))
    zero = jnp.zeros(rows, jnp.int32)
    detail = jnp.arange(rows) % 2 == 1
    cursor = HtmlCursor(zero[:, None] - 1, zero[:, None], jnp.zeros((rows, 1, nodes), jnp.int32))

    cache = apply(encoded, rows, lengths[0], method=LayoutModel.start_cache)

    def step(state):
        arguments = (encoded, state.model, state.position, state.last, cursor, zero, detail)
        logits, cache = apply(*arguments, method=LayoutModel.next_logits)
        last = logits.argmax(-1).astype(jnp.int32)
        tokens = jax.lax.dynamic_update_slice(
            state.tokens, last[:, None], (jnp.int32(0), state.position)
        )
        return _Free(state.position + 1, cache, last, tokens)

    first = _Free(jnp.int32(0), cache, zero + 1, jnp.zeros((rows, steps), jnp.int32))
    return while_in_phases(
        lambda state: state.position < steps, step, first, lengths, grow_caches
    ).tokens


if __name__ == "__main__":
    main()
