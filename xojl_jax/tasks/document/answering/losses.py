"""The loss of an answer (R033): of its text and structure, and of its boxes. B batch, L tokens."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from xojl_jax.nn.masked import masked_mean
from xojl_jax.tasks.document.answering.model import TokenScores
from xojl_jax.tasks.document.answering.vocabulary import AnswerVocabulary, Kind

Array = jax.Array

# Name, as in `config.loss` -> (target int32[B, L], vocabulary) -> bool[B, L], the tokens that it is
# about.
PARTS = {
    "text": lambda target, vocabulary: ~_is_corner(target, vocabulary) & (target != Kind.PAD),
    "boxes": lambda target, vocabulary: _is_corner(target, vocabulary),
}


def answer_loss(
    scores: TokenScores,
    target: Array,
    vocabulary: AnswerVocabulary,
    weights: Mapping[str, float],
) -> tuple[Array, dict[str, Array]]:
    """The weighted sum of the parts, each a mean over its tokens, and metrics."""
    right = (scores.guess == target).astype(jnp.float32)
    total, metrics = jnp.float32(0), {}
    for name, tokens_of in PARTS.items():
        mask = tokens_of(target, vocabulary)
        loss = -masked_mean(scores.log_prob, mask)
        total += weights[name] * loss
        metrics |= {f"loss/{name}": loss, f"accuracy/{name}": masked_mean(right, mask)}
    asked = (target != Kind.PAD).any(-1)
    whole = ((right > 0) | (target == Kind.PAD)).all(-1)
    metrics["accuracy/whole"] = masked_mean(whole.astype(jnp.float32), asked)
    metrics["fits"] = asked.astype(jnp.float32).mean()
    metrics["tokens"] = (target != Kind.PAD).sum().astype(jnp.float32)
    return total, metrics


def _is_corner(target: Array, vocabulary: AnswerVocabulary) -> Array:
    first = vocabulary.first_corner
    return (target >= first) & (target < first + vocabulary.bins)
