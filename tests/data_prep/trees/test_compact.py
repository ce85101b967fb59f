"""Computed styles become the short classes that a person would have written."""

import random

import pytest

from data_prep.trees.compact import compact, content_ids, properties
from data_prep.trees.extracted import Extracted
from data_prep.trees.values import color, length, written_value
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.tree import Caps, parse_html, preorder, print_html

CODEBOOK = Codebook.load()
UNITS = {css: code for code, css in CODEBOOK.units.items()}


def node(tag, parent, styles=None, box=(0, 0, 100, 50), content=(), **more):
    base = {"display": "block", "color": "rgb(0, 0, 0)", "position": "static"}
    return {
        "tag": tag,
        "parent": parent,
        "box": list(box),
        "z": parent + 1,
        "styles": base | (styles or {}),
        "content": [list(part) for part in content],
        "marks": {},
        "author": {},
        **more,
    }


def classes_of(*nodes, index=-1):
    made = compact(Extracted([0, 0, 100, 50], list(nodes)), CODEBOOK, random.Random(0))
    return preorder(made.forest)[index].node.classes


@pytest.mark.parametrize(
    ("px", "text"),
    {18: "18x", 112: "7r", 16: "1r", 24: "1.5r", 40: "40x", 1: "1x", 0: "0", 17.6: "1.1r"}.items(),
)
def test_rem_or_px_by_the_rounder_number(px, text):
    """The same lengths that people write: 18px and 7rem, not 1.125rem and 112px."""
    assert length(px, UNITS) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("rgb(255, 255, 255)", "fff"),
        ("rgb(18, 52, 86)", "123456"),
        ("rgba(0, 0, 0, 0.2)", "0003"),
        ("rgba(1, 2, 3, 0)", "transparent"),
        ("red", None),
        ("rgb(1)", None),
    ],
)
def test_colors_are_hex(raw, text):
    assert color(raw) == text


@pytest.mark.parametrize(
    ("css", "raw", "text"),
    [
        ("margin-left", "auto", "auto"),
        ("width", "50%", "50p"),
        ("line-height", "1.5", "1.5"),
        ("grid-template-columns", "repeat(3, 1fr)", "1f+1f+1f"),
        ("font-family", '"Open Sans", Arial', "sans"),
        ("background-image", 'linear-gradient(red, blue), url("a.png")', "linear+gradient+url"),
        ("box-shadow", "rgba(0, 0, 0, 0.2) 0px 1px 3px 0px, red 1px 1px", "0003+0+1x+3x+0"),
        ("transform", "translate(-50%, 10px)", "translate+-50p+10x"),
        ("transform", "matrix(1, 0, 0, 1, 0, 0)", "none"),  # it does nothing
        ("transform", "matrix(1, 0, 1, 1, 0, 0)", None),
        ("width", "calc(100% - 1px)", None),
        ("z-index", "2147483647", "9999"),
        ("grid-template-columns", "repeat(40, 1fr)", "repeat+40+1f"),
    ],
)
def test_values_are_short_or_left_out(css, raw, text):
    assert written_value(css, raw, UNITS) == text


def test_what_goes_without_saying_is_not_said():
    """Initial values, inherited values, and what only matters with something else."""
    parent = node("div", -1, {"color": "rgb(255, 0, 0)", "font-size": "16px", "opacity": "1"})
    child = node(
        "p",
        0,
        {"color": "rgb(255, 0, 0)", "border-top-width": "3px", "border-top-style": "none"}
        | {"background-size": "cover", "background-image": "none", "left": "10px"},
    )
    assert classes_of(parent) == ("c_f00",)
    assert classes_of(parent, child) == ()
    assert classes_of(node("li", -1, {"display": "list-item"})) == ()
    assert classes_of(node("p", -1, {"display": "flex"})) == ("d_flex",)


def test_equal_sides_are_one_class_and_margins_stay_apart():
    sides = ("top", "right", "bottom", "left")
    styles = {f"border-{s}-width": "1px" for s in sides} | {f"margin-{s}": "8px" for s in sides}
    styles |= {f"border-{s}-style": "solid" for s in sides}
    styles |= {f"border-{s}-color": "rgb(204, 204, 204)" for s in sides}
    found = classes_of(node("div", -1, styles))
    assert found == ("mt_0.5r", "mr_0.5r", "mb_0.5r", "ml_0.5r", "bw_1x", "bco_ccc")
    styles["border-top-width"] = "3px"
    found = classes_of(node("div", -1, styles))
    assert "bw_1x" not in found and {"btw_3x", "brw_1x", "bbw_1x", "blw_1x"} <= set(found)


def test_names_that_people_gave_never_reach_the_tree():
    """Custom tags become div, contents become ids, and the author's words stay outside."""
    secret = {
        "class": "hero-carousel",
        "id": "pricing",
        "href": "https://facebook.com",
        "text": "Us",
    }
    nodes = [
        node("pricing-table", -1, content=[("text", 0)], author=secret),
        node("gallery", 0, content=[("src", 0)], author=secret),
    ]
    made = compact(Extracted([0, 0, 100, 50], nodes), CODEBOOK, random.Random(0))
    text = print_html(made.forest)
    assert [visit.node.tag for visit in preorder(made.forest)] == ["div", "div"]
    for word in ("pricing", "hero", "carousel", "facebook", "gallery", "Us"):
        assert word not in text


def test_tree_boxes_and_indices_fit_together():
    """Depth-first order, boxes inside the picture, the written tree reads back equal."""
    nodes = [
        node("section", -1, box=(0, 0, 100, 50)),
        node("h1", 0, box=(-10, 5, 200, 20), content=[("text", 0)]),
        node("p", 0, box=(0, 30, 50, 40.26), content=[("text", 1)]),
        node("b", 2, box=(0, 30, 20, 10), content=[("text", 0)]),
    ]
    made = compact(Extracted([0, 0, 100, 50], nodes), CODEBOOK, random.Random(0))
    assert made.boxes == [
        [0, 0, 100, 50, 0],
        [0, 5, 100, 20, 1],
        [0, 30, 50, 20, 1],
        [0, 30, 20, 10, 3],
    ]
    assert made.node_of == [0, 1, 2, 3]
    assert parse_html(print_html(made.forest)) == made.forest
    shallow = compact(Extracted([0, 0, 100, 50], nodes), CODEBOOK, random.Random(0), Caps(depth=2))
    assert shallow.node_of == [0, 1, 2, None]
    assert len(preorder(shallow.forest)) == len(shallow.boxes) == 3


def test_content_ids_are_unique_and_follow_from_the_seed():
    one, two = content_ids(random.Random(1)), content_ids(random.Random(1))
    first = [next(one) for _ in range(2000)]
    assert first == [next(two) for _ in range(2000)]
    assert len(set(first)) == 2000 and all(name.startswith("xv") for name in first)


def test_every_property_asked_for_has_a_code():
    codes = set(CODEBOOK.properties.values())
    groups = {"border", "overflow", "text-decoration-line", "row-gap", "column-gap", "grid-"}
    for name in properties(CODEBOOK):
        assert name in codes or any(name.startswith(group) for group in groups), name
