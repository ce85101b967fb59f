"""Causal attention to a window, and beyond it to the few keys of the highest scores.

The keys beyond the window are selected for every query and head by the scores themselves, as
SparseK attention does (Lou et al. 2024), but exactly: so all scores are computed, for some rows of
queries at a time, and only softmax and values are sparse. It changes what a position may draw on,
not how much is read; block_sparse.py reads less.

Letters: B batch, Tq queries, S keys, H heads, K head width. Scores, softmax and sums are float32
(float64 for float64 inputs).
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float

from xojl_jax.nn.attention.bias import Bias
from xojl_jax.nn.attention.mask import Mask
from xojl_jax.nn.attention.precision import accumulation_dtype, masked_score
from xojl_jax.nn.chunks import map_positions

Array = jax.Array

# Rows of queries whose scores are in memory at once.
ROWS = 256


def supports(q: Array, k: Array, v: Array, mask: Mask, bias) -> str | None:
    """None, or why not."""
    if mask.top_k is None:
        return "the mask selects no keys by their scores"
    if mask.key_block > 1:
        return "it selects keys one by one"
    if bias is not None:
        return "it has no bias"
    return None


def attend(
    q: Array,
    k: Array,
    v: Array,
    mask: Mask,
    *,
    bias: Array | Bias | None,
    scale: float,
    block_size: int,
) -> Array:
    """See `attend.attend`."""
    top_k, acc = mask.top_k or 0, accumulation_dtype(q.dtype)
    rows = jnp.arange(q.shape[1], dtype=jnp.int32)
    columns = jnp.arange(k.shape[1], dtype=jnp.int32)

    def block(inputs: tuple[Array, Array]) -> Array:
        """Some rows of queries and their numbers, the same for all B -> [B, rows, H, K]."""
        q, at = inputs[0], inputs[1][0]
        scores = jnp.einsum("bqhk,bshk->bhqs", q, k, preferred_element_type=acc) * scale
        cut = functools.partial(jnp.take, indices=at, axis=1, mode="clip")
        visible = mask.visible(at, columns, of_rows=cut)
        weights = sparse_weights(scores, mask.near(at, columns), visible, top_k)
        return jnp.einsum("bhqs,bshk->bqhk", weights.astype(v.dtype), v).astype(q.dtype)

    return map_positions(block, (q, jnp.broadcast_to(rows, q.shape[:2])), ROWS)


def sparse_weights(
    scores: Float[Array, "B H R C"],
    near: Bool[Array, "R C"],
    visible: Bool[Array, "#B #H R C"] | Bool[Array, "R C"] | None,
    top_k: int,
) -> Float[Array, "B H R C"]:
    """Softmax over the visible keys that are near, and the `top_k` others of the highest scores.

    Keys that tie with the last of these are all kept. Where nothing is visible, all weights are 0.
    """
    lowest = masked_score(scores.dtype)
    if visible is not None:
        scores = jnp.where(visible, scores, lowest)
    far = jnp.where(near, lowest, scores)
    highest = jax.lax.top_k(jax.lax.stop_gradient(far), min(top_k, far.shape[-1]))[0]
    kept = (scores > lowest) & (near | (far >= highest[..., -1:]))
    scores = jnp.where(kept, scores, lowest)
    weights = jnp.where(kept, jnp.exp(scores - scores.max(-1, keepdims=True)), 0)
    total = weights.sum(-1, keepdims=True)
    return weights / jnp.where(total > 0, total, 1)
