"""From images to patch embeddings.

"shifted" is shifted patch tokenization (Lee, Lee and Song 2021, "Vision Transformer for Small-Size
Datasets"): an image is joined, along the channel axis, with copies of itself that are shifted by
half a patch, so that a patch also sees its neighborhood; then patches are cut, normalized over the
whole vector, and projected. "linear" are the plain patches of a ViT (Dosovitskiy et al. 2020).

Letters: B batch, N patches, P pixels of a patch's side, D width.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from einops import rearrange
from flax import linen as nn
from jaxtyping import Float, UInt8

from xojl_jax.errors import BadUsage
from xojl_jax.nn.config import VisionConfig
from xojl_jax.nn.layers import EinsumDense, standardize

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


def shifted_quarters(cells: Float[Array, "B R S C"], shifts: str) -> Float[Array, "B N _ C"]:
    """The four quarters of every patch and of its shifted copies: [B, R, S, C] of
    `half_patch_cells` -> [B, N, copies * 4, C], rows of patches first.

    The original comes first, then its copies; the quarters of each row by row. A shift is by half a
    patch, so every quarter is one of the cells, and copying cells is all that shifting takes.

    Raises:
      BadUsage: `shifts` is no name in `SHIFTS`.
    """
    _check_shifts(shifts)
    rows, columns = cells.shape[1] - 2, cells.shape[2] - 2
    quarters = []
    for right, down in ((0, 0), *SHIFTS[shifts]):
        for below, beside in ((0, 0), (0, 1), (1, 0), (1, 1)):
            top, left = 1 - down + below, 1 - right + beside
            quarters.append(cells[:, top : top + rows : 2, left : left + columns : 2])
    return rearrange(jnp.stack(quarters, axis=3), "b r c s k -> b (r c) s k")


class ShiftedPatchEmbed(nn.Module):
    """uint8[B, H, W, 3] -> patch embeddings [B, N, D], N = ceil(H/P) * ceil(W/P), row by row.

    What is outside the image counts as the mean color.
    """

    config: VisionConfig

    @nn.compact
    def __call__(self, images: UInt8[Array, "B H W 3"]) -> Float[Array, "B N D"]:
        c, dtype = self.config, self.config.block.jnp_dtype
        cells = half_patch_cells(_normalize(images, c), c.patch)
        # Normalized in full before the projection. Folding the mean into the product would save
        # memory, but most patches of a screenshot are flat: their variance is nil, and the
        # difference of two nearly equal products would be blown up a thousandfold. The norm's scale
        # and bias are left to the projection, which can express them: no gradient has to come back
        # this far.
        quarters = rearrange(shifted_quarters(cells, c.shifts), "b n s c -> b n (s c)")
        patches = standardize(quarters).astype(dtype)
        # The kernel's rows are kept pixel by pixel: row, column, copy, channel.
        order = "(x p y q s k) d -> (s x y p q k) d"
        sizes = {"x": 2, "y": 2, "p": c.patch // 2, "q": c.patch // 2, "k": 3}
        return _project(c, lambda kernel: rearrange(kernel, order, **sizes))(patches)

    @staticmethod
    def channels(config: VisionConfig) -> int:
        """Numbers per pixel that are projected."""
        _check_shifts(config.shifts)
        return 3 * (1 + len(SHIFTS[config.shifts]))


class LinearPatchEmbed(nn.Module):
    """The same from plain patches: uint8[B, H, W, 3] -> [B, N, D]."""

    config: VisionConfig

    @nn.compact
    def __call__(self, images: UInt8[Array, "B H W 3"]) -> Float[Array, "B N D"]:
        c, dtype = self.config, self.config.block.jnp_dtype
        return _project(c)(plain_patches(_normalize(images, c), c.patch).astype(dtype))

    @staticmethod
    def channels(config: VisionConfig) -> int:
        """Numbers per pixel that are projected."""
        return 3


# `VisionConfig.patch_embed` names one. `channels` tells what an embedding costs.
PATCH_EMBEDS: dict[str, type[ShiftedPatchEmbed] | type[LinearPatchEmbed]] = {
    "shifted": ShiftedPatchEmbed,
    "linear": LinearPatchEmbed,
}


def patch_embed_class(name: str) -> type[ShiftedPatchEmbed] | type[LinearPatchEmbed]:
    """The module of this name in `PATCH_EMBEDS`; BadUsage if there is none."""
    if name not in PATCH_EMBEDS:
        raise BadUsage(
            f"patch_embed={name!r} is not known: choose one of {', '.join(PATCH_EMBEDS)}"
        )
    return PATCH_EMBEDS[name]


def _check_shifts(shifts: str) -> None:
    if shifts not in SHIFTS:
        raise BadUsage(f"shifts={shifts!r} is not known: choose one of {', '.join(SHIFTS)}")


def _normalize(images: Array, c: VisionConfig) -> Array:
    """Bytes to mean 0 and deviation 1 per channel, float32, on the device: bytes are what travels
    from the host."""
    mean, std = (jnp.asarray(x, jnp.float32) for x in (c.mean, c.std))
    return (images.astype(jnp.float32) / 255 - mean) / std


def _project(c: VisionConfig, arrange: Callable[[Array], Array] = lambda x: x) -> EinsumDense:
    axes = ("patch", "embed")
    return EinsumDense(
        (c.block.width,), axes, dtype=c.block.jnp_dtype, arrange=arrange, name="project"
    )
