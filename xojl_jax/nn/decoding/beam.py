"""Beam search under a constraint, in one `lax.while_loop`.

K hypotheses a row are alive. Each step extends them by every legal token and ranks the results;
those of the best K that end are kept as finished, the best K that do not are the next alive ones.
Finished hypotheses compete by penalized score, alive ones by log-probability.

A hypothesis with log-probability -inf is dead: there were fewer legal extensions than K. It stays
in its slot and yields only dead ones. A row always has an alive or a finished hypothesis: the
best extension of a step is legal and is either kept alive or finishes, and once a single token is
left, only EOS is legal.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from xojl_jax.nn.decoding.constraint import BOS, EOS, PAD, Constraint, State, legal_log_probs
from xojl_jax.nn.decoding.phases import while_in_phases


def gather_rows(model_carry: Any, index: jax.Array) -> Any:
    """Row r of every leaf becomes what row index[r] was, index int32[R]."""
    return jax.tree.map(lambda leaf: jnp.take(leaf, index, axis=0, mode="clip"), model_carry)


class _Alive(NamedTuple):
    tokens: jax.Array  # int32[B, K, L]
    last: jax.Array  # int32[B, K]
    total: jax.Array  # float32[B, K]: log-probability, best first
    state: State  # leaves [B, K, …]


class _Finished(NamedTuple):
    tokens: jax.Array  # int32[B, K, L]
    length: jax.Array  # int32[B, K]
    total: jax.Array  # float32[B, K]
    rank: jax.Array  # float32[B, K]: penalized, best first; -inf where the slot is free


class _Search(NamedTuple):
    position: jax.Array  # int32[]
    model: Any  # B * K rows
    alive: _Alive
    finished: _Finished
    closed: jax.Array  # bool[B]: nothing that is still alive may change the answer


def beam_search(
    step_fn: Callable[..., tuple[jax.Array, Any]],
    model_carry: Any,
    constraint: Constraint,
    *,
    budget: jax.Array,
    buffer_length: int,
    width: int,
    nbest: int,
    length_penalty: float | jax.Array,
    reorder: Callable[[Any, jax.Array], Any],
    lengths: Sequence[int],
    grow: Callable[[Any, int], Any],
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Tokens int32[R, L], lengths int32[R] and log-probabilities float32[R] of each row's best
    sequences, R = B * nbest: those of one row are neighbors, the best one first.

    The arguments are those of `generate.generate`, `budget` int32[B] being 0 where no sequence
    fits. A length is 0 where a row has fewer sequences than `nbest`.
    """
    batch = budget.shape[0]

    def penalized(total: jax.Array, length: jax.Array) -> jax.Array:
        power = jnp.asarray(length_penalty, jnp.float32)
        return total / ((5 + length.astype(jnp.float32)) / 6) ** power

    def step(search: _Search) -> _Search:
        alive, position = search.alive, search.position
        logits, model = step_fn(
            search.model, alive.last.reshape(-1), position, jax.tree.map(_flat_rows, alive.state)
        )
        legal = constraint.legal(alive.state, (budget - position)[:, None])
        log_probs = legal_log_probs(logits.reshape(legal.shape), legal)
        value, origin, token = _best_extensions(alive.total, log_probs, 2 * width)
        ends = token == EOS

        # Where K or more hypotheses end, only those count that are among the best K of all.
        ending = jnp.where(ends & ~search.closed[:, None], value, -jnp.inf)[:, :width]
        length = jnp.full_like(ending, position + 1, jnp.int32)
        finished = _merge(
            search.finished,
            _Finished(
                tokens=_extend(alive.tokens, origin[:, :width], token[:, :width], position),
                length=length,
                total=ending,
                rank=penalized(ending, length),
            ),
        )

        total, slot = jax.lax.top_k(jnp.where(ends, -jnp.inf, value), width)
        origin, token = _pick(origin, slot), _pick(token, slot)
        parents = jax.tree.map(lambda leaf: _pick(leaf, origin), alive.state)
        # No alive hypothesis can beat its own log-probability under the mildest penalty it may get.
        bound = penalized(total[:, 0], budget)
        full = jnp.isfinite(finished.rank[:, -1])
        return _Search(
            position=position + 1,
            model=reorder(model, (jnp.arange(batch)[:, None] * width + origin).reshape(-1)),
            alive=_Alive(
                tokens=_extend(alive.tokens, origin, token, position),
                last=token,
                total=total,
                state=constraint.advance(parents, token),
            ),
            finished=finished,
            closed=search.closed | full | (bound <= finished.rank[:, nbest - 1]),
        )

    start = _start(constraint.start(), batch, width, buffer_length)
    search = _Search(
        position=jnp.int32(0),
        model=reorder(model_carry, jnp.repeat(jnp.arange(batch), width)),
        alive=start,
        finished=_Finished(
            tokens=start.tokens,
            length=jnp.zeros_like(start.last),
            total=jnp.zeros_like(start.total),
            rank=jnp.full_like(start.total, -jnp.inf),
        ),
        closed=budget == 0,
    )

    def cond_fn(search: _Search) -> jax.Array:
        return ~jnp.all(search.closed) & (search.position < buffer_length)

    best = while_in_phases(cond_fn, step, search, lengths, grow).finished
    return tuple(
        leaf[:, :nbest].reshape(batch * nbest, *leaf.shape[2:])
        for leaf in (best.tokens, best.length, best.total)
    )


def _start(state: State, batch: int, width: int, buffer_length: int) -> _Alive:
    """One hypothesis a row is alive, the empty one; the other slots are dead."""
    shape = (batch, width)
    first = jnp.arange(width) == 0
    return _Alive(
        tokens=jnp.full((*shape, buffer_length), PAD, jnp.int32),
        last=jnp.full(shape, BOS, jnp.int32),
        total=jnp.broadcast_to(jnp.where(first, 0.0, -jnp.inf).astype(jnp.float32), shape),
        state=jax.tree.map(
            lambda leaf: jnp.broadcast_to(leaf[:, None], (*shape, *leaf.shape[1:])), state
        ),
    )


def _flat_rows(leaf: jax.Array) -> jax.Array:
    """[B, K, …] -> [B * K, …], the rows that the model decodes."""
    # No -1, which has no meaning where an axis is empty: there may be no pointers.
    return leaf.reshape(leaf.shape[0] * leaf.shape[1], *leaf.shape[2:])


def _best_extensions(
    total: jax.Array, log_probs: jax.Array, count: int
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Values, parents and tokens [B, count] of the best one-token extensions, best first."""
    batch, _, size = log_probs.shape
    value, index = jax.lax.top_k((total[..., None] + log_probs).reshape(batch, -1), count)
    return value, index // size, index % size


def _pick(leaf: jax.Array, slot: jax.Array) -> jax.Array:
    """leaf [B, K, ...] at slot int32[B, J] -> [B, J, ...]."""
    return jnp.take_along_axis(leaf, slot.reshape(slot.shape + (1,) * (leaf.ndim - 2)), axis=1)


def _extend(
    tokens: jax.Array, origin: jax.Array, token: jax.Array, position: jax.Array
) -> jax.Array:
    start = (jnp.int32(0), jnp.int32(0), position)
    return jax.lax.dynamic_update_slice(_pick(tokens, origin), token[..., None], start)


def _merge(old: _Finished, new: _Finished) -> _Finished:
    """The best K of both, best first; an old one wins a tie."""
    both = jax.tree.map(lambda a, b: jnp.concatenate([a, b], axis=1), old, new)
    _, slot = jax.lax.top_k(both.rank, old.rank.shape[1])
    return jax.tree.map(lambda leaf: _pick(leaf, slot), both)
