"""Layouts from labeled HTML nodes: what becomes of nodes that get no label."""

import json
import random

from tests.xojl.random_trees import random_html
from xojl_jax.xojl.build import Label, build_layout, layout_from_labels, nearest_labeled
from xojl_jax.xojl.tree import ELEMENTS, parse_html, preorder, print_layout

ID = {name: i for i, name in enumerate(ELEMENTS)}


def test_layout_from_labels_moves_children_up():
    """A merged node's children go to its nearest kept ancestor, in order; content stays theirs."""
    html = parse_html(
        {"div": {"span": {"h1@c_fff": {"text": "a"}, "p": {"text": "b"}}, "i": {"text": "c"}}}
    )
    merged = len(ELEMENTS)
    labels = [ID["wrapper"], merged, ID["heading"], ID["paragraph"], merged]
    made = layout_from_labels(html, labels)
    assert made.nodes == (0, 2, 3)
    assert json.loads(print_layout(made.forest)) == {
        "wrapper.div": {"heading.h1@c_fff": {"text": "a"}, "paragraph.p": {"text": "b"}}
    }
    roots = layout_from_labels(html, [merged, merged, 5, 6, 7])
    assert [n.element for n in roots.forest] == ["heading", "paragraph", "button"]
    assert layout_from_labels(html, [merged] * 5) == ((), ())


def test_a_label_on_every_node_keeps_the_tree():
    """Protects order and nesting: with nothing merged, the layout has the shape of the HTML."""
    rng = random.Random(0)
    for _ in range(50):
        html = random_html(rng, 12)
        visits = preorder(html)
        made = layout_from_labels(html, [rng.randrange(len(ELEMENTS)) for _ in visits])
        assert made.nodes == tuple(range(len(visits)))
        assert [v.parent for v in preorder(made.forest)] == [v.parent for v in visits]
        assert [v.node.classes for v in preorder(made.forest)] == [v.node.classes for v in visits]


def test_the_nearest_labeled_ancestor_is_found():
    """Protects synthesis, whose labels are on nodes of the page and not of the compact tree."""
    #          0 ── 1 ── 2 ── 3,  1 ── 4
    parents, labeled = [-1, 0, 1, 2, 1], [True, False, True, True, True]
    assert nearest_labeled(parents, labeled) == [-1, 0, 1, 0]
    assert nearest_labeled([-1, -1], [False, True]) == [-1]


def test_content_comes_before_the_children():
    """A position among the twin's children would mean nothing among the layout's."""
    (div,) = parse_html({"div": {"b": "", "text": "x"}})
    (node,) = build_layout([Label("text", div, -1)])
    assert [item.at for item in div.content] == [1]
    assert [item.at for item in node.content] == [0]
