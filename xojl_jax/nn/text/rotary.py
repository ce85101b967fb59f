"""Rotary positions (Su et al. 2021): queries and keys turn by angles that grow with the position,
so that their product depends on the distance alone.

Letters: B batch, T tokens, H heads, K head width.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float32, Int

from xojl_jax.nn.text.config import RotaryConfig

Array = jax.Array


def frequencies(config: RotaryConfig, head_dim: int) -> np.ndarray:
    """Angles per position, in radians: float64[K / 2], from fast to slow."""
    plain = config.theta ** (-np.arange(0, head_dim, 2) / head_dim)
    if config.kind == "plain":
        return plain
    if config.kind == "linear":
        return plain / config.factor
    # Llama 3.1: short waves stay, long ones are stretched, those between are blended.
    turns = config.trained_length * plain / (2 * math.pi)
    kept = np.clip((turns - config.low) / (config.high - config.low), 0, 1)
    return kept * plain + (1 - kept) * plain / config.factor


def rotations(
    config: RotaryConfig, head_dim: int, positions: Int[Array, "*B T"]
) -> tuple[Float32[Array, "*B T _"], Float32[Array, "*B T _"]]:
    """Cosine and sine of every angle: int32[..., T] -> two float32[..., T, K / 2].

    In float32: in bfloat16, neighboring positions beyond 256 would coincide.
    """
    steps = jnp.asarray(frequencies(config, head_dim), jnp.float32)
    angles = positions.astype(jnp.float32)[..., None] * steps
    return jnp.cos(angles), jnp.sin(angles)


def rotate(
    x: Float[Array, "B T H K"], cosine: Float32[Array, "*B T _"], sine: Float32[Array, "*B T _"]
) -> Float[Array, "B T H K"]:
    """Turns the pairs (i, i + K / 2) of the last axis, the pairing of published checkpoints."""
    first, second = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    cosine, sine = cosine[..., None, :], sine[..., None, :]
    turned = (first * cosine - second * sine, second * cosine + first * sine)
    return jnp.concatenate(turned, axis=-1).astype(x.dtype)
