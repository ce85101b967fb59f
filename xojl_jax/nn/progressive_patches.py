"""Progressive tokenization: patches are read at three scales, the finest where it matters.

Coarse: regions of 2 x 2 patches, all of them, read one another in one layer of attention, and each
gets a score. Middle: the patches themselves, shifted. Fine: the regions of the highest scores, a
fixed number, are cut into patches of half the side, 16 a region, which read one another within
their region (a window). Each patch is the sum of its own vector, of its region's, and, where the
region was chosen, of the mean of its four fine patches times the region's score. So for patches of
16 px the scales are 32, 16 and 8 px, and further layers see no more tokens than before.

That a learned score chooses, and is a factor of what it chose, so that it learns, is from sparse
mixtures of experts (Shazeer et al. 2017); patches of several sizes where the picture asks for them,
from mixed-resolution tokenization (Ronen et al. 2023).

Letters: B batch, N patches, P pixels of a patch's side, D width, R regions, K chosen regions.
"""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
from einops import rearrange
from flax import linen as nn
from jaxtyping import Bool, Float, UInt8

from xojl_jax.nn.attention import Mask
from xojl_jax.nn.blocks import EncoderBlock
from xojl_jax.nn.config import VisionConfig
from xojl_jax.nn.layers import EinsumDense, LayerNorm
from xojl_jax.nn.patches import ShiftedPatchEmbed, normalize, patch_grid, plain_patches
from xojl_jax.nn.positions import POSITION_STD, GridPositions

Array = jax.Array

# A region is so many patches on a side, and a patch so many fine ones.
SIDE = 2


class ProgressivePatchEmbed(nn.Module):
    """uint8[B, H, W, 3] -> patch embeddings [B, N, D], row by row. At the start of training it is
    `ShiftedPatchEmbed`, whose parameters have the same paths."""

    config: VisionConfig

    def setup(self) -> None:
        c = self.config
        width, dtype = c.block.width, c.block.jnp_dtype
        self.middle = ShiftedPatchEmbed(c)
        nn.share_scope(self, self.middle)

        def dense(features: int, *axes: str | None, **options) -> EinsumDense:
            return EinsumDense((features,), axes, dtype=dtype, **options)

        made_for = patch_grid(c.image_height, c.image_width, SIDE * c.patch)
        self.coarse_in = dense(width, "patch", "embed")
        self.coarse_positions = GridPositions(*made_for, width)
        # They are no layers of the tower.
        block = dataclasses.replace(c.block, drop_path=0.0, depth_init=False)
        self.coarse_block, self.coarse_norm = EncoderBlock(block), LayerNorm(dtype)
        self.score = dense(1, "embed", None)
        self.fine_in = dense(width, "patch", "embed")
        init = nn.with_logical_partitioning(nn.initializers.normal(POSITION_STD), (None, "embed"))
        self.fine_positions: Any = self.param("fine_positions", init, (SIDE**4, width), jnp.float32)
        self.fine_block, self.fine_norm = EncoderBlock(block), LayerNorm(dtype)
        zeros = nn.initializers.zeros
        self.coarse_out = dense(width, "embed", "mlp", kernel_init=zeros)
        self.fine_out = dense(width, "embed", "mlp", kernel_init=zeros)

    def __call__(
        self, images: UInt8[Array, "B H W 3"], patch_mask: Bool[Array, "B N"] | None = None
    ) -> Float[Array, "B N D"]:
        c = self.config
        height, width = images.shape[1:3]
        grid = patch_grid(height, width, c.patch)
        regions = patch_grid(height, width, SIDE * c.patch)
        real = None if patch_mask is None else _any_patch(patch_mask, grid, regions)
        pixels = plain_patches(normalize(images, c), SIDE * c.patch)
        coarse = self._coarse(pixels, regions, real)
        gate = nn.sigmoid(self.score(coarse)[..., 0].astype(jnp.float32))
        if real is not None:
            gate = jnp.where(real, gate, 0)
        more = self._fine(pixels, gate) + self.coarse_out(coarse)[:, :, None]
        order = "b (r s) (y x) d -> b (r y) (s x) d"
        more = rearrange(more, order, r=regions[0], y=SIDE, x=SIDE)[:, : grid[0], : grid[1]]
        return self.middle(images) + more.reshape(more.shape[0], -1, more.shape[-1])

    def _coarse(self, pixels: Array, regions: tuple[int, int], real: Array | None) -> Array:
        """[B, R, D], every region of the picture, after all have read all."""
        c, dtype = self.config, self.config.block.jnp_dtype
        x = self.coarse_in(pixels.astype(dtype))
        # As in vision.py: a picture may be the upper rows of a canvas.
        rows = patch_grid(c.canvas[0], 1, SIDE * c.patch)[0] if c.canvas else regions[0]
        x = x + self.coarse_positions(rows, regions[1])[: x.shape[1]].astype(dtype)
        return self.coarse_norm(self.coarse_block(x, Mask(key_mask=real)))

    def _fine(self, pixels: Array, gate: Array) -> Array:
        """[B, R, 4, D]: what the fine patches add to each of a region's patches; 0 where the region
        is not chosen."""
        c, dtype = self.config, self.config.block.jnp_dtype
        count = min(c.fine_regions, gate.shape[1])
        weight, chosen = jax.lax.top_k(gate, count)
        x = jnp.take_along_axis(pixels, chosen[..., None], axis=1)
        # Quarter by quarter: the four fine patches of a patch are neighbors.
        order = "b k (y fy p x fx q c) -> (b k) (y x fy fx) (p q c)"
        sides = {"y": SIDE, "x": SIDE, "fy": SIDE, "fx": SIDE, "p": c.patch // SIDE}
        x = self.fine_in(rearrange(x, order, c=3, **sides).astype(dtype))
        x = self.fine_norm(self.fine_block(x + self.fine_positions.astype(dtype)))
        x = rearrange(x, "(b k) (n f) d -> b k n f d", k=count, f=SIDE**2).mean(3)
        x = self.fine_out(x) * weight[..., None, None].astype(dtype)
        nothing = jnp.zeros((gate.shape[1], *x.shape[2:]), dtype)
        return jax.vmap(lambda where, x: nothing.at[where].set(x))(chosen, x)

    @staticmethod
    def channels(config: VisionConfig) -> float:
        """Numbers per pixel of a patch that a projection with the same FLOPs would read."""
        c, block = config, config.block
        patches = math.prod(patch_grid(c.image_height, c.image_width, c.patch))
        regions = math.prod(patch_grid(c.image_height, c.image_width, SIDE * c.patch))
        chosen, fine = min(c.fine_regions, regions), SIDE**4
        layer = (8.0 * block.inner + 4.0 * block.hidden) * block.width
        embed = 2.0 * 3 * c.patch**2 * block.width
        flops = regions * (SIDE**2 * embed + layer + 4.0 * regions * block.inner)
        flops += regions * 2.0 * block.width**2
        flops += chosen * fine * (embed / SIDE**2 + layer + 4.0 * fine * block.inner)
        flops += chosen * SIDE**2 * 2.0 * block.width**2
        return ShiftedPatchEmbed.channels(c) + flops / (2.0 * patches * c.patch**2 * block.width)


def _any_patch(
    patch_mask: Bool[Array, "B N"], grid: tuple[int, int], regions: tuple[int, int]
) -> Bool[Array, "B R"]:
    """bool[B, R], the regions that hold a real patch."""
    beyond = [(0, 0), *((0, SIDE * n - m) for n, m in zip(regions, grid, strict=True))]
    mask = jnp.pad(patch_mask.reshape(-1, *grid), beyond)
    return rearrange(mask, "b (r y) (s x) -> b (r s) (y x)", y=SIDE, x=SIDE).any(-1)
