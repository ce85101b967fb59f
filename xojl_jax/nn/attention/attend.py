"""The one way into attention: picks an implementation, and calls it."""

import contextlib
import contextvars
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
from jaxtyping import Float

from xojl_jax.errors import BadUsage
from xojl_jax.nn.attention import block_sparse, blockwise, cudnn, sparse
from xojl_jax.nn.attention.bias import Bias
from xojl_jax.nn.attention.mask import Mask

Array = jax.Array


class Backend(NamedTuple):
    """An implementation of attention.

    Attributes:
      attend: called as `(q, k, v, mask, bias=, scale=, block_size=)`, with shapes as in `attend`.
      supports: called as `(q, k, v, mask, bias)`; None, or the reason why `attend` would not do.
    """

    attend: Callable[..., Array]
    supports: Callable[..., str | None]


# The first one that supports the arguments is used.
BACKENDS: dict[str, Backend] = {
    "cudnn": Backend(cudnn.attend, cudnn.supports),
    "blockwise": Backend(blockwise.attend, blockwise.supports),
    "sparse": Backend(sparse.attend, sparse.supports),
    "block_sparse": Backend(block_sparse.attend, block_sparse.supports),
}
# The one that runs on every platform: it is made of XLA's own operations.
PORTABLE = "blockwise"

_portable = contextvars.ContextVar("portable", default=False)


@contextlib.contextmanager
def portable() -> Iterator[None]:
    """Within, programs are traced with the portable backend alone: for a program that is exported,
    which other machines and platforms run."""
    token = _portable.set(True)
    try:
        yield
    finally:
        _portable.reset(token)


def attend(
    q: Float[Array, "B Tq H K"],
    k: Float[Array, "B S H K"],
    v: Float[Array, "B S H _"],
    mask: Mask | None = None,
    *,
    bias: Float[Array, "#B #H Tq S"] | Bias | None = None,
    scale: float | None = None,
    block_size: int = 512,
    backend: str | None = None,
) -> Float[Array, "B Tq H _"]:
    """Softmax attention in memory linear in the length.

    Args:
      q: [B, Tq, H, K].
      k: [B, S, H, K]; any S.
      v: [B, S, H, any width].
      mask: which keys each query may attend to; None: all.
      bias: [B or 1, H or 1, Tq, S], added to the scaled scores, differentiable; its size is the
        caller's choice; the kinds of `Bias` never are of that size.
      scale: of the scores; 1/sqrt(K) by default.
      block_size: keys that are read at once.
      backend: a name in `BACKENDS`; None takes the first that supports these arguments.

    Returns:
      [B, Tq, H, width of v], in the dtype of q. A query that may attend to nothing gives zeros and
      zero gradients; so does one all of whose scores are below -1e38.

    Raises:
      BadUsage: the backend is not known, or does not support the arguments.
    """
    mask = Mask() if mask is None else mask
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
    chosen = _choose(backend, q, k, v, mask, bias)
    return chosen.attend(q, k, v, mask, bias=bias, scale=scale, block_size=block_size)


def _choose(name: str | None, *arguments) -> Backend:
    if name is not None and name not in BACKENDS:
        raise BadUsage(
            f"attention backend {name!r} is not known: choose one of {', '.join(BACKENDS)}"
        )
    if name is None and _portable.get():
        name = PORTABLE
    reasons = {}
    for candidate in BACKENDS if name is None else (name,):
        reason = BACKENDS[candidate].supports(*arguments)
        if reason is None:
            return BACKENDS[candidate]
        reasons[candidate] = reason
    told = "; ".join(f"{candidate}: {reason}" for candidate, reason in reasons.items())
    raise BadUsage(f"no attention backend supports this call: {told}")
