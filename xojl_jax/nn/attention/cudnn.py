"""Attention by cuDNN's flash kernels, for NVIDIA GPUs; no array of all pairs of tokens.

The kernel knows two masks: causal, and key lengths. The others are made of these, exactly:

- Any `key_mask` becomes a length: keys and values are gathered so that the real ones come first,
  and softmax does not care about the order of keys.
- `exclude_self` is two causal calls: query i sees keys j < i in the first, where every query sits
  one place ahead, and keys j > i in the second, which has the tokens in reverse. Their outputs are
  merged by log-sum-exp. The backward pass gives both calls the merged output and the merged
  log-sum-exp: what each returns is then its share of the gradients, and shares add up (weights are
  exp(score - log-sum-exp), and the softmax's own term is the product of output and its gradient).

Gathers are undone by gathers, in both passes: nothing is scattered.

Letters: B batch, T queries, S keys, H heads, K head width.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from xojl_jax.nn.attention import cudnn_kernel
from xojl_jax.nn.attention.blockwise import SAVED_NAMES
from xojl_jax.nn.attention.device import no_nvidia_gpu
from xojl_jax.nn.attention.mask import LENGTH_MULTIPLE, Mask
from xojl_jax.nn.attention.partition import HEADS, ROWS, TOKENS, per_device

Array = jax.Array

# Below, there is nothing to gain.
FEWEST_QUERIES = 8
# The log-sum-exp of a query that sees no key, for the backward pass: no score has any weight.
# Finite, so that the kernel meets no infinity.
NOTHING = 1e30


def supports(q: Array, k: Array, v: Array, mask: Mask, bias) -> str | None:
    """None, or why not: the device, the dtype or the shape, or a mask that the kernel lacks."""
    return (
        _unsupported_mask(q, k, mask, bias)
        or _unsupported_array(q, v)
        or no_nvidia_gpu(capability=(8, 0))
        or cudnn_kernel.unavailable()
    )


def _unsupported_mask(q: Array, k: Array, mask: Mask, bias) -> str | None:
    given = {
        "bias": bias,
        "window": mask.window,
        "top_k": mask.top_k,
        "order": mask.order,
        "segments": mask.segments,
        "causal with key_mask": (mask.causal and mask.key_mask is not None) or None,
        "causal with exclude_self": (mask.causal and mask.exclude_self) or None,
    }
    for name, value in given.items():
        if value is not None:
            return f"it has no {name}"
    if mask.exclude_self and q.shape[1] != k.shape[1]:
        return f"exclude_self with {q.shape[1]} queries and {k.shape[1]} keys"
    return None


def _unsupported_array(q: Array, v: Array) -> str | None:
    if q.dtype not in (jnp.bfloat16, jnp.float16):
        return f"it takes bfloat16 and float16, not {q.dtype}"
    width = q.shape[-1]
    if width % 8 or width > 128 or v.shape[-1] != width:
        return f"head widths {width} and {v.shape[-1]}: it takes equal ones, multiples of 8 to 128"
    if q.shape[1] < FEWEST_QUERIES:
        return f"fewer than {FEWEST_QUERIES} queries"
    return None


def attend(
    q: Array, k: Array, v: Array, mask: Mask, *, bias: None, scale: float, block_size: int
) -> Array:
    """See `attend.attend`. block_size: unused, the kernel has its own."""
    key_mask = mask.key_mask
    if key_mask is not None:
        key_mask = jnp.broadcast_to(key_mask, k.shape[:2])
    return _attend(_Rules(scale, mask.causal, mask.exclude_self), q, k, v, key_mask)


class _Rules(NamedTuple):
    """What is static: the scale of the scores, and the part of the mask that is no data."""

    scale: float
    causal: bool
    exclude_self: bool


# --- the two passes -------------------------------------------------------------------------------


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _attend(rules: _Rules, q: Array, k: Array, v: Array, key_mask: Array | None) -> Array:
    return _forward_rule(rules, q, k, v, key_mask)[0]


def _forward_rule(rules, q, k, v, key_mask):
    function = functools.partial(_forward, rules)
    sizes = {"batch": q.shape[0], "heads": q.shape[2]}
    function = per_device(function, sizes, (HEADS, HEADS, HEADS, TOKENS), (HEADS, ROWS))
    out, lse = function(q, k, v, key_mask)
    out = checkpoint_name(out, SAVED_NAMES[0])
    lse = checkpoint_name(lse, SAVED_NAMES[1])
    return out, (q, k, v, key_mask, out, lse)


def _backward_rule(rules, saved, grad_out):
    q, *_ = saved
    function = functools.partial(_backward, rules)
    sizes = {"batch": q.shape[0], "heads": q.shape[2]}
    inputs = (HEADS, HEADS, HEADS, TOKENS, HEADS, ROWS, HEADS)
    function = per_device(function, sizes, inputs, (HEADS, HEADS, HEADS))
    # Otherwise XLA fuses the last gathers into the sum over tokens that is a bias's gradient, which
    # then reads memory in their order: 2.4 ms in place of a pass over 45 MB, in each layer.
    return *jax.lax.optimization_barrier(function(*saved, grad_out)), None


_attend.defvjp(_forward_rule, _backward_rule)


def _forward(
    rules: _Rules, q: Array, k: Array, v: Array, key_mask: Array | None
) -> tuple[Array, Array]:
    """Output [B, T, H, K] and float32 log-sum-exp [B, T, H] (`NOTHING`: no key is seen)."""
    outs, lses = [], []
    for part in _parts(rules, q, k, key_mask):
        out, lse = cudnn_kernel.forward(
            part.place_queries(q),
            part.place_keys(k),
            part.place_keys(v),
            part.key_lengths,
            scale=rules.scale,
            causal=part.causal,
        )
        outs.append(jnp.where(part.sees[..., None], part.unplace_queries(out), 0.0))
        lses.append(jnp.where(part.sees, part.unplace_queries(lse.swapaxes(1, 2)), -NOTHING))
    if len(outs) > 1:
        return _merge(outs, lses)
    return outs[0], jnp.where(lses[0] > -NOTHING, lses[0], NOTHING)


def _merge(outs: list[Array], lses: list[Array]) -> tuple[Array, Array]:
    """Attention to all keys, from attention to parts of them (log-sum-exp -`NOTHING`: to none)."""
    largest = functools.reduce(jnp.maximum, lses)
    something = largest > -NOTHING
    shares = [jnp.where(something, jnp.exp(lse - largest), 0.0) for lse in lses]
    total = jnp.where(something, sum(shares), 1.0)
    out = sum(
        (share / total)[..., None] * out.astype(share.dtype)
        for share, out in zip(shares, outs, strict=True)
    )
    return out.astype(outs[0].dtype), jnp.where(something, largest + jnp.log(total), NOTHING)


def _backward(
    rules: _Rules,
    q: Array,
    k: Array,
    v: Array,
    key_mask: Array | None,
    out: Array,
    lse: Array,
    grad_out: Array,
) -> tuple[Array, Array, Array]:
    """The gradients of q, k and v."""
    shares = []
    for part in _parts(rules, q, k, key_mask):
        # A query that a part must not count has no gradient there; then neither have its keys.
        grad = jnp.where(part.sees[..., None], grad_out, jnp.zeros((), grad_out.dtype))
        grad_q, grad_k, grad_v = cudnn_kernel.backward(
            part.place_queries(q),
            part.place_keys(k),
            part.place_keys(v),
            part.key_lengths,
            part.place_queries(out),
            part.place_queries(lse).swapaxes(1, 2),
            part.place_queries(grad),
            scale=rules.scale,
            causal=part.causal,
        )
        shares.append(
            (part.unplace_queries(grad_q), part.unplace_keys(grad_k), part.unplace_keys(grad_v))
        )

    def add(parts: tuple[Array, ...]) -> Array:
        # In float32: each share is rounded once, and their sum once.
        return sum(x.astype(lse.dtype) for x in parts).astype(q.dtype)

    grad_q, grad_k, grad_v = map(add, zip(*shares, strict=True))
    if key_mask is None:
        return grad_q, grad_k, grad_v
    # The kernel may leave anything where the padding is.
    real = key_mask[..., None, None]
    return grad_q, *(jnp.where(real, x, jnp.zeros((), x.dtype)) for x in (grad_k, grad_v))


# --- the calls of the kernel that make up a mask --------------------------------------------------


class _Part(NamedTuple):
    """One call of the kernel: which token is at which place, and which queries count.

    Attributes:
      causal: query at place i sees keys at places j <= i.
      place_queries, unplace_queries: [B, T, …] -> [B, places, …], padded, and back. A query without
        a place gets zeros.
      place_keys, unplace_keys: the same for keys.
      key_lengths: int32[B], at least 1, or None.
      sees: bool[B or 1, T or 1, 1], False for queries that see none of the part's keys.
    """

    causal: bool
    place_queries: Callable[[Array], Array]
    unplace_queries: Callable[[Array], Array]
    place_keys: Callable[[Array], Array]
    unplace_keys: Callable[[Array], Array]
    key_lengths: Array | None
    sees: Array


def _parts(rules: _Rules, q: Array, k: Array, key_mask: Array | None) -> list[_Part]:
    queries, keys = q.shape[1], k.shape[1]
    lengths = order = rank = None
    if key_mask is None:
        forth = back = _whole
        some = jnp.ones((1, 1, 1), bool)
        padded = keys % LENGTH_MULTIPLE
        key_lengths = jnp.full(k.shape[0], keys, jnp.int32) if padded else None
    else:
        lengths, order, rank = _real_first(key_mask)
        forth, back = functools.partial(_take, order), functools.partial(_take, rank)
        some = lengths[:, None, None] > 0
        # Without any real key, the first one takes part: the kernel must not meet an empty row.
        key_lengths = jnp.maximum(lengths, 1)
    if not rules.exclude_self:
        return [
            _Part(
                causal=rules.causal,
                place_queries=_padded,
                unplace_queries=lambda y: y[:, :queries],
                place_keys=lambda x: _padded(forth(x)),
                unplace_keys=lambda y: back(y[:, :keys]),
                key_lengths=key_lengths,
                sees=some,
            )
        ]
    if lengths is None:
        reverse = unreverse = functools.partial(jnp.flip, axis=1)
        counted = some
    else:
        # Real tokens in reverse, and padding where it was: lengths count from the front. A token
        # that is padding sees all real ones in the first part, so the second does not count it.
        places = jnp.arange(keys, dtype=jnp.int32)
        turned = jnp.where(places < lengths[:, None], lengths[:, None] - 1 - places, places)
        reverse = functools.partial(_take, _take(turned, order))
        unreverse = functools.partial(_take, _take(rank, turned))
        counted = key_mask[..., None]
    halves = ((forth, back, some), (reverse, unreverse, counted))
    return [_ahead(*half, queries, key_lengths) for half in halves]


def _ahead(
    arrange: Callable, restore: Callable, sees: Array, tokens: int, key_lengths: Array | None
) -> _Part:
    """The part in which a query sees all keys before its own, in the order of `arrange`."""

    def unplace_queries(y: Array) -> Array:
        # The first one sees nothing, and has no place.
        return restore(jnp.pad(y[:, : tokens - 1], _along_tokens(1, 0, y.ndim)))

    first = jnp.arange(tokens, dtype=jnp.int32)[None, :, None] == 0
    return _Part(
        causal=True,
        place_queries=lambda x: _padded(arrange(x)[:, 1:]),
        unplace_queries=unplace_queries,
        place_keys=lambda x: _padded(arrange(x)),
        unplace_keys=lambda y: restore(y[:, :tokens]),
        key_lengths=key_lengths,
        sees=sees & ~restore(jnp.broadcast_to(first, (sees.shape[0], tokens, 1))),
    )


def _real_first(mask: Array) -> tuple[Array, Array, Array]:
    """bool[B, S] -> int32[B] real ones; int32[B, S] which token is at each place, real ones
    first and otherwise in order; int32[B, S] the place of each token."""
    lengths = mask.sum(-1, dtype=jnp.int32)
    before = jnp.cumsum(mask, axis=-1, dtype=jnp.int32)
    tokens = jnp.arange(mask.shape[1], dtype=jnp.int32)
    rank = jnp.where(mask, before - 1, lengths[:, None] + tokens - before)
    # Not by sorting: the places are known.
    unsorted = jnp.zeros_like(rank[0])
    order = jax.vmap(lambda rank: unsorted.at[rank].set(tokens, unique_indices=True))(rank)
    return lengths, order, rank


def _whole(x: Array) -> Array:
    return x


def _take(index: Array, x: Array) -> Array:
    """x[b, index[b, i]]: [B, S, …] -> [B, T, …]."""
    return jax.vmap(lambda x, i: x.at[i].get(mode="promise_in_bounds"))(x, index)


def _padded(x: Array) -> Array:
    more = -x.shape[1] % LENGTH_MULTIPLE
    return jnp.pad(x, _along_tokens(0, more, x.ndim)) if more else x


def _along_tokens(before: int, after: int, axes: int) -> list[tuple[int, int]]:
    return [(before, after) if axis == 1 else (0, 0) for axis in range(axes)]
