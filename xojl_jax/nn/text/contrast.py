"""Contrast within a batch: unsupervised SimCSE (Gao, Yao and Chen 2021).

Letters: B batch, D width.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

Array = jax.Array


def info_nce(
    one: Float[Array, "B D"], other: Float[Array, "B D"], temperature: float = 0.05
) -> tuple[Float32[Array, ""], dict[str, Float32[Array, ""]]]:
    """The mean cross-entropy, in nats, of finding each row's partner among all rows of the batch.

    The score of two rows is their cosine over the temperature. Under jit over several devices, the
    batch is the global one.

    Args:
      one, other: two vectors of each text, of two passes with dropout. Gradients reach both.

    Returns:
      The loss, and {"retrieved": share of rows whose partner has the highest score, "cosine": mean
      of partners, "alignment" and "uniformity": of Wang and Isola 2020, lower is better}.
    """
    one, other = (_unit(x.astype(jnp.float32)) for x in (one, other))
    cosines = jnp.matmul(one, other.T, precision="highest")
    scores = cosines / temperature
    losses = jax.nn.logsumexp(scores, axis=-1) - jnp.diagonal(scores)
    size = one.shape[0]
    apart = ~jnp.eye(size, dtype=bool)
    # Of unit vectors, the squared distance is 2 - 2 cosine.
    near = jnp.matmul(one, one.T, precision="highest")
    kernel = jnp.where(apart, jnp.exp(-2 * (2 - 2 * near)), 0).sum() / max(size * (size - 1), 1)
    paired = jnp.diagonal(cosines)
    metrics = {
        "retrieved": (scores.argmax(-1) == jnp.arange(size)).astype(jnp.float32).mean(),
        "cosine": paired.mean(),
        "alignment": (2 - 2 * paired).mean(),
        "uniformity": jnp.log(jnp.maximum(kernel, 1e-30)),
    }
    return losses.mean(), metrics


def _unit(x: Array) -> Array:
    # Under the root, so that a row of zeros has a gradient.
    return x * jax.lax.rsqrt(jnp.maximum(jnp.square(x).sum(-1, keepdims=True), 1e-24))
