"""What the comparison of two pictures of one tree rewards and punishes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from data_prep.roundtrip.blocks import Blocks, NodeKinds
from data_prep.roundtrip.likeness import (
    box_likeness,
    color_likeness,
    compare,
    ground_color,
    structure_values,
    worse_half,
)

SIDE = st.integers(0, 10_000).map(lambda tenth: tenth / 10)
BOXES = st.tuples(SIDE, SIDE, SIDE, SIDE)


def drawing(shift=0, ink="black", ground="white"):
    """A page of 320 x 240 with bars for lines of text, and its two blocks."""
    image = Image.new("RGB", (320, 240), ground)
    draw = ImageDraw.Draw(image)
    for row in range(5):
        for letter in range(12):
            x, y = 20 + 18 * letter, 30 + 30 * row + shift
            draw.rectangle((x, y, x + 8, y + 12), fill=ink)
    boxes = [[0, 0, 320, 240], [20, 30 + shift, 210, 132]]
    return np.asarray(image), np.array(boxes, np.float64)


def blocks(first, second, pictures=(False, False), unknown=(False, False)):
    kinds = NodeKinds(
        np.array(pictures),
        is_image=np.array(pictures),
        is_control=np.zeros(2, bool),
        is_filled=np.zeros(2, bool),
        is_text=np.array([False, True]),
        is_unknown=np.array(unknown),
        ends=np.array([2, 2]),
    )
    return Blocks(first, second, kinds)


def test_nothing_differs_from_itself():
    """A perfect round trip scores 1, in every part."""
    picture, boxes = drawing()
    likeness = compare(picture, picture, blocks(boxes, boxes))
    assert likeness.score == pytest.approx(1.0)
    assert likeness.missing == 0
    assert min(likeness.rounded()[name] for name in ("position", "size", "color")) == 1.0


@settings(deadline=None)
@given(BOXES, BOXES)
def test_boxes_are_compared_alike_both_ways(one, two):
    """Every part is from 0 to 1, the same both ways, and 1 for equal boxes."""
    first, second = np.array([one]), np.array([two])
    there, back = box_likeness(first, second), box_likeness(second, first)
    for part, other in zip(there, back, strict=True):
        assert 0 <= part[0] <= 1 + 1e-9
        assert part[0] == pytest.approx(other[0], abs=1e-9)
    assert [part[0] for part in box_likeness(first, first)] == pytest.approx([1, 1, 1])


@settings(deadline=None)
@given(BOXES, st.floats(1, 200), st.floats(1.1, 3))
def test_farther_away_is_less_alike(box, distance, more):
    """A longer way costs more position, a larger change more size."""
    first = np.array([box])
    change = np.array([1, 0, 1, 0])
    near, far = first + distance * change, first + distance * more * change
    for part in (0, 1):
        assert box_likeness(first, far)[part][0] < box_likeness(first, near)[part][0]


def test_a_block_that_does_not_show_counts_as_nothing():
    """A tree that loses a node is not better than one that misplaces it."""
    picture, boxes = drawing()
    lost = boxes.copy()
    lost[1] = np.nan
    likeness = compare(picture, picture, blocks(boxes, lost))
    assert likeness.missing == 0.5
    assert (likeness.position, likeness.size, likeness.color) == (0.5, 0.5, 0.5)
    assert likeness.found == 0


def test_colors_of_ground_and_ink_count():
    """Another ground, or in a text another ink, costs color and nothing but color of a block."""
    picture, boxes = drawing()
    same = color_likeness(picture, picture, boxes[1], boxes[1], True)
    other_ink = color_likeness(picture, drawing(ink="red")[0], boxes[1], boxes[1], True)
    unseen = color_likeness(picture, drawing(ink="red")[0], boxes[1], boxes[1], False)
    other_ground = color_likeness(picture, drawing(ground="#234")[0], boxes[1], boxes[1], True)
    assert same == unseen == pytest.approx(1.0)
    assert other_ink < 0.75
    assert other_ground < 0.75
    moved, there = drawing(shift=40)
    assert color_likeness(picture, moved, boxes[1], there[1], True) == pytest.approx(1.0)
    assert color_likeness(picture, picture, boxes[1], [500, 0, 10, 10], True) is None


def test_the_ground_is_the_most_common_color():
    pixels = np.array([[250, 250, 250]] * 6 + [[0, 0, 0]] * 5, np.int64)
    assert ground_color(pixels).tolist() == [250, 250, 250]


def test_structure_is_measured_where_something_shows():
    """Lines in another place cost structure, however empty the rest; emptiness earns nothing."""
    picture, _ = drawing()
    nothing = np.zeros(picture.shape[:2], bool)
    moved = structure_values(picture, drawing(shift=14)[0], nothing).mean()
    assert structure_values(picture, picture, nothing) == pytest.approx(1.0)
    assert moved < 0.5
    wide = [np.pad(p, ((0, 900), (0, 0), (0, 0)), "edge") for p in (picture, drawing(shift=14)[0])]
    wider = structure_values(*wide, np.zeros((1140, 320), bool)).mean()
    assert wider == pytest.approx(moved, abs=0.05)
    flat = np.full_like(picture, 200)
    assert not len(structure_values(flat, flat, nothing))


def test_what_a_picture_shows_is_left_out():
    """Pixels of a photo, and blocks on it, neither cost nor earn: the tree does not hold them."""
    picture, boxes = drawing()
    other = drawing(shift=14, ink="#0af", ground="#fc0")[0]
    likeness = compare(picture, other, blocks(boxes, boxes, pictures=(True, False)))
    assert likeness.unknown == ("color", "structure")
    assert compare(picture, other, blocks(boxes, boxes)).score < 0.8


def test_a_photo_alone_tells_nothing():
    """Protects the score: where any other picture would get the same one, there is none; and what
    could not be compared earns nothing beside what could."""
    picture, boxes = drawing()
    flat, photo = np.full_like(picture, 200), np.array([[0, 0, 320, 240.0]])
    flags = (True, True, False, False, False, False)
    kinds = NodeKinds(*(np.array([flag]) for flag in flags), ends=np.array([1]))
    assert not compare(picture, flat, Blocks(photo, photo, kinds)).tells
    blank = compare(flat, flat, Blocks(photo, photo, kinds))
    assert blank.tells and blank.score == 0
    moved = drawing(shift=14)[0]
    on_photo = compare(moved, picture, blocks(boxes, boxes, pictures=(True, False)))
    assert on_photo.tells and on_photo.unknown == ("color", "structure")
    assert on_photo.score == pytest.approx(on_photo.found ** (4 / 6))


def test_the_worse_half_of_the_blocks_counts():
    """Protects from a page that loaded in part, however little of it is missing."""
    boxes = np.array([[0, y, 9, 10] for y in (30, 0, 20, 10)], np.float64)
    found = np.array([0.1, 1, 0.3, 0.9])
    assert sorted(worse_half(found, boxes)) == [0.1, 0.3]
    assert list(worse_half(found[:2], boxes[:2])) == [0.1]
    assert len(worse_half(found[:1], boxes[:1])) == 1
