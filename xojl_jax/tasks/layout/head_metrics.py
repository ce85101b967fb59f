"""What evaluations during training tell of the heads, beside their losses: F1 and recall (X107 to
X109).

Each is that of a batch, and an evaluation gives the mean over its batches; `evaluate` scores whole
splits, and answers. float32[] each; 0 where a batch has nothing to count.

B batch, N patches, T HTML nodes, D width, E element ids.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float32, Int32

from xojl_jax.nn.masked import masked_mean


def micro_f1(
    logits: Float32[Array, "... E"], targets: Float32[Array, "... E"], mask: Bool[Array, "..."]
) -> Float32[Array, ""]:
    """F1 over all labels that the mask holds for; a label is predicted where its logit is > 0."""
    real = mask[..., None]
    told, true = (logits > 0) & real, (targets > 0.5) & real
    hits = (told & true).sum()
    return 2 * _ratio(hits, told.sum() + true.sum())


def macro_f1(logits: Float32[Array, "... C"], labels: Int32[Array, "..."]) -> Float32[Array, ""]:
    """F1 of each class, its mean over the classes that are labeled. Negative labels are unknown."""
    classes = logits.shape[-1]
    known = (labels >= 0)[..., None]
    true = jax.nn.one_hot(labels, classes, dtype=bool) & known
    told = jax.nn.one_hot(logits.argmax(-1), classes, dtype=bool) & known
    axes = tuple(range(labels.ndim))
    hits, labeled = (told & true).sum(axes), true.sum(axes)
    return masked_mean(2 * _ratio(hits, told.sum(axes) + labeled), labeled > 0)


def class_iou(
    classes: Float32[Array, "B E D"],
    patches: Float32[Array, "B N D"],
    covered: Float32[Array, "B N E"],
    mask: Bool[Array, "B N"],
) -> Float32[Array, ""]:
    """Of every class that covers a patch of a section: the patches nearest to the class against
    those that it covers, intersection over union; the mean. mask: bool[B, N], real patches."""
    score = jnp.einsum("bed,bnd->bne", _unit(classes), _unit(patches))
    nearest = jax.nn.one_hot(score.argmax(-1), classes.shape[1], dtype=bool) & mask[..., None]
    true = covered > 0
    both, either = (nearest & true).sum(1), (nearest | true).sum(1)
    return masked_mean(_ratio(both, either), true.any(1))


def _ratio(part: jax.Array, whole: jax.Array) -> jax.Array:
    """Of two counts; 0 where there is nothing."""
    return part.astype(jnp.float32) / jnp.maximum(whole, 1).astype(jnp.float32)


def _unit(x: jax.Array) -> jax.Array:
    return x * jax.lax.rsqrt((x * x).sum(-1, keepdims=True) + 1e-6)
