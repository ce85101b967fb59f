"""From images to patch embeddings.

"shifted" is shifted patch tokenization (Lee, Lee and Song 2021, "Vision Transformer for Small-Size
Datasets"): an image is joined, along the channel axis, with copies of itself that are shifted by
half a patch, so that a patch also sees its neighborhood; then patches are cut, normalized over the
whole vector, and projected. "linear" are the plain patches of a ViT (Dosovitskiy et al. 2020).

Letters: B batch, N patches, P pixels of a patch's side, D width.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from einops import rearrange
from flax import linen as nn
from jaxtyping import Bool, Float, UInt8

from xojl_jax.errors import BadUsage
from xojl_jax.nn.config import VisionConfig
from xojl_jax.nn.layers import NORM_EPSILON, EinsumDense, named

Array = jax.Array

# (right, down) in units of half a patch: where the copy's content is moved to.
SHIFTS = {
    "axis4": ((-1, 0), (1, 0), (0, -1), (0, 1)),
    "diag4": ((-1, -1), (1, -1), (-1, 1), (1, 1)),
}
SHIFTS["all8"] = SHIFTS["axis4"] + SHIFTS["diag4"]


def patch_grid(height: int, width: int, patch: int) -> tuple[int, int]:
    """Rows and columns of patches; the last ones may reach beyond the edge of the image."""
    return math.ceil(height / patch), math.ceil(width / patch)


def plain_patches(image: Float[Array, "B H W 3"], patch: int) -> Float[Array, "B N _"]:
    """float[B, H, W, 3] -> [B, N, P*P*3], rows of patches first.

    Within a vector the order is row, column, channel. Zeros fill patches that reach beyond the
    image.
    """
    height, width = image.shape[1:3]
    rows, columns = patch_grid(height, width, patch)
    beyond = ((0, 0), (0, rows * patch - height), (0, columns * patch - width), (0, 0))
    return rearrange(jnp.pad(image, beyond), "b (r p) (c q) k -> b (r c) (p q k)", p=patch, q=patch)


def half_patch_cells(image: Float[Array, "B H W 3"], patch: int) -> Float[Array, "B R S C"]:
    """Cuts an image into cells of half a patch: float[B, H, W, 3] -> [B, R, S, P*P*3/4].

    One row of cells is above the image and one below, one column left and one right; they, and what
    fills the last patches, are zeros. Within a cell the order is row, column, channel.

    Raises:
      BadUsage: a patch has no half.
    """
    if patch % 2:
        raise BadUsage(f"patch={patch} cannot be shifted by half: choose an even number")
    half = patch // 2
    height, width = image.shape[1:3]
    rows, columns = patch_grid(height, width, patch)
    margins = ((half, half + rows * patch - height), (half, half + columns * patch - width))
    image = jnp.pad(image, ((0, 0), *margins, (0, 0)))
    return rearrange(image, "b (r p) (s q) k -> b r s (p q k)", p=half, q=half)


def quarters_of_copies(shifts: str) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Which cells a patch and its shifted copies are made of.

    A shift is by half a patch, so each copy's quarters are four of the 4 x 4 cells around the
    patch, and copies that overlap share cells.

    Returns:
      The row and column of every cell that is used, and float32[cells, copies * 4]: 1 where a
      quarter is that cell. The original comes first, then its copies; the quarters of each row by
      row.

    Raises:
      BadUsage: `shifts` is no name in `SHIFTS`.
    """
    if shifts not in SHIFTS:
        raise BadUsage(f"shifts={shifts!r} is not known: choose one of {', '.join(SHIFTS)}")
    quarters = [
        (1 - down + below, 1 - right + beside)
        for right, down in ((0, 0), *SHIFTS[shifts])
        for below in (0, 1)
        for beside in (0, 1)
    ]
    used = sorted(set(quarters))
    return used, np.array([[quarter == cell for quarter in quarters] for cell in used], np.float32)


def gather_cells(
    cells: Float[Array, "B R S C"], used: list[tuple[int, int]]
) -> Float[Array, "B N _ C"]:
    """The cells of every patch, at these places of the 4 x 4 around it, rows of patches first."""
    rows, columns = cells.shape[1] - 2, cells.shape[2] - 2
    found = [cells[:, r : r + rows : 2, c : c + columns : 2] for r, c in used]
    return rearrange(jnp.stack(found, axis=3), "b r c s k -> b (r c) s k")


class ShiftedPatchEmbed(nn.Module):
    """uint8[B, H, W, 3] -> patch embeddings [B, N, D], N = ceil(H/P) * ceil(W/P), row by row.

    What is outside the image counts as the mean color. The pixels of a patch and of its copies are
    normalized together, then projected. A pixel that several copies hold is read once: it counts as
    often as it is held in the mean and the variance, and is projected by the sum of the kernels.
    """

    config: VisionConfig

    @nn.compact
    def __call__(
        self, images: UInt8[Array, "B H W 3"], patch_mask: Bool[Array, "B N"] | None = None
    ) -> Float[Array, "B N D"]:
        del patch_mask  # each patch by itself, and what is outside is the mean color
        c = self.config
        used, shared = quarters_of_copies(c.shifts)
        cells = gather_cells(half_patch_cells(normalize(images, c), c.patch), used)
        # Normalized in full before the projection. Folding the mean into the product would save
        # memory, but most patches of a screenshot are flat: their variance is nil, and the
        # difference of two nearly equal products would be blown up a thousandfold. The norm's scale
        # and bias are left to the projection, which can express them: no gradient has to come back
        # this far.
        cells = cells - cells[:, :, :1, :1]  # zeros where a patch is flat: no rounding of its mean
        weights = shared.sum(1, keepdims=True) / (shared.sum() * cells.shape[-1])
        cells = cells - (cells * weights).sum((-2, -1), keepdims=True)
        variance = (jnp.square(cells) * weights).sum((-2, -1), keepdims=True)
        cells = cells * jax.lax.rsqrt(variance + NORM_EPSILON)
        return _ProjectCells(c, name="project")(cells.astype(c.block.jnp_dtype))

    @staticmethod
    def channels(config: VisionConfig) -> float:
        """Numbers per pixel of a patch that are projected."""
        return 3 * len(quarters_of_copies(config.shifts)[0]) / 4


class _ProjectCells(nn.Module):
    """Cells of patches [B, N, cells, C] -> [B, N, D].

    The kernel is kept as one of whole patches is: [P * P * copies * 3, D], its rows by row, column,
    copy, channel.
    """

    config: VisionConfig

    @nn.compact
    def __call__(self, cells: Float[Array, "B N _ C"]) -> Float[Array, "B N D"]:
        c, dtype = self.config, self.config.block.jnp_dtype
        _, shared = quarters_of_copies(c.shifts)
        shape = (shared.shape[1] * cells.shape[-1], c.block.width)
        init = nn.initializers.variance_scaling(1.0, "fan_in", "truncated_normal")
        kernel = self.param("kernel", named(init, "patch", "embed"), shape, jnp.float32)
        bias = self.param("bias", named(nn.initializers.zeros, "embed"), shape[1:], jnp.float32)
        order = "(x p y q s k) d -> (s x y) (p q k) d"
        half = c.patch // 2
        kernel = rearrange(kernel, order, x=2, y=2, p=half, q=half, k=3)
        # Ones and zeros: sums of kernels, and no rounding before them.
        kernel = jnp.tensordot(shared, kernel, axes=1, precision="highest")
        return jnp.tensordot(cells, kernel.astype(dtype), axes=2) + bias.astype(dtype)


class LinearPatchEmbed(nn.Module):
    """The same from plain patches: uint8[B, H, W, 3] -> [B, N, D]."""

    config: VisionConfig

    @nn.compact
    def __call__(
        self, images: UInt8[Array, "B H W 3"], patch_mask: Bool[Array, "B N"] | None = None
    ) -> Float[Array, "B N D"]:
        del patch_mask  # each patch by itself
        c, dtype = self.config, self.config.block.jnp_dtype
        return _project(c)(plain_patches(normalize(images, c), c.patch).astype(dtype))

    @staticmethod
    def channels(config: VisionConfig) -> float:
        """Numbers per pixel of a patch that are projected."""
        return 3


def normalize(images: Array, c: VisionConfig) -> Array:
    """Bytes to mean 0 and deviation 1 per channel, float32, on the device: bytes are what travels
    from the host."""
    mean, std = (jnp.asarray(x, jnp.float32) for x in (c.mean, c.std))
    return (images.astype(jnp.float32) / 255 - mean) / std


def _project(c: VisionConfig) -> EinsumDense:
    axes = ("patch", "embed")
    return EinsumDense(
        (c.block.width,),
        axes,
        use_bias=c.patch_bias,
        dtype=c.block.jnp_dtype,
        init_std=c.block.init_std,
        name="project",
    )
