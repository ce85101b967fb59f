"""One vector for a text, from the hidden states of its tokens (LLM2Vec, BehnamGhader et al. 2024).

Each takes hidden states [B, T, D], a mask bool[B, T] of the tokens that count (with an instruction
skipped, those of the document), and bool[B, T] of the tokens that begin a text; gives [B, D] in
float32. The reference library pads on the left and counts from the right; these follow the mask,
and so give the same wherever the padding is.

Letters: B batch, T tokens, D width.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Float32

Array = jax.Array


def mean(hidden: Array, mask: Array, begins: Array) -> Array:
    """The mean of the tokens that count."""
    return _weighted(hidden, mask.astype(jnp.float32))


def weighted_mean(hidden: Array, mask: Array, begins: Array) -> Array:
    """The mean where the i-th token that counts weighs i (Muennighoff 2022)."""
    return _weighted(hidden, jnp.where(mask, jnp.cumsum(mask, axis=1), 0).astype(jnp.float32))


def last_token(hidden: Array, mask: Array, begins: Array) -> Array:
    """The last token that counts."""
    count = jnp.cumsum(mask, axis=1)
    return _weighted(hidden, (mask & (count == count[:, -1:])).astype(jnp.float32))


def first_token(hidden: Array, mask: Array, begins: Array) -> Array:
    """The first token that counts: with nothing skipped, the CLS of an encoder like BERT."""
    return _weighted(hidden, (mask & (jnp.cumsum(mask, axis=1) == 1)).astype(jnp.float32))


def bos_token(hidden: Array, mask: Array, begins: Array) -> Array:
    """The token that begins a text, whether or not it counts; zeros where there is none."""
    return _weighted(hidden, (begins & (jnp.cumsum(begins, axis=1) == 1)).astype(jnp.float32))


POOLINGS: dict[str, Callable[[Array, Array, Array], Array]] = {
    "mean": mean,
    "weighted_mean": weighted_mean,
    # The same vector: for `eos_token`, the text gets that token at its end when it is tokenized.
    "eos_token": last_token,
    "last_token": last_token,
    "bos_token": bos_token,
    "cls_token": first_token,
}


def pool(
    name: str,
    hidden: Float[Array, "B T D"],
    token_mask: Bool[Array, "B T"],
    embed_mask: Bool[Array, "B T"] | None = None,
    begins: Bool[Array, "B T"] | None = None,
) -> Float32[Array, "B D"]:
    """A text's vector.

    Args:
      name: a key of `POOLINGS`.
      token_mask: False in padding.
      embed_mask: the tokens that count; None: all real ones. Of a text of whose document nothing is
        left, all real ones count, too (the reference library averages the padding in that case).
      begins: the tokens that begin a text, for "bos_token".
    """
    mask = token_mask
    if embed_mask is not None:
        embed_mask = embed_mask & token_mask
        mask = jnp.where(embed_mask.any(1, keepdims=True), embed_mask, token_mask)
    begins = jnp.zeros_like(mask) if begins is None else begins
    return POOLINGS[name](hidden, mask, begins)


def _weighted(hidden: Array, weights: Array) -> Array:
    total = jnp.maximum(weights.sum(1, keepdims=True), 1e-9)
    return jnp.einsum(
        "bt,btd->bd", weights / total, hidden.astype(jnp.float32), precision="highest"
    )
