"""The predictions beside the sequence: what each reads, its module, its loss and its FLOPs.

`config.heads` names those that are trained; the weight of head NAME's loss is `config.loss.NAME`.
A part of the loss without labels in a batch is 0.

B batch, N patches, M tokens of a section, T HTML nodes, D width, E element ids.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.contrast import contrastive_loss, recall_at_1
from xojl_jax.nn.heads import PooledClassifier, TokenClassifier
from xojl_jax.nn.layers import EinsumDense
from xojl_jax.tasks.layout import losses
from xojl_jax.tasks.layout.box_head import BOX_HEAD
from xojl_jax.tasks.layout.class_heads import BAG_HEAD, HTML_PREFIX_HEAD, PREFIX_HEAD
from xojl_jax.tasks.layout.encoded import Features
from xojl_jax.tasks.layout.head_metrics import macro_f1, micro_f1
from xojl_jax.tasks.layout.merge_head import MERGE_HEAD
from xojl_jax.tasks.layout.model_config import ModelConfig
from xojl_jax.tasks.layout.parts import (
    Batch,
    Head,
    Metrics,
    labeled_patches,
    mean_of_patches,
    patches_in_nodes,
    project_to_compare,
)
from xojl_jax.tasks.layout.pattern_heads import PATTERN_HEADS
from xojl_jax.tasks.layout.structure_head import STRUCTURE_HEAD
from xojl_jax.tasks.layout.tree_prior import NUM_ELEMENTS
from xojl_jax.xojl.tree import CONTAINERS, ELEMENTS
from xojl_jax.xojl.vocabulary import ELEMENT_WIDTH

Array = jax.Array

LEAVES = tuple(i for i, element in enumerate(ELEMENTS) if element not in CONTAINERS)


# --- the section as a whole ------------------------------------------------------------------


class ElementHead(nn.Module):
    """Which elements occur: logits float32[B, E]."""

    config: ModelConfig

    @nn.compact
    def __call__(self, features: Features) -> Array:
        head = PooledClassifier(
            ELEMENT_WIDTH, dtype=self.config.block.jnp_dtype, name="element_head"
        )
        return head(features.tokens, features.tokens_mask)


def element_loss(logits: Array, batch: Batch, _: ModelConfig) -> tuple[Array, Metrics]:
    return losses.binary_loss(logits, batch["elements"], batch["label_mask"]), {}


def element_metrics(logits: Array, batch: Batch, _: ModelConfig) -> Metrics:
    return {"f1/element": micro_f1(logits, batch["elements"], batch["label_mask"])}


def element_flops(c: ModelConfig) -> float:
    width = c.block.width
    # Keys and values of every token, their scores and sum; then one query and its output.
    pool = c.num_tokens * 4.0 * (width**2 + width) + 4.0 * width**2
    return pool + width**2 + width * ELEMENT_WIDTH


class CategoryHead(nn.Module):
    """The section's category: logits float32[B, number of categories], of a mean of the tokens.

    HTML nodes together weigh as much as all patches together: a picture has ten times as many
    patches as a page has nodes.
    """

    config: ModelConfig

    @nn.compact
    def __call__(self, features: Features) -> Array:
        tokens, mask = features.tokens, features.tokens_mask
        fused = features.html is not None and features.patches is not None
        is_node = jnp.arange(tokens.shape[1]) < (features.html.shape[1] if fused else 0)
        means = 0.0
        for part in (mask & is_node, mask & ~is_node):
            weight = part[..., None].astype(tokens.dtype)
            means = means + (tokens * weight).sum(1) / jnp.maximum(weight.sum(1), 1)
        head = EinsumDense(
            (self.config.num_categories,),
            ("embed", "classes"),
            dtype=self.config.block.jnp_dtype,
            name="category_head",
        )
        return head(means).astype(jnp.float32)


def category_loss(logits: Array, batch: Batch, _: ModelConfig) -> tuple[Array, Metrics]:
    loss, accuracy = losses.class_loss(logits, batch["category"])
    return loss, {"accuracy/category": accuracy}


def category_metrics(logits: Array, batch: Batch, _: ModelConfig) -> Metrics:
    return {"f1/category": macro_f1(logits, batch["category"])}


# --- HTML nodes ------------------------------------------------------------------------------


class NodeHead(nn.Module):
    """Each HTML node's element, or "merged into its parent": logits float32[B, T, 23]."""

    config: ModelConfig

    @nn.compact
    def __call__(self, features: Features) -> Array:
        dtype = self.config.block.jnp_dtype
        return TokenClassifier(NUM_ELEMENTS + 1, dtype, name="node_head")(features.html)


def node_loss(logits: Array, batch: Batch, _: ModelConfig) -> tuple[Array, Metrics]:
    loss, accuracy = losses.class_loss(logits, _node_labels(batch))
    return loss, {"accuracy/node": accuracy}


def node_metrics(logits: Array, batch: Batch, _: ModelConfig) -> Metrics:
    return {"f1/node": macro_f1(logits, _node_labels(batch))}


def _node_labels(batch: Batch) -> Array:
    return jnp.where(batch["html_mask"], batch["node_element"], -1)


# --- patches ---------------------------------------------------------------------------------


class PatchHead(nn.Module):
    """Which elements cover a patch: logits float32[B, N, E].

    Auxiliary: from the middle of the vision encoder, after layer 6 of 12 (X048).
    """

    config: ModelConfig

    @nn.compact
    def __call__(self, features: Features) -> Array:
        dtype = self.config.block.jnp_dtype
        return TokenClassifier(ELEMENT_WIDTH, dtype, name="patch_head")(features.middle_patches)


def patch_loss(logits: Array, batch: Batch, c: ModelConfig) -> tuple[Array, Metrics]:
    """Only of sections where a labeled node has a box: without boxes nothing is known."""
    return losses.binary_loss(logits, *_patch_labels(batch, c)), {}


def patch_metrics(logits: Array, batch: Batch, c: ModelConfig) -> Metrics:
    return {"f1/patch": micro_f1(logits, *_patch_labels(batch, c))}


def _patch_labels(batch: Batch, c: ModelConfig) -> tuple[Array, Array]:
    """Targets float32[B, N, E], and bool[B, N] where they are known."""
    inside = patches_in_nodes(batch, c)
    targets = losses.patch_elements(inside, batch["node_element"], ELEMENT_WIDTH)
    labeled = ((batch["node_element"] >= 0) & batch["html_box_mask"]).any(-1)
    return targets, labeled_patches(batch, c) & labeled[:, None]


def patch_flops(c: ModelConfig) -> float:
    targets = 2.0 * c.html.max_nodes * ELEMENT_WIDTH
    return c.num_patches * (targets + 2.0 * c.block.width * ELEMENT_WIDTH)


class AttentionMap(nn.Module):
    """The logits of the spatial attention, which scales the patches' features: float32[B, N].

    It has no parameters of its own: the map is a part of the model, and only its loss is a choice.
    """

    config: ModelConfig

    def __call__(self, features: Features) -> Array:
        return features.attention


def attention_loss(logits: Array, batch: Batch, c: ModelConfig) -> tuple[Array, Metrics]:
    """The map against the union of the leaves' boxes (X069)."""
    leaf = jnp.isin(batch["node_element"], jnp.array(LEAVES)) & batch["html_box_mask"]
    target = (patches_in_nodes(batch, c) & leaf[..., None]).any(1).astype(jnp.float32)
    mask = labeled_patches(batch, c) & leaf.any(-1)[:, None]
    return losses.binary_loss(logits[..., None], target[..., None], mask), {}


# --- HTML nodes against patches ----------------------------------------------------------------


class RegionHead(nn.Module):
    """Nodes [B, T, D] and patches [B, N, D], projected to be compared with one another (X068)."""

    config: ModelConfig

    @nn.compact
    def __call__(self, features: Features) -> tuple[Array, Array]:
        return (
            project_to_compare(self.config, "node_region", features.html),
            project_to_compare(self.config, "patch_region", features.patches),
        )


def region_loss(
    projected: tuple[Array, Array], batch: Batch, c: ModelConfig
) -> tuple[Array, Metrics]:
    """Aligns every labeled node with the mean of the patches in its box."""
    return contrastive_loss(*_regions(projected, batch, c)), {}


def region_metrics(projected: tuple[Array, Array], batch: Batch, c: ModelConfig) -> Metrics:
    to_region, to_node = recall_at_1(*_regions(projected, batch, c))
    return {"recall/node_to_region": to_region, "recall/region_to_node": to_node}


def _regions(
    projected: tuple[Array, Array], batch: Batch, c: ModelConfig
) -> tuple[Array, Array, Array]:
    """Nodes and what is seen of them, float32[B, T, D] each, and bool[B, T] which count."""
    html, patches = projected
    regions, count = mean_of_patches(patches, patches_in_nodes(batch, c))
    node = batch["node_element"]
    labeled = (node >= 0) & (node < len(ELEMENTS)) & batch["html_mask"]
    mask = labeled & (count > 0) & batch["image_mask"][:, None]
    return html.astype(jnp.float32), regions, mask


def region_flops(c: ModelConfig) -> float:
    nodes, patches, width = c.html.max_nodes, c.num_patches, c.block.width
    projections = 2.0 * (nodes + patches) * width**2
    return projections + 2.0 * nodes * patches * width + 2.0 * nodes**2 * width


HEADS = {
    "element": Head(
        inputs=frozenset({"tokens"}),
        module=ElementHead,
        parameters=("element_head",),
        loss=element_loss,
        flops=element_flops,
        metrics=element_metrics,
    ),
    "category": Head(
        inputs=frozenset({"tokens"}),
        module=CategoryHead,
        parameters=("category_head",),
        loss=category_loss,
        flops=lambda c: 2.0 * c.block.width * c.num_categories,
        metrics=category_metrics,
    ),
    "node": Head(
        inputs=frozenset({"html"}),
        module=NodeHead,
        parameters=("node_head",),
        loss=node_loss,
        flops=lambda c: 2.0 * c.html.max_nodes * c.block.width * (NUM_ELEMENTS + 1),
        metrics=node_metrics,
    ),
    "aux": Head(
        inputs=frozenset({"middle_patches"}),
        module=PatchHead,
        parameters=("patch_head",),
        loss=patch_loss,
        flops=patch_flops,
        metrics=patch_metrics,
        group="vision",
    ),
    "contrastive": Head(
        inputs=frozenset({"html", "patches"}),
        module=RegionHead,
        parameters=("node_region", "patch_region"),
        loss=region_loss,
        flops=region_flops,
        metrics=region_metrics,
    ),
    "spatial": Head(
        inputs=frozenset({"attention"}),
        module=AttentionMap,
        parameters=(),
        loss=attention_loss,
        flops=lambda c: 0.0,
    ),
    "boxes": BOX_HEAD,
    "merge": MERGE_HEAD,
    **PATTERN_HEADS,
    "structure": STRUCTURE_HEAD,
    "prefix": PREFIX_HEAD,
    "bag": BAG_HEAD,
    "html_prefix": HTML_PREFIX_HEAD,
}
