"""Decoding a batch: the page once, then one token of every answer at a time."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from xojl_jax.nn.decoder import cache_lengths, grow_cache, reorder_cache
from xojl_jax.nn.decoding.generate import Generated, generate
from xojl_jax.tasks.document.answering.answer_constraint import answer_constraint
from xojl_jax.tasks.document.answering.model import AnswerModel
from xojl_jax.tasks.document.answering.vocabulary import AnswerVocabulary

Array = jax.Array


def decode_batch(
    model: AnswerModel,
    vocabulary: AnswerVocabulary,
    params,
    batch: Mapping[str, Array],
    *,
    method: str = "greedy",
    beam: int = 4,
    length_penalty: float = 0.0,
    temperature: float = 1.0,
    rng: Array | None = None,
) -> Generated:
    """Decodes answers about B pages; jittable, with everything but arrays static. The options are
    those of `generate`."""
    c = model.config

    def apply(*arguments, method):
        return model.apply({"params": params}, *arguments, method=method)

    encoded = apply(batch, method="encode")

    def step(cache, token, position, state):
        del state
        return apply(encoded, cache, position, token, method="next_logits")

    lengths = cache_lengths(c.max_length)
    cache = apply(encoded, lengths[0], method="start_cache")
    copyable = jnp.asarray(batch["copyable"])
    return generate(
        step,
        cache,
        answer_constraint(vocabulary, copyable, c.max_columns),
        max_length=c.max_length,
        method=method,
        beam=beam,
        length_penalty=length_penalty,
        temperature=temperature,
        rng=rng,
        reorder=reorder_cache,
        lengths=lengths,
        grow=grow_cache,
    )
