"""What a run is trained on, by name: `config.objectives` lists some, `config.loss` weighs them.

Each objective is a head on what the encoders give, a loss over the positions where something is
asked, and a metric. B batch, T tokens, N patches.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.contrast import contrastive_loss, recall_at_1
from xojl_jax.nn.masked import masked_mean
from xojl_jax.nn.multiway import multiway_flops
from xojl_jax.tasks.document.heads import (
    ClassHead,
    ClassScores,
    FeatureHead,
    PairHead,
    Pairs,
    YesHead,
)
from xojl_jax.tasks.document.model_config import ModelConfig
from xojl_jax.tasks.document.teacher import cosine_distance

Array = jax.Array
Batch = Mapping[str, Array]


class Features(NamedTuple):
    """What the encoders give.

    Attributes:
      patches: [B, N, D].
      cls: [B, D], of the vision encoder.
      words: [B, T, D]; None where no objective reads words.
      text: [B, D], of the words alone, all of them seen; None where no objective asks for it.
      codes: int32[B, N], the patches' numbers; None where no objective asks for them.
      aggregated: [B, N, D], earlier patches that have read CLS (nn/cls_aggregation.py); None where
        no objective asks for it.
    """

    patches: Array
    cls: Array
    words: Array | None = None
    text: Array | None = None
    codes: Array | None = None
    aggregated: Array | None = None


class Objective(NamedTuple):
    """An entry of `OBJECTIVES`.

    Attributes:
      inputs: fields of `Features` that it reads; "teacher" where its loss reads what a teacher
        tells, which is in the batch.
      module: its head.
      call: (head, features, batch) -> prediction.
      loss: (prediction, batch) -> (float32[], metrics).
      answer: (prediction, batch) -> what an answer is made from, by name; nothing where the truth
        is not known when a page is read.
      flops: forward FLOPs of its head for one sample.
      shares: the objective whose head it has, which must be trained, too; "": one of its own.
    """

    inputs: frozenset[str]
    module: Callable[[ModelConfig], nn.Module]
    call: Callable[[nn.Module, Features, Batch], Any]
    loss: Callable[..., tuple[Array, dict[str, Array]]]
    answer: Callable[[Any, Batch], dict[str, Array]]
    flops: Callable[[ModelConfig], float]
    shares: str = ""


def _class_loss(name: str, hidden: str, truth: str) -> Callable:
    def loss(scores: ClassScores, batch: Batch) -> tuple[Array, dict[str, Array]]:
        mask = batch[hidden]
        right = (scores.guess == batch[truth]).astype(jnp.float32)
        value = -masked_mean(scores.log_prob, mask)
        return value, {f"accuracy/{name}": masked_mean(right, mask)}

    return loss


def _feature_loss(name: str) -> Callable:
    def loss(told: Array, batch: Batch) -> tuple[Array, dict[str, Array]]:
        value = masked_mean(cosine_distance(told, batch["teacher"]), batch["hidden_patches"])
        return value, {f"cosine/{name}": 1 - value}

    return loss


def _by_cls(mim: Objective, loss: Callable) -> Objective:
    """What `mim` tells, from earlier patches that have read CLS, by the same head."""

    def call(head: nn.Module, features: Features, batch: Batch) -> Any:
        return mim.call(head, features._replace(patches=features.aggregated), batch)

    return mim._replace(
        inputs=mim.inputs - {"patches"} | {"aggregated"},
        call=call,
        loss=loss,
        answer=lambda told, batch: {},
        flops=lambda c: mim.flops(c) + aggregation_flops(c),
        shares="mim",
    )


def aggregation_flops(c: ModelConfig) -> float:
    """Of the layers that patches and CLS run through."""
    block, tokens = c.trunk.vision.block, 1 + c.num_patches
    linear = (8.0 * block.width + 4.0 * block.hidden) * block.width
    return c.cls_layers * tokens * (linear + 4.0 * tokens * block.width)


def _teacher_width(c: ModelConfig) -> int:
    assert c.teacher is not None
    return c.teacher.block.width


def _aligned_loss(logits: Array, batch: Batch) -> tuple[Array, dict[str, Array]]:
    mask, truth = batch["aligned_mask"], batch["aligned"]
    signed = jnp.where(truth, logits, -logits)
    right = ((logits > 0) == truth).astype(jnp.float32)
    value = -masked_mean(jax.nn.log_sigmoid(signed), mask)
    return value, {"accuracy/wpa": masked_mean(right, mask)}


def _pairs_loss(pairs: Pairs, batch: Batch) -> tuple[Array, dict[str, Array]]:
    """Over the batch: under jit over several devices, that is the global one."""
    pair = pairs.text[None], pairs.picture[None], batch["tokens_mask"].any(1)[None]
    to_picture, to_text = recall_at_1(*pair)
    metrics = {"recall/text_to_picture": to_picture, "recall/picture_to_text": to_text}
    return contrastive_loss(*pair), metrics


def _class_answer(scores: ClassScores, batch: Batch) -> dict[str, Array]:
    return {"log_prob": scores.log_prob, "guess": scores.guess}


def _aligned_answer(logits: Array, batch: Batch) -> dict[str, Array]:
    signed = jnp.where(batch["aligned"], logits, -logits)
    return {"log_prob": jax.nn.log_sigmoid(signed), "guess": logits > 0}


def _head_flops(positions: int, width: int, classes: int) -> float:
    return 2.0 * positions * width * (width + classes)


def _pairs_flops(c: ModelConfig) -> float:
    """With a second pass over the words, without the picture."""
    again = multiway_flops(c.trunk.multiway, c.max_tokens, 0) if c.trunk.multiway else {}
    return sum(again.values()) + 4.0 * c.block.width**2


OBJECTIVES: dict[str, Objective] = {
    # Masked language modeling (R035): pieces of hidden words, from the page around them.
    "mlm": Objective(
        inputs=frozenset({"words"}),
        module=lambda c: ClassHead(c.block, c.vocabulary_size),
        call=lambda head, features, batch: head(features.words, batch["tokens"]),
        loss=_class_loss("mlm", "hidden_tokens", "tokens"),
        answer=_class_answer,
        flops=lambda c: _head_flops(c.max_tokens, c.block.width, c.vocabulary_size),
    ),
    # Masked image modeling (R036): codes of hidden patches.
    "mim": Objective(
        inputs=frozenset({"patches", "codes"}),
        module=lambda c: ClassHead(c.block, c.tokenizer.codes),
        call=lambda head, features, batch: head(features.patches, features.codes),
        loss=_class_loss("mim", "hidden_patches", "codes"),
        answer=_class_answer,
        flops=lambda c: _head_flops(c.num_patches, c.block.width, c.tokenizer.codes),
    ),
    # Word-patch alignment (R037): of words that are seen, whether their patches are, too.
    "wpa": Objective(
        inputs=frozenset({"words"}),
        module=lambda c: YesHead(c.block),
        call=lambda head, features, batch: head(features.words),
        loss=_aligned_loss,
        answer=_aligned_answer,
        flops=lambda c: _head_flops(c.max_tokens, c.block.width, 1),
    ),
    # The picture of a page and its words find one another among the pages of a batch (R042), as
    # VLMo's image-text contrast does. Hidden patches stay hidden, as in FLIP (Li et al. 2023).
    "pairs": Objective(
        inputs=frozenset({"cls", "text"}),
        module=lambda c: PairHead(c.block),
        call=lambda head, features, batch: head(features.text, features.cls),
        loss=_pairs_loss,
        answer=lambda pairs, batch: pairs._asdict(),
        flops=_pairs_flops,
    ),
}
# What is told of hidden patches, by the name in `config.target` (R014): entries that take the place
# of those above.
TARGETS: dict[str, dict[str, Objective]] = {
    "codes": {},
    # Features of a teacher, as MVP (Wei et al. 2022) and EVA (Fang et al. 2023) tell them.
    "features": {
        "mim": Objective(
            inputs=frozenset({"patches", "teacher"}),
            module=lambda c: FeatureHead(c.block, _teacher_width(c)),
            call=lambda head, features, batch: head(features.patches),
            loss=_feature_loss("mim"),
            answer=lambda told, batch: {},
            flops=lambda c: _head_flops(c.num_patches, c.block.width, _teacher_width(c)),
        ),
    },
}
# CLS aggregation (R015): the same asked of earlier patches and the last CLS.
OBJECTIVES["mim_cls"] = _by_cls(
    OBJECTIVES["mim"], _class_loss("mim_cls", "hidden_patches", "codes")
)
TARGETS["features"]["mim_cls"] = _by_cls(TARGETS["features"]["mim"], _feature_loss("mim_cls"))
# The objective that trains the image tokenizer. It has no head, and learns its codes by averages.
TOKENIZER = "tokenizer"


def objectives_of(c: ModelConfig) -> dict[str, Objective]:
    """The entries of a model's objectives, by name, in their order; the tokenizer has none."""
    table = OBJECTIVES | TARGETS[c.target]
    return {name: table[name] for name in c.objectives if name != TOKENIZER}


def inputs_of(c: ModelConfig) -> frozenset[str]:
    """What a model's objectives read: fields of `Features`, and "teacher"."""
    read = frozenset().union(*(entry.inputs for entry in objectives_of(c).values()))
    told = TOKENIZER in c.objectives and c.tokenizer.target == "features"
    return read | {"teacher"} if told else read
