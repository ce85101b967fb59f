"""Shifted sparse attention, S2-Attn (LongLoRA, Chen et al. 2023): attention within groups of
positions, where half of the heads have groups that begin half a group later.

Its cost grows with the length, not with its square, and it has the parameters of dense attention:
a model that trained with it runs dense afterwards.

Letters: B batch, T tokens, H heads, K head width, G positions of a group.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Float

from xojl_jax.nn.attention import Mask, attend

Array = jax.Array


def attend_shifted(
    q: Float[Array, "B T H K"],
    k: Float[Array, "B T H K"],
    v: Float[Array, "B T H K"],
    mask: Mask,
    group: int,
    *,
    block_size: int = 512,
) -> Float[Array, "B T H K"]:
    """Attention of the first H / 2 heads within positions of equal i // G, and of the other heads
    within those of equal (i + G / 2) // G.

    The second half shifts by G / 2, and its output rolls back. What wraps around, the last half
    group and the first one, is no neighborhood: it shares a group, and does not see one another.

    Args:
      mask: its key mask, segments, causal and window; not an order, which no published model of
        this kind has.
      group: G, even.
    """
    assert group % 2 == 0, "half of a group is whole positions"
    assert mask.order is None, "an order is not carried into groups"
    batch, length, heads, _ = q.shape
    padded = -(-length // group) * group
    near = heads - heads // 2

    def fold(x: Array, shift: int) -> Array:
        """[B, T, ...] -> [B * groups, G, ...]"""
        x = jnp.pad(x, ((0, 0), (0, padded - length), *((0, 0),) * (x.ndim - 2)))
        x = jnp.roll(x, -shift, axis=1)
        return x.reshape(batch * (padded // group), group, *x.shape[2:])

    def unfold(x: Array, shift: int) -> Array:
        x = x.reshape(batch, padded, *x.shape[2:])
        return jnp.roll(x, shift, axis=1)[:, :length]

    def half(part: slice, shift: int) -> Array:
        folded = _fold_mask(mask, batch, length, lambda x: fold(x, shift), shift)
        queries, keys, values = (fold(x[:, :, part], shift) for x in (q, k, v))
        return unfold(attend(queries, keys, values, folded, block_size=block_size), shift)

    halves = (half(slice(0, near), 0), half(slice(near, heads), group // 2))
    return jnp.concatenate(halves, axis=2)


def _fold_mask(mask: Mask, batch: int, length: int, fold, shift: int) -> Mask:
    """The mask of all groups: every array [B, T] of it folded as the tokens are."""

    def whole(x: Array) -> Array:
        return jnp.broadcast_to(x, (batch, length))

    key_mask = jnp.ones((1, length), bool) if mask.key_mask is None else mask.key_mask
    segments = jnp.zeros((1, length), jnp.int32) if mask.segments is None else mask.segments
    assert not isinstance(segments, tuple), "queries and keys are the same tokens"
    # Numbers of its own for the head that a shift brings behind the tail.
    wrapped = jnp.arange(length) < shift
    segments = 2 * segments + wrapped.astype(jnp.int32)
    return dataclasses.replace(mask, key_mask=fold(whole(key_mask)), segments=fold(whole(segments)))
