"""The norm of language models."""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Float

from xojl_jax.nn.attention import accumulation_dtype
from xojl_jax.nn.layers import named


class RmsNorm(nn.Module):
    """Root-mean-square normalization (Zhang and Sennrich 2019) over the last axis, in float32.

    Attributes:
      epsilon: added to the mean square.
      offset: the factor is this plus `scale`. Gemma has 1, with scales around zero.
      dtype: of the answer.
    """

    epsilon: float = 1e-6
    offset: float = 0.0
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "*B D"]) -> Float[jax.Array, "*B D"]:
        init = nn.initializers.constant(1.0 - self.offset)
        scale = self.param("scale", named(init, "embed"), x.shape[-1:], jnp.float32)
        x = x.astype(accumulation_dtype(x.dtype))
        x = x * jax.lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + self.epsilon)
        return (x * (self.offset + scale)).astype(self.dtype)
