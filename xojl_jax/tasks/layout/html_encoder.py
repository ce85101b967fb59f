"""The HTML tree encoder: one token per DOM node.

A node's embedding is the sum of what it is (embeddings.py) and where it is (node_positions.py).
Attention between nodes is biased by how they are related in the tree (X070), unless the config
says otherwise.

B batch, T HTML nodes, D width, R relations.
"""

import functools
import operator

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.attention import Mask, relation_bias
from xojl_jax.nn.blocks import EncoderBlock
from xojl_jax.nn.config import BlockConfig
from xojl_jax.nn.layers import LayerNorm
from xojl_jax.nn.scan import Stack
from xojl_jax.tasks.layout.block_flops import block_flops
from xojl_jax.tasks.layout.embeddings import EMBEDDINGS
from xojl_jax.tasks.layout.model_config import HtmlConfig
from xojl_jax.tasks.layout.node_positions import POSITIONS
from xojl_jax.tasks.layout.tree_relations import RELATIONS, tree_relations

Array = jax.Array


class TreeBlock(nn.Module):
    """An encoder block whose attention is biased, per head, by the relation of the two nodes."""

    config: BlockConfig

    @nn.compact
    def __call__(self, x: Array, relations: Array, mask: Mask) -> Array:
        """x: [B, T, D], relations: int32[B, T, T]."""
        c = self.config
        init = nn.with_logical_partitioning(nn.initializers.zeros, (None, "heads"))
        strength = self.param("relations", init, (len(RELATIONS), c.heads), jnp.float32)
        bias = relation_bias(relations, strength.astype(c.jnp_dtype))
        return EncoderBlock(c, name="block")(x, mask, bias)


class HtmlEncoder(nn.Module):
    """The tree of a section: a batch with the `html_*` arrays -> [B, T, D]."""

    config: HtmlConfig

    @nn.compact
    def __call__(self, batch: dict[str, Array]) -> Array:
        c = self.config
        mask = batch["html_mask"]
        x = self._sum(EMBEDDINGS, c.embeddings, batch)
        if c.positions:
            x = x + self._sum(POSITIONS, c.positions, batch)
        x = jnp.where(mask[..., None], x, jnp.zeros((), x.dtype))
        if c.tree_bias:
            relations = tree_relations(batch["html_parent"], batch["html_end"])
            block, shared = functools.partial(TreeBlock, c.block), (relations,)
        else:
            block, shared = functools.partial(EncoderBlock, c.block), ()
        stack = Stack(block, c.layers, c.block.remat, name="stack")
        x = stack(x, *shared, Mask(key_mask=mask))
        return LayerNorm(c.block.jnp_dtype, name="norm")(x)

    def _sum(self, parts, names: tuple[str, ...], batch: dict[str, Array]) -> Array:
        """[B, T, D], added up in the order of the names."""
        vectors = (parts[name].apply(self.config, batch) for name in names)
        return functools.reduce(operator.add, vectors)


def html_flops(c: HtmlConfig) -> dict[str, float]:
    """Forward FLOPs of one sample, by part."""
    nodes, inner = c.max_nodes, c.block.inner
    parts: dict[str, float] = {}
    for name in c.embeddings:
        parts |= EMBEDDINGS[name].flops(c)
    for name in c.positions:
        parts |= POSITIONS[name].flops(c)
    bias = 2.0 * len(RELATIONS) * c.block.heads * nodes**2 if c.tree_bias else 0.0
    return parts | {
        "html linear": c.layers * nodes * block_flops(c.block),
        "html attention": c.layers * (4.0 * nodes**2 * inner + bias),
    }
