"""Parts of the model that a config field names.

Each kind of part is a dict by name, in a file of its own: `EMBEDDINGS`, `POSITIONS`, `FUSIONS`,
`HEADS`, `STAGES`. A part that is not named has no parameters and computes nothing;
docs/adding_a_part.md shows how to add one.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.layers import EinsumDense
from xojl_jax.tasks.layout import losses
from xojl_jax.tasks.layout.model_config import HtmlConfig, ModelConfig
from xojl_jax.tasks.layout.sample_spec import UNSURE

Array = jax.Array
Batch = dict[str, Array]
Metrics = dict[str, Array]


@dataclasses.dataclass(frozen=True)
class NodePart:
    """A summand of an HTML node's input vector.

    Attributes:
      apply: (config, batch) -> [B, T, D]. It runs inside `HtmlEncoder`: the modules that it makes,
        with `name=`, are children of the encoder.
      flops: the forward FLOPs of one sample, by part; look-ups count as none.
    """

    apply: Callable[[HtmlConfig, dict[str, jax.Array]], jax.Array]
    flops: Callable[[HtmlConfig], dict[str, float]] = lambda config: {}


@dataclasses.dataclass(frozen=True)
class Head:
    """One prediction beside the sequence.

    Attributes:
      inputs: the fields of `Features` that it reads. It is trained in the stages that compute them.
      module: made from the config, called with `Features`, gives the prediction. What it creates
        are parameters of the whole model, so their names must be used by no other part.
      parameters: these names.
      loss: (prediction, batch, config) -> (float32[], metrics by name).
      flops: forward FLOPs of one sample, its loss included.
      group: the key in `config.optim.groups` of its parameters.
      metrics: (prediction, batch, config) -> further metrics by name, of evaluations alone.
    """

    inputs: frozenset[str]
    module: Callable[[ModelConfig], nn.Module]
    parameters: tuple[str, ...]
    loss: Callable[[Any, Batch, ModelConfig], tuple[Array, Metrics]]
    flops: Callable[[ModelConfig], float]
    group: str = "rest"
    metrics: Callable[[Any, Batch, ModelConfig], Metrics] = lambda *_: {}


def patches_in_nodes(batch: Batch, c: ModelConfig) -> Array:
    """bool[B, T, N]: which patches are in which nodes' boxes. The compiler merges the calls."""
    shown = batch["patch_mask"].shape[-1] // c.grid[1]  # a bucket's upper rows of the canvas
    return losses.patches_in_boxes(batch["html_boxes"], batch["html_box_mask"], c.grid, shown)


def project_to_compare(c: ModelConfig, name: str, tokens: Array) -> Array:
    """Tokens [B, K, D] projected to be compared with others. Makes its module in the caller's."""
    axes = ("embed", "mlp")
    return EinsumDense((c.block.width,), axes, dtype=c.block.jnp_dtype, name=name)(tokens)


def mean_of_patches(patches: Array, covered: Array) -> tuple[Array, Array]:
    """Patches or nodes [B, N, D], covered [B, K, N] (bool, or 0 and 1) -> the mean of those that
    each of K covers, float32[B, K, D], 0 where it covers none; and how many it covers, [B, K]."""
    found = jnp.einsum("btn,bnd->btd", covered.astype(patches.dtype), patches)
    count = covered.sum(-1)
    found = found / jnp.maximum(count, 1)[..., None].astype(found.dtype)
    return found.astype(jnp.float32), count


def image_patches(batch: Batch) -> Array:
    """bool[B, N]: the patches that show a part of a screenshot."""
    return batch["patch_mask"] & batch["image_mask"][:, None]


def labeled_patches(batch: Batch, c: ModelConfig) -> Array:
    """bool[B, N]: those of them that no node covers whose label is too unsure to count."""
    if "detail_sure" not in batch:  # all labels count, `data.least_confidence` is 0
        return image_patches(batch)
    unsure = (batch["node_element"] == UNSURE)[..., None]
    return image_patches(batch) & ~(patches_in_nodes(batch, c) & unsure).any(1)
