"""What the layout model is trained on: the loss parts of each stage (X107 to X111).

Every function gives the parts by their name in `config.loss`, and metrics. A part without labels in
a batch is 0.

B batch, R = 2B decoder rows, L target positions, N patches, T HTML nodes, D width.
"""

import jax
import jax.numpy as jnp

from xojl_jax.tasks.layout import losses
from xojl_jax.tasks.layout.alignment import align_targets
from xojl_jax.tasks.layout.grammar_constraint import GrammarCarry, GrammarTables, grammar_mask
from xojl_jax.tasks.layout.model import Encoded, Heads, LayoutModel, per_row
from xojl_jax.xojl.tree import CONTAINERS, ELEMENTS
from xojl_jax.xojl.vocabulary import ELEMENT_WIDTH

Array = jax.Array
Batch = dict[str, Array]
Parts = dict[str, Array]

LEAVES = tuple(i for i, element in enumerate(ELEMENTS) if element not in CONTAINERS)


def vision_losses(model: LayoutModel, batch: Batch) -> tuple[Parts, Parts]:
    """Stage 1: the picture alone tells the category, the elements, and where they are."""
    vision, valid, patch_logits = model.see(batch)
    parts, metrics = _section_losses(*model.classify(vision.tokens, valid), batch)
    inside = _inside(batch, model.config.grid)
    return parts | {"aux": _patch_loss(patch_logits, inside, batch)}, metrics


def html_losses(model: LayoutModel, batch: Batch) -> tuple[Parts, Parts]:
    """Stage 2: the tree alone tells the category, the elements, and each node's element."""
    html, node_logits = model.read(batch)
    parts, metrics = _section_losses(*model.classify(html, batch["html_mask"]), batch)
    nodes, node_metrics = _node_loss(node_logits, batch)
    return parts | nodes, metrics | node_metrics


def joint_losses(heads: Heads, batch: Batch, grid: tuple[int, int]) -> tuple[Parts, Parts]:
    """Stage 3: both together, aligned with one another."""
    parts, metrics = _section_losses(heads.elements, heads.category, batch)
    nodes, node_metrics = _node_loss(heads.node, batch)
    inside = _inside(batch, grid)
    parts |= nodes | {
        "aux": _patch_loss(heads.patch, inside, batch),
        "contrastive": _region_loss(heads, inside, batch),
        "spatial": _attention_loss(heads.attention, inside, batch),
    }
    return parts, metrics | node_metrics


def sequence_losses(
    model: LayoutModel,
    encoded: Encoded,
    batch: Batch,
    tables: GrammarTables,
    *,
    label_smoothing: float,
) -> tuple[Parts, Parts]:
    """Stage 4: both views, as neighbouring rows of one decoder batch."""
    pair = (batch["semantic_tokens"], batch["detail_tokens"])
    inputs = tuple(tokens[:, :-1] for tokens in pair)
    places = align_targets(*inputs, batch["html_end"], tables.vocabulary_size)
    place = jax.tree.map(_side_by_side, *places)
    columns = _side_by_side(batch["semantic_carry"], batch["detail_carry"])
    carry = GrammarCarry.from_columns(columns)

    tokens = _side_by_side(*inputs)
    rows, length = tokens.shape
    detail = jnp.arange(rows) % 2 == 1
    logits = model.token_logits(encoded, tokens, place, carry.depth, detail)
    copyable = per_row(batch["html_copyable"], rows)[:, None]
    legal = grammar_mask(tables, carry, length - jnp.arange(length)[None], copyable)

    parts, metrics, total = {}, {}, jnp.float32(0)
    for row, (name, targets) in enumerate(zip(("semantic", "detail"), pair, strict=True)):
        result = losses.sequence_loss(
            logits[row::2], targets[:, 1:], legal[row::2], label_smoothing=label_smoothing
        )
        parts[name], metrics[f"accuracy/{name}"] = result.loss, result.accuracy
        total = total + result.tokens
    return parts, metrics | {"tokens": total}


def _side_by_side(semantic: Array, detail: Array) -> Array:
    """[B, …] and [B, …] -> [2B, …], the two rows of a record next to one another."""
    return jnp.stack([semantic, detail], axis=1).reshape(-1, *semantic.shape[1:])


def _inside(batch: Batch, grid: tuple[int, int]) -> Array:
    """bool[B, T, N]: which patches lie in which nodes' boxes."""
    return losses.patches_in_boxes(batch["html_boxes"], batch["html_box_mask"], grid)


def _patch_loss(patch_logits: Array, inside: Array, batch: Batch) -> Array:
    """Which elements cover each patch; only where a labelled node has a box."""
    targets = losses.patch_elements(inside, batch["node_element"], ELEMENT_WIDTH)
    labelled = ((batch["node_element"] >= 0) & batch["html_box_mask"]).any(-1)
    return losses.binary_loss(patch_logits, targets, _shown(batch) & labelled[:, None])


def _shown(batch: Batch) -> Array:
    """bool[B, N]: the patches that show a part of a screenshot."""
    return batch["patch_valid"] & batch["image_valid"][:, None]


def _section_losses(elements: Array, category: Array, batch: Batch):
    """What is said of the section as a whole: which elements occur, and its category."""
    element_loss = losses.binary_loss(elements, batch["elements"], batch["label_mask"])
    category_loss, accuracy = losses.class_loss(category, batch["category"])
    parts = {"element": element_loss, "category": category_loss}
    return parts, {"accuracy/category": accuracy}


def _node_loss(node_logits: Array, batch: Batch):
    known = jnp.where(batch["html_mask"], batch["node_element"], -1)
    loss, accuracy = losses.class_loss(node_logits, known)
    return {"node": loss}, {"accuracy/node": accuracy}


def _region_loss(heads: Heads, inside: Array, batch: Batch) -> Array:
    """Aligns every labelled node with the mean of the patches in its box."""
    weight = inside.astype(heads.patches.dtype)
    regions = jnp.einsum("btn,bnd->btd", weight, heads.patches)
    count = inside.sum(-1)
    regions = regions / jnp.maximum(count, 1)[..., None].astype(regions.dtype)
    node = batch["node_element"]
    labelled = (node >= 0) & (node < len(ELEMENTS)) & batch["html_mask"]
    mask = labelled & (count > 0) & batch["image_valid"][:, None]
    return losses.contrastive_loss(
        heads.html.astype(jnp.float32), regions.astype(jnp.float32), mask
    )


def _attention_loss(attention: Array, inside: Array, batch: Batch) -> Array:
    """The spatial attention map against the union of the leaves' boxes (X069)."""
    leaf = jnp.isin(batch["node_element"], jnp.array(LEAVES)) & batch["html_box_mask"]
    target = (inside & leaf[..., None]).any(1).astype(jnp.float32)
    shown = batch["patch_valid"] & batch["image_valid"][:, None]
    return losses.binary_loss(
        attention[..., None], target[..., None], shown & leaf.any(-1)[:, None]
    )
