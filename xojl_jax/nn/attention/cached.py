"""Attention of a few queries to a buffer of keys and values, for decoding step by step."""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from xojl_jax.nn.attention import block_sparse
from xojl_jax.nn.attention.mask import Mask
from xojl_jax.nn.attention.precision import masked_score
from xojl_jax.nn.attention.sparse import sparse_weights

Array = jax.Array


def attend_cached(
    q: Float[Array, "B Q H K"],
    keys: Float[Array, "B H S K"],
    values: Float[Array, "B H S K"],
    mask: Mask,
    *,
    position: Int[Array, ""] | None = None,
    bias: Float[Array, "B H Q S"] | None = None,
    means: Float[Array, "B H N K"] | None = None,
) -> Float[Array, "B Q H K"]:
    """Queries over a whole buffer; what they see is the same `Mask` that whole sequences use.

    Args:
      q: [B, Q, H, K], scaled; few, so that their scores [B, H, Q, S] may be in memory.
      keys, values: [B, H, S, K], the buffer. Heads first, as products want them: another order
        would be transposed at every step.
      mask: over positions of the buffer, or of more than it has. Without a `position` it may only
        have a `key_mask`.
      position: int32[], where the one query is. The buffer is written up to there, its own key and
        value included.
      bias: [B, H, Q, S], added to the scores; not with a mask of the highest scores.
      means: [B, H, N, K], mean keys of the buffer's blocks, for a mask that selects blocks.

    Returns:
      [B, Q, H, K] in the dtype of q. Softmax in float32; a query that sees nothing gives 0.
    """
    if mask.key_block > 1 and position is not None:
        if means is None:
            raise ValueError("a mask that selects blocks of keys needs their means")
        return block_sparse.attend_step(q, keys, values, means, mask, position)
    dot = functools.partial(jnp.einsum, preferred_element_type=jnp.float32)
    seen = _seen(mask, keys.shape[2], position)
    if mask.top_k is not None and position is not None:
        near = mask.near(position[None], jnp.arange(keys.shape[2], dtype=jnp.int32))
        weights = sparse_weights(dot("bqhk,bhsk->bhqs", q, keys), near, seen, mask.top_k)
        return dot("bhqs,bhsk->bqhk", weights.astype(values.dtype), values).astype(q.dtype)
    lowest = masked_score(jnp.dtype(jnp.float32))
    scores = dot("bqhk,bhsk->bhqs", q, keys)
    if bias is not None:
        scores = scores + bias.astype(scores.dtype)
    scores = jnp.where(seen, scores, lowest)
    # Where nothing is seen, all scores equal the top, and exp alone would give ones.
    weights = jnp.where(seen, jnp.exp(scores - scores.max(-1, keepdims=True)), 0)
    total = weights.sum(-1, keepdims=True)
    y = dot("bhqs,bhsk->bqhk", weights.astype(values.dtype), values)
    return (y / jnp.where(total > 0, total, 1).swapaxes(1, 2)).astype(q.dtype)


def _seen(mask: Mask, columns: int, position: Array | None) -> Array:
    """bool[B or 1, 1, 1, S], the row of the mask at this position."""
    positions = jnp.arange(columns, dtype=jnp.int32)
    if position is None:
        visible = mask.visible(jnp.zeros(1, jnp.int32), positions)
        return jnp.ones((1, 1, 1, columns), bool) if visible is None else visible

    def of_row(x: Array) -> Array:
        return jax.lax.dynamic_slice_in_dim(x, position, 1, axis=1)

    # Not the causal rule, which is the mask's: later slots hold zeros, or another row's leavings.
    written = (positions <= position)[None, None, None]
    visible = mask.visible(
        position[None], positions, of_rows=of_row, of_columns=lambda x: x[:, :columns]
    )
    return written if visible is None else written & visible
