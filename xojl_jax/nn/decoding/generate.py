"""Autoregressive decoding under a constraint: one `lax.while_loop`, the constraint inside.

The promise: whatever the weights, every row that comes out is a whole sequence of the constraint's
language, ends with EOS, and fits. `constraint.Constraint` says what that rests on. A model enters
as a step function, so this file knows no decoder.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from xojl_jax.nn.decoding.beam import beam_search, gather_rows
from xojl_jax.nn.decoding.constraint import BOS, EOS, PAD, Constraint, State, legal_log_probs
from xojl_jax.nn.decoding.phases import keep_size, while_in_phases

METHODS = ("greedy", "sample", "beam")

# Below this, sampling is as good as greedy, and dividing logits by it would overflow.
_MIN_TEMPERATURE = 1e-6

# (model_carry, last token int32[R], position int32[], the constraint's state, leaves [R, …])
# -> (logits float[R, V'], model_carry)
StepFn = Callable[[Any, jax.Array, jax.Array, State], tuple[jax.Array, Any]]


class Generated(NamedTuple):
    tokens: jax.Array  # int32[B, L]: the sequence without BOS, EOS its last token, then PAD
    length: jax.Array  # int32[B]: tokens of the sequence, EOS included
    score: jax.Array  # float32[B]: log-probability of these tokens among the legal ones
    gains: jax.Array | None = None  # float32[B, L]: of each of them; where it was asked for


def generate(
    step_fn: StepFn,
    model_carry: Any,
    constraint: Constraint,
    *,
    max_length: int | jax.Array,
    buffer_length: int | None = None,
    method: str = "greedy",
    beam: int = 4,
    nbest: int = 1,
    length_penalty: float | jax.Array = 0.0,
    temperature: float | jax.Array = 1.0,
    rng: jax.Array | None = None,
    reorder: Callable[[Any, jax.Array], Any] = gather_rows,
    lengths: Sequence[int] = (),
    grow: Callable[[Any, int], Any] = keep_size,
    keep_gains: bool = False,
) -> Generated:
    """Decodes a batch; traceable, so wrap the caller in `jax.jit`.

    constraint      the language of each of the B rows; rows of different languages may share a
                    batch
    max_length      tokens that a row may take, EOS included: an int, or int32[B] together with
                    `buffer_length`, L. A row for which no sequence is short enough comes out
                    empty, with length 0.
    method          "greedy", "sample" or "beam"
    beam            hypotheses a row
    nbest           of a beam: so many of a row's hypotheses come out as neighboring rows, the best
                    one first; length 0 where there are fewer
    length_penalty  at least 0; beams are ranked by score / ((5 + length) / 6) ** length_penalty
    temperature     of sampling
    rng             for sampling: a typed key, or one for each row. A row's draws do not depend on
                    the other rows.
    reorder         (model_carry, index int32[R]) -> the carry whose row r was row index[r]. Beam
                    search also makes B * beam rows of B with it, those of one row side by side.
                    By default every leaf leads with rows.
    lengths, grow   where the carry has room for positions, the sizes that it goes through, see
                    `phases.while_in_phases`: it starts with the first of `lengths`, and
                    (model_carry, length) -> model_carry makes room for the next
    keep_gains      gives the log-probability of every token, too; not of a beam
    """
    if keep_gains and method == "beam":
        raise ValueError("a beam keeps no log-probabilities of single tokens")
    if nbest != 1 and (method != "beam" or not 1 <= nbest <= beam):
        raise ValueError(f"nbest is {nbest}, expected 1, or up to {beam} of a beam of {beam}")
    if method not in METHODS:
        raise ValueError(f"method is {method!r}, expected one of {', '.join(METHODS)}")
    if buffer_length is None:
        if not isinstance(max_length, int):
            raise ValueError("buffer_length is needed where max_length is an array")
        buffer_length = max_length
    shortest = constraint.shortest()
    budget = jnp.minimum(jnp.asarray(max_length, jnp.int32), buffer_length)
    budget = jnp.broadcast_to(budget, shortest.shape)
    # The constraint can keep its promise only if it was possible at the start.
    budget = jnp.where(budget < shortest, 0, budget)
    lengths = lengths or (buffer_length,)
    if method == "beam":
        return Generated(
            *beam_search(
                step_fn,
                model_carry,
                constraint,
                budget=budget,
                buffer_length=buffer_length,
                width=beam,
                nbest=nbest,
                length_penalty=length_penalty,
                reorder=reorder,
                lengths=lengths,
                grow=grow,
            )
        )
    choose = _most_likely if method == "greedy" else _sampler(rng, temperature, budget.shape[0])
    return _decode_loop(
        step_fn, choose, model_carry, constraint, budget, buffer_length, lengths, grow, keep_gains
    )


class _Rows(NamedTuple):
    position: jax.Array  # int32[]
    last: jax.Array  # int32[B]
    model: Any
    state: State  # leaves [B, …]
    finished: jax.Array  # bool[B]
    result: Generated


def _decode_loop(
    step_fn: StepFn,
    choose: Callable[[jax.Array, jax.Array], jax.Array],
    model_carry: Any,
    constraint: Constraint,
    budget: jax.Array,
    buffer_length: int,
    lengths: Sequence[int],
    grow: Callable[[Any, int], Any],
    keep_gains: bool,
) -> Generated:
    """Follows one path a row: choose(log_probs [B, V'], position) -> int32[B] picks its next
    token.
    """

    def step(rows: _Rows) -> _Rows:
        logits, model = step_fn(rows.model, rows.last, rows.position, rows.state)
        legal = constraint.legal(rows.state, budget - rows.position)
        log_probs = legal_log_probs(logits, legal)
        token = jnp.where(rows.finished, PAD, choose(log_probs, rows.position))
        gain = jnp.take_along_axis(log_probs, token[:, None], axis=-1)[:, 0]
        gain = jnp.where(rows.finished, 0, gain)
        advanced = constraint.advance(rows.state, token)
        here = (jnp.int32(0), rows.position)
        gains = rows.result.gains
        if gains is not None:
            gains = jax.lax.dynamic_update_slice(gains, gain[:, None], here)
        result = Generated(
            tokens=jax.lax.dynamic_update_slice(rows.result.tokens, token[:, None], here),
            length=rows.result.length + jnp.where(rows.finished, 0, 1),
            score=rows.result.score + gain,
            gains=gains,
        )
        return _Rows(
            position=rows.position + 1,
            last=token,
            model=model,
            state=jax.tree.map(partial(_keep, rows.finished), rows.state, advanced),
            finished=rows.finished | (token == EOS),
            result=result,
        )

    batch = budget.shape[0]
    first = _Rows(
        position=jnp.int32(0),
        last=jnp.full(batch, BOS, jnp.int32),
        model=model_carry,
        state=constraint.start(),
        finished=budget == 0,
        result=Generated(
            tokens=jnp.full((batch, buffer_length), PAD, jnp.int32),
            length=jnp.zeros(batch, jnp.int32),
            score=jnp.zeros(batch, jnp.float32),
            gains=jnp.zeros((batch, buffer_length), jnp.float32) if keep_gains else None,
        ),
    )

    def cond_fn(rows: _Rows) -> jax.Array:
        return ~jnp.all(rows.finished) & (rows.position < buffer_length)

    return while_in_phases(cond_fn, step, first, lengths, grow).result


def _keep(finished: jax.Array, old: jax.Array, new: jax.Array) -> jax.Array:
    """`old` in rows that are finished, `new` elsewhere; finished is bool[B], the others [B, …]."""
    return jnp.where(finished.reshape(finished.shape + (1,) * (old.ndim - 1)), old, new)


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
    temperature = jnp.maximum(jnp.asarray(temperature, jnp.float32), _MIN_TEMPERATURE)

    def choose(log_probs: jax.Array, position: jax.Array) -> jax.Array:
        draws = jax.vmap(jax.random.categorical)(
            fold_in(row_keys, position), log_probs / temperature
        )
        return draws.astype(jnp.int32)

    return choose
