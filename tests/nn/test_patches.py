"""Patches, shifted and plain, against a loop in plain numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from einops import rearrange
from flax import linen as nn

from tests.nn.conftest import make_config
from xojl_jax.errors import BadUsage
from xojl_jax.nn.config import VisionConfig
from xojl_jax.nn.patch_embeds import PATCH_EMBEDS, patch_embed_class
from xojl_jax.nn.patches import (
    SHIFTS,
    ShiftedPatchEmbed,
    gather_cells,
    half_patch_cells,
    patch_grid,
    plain_patches,
    quarters_of_copies,
)

MEAN, STD = (0.6, 0.5, 0.4), (0.2, 0.3, 0.25)
SIZES = {"heads": 1, "layers": 4, "image_height": 12, "image_width": 8, "patch": 4}


def make_vision_config(**fields):
    return make_config(VisionConfig, **SIZES, **fields)


def _shifted(image, right, down):
    """The image moved by whole pixels, with zeros coming in: the definition, pixel by pixel."""
    out = np.zeros_like(image)
    height, width = image.shape[:2]
    for y in range(height):
        for x in range(width):
            if 0 <= y - down < height and 0 <= x - right < width:
                out[y, x] = image[y - down, x - right]
    return out


def _oracle_patches(image, patch, shifts):
    rows, columns = patch_grid(*image.shape[:2], patch)
    whole = np.zeros((rows * patch, columns * patch, 3), image.dtype)
    whole[: image.shape[0], : image.shape[1]] = image
    half = patch // 2
    copies = [whole, *(_shifted(whole, x * half, y * half) for x, y in SHIFTS[shifts])]
    joined = np.concatenate(copies, axis=-1)
    cut = [
        joined[r * patch : (r + 1) * patch, c * patch : (c + 1) * patch].reshape(-1)
        for r in range(rows)
        for c in range(columns)
    ]
    return np.stack(cut)


def shifted_patches(image, patch, shifts):
    """Patches as `_oracle_patches` orders them: row, column, copy, channel."""
    used, shared = quarters_of_copies(shifts)
    cells = gather_cells(half_patch_cells(image, patch), used)
    quarters = cells[:, :, shared.argmax(0)]
    order = "b n (s x y) (p q k) -> b n (x p y q s k)"
    return rearrange(quarters, order, x=2, y=2, p=patch // 2, q=patch // 2, k=3)


@pytest.mark.parametrize("shifts", list(SHIFTS))
@pytest.mark.parametrize("size", [(8, 16), (10, 13)], ids=["whole", "odd"])
def test_patches_equal_the_definition(shifts, size):
    """Every value is where the loop puts it, with sizes that patches do not divide, too."""
    image = np.random.default_rng(0).normal(size=(*size, 3)).astype(np.float32)
    got = shifted_patches(jnp.asarray(image)[None], 4, shifts)[0]
    np.testing.assert_array_equal(got, _oracle_patches(image, 4, shifts))


@pytest.mark.parametrize("shifts", list(SHIFTS))
def test_embedding_equals_the_definition(filled, shifts):
    """Normalize by the channel statistics, patchify, standardize the whole vector, project."""
    images = np.random.default_rng(0).integers(0, 256, (2, 12, 8, 3), dtype=np.uint8)
    module = ShiftedPatchEmbed(make_vision_config(width=6, mean=MEAN, std=STD, shifts=shifts))
    params = filled(module, jnp.asarray(images))
    got = jax.jit(module.apply)(params, jnp.asarray(images))

    project = params["params"]["project"]
    normalized = (images / 255 - np.asarray(MEAN)) / np.asarray(STD)
    vectors = np.stack([_oracle_patches(image, 4, shifts) for image in normalized])
    assert vectors.shape == (2, 6, (1 + len(SHIFTS[shifts])) * 3 * 4 * 4)
    centered = vectors - vectors.mean(-1, keepdims=True)
    vectors = centered / np.sqrt((centered**2).mean(-1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(got, vectors @ project["kernel"] + project["bias"], atol=2e-5)


def test_plain_patches_are_cut_and_projected(filled):
    """A ViT's patches: those of "shifted" without its copies, neither normed nor mixed."""
    images = jnp.asarray(np.random.default_rng(0).integers(0, 256, (2, 10, 7, 3)), jnp.uint8)
    config = make_vision_config(width=6, mean=MEAN, std=STD, patch_embed="linear")
    module = PATCH_EMBEDS["linear"](config)
    params = filled(module, images)
    got = jax.jit(module.apply)(params, images)
    normalized = (np.asarray(images) / 255 - np.asarray(MEAN)) / np.asarray(STD)
    with_copies = shifted_patches(jnp.asarray(normalized, jnp.float32), 4, "axis4")
    vectors = with_copies.reshape(2, 6, 16, 5, 3)[:, :, :, 0].reshape(2, 6, 48)
    np.testing.assert_array_equal(plain_patches(jnp.asarray(normalized), 4), vectors)
    project = params["params"]["project"]
    np.testing.assert_allclose(got, vectors @ project["kernel"] + project["bias"], atol=1e-5)


@pytest.mark.parametrize("shifts", list(SHIFTS))
@pytest.mark.parametrize("name", PATCH_EMBEDS)
def test_every_embedding_knows_its_cost(name, shifts):
    """FLOPs are counted by `channels`, which must be what is multiplied; the rest is little."""
    config = make_vision_config(width=512, patch_embed=name, shifts=shifts)
    module = PATCH_EMBEDS[name](config)
    images = jnp.zeros((8, 12, 8, 3), jnp.uint8)
    params = nn.meta.unbox(jax.eval_shape(module.init, jax.random.key(0), images))
    cost = jax.jit(module.apply).lower(params, images).compile().cost_analysis()
    sums = 0
    if name != "linear":  # of the shifted patches' kernels, once a batch
        copies, cells = 1 + len(SHIFTS[shifts]), ShiftedPatchEmbed.channels(config) * 4 / 3
        sums = 2 * cells * copies * 4 * 12 * 512
    product = 2 * 8 * 6 * 16 * module.channels(config) * 512
    assert product + sums <= cost["flops"] < 1.1 * (product + sums)


def test_patches_come_row_by_row():
    """Patch n is in row n // columns, column n % columns: what positions and boxes rely on."""
    image = np.zeros((6, 8, 3), np.float32)
    image[2, 6] = 1  # in the patches of 2 px: row 1, column 3
    patches = np.asarray(shifted_patches(jnp.asarray(image)[None], 2, "axis4"))[0]
    original = patches.reshape(-1, 4, 5, 3)[:, :, 0]
    assert patch_grid(6, 8, 2) == (3, 4)
    assert np.flatnonzero(original.any((1, 2))).tolist() == [1 * 4 + 3]


def test_flat_patches_stay_near_zero_in_bfloat16(filled):
    """Most of a page is one color: such a patch has no variance, and must not become noise."""
    images = jnp.full((1, 16, 16, 3), 201, jnp.uint8)
    for dtype in ("float32", "bfloat16"):
        # A color of its own per channel would be a pattern: here the channels are alike.
        same = (0.5,) * 3
        module = ShiftedPatchEmbed(make_vision_config(width=8, mean=same, std=same, dtype=dtype))
        params = filled(module, images)
        out = jax.jit(module.apply)(params, images) - params["params"]["project"]["bias"].astype(
            dtype
        )
        inner = np.asarray(out.astype(jnp.float32)).reshape(4, 4, 8)[1:3, 1:3]
        assert np.abs(inner).max() < 1e-3


def test_unknown_shifts_are_a_usage_error():
    """A misspelt option ends in one line that names the choices."""
    with pytest.raises(BadUsage, match=r"axis4, diag4, all8"):
        ShiftedPatchEmbed(make_vision_config(width=8, shifts="axis5")).init(
            jax.random.key(0), jnp.zeros((1, 8, 8, 3), jnp.uint8)
        )
    with pytest.raises(BadUsage, match=r"'conv' is not known: choose one of shifted, linear"):
        patch_embed_class("conv")
