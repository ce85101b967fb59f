"""The HTML tree encoder: one token per DOM node.

A node's embedding is the sum of what it is (embeddings.py) and where it is (node_positions.py).
Attention between nodes is biased by how they are related in the tree (X070), unless the config
says otherwise.

B batch, T HTML nodes, P prefixes, D width, R relations.
"""

import functools
import operator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.attention import Mask, relation_bias
from xojl_jax.nn.blocks import EncoderBlock
from xojl_jax.nn.config import BlockConfig
from xojl_jax.nn.layers import LayerNorm
from xojl_jax.nn.positions import POSITION_STD
from xojl_jax.nn.scan import Stack
from xojl_jax.tasks.layout.block_flops import block_flops
from xojl_jax.tasks.layout.embeddings import EMBEDDINGS
from xojl_jax.tasks.layout.model_config import HtmlConfig
from xojl_jax.tasks.layout.node_positions import POSITIONS
from xojl_jax.tasks.layout.tree_relations import RELATIONS, tree_relations

Array = jax.Array


# What a pair with a prefix token is, where there are some.
PREFIXED = (*RELATIONS, "prefix")


class HtmlOutput(NamedTuple):
    """nodes: [B, T, D]; prefix: [B, P, D], of the prefix tokens; None without any."""

    nodes: Array
    prefix: Array | None = None


class TreeBlock(nn.Module):
    """An encoder block whose attention is biased, per head, by the relation of the two nodes."""

    config: BlockConfig
    relations: int = len(RELATIONS)

    @nn.compact
    def __call__(self, x: Array, relations: Array, mask: Mask) -> Array:
        """x: [B, T, D], relations: int32[B, T, T]."""
        c = self.config
        init = nn.with_logical_partitioning(nn.initializers.zeros, (None, "heads"))
        strength: Any = self.param("relations", init, (self.relations, c.heads), jnp.float32)
        bias = relation_bias(relations, strength.astype(c.jnp_dtype))
        return EncoderBlock(c, name="block")(x, mask, bias)


class HtmlEncoder(nn.Module):
    """The tree of a section: a batch with the `html_*` arrays -> `HtmlOutput`.

    Prefix tokens come before the nodes, one for each element class (X104); class hints leave
    those of other classes out. The head "html_prefix" makes each mean its class.
    """

    config: HtmlConfig

    @nn.compact
    def __call__(self, batch: dict[str, Array]) -> HtmlOutput:
        c = self.config
        mask = batch["html_mask"]
        x = self._sum(EMBEDDINGS, c.embeddings, batch)
        if c.positions:
            x = x + self._sum(POSITIONS, c.positions, batch)
        x = jnp.where(mask[..., None], x, jnp.zeros((), x.dtype))
        block: Any = functools.partial(EncoderBlock, c.block)
        shared: tuple[Array, ...] = ()
        if c.num_prefixes:
            x, mask = self._prefixed(x, mask, batch.get("class_hints"))
        if c.tree_bias:
            relations, kinds = tree_relations(batch["html_parent"], batch["html_end"]), RELATIONS
            if c.num_prefixes:
                ahead, kinds = (c.num_prefixes, 0), PREFIXED
                pads = ((0, 0), ahead, ahead)
                relations = jnp.pad(relations, pads, constant_values=len(PREFIXED) - 1)
            block, shared = functools.partial(TreeBlock, c.block, len(kinds)), (relations,)
        stack = Stack(block, c.layers, c.block.remat, name="stack")
        x = stack(x, *shared, Mask(key_mask=mask))
        x = LayerNorm(c.block.jnp_dtype, name="norm")(x)
        if not c.num_prefixes:
            return HtmlOutput(x)
        return HtmlOutput(x[:, c.num_prefixes :], x[:, : c.num_prefixes])

    def _prefixed(self, x: Array, mask: Array, hints: Array | None) -> tuple[Array, Array]:
        """Nodes [B, T, D] and their mask with the prefixes ahead.

        hints: bool[B, P], the classes that are hinted at; None: all.
        """
        count = self.config.num_prefixes
        init = nn.with_logical_partitioning(nn.initializers.normal(POSITION_STD), (None, "embed"))
        prefixes: Any = self.param("prefixes", init, (count, x.shape[-1]), jnp.float32)
        prefixes = jnp.broadcast_to(prefixes.astype(x.dtype), (x.shape[0], *prefixes.shape))
        hinted = jnp.ones(prefixes.shape[:2], bool) if hints is None else hints
        x = jnp.concatenate([prefixes, x], axis=1)
        return x, jnp.concatenate([hinted, mask], axis=1)

    def _sum(self, parts, names: tuple[str, ...], batch: dict[str, Array]) -> Array:
        """[B, T, D], added up in the order of the names."""
        vectors = (parts[name].apply(self.config, batch) for name in names)
        return functools.reduce(operator.add, vectors)


def html_flops(c: HtmlConfig) -> dict[str, float]:
    """Forward FLOPs of one sample, by part."""
    nodes, inner = c.max_nodes + c.num_prefixes, c.block.inner
    parts: dict[str, float] = {}
    for name in c.embeddings:
        parts |= EMBEDDINGS[name].flops(c)
    for name in c.positions:
        parts |= POSITIONS[name].flops(c)
    kinds = len(PREFIXED if c.num_prefixes else RELATIONS)
    bias = 2.0 * kinds * c.block.heads * nodes**2 if c.tree_bias else 0.0
    return parts | {
        "html linear": c.layers * nodes * block_flops(c.block),
        "html attention": c.layers * (4.0 * nodes**2 * inner + bias),
    }
