"""What an HTML node is beside those around it, as vectors that are added up.

A page says what its parts are by contrast: type larger than the text around it, boxes of one size
in a row, ten links inside. An encoder can work all of that out from boxes and classes, but what it
learns from a few thousand sections then holds for their makers alone; these measures are the same
for every maker. They are computed from the batch's arrays, and need no others.

B batch, T HTML nodes, D width.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.layers import EinsumDense
from xojl_jax.tasks.layout.model_config import HtmlConfig
from xojl_jax.tasks.layout.tree_relations import descendants

Array = jax.Array
Batch = dict[str, Array]

HIDDEN = 64  # of the layer between the measures and the width
ROOT_TYPE = 16.0  # px that 1rem is, and that text has where nothing says otherwise
NORMAL_WEIGHT = 400.0
BOX_MEASURES, TYPE_MEASURES = 19, 7
_LIMIT = 4.0  # of ratios, so that a box of no width does not drown the others
_SAME = 0.02  # of the section: boxes that differ by less are of one size


def inside(c: HtmlConfig, batch: Batch) -> Array:
    """[B, T, D] of what is in the node's subtree."""
    return _project(c, counts_inside(c, batch), "inside")


def relative_boxes(c: HtmlConfig, batch: Batch) -> Array:
    """[B, T, D] of the node's box beside others; zeros where no box is given."""
    known = batch["html_box_input_mask"][..., None]
    x = _project(c, jnp.where(known, box_measures(batch), 0.0), "relative_boxes")
    return jnp.where(known, x, jnp.zeros((), x.dtype))


def inherited(c: HtmlConfig, batch: Batch) -> Array:
    """[B, T, D] of the node's type beside that of others, and of what is painted."""
    return _project(c, type_measures(c, batch), "inherited")


# --- the measures ----------------------------------------------------------------------------


def counts_inside(c: HtmlConfig, batch: Batch) -> Array:
    """float32[B, T, 2 K]: how many nodes of each tag and kind of content, K together, are in the
    subtree, and how many among the children, as log(1 + n)."""
    tag = jax.nn.one_hot(batch["html_tag"], c.ids.tag)
    content = jax.nn.one_hot(batch["html_content"], c.ids.content)
    kinds = jnp.where(batch["html_mask"][..., None], jnp.concatenate([tag, content], -1), 0.0)
    counts = [
        jnp.einsum("bij,bjk->bik", related.astype(kinds.dtype), kinds)
        for related in (descendants(batch["html_end"]), _is_parent(batch))
    ]
    return jnp.log1p(jnp.concatenate(counts, -1))


def box_measures(batch: Batch) -> Array:
    """float32[B, T, BOX_MEASURES] of nodes with a box: where it is in the section's and in the
    parent's, and its size; then as log(1 + n) how many siblings there are, how many of them stand
    beside it, how many above or below, how many are of its size, and both at once; and of its
    children the largest numbers beside one another, and of one size."""
    boxes, known = batch["html_boxes"], batch["html_box_input_mask"]
    parent = jnp.maximum(batch["html_parent"], 0)
    outer = jnp.take_along_axis(boxes, parent[..., None], axis=1)
    root = boxes[:, :1]
    pair = _siblings(batch) & known[:, :, None] & known[:, None, :]
    beside, below, alike = (pair & each for each in _stand(boxes))
    row = _count(beside)
    measures = [
        *_within(boxes, root),
        *_within(boxes, outer),
        *(jnp.log(jnp.maximum(side, 1e-3)) for side in _sizes(boxes)),
        _count(pair),
        row,
        _count(below),
        _count(alike),
        _count(beside & alike),
        _largest_of_children(batch, row),
        _largest_of_children(batch, _count(alike)),
    ]
    return jnp.stack(measures, -1)


def type_measures(c: HtmlConfig, batch: Batch) -> Array:
    """float32[B, T, TYPE_MEASURES + paints]: the size of type that the node's text has, which a
    tree says only where it changes, beside the root's, the section's mean and largest, its
    siblings' and its parent's; its weight, and beside the parent's; what the node and its parent
    paint."""
    styles = c.styles
    own_size, says_size = _own(batch, (styles.font_size,))
    is_root = _plain(batch, (styles.font_size,)) & (batch["html_class"][..., 4] == styles.rem)
    own_size = own_size * jnp.where(is_root.any(-1), ROOT_TYPE, 1.0)
    own_weight, says_weight = _own(batch, (styles.font_weight,))
    size = _inherit(batch, own_size, says_size, ROOT_TYPE)
    weight = _inherit(batch, own_weight, says_weight, NORMAL_WEIGHT)
    largest = jnp.where(batch["html_mask"], size, 0.0).max(-1, keepdims=True)
    text = (batch["html_content"] > 0) & batch["html_mask"]
    mean = jnp.where(text, size, 0.0).sum(-1, keepdims=True) / jnp.maximum(
        text.sum(-1, keepdims=True).astype(jnp.float32), 1.0
    )
    siblings = jnp.where(_siblings(batch), size[:, None, :], 0.0).max(-1)
    paints = [_plain(batch, ids).any(-1).astype(jnp.float32) for ids in styles.paints]
    parent = jnp.maximum(batch["html_parent"], 0)
    measures = [
        _log_ratio(size, ROOT_TYPE),
        _log_ratio(size, jnp.maximum(mean, 1.0)),
        _log_ratio(size, jnp.maximum(largest, 1.0)),
        _log_ratio(size, jnp.where(siblings > 0, siblings, size)),
        _log_ratio(size, jnp.take_along_axis(size, parent, axis=1)),
        weight / NORMAL_WEIGHT - 1,
        (weight - jnp.take_along_axis(weight, parent, axis=1)) / NORMAL_WEIGHT,
        *paints,
        *(jnp.take_along_axis(each, parent, axis=1) for each in paints),
    ]
    return jnp.stack(measures, -1)


# --- the tree --------------------------------------------------------------------------------


def _is_parent(batch: Batch) -> Array:
    """bool[B, T, T]: whether node i is the parent of node j. Padding has no parent."""
    parent = batch["html_parent"]
    return parent[:, None, :] == jnp.arange(parent.shape[-1])[:, None]


def _siblings(batch: Batch) -> Array:
    """bool[B, T, T]: whether nodes have one parent and are two; no roots, and no padding."""
    parent = batch["html_parent"]
    nodes = jnp.arange(parent.shape[-1])
    same = (parent[:, :, None] == parent[:, None, :]) & (parent >= 0)[:, :, None]
    return same & (nodes != nodes[:, None])


def _count(pairs: Array) -> Array:
    """bool[B, T, T] -> float32[B, T], log(1 + n)."""
    return jnp.log1p(pairs.sum(-1).astype(jnp.float32))


def _largest_of_children(batch: Batch, values: Array) -> Array:
    """Of float32[B, T], not negative, the largest among each node's children, 0 without any."""
    return jnp.where(_is_parent(batch), values[:, None, :], 0.0).max(-1)


# --- boxes -----------------------------------------------------------------------------------


def _sizes(boxes: Array) -> tuple[Array, Array]:
    return boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]


def _within(boxes: Array, outer: Array) -> list[Array]:
    """Where boxes float32[B, T, 4] begin in others, how large they are beside them, and how far
    their centers are apart."""
    (width, height), (full_width, full_height) = _sizes(boxes), _sizes(outer)
    full_width, full_height = jnp.maximum(full_width, 1e-3), jnp.maximum(full_height, 1e-3)
    center = (boxes[..., 0] + boxes[..., 2] - outer[..., 0] - outer[..., 2]) / 2
    ratios = [
        (boxes[..., 0] - outer[..., 0]) / full_width,
        (boxes[..., 1] - outer[..., 1]) / full_height,
        width / full_width,
        height / full_height,
        jnp.abs(center) / full_width,
    ]
    return [jnp.clip(ratio, -_LIMIT, _LIMIT) for ratio in ratios]


def _stand(boxes: Array) -> tuple[Array, Array, Array]:
    """bool[B, T, T] each: whether two boxes stand side by side, one below the other, and whether
    they are of one size."""
    low, high = boxes[..., :2], boxes[..., 2:]
    ends = jnp.minimum(high[:, :, None], high[:, None])
    common = ends - jnp.maximum(low[:, :, None], low[:, None])
    size = high - low
    share = common > 0.5 * jnp.minimum(size[:, :, None], size[:, None])
    apart = common <= 1e-3
    alike = (jnp.abs(size[:, :, None] - size[:, None]) < _SAME).all(-1)
    return share[..., 1] & apart[..., 0], share[..., 0] & apart[..., 1], alike


# --- styles ----------------------------------------------------------------------------------


def _plain(batch: Batch, ids: Sequence[int]) -> Array:
    """bool[B, T, C]: classes of these attributes that hold always."""
    device, pseudo, attribute = (batch["html_class"][..., i] for i in range(3))
    named = jnp.isin(attribute, jnp.array(ids, attribute.dtype))
    return named & (device == 0) & (pseudo == 0) & batch["html_class_mask"]


def _own(batch: Batch, ids: Sequence[int]) -> tuple[Array, Array]:
    """The largest number that a node's own classes say, float32[B, T], and whether any does."""
    said = _plain(batch, ids) & (batch["html_number"] > 0)
    return jnp.where(said, jnp.expm1(batch["html_number"]), 0.0).max(-1), said.any(-1)


def _inherit(batch: Batch, own: Array, says: Array, default: float) -> Array:
    """float32[B, T]: the value of the nearest node that says one, from the node itself up."""
    nodes = jnp.arange(own.shape[-1])
    # Of the nodes above, the nearest has the highest number.
    above = descendants(batch["html_end"]).swapaxes(1, 2) | (nodes == nodes[:, None])
    nearest = jnp.where(above & says[:, None, :], nodes, -1).max(-1)
    found = jnp.take_along_axis(own, jnp.maximum(nearest, 0), axis=1)
    return jnp.where(nearest >= 0, found, default)


def _log_ratio(one: Array, other: Array | float) -> Array:
    return jnp.clip(jnp.log(jnp.maximum(one, 1.0) / other), -_LIMIT, _LIMIT)


def _project(c: HtmlConfig, measures: Array, name: str) -> Array:
    """float32[B, T, M] -> [B, T, D], through a hidden layer."""
    dtype = c.block.jnp_dtype
    up = EinsumDense((HIDDEN,), (None, "mlp"), dtype=dtype, name=f"{name}_up")
    down = EinsumDense((c.block.width,), ("mlp", "embed"), dtype=dtype, name=f"{name}_down")
    return down(nn.gelu(up(measures.astype(dtype))))


# --- FLOPs, as `NodePart` counts them ----------------------------------------------------------


def inside_flops(c: HtmlConfig) -> dict[str, float]:
    kinds = c.ids.tag + c.ids.content
    counting = 2 * 2.0 * c.max_nodes**2 * kinds
    return {"inside": counting + _projection_flops(c, 2 * kinds)}


def relative_boxes_flops(c: HtmlConfig) -> dict[str, float]:
    return {"relative boxes": _projection_flops(c, BOX_MEASURES)}


def inherited_flops(c: HtmlConfig) -> dict[str, float]:
    return {"inherited": _projection_flops(c, TYPE_MEASURES + 2 * len(c.styles.paints))}


def _projection_flops(c: HtmlConfig, measures: int) -> float:
    return 2.0 * c.max_nodes * HIDDEN * (measures + c.block.width)
