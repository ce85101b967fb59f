"""Heads that tie prefix tokens to their classes, and one that reads sections as bags of patches.

B batch, N patches, T HTML nodes, E element ids, P prefixes, D width.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.contrast import contrastive_loss
from xojl_jax.nn.heads import TokenClassifier
from xojl_jax.tasks.layout import losses
from xojl_jax.tasks.layout.encoded import Features
from xojl_jax.tasks.layout.head_metrics import class_iou
from xojl_jax.tasks.layout.model_config import ModelConfig
from xojl_jax.tasks.layout.parts import (
    Batch,
    Head,
    Metrics,
    image_patches,
    mean_of_patches,
    patches_in_nodes,
    project_to_compare,
)
from xojl_jax.xojl.tree import ELEMENTS
from xojl_jax.xojl.vocabulary import ELEMENT_WIDTH

Array = jax.Array


class PrefixHead(nn.Module):
    """Prefixes [B, P, D] and patches [B, N, D], projected to be compared (X053, X106)."""

    config: ModelConfig

    @nn.compact
    def __call__(self, features: Features) -> tuple[Array, Array]:
        return (
            project_to_compare(self.config, "prefix_class", features.prefix),
            project_to_compare(self.config, "patch_class", features.patches),
        )


def prefix_loss(
    projected: tuple[Array, Array], batch: Batch, c: ModelConfig
) -> tuple[Array, Metrics]:
    """InfoNCE of prefix i against the mean of the patches that elements of class i cover; negatives
    are the other classes of the section. This is what makes prefix i mean class i."""
    prefixes, patches = projected
    regions, count = mean_of_patches(patches, _covered(batch, c).swapaxes(1, 2))
    return contrastive_loss(prefixes.astype(jnp.float32), regions, count > 0), {}


def prefix_metrics(projected: tuple[Array, Array], batch: Batch, c: ModelConfig) -> Metrics:
    """How well each patch finds the prefix of its class: intersection over union, in patches, of
    those nearest to a prefix with those that elements of its class cover (X116)."""
    prefixes, patches = (x.astype(jnp.float32) for x in projected)
    return {"iou/class": class_iou(prefixes, patches, _covered(batch, c), image_patches(batch))}


def _covered(batch: Batch, c: ModelConfig) -> Array:
    """float32[B, N, classes], which classes cover each real patch."""
    inside = patches_in_nodes(batch, c)
    covered = losses.patch_elements(inside, batch["node_element"], len(ELEMENTS))
    return jnp.where(image_patches(batch)[..., None], covered, 0.0)


class HtmlPrefixHead(nn.Module):
    """Prefixes [B, P, D] of the HTML encoder and nodes [B, T, D], projected to be compared."""

    config: ModelConfig

    @nn.compact
    def __call__(self, features: Features) -> tuple[Array, Array]:
        assert features.html_prefix is not None  # the head is refused without `html_prefixes`
        return (
            project_to_compare(self.config, "html_prefix_class", features.html_prefix),
            project_to_compare(self.config, "node_class", features.html),
        )


def html_prefix_loss(
    projected: tuple[Array, Array], batch: Batch, _: ModelConfig
) -> tuple[Array, Metrics]:
    """As `prefix_loss`: prefix i against the mean of the nodes whose element is class i (X104)."""
    prefixes, nodes = projected
    classes = jnp.arange(prefixes.shape[1])[:, None]
    members = (batch["node_element"][:, None] == classes) & batch["html_mask"][:, None]
    means, count = mean_of_patches(nodes, members)
    return contrastive_loss(prefixes.astype(jnp.float32), means, count > 0), {}


class BagHead(nn.Module):
    """Which elements cover a patch, learned without boxes: logits float32[B, N, E]."""

    config: ModelConfig

    @nn.compact
    def __call__(self, features: Features) -> Array:
        dtype = self.config.block.jnp_dtype
        return TokenClassifier(ELEMENT_WIDTH, dtype, name="bag_head")(features.middle_patches)


def bag_loss(logits: Array, batch: Batch, _: ModelConfig) -> tuple[Array, Metrics]:
    """Multiple-instance learning (Ramon and De Raedt 2000): a section has an element where some
    patch has it, a soft maximum over patches against the section's label. Only of sections where
    no node has a box: elsewhere patches have labels of their own ("aux")."""
    real = image_patches(batch)
    count = jnp.maximum(real.sum(-1, keepdims=True), 1).astype(jnp.float32)
    logits = jnp.where(real[..., None], logits, losses.ILLEGAL)
    pooled = jax.nn.logsumexp(logits, axis=1) - jnp.log(count)
    mask = batch["label_mask"] & real.any(-1) & ~batch["html_box_mask"].any(-1)
    return losses.binary_loss(jnp.where(mask[:, None], pooled, 0.0), batch["elements"], mask), {}


PREFIX_HEAD = Head(
    inputs=frozenset({"prefix", "patches"}),
    module=PrefixHead,
    parameters=("prefix_class", "patch_class"),
    loss=prefix_loss,
    flops=lambda c: 2.0 * c.num_patches * c.block.width * (c.block.width + len(ELEMENTS)),
    metrics=prefix_metrics,
)
HTML_PREFIX_HEAD = Head(
    inputs=frozenset({"html", "html_prefix"}),
    module=HtmlPrefixHead,
    parameters=("html_prefix_class", "node_class"),
    loss=html_prefix_loss,
    flops=lambda c: 2.0 * c.html.max_nodes * c.block.width * (c.block.width + len(ELEMENTS)),
)
BAG_HEAD = Head(
    inputs=frozenset({"middle_patches"}),
    module=BagHead,
    parameters=("bag_head",),
    loss=bag_loss,
    flops=lambda c: 2.0 * c.num_patches * c.block.width * ELEMENT_WIDTH,
    group="vision",
)
