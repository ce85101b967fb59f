"""Augmentation: what a screenshot may change in, and nothing that would change its layout."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from xojl_jax.data import augment
from xojl_jax.data.augment import Rotation
from xojl_jax.data.images import PAD_GRAY


def test_brightness_and_contrast_stay_within_a_tenth():
    """No strong change of color; order of levels and the extremes' neighborhood are kept."""
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=-1)
    changed = set()
    for seed in range(50):
        out = augment.brightness_contrast(ramp, np.random.default_rng(seed))
        assert (np.diff(out[0, :, 0].astype(int)) >= 0).all()
        assert np.abs(out.astype(int) - ramp).max() <= 0.1 * 127.5 + 0.1 * 255 + 3
        changed.add(out.tobytes())
    assert len(changed) > 45


@given(
    content=st.tuples(st.integers(8, 90), st.integers(8, 120)),
    degrees=st.floats(-2, 2),
)
def test_a_turn_cuts_nothing(content, degrees):
    """X019: all four corners of the content stay inside the frame, and it shrinks by little."""
    rotation = Rotation((90, 120), content, degrees)
    height, width = content
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    moved = rotation.points(corners)
    assert moved.min() >= -1e-6
    assert (moved <= np.array([120, 90]) + 1e-6).all()
    assert (moved.max(axis=0) <= np.array(rotation.size[::-1]) + 1e-6).all()
    assert rotation.scale > 0.94


@given(content=st.tuples(st.integers(1, 90), st.integers(1, 120)), degrees=st.floats(-2, 2))
def test_beyond_the_turned_content_all_is_padding(content, degrees):
    """Protects the mask of patches: `size` holds all that was rotated, and nothing of the rest."""
    rotation = Rotation((90, 120), content, degrees)
    height, width = rotation.size
    assert height <= 90 and width <= 120
    rotated = rotation.image(np.zeros((90, 120, 3), np.uint8))
    assert (rotated[height:] == PAD_GRAY).all() and (rotated[:, width:] == PAD_GRAY).all()


@pytest.mark.parametrize("degrees", [-2.0, -0.7, 0.0, 1.3, 2.0])
def test_boxes_turn_as_the_pixels_do(degrees):
    """A drawn rectangle is found where `boxes` says that it went, to a pixel."""
    frame, content = (300, 400), (260, 380)
    page = Image.new("RGB", frame[::-1], (PAD_GRAY, PAD_GRAY, PAD_GRAY))
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, content[1] - 1, content[0] - 1), fill=(255, 255, 255))
    draw.rectangle((60, 40, 199, 79), fill=(200, 0, 0))
    rotation = Rotation(frame, content, degrees)
    red = rotation.image(np.asarray(page)).astype(int)
    red = (red[..., 0] > 160) & (red[..., 1] < 100)
    rows, columns = np.nonzero(red)
    found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    box = np.array([[60 / 400, 40 / 300, 200 / 400, 80 / 300]])
    expected = rotation.boxes(box)[0] * [400, 300, 400, 300]
    np.testing.assert_allclose(found, expected, atol=1.6)


def test_no_turn_is_the_picture_itself():
    """Zero degrees give every pixel back as it was."""
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    rotation = Rotation((60, 80), (60, 80), 0.0)
    np.testing.assert_array_equal(rotation.image(image), image)
    assert rotation.scale == 1.0 and rotation.size == (60, 80)
