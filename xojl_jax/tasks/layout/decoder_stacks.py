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
from xojl_jax.tasks.layout.written_tree import next_place

Array = jax.Array

DECODERS = {
    "shared": "both views run through one stack",
    "separate": "each view has a stack of its own",
}


@struct.dataclass
class ViewCaches:
    """A cache per view, in the order of the views' rows."""

    caches: tuple[DecoderCache, ...]


def run_stacks(
    stacks: Sequence[Decoder], x: Array, encoded: Encoded, places: Array | None = None
) -> Array:
    """Teacher forcing, [R, L, D] -> [R, L, D].

    Args:
      stacks: a decoder per view, or one for all.
      places: int32[R, L, 2], for decoders with a `tree_bias`.
    """
    records = encoded.memory.shape[0]
    memory = encoded.memory, encoded.memory_mask

    def run(stack: Decoder, x: Array, places: Array | None) -> Array:
        return stack(x, *memory, places=places)

    return _each(stacks, (x, places), records, run)


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
    stacks: Sequence[Decoder],
    x: Array,
    cache: DecoderCache | ViewCaches,
    position: Array,
    tokens: Array,
) -> tuple[Array, DecoderCache | ViewCaches]:
    """One position, [R, D] and the tokens there, int32[R, 1] -> [R, D] and the cache."""
    if isinstance(cache, DecoderCache):
        return _step(stacks[0], x, cache, position, tokens)
    left, written = list(cache.caches), []

    def step(stack: Decoder, x: Array, tokens: Array) -> Array:
        hidden, new = _step(stack, x, left.pop(0), position, tokens)
        written.append(new)
        return hidden

    x = _each(stacks, (x, tokens), cache.caches[0].memory_mask.shape[0], step)
    return x, ViewCaches(tuple(written))


def _step(
    stack: Decoder, x: Array, cache: DecoderCache, position: Array, tokens: Array
) -> tuple[Array, DecoderCache]:
    place = None if cache.places is None else next_place(cache.places, position, tokens[:, 0])
    return stack.step(x, cache, position, place=place)


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
    stacks: Sequence[Decoder], inputs: tuple[Any, ...], records: int, run: Callable[..., Array]
) -> Array:
    """`run(stack, *rows of its view)` for every stack, the rows put together again.

    inputs: arrays [R, …], or None.
    """
    if len(stacks) == 1:
        return run(stacks[0], *inputs)

    def of_view(x: Array, view: int) -> Array:
        rows = x.reshape(records, len(stacks), -1, *x.shape[1:])
        return rows[:, view].reshape(-1, *x.shape[1:])

    found = []
    for view, stack in enumerate(stacks):
        own = jax.tree.map(functools.partial(of_view, view=view), inputs)
        found.append(run(stack, *own).reshape(records, -1, *inputs[0].shape[1:]))
    return jnp.stack(found, axis=1).reshape(-1, *inputs[0].shape[1:])
