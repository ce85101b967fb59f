"""Sharpening before shrinking: text gains contrast, and nothing but text changes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from xojl_jax.data.images import shrink
from xojl_jax.data.sharpen import BLOCK, sharpen_text, text_regions


def page() -> np.ndarray:
    """400 x 300: a paragraph, a soft gradient beside it, a box and a line below."""
    image = np.full((300, 400, 3), 255, np.uint8)
    image[:200, 240:] = np.linspace(40, 220, 160, dtype=np.uint8)[None, :, None]
    picture = Image.fromarray(image)
    draw = ImageDraw.Draw(picture)
    for row in range(6):
        draw.text((16, 24 + 20 * row), "the quick brown fox jumps over", fill=(60, 60, 60))
    draw.rectangle((16, 220, 200, 290), fill=(30, 90, 200))
    draw.line((0, 205, 399, 205), fill=(0, 0, 0))
    return np.asarray(picture)


def test_text_is_found_and_pictures_are_not():
    """The mask covers the paragraph; gradients, lines and plain boxes stay out of it."""
    found = text_regions(page())
    assert found.shape == (38, 50)
    assert found[3:17, 2:22].mean() > 0.7
    assert not found[:24, 32:].any()
    assert not found[28:36, 4:24].any()


def test_only_text_changes():
    """Whatever lies outside the text regions keeps its pixels; inside, contrast grows."""
    image = page()
    sharp = sharpen_text(image)
    inside = np.kron(text_regions(image), np.ones((BLOCK, BLOCK), bool))[:300, :400]
    np.testing.assert_array_equal(sharp[~inside], image[~inside])
    assert sharp[inside].astype(float).std() > 1.05 * image[inside].astype(float).std()


@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    levels=st.sampled_from([2, 3, 256]),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_arithmetic_is_that_of_a_convolution(size, levels, seed):
    """Protects pixels from the short cut: as Pillow convolves and composes, to the last bit."""
    rng = np.random.default_rng(seed)
    image = (rng.integers(0, levels, (*size, 3)) * (255 // (levels - 1))).astype(np.uint8)
    kernel = ImageFilter.Kernel((3, 3), (-5, -10, -5, -10, 92, -10, -5, -10, -5), scale=32)
    picture = Image.fromarray(image)
    whole = np.asarray(picture.filter(kernel))
    inside = np.kron(text_regions(image), np.ones((BLOCK, BLOCK), bool))[: size[0], : size[1]]
    np.testing.assert_array_equal(sharpen_text(image), np.where(inside[..., None], whole, image))


def test_shrunk_text_keeps_more_contrast():
    """What it is for: strokes of a shrunk paragraph differ more from their ground than without."""
    image = page()
    plain, plan = shrink(image, (240, 320))
    sharp, same = shrink(image, (240, 320), sharpen=True)
    assert plan == same and plain.shape == sharp.shape
    text = (slice(16, 120), slice(12, 160))
    assert sharp[text].astype(float).std() > 1.1 * plain[text].astype(float).std()


def test_much_smaller_and_equal_sizes_are_left_alone():
    """Where letters are lost anyway, and where nothing shrinks, it does not run."""
    image = page()
    for target in ((120, 160), (300, 400)):
        plain, _ = shrink(image, target)
        sharp, _ = shrink(image, target, sharpen=True)
        np.testing.assert_array_equal(plain, sharp)
