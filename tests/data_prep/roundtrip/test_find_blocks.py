"""Blocks are looked for in the screenshot: what is elsewhere, other or not there is not found."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from data_prep.roundtrip.blocks import Blocks, NodeKinds
from data_prep.roundtrip.find_blocks import blank_pictures, found_blocks

WORDS = ("Bread worth the walk", "Open from seven", "Closed on Mondays and Tuesdays")
BOXES = [[0, 0, 400, 240], [20, 30, 240, 30], [20, 90, 240, 30], [20, 150, 360, 30]]


def page(words=WORDS, shift=(0, 0), ground="white"):
    image = Image.new("RGB", (400, 240), ground)
    draw = ImageDraw.Draw(image)
    for text, (x, y, *_) in zip(words, BOXES[1:], strict=True):
        draw.text((x + shift[0], y + shift[1]), text, "#222", ImageFont.load_default(20))
    return np.asarray(image)


def blocks(second=BOXES, pictures=(), unknown=False, first=BOXES, ends=(4, 2, 3, 4)):
    numbers = np.arange(4)
    is_picture = np.isin(numbers, pictures)
    is_text = (numbers > 0) & ~is_picture
    kinds = NodeKinds(
        is_picture,
        is_image=is_picture,
        is_control=np.zeros(4, bool),
        is_filled=np.zeros(4, bool),
        is_text=is_text,
        is_unknown=is_text & unknown,
        ends=np.array(ends),
    )
    return Blocks(np.array(first, float), np.array(second, float), kinds)


def found(screenshot, rendered, given):
    return float(np.nanmean(found_blocks(screenshot, rendered, given)))


@pytest.mark.parametrize("unknown", [False, True], ids=["words", "lines"])
@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(page(shift=(0, 26)), id="lower"),
        pytest.param(page(shift=(26, 0)), id="to the right"),
        pytest.param(page()[:, ::-1], id="mirrored"),
        pytest.param(np.full((240, 400, 3), 255, np.uint8), id="blank"),
        pytest.param(255 - page(), id="inverted"),
    ],
)
def test_a_wrong_picture_does_not_show_the_blocks(wrong, unknown):
    """The true picture does; words that stand in for others do not hide the damage."""
    rendered = page(["Words that are other", "And as long too", "But nothing is said in them all"])
    rendered = rendered if unknown else page()
    true = found(page(), rendered, blocks(unknown=unknown))
    assert true > (0.6 if unknown else 0.99)
    assert found(wrong, rendered, blocks(unknown=unknown)) < 0.3


def test_a_block_is_looked_for_where_the_record_says():
    """A tree that puts a block elsewhere loses position, not `found`: the box is true."""
    lower = [[x, y + 20, w, h] for x, y, w, h in BOXES]
    values = found_blocks(page(), page(shift=(0, 20)), blocks(second=lower))
    assert np.nanmin(values) > 0.95


def test_half_a_picture_shows_half_of_the_blocks():
    half = page().copy()
    half[120:] = 255
    values = found_blocks(half, page(), blocks())[1:]
    assert (values[:2] > 0.95).all()
    assert values[2] < 0.1


def test_what_shows_nothing_is_not_looked_for_and_what_is_lost_is_not_found():
    """NaN counts neither way; a node that the tree does not show again counts as nothing."""
    gone = [*BOXES[:3], [np.nan] * 4]
    values = found_blocks(page(), page(["", *WORDS[1:]]), blocks(second=gone))
    assert np.isnan(values[:2]).all()
    assert values[2] > 0.99
    assert values[3] == 0


def test_a_picture_of_one_color_is_blank():
    """Also where a text or a picture lies on it, and where its corners are round; a small one never
    is."""
    picture = page(["", "", WORDS[2]]).copy()
    assert blank_pictures(picture, blocks(pictures=[0, 1])).tolist() == [True, True, False, False]
    picture[40:50, 60:90] = 90
    assert blank_pictures(picture, blocks(pictures=[0, 1])).tolist() == [True, False, False, False]
    image = Image.new("RGB", (400, 240), "white")
    ImageDraw.Draw(image).ellipse((100, 20, 300, 220), "#ccc")
    boxes = [[100, 20, 201, 201], *BOXES[1:]]
    rounded = blocks(first=boxes, second=boxes, pictures=[0], ends=(1, 2, 3, 4))
    assert blank_pictures(np.asarray(image), rounded)[0]
    tiny = blocks(first=[[0, 0, 4, 4], *BOXES[1:]], pictures=[0], ends=(1, 2, 3, 4))
    assert not blank_pictures(np.asarray(image), tiny)[0]
