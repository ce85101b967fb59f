"""What the decoder attends to: the HTML tokens and one level of features of the picture.

`config.model.visual_memory` names where that level comes from. "pyramid": a feature pyramid of the
encoder's taps (X065). "last": the last of them alone, which plain detectors find enough (Li et al.
2022, arXiv 2203.16527).

B batch, N patches, M memory tokens, T HTML nodes, D width.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.heads import LastTap, Pyramid, SpatialAttention
from xojl_jax.nn.layers import EinsumDense, LayerNorm
from xojl_jax.tasks.layout.model_config import ModelConfig

Array = jax.Array

# What the visual memory's grid may be coarser by than the patches' grid.
STRIDES = (1, 2, 4)
PYRAMID_WIDTH = 256  # X065


@dataclasses.dataclass(frozen=True)
class PictureLevel:
    """A way to one level of features of the picture.

    Attributes:
      module: made from the config and the number of the level, called with (taps, grid,
        patch_mask), gives that `Level` alone. Its parameters are below `pyramid/`.
      width: of the features.
      flops: forward FLOPs of one sample.
    """

    module: Callable[[ModelConfig, int], nn.Module]
    width: Callable[[ModelConfig], int]
    flops: Callable[[ModelConfig], float]


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
        self.pyramid = PICTURE_LEVELS[c.visual_memory].module(c, level)
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
        # The encoder's taps are read, the last of them as fusion and attention left it.
        taps = taps.at[-1].add(features.reshape(patches.shape))
        (level,) = self.pyramid(taps, grid, patch_mask)
        cells = level.features.reshape(patches.shape[0], -1, level.features.shape[-1])
        cells_mask = level.mask.reshape(patches.shape[0], -1)
        tokens = jnp.concatenate([html, self.memory_in(cells)], axis=1)
        mask = jnp.concatenate([html_mask, cells_mask], axis=1)
        return Memory(self.memory_norm(tokens), mask, attention.reshape(patch_mask.shape))


def memory_flops(c: ModelConfig) -> dict[str, float]:
    """Forward FLOPs of one sample."""
    kind = PICTURE_LEVELS[c.visual_memory]
    project = 2.0 * c.memory_cells * kind.width(c) * c.block.width
    return {"pyramid": kind.flops(c) + project}


def _pyramid_width(c: ModelConfig) -> int:
    return min(PYRAMID_WIDTH, c.block.width)


def _pyramid_flops(c: ModelConfig) -> float:
    inner = _pyramid_width(c)
    return 2.0 * c.block.width * inner * c.num_patches + 18.0 * c.memory_cells * inner**2


PICTURE_LEVELS = {
    "pyramid": PictureLevel(
        module=lambda c, level: Pyramid(_pyramid_width(c), (level,), c.block.jnp_dtype),
        width=_pyramid_width,
        flops=_pyramid_flops,
    ),
    "last": PictureLevel(
        module=lambda c, level: LastTap(level, c.block.jnp_dtype),
        width=lambda c: c.block.width,
        flops=lambda c: 0.0,
    ),
}
