"""cuDNN's flash attention, forward and backward, as two functions.

The only file that touches JAX's private API. `jax.nn.dot_product_attention` will not do: it returns
the log-sum-exp in bfloat16, and its backward pass takes no other output and log-sum-exp than its
own (`cudnn` merges two calls, and needs both).

Letters: B batch, T queries, S keys, H heads, K head width.
"""

import functools
import inspect

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

try:
    from jax._src.cudnn import fused_attention_stablehlo as private
except ImportError:  # another version of JAX: `unavailable` says so
    private = None

Array = jax.Array

FORWARD = "_dot_product_attention_fwd_p_wrapper"
BACKWARD = "_dot_product_attention_bwd_p_wrapper"


@functools.cache
def unavailable() -> str | None:
    """Why the two functions below cannot be called in this environment; None if they can."""
    names = (FORWARD, BACKWARD, "_dot_product_attention_fwd_impl", "MaskType", "AttentionLayout")
    if not all(hasattr(private, name) for name in names):
        return f"jax {jax.__version__} has cuDNN's attention under other names than those known"
    try:
        private.check_cudnn_version()
    except RuntimeError:
        return "cuDNN is not installed: install jax[cuda13]"
    return None


def forward(
    q: Float[Array, "B T H K"],
    k: Float[Array, "B S H K"],
    v: Float[Array, "B S H K"],
    key_lengths: Int[Array, " B"] | None,
    *,
    scale: float,
    causal: bool,
) -> tuple[Float[Array, "B T H K"], Float[Array, "B H T"]]:
    """Output, in the dtype of q, and float32 log-sum-exp of the scaled scores of each query.

    Args:
      q, k, v: bfloat16 or float16; K a multiple of 8, at most 128.
      key_lengths: int32[B], at least 1: keys from that on are padding. None: all are real.
      scale: of the scores.
      causal: query i sees keys j <= i. With it, too, every query must see some key.
    """
    return tuple(
        getattr(private, FORWARD).bind(
            q,
            k,
            v,
            *_rest(q, key_lengths),
            is_training=True,  # which returns the log-sum-exp
            **_parameters(scale, causal, key_lengths),
        )
    )


def backward(
    q: Float[Array, "B T H K"],
    k: Float[Array, "B S H K"],
    v: Float[Array, "B S H K"],
    key_lengths: Int[Array, " B"] | None,
    out: Float[Array, "B T H K"],
    lse: Float[Array, "B H T"],
    grad_out: Float[Array, "B T H K"],
    *,
    scale: float,
    causal: bool,
) -> tuple[Float[Array, "B T H K"], Float[Array, "B S H K"], Float[Array, "B S H K"]]:
    """The gradients of q, k and v, with weights exp(score - lse).

    `out` and `lse` may be those of attention to more keys than these: then the gradients are this
    part's share.
    """
    return tuple(
        getattr(private, BACKWARD).bind(
            q,
            k,
            v,
            *_rest(q, key_lengths),
            lse,
            out,
            grad_out,
            **_parameters(scale, causal, key_lengths),
        )
    )


def _rest(q: Array, key_lengths: Array | None) -> tuple[Array, ...]:
    """What the primitives take after q, k and v: bias, lengths, offsets, tables of a cache."""
    unused = jnp.zeros(0, q.dtype)
    if key_lengths is None:
        return (unused,) * 7
    query_lengths = jnp.full_like(key_lengths, q.shape[1])
    return (unused, query_lengths, key_lengths, *(unused,) * 4)


def _parameters(scale: float, causal: bool, key_lengths: Array | None) -> dict:
    masks = private.MaskType
    mask_type = {
        (False, False): masks.NO_MASK,
        (False, True): masks.PADDING,
        (True, False): masks.CAUSAL,
        (True, True): masks.PADDING_CAUSAL,
    }[causal, key_lengths is not None]
    parameters = {
        "scale": scale,
        "seed": 0,
        "dropout_rate": 0.0,
        "variadic_args": (False, False),  # no bias, no gradient of one
        "mask_type": mask_type,
        "layout": private.AttentionLayout.BTNH.value,
        "sliding_window_length": None,
    }
    # Later versions have one more.
    if "score_mod" in inspect.signature(private._dot_product_attention_fwd_impl).parameters:
        parameters["score_mod"] = None
    return parameters
