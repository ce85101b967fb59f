"""Linear maps, normalization and dropout: what blocks, heads and embeddings are made of.

Every parameter carries logical axis names; which mesh axis a name is laid on is decided elsewhere,
in one table. Parameters are float32, `dtype` is the dtype of the computation, norms are float32
inside. Dropout acts exactly where the caller supplies a random stream named `dropout`
(`rngs={"dropout": key}`), so no flag is threaded through the layers.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Float

from xojl_jax.nn.attention import accumulation_dtype

Array = jax.Array

NORM_EPSILON = 1e-6


class EinsumDense(nn.Module):
    """Linear map between groups of axes, with a kernel of as many dimensions as it has logical
    names.

    The last len(axes) - len(features) axes of the input are contracted: with axes ("embed",
    "heads", "head_dim") and features (H, K) it maps [..., D] to [..., H, K]; with axes ("heads",
    "head_dim", "embed") and features (D,), [..., H, K] to [..., D].

    Attributes:
      init_std: standard deviation of the initial kernel; 0: by its inputs, so that variances stay.
      shrink: float[] by which the initial kernel is divided; None: by nothing.
    """

    features: tuple[int, ...]
    axes: tuple[str | None, ...]
    use_bias: bool = True
    dtype: DTypeLike = jnp.float32
    kernel_init: Callable | None = None
    bias_init: Callable = nn.initializers.zeros
    init_std: float = 0.0
    shrink: Any = None

    @nn.compact
    def __call__(self, x: Array) -> Array:
        contracted = len(self.axes) - len(self.features)
        shape = (*x.shape[x.ndim - contracted :], *self.features)
        # nn.DenseGeneral flattens such a kernel before it is boxed, which fails under a mesh: hence
        # this module.
        init = self.kernel_init or self._default_init(contracted, len(shape))
        if self.has_variable("params", "kernel"):
            # Flax compares shapes by tracing the initializer in every apply: a quarter of the time
            # to trace a model.
            init = nn.initializers.zeros
        kernel = self.param(
            "kernel", nn.with_logical_partitioning(init, self.axes), shape, jnp.float32
        )
        y = jnp.tensordot(x.astype(self.dtype), kernel.astype(self.dtype), axes=contracted)
        if self.use_bias:
            bias_init = nn.with_logical_partitioning(self.bias_init, self.axes[contracted:])
            y = y + self.param("bias", bias_init, self.features, jnp.float32).astype(self.dtype)
        return y

    def _default_init(self, contracted: int, axes: int) -> Callable:
        init = nn.initializers.variance_scaling(
            1.0,
            "fan_in",
            "truncated_normal",
            in_axis=tuple(range(contracted)),
            out_axis=tuple(range(contracted, axes)),
        )
        if self.init_std:
            init = nn.initializers.truncated_normal(self.init_std)
        if self.shrink is None:
            return init
        return lambda *arguments: init(*arguments) / self.shrink


def standardize(x: Float[Array, "*B D"], epsilon: float = NORM_EPSILON) -> Float[Array, "*B D"]:
    """Mean 0 and variance 1 over the last axis, in float32 (or wider)."""
    x = x.astype(accumulation_dtype(x.dtype))
    # Twice over the data, not by E[x^2] - E[x]^2, which cancels where the mean is large.
    x = x - x.mean(-1, keepdims=True)
    return x * jax.lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + epsilon)


class LayerNorm(nn.Module):
    """Layer normalization over the last axis, in float32; the answer has the compute dtype."""

    dtype: DTypeLike = jnp.float32
    axis: str | None = "embed"
    epsilon: float = NORM_EPSILON

    @nn.compact
    def __call__(self, x: Array) -> Array:
        x = standardize(x, self.epsilon)
        scale = self.param(
            "scale", named(nn.initializers.ones, self.axis), x.shape[-1:], jnp.float32
        )
        bias = self.param(
            "bias", named(nn.initializers.zeros, self.axis), x.shape[-1:], jnp.float32
        )
        return (x * scale + bias).astype(self.dtype)


class Dropout(nn.Module):
    """Drops at `rate` where the caller supplied a `dropout` stream; else the identity."""

    rate: float

    @nn.compact
    def __call__(self, x: Array) -> Array:
        if self.rate == 0 or not self.has_rng("dropout"):
            return x
        keep = jax.random.bernoulli(self.make_rng("dropout"), 1 - self.rate, x.shape)
        return jnp.where(keep, x / (1 - self.rate), jnp.zeros((), x.dtype))


class DropPath(nn.Module):
    """Stochastic depth (Huang et al. 2016): drops a residual branch [B, ...] of whole samples where
    the caller supplied a `dropout` stream; else the identity.

    The rate is data, float[] below 1: layers of one scan have rates of their own.
    """

    @nn.compact
    def __call__(self, x: Array, rate: Array | float) -> Array:
        if not self.has_rng("dropout"):
            return x
        shape = (x.shape[0], *(1,) * (x.ndim - 1))
        keep = jax.random.bernoulli(self.make_rng("dropout"), 1 - rate, shape)
        return jnp.where(keep, x / jnp.asarray(1 - rate, x.dtype), jnp.zeros((), x.dtype))


def named(init: Callable, *axes: str | None) -> Callable:
    """An initializer of an array whose axes have these logical names."""
    return nn.with_logical_partitioning(init, axes)
