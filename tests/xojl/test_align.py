"""The recovered alignment: equal keys in document order, ancestors respected."""

import random

from tests.xojl.random_trees import random_pair
from xojl_jax.xojl.align import align
from xojl_jax.xojl.tree import Node, parse_html, parse_layout, preorder


def test_equal_keys_are_matched_in_order():
    """Each layout node takes the next HTML node with its tag and classes."""
    html = parse_html({"div": {"p@c_fff": "", "p": "", "ul": {"p": ""}, "p#2": ""}})
    layout = parse_layout({"section.div": {"paragraph.p": "", "paragraph.p#2": "", "icon.b": ""}})
    assert align(html, layout) == (0, 2, 4, None)


def test_matches_stay_inside_their_ancestors_match():
    """A card that was left out does not pull the next card's children to itself."""
    html = parse_html([("div", [("a", [("img", "")]), ("a", [("h3", ""), ("p", "")]), ("p", "")])])
    layout = parse_layout({"grid.div": {"wrapper.a": {"heading.h3": "", "paragraph.p": ""}}})
    assert align(html, layout) == (0, 3, 4, 5)


def test_nodes_without_a_twin_let_their_children_match():
    """No tag, or a key that the HTML lacks: None, and the children look in the same range."""
    html = parse_html({"div": {"p": "", "h1": ""}})
    layout = parse_layout({"section": {"wrapper.nav": {"paragraph.p": ""}, "heading.h1": ""}})
    assert align(html, layout) == (None, None, 1, 2)
    assert align((), layout) == (None,) * 4 and align(html, ()) == ()


def test_a_match_is_always_sound():
    """On random pairs: equal keys, strictly increasing, inside the nearest matched ancestor."""
    rng = random.Random(2)
    found = total = 0
    for _ in range(1000):
        html, layout, twins = random_pair(rng)
        matches = align(html, layout)
        sources, visits = preorder(html), preorder(layout)
        taken = [match for match in matches if match is not None]
        assert taken == sorted(set(taken)) and len(matches) == len(visits)
        for visit, match in zip(visits, matches, strict=True):
            if match is None:
                continue
            source = sources[match].node
            assert (source.tag, source.classes) == (visit.node.tag, visit.node.classes)
            parent = visit.parent
            while parent >= 0 and matches[parent] is None:
                parent = visits[parent].parent
            if parent >= 0:
                assert matches[parent] < match < sources[matches[parent]].subtree_end
        for visit, twin in zip(visits, twins, strict=True):
            if (
                twin is not None
                and visit.node.tag
                and visit.node.classes == sources[twin].node.classes
            ):
                total += 1
                found += matches[visit.index] is not None
    assert found / total > 0.95


def test_thousands_of_equal_keys_are_quick():
    """The worst case is bounded: every key the same, nothing that fits inside."""
    html = tuple(Node(None, "p") for _ in range(4000))
    layout = tuple(
        Node("wrapper", "p", (), (), (Node("icon", "p"), Node("icon", "p"))) for _ in range(1300)
    )
    matches = align(html, layout)
    assert matches[0] == 0 and matches[1] is None and len(matches) == 3900
