"""Progressive tokenization: what each scale adds, which regions are read finely, and padding."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.nn.conftest import make_config
from xojl_jax.nn.config import VisionConfig
from xojl_jax.nn.patches import ShiftedPatchEmbed
from xojl_jax.nn.progressive_patches import ProgressivePatchEmbed

SIZES = {"heads": 2, "layers": 4, "width": 16, "image_height": 20, "image_width": 24, "patch": 4}
GRID = (5, 6)  # of patches; 3 x 3 regions, of which the last row is half beyond the picture
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 20, 24, 3), dtype=np.uint8)
REGION = np.arange(5)[:, None] // 2 * 3 + np.arange(6) // 2  # of each patch


def embed(count):
    return ProgressivePatchEmbed(make_config(VisionConfig, **SIZES, fine_regions=count))


@functools.cache
def apply(count):
    return jax.jit(embed(count).apply)


@pytest.fixture(scope="module")
def params(filled):
    return filled(embed(9), jnp.asarray(IMAGES))["params"]


def without(params, *names):
    """The parameters with these outputs as they are at the start of training."""
    return {k: jax.tree.map(jnp.zeros_like, v) if k in names else v for k, v in params.items()}


def test_it_starts_as_the_middle_scale_alone(params):
    """Protects going on from a run with shifted patches: same paths, same vectors."""
    start = without(params, "coarse_out", "fine_out")
    plain = ShiftedPatchEmbed(embed(9).config)
    wanted = jax.jit(plain.apply)({"params": {"project": params["project"]}}, IMAGES)
    np.testing.assert_allclose(apply(9)({"params": start}, IMAGES), wanted, atol=1e-6)
    fresh = jax.eval_shape(embed(9).init, jax.random.key(0), jnp.asarray(IMAGES))["params"]
    assert fresh.keys() == params.keys() > {"project", "coarse_block", "fine_block"}


def test_a_fixed_number_of_regions_is_read_finely(params):
    """Protects X055: two regions of each picture have what all have where all are chosen, the other
    seven have nothing of it."""
    none = np.asarray(apply(9)({"params": without(params, "fine_out")}, IMAGES))
    every, two = (np.asarray(apply(count)({"params": params}, IMAGES)) for count in (9, 2))
    added, of_two = every - none, two - none
    assert (np.abs(added).max(-1) > 1e-4).all()
    chosen = np.abs(of_two).max(-1) > 1e-6
    np.testing.assert_allclose(of_two[chosen], added[chosen], atol=1e-5)
    for row in chosen:
        regions = set(REGION.reshape(-1)[row])
        assert len(regions) == 2 and (np.isin(REGION.reshape(-1), list(regions)) == row).all()


def test_fine_patches_read_their_region_alone(params):
    """Protects the window: another pixel in one region changes what is added to no other. The
    scores are made equal, since they follow from all regions."""
    alike = without(params, "score", "coarse_out")
    changed = IMAGES.copy()
    changed[0, 9, 10] ^= 255  # patch (2, 2), in the region in the middle
    none = without(alike, "fine_out")
    one, other = (
        np.asarray(apply(9)({"params": alike}, x)) - np.asarray(apply(9)({"params": none}, x))
        for x in (IMAGES, changed)
    )
    moved = np.abs(one - other).max(-1)[0].reshape(GRID) > 1e-6
    np.testing.assert_array_equal(moved, REGION == 4)


def test_padding_is_neither_read_nor_chosen(params):
    """Protects answers from the bucket: what is below the picture changes no real patch."""
    mask = jnp.asarray(np.arange(5) < 2)[:, None] & jnp.ones(GRID, bool)
    mask = jnp.broadcast_to(mask.reshape(-1), (2, 30))
    changed = IMAGES.copy()
    changed[:, 12:] ^= 255  # what shifted patches of the last real row do not see
    one, other = (apply(9)({"params": params}, x, mask) for x in (IMAGES, changed))
    np.testing.assert_allclose(one[:, :12], other[:, :12], atol=1e-6)
    upper = mask[:, :12]
    cut = ProgressivePatchEmbed(make_config(VisionConfig, **SIZES, canvas=(20, 24), fine_regions=9))
    low = jax.jit(cut.apply)({"params": params}, IMAGES[:, :8], upper)
    whole = apply(9)(
        {"params": params}, np.where(np.arange(20)[:, None, None] < 8, IMAGES, 128), mask
    )
    np.testing.assert_allclose(low[:, :6], whole[:, :6], atol=1e-5)
