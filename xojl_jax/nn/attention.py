"""Attention that never holds a score matrix.

`attend` walks over blocks of keys with an online softmax, and saves only the output and one
log-sum-exp per row; the backward pass computes the scores again, block by block (the scheme of
FlashAttention-2). Masks are data: a `Mask` says which pairs may attend, and every block works its
own corner out from indices. `attend_dense` is the oracle for tests.

Letters: B batch, Tq queries, S keys, H heads, K head width. Scores, softmax and sums are float32
(float64 for float64 inputs).
"""

import dataclasses
import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import struct
from jax import lax
from jax.ad_checkpoint import checkpoint_name

Array = jax.Array

# Rows of queries that are worked on at once. More rows mean fewer, larger matrix products, and a
# larger block of scores.
QUERY_ROWS = 2048

# What a remat policy may save so that the backward pass need not run the forward attention again
# (see blocks.REMAT).
SAVED_NAMES = ("attention_out", "attention_lse")


def wide(dtype: jnp.dtype) -> jnp.dtype:
    """The dtype of sums and softmax over values of `dtype`: float32, or float64 for float64."""
    return jnp.dtype(jnp.float64 if dtype == jnp.float64 else jnp.float32)


@struct.dataclass
class Mask:
    """Which keys a query may attend to: the conjunction of all that is set.

    key_valid: bool[B, S] (or [1, S]), False in padding. causal: key j is seen by queries i >= j.
    exclude_self: query i does not see key i. window: only keys with |i - j| <= window, except that
    the first `window_prefix` tokens see, and are seen by, all. Query i and key i are the same token
    wherever positions matter.
    """

    key_valid: Array | None = None
    causal: bool = struct.field(pytree_node=False, default=False)
    exclude_self: bool = struct.field(pytree_node=False, default=False)
    window: int | None = struct.field(pytree_node=False, default=None)
    window_prefix: int = struct.field(pytree_node=False, default=0)

    def by_position(self, rows: Array, columns: Array) -> Array | None:
        """bool[R, C] for int32[R] query, int32[C] key positions; None if all pairs are allowed."""
        i, j = rows[:, None], columns[None, :]
        parts = []
        if self.causal:
            parts.append(j <= i)
        if self.exclude_self:
            parts.append(i != j)
        if self.window is not None:
            prefix = (i < self.window_prefix) | (j < self.window_prefix)
            parts.append((jnp.abs(i - j) <= self.window) | prefix)
        return functools.reduce(jnp.logical_and, parts) if parts else None


@struct.dataclass
class KindBias:
    """A bias that depends on the kinds of the two tokens alone, and never becomes an array of its
    own.

    table: float[H or 1, C, C], what is added to the score of a query of kind a and a key of kind b
    at [:, a, b]. rows: int32[Tq], columns: int32[S], the kind of each query and key. It enters
    through C more channels of q and k: exact, and differentiable.
    """

    table: Array
    rows: Array
    columns: Array

    def as_channels(self, q: Array, k: Array, scale: float) -> tuple[Array, Array]:
        """q and k with C more channels, whose product times the scale is the bias."""
        per_query = (self.table / scale).astype(q.dtype)[:, self.rows].swapaxes(0, 1)
        per_key = jax.nn.one_hot(self.columns, self.table.shape[-1], dtype=k.dtype)[:, None]

        def widen(x: Array, channels: Array) -> Array:
            channels = jnp.broadcast_to(channels, (*x.shape[:-1], channels.shape[-1]))
            return jnp.concatenate([x, channels], axis=-1)

        return widen(q, per_query), widen(k, per_key)


def attend(
    q: Array,
    k: Array,
    v: Array,
    mask: Mask | None = None,
    *,
    bias: Array | KindBias | None = None,
    scale: float | None = None,
    block_size: int = 512,
) -> Array:
    """Softmax attention in memory linear in the length: [B, Tq, H, K], dtype of q.

    q: [B, Tq, H, K]; k: [B, S, H, K]; v: [B, S, H, any width]; any lengths. bias: [B or 1, H or 1,
    Tq, S], added to the scaled scores, differentiable; its size is the caller's choice, and a
    KindBias has none. scale: default 1/sqrt(K). A row that may attend to nothing gives zeros and
    zero gradients; so does a row all of whose scores are below -1e38.
    """
    mask = Mask() if mask is None else mask
    rows, columns = q.shape[1], k.shape[1]
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
    plan = _plan(mask, rows, columns, scale, block_size)
    if isinstance(bias, KindBias):
        q, k = bias.as_channels(q, k, scale)
        bias = None

    pad_rows = plan.row_blocks * plan.row_size - rows
    pad_columns = plan.column_blocks * plan.column_size - columns
    valid = mask.key_valid
    if pad_columns:
        valid = jnp.ones((1, columns), bool) if valid is None else valid
        valid = jnp.pad(valid, ((0, 0), (0, pad_columns)))
    if bias is not None:
        bias = jnp.pad(bias, ((0, 0), (0, 0), (0, pad_rows), (0, pad_columns)))

    def heads_first(x: Array, pad: int) -> Array:
        return jnp.pad(x.swapaxes(1, 2), ((0, 0), (0, 0), (0, pad), (0, 0)))

    out = _attend(
        plan,
        heads_first(q, pad_rows),
        heads_first(k, pad_columns),
        heads_first(v, pad_columns),
        valid,
        bias,
    )
    return out[:, :, :rows].swapaxes(1, 2)


def attend_dense(
    q: Array,
    k: Array,
    v: Array,
    mask: Mask | None = None,
    *,
    bias: Array | KindBias | None = None,
    scale: float | None = None,
) -> Array:
    """The same function with the whole score matrix in memory: the oracle for tests."""
    mask = Mask() if mask is None else mask
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    acc = wide(q.dtype)
    scores = jnp.einsum("bqhk,bshk->bhqs", q, k, preferred_element_type=acc) * scale
    if isinstance(bias, KindBias):
        bias = bias.table[:, bias.rows][:, :, bias.columns][None]
    if bias is not None:
        scores = scores + bias.astype(acc)
    allowed = jnp.ones(scores.shape[-2:], bool)[None, None]
    by_position = mask.by_position(jnp.arange(q.shape[1]), jnp.arange(k.shape[1]))
    if by_position is not None:
        allowed = allowed & by_position
    if mask.key_valid is not None:
        allowed = allowed & mask.key_valid[:, None, None, :]
    scores = jnp.where(allowed, scores, _lowest(acc))
    weights = jax.nn.softmax(scores, axis=-1)
    weights = jnp.where(scores.max(-1, keepdims=True) > _lowest(acc), weights, 0)
    return jnp.einsum("bhqs,bshk->bqhk", weights, v.astype(acc)).astype(q.dtype)


# --- the plan: everything static ------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _Plan:
    mask: Mask  # without key_valid, hence hashable
    scale: float
    row_blocks: int
    row_size: int
    column_blocks: int
    column_size: int

    def columns_of(self, row_block: Array | int) -> tuple[Array | int, Callable[[Array], Array]]:
        """How many column blocks a row block visits, and a map from 0, 1, … to their numbers."""
        mask, size = self.mask, self.column_size
        if self.row_blocks == 1 or not (mask.causal or mask.window is not None):
            return self.column_blocks, lambda turn: turn
        first_row = row_block * self.row_size
        last_row = first_row + self.row_size - 1
        low, high = jnp.zeros((), jnp.int32), jnp.full((), self.column_blocks, jnp.int32)
        prefix_blocks = 0
        if mask.window is not None:
            everything = first_row < mask.window_prefix
            low = jnp.where(everything, 0, jnp.maximum((first_row - mask.window) // size, 0))
            high = jnp.where(
                everything, high, jnp.minimum((last_row + mask.window) // size + 1, high)
            )
            prefix_blocks = min(-(-mask.window_prefix // size), self.column_blocks)
        if mask.causal:
            high = jnp.minimum(high, last_row // size + 1)
        # The blocks of the prefix come first, then the rest of the band, none of them twice.
        low = jnp.maximum(low, prefix_blocks)
        count = prefix_blocks + jnp.maximum(high - low, 0)
        return count, lambda turn: jnp.where(turn < prefix_blocks, turn, turn - prefix_blocks + low)


def _plan(mask: Mask, rows: int, columns: int, scale: float, block_size: int) -> _Plan:
    # Where position rules whole blocks out, smaller blocks of rows let more of them be skipped.
    banded = mask.causal or mask.window is not None
    row_blocks, row_size = _split(rows, block_size if banded else max(QUERY_ROWS, block_size))
    column_blocks, column_size = _split(columns, block_size)
    return _Plan(
        mask=mask.replace(key_valid=None),
        scale=scale,
        row_blocks=row_blocks,
        row_size=row_size,
        column_blocks=column_blocks,
        column_size=column_size,
    )


def _split(length: int, at_most: int) -> tuple[int, int]:
    """The number of blocks and their equal size: as few as fit, and hardly any padding."""
    blocks = max(1, -(-length // at_most))
    size = -(-length // blocks)
    return (1, size) if blocks == 1 else (blocks, -(-size // 8) * 8)


def _lowest(dtype: jnp.dtype) -> float:
    """What a masked score is set to. Finite, so that differences of two of them are no NaN."""
    return float(jnp.finfo(dtype).min) / 2


# --- the two passes. Inside, heads come first: [B, H, T, K] ---------------------------------------


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _attend(
    plan: _Plan, q: Array, k: Array, v: Array, valid: Array | None, bias: Array | None
) -> Array:
    return _forward(plan, q, k, v, valid, bias)[0]


def _forward_rule(plan, q, k, v, valid, bias):
    out, lse = _forward(plan, q, k, v, valid, bias)
    out = checkpoint_name(out, SAVED_NAMES[0])
    lse = checkpoint_name(lse, SAVED_NAMES[1])
    return out, (q, k, v, valid, bias, out, lse)


def _forward(
    plan: _Plan, q: Array, k: Array, v: Array, valid: Array | None, bias: Array | None
) -> tuple[Array, Array]:
    """Output [B, H, Tq, K] and each row's log-sum-exp [B, H, Tq] (+inf: nothing to attend to)."""
    acc = wide(q.dtype)

    def row_block(carry: tuple, i: Array | int) -> tuple[tuple, tuple[Array, Array]]:
        q_block = _block(q, i, plan.row_size)

        def visit(j: Array, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            total, weight, top = state
            scores = _scores(plan, q_block, k, valid, bias, i, j)
            new_top = jnp.maximum(top, scores.max(-1))
            # Rows that have met only masked keys so far gather ones here; the first allowed key
            # multiplies them by exp(-big) = 0.
            weights = jnp.exp(scores - new_top[..., None])
            shrink = jnp.exp(top - new_top)
            v_block = _block(v, j, plan.column_size)
            update = jnp.einsum(
                "bhqs,bhsk->bhqk", weights.astype(v.dtype), v_block, preferred_element_type=acc
            )
            return total * shrink[..., None] + update, weight * shrink + weights.sum(-1), new_top

        weight = jnp.zeros(q_block.shape[:-1], acc)
        total = jnp.zeros((*weight.shape, v.shape[-1]), acc)
        state = (total, weight, jnp.full_like(weight, _lowest(acc)))
        total, weight, top = _visit_columns(plan, i, visit, state)
        something = top > _lowest(acc)
        out = jnp.where(something[..., None], total / jnp.where(something, weight, 1)[..., None], 0)
        lse = jnp.where(something, top + jnp.log(weight), jnp.inf)
        return carry, (out.astype(q.dtype), lse)

    _, (out, lse) = _over_rows(plan, row_block, ())
    return out, lse


def _backward_rule(plan, saved, grad_out):
    q, k, v, valid, bias, out, lse = saved
    acc = wide(q.dtype)
    # Sum over keys of weight * d(loss)/d(weight): the term that the softmax takes off every score's
    # gradient.
    shared = jnp.einsum("bhqk,bhqk->bhq", grad_out.astype(acc), out.astype(acc))

    def row_block(carry: tuple, i: Array | int) -> tuple[tuple, tuple[Array]]:
        q_block, grad_block = _block(q, i, plan.row_size), _block(grad_out, i, plan.row_size)
        lse_block, shared_block = (_block(x, i, plan.row_size)[..., None] for x in (lse, shared))

        def visit(j: Array, state: tuple) -> tuple:
            grad_q, grad_k, grad_v, grad_bias = state
            k_block, v_block = _block(k, j, plan.column_size), _block(v, j, plan.column_size)
            weights = jnp.exp(_scores(plan, q_block, k, valid, bias, i, j) - lse_block)
            dot = functools.partial(jnp.einsum, preferred_element_type=acc)
            grad_weights = dot("bhqk,bhsk->bhqs", grad_block, v_block)
            grad_scores = weights * (grad_weights - shared_block)
            if bias is not None:
                grad_bias = _put_bias(plan, grad_bias, grad_scores, i, j)
            weights, grad_scores = (
                weights.astype(q.dtype),
                (grad_scores * plan.scale).astype(q.dtype),
            )
            return (
                grad_q + dot("bhqs,bhsk->bhqk", grad_scores, k_block),
                _add_block(grad_k, j, dot("bhqs,bhqk->bhsk", grad_scores, q_block)),
                _add_block(grad_v, j, dot("bhqs,bhqk->bhsk", weights, grad_block)),
                grad_bias,
            )

        state = (jnp.zeros(q_block.shape, acc), *carry)
        grad_q, *carry = _visit_columns(plan, i, visit, state)
        return tuple(carry), (grad_q.astype(q.dtype),)

    start = (
        jnp.zeros(k.shape, acc),
        jnp.zeros(v.shape, acc),
        None if bias is None else jnp.zeros(bias.shape, acc),
    )
    (grad_k, grad_v, grad_bias), (grad_q,) = _over_rows(plan, row_block, start)
    grad_bias = None if bias is None else grad_bias.astype(bias.dtype)
    return grad_q, grad_k.astype(k.dtype), grad_v.astype(v.dtype), None, grad_bias


_attend.defvjp(_forward_rule, _backward_rule)


# --- pieces of both -------------------------------------------------------------------------------


def _scores(
    plan: _Plan, q_block: Array, k: Array, valid: Array | None, bias: Array | None, i, j
) -> Array:
    """Scaled, biased, masked scores of one block: float32[B, H, rows, columns]."""
    acc = wide(q_block.dtype)
    # Positions alone do not change from layer to layer: JAX would hoist the mask out of the loop
    # over layers and keep it whole, as large as all scores. So they are made to depend on queries.
    i, j, q_block = lax.optimization_barrier((i, j, q_block))
    k_block = _block(k, j, plan.column_size)
    scores = (
        jnp.einsum("bhqk,bhsk->bhqs", q_block, k_block, preferred_element_type=acc) * plan.scale
    )
    if bias is not None:
        corner = _block(_block(bias, i, plan.row_size), j, plan.column_size, axis=3)
        scores = scores + corner.astype(acc)
    rows = i * plan.row_size + jnp.arange(plan.row_size, dtype=jnp.int32)
    columns = j * plan.column_size + jnp.arange(plan.column_size, dtype=jnp.int32)
    allowed = plan.mask.by_position(rows, columns)
    if valid is not None:
        valid_block = _block(valid, j, plan.column_size, axis=1)[:, None, None, :]
        allowed = valid_block if allowed is None else allowed & valid_block
    return scores if allowed is None else jnp.where(allowed, scores, _lowest(acc))


def _put_bias(plan: _Plan, grad_bias: Array, grad_scores: Array, i, j) -> Array:
    """Writes one block's gradient, summed over axes of broadcasting. Each block is met once."""
    axes = tuple(axis for axis in (0, 1) if grad_bias.shape[axis] != grad_scores.shape[axis])
    grad_scores = grad_scores.sum(axes, keepdims=True)
    zero = jnp.zeros((), jnp.int32)
    at = (
        zero,
        zero,
        jnp.asarray(i * plan.row_size, jnp.int32),
        jnp.asarray(j * plan.column_size, jnp.int32),
    )
    return lax.dynamic_update_slice(grad_bias, grad_scores, at)


def _block(x: Array, i: Array | int, size: int, axis: int = 2) -> Array:
    if x.shape[axis] == size:
        return x
    return lax.dynamic_slice_in_dim(x, i * size, size, axis)


def _add_block(x: Array, i: Array | int, update: Array) -> Array:
    size = update.shape[2]
    return lax.dynamic_update_slice_in_dim(x, _block(x, i, size) + update, i * size, 2)


def _over_rows(plan: _Plan, row_block: Callable, carry: tuple) -> tuple[tuple, tuple]:
    """Runs over the blocks of rows; what they return beside the carry is joined along rows."""
    if plan.row_blocks == 1:
        return row_block(carry, 0)
    carry, outputs = lax.scan(row_block, carry, jnp.arange(plan.row_blocks, dtype=jnp.int32))

    def join(x: Array) -> Array:  # [blocks, B, H, rows, …] -> [B, H, blocks * rows, …]
        x = jnp.moveaxis(x, 0, 2)
        return x.reshape(*x.shape[:2], -1, *x.shape[4:])

    return carry, jax.tree.map(join, outputs)


def _visit_columns(plan: _Plan, i: Array | int, visit: Callable, state: tuple) -> tuple:
    count, number = plan.columns_of(i)
    if plan.column_blocks == 1:
        return visit(0, state)
    if isinstance(count, int):
        turns = jnp.arange(count, dtype=jnp.int32)
        return lax.scan(lambda state, turn: (visit(turn, state), None), state, turns)[0]
    first = jnp.zeros((), jnp.int32)
    return lax.fori_loop(first, count, lambda turn, state: visit(number(turn), state), state)
