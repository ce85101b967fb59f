"""The loss of an answer (R033): of its text and structure, and of its boxes. B batch, L tokens."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

from xojl_jax.nn.masked import masked_mean, weighted_mean
from xojl_jax.tasks.document.answering.model import TokenScores
from xojl_jax.tasks.document.answering.vocabulary import AnswerVocabulary, Kind

Array = jax.Array

# Name, as in `config.loss` -> (target int32[B, L], vocabulary) -> bool[B, L], the tokens that it is
# about.
PARTS = {
    "text": lambda target, vocabulary: ~_is_corner(target, vocabulary) & (target != Kind.PAD),
    "boxes": lambda target, vocabulary: _is_corner(target, vocabulary),
}
# A name of `config.answer.token_weights` -> what each of so many tokens of an answer counts,
# float32[B, 1]. "equal" leaves most of the loss to tables and long texts; with "answer" every
# answer counts as much as any other; "root" is between the two.
TOKEN_WEIGHTS: dict[str, Callable[[Array], Array]] = {
    "equal": jnp.ones_like,
    "root": lambda count: count**-0.5,
    "answer": lambda count: 1 / count,
}


def answer_loss(
    scores: TokenScores,
    target: Array,
    vocabulary: AnswerVocabulary,
    weights: Mapping[str, float],
    token_weights: str = "equal",
) -> tuple[Array, dict[str, Array]]:
    """The weighted sum of the parts, each a mean over its tokens by `TOKEN_WEIGHTS`, and metrics,
    over tokens that count alike."""
    weight_of = TOKEN_WEIGHTS[token_weights]
    right = (scores.guess == target).astype(jnp.float32)
    total, metrics = jnp.float32(0), {}
    for name, tokens_of in PARTS.items():
        mask = tokens_of(target, vocabulary)
        counted = mask.astype(jnp.float32)
        length = jnp.maximum(counted.sum(-1, keepdims=True), 1.0)
        loss = -weighted_mean(scores.log_prob, counted * weight_of(length))
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
