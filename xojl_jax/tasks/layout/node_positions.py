"""Where an HTML node is, in the tree and on the page, as vectors that are added up.

`config.model.positions` names them (X031 to X034). B batch, T HTML nodes, D width.
"""

import jax
import jax.numpy as jnp

from xojl_jax.nn.layers import EinsumDense
from xojl_jax.nn.positions import FourierBoxes
from xojl_jax.tasks.layout.model_config import HtmlConfig
from xojl_jax.tasks.layout.node_measures import relative_boxes, relative_boxes_flops
from xojl_jax.tasks.layout.parts import NodePart
from xojl_jax.tasks.layout.tables import table

Array = jax.Array
Batch = dict[str, Array]

# Deeper nodes and later siblings share the last row of a table.
MAX_DEPTH = 32
MAX_CHILD = 32


def depth_first(c: HtmlConfig, batch: Batch) -> Array:
    """The node's place in depth-first order, in which a batch holds the nodes (X032)."""
    order = jnp.broadcast_to(jnp.arange(batch["html_mask"].shape[-1]), batch["html_mask"].shape)
    return _look_up(c, "depth_first", c.max_nodes, order)


def breadth_first(c: HtmlConfig, batch: Batch) -> Array:
    """The node's place in level order (X031)."""
    return _look_up(c, "breadth_first", c.max_nodes, batch["html_bfs"])


def parent(c: HtmlConfig, batch: Batch) -> Array:
    """The parent's place in depth-first order; row 0 for a root (X034)."""
    return _look_up(c, "parent", c.max_nodes + 1, batch["html_parent"] + 1)


def depth(c: HtmlConfig, batch: Batch) -> Array:
    """The number of ancestors (X034)."""
    return _look_up(c, "depth", MAX_DEPTH, batch["html_depth"].clip(max=MAX_DEPTH - 1))


def child(c: HtmlConfig, batch: Batch) -> Array:
    """The number of siblings before the node (X033)."""
    return _look_up(c, "child", MAX_CHILD, batch["html_child"].clip(max=MAX_CHILD - 1))


def path(c: HtmlConfig, batch: Batch) -> Array:
    """The child numbers of the node and its ancestors (X033): one table, in which every level has
    MAX_CHILD rows of its own."""
    levels = batch["html_path"].shape[-1]
    rows = batch["html_path"].clip(max=MAX_CHILD - 1) + MAX_CHILD * jnp.arange(levels)
    return _look_up(c, "path", MAX_CHILD * levels, rows).sum(-2)


def root_path(c: HtmlConfig, batch: Batch) -> Array:
    """The child numbers on the way from the root to the node, a table of MAX_CHILD rows for every
    level, counted from the root (X033): a form of the tree positions of Shiv and Quirk (2019).

    Nodes of one subtree share the beginning of their sums, which `path`, counted from the node,
    lacks; and no ancestor is out of reach. Levels below MAX_DEPTH share the last one's rows.
    """
    level = batch["html_depth"].clip(max=MAX_DEPTH - 1)
    rows = MAX_CHILD * level + batch["html_child"].clip(max=MAX_CHILD - 1)
    steps = _look_up(c, "root_path", MAX_CHILD * MAX_DEPTH, rows)
    nodes = jnp.arange(rows.shape[-1])
    # In depth-first order a subtree is a range: node j is i, or above it.
    above = (nodes <= nodes[:, None]) & (nodes[:, None] < batch["html_end"][:, None, :])
    return jnp.einsum("bij,bjd->bid", above.astype(steps.dtype), steps)


def boxes(c: HtmlConfig, batch: Batch) -> Array:
    """The node's box on the page and its paint order; zeros where no box is given."""
    width, dtype = c.block.width, c.block.jnp_dtype
    box = FourierBoxes(width, dtype=dtype, name="boxes")(batch["html_boxes"])
    paint = EinsumDense((width,), (None, "embed"), dtype=dtype, name="paint_order")
    box = box + paint(batch["html_z"][..., None])
    return jnp.where(batch["html_box_input_mask"][..., None], box, jnp.zeros((), box.dtype))


def _look_up(c: HtmlConfig, name: str, size: int, rows: Array) -> Array:
    return table(size, c.block.width, c.block.jnp_dtype, name)(rows)


def _box_flops(c: HtmlConfig) -> dict[str, float]:
    features, width = FourierBoxes.features, c.block.width
    # Frequencies of four edges, sines and cosines to the width, the paint order.
    return {"boxes": 2.0 * c.max_nodes * (4 * features + 2 * features * width + width)}


POSITIONS = {
    "depth_first": NodePart(depth_first),
    "breadth_first": NodePart(breadth_first),
    "parent": NodePart(parent),
    "depth": NodePart(depth),
    "child": NodePart(child),
    "path": NodePart(path),
    "root_path": NodePart(root_path, lambda c: {"root path": 2.0 * c.max_nodes**2 * c.block.width}),
    "boxes": NodePart(boxes, _box_flops),
    "relative_boxes": NodePart(relative_boxes, relative_boxes_flops),
}
