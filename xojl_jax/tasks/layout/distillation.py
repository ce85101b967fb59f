"""Learning from another model of the task: what it says of a batch, and the losses against that.

The losses on tokens are in sequence_losses.py, where scores are made chunk by chunk; those on heads
are the entries below. Hinton et al. 2015, "Distilling the knowledge in a neural network"; of the
attention map, Zagoruyko and Komodakis 2017, "Paying more attention to attention".

B batch, N patches, T HTML nodes.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from xojl_jax.nn.masked import masked_mean
from xojl_jax.tasks.layout import losses
from xojl_jax.tasks.layout.grammar_constraint import GrammarTables
from xojl_jax.tasks.layout.model import LayoutModel
from xojl_jax.tasks.layout.parts import Batch, image_patches
from xojl_jax.tasks.layout.sequence_losses import Teaching, read_targets

Array = jax.Array
Predictions = dict[str, Any]


def teach(model: LayoutModel, batch: Batch, tables: GrammarTables) -> Teaching:
    """What a teacher says of a batch. A method in the sense of Linen's `apply`."""
    encoded, predictions = model.encode(batch)
    projected = model.project_targets(encoded, *read_targets(batch, tables).places)
    return Teaching(encoded, projected, model.prior_weight, predictions)


def node_distillation(ours: Array, theirs: Array, batch: Batch) -> Array:
    """Of the elements of HTML nodes: logits float32[B, T, E]."""
    apart = losses.distillation(ours, theirs, jnp.ones(ours.shape, bool))
    return masked_mean(apart, batch["html_mask"])


def attention_distillation(ours: Array, theirs: Array, batch: Batch) -> Array:
    """Of the map of the spatial attention: logits float32[B, N]."""
    targets = jax.nn.sigmoid(theirs)[..., None]
    return losses.binary_loss(ours[..., None], targets, image_patches(batch))


# Name of a head -> the name of its loss in `config.loss`, and the loss.
DISTILLATIONS: dict[str, tuple[str, Callable[[Array, Array, Batch], Array]]] = {
    "node": ("distill_node", node_distillation),
    "spatial": ("distill_attention", attention_distillation),
}


def distillation_losses(ours: Predictions, theirs: Predictions, batch: Batch) -> dict[str, Array]:
    """By name; of those heads that both models have."""
    return {
        name: loss(ours[head], theirs[head], batch)
        for head, (name, loss) in DISTILLATIONS.items()
        if head in ours and head in theirs
    }
