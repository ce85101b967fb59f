"""Boxes over a screenshot, for answers as for records."""

import numpy as np
from PIL import Image

from xojl_jax.evaluation.drawing import (
    DrawnBox,
    draw_boxes,
    element_box,
    element_color,
    enlarged,
    stacked,
)
from xojl_jax.xojl.tree import ELEMENTS

WHITE = np.full((80, 160, 3), 255, np.uint8)


def test_every_element_has_a_color_of_its_own():
    colors = [element_color(element) for element in ELEMENTS]
    assert len(set(colors)) == len(ELEMENTS)
    assert all(min(color) < 100 for color in colors), "white text must be read on it"


def test_frames_are_moved_in_and_leaves_are_filled():
    """Protects nested containers, whose boxes are often equal: both frames are seen."""
    box = (10, 10, 149, 69)
    outer, inner = element_box("section", box, 0, ""), element_box("grid", box, 1, "")
    drawn = np.asarray(draw_boxes(WHITE, [inner, outer]))
    assert tuple(drawn[10, 80]) == element_color("section")
    assert tuple(drawn[13, 80]) == element_color("grid")
    assert (drawn[40, 80] == 255).all()
    leaf = np.asarray(draw_boxes(WHITE, [element_box("image", box, 2, "")]))
    assert tuple(leaf[10, 80]) == element_color("image")
    assert (leaf[40, 80] < 255).any()


def test_tags_do_not_cover_each_other():
    """Protects equal corners: the second tag is below the first; without space it is left out."""
    red, blue = (200, 0, 0), (0, 0, 200)
    boxes = [DrawnBox((0, 0, 100, 60), color, "name") for color in (red, blue)]
    drawn = np.asarray(draw_boxes(WHITE, boxes)).astype(int)
    reddish = ((drawn[..., 0] > 150) & (drawn[..., 2] < 60)).nonzero()[0]
    assert len(reddish)
    low = np.full((18, 160, 3), 255, np.uint8)
    draw_boxes(low, [DrawnBox((0, 0, 100, 17), red, "name")] * 5)


def test_boxes_beyond_the_picture_are_cut():
    drawn = np.asarray(draw_boxes(WHITE, [DrawnBox((-50, -50, 500, 500), (9, 9, 9))]))
    assert drawn.shape == WHITE.shape and (drawn[0] == 9).all() and (drawn[:, -1] == 9).all()


def test_a_small_picture_grows_with_its_boxes():
    image = np.zeros((100, 300, 3), np.uint8)
    image[50:, 150:] = 9
    grown, (box,) = enlarged(image, [DrawnBox((150, 50, 300, 100), (1, 2, 3))])
    assert grown.shape == (300, 900, 3) and box.box == (450, 150, 900, 300)
    assert (grown[150:, 450:] == 9).all() and grown.sum() == 9 * image.sum()
    large = WHITE.repeat(10, axis=0)
    assert enlarged(large, [])[0] is large


def test_stacked_pictures_keep_their_pixels():
    pictures = {"one": Image.new("RGB", (30, 20), "red"), "two": Image.new("RGB", (50, 10), "blue")}
    made = stacked(pictures)
    assert made.width == 50 and made.height > 30
    colors = {color: count for count, color in made.getcolors(10_000)}
    assert colors[255, 0, 0] == 30 * 20 and colors[0, 0, 255] == 50 * 10
