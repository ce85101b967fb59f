"""What the decoder attends to: the HTML tokens and one level of a feature pyramid of the picture.

B batch, N patches, M memory tokens, T HTML nodes, D width.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.heads import Pyramid, SpatialAttention
from xojl_jax.nn.layers import EinsumDense, LayerNorm
from xojl_jax.tasks.layout.model_config import ModelConfig

Array = jax.Array

# What the visual memory's grid may be coarser by than the patches' grid.
STRIDES = (1, 2, 4)
PYRAMID_WIDTH = 256  # X065


class Memory(NamedTuple):
    """tokens: [B, M, D], mask: bool[B, M], attention: float32[B, N], logits of the spatial map."""

    tokens: Array
    mask: Array
    attention: Array


class VisualMemory(nn.Module):
    """Fused HTML tokens and patches -> `Memory`. Its parameters are those of the whole model."""

    config: ModelConfig

    def setup(self) -> None:
        c = self.config
        dtype = c.block.jnp_dtype
        self.spatial_attention = SpatialAttention(dtype=dtype)
        # Only the level that the decoder reads: level 1 has the stride of the patches themselves.
        level = 1 + STRIDES.index(c.memory_stride)
        self.pyramid = Pyramid(pyramid_width(c), (level,), dtype)
        self.memory_in = EinsumDense((c.block.width,), (None, "embed"), dtype=dtype)
        self.memory_norm = LayerNorm(dtype)

    def __call__(
        self,
        html: Array,
        html_mask: Array,
        patches: Array,
        patch_mask: Array,
        taps: Array,
        grid: tuple[int, int],
    ) -> Memory:
        """html [B, T, D], patches [B, N, D] in a grid of rows and columns, taps [4, B, N, D]."""
        features = patches.reshape(patches.shape[0], *grid, -1)
        # What is below the picture depends on the bucket, so the map must not read it.
        cells = patch_mask.reshape(features.shape[:3]) if self.config.masked_map else None
        features, attention = self.spatial_attention(features, cells)
        # The pyramid reads the encoder's taps, the last of them as fusion and attention left it.
        taps = taps.at[-1].add(features.reshape(patches.shape))
        (level,) = self.pyramid(taps, grid, patch_mask)
        cells = level.features.reshape(patches.shape[0], -1, level.features.shape[-1])
        cells_mask = level.mask.reshape(patches.shape[0], -1)
        tokens = jnp.concatenate([html, self.memory_in(cells)], axis=1)
        mask = jnp.concatenate([html_mask, cells_mask], axis=1)
        return Memory(self.memory_norm(tokens), mask, attention.reshape(patch_mask.shape))


def pyramid_width(c: ModelConfig) -> int:
    return min(PYRAMID_WIDTH, c.block.width)


def memory_flops(c: ModelConfig) -> dict[str, float]:
    """Forward FLOPs of one sample."""
    width, inner = c.block.width, pyramid_width(c)
    lateral = 2.0 * width * inner * c.num_patches
    return {"pyramid": lateral + 2.0 * c.memory_cells * (9 * inner**2 + inner * width)}
