"""A number for every patch: a vector-quantized autoencoder (van den Oord, Vinyals and Kavukcuoglu
2017) with the codebook of BEiT v2 (Peng et al. 2022): unit vectors, found by their cosine, that
follow the patches by moving averages; codes that die begin again at a patch of the batch. Through
the codes it tells pixels, or a teacher's features (BEiT v2's distillation, VQ-KD).

B batch, N patches, P pixels of a patch's side, V codes, k width of a code.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import struct
from jaxtyping import Bool, Float, Int, UInt8

from xojl_jax.nn.blocks import EncoderBlock
from xojl_jax.nn.chunks import map_positions
from xojl_jax.nn.config import VisionConfig
from xojl_jax.nn.layers import EinsumDense, LayerNorm, named
from xojl_jax.nn.patches import patch_grid, plain_patches
from xojl_jax.nn.positions import GridPositions
from xojl_jax.nn.scan import Stack
from xojl_jax.tasks.document.model_config import ImageTokenizerConfig
from xojl_jax.tasks.document.teacher import cosine_distance

Array = jax.Array

DECAY = 0.99  # of the moving averages, a step
# Used less often than this share of the mean, a code is dead.
DEAD = 0.01
# Patches whose scores with all codes are in memory at once, of each sample.
CHUNK = 1024


@struct.dataclass
class CodeStatistics:
    """What one batch says of the codes.

    counts: float32[V], patches of each code. sums: float32[V, k], their vectors added up.
    fresh: float32[V, k], vectors of patches drawn at random.
    """

    counts: Array
    sums: Array
    fresh: Array


class ImageTokenizer(nn.Module):
    """Its entry points are the methods. Parameters `codebook` and `usage` have no gradients: see
    `move_codes`."""

    config: ImageTokenizerConfig
    vision: VisionConfig

    def setup(self) -> None:
        c, width, dtype = self.config, self.config.block.width, self.config.block.jnp_dtype
        v = self.vision
        block = functools.partial(EncoderBlock, c.block)
        grid = patch_grid(v.image_height, v.image_width, v.patch)
        self.embed = EinsumDense((width,), ("patch", "embed"), dtype=dtype)
        self.positions = GridPositions(*grid, width)
        self.encoder = Stack(block, c.layers, c.block.remat)
        self.encoder_norm = LayerNorm(dtype)
        self.to_code = EinsumDense((c.code_width,), ("embed", None))
        self.from_code = EinsumDense((width,), (None, "embed"), dtype=dtype)
        self.decoder = Stack(block, c.decoder_layers, c.block.remat)
        self.decoder_norm = LayerNorm(dtype)
        # One of them is called, and has parameters.
        self.to_pixels = EinsumDense((v.patch**2 * 3,), ("embed", "patch"))
        self.to_features = EinsumDense((c.features,), ("embed", None))
        self.codebook = self.param(
            "codebook", named(_unit_normal, "table", None), (c.codes, c.code_width), jnp.float32
        )
        self.usage = self.param(
            "usage", named(nn.initializers.zeros, "table"), (c.codes,), jnp.float32
        )

    def codes(self, images: UInt8[Array, "B H W 3"]) -> Int[Array, "B N"]:
        """The number of every patch; no gradients."""
        return jax.lax.stop_gradient(self._nearest(self._encode(self._patches(images))))

    def learn(
        self,
        images: UInt8[Array, "B H W 3"],
        patch_mask: Bool[Array, "B N"],
        rng: Array | None,
        features: Float[Array, "B N _"] | None = None,
    ) -> tuple[Array, Array, CodeStatistics | None]:
        """How far what is told is off, how far patches are from their codes, and statistics, for
        which `rng` draws. float32[], over real patches.

        Told are pixels (mean squared error in standard deviations), or the teacher's features (1 -
        cosine), by `config.target`.
        """
        pixels = self._patches(images)
        vectors = self._encode(pixels)
        codes = jax.lax.stop_gradient(self._nearest(vectors))
        chosen = jax.lax.stop_gradient(self.codebook)[codes]
        # Straight through: the gradient of the choice is that of the vector.
        x = self.from_code(vectors + jax.lax.stop_gradient(chosen - vectors))
        x = self.decoder(x + self._places(x.dtype))
        target = TARGETS[self.config.target]
        told = getattr(self, target.layer)(self.decoder_norm(x)).astype(jnp.float32)
        wanted = {"pixels": pixels, "features": features}[self.config.target]
        real = patch_mask.astype(jnp.float32)
        count = jnp.maximum(real.sum(), 1)
        error = jnp.sum(target.error(told, wanted) * real) / count
        apart = jnp.sum(jnp.square(vectors - chosen).sum(-1) * real) / count
        if rng is None:
            return error, apart, None
        return error, apart, self._statistics(vectors, codes, real, rng)

    def _patches(self, images: Array) -> Float[Array, "B N _"]:
        """Pixels by patch, in standard deviations of the data set's channels."""
        v = self.vision
        mean, std = (jnp.asarray(values, jnp.float32) for values in (v.mean, v.std))
        return plain_patches((images.astype(jnp.float32) / 255 - mean) / std, v.patch)

    def _places(self, dtype) -> Array:
        v = self.vision
        return self.positions(*patch_grid(v.image_height, v.image_width, v.patch)).astype(dtype)

    def _encode(self, pixels: Float[Array, "B N _"]) -> Float[Array, "B N k"]:
        """Unit vectors."""
        x = self.embed(pixels)
        x = self.encoder(x + self._places(x.dtype))
        return _unit(self.to_code(self.encoder_norm(x)).astype(jnp.float32))

    def _nearest(self, vectors: Float[Array, "B N k"]) -> Int[Array, "B N"]:
        codebook = self.codebook

        def nearest(some: Array) -> Array:
            return jnp.argmax(jnp.einsum("bnk,vk->bnv", some, codebook), -1).astype(jnp.int32)

        return map_positions(nearest, vectors, CHUNK)

    def _statistics(self, vectors: Array, codes: Array, real: Array, rng: Array) -> CodeStatistics:
        total, width = self.config.codes, self.config.code_width
        flat = jax.lax.stop_gradient(vectors).reshape(-1, width)
        weights, codes = real.reshape(-1), codes.reshape(-1)
        counts = jnp.zeros(total, jnp.float32).at[codes].add(weights)
        sums = jnp.zeros((total, width), jnp.float32).at[codes].add(flat * weights[:, None])
        # By the sums of the weights, which takes no array of codes times patches.
        ends = jnp.cumsum(weights)
        places = jax.random.uniform(rng, (total,)) * ends[-1]
        drawn = jnp.minimum(jnp.searchsorted(ends, places, side="right"), len(flat) - 1)
        return CodeStatistics(counts, sums, flat[drawn])


class Target(NamedTuple):
    """An entry of `TARGETS`.

    Attributes:
      layer: the tokenizer's last one.
      error: (told, wanted), both float32[B, N, any] -> float32[B, N].
    """

    layer: str
    error: Callable[[Array, Array], Array]


# What a tokenizer tells through its codes, by the name in `config.tokenizer.target` (R014).
TARGETS: dict[str, Target] = {
    "pixels": Target("to_pixels", lambda told, wanted: jnp.square(told - wanted).mean(-1)),
    "features": Target("to_features", cosine_distance),
}


def move_codes(codebook: Array, usage: Array, found: CodeStatistics) -> tuple[Array, Array]:
    """The codebook [V, k] and the usage [V] after a batch.

    A used code goes some way to the mean of its patches. A dead one is replaced by a patch, and
    counts as used like the mean, so that it is given time.
    """
    usage = DECAY * usage + (1 - DECAY) * found.counts
    means = _unit(found.sums)
    moved = _unit(DECAY * codebook + (1 - DECAY) * means)
    codebook = jnp.where((found.counts > 0)[:, None], moved, codebook)
    mean = found.counts.mean()
    dead = usage < DEAD * mean
    return jnp.where(dead[:, None], _unit(found.fresh), codebook), jnp.where(dead, mean, usage)


def _unit(x: Array) -> Array:
    return x * jax.lax.rsqrt(jnp.sum(jnp.square(x), -1, keepdims=True) + 1e-12)


def _unit_normal(rng: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    return _unit(jax.random.normal(rng, shape, dtype))
