"""Which words a box points at."""

import numpy as np

from xojl_jax.documents.words_in_box import words_in

BOXES = np.array([[0.0, 0.0, 0.2, 0.1], [0.3, 0.0, 0.5, 0.1], [0.0, 0.2, 0.2, 0.3]], np.float32)


def test_words_whose_middle_is_in_the_box():
    """The second one by half; what only touches is not in it."""
    assert words_in((0.0, 0.0, 0.41, 0.2), BOXES) == [0, 1]
    assert words_in((0.0, 0.0, 0.39, 0.24), BOXES) == [0]
    assert words_in((0.6, 0.6, 0.9, 0.9), BOXES) == []


def test_a_point_is_at_the_nearest_word():
    """Also where it is in none, and where there is none."""
    assert words_in((0.35, 0.05, 0.35, 0.05), BOXES) == [1]
    assert words_in((0.9, 0.9, 0.9, 0.9), BOXES) == [1]
    assert words_in((0.1, 0.9, 0.1, 0.9), BOXES) == [2]
    assert words_in((0.1, 0.9, 0.1, 0.9), BOXES[:0]) == []


def test_without_a_box_all_words_are_meant():
    assert words_in(None, BOXES) == [0, 1, 2]
