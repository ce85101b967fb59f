"""What a run is trained on, by name: `config.objectives` lists some, `config.loss` weighs them.

Each objective is a head on what the encoders give, a loss over the positions where something is
asked, and a metric. B batch, T tokens, N patches.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.tasks.document.heads import ClassHead, ClassScores, YesHead
from xojl_jax.tasks.document.model_config import ModelConfig

Array = jax.Array
Batch = Mapping[str, Array]


class Features(NamedTuple):
    """What the encoders give.

    Attributes:
      patches: [B, N, D].
      cls: [B, D], of the vision encoder.
      words: [B, T, D]; None where no objective reads words.
      codes: int32[B, N], the patches' numbers; None where no objective asks for them.
    """

    patches: Array
    cls: Array
    words: Array | None = None
    codes: Array | None = None


class Objective(NamedTuple):
    """An entry of `OBJECTIVES`.

    Attributes:
      inputs: fields of `Features` that it reads.
      module: its head.
      call: (head, features, batch) -> prediction.
      loss: (prediction, batch) -> (float32[], metrics).
      flops: forward FLOPs of its head for one sample.
    """

    inputs: frozenset[str]
    module: Callable[[ModelConfig], nn.Module]
    call: Callable[[nn.Module, Features, Batch], ClassScores | Array]
    loss: Callable[..., tuple[Array, dict[str, Array]]]
    flops: Callable[[ModelConfig], float]


def masked_mean(values: Array, mask: Array) -> Array:
    """The mean where the mask is True; 0 where it nowhere is."""
    weights = mask.astype(jnp.float32)
    return jnp.sum(values * weights) / jnp.maximum(weights.sum(), 1)


def _class_loss(name: str, hidden: str, truth: str) -> Callable:
    def loss(scores: ClassScores, batch: Batch) -> tuple[Array, dict[str, Array]]:
        mask = batch[hidden]
        right = (scores.guess == batch[truth]).astype(jnp.float32)
        value = -masked_mean(scores.log_prob, mask)
        return value, {f"accuracy/{name}": masked_mean(right, mask)}

    return loss


def _aligned_loss(logits: Array, batch: Batch) -> tuple[Array, dict[str, Array]]:
    mask, truth = batch["aligned_mask"], batch["aligned"]
    signed = jnp.where(truth, logits, -logits)
    right = ((logits > 0) == truth).astype(jnp.float32)
    value = -masked_mean(jax.nn.log_sigmoid(signed), mask)
    return value, {"accuracy/wpa": masked_mean(right, mask)}


def _head_flops(positions: int, width: int, classes: int) -> float:
    return 2.0 * positions * width * (width + classes)


OBJECTIVES: dict[str, Objective] = {
    # Masked language modeling (R035): pieces of hidden words, from the page around them.
    "mlm": Objective(
        inputs=frozenset({"words"}),
        module=lambda c: ClassHead(c.block, c.vocabulary_size),
        call=lambda head, features, batch: head(features.words, batch["tokens"]),
        loss=_class_loss("mlm", "hidden_tokens", "tokens"),
        flops=lambda c: _head_flops(c.max_tokens, c.block.width, c.vocabulary_size),
    ),
    # Masked image modeling (R036): codes of hidden patches.
    "mim": Objective(
        inputs=frozenset({"patches", "codes"}),
        module=lambda c: ClassHead(c.block, c.tokenizer.codes),
        call=lambda head, features, batch: head(features.patches, features.codes),
        loss=_class_loss("mim", "hidden_patches", "codes"),
        flops=lambda c: _head_flops(c.num_patches, c.block.width, c.tokenizer.codes),
    ),
    # Word-patch alignment (R037): of words that are seen, whether their patches are, too.
    "wpa": Objective(
        inputs=frozenset({"words"}),
        module=lambda c: YesHead(c.block),
        call=lambda head, features, batch: head(features.words),
        loss=_aligned_loss,
        flops=lambda c: _head_flops(c.max_tokens, c.block.width, 1),
    ),
}
# The objective that trains the image tokenizer. It has no head, and learns its codes by averages.
TOKENIZER = "tokenizer"
