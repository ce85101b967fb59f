"""Attention that never holds a score matrix.

It walks over blocks of keys with an online softmax, and saves only the output and one log-sum-exp
per row; the backward pass computes the scores again, block by block (the scheme of
FlashAttention-2, Dao 2023). Every block works its part of the mask out from indices and from the
block's slices of the mask's arrays.

Letters: B batch, Tq queries, S keys, H heads, K head width. Scores, softmax and sums are float32
(float64 for float64 inputs).
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jax.ad_checkpoint import checkpoint_name

from xojl_jax.nn.attention.bias import Bias, enter_channels
from xojl_jax.nn.attention.grid_bias import GridBias
from xojl_jax.nn.attention.mask import Mask
from xojl_jax.nn.attention.partition import batch_shares
from xojl_jax.nn.attention.precision import accumulation_dtype, masked_score

Array = jax.Array

# Rows of queries that are worked on at once. More rows mean fewer, larger matrix products, and a
# larger block of scores.
QUERY_ROWS = 2048

# What a remat policy may save so that the backward pass need not run the forward attention again
# (see scan.REMAT).
SAVED_NAMES = ("attention_out", "attention_lse")

# A bias that does not enter through channels.
_Left = Array | GridBias | None


def supports(q: Array, k: Array, v: Array, mask: Mask, bias) -> str | None:
    """None: this implementation takes every mask of positions, on every device."""
    return None if mask.top_k is None else "it selects no keys by their scores"


def attend(
    q: Array,
    k: Array,
    v: Array,
    mask: Mask,
    *,
    bias: Array | Bias | None,
    scale: float,
    block_size: int,
) -> Array:
    """See `attend.attend`."""
    rows, columns = q.shape[1], k.shape[1]
    tiling = _tiling(mask, rows, columns, scale, block_size)
    q, k, bias = enter_channels(bias, q, k, scale)

    pad_rows = tiling.row_blocks * tiling.row_size - rows
    pad_columns = tiling.column_blocks * tiling.column_size - columns
    mask = mask.padded(pad_rows, pad_columns, columns)
    if isinstance(bias, Array):
        bias = jnp.pad(bias, ((0, 0), (0, 0), (0, pad_rows), (0, pad_columns)))

    def heads_first(x: Array, pad: int) -> Array:
        return jnp.pad(x.swapaxes(1, 2), ((0, 0), (0, 0), (0, pad), (0, 0)))

    out = _attend(
        tiling,
        heads_first(q, pad_rows),
        heads_first(k, pad_columns),
        heads_first(v, pad_columns),
        mask,
        bias,
    )
    return out[:, :, :rows].swapaxes(1, 2)


# --- the tiling: everything static ----------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _Tiling:
    """How the scores are cut into blocks, and the scale of the scores."""

    scale: float
    row_blocks: int
    row_size: int
    column_blocks: int
    column_size: int

    def columns_of(
        self, row_block: Array | int, mask: Mask
    ) -> tuple[Array | int, Callable[[Array], Array]]:
        """How many column blocks a row block visits, and a map from 0, 1, … to their numbers."""
        size = self.column_size
        if self.row_blocks == 1 or not mask.banded:
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


def _tiling(mask: Mask, rows: int, columns: int, scale: float, block_size: int) -> _Tiling:
    # Where position rules whole blocks out, smaller blocks of rows let more of them be skipped.
    at_most = block_size if mask.banded else max(QUERY_ROWS, block_size)
    row_blocks, row_size = _split(rows, at_most)
    column_blocks, column_size = _split(columns, block_size)
    return _Tiling(
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


# --- the two passes. Inside, heads come first: [B, H, T, K] ---------------------------------------


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _attend(tiling: _Tiling, q: Array, k: Array, v: Array, mask: Mask, bias: _Left) -> Array:
    return _forward(tiling, q, k, v, mask, bias)[0]


def _forward_rule(tiling, q, k, v, mask, bias):
    out, lse = _forward(tiling, q, k, v, mask, bias)
    out = checkpoint_name(out, SAVED_NAMES[0])
    lse = checkpoint_name(lse, SAVED_NAMES[1])
    return out, (q, k, v, mask, bias, out, lse)


def _forward(
    tiling: _Tiling, q: Array, k: Array, v: Array, mask: Mask, bias: _Left
) -> tuple[Array, Array]:
    """Output [B, H, Tq, K] and each row's log-sum-exp [B, H, Tq] (+inf: nothing to attend to)."""
    acc = accumulation_dtype(q.dtype)

    def row_block(carry: tuple, i: Array | int) -> tuple[tuple, tuple[Array, Array]]:
        q_block = _block(q, i, tiling.row_size)

        def visit(j: Array | int, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            total, weight, top = state
            scores = _scores(tiling, q_block, k, mask, bias, i, j)
            new_top = jnp.maximum(top, scores.max(-1))
            # Rows that have met only masked keys so far gather ones here; the first allowed key
            # multiplies them by exp(-big) = 0.
            weights = jnp.exp(scores - new_top[..., None])
            shrink = jnp.exp(top - new_top)
            v_block = _block(v, j, tiling.column_size)
            update = jnp.einsum(
                "bhqs,bhsk->bhqk", weights.astype(v.dtype), v_block, preferred_element_type=acc
            )
            return total * shrink[..., None] + update, weight * shrink + weights.sum(-1), new_top

        weight = jnp.zeros(q_block.shape[:-1], acc)
        total = jnp.zeros((*weight.shape, v.shape[-1]), acc)
        state = (total, weight, jnp.full_like(weight, masked_score(acc)))
        total, weight, top = _visit_columns(tiling, mask, i, visit, state)
        something = top > masked_score(acc)
        out = jnp.where(something[..., None], total / jnp.where(something, weight, 1)[..., None], 0)
        lse = jnp.where(something, top + jnp.log(weight), jnp.inf)
        return carry, (out.astype(q.dtype), lse)

    _, (out, lse) = _over_rows(tiling, row_block, ())
    return out, lse


def _backward_rule(tiling, saved, grad_out):
    q, k, v, mask, bias, out, lse = saved
    acc = accumulation_dtype(q.dtype)
    # Sum over keys of weight * d(loss)/d(weight): the term that the softmax takes off every score's
    # gradient.
    shared = jnp.einsum("bhqk,bhqk->bhq", grad_out.astype(acc), out.astype(acc))

    def row_block(carry: tuple, i: Array | int) -> tuple[tuple, tuple[Array]]:
        q_block, grad_block = _block(q, i, tiling.row_size), _block(grad_out, i, tiling.row_size)
        lse_block, shared_block = (_block(x, i, tiling.row_size)[..., None] for x in (lse, shared))

        def visit(j: Array | int, state: tuple) -> tuple:
            grad_q, grad_k, grad_v, grad_bias = state
            k_block, v_block = _block(k, j, tiling.column_size), _block(v, j, tiling.column_size)
            weights = jnp.exp(_scores(tiling, q_block, k, mask, bias, i, j) - lse_block)
            dot = functools.partial(jnp.einsum, preferred_element_type=acc)
            grad_weights = dot("bhqk,bhsk->bhqs", grad_block, v_block)
            grad_scores = weights * (grad_weights - shared_block)
            if bias is not None:
                grad_bias = _put_bias(tiling, grad_bias, grad_scores, bias, i, j)
            weights, grad_scores = (
                weights.astype(q.dtype),
                (grad_scores * tiling.scale).astype(q.dtype),
            )
            return (
                grad_q + dot("bhqs,bhsk->bhqk", grad_scores, k_block),
                _add_block(grad_k, j, dot("bhqs,bhqk->bhsk", grad_scores, q_block)),
                _add_block(grad_v, j, dot("bhqs,bhqk->bhsk", weights, grad_block)),
                grad_bias,
            )

        state = (jnp.zeros(q_block.shape, acc), *carry)
        grad_q, *carry = _visit_columns(tiling, mask, i, visit, state)
        return tuple(carry), (grad_q.astype(q.dtype),)

    start = (
        jnp.zeros(k.shape, acc),
        jnp.zeros(v.shape, acc),
        _bias_zeros(bias, len(q), acc),
    )
    (grad_k, grad_v, grad_bias), (grad_q,) = _over_rows(tiling, row_block, start)
    if isinstance(bias, GridBias):
        grad_bias = jax.tree.map(lambda x: x.sum(0), grad_bias)
    grad_bias = jax.tree.map(lambda grad, x: grad.astype(x.dtype), grad_bias, bias)
    return grad_q, grad_k.astype(k.dtype), grad_v.astype(v.dtype), None, grad_bias


_attend.defvjp(_forward_rule, _backward_rule)


# --- pieces of both -------------------------------------------------------------------------------


def _scores(tiling: _Tiling, q_block: Array, k: Array, mask: Mask, bias: _Left, i, j) -> Array:
    """Scaled, biased, masked scores of one block: float32[B, H, rows, columns]."""
    acc = accumulation_dtype(q_block.dtype)
    # Positions alone do not change from layer to layer: JAX would hoist the mask out of the loop
    # over layers and keep it whole, as large as all scores. So they are made to depend on queries.
    i, j, q_block = lax.optimization_barrier((i, j, q_block))
    k_block = _block(k, j, tiling.column_size)
    scores = (
        jnp.einsum("bhqk,bhsk->bhqs", q_block, k_block, preferred_element_type=acc) * tiling.scale
    )
    if bias is not None:
        scores = scores + _corner(tiling, bias, i, j).astype(acc)
    rows = i * tiling.row_size + jnp.arange(tiling.row_size, dtype=jnp.int32)
    columns = j * tiling.column_size + jnp.arange(tiling.column_size, dtype=jnp.int32)
    visible = mask.visible(
        rows,
        columns,
        of_rows=lambda x: _block(x, i, tiling.row_size, axis=1),
        of_columns=lambda x: _block(x, j, tiling.column_size, axis=1),
    )
    return scores if visible is None else jnp.where(visible, scores, masked_score(acc))


def _corner(tiling: _Tiling, bias: Array | GridBias, i, j) -> Array:
    """[B or 1, H or 1, rows, columns], the bias of one block."""
    rows, columns = tiling.row_size, tiling.column_size
    if isinstance(bias, GridBias):
        return bias.corner(i * rows, rows, j * columns, columns)
    return _block(_block(bias, i, rows), j, columns, axis=3)


def _bias_zeros(bias: _Left, batch: int, dtype) -> Any:
    """Where the gradient of the bias is gathered. That of a grid's has the shares of a batch over
    devices in front: summed over all of it in each block, every block would be sent around."""
    if isinstance(bias, GridBias):
        shares = batch_shares(batch)
        return jax.tree.map(lambda x: jnp.zeros((shares, *x.shape), dtype), bias)
    return jax.tree.map(lambda x: jnp.zeros(x.shape, dtype), bias)


def _put_bias(tiling: _Tiling, grad_bias: Any, grad_scores: Array, bias: Any, i, j) -> Any:
    """The gradient with that of one block, summed over axes of broadcasting. Each block is met
    once."""
    if isinstance(bias, GridBias):
        corner, transpose = jax.vjp(lambda bias: _corner(tiling, bias, i, j), bias)
        shares = len(grad_bias.tiles)
        parts = grad_scores.reshape(shares, -1, *grad_scores.shape[1:]).sum(1)[:, None]
        if shares > 1:
            parts = nn.with_logical_constraint(parts, ("batch", None, None, None, None))
        (more,) = jax.vmap(transpose)(parts.astype(corner.dtype))
        return jax.tree.map(lambda x, y: x + y.astype(x.dtype), grad_bias, more)
    axes = tuple(axis for axis in (0, 1) if grad_bias.shape[axis] != grad_scores.shape[axis])
    grad_scores = grad_scores.sum(axes, keepdims=True)
    zero = jnp.zeros((), jnp.int32)
    at = (
        zero,
        zero,
        jnp.asarray(i * tiling.row_size, jnp.int32),
        jnp.asarray(j * tiling.column_size, jnp.int32),
    )
    return lax.dynamic_update_slice(grad_bias, grad_scores, at)


def _block(x: Array, i: Array | int, size: int, axis: int = 2) -> Array:
    if x.shape[axis] == size:
        return x
    return lax.dynamic_slice_in_dim(x, i * size, size, axis)


def _add_block(x: Array, i: Array | int, update: Array) -> Array:
    size = update.shape[2]
    return lax.dynamic_update_slice_in_dim(x, _block(x, i, size) + update, i * size, 2)


def _over_rows(tiling: _Tiling, row_block: Callable, carry: tuple) -> tuple[tuple, tuple]:
    """Runs over the blocks of rows; what they return beside the carry is joined along rows."""
    if tiling.row_blocks == 1:
        return row_block(carry, 0)
    carry, outputs = lax.scan(row_block, carry, jnp.arange(tiling.row_blocks, dtype=jnp.int32))

    def join(x: Array) -> Array:  # [blocks, B, H, rows, …] -> [B, H, blocks * rows, …]
        x = jnp.moveaxis(x, 0, 2)
        return x.reshape(*x.shape[:2], -1, *x.shape[4:])

    return carry, jax.tree.map(join, outputs)


def _visit_columns(
    tiling: _Tiling, mask: Mask, i: Array | int, visit: Callable, state: tuple
) -> tuple:
    count, number = tiling.columns_of(i, mask)
    if tiling.column_blocks == 1:
        return visit(0, state)
    if isinstance(count, int):
        turns = jnp.arange(count, dtype=jnp.int32)
        return lax.scan(lambda state, turn: (visit(turn, state), None), state, turns)[0]
    first = jnp.zeros((), jnp.int32)
    return lax.fori_loop(first, count, lambda turn, state: visit(number(turn), state), state)
