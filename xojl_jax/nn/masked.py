"""Means over what a mask leaves. B batch, T tokens, D width."""

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Float32

Array = jax.Array


def masked_mean(values: Float[Array, "..."], mask: Bool[Array, "..."]) -> Float32[Array, ""]:
    """The mean of `values` where `mask` holds; 0 where it holds nowhere."""
    return weighted_mean(values, mask.astype(jnp.float32))


def weighted_mean(values: Float[Array, "..."], weight: Float32[Array, "..."]) -> Float32[Array, ""]:
    """The mean of `values` by weights whose sum is 0, which gives 0, or at least 1."""
    return (values * weight).sum() / jnp.maximum(weight.sum(), 1.0)


def mean_token(x: Float[Array, "B T D"], mask: Bool[Array, "B T"]) -> Float32[Array, "B D"]:
    """The mean of each row's tokens where `mask` holds; 0 where it holds nowhere."""
    weight = mask.astype(jnp.float32)
    total = jnp.einsum("btd,bt->bd", x.astype(jnp.float32), weight)
    return total / jnp.maximum(weight.sum(1, keepdims=True), 1.0)
