"""From screenshots to patch embeddings: shifted patch tokenisation.

An image is joined, along the channel axis, with copies of itself that are shifted by half a patch,
so that a patch also sees its neighbourhood; then patches are cut, normalised over the whole vector,
and projected.
"""

import math

import jax
import jax.numpy as jnp
from einops import rearrange
from flax import linen as nn

from xojl_jax.errors import BadUsage
from xojl_jax.nn.layers import EinsumDense, standardize

Array = jax.Array

# (right, down) in units of half a patch: where the copy's content is moved to.
SHIFTS = {
    "axis4": ((-1, 0), (1, 0), (0, -1), (0, 1)),
    "diag4": ((-1, -1), (1, -1), (-1, 1), (1, 1)),
}
SHIFTS["all8"] = SHIFTS["axis4"] + SHIFTS["diag4"]


def patch_grid(height: int, width: int, patch: int) -> tuple[int, int]:
    """Rows and columns of patches; the last ones may stand over the edge of the image."""
    return math.ceil(height / patch), math.ceil(width / patch)


def shifted_patches(image: Array, patch: int, shifts: str) -> Array:
    """Patches of the image joined with its shifted copies: float[B, H, W, 3] -> [B, N,
    P*P*copies*3], rows of patches first.

    Within a vector the order is row, column, copy (the original first), channel. Zeros come in from
    outside the image.
    """
    if shifts not in SHIFTS:
        raise BadUsage(f"shifts={shifts!r} is not known: choose one of {', '.join(SHIFTS)}")
    height, width = image.shape[1:3]
    rows, columns = patch_grid(height, width, patch)
    half = patch // 2
    full_height, full_width = rows * patch, columns * patch
    # One margin of half a patch around the image (and what fills the last patches): a copy is then
    # a plain slice of it.
    margins = ((half, half + full_height - height), (half, half + full_width - width))
    image = jnp.pad(image, ((0, 0), *margins, (0, 0)))
    copies = []
    for right, down in ((0, 0), *SHIFTS[shifts]):
        top, left = half - down * half, half - right * half
        copies.append(image[:, top : top + full_height, left : left + full_width])
    return rearrange(
        jnp.stack(copies, axis=3), "b (r p) (c q) s k -> b (r c) (p q s k)", p=patch, q=patch
    )


class ShiftedPatchEmbed(nn.Module):
    """uint8[B, H, W, 3] -> patch embeddings [B, N, D], N = ceil(H/P) * ceil(W/P), row by row.

    mean, std: of the data set's channels, on the scale 0 to 1. Normalising happens here, on the
    device, so that bytes are what travels. What lies outside the image counts as the mean colour.
    """

    patch: int
    width: int
    shifts: str = "axis4"
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.25, 0.25, 0.25)
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, images: Array) -> Array:
        mean, std = (jnp.asarray(x, jnp.float32) for x in (self.mean, self.std))
        images = (images.astype(jnp.float32) / 255 - mean) / std
        patches = shifted_patches(images, self.patch, self.shifts)
        # Normalised in full before the projection. Folding the mean into the product would save
        # memory, but most patches of a page are flat: their variance is nil, and the difference of
        # two nearly equal products would be blown up a thousandfold. The norm's scale and bias are
        # left to the projection, which can express them: no gradient has to come back this far.
        patches = standardize(patches).astype(self.dtype)
        return EinsumDense((self.width,), ("patch", "embed"), dtype=self.dtype, name="project")(
            patches
        )
