"""One decoder for both views, or one for each (X082, X097); `config.model.decoder` names it.

"shared": the rows of both views run through one stack. "separate": the detail view's rows run
through the trunk's decoder, the semantic view's through a second one of the same size.

Rows are [B, views, hypotheses] in this order. R rows, L positions, D width, B records.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from xojl_jax.nn.decoder import Decoder, DecoderCache, grow_cache, reorder_cache
from xojl_jax.tasks.layout.encoded import Encoded

Array = jax.Array

DECODERS = {
    "shared": "both views run through one stack",
    "separate": "each view has a stack of its own",
}


@struct.dataclass
class ViewCaches:
    """A cache per view, in the order of the views' rows."""

    caches: tuple[DecoderCache, ...]


def run_stacks(stacks: Sequence[Decoder], x: Array, encoded: Encoded) -> Array:
    """Teacher forcing, [R, L, D] -> [R, L, D]; `stacks`: a decoder per view, or one for all."""
    records = encoded.memory.shape[0]
    memory = encoded.memory, encoded.memory_mask
    return _each(stacks, x, records, lambda stack, x: stack(x, *memory))


def start_caches(
    stacks: Sequence[Decoder], encoded: Encoded, rows: int, positions: int | None
) -> DecoderCache | ViewCaches:
    """What `step_stacks` needs at position 0, with room for so many positions (None: all)."""
    each = rows // len(stacks)
    caches = tuple(
        stack.start_cache(encoded.memory, encoded.memory_mask, each, positions) for stack in stacks
    )
    return caches[0] if len(stacks) == 1 else ViewCaches(caches)


def step_stacks(
    stacks: Sequence[Decoder], x: Array, cache: DecoderCache | ViewCaches, position: Array
) -> tuple[Array, DecoderCache | ViewCaches]:
    """One position, [R, D] -> [R, D] and the cache."""
    if isinstance(cache, DecoderCache):
        return stacks[0].step(x, cache, position)
    left, written = list(cache.caches), []

    def step(stack: Decoder, x: Array) -> Array:
        hidden, new = stack.step(x, left.pop(0), position)
        written.append(new)
        return hidden

    x = _each(stacks, x, cache.caches[0].memory_mask.shape[0], step)
    return x, ViewCaches(tuple(written))


def reorder_caches(cache: DecoderCache | ViewCaches, index: Array) -> DecoderCache | ViewCaches:
    """As `reorder_cache`; index int32[rows after], rows of the same record and view."""
    if isinstance(cache, DecoderCache):
        return reorder_cache(cache, index)
    views, first = len(cache.caches), cache.caches[0]
    records = first.memory_mask.shape[0]
    before = first.keys[0].shape[0] // records  # hypotheses a row, in the cache's own rows
    index = index.reshape(records, views, -1)
    local = index // (views * before) * before + index % before
    return ViewCaches(
        tuple(reorder_cache(c, local[:, view].reshape(-1)) for view, c in enumerate(cache.caches))
    )


def grow_caches(cache: DecoderCache | ViewCaches, positions: int) -> DecoderCache | ViewCaches:
    """The same with room for so many positions."""
    if isinstance(cache, DecoderCache):
        return grow_cache(cache, positions)
    return ViewCaches(tuple(grow_cache(c, positions) for c in cache.caches))


def _each(
    stacks: Sequence[Decoder], x: Array, records: int, run: Callable[[Any, Array], Array]
) -> Array:
    """`run(stack, rows of its view)` for every stack, the rows put together again."""
    if len(stacks) == 1:
        return run(stacks[0], x)
    rows = x.reshape(records, len(stacks), -1, *x.shape[1:])
    flat = functools.partial(jnp.reshape, shape=(-1, *x.shape[1:]))
    found = [run(stack, flat(rows[:, view])) for view, stack in enumerate(stacks)]
    found = [part.reshape(records, -1, *part.shape[1:]) for part in found]
    return flat(jnp.stack(found, axis=1))
