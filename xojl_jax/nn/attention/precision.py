"""The numbers that every implementation of attention shares."""

import jax.numpy as jnp


def accumulation_dtype(dtype: jnp.dtype) -> jnp.dtype:
    """The dtype of sums and softmax over values of `dtype`: float32, or float64 for float64."""
    return jnp.dtype(jnp.float64 if dtype == jnp.float64 else jnp.float32)


def masked_score(dtype: jnp.dtype) -> float:
    """What a masked score is set to. Finite, so that differences of two of them are no NaN."""
    return float(jnp.finfo(dtype).min) / 2
