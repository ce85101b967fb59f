"""The structure of the layout, learned on HTML nodes: how deep each is, and below which (X111).

The tree edit distance has no gradient. These two together determine the tree, and have one; the
distance itself stays a metric. B batch, T HTML nodes, D width.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.layers import EinsumDense
from xojl_jax.tasks.layout import losses
from xojl_jax.tasks.layout.encoded import Features
from xojl_jax.tasks.layout.model_config import ModelConfig
from xojl_jax.tasks.layout.parts import Batch, Head, Metrics
from xojl_jax.tasks.layout.sample_spec import MERGED

Array = jax.Array

# Deeper layout nodes count as this deep.
DEPTHS = 16


class Structure(NamedTuple):
    """depth: float32[B, T, DEPTHS] logits; parent: float32[B, T, T + 1] scores, the last: none."""

    depth: Array
    parent: Array


class StructureHead(nn.Module):
    """A depth for each node by a linear map, and a parent by comparing nodes with one another."""

    config: ModelConfig

    @nn.compact
    def __call__(self, features: Features) -> Structure:
        width, dtype = self.config.block.width, self.config.block.jnp_dtype

        def dense(size: int, axis: str, name: str) -> Array:
            layer = EinsumDense((size,), ("embed", axis), dtype=dtype, name=name)
            return layer(features.html)

        child, parent = (
            dense(width, "mlp", "structure_child"),
            dense(width, "mlp", "structure_parent"),
        )
        scores = jnp.einsum("bid,bjd->bij", child, parent).astype(jnp.float32) / width**0.5
        nodes = jnp.arange(scores.shape[-1])
        # A parent comes before its children.
        scores = jnp.where(nodes < nodes[:, None], scores, losses.ILLEGAL)
        none = dense(1, "classes", "structure_root").astype(jnp.float32)
        depth = dense(DEPTHS, "classes", "structure_depth").astype(jnp.float32)
        return Structure(depth, jnp.concatenate([scores, none], axis=-1))


def structure_targets(element: Array, end: Array) -> tuple[Array, Array]:
    """int32[B, T] twice: each layout node's depth, and its parent, T for none. -1 for what is no
    layout node, and below a node that is not labeled.

    Args:
      element: int32[B, T], `node_element`.
      end: int32[B, T], exclusive end of the subtree in depth-first order.
    """
    nodes = jnp.arange(element.shape[-1])
    above = (nodes < nodes[:, None]) & (nodes[:, None] < end[:, None, :])
    kept = (element >= 0) & (element < MERGED)
    known = kept & ~(above & (element < 0)[:, None, :]).any(-1)
    ancestors = above & kept[:, None, :]
    depth = ancestors.sum(-1, dtype=jnp.int32).clip(max=DEPTHS - 1)
    nearest = jnp.where(ancestors, nodes, -1).max(-1)
    parent = jnp.where(nearest < 0, element.shape[-1], nearest).astype(jnp.int32)
    return jnp.where(known, depth, -1), jnp.where(known, parent, -1)


def structure_loss(found: Structure, batch: Batch, _: ModelConfig) -> tuple[Array, Metrics]:
    """Cross-entropy of both, added."""
    targets = structure_targets(batch["node_element"], batch["html_end"])
    depth, parent = (jnp.where(batch["html_mask"], target, -1) for target in targets)
    of_depth, right_depth = losses.class_loss(found.depth, depth)
    of_parent, right_parent = losses.class_loss(found.parent, parent)
    metrics = {"accuracy/depth": right_depth, "accuracy/parent": right_parent}
    return of_depth + of_parent, metrics


def structure_flops(c: ModelConfig) -> float:
    nodes, width = c.html.max_nodes, c.block.width
    return 2.0 * nodes * width * (2 * width + 1 + DEPTHS) + 2.0 * nodes**2 * width


STRUCTURE_HEAD = Head(
    inputs=frozenset({"html"}),
    module=StructureHead,
    parameters=tuple(f"structure_{name}" for name in ("child", "parent", "root", "depth")),
    loss=structure_loss,
    flops=structure_flops,
)
