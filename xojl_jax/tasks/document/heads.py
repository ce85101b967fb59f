"""Modules that tell what was hidden. B batch, N positions, V classes, D width."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Float, Int

from xojl_jax.nn.chunks import map_positions
from xojl_jax.nn.config import BlockConfig
from xojl_jax.nn.layers import EinsumDense, LayerNorm, named
from xojl_jax.nn.positions import POSITION_STD

Array = jax.Array

# Positions whose scores of all classes are in memory at once, of each sample.
CHUNK = 512


class ClassScores(NamedTuple):
    """log_prob: float32[B, N], of the true class. guess: int32[B, N], the likeliest one."""

    log_prob: Array
    guess: Array


def _hidden(x: Array, c: BlockConfig) -> Array:
    """The layer and the norm of BERT's head; submodules `layer` and `norm` of the module that calls
    this."""
    x = EinsumDense((c.width,), ("embed", None), dtype=c.jnp_dtype, name="layer")(x)
    return LayerNorm(c.jnp_dtype, name="norm")(nn.gelu(x))


class ClassHead(nn.Module):
    """One of V classes for every position, as BERT's head does: a layer, a norm, a projection."""

    block: BlockConfig
    classes: int

    @nn.compact
    def __call__(self, x: Float[Array, "B N D"], truth: Int[Array, "B N"]) -> ClassScores:
        c = self.block
        x = _hidden(x, c)
        init = named(nn.initializers.normal(POSITION_STD), "embed", "vocab")
        kernel = self.param("kernel", init, (c.width, self.classes), jnp.float32)
        bias = self.param("bias", named(nn.initializers.zeros, "vocab"), (self.classes,))

        def scores(inputs: tuple[Array, Array]) -> ClassScores:
            some, truth = inputs
            logits = jnp.matmul(some, kernel.astype(some.dtype)).astype(jnp.float32) + bias
            of_truth = jnp.take_along_axis(logits, truth[..., None], axis=-1)[..., 0]
            log_prob = of_truth - jax.nn.logsumexp(logits, axis=-1)
            return ClassScores(log_prob, jnp.argmax(logits, axis=-1).astype(jnp.int32))

        return map_positions(scores, (x, truth), CHUNK)


class FeatureHead(nn.Module):
    """A vector for every position: [B, N, D] -> float32[B, N, features]."""

    block: BlockConfig
    features: int

    @nn.compact
    def __call__(self, x: Float[Array, "B N D"]) -> Float[Array, "B N _"]:
        c = self.block
        x = _hidden(x, c)
        dense = EinsumDense((self.features,), ("embed", None), dtype=c.jnp_dtype, name="out")
        return dense(x).astype(jnp.float32)


class Pairs(NamedTuple):
    """text, picture: float32[B, D], vectors of the two sides of each page."""

    text: Array
    picture: Array


class PairHead(nn.Module):
    """A projection of each side into a space that both share."""

    block: BlockConfig

    @nn.compact
    def __call__(self, text: Float[Array, "B D"], picture: Float[Array, "B D"]) -> Pairs:
        def project(x: Array, name: str) -> Array:
            x = EinsumDense((self.block.width,), ("embed", None), name=name)(x)
            return x.astype(jnp.float32)

        return Pairs(project(text, "text"), project(picture, "picture"))


class YesHead(nn.Module):
    """One logit for every position: [B, N, D] -> float32[B, N]."""

    block: BlockConfig

    @nn.compact
    def __call__(self, x: Float[Array, "B N D"]) -> Float[Array, "B N"]:
        c = self.block
        x = _hidden(x, c)
        return EinsumDense((1,), ("embed", None), name="out")(x)[..., 0].astype(jnp.float32)
