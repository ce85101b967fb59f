"""Which keys a query may attend to, as data: each implementation works out the part that it needs.

Letters: B batch, T tokens, Tq queries, S keys, R and C rows and columns of one block of scores.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Bool, Int

Array = jax.Array

# The tiles of attention kernels take lengths that are a multiple of this. A module may pad its
# tokens once, and mask them: otherwise each call copies its arguments to pad them.
LENGTH_MULTIPLE = 8


def _whole(x: Array) -> Array:
    return x


@struct.dataclass
class Mask:
    """Which keys a query may attend to: the conjunction of all that is set.

    Query i and key i are the same token wherever positions matter. `order` and `segments` are one
    array for queries and keys alike, or a pair of them where the two differ.

    Attributes:
      key_mask: bool[B or 1, S], False in padding.
      order: int32[B or 1, T], or a pair [B or 1, Tq], [B or 1, S]: key j is seen by query i where
        order[j] <= order[i]. Equal numbers see one another, so that one array says which tokens are
        bidirectional and which causal (see `prefix_order`).
      segments: int32[B or 1, T], or a pair: a query sees only keys of its own segment, as in
        sequences packed into one row.
      causal: key j is seen by queries i >= j. Unlike an `order`, it lets blocks be skipped.
      exclude_self: query i does not see key i.
      window: only keys with |i - j| <= window, except that the first `window_prefix` tokens see,
        and are seen by, all.
      top_k: beyond the window, a query sees the so many keys of the highest scores, too: which ones
        no position tells, so `visible` leaves the window out, and `near` has it.
      key_block: how many neighboring keys are selected together, by their mean (block_sparse.py);
        1: each by its own score. `top_k` is a multiple of it, and the window at least one less.
    """

    key_mask: Array | None = None
    order: Array | tuple[Array, Array] | None = None
    segments: Array | tuple[Array, Array] | None = None
    causal: bool = struct.field(pytree_node=False, default=False)
    exclude_self: bool = struct.field(pytree_node=False, default=False)
    window: int | None = struct.field(pytree_node=False, default=None)
    window_prefix: int = struct.field(pytree_node=False, default=0)
    top_k: int | None = struct.field(pytree_node=False, default=None)
    key_block: int = struct.field(pytree_node=False, default=1)

    @property
    def banded(self) -> bool:
        """Whether positions alone rule out whole blocks of scores."""
        return self.causal or (self.window is not None and self.top_k is None)

    def visible(
        self,
        rows: Int[Array, " R"],
        columns: Int[Array, " C"],
        of_rows: Callable[[Array], Array] = _whole,
        of_columns: Callable[[Array], Array] = _whole,
    ) -> Bool[Array, "R C"] | Bool[Array, "#B 1 #R C"] | None:
        """A block of the mask: bool[R, C] or bool[B or 1, 1, R, C], True where query and key meet.

        This is the only place where the rules are written down: whole sequences, blocks of them and
        single steps of a cached decoder all come here.

        Args:
          rows, columns: int32[R], int32[C], positions of the queries and of the keys.
          of_rows, of_columns: cut the block's part [..., R] out of an array over all queries
            [..., Tq], and [..., C] out of one over all keys [..., S].

        Returns:
          The block, or None if every query sees every key.
        """
        parts = []
        by_position = self._by_position(rows, columns)
        if by_position is not None:
            parts.append(by_position)
        if self.key_mask is not None:
            parts.append(of_columns(self.key_mask)[:, None, None, :])
        # Of slices, so that comparing costs a block at a time: never [T, T].
        for data, rule in ((self.order, jnp.greater_equal), (self.segments, jnp.equal)):
            if data is not None:
                queries, keys = data if isinstance(data, tuple) else (data, data)
                parts.append(
                    rule(of_rows(queries)[:, None, :, None], of_columns(keys)[:, None, None, :])
                )
        return functools.reduce(jnp.logical_and, parts) if parts else None

    def _by_position(self, rows: Array, columns: Array) -> Array | None:
        """bool[R, C], what follows from positions alone; None if all pairs are allowed."""
        i, j = rows[:, None], columns[None, :]
        parts = []
        if self.causal:
            parts.append(j <= i)
        if self.exclude_self:
            parts.append(i != j)
        if self.window is not None and self.top_k is None:
            parts.append(self.near(rows, columns))
        return functools.reduce(jnp.logical_and, parts) if parts else None

    def near(self, rows: Int[Array, " R"], columns: Int[Array, " C"]) -> Bool[Array, "R C"]:
        """bool[R, C], the pairs within the window."""
        assert self.window is not None
        i, j = rows[:, None], columns[None, :]
        # CLS and other summaries at the front would be cut off from most tokens.
        prefix = (i < self.window_prefix) | (j < self.window_prefix)
        return (jnp.abs(i - j) <= self.window) | prefix

    def padded(self, more_rows: int, more_columns: int, columns: int) -> "Mask":
        """The same mask for sequences with so many more queries and keys, which nobody sees.

        columns: S, the number of keys before.
        """
        mask = self
        if more_columns:
            key_mask = jnp.ones((1, columns), bool) if self.key_mask is None else self.key_mask
            mask = mask.replace(key_mask=_pad(key_mask, more_columns))

        # What a padded query sees does not matter, and the key mask hides padded keys.
        def pad_pair(data: Array | tuple[Array, Array] | None) -> tuple[Array, Array] | None:
            if data is None:
                return None
            queries, keys = data if isinstance(data, tuple) else (data, data)
            return _pad(queries, more_rows), _pad(keys, more_columns)

        return mask.replace(order=pad_pair(self.order), segments=pad_pair(self.segments))


def prefix_order(prefix: Int[Array, " B"], length: int) -> Int[Array, "B T"]:
    """The `order` of sequences whose first `prefix` tokens are bidirectional and whose rest is
    causal: int32[B] -> int32[B, T].

    A prefix of 0 or 1 is causal attention, a prefix of `length` or more is bidirectional.
    """
    positions = jnp.arange(length, dtype=jnp.int32)
    return jnp.maximum(positions - jnp.maximum(prefix, 1)[:, None] + 1, 0)


def _pad(x: Array, more: int) -> Array:
    return jnp.pad(x, ((0, 0), (0, more))) if more else x
