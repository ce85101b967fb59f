"""Pairs of vectors that shall find one another, such as a text and its picture.

Letters: G groups, B pairs of a group, D width.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float32

from xojl_jax.nn.masked import masked_mean

Array = jax.Array
Vectors = Float32[Array, "G B D"]

# Large and finite: its softmax is exactly 0, and its gradient is no NaN.
_NO_PAIR = -1e9


def contrastive_loss(
    one: Vectors, other: Vectors, mask: Bool[Array, "G B"], temperature: float = 0.07
) -> Float32[Array, ""]:
    """Symmetric InfoNCE (van den Oord, Li and Vinyals 2018; Radford et al. 2021): each vector finds
    its partner among those of its group, in both directions.

    Args:
      one, other: float32[G, B, D], partners at the same place, not yet normalized.
      mask: bool[G, B], pairs of which both are there; the others are neither rows nor negatives.
      temperature: the published 0.07.
    """
    scores = _cosines(one, other, mask) / temperature
    positive = jnp.diagonal(scores, axis1=1, axis2=2)
    to_other = jax.nn.logsumexp(scores, axis=2) - positive
    to_one = jax.nn.logsumexp(scores, axis=1) - positive
    return masked_mean((to_other + to_one) / 2, mask)


def recall_at_1(
    one: Vectors, other: Vectors, mask: Bool[Array, "G B"]
) -> tuple[Float32[Array, ""], Float32[Array, ""]]:
    """The share of `one` whose partner is the most similar of the group, and of `other`."""
    scores = _cosines(one, other, mask)
    own = jnp.arange(mask.shape[1])
    found = (scores.argmax(axis) == own for axis in (2, 1))
    to_other, to_one = (masked_mean(hits.astype(jnp.float32), mask) for hits in found)
    return to_other, to_one


def _cosines(one: Vectors, other: Vectors, mask: Bool[Array, "G B"]) -> Float32[Array, "G B B"]:
    def unit(x: Array) -> Array:
        return x * jax.lax.rsqrt((x * x).sum(-1, keepdims=True) + 1e-6)

    scores = jnp.einsum("gbd,gcd->gbc", unit(one), unit(other))
    return jnp.where(mask[:, None, :] & mask[:, :, None], scores, _NO_PAIR)
