"""What a node is beside those around it, against plain Python on sections that can be read."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.tiny_tree import CONFIG
from xojl_jax.tasks.layout import node_measures
from xojl_jax.tasks.layout.node_measures import (
    BOX_MEASURES,
    TYPE_MEASURES,
    box_measures,
    counts_inside,
    type_measures,
)
from xojl_jax.tasks.layout.tree_features import ID_RANGES, class_reader, html_arrays, style_ids
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.tree import parse_html

BOOK = Codebook.load()
HTML = parse_html(
    {
        "section@fs_1r": {
            "h2@fs_2r@fwt_700@h:fs_9r": {"text": "a"},
            "div@bg_ffffff": {"p@fs_20x": {"text": "b"}, "img": {"src": "c"}, "p#2": {"text": "d"}},
        }
    }
)
SECTION, TITLE, CARD, LEFT, PICTURE, RIGHT = range(6)
#         x0   y0   x1   y1
BOXES = [
    [0.0, 0.0, 1.0, 1.0],
    [0.25, 0.0, 0.75, 0.2],
    [0.0, 0.2, 1.0, 1.0],
    [0.0, 0.2, 0.4, 0.6],
    [0.5, 0.2, 0.9, 0.6],
    [0.0, 0.6, 0.4, 1.0],
]
C = dataclasses.replace(CONFIG, ids=ID_RANGES, styles=style_ids(BOOK))


def batch(padding=0, boxes=BOXES):
    """The arrays of the section, one sample, behind it so many nodes of padding."""
    arrays = html_arrays(HTML, BOOK, max_nodes=16, max_classes=4)
    arrays["html_boxes"] = np.array(boxes, np.float32)
    arrays["html_box_input_mask"] = np.ones(len(boxes), bool)
    padded = {
        name: np.pad(
            array,
            [(0, padding), *[(0, 0)] * (array.ndim - 1)],
            constant_values=-1 if name == "html_parent" else 0,
        )
        for name, array in arrays.items()
    }
    return {name: jnp.asarray(array[None]) for name, array in padded.items()}  # as when compiled


def test_nodes_and_content_are_counted_in_the_subtree_and_among_the_children():
    """Protects what tells a list from a card: how many of what are inside."""
    tag, width = class_reader(BOOK).tag, ID_RANGES.tag + ID_RANGES.content
    counts = np.expm1(np.asarray(counts_inside(C, batch()))[0])
    below, children = counts[:, :width], counts[:, width:]
    assert below[SECTION, tag("p")] == pytest.approx(2) and children[SECTION, tag("p")] == 0
    assert children[CARD, [tag("p"), tag("img")]] == pytest.approx([2, 1])
    texts, pictures = ID_RANGES.tag + 1, ID_RANGES.tag + 2
    assert below[SECTION, [texts, pictures]] == pytest.approx([3, 1])
    assert not below[[TITLE, LEFT, PICTURE, RIGHT]].any()


def test_boxes_are_told_beside_those_around_them():
    """Protects ratios, rows and equal sizes, which the language's rules are about."""
    measures = np.asarray(box_measures(batch()))[0]
    assert measures.shape == (6, BOX_MEASURES)
    in_section, in_parent, size, counted = np.split(measures, [5, 10, 12], axis=1)
    np.testing.assert_allclose(in_section[TITLE], [0.25, 0, 0.5, 0.2, 0], atol=1e-6)
    np.testing.assert_allclose(in_parent[RIGHT], [0, 0.5, 0.4, 0.5, 0.3], atol=1e-6)
    np.testing.assert_allclose(np.exp(size[LEFT]), [0.4, 0.4], rtol=1e-5)
    siblings, beside, below, alike, both, row, column = np.expm1(counted).T
    np.testing.assert_allclose(siblings, [0, 1, 1, 2, 2, 2], atol=1e-5)
    np.testing.assert_allclose(beside, [0, 0, 0, 1, 1, 0], atol=1e-5)
    np.testing.assert_allclose(below, [0, 1, 1, 1, 0, 1], atol=1e-5)
    np.testing.assert_allclose(alike, [0, 0, 0, 2, 2, 2], atol=1e-5)
    np.testing.assert_allclose(both, [0, 0, 0, 1, 1, 0], atol=1e-5)
    np.testing.assert_allclose(row, [0, 0, 1, 0, 0, 0], atol=1e-5)
    np.testing.assert_allclose(column, [0, 0, 2, 0, 0, 0], atol=1e-5)


def test_type_is_that_of_the_nearest_node_that_says_it():
    """Protects titles: a tree says a size only where it changes, in px or in rem, and what holds
    under a pointer alone is not what is seen."""
    measures = np.asarray(type_measures(C, batch()))[0]
    assert measures.shape == (6, TYPE_MEASURES + 2 * len(C.styles.paints))
    size = np.array([16, 32, 16, 20, 16, 16])
    mean = (32 + 20 + 16 + 16) / 4  # of what shows a text or a picture
    by_root, by_mean, by_largest, by_siblings, by_parent, weight, change, *paints = measures.T
    np.testing.assert_allclose(np.exp(by_root), size / 16, rtol=1e-5)
    np.testing.assert_allclose(np.exp(by_mean), size / mean, rtol=1e-5)
    np.testing.assert_allclose(np.exp(by_largest), size / 32, rtol=1e-5)
    np.testing.assert_allclose(np.exp(by_siblings), size / [16, 16, 32, 16, 20, 20], rtol=1e-5)
    np.testing.assert_allclose(np.exp(by_parent), size / [16, 16, 16, 16, 16, 16], rtol=1e-5)
    np.testing.assert_allclose(weight, [0, 0.75, 0, 0, 0, 0], atol=1e-5)
    np.testing.assert_allclose(change, [0, 0.75, 0, 0, 0, 0], atol=1e-5)
    background, border, shadow, behind, *_ = paints
    assert background.tolist() == [0, 0, 1, 0, 0, 0] and not border.any() and not shadow.any()
    assert behind.tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    "measure", [lambda b: counts_inside(C, b), box_measures, lambda b: type_measures(C, b)]
)
def test_padding_changes_nothing(measure):
    """Protects buckets: a section is the same in each of them."""
    alone, padded = (np.asarray(jax.jit(measure)(batch(n)))[0, :6] for n in (0, 5))
    np.testing.assert_array_equal(alone, padded)


def test_a_codebook_without_the_properties_has_no_styles():
    """Protects a codebook of one's own: what it does not name is never said."""
    bare = dataclasses.replace(BOOK, properties={"d": "display"}, units={})
    styles = style_ids(bare)
    assert (styles.font_size, styles.font_weight, styles.rem) == (-1, -1, -1)
    found = np.asarray(type_measures(dataclasses.replace(C, styles=styles), batch()))[0]
    assert not found.any()


def test_a_node_without_a_box_has_no_measures_of_one():
    """Protects input dropout: boxes that the encoder may not read are in no vector."""
    shown = batch()
    hidden = shown | {"html_box_input_mask": jnp.zeros_like(shown["html_box_input_mask"])}
    init = jax.jit(_Part().init_with_output)
    vectors, _ = init(jax.random.key(0), hidden)
    assert not np.asarray(vectors).any()


class _Part(node_measures.nn.Module):
    @node_measures.nn.compact
    def __call__(self, batch):
        return node_measures.relative_boxes(C, batch)
