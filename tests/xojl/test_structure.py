"""The rules that a layout must keep, on layouts that break one of them."""

import pytest

from xojl_jax.xojl.structure import violations
from xojl_jax.xojl.tree import Node


def tree(element, *children):
    return Node(element, "div", children=children)


@pytest.mark.parametrize(
    ("layout", "boxes", "fault"),
    [
        ((tree("wrapper"),), [(0, 0, 9, 9)], "root is not one section"),
        ((tree("section", tree("heading", tree("icon"))),), [(0, 0, 90, 90)] * 3, "a leaf with"),
        ((tree("section", tree("column", tree("icon"))),), [(0, 0, 90, 90)] * 3, "outside a grid"),
        ((tree("section", tree("wrapper")),), [(0, 0, 90, 90)] * 2, "an empty container"),
        (
            (tree("section", tree("grid", tree("icon"), tree("icon"))),),
            [(0, 0, 90, 90), (0, 0, 90, 90), (0, 0, 90, 40), (0, 50, 90, 40)],
            "no two cells in a row",
        ),
        (
            (tree("section", tree("icon"), tree("icon")),),
            [(0, 0, 90, 90), (0, 0, 60, 60), (20, 20, 60, 60)],
            "overlap",
        ),
        (
            (tree("section", tree("freedom", tree("icon"), tree("icon"))),),
            [(0, 0, 90, 90), (0, 0, 90, 90), (0, 0, 40, 40), (50, 0, 40, 40)],
            "nothing covers",
        ),
        ((tree("section", tree("icon")),), [(0, 0, 90, 90), (80, 0, 40, 40)], "outside its"),
        ((tree("section", tree("icon")),), [(0, 0, 90, 90), (0, 0, 2, 40)], "too small"),
    ],
)
def test_a_broken_rule_of_drawing_is_found(layout, boxes, fault):
    """Protects synthesis: a section that breaks a rule is drawn again."""
    assert any(fault in str(violation) for violation in violations(layout, boxes))


@pytest.mark.parametrize(
    ("layout", "found"),
    [
        (tree("grid", tree("icon"), tree("icon")), ["the root is not one section"]),
        (tree("section", tree("grid")), ["grid 1: an empty container"]),
        (
            tree("section", tree("heading", tree("icon"))),
            ["heading 1: a leaf with children"],
        ),
        (
            tree("section", tree("wrapper", tree("section", tree("icon")))),
            ["section 2: a section inside a wrapper"],
        ),
        (
            tree("section", tree("column", tree("icon"))),
            ["column 1: a column outside a grid"],
        ),
        (tree("section", tree("grid", tree("icon"))), ["grid 1: a grid of one cell"]),
        (
            tree("section", tree("freedom", tree("icon"))),
            ["freedom 1: a freedom with one thing in it"],
        ),
        (
            tree("section", tree("section", tree("icon")), tree("wrapper")),
            ["wrapper 3: an empty container"],
        ),
        # What only boxes can show is no fault without them.
        (tree("section", tree("grid", tree("icon"), tree("wrapper", tree("icon")))), []),
    ],
)
def test_rules_of_nesting(layout, found):
    """Protects labels of real pages, and data sets of others: exactly the broken rule is named."""
    assert [str(violation) for violation in violations((layout,))] == found


def test_several_roots():
    """The root is one section, not two."""
    two = (tree("section", tree("icon")), tree("section", tree("icon")))
    assert [violation.index for violation in violations(two)] == [-1]
