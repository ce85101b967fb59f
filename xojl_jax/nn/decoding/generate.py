"""Autoregressive decoding under the grammar: one `lax.while_loop`, the automaton inside.

The promise: whatever the weights, every row that comes out is a whole document, ends with EOS,
and fits. `grammar_mask` says why. A model enters as a step function, so this file knows no
decoder.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from xojl_jax.nn.decoding.beam import beam_search, gather_rows
from xojl_jax.nn.decoding.constraint import (
    BOS,
    EOS,
    PAD,
    GrammarCarry,
    GrammarTables,
    grammar_advance,
    grammar_mask,
    legal_log_probs,
    shortest_document,
)

METHODS = ("greedy", "sample", "beam")

# Below this, sampling is greedy in all but name, and a division would overflow.
_COLDEST = 1e-6

# (model_carry, last token int32[R], position int32[], the automaton's carry, int32[R] each)
# -> (logits float[R, V+T], model_carry)
StepFn = Callable[[Any, jax.Array, jax.Array, GrammarCarry], tuple[jax.Array, Any]]


class Generated(NamedTuple):
    tokens: jax.Array  # int32[B, L]: the document without BOS, EOS its last token, then PAD
    length: jax.Array  # int32[B]: tokens of the document, EOS included
    score: jax.Array  # float32[B]: log-probability of these tokens among the legal ones


def generate(
    step_fn: StepFn,
    model_carry: Any,
    tables: GrammarTables,
    *,
    view_start: jax.Array,
    copyable: jax.Array,
    max_length: int | jax.Array,
    buffer_length: int | None = None,
    method: str = "greedy",
    beam: int = 4,
    length_penalty: float | jax.Array = 0.0,
    temperature: float | jax.Array = 1.0,
    rng: jax.Array | None = None,
    reorder: Callable[[Any, jax.Array], Any] = gather_rows,
) -> Generated:
    """Decodes a batch; traceable, so wrap the caller in `jax.jit`.

    view_start      int32[B], the automaton's state after BOS: semantic and detail rows may stand
                    in one batch
    copyable        bool[B, T]; T may be 0
    max_length      tokens that a row may take, EOS included: an int, or int32[B] together with
                    `buffer_length`, L. A row for which no document is short enough comes out
                    empty, with length 0.
    method          "greedy", "sample" or "beam"
    beam            hypotheses a row
    length_penalty  at least 0; beams are ranked by score / ((5 + length) / 6) ** length_penalty
    temperature     of sampling
    rng             for sampling: a typed key, or one for each row. A row's draws do not depend on
                    the other rows.
    reorder         (model_carry, index int32[R]) -> the carry whose row r was row index[r]. Beam
                    search also makes B * beam rows of B with it, those of one row side by side.
                    By default every leaf leads with rows.
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}, expected one of {', '.join(METHODS)}")
    if buffer_length is None:
        if not isinstance(max_length, int):
            raise ValueError("buffer_length is needed where max_length is an array")
        buffer_length = max_length
    budget = jnp.minimum(jnp.asarray(max_length, jnp.int32), buffer_length)
    budget = jnp.broadcast_to(budget, view_start.shape)
    # The automaton can keep its promise only if it was possible at the start.
    budget = jnp.where(budget < shortest_document(tables, view_start), 0, budget)
    if method == "beam":
        return Generated(
            *beam_search(
                step_fn,
                model_carry,
                tables,
                view_start=view_start,
                copyable=copyable,
                budget=budget,
                buffer_length=buffer_length,
                width=beam,
                length_penalty=length_penalty,
                reorder=reorder,
            )
        )
    choose = _most_likely if method == "greedy" else _sampler(rng, temperature, budget.shape[0])
    return _follow(
        step_fn, choose, model_carry, tables, view_start, copyable, budget, buffer_length
    )


class _Rows(NamedTuple):
    position: jax.Array  # int32[]
    last: jax.Array  # int32[B]
    model: Any
    grammar: GrammarCarry  # int32[B]
    finished: jax.Array  # bool[B]
    result: Generated


def _follow(
    step_fn: StepFn,
    choose: Callable[[jax.Array, jax.Array], jax.Array],
    model_carry: Any,
    tables: GrammarTables,
    view_start: jax.Array,
    copyable: jax.Array,
    budget: jax.Array,
    buffer_length: int,
) -> Generated:
    """Follows one path a row: choose(log_probs [B, V+T], position) -> int32[B] picks its next
    token.
    """

    def step(rows: _Rows) -> _Rows:
        logits, model = step_fn(rows.model, rows.last, rows.position, rows.grammar)
        left = budget - rows.position
        legal = grammar_mask(tables, rows.grammar, left, copyable)
        log_probs = legal_log_probs(logits, legal)
        token = jnp.where(rows.finished, PAD, choose(log_probs, rows.position))
        gain = jnp.take_along_axis(log_probs, token[:, None], axis=-1)[:, 0]
        ahead = grammar_advance(tables, rows.grammar, token)
        result = Generated(
            tokens=jax.lax.dynamic_update_slice(
                rows.result.tokens, token[:, None], (jnp.int32(0), rows.position)
            ),
            length=rows.result.length + jnp.where(rows.finished, 0, 1),
            score=rows.result.score + jnp.where(rows.finished, 0, gain),
        )
        return _Rows(
            position=rows.position + 1,
            last=token,
            model=model,
            grammar=jax.tree.map(
                lambda old, new: jnp.where(rows.finished, old, new), rows.grammar, ahead
            ),
            finished=rows.finished | (token == EOS),
            result=result,
        )

    batch = view_start.shape[0]
    start = _Rows(
        position=jnp.int32(0),
        last=jnp.full(batch, BOS, jnp.int32),
        model=model_carry,
        grammar=GrammarCarry.start(view_start),
        finished=budget == 0,
        result=Generated(
            tokens=jnp.full((batch, buffer_length), PAD, jnp.int32),
            length=jnp.zeros(batch, jnp.int32),
            score=jnp.zeros(batch, jnp.float32),
        ),
    )

    def goes_on(rows: _Rows) -> jax.Array:
        return ~jnp.all(rows.finished) & (rows.position < buffer_length)

    return jax.lax.while_loop(goes_on, step, start).result


def _most_likely(log_probs: jax.Array, position: jax.Array) -> jax.Array:
    del position
    return jnp.argmax(log_probs, axis=-1).astype(jnp.int32)


def _sampler(
    rng: jax.Array | None, temperature: float | jax.Array, batch: int
) -> Callable[[jax.Array, jax.Array], jax.Array]:
    if rng is None:
        raise ValueError("method 'sample' needs rng, a key from jax.random.key")
    fold_in = jax.vmap(jax.random.fold_in, in_axes=(0, None))
    row_keys = (
        rng if rng.ndim else jax.vmap(lambda row: jax.random.fold_in(rng, row))(jnp.arange(batch))
    )
    temperature = jnp.maximum(jnp.asarray(temperature, jnp.float32), _COLDEST)

    def choose(log_probs: jax.Array, position: jax.Array) -> jax.Array:
        draws = jax.vmap(jax.random.categorical)(
            fold_in(row_keys, position), log_probs / temperature
        )
        return draws.astype(jnp.int32)

    return choose
