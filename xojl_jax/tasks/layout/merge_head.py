"""Whether an HTML node is one layout node with its parent (X090).

B batch, T HTML nodes, D width.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.embedding import look_up
from xojl_jax.nn.layers import EinsumDense
from xojl_jax.tasks.layout import losses
from xojl_jax.tasks.layout.encoded import Features
from xojl_jax.tasks.layout.model_config import ModelConfig
from xojl_jax.tasks.layout.parts import Batch, Head, Metrics
from xojl_jax.tasks.layout.sample_spec import MERGED

Array = jax.Array

# What a pair can be. "complex_merge": the parent is itself merged into its own parent.
MERGES = ("no_merge", "merge", "complex_merge")


class MergeHead(nn.Module):
    """Each node with its parent, 2 D -> D -> 3 with a ReLU between: logits float32[B, T, 3]."""

    config: ModelConfig

    @nn.compact
    def __call__(self, features: Features) -> Array:
        c, dtype = self.config.block, self.config.block.jnp_dtype
        rows = features.html_parent.clip(0)
        parents = jax.vmap(lambda nodes, ids: look_up(nodes, ids, nodes.dtype))(features.html, rows)
        pair = jnp.concatenate([parents, features.html], axis=-1)
        x = EinsumDense((c.width,), ("embed", "mlp"), dtype=dtype, name="merge_hidden")(pair)
        out = EinsumDense((len(MERGES),), ("mlp", "classes"), dtype=dtype, name="merge_out")
        return out(nn.relu(x)).astype(jnp.float32)


def merge_targets(element: Array, parent: Array) -> Array:
    """int32[B, T], an index into MERGES; -1 for roots, and where node or parent is not labeled.

    Args:
      element: int32[B, T], `node_element`.
      parent: int32[B, T], -1 for a root.
    """
    above = jnp.take_along_axis(element, parent.clip(0), axis=-1)
    merged = element == MERGED
    kind = jnp.where(merged & (above == MERGED), 2, merged.astype(jnp.int32))
    return jnp.where((parent >= 0) & (element >= 0) & (above >= 0), kind, -1)


def merge_loss(logits: Array, batch: Batch, _: ModelConfig) -> tuple[Array, Metrics]:
    targets = merge_targets(batch["node_element"], batch["html_parent"])
    loss, accuracy = losses.class_loss(logits, jnp.where(batch["html_mask"], targets, -1))
    return loss, {"accuracy/merge": accuracy}


MERGE_HEAD = Head(
    inputs=frozenset({"html"}),
    module=MergeHead,
    parameters=("merge_hidden", "merge_out"),
    loss=merge_loss,
    flops=lambda c: c.html.max_nodes * (4.0 * c.block.width**2 + 6.0 * c.block.width),
)
