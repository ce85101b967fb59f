"""What evaluations during training tell of the heads, beside their losses: F1 and recall (X107 to
X109).

Each is that of a batch, and an evaluation gives the mean over its batches; `evaluate` scores whole
splits, and answers. float32[] each; 0 where a batch has nothing to count.

B batch, N patches, T HTML nodes, D width, E element ids.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float32, Int32

from xojl_jax.tasks.layout.losses import ILLEGAL, masked_mean


def micro_f1(
    logits: Float32[Array, "... E"], targets: Float32[Array, "... E"], mask: Bool[Array, "..."]
) -> Float32[Array, ""]:
    """F1 over all labels that the mask holds for; a label is predicted where its logit is > 0."""
    real = mask[..., None]
    told, true = (logits > 0) & real, (targets > 0.5) & real
    hits = (told & true).sum()
    return 2 * hits.astype(jnp.float32) / jnp.maximum(told.sum() + true.sum(), 1)


def macro_f1(logits: Float32[Array, "... C"], labels: Int32[Array, "..."]) -> Float32[Array, ""]:
    """F1 of each class, its mean over the classes that are labeled. Negative labels are unknown."""
    classes = logits.shape[-1]
    known = (labels >= 0)[..., None]
    true = jax.nn.one_hot(labels, classes, dtype=bool) & known
    told = jax.nn.one_hot(logits.argmax(-1), classes, dtype=bool) & known
    axes = tuple(range(labels.ndim))
    hits, labeled = (told & true).sum(axes), true.sum(axes)
    f1 = 2 * hits.astype(jnp.float32) / jnp.maximum(told.sum(axes) + labeled, 1)
    return masked_mean(f1, labeled > 0)


def recall_at_1(
    nodes: Float32[Array, "B T D"], regions: Float32[Array, "B T D"], mask: Bool[Array, "B T"]
) -> tuple[Float32[Array, ""], Float32[Array, ""]]:
    """The share of nodes whose own region is the most similar of the section, and of regions whose
    own node is. mask: bool[B, T], nodes that have a region."""

    def unit(x: jax.Array) -> jax.Array:
        return x * jax.lax.rsqrt((x * x).sum(-1, keepdims=True) + 1e-6)

    score = jnp.einsum("btd,bsd->bts", unit(nodes), unit(regions))
    score = jnp.where(mask[:, None, :] & mask[:, :, None], score, ILLEGAL)
    own = jnp.arange(mask.shape[1])
    found = (score.argmax(axis) == own for axis in (2, 1))
    to_region, to_node = (masked_mean(one.astype(jnp.float32), mask) for one in found)
    return to_region, to_node
