"""Attention with the whole score matrix in memory: the oracle for tests."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Float

from xojl_jax.nn.attention.bias import Bias
from xojl_jax.nn.attention.mask import Mask
from xojl_jax.nn.attention.precision import accumulation_dtype, masked_score

Array = jax.Array


def attend_dense(
    q: Float[Array, "B Tq H K"],
    k: Float[Array, "B S H K"],
    v: Float[Array, "B S H _"],
    mask: Mask | None = None,
    *,
    bias: Float[Array, "#B #H Tq S"] | Bias | None = None,
    scale: float | None = None,
) -> Float[Array, "B Tq H _"]:
    """What `attend` computes, by the definition; shapes as there."""
    mask = Mask() if mask is None else mask
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    acc = accumulation_dtype(q.dtype)
    scores = jnp.einsum("bqhk,bshk->bhqs", q, k, preferred_element_type=acc) * scale
    if isinstance(bias, Bias):
        bias = bias.as_matrix()
    if bias is not None:
        scores = scores + bias.astype(acc)
    visible = mask.visible(jnp.arange(q.shape[1]), jnp.arange(k.shape[1]))
    if visible is not None:
        scores = jnp.where(visible, scores, masked_score(acc))
    weights = jax.nn.softmax(scores, axis=-1)
    # A softmax over masked scores alone would be uniform.
    weights = jnp.where(scores.max(-1, keepdims=True) > masked_score(acc), weights, 0)
    return jnp.einsum("bhqs,bshk->bqhk", weights, v.astype(acc)).astype(q.dtype)
