"""A screenshot whose lower part did not load is told from one that ends in empty space."""

import numpy as np
import pytest

from data_prep.roundtrip.blocks import Blocks, NodeKinds
from data_prep.roundtrip.lost_bottom import LAST, lost_rows

HEIGHT, WIDTH = 200, 300
WHOLE, CHART = [0, 0, WIDTH, HEIGHT], [20, 40, 200, 140]


def page(ground=255, lines=(20, 60, 100, 160)):
    """Lines of text on a ground; the last one ends at row 170."""
    picture = np.full((HEIGHT, WIDTH, 3), ground, np.uint8)
    for y in lines:
        picture[y : y + 10, 20:200:8] = 30
    return picture


def loaded_half(picture, fill=255):
    half = picture.copy()
    half[HEIGHT // 2 :] = fill
    return half


def blocks(picture=False, filled=False, control=False, box=WHOLE):
    """A root, and in it what the flags say."""
    kinds = NodeKinds(
        is_picture=np.array([False, picture or control]),
        is_image=np.zeros(2, bool),
        is_control=np.array([False, control]),
        is_filled=np.array([False, filled]),
        is_text=np.zeros(2, bool),
        is_unknown=np.zeros(2, bool),
        ends=np.array([2, 2]),
    )
    boxes = np.array([WHOLE, box], float)
    return Blocks(boxes, boxes, kinds)


@pytest.mark.parametrize("fill", [255, 128, 0], ids=["white", "a decoder's gray", "black"])
def test_lost_text_is_counted_down_to_its_last_line(fill):
    """Protects from half a page, whatever fills the rest."""
    lost = lost_rows(loaded_half(page(), fill), page(), blocks())
    # White goes on below the last line that is there, at row 70.
    assert lost == (170 - 70 if fill == 255 else HEIGHT - LAST - HEIGHT // 2)


def test_a_page_that_ends_in_empty_space_lacks_nothing():
    """Protects true pictures: what the tree shows is there; a border in the last rows may go."""
    upper = page(lines=(20, 60))
    assert lost_rows(upper, upper, blocks()) == 0
    bordered = upper.copy()
    bordered[-2:] = 0
    assert lost_rows(upper, bordered, blocks()) == 0
    # Another ground than the tree's is a matter of color.
    assert lost_rows(upper, page(ground=200, lines=(20, 60)), blocks()) == 0


def test_a_side_bar_is_missed():
    """Protects from half a bar of one color: it is above, and the tree has it below, too."""
    bar = page(ground=60, lines=(20,))
    assert lost_rows(loaded_half(bar), bar, blocks()) == HEIGHT // 2 - LAST


def test_half_a_chart_is_missed():
    """Protects from half a picture: what stands in for it shows nothing of it."""
    chart = page(lines=())
    chart[50:170, 30:180:10] = 90
    stand_in = page(lines=())
    whole = lost_rows(chart, stand_in, blocks(picture=True, box=CHART))
    half = lost_rows(loaded_half(chart), stand_in, blocks(picture=True, box=CHART))
    assert half == 180 - HEIGHT // 2
    assert whole == 0, "its own margin"


def test_half_a_gradient_is_missed_and_a_whole_one_is_not():
    """Protects grounds for which a flat color stands in: a gradient ends softly."""
    levels = np.linspace(40, 120, HEIGHT).astype(np.uint8)
    gradient = np.broadcast_to(levels[:, None, None], (HEIGHT, WIDTH, 3)).copy()
    flat = np.full_like(gradient, 80)
    assert lost_rows(gradient, flat, blocks(filled=True)) == 0
    assert lost_rows(loaded_half(gradient), flat, blocks(filled=True)) == HEIGHT // 2 - LAST


def test_a_slider_is_missed():
    """Protects from half a form: what the browser draws is no picture that may be empty."""
    upper, slider = page(lines=(20, 60)), [20, 150, 200, 20]
    assert lost_rows(upper, upper, blocks(control=True, box=slider)) == 170 - 70
    shown = page(lines=(20, 60, 155))
    assert lost_rows(shown, upper, blocks(control=True, box=slider)) == 0


def test_a_picture_of_one_color_lacks_all_that_the_tree_shows():
    """Protects from an empty screenshot."""
    assert lost_rows(np.full_like(page(), 255), page(), blocks()) == 170
