"""The HTML tree encoder: one token per DOM node.

A node's embedding is the sum of its tag, its composed classes, its kind of content, its place in
the tree (X031 to X034) and, where known, its box and paint order. Attention between nodes is biased
by how they are related in the tree (X070).

B batch, T HTML nodes, C classes per node, D width, R relations.
"""

import functools

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.attention import Mask
from xojl_jax.nn.blocks import EncoderBlock
from xojl_jax.nn.config import BlockConfig
from xojl_jax.nn.layers import EinsumDense, LayerNorm
from xojl_jax.nn.positions import POSITION_STD, FourierBoxes
from xojl_jax.nn.scan import Stack
from xojl_jax.tasks.layout.tree_features import IdRanges

Array = jax.Array

RELATIONS = (
    "self",
    "parent",
    "child",
    "ancestor",
    "descendant",
    "sibling before",
    "sibling after",
    "before",
    "after",
)
# Deeper nodes and later siblings share the last row of a table.
MAX_DEPTH = 32
MAX_CHILD = 32
# Spread of the embeddings of what a node is, at the start: they are added to the outputs of dense
# layers, which are near 1, and at 0.02 they would drown in those for thousands of steps.
IDENTITY_STD = 1.0


def table(
    size: int, width: int, dtype: jnp.dtype, name: str | None, std: float = POSITION_STD
) -> nn.Embed:
    """A small embedding table, whole on every device: a look-up needs no exchange."""
    init = nn.with_logical_partitioning(nn.initializers.normal(std), ("table", "table_embed"))
    return nn.Embed(size, width, dtype=dtype, embedding_init=init, name=name)


def class_width(width: int) -> int:
    """Width of one class's vector in a model of this width."""
    return max(32, width // 4)


class ClassComposer(nn.Module):
    """Composes a node's classes into one vector: int32[B, T, C, 5] -> [B, T, D].

    Attribute, value and unit are embedded apart and composed by a learned function (X029); device
    and pseudo-class modify the result through attention (X036); and three heads gather the plain,
    the responsive and the interactive classes apart (X037). Nothing depends on the classes' order.
    """

    width: int
    ids: IdRanges
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, classes: Array, number: Array, mask: Array) -> Array:
        inner = class_width(self.width)
        device, pseudo, attribute, value, unit = jnp.moveaxis(classes, -1, 0)

        def embed(name: str, ids: Array) -> Array:
            return table(getattr(self.ids, name), inner, self.dtype, name, IDENTITY_STD)(ids)

        def dense(width: int, x: Array, name: str) -> Array:
            return EinsumDense((width,), ("table_embed", "mlp"), dtype=self.dtype, name=name)(x)

        scalar = jnp.stack([number, jnp.abs(number), jnp.square(number)], -1).astype(self.dtype)
        parts = (embed("attribute", attribute), embed("value", value), embed("unit", unit), scalar)
        x = nn.gelu(dense(2 * inner, jnp.concatenate(parts, -1), "compose_up"))
        x = dense(inner, x, "compose_down")

        # How far each modifier changes a class depends on the class; row 0 means "no modifier".
        modifier = jnp.stack([embed("device", device), embed("pseudo", pseudo)], -2)
        query = dense(inner, x, "modifier_query")
        weight = nn.sigmoid(jnp.einsum("btci,btcmi->btcm", query, modifier) / inner**0.5)
        x = x + jnp.einsum("btcm,btcmi->btci", weight, modifier)

        plain = (device == 0) & (pseudo == 0)
        contexts = jnp.stack([plain, device > 0, pseudo > 0], -1) & mask[..., None]
        score = dense(3, x, "context_score").astype(jnp.float32)
        # The 1 in the denominator lets a context without classes weigh nothing.
        weight = jnp.where(contexts, jnp.exp(jnp.clip(score, max=10.0)), 0.0)
        weight = weight / (1.0 + weight.sum(-2, keepdims=True))
        pooled = jnp.einsum("btcg,btci->btgi", weight.astype(self.dtype), x)
        pooled = pooled.reshape(*pooled.shape[:2], -1)
        return EinsumDense((self.width,), ("table_embed", "embed"), dtype=self.dtype, name="out")(
            pooled
        )


def tree_relations(parent: Array, end: Array) -> Array:
    """How node j stands to node i: int32[B, T, T], an index into `RELATIONS`.

    Args:
      parent: int32[B, T], -1 for a root.
      end: int32[B, T], exclusive end of the subtree in depth-first order.
    """
    nodes = jnp.arange(parent.shape[-1])
    i, j = nodes[:, None], nodes[None, :]
    ancestor = (j < i) & (i < end[:, None, :])
    sibling = parent[:, :, None] == parent[:, None, :]
    conditions = [
        i == j,
        parent[:, :, None] == j,
        parent[:, None, :] == i,
        ancestor,
        ancestor.swapaxes(1, 2),
        sibling & (j < i),
        sibling & (j > i),
        j < i,
    ]
    choices = [jnp.full((), index, jnp.int32) for index in range(len(conditions))]
    shape = (parent.shape[0], nodes.size, nodes.size)
    conditions = [jnp.broadcast_to(condition, shape) for condition in conditions]
    return jnp.select(conditions, choices, jnp.int32(len(RELATIONS) - 1))


class TreeBlock(nn.Module):
    """An encoder block whose attention is biased, per head, by the relation of the two nodes."""

    config: BlockConfig

    @nn.compact
    def __call__(self, x: Array, relations: Array, mask: Mask) -> Array:
        init = nn.with_logical_partitioning(nn.initializers.zeros, (None, "heads"))
        shape = (len(RELATIONS), self.config.heads)
        strength = self.param("relations", init, shape, jnp.float32)
        # A product with the one-hot form: its gradient is a product, too, instead of a scatter.
        dtype = self.config.jnp_dtype
        one_hot = jax.nn.one_hot(relations, len(RELATIONS), dtype=dtype)
        bias = jnp.einsum("bijr,rh->bhij", one_hot, strength.astype(dtype))
        return EncoderBlock(self.config, name="block")(x, mask, bias)


class HtmlEncoder(nn.Module):
    """The tree of a section: a batch with the `html_*` arrays -> [B, T, D]."""

    config: BlockConfig
    layers: int
    max_nodes: int
    ids: IdRanges

    @nn.compact
    def __call__(self, batch: dict[str, Array]) -> Array:
        mask = batch["html_mask"]
        x = self.content(batch) + self.place(batch)
        x = jnp.where(mask[..., None], x, jnp.zeros((), x.dtype))

        relations = tree_relations(batch["html_parent"], batch["html_end"])
        block = functools.partial(TreeBlock, self.config)
        stack = Stack(block, self.layers, self.config.remat, name="stack")
        x = stack(x, relations, Mask(key_mask=mask))
        return LayerNorm(self.config.jnp_dtype, name="norm")(x)

    def content(self, batch: dict[str, Array]) -> Array:
        """What the node is: tag, classes, kind of content."""
        composer = ClassComposer(self.config.width, self.ids, self.config.jnp_dtype, name="classes")
        composed = composer(batch["html_class"], batch["html_number"], batch["html_class_mask"])
        tag = table(self.ids.tag, self.config.width, self.config.jnp_dtype, "tag", IDENTITY_STD)(
            batch["html_tag"]
        )
        kinds = table(
            self.ids.content, self.config.width, self.config.jnp_dtype, "content", IDENTITY_STD
        )
        content = kinds(batch["html_content"])
        return composed + tag + content

    def place(self, batch: dict[str, Array]) -> Array:
        """Where the node is: in the tree and, where it is known, on the page."""
        nodes = batch["html_mask"].shape[-1]
        depth_first = jnp.broadcast_to(jnp.arange(nodes), batch["html_bfs"].shape)
        x = self._table(self.max_nodes, "depth_first")(depth_first)
        x = x + self._table(self.max_nodes, "breadth_first")(batch["html_bfs"])
        x = x + self._table(self.max_nodes + 1, "parent")(batch["html_parent"] + 1)
        x = x + self._table(MAX_DEPTH, "depth")(batch["html_depth"].clip(max=MAX_DEPTH - 1))
        x = x + self._table(MAX_CHILD, "child")(batch["html_child"].clip(max=MAX_CHILD - 1))

        # The path from the root: one table, one slice of rows for every level.
        levels = batch["html_path"].shape[-1]
        rows = batch["html_path"].clip(max=MAX_CHILD - 1) + MAX_CHILD * jnp.arange(levels)
        x = x + self._table(MAX_CHILD * levels, "path")(rows).sum(-2)

        boxes = FourierBoxes(self.config.width, dtype=self.config.jnp_dtype, name="boxes")(
            batch["html_boxes"]
        )
        paint = EinsumDense(
            (self.config.width,), (None, "embed"), dtype=self.config.jnp_dtype, name="paint_order"
        )
        boxes = boxes + paint(batch["html_z"][..., None])
        known = batch["html_box_mask"][..., None]
        return x + jnp.where(known, boxes, jnp.zeros((), boxes.dtype))

    def _table(self, size: int, name: str) -> nn.Embed:
        return table(size, self.config.width, self.config.jnp_dtype, name)
