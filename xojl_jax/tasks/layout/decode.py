"""Decoding a batch: encoders once, then one token of every document at a time (X105)."""

import functools
from typing import TYPE_CHECKING, cast

import jax
import jax.numpy as jnp

from xojl_jax.nn.decoder import cache_lengths
from xojl_jax.nn.decoding.generate import generate
from xojl_jax.tasks.layout.decoder_stacks import grow_caches, reorder_caches
from xojl_jax.tasks.layout.encoded import per_row
from xojl_jax.tasks.layout.grammar_constraint import GrammarConstraint
from xojl_jax.tasks.layout.html_cursor import CursorState, advance
from xojl_jax.tasks.layout.model import LayoutModel
from xojl_jax.tasks.layout.views import VIEWS, Prediction

if TYPE_CHECKING:
    from xojl_jax.tasks.layout.task import LayoutTask

Array = jax.Array
Batch = dict[str, Array]


def decode_batch(
    task: "LayoutTask",
    params,
    batch: Batch,
    *,
    mode: str = "dual",
    method: str = "greedy",
    beam: int = 4,
    nbest: int = 1,
    length_penalty: float = 0.0,
    temperature: float = 1.0,
    confidence: bool = False,
    rng: Array | None = None,
) -> Prediction:
    """Decodes a batch of B records; jittable, with everything but arrays static.

    Args:
      mode: a key of `VIEWS`.
      method: "greedy", "sample" or "beam".
      beam: hypotheses of a beam.
      nbest: hypotheses of a beam that are given, as neighboring rows, the best one first.
      length_penalty: a beam's hypotheses are ranked by log probability over
        ((5 + length) / 6) ** length_penalty (Wu et al. 2016); more favors longer ones.
      temperature: of a sample.
      confidence: also gives the log probability of every token; not of a beam.
      rng: key of a sample.
    """
    views = VIEWS[mode]
    batch_size = batch["html_mask"].shape[0]
    apply = functools.partial(task.model(mode).apply, {"params": params})
    encoded, predictions = apply(batch, method=LayoutModel.encode)
    start = [task.automaton.start_semantic, task.automaton.start_detail]
    detail = jnp.tile(jnp.array([view == "detail" for view in views]), batch_size)
    rows = detail.shape[0]

    def step(carry, token, position, grammar):
        # A beam has more rows than there are documents; `group` is a row's view.
        cache, state, group = carry
        count = token.shape[0]
        prior = jax.tree.map(functools.partial(per_row, rows=count), encoded.prior)
        html_end = per_row(batch["html_end"], count)
        state = advance(
            state,
            token,
            depth=grammar.depth,
            detail=group,
            prior=prior,
            html_end=html_end,
            first_pointer=task.vocabulary.size,
        )
        cursor = state.cursor(html_end)
        logits, cache = apply(
            encoded,
            cache,
            position,
            token,
            cursor,
            grammar.depth,
            group,
            method=LayoutModel.next_logits,
        )
        return logits, (cache, state, group)

    lengths = cache_lengths(task.config.model.max_target)
    cache = apply(encoded, rows, lengths[0], method=LayoutModel.start_cache)
    state = CursorState.start(rows, batch["html_mask"].shape[1])
    generated = generate(
        step,
        (cache, state, detail),
        GrammarConstraint(
            task.tables,
            view_start=jnp.where(detail, start[1], start[0]).astype(jnp.int32),
            copyable=per_row(batch["html_copyable"], rows),
        ),
        max_length=task.config.model.max_target,
        method=method,
        beam=beam,
        nbest=nbest,
        length_penalty=length_penalty,
        temperature=temperature,
        rng=rng,
        reorder=_reorder,
        lengths=lengths,
        grow=_grow,
        keep_gains=confidence,
    )
    category = cast(Array, predictions["category"]).argmax(-1)
    *written, gains = generated
    return Prediction(*written, category=category, weights=encoded.weights, gains=gains)


def _grow(carry, length: int):
    cache, *others = carry
    return grow_caches(cache, length), *others


def _reorder(carry, index: Array):
    cache, state, detail = carry
    state, detail = jax.tree.map(lambda x: jnp.take(x, index, axis=0), (state, detail))
    return reorder_caches(cache, index), state, detail
