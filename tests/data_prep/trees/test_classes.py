"""Variants say what they change, and the cascade of what is said gives back what was computed."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.trees.classes import ClassWriter
from data_prep.trees.compact import compact
from data_prep.trees.extracted import Extracted
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.tree import Caps, preorder, print_html

CODEBOOK = Codebook.load()
WRITER = ClassWriter(CODEBOOK)
INITIAL = {
    "display": "block",
    "position": "static",
    "color": "rgb(0, 0, 0)",
    "width": "auto",
    "margin-left": "0px",
    "font-size": "16px",
    "border-top-width": "0px",
    "border-right-width": "0px",
    "border-bottom-width": "0px",
    "border-left-width": "0px",
    "border-top-style": "solid",
    "border-right-style": "solid",
    "border-bottom-style": "solid",
    "border-left-style": "solid",
    "overflow-x": "visible",
    "overflow-y": "visible",
}
INHERITED = ("color", "font-size")
VALUES = {
    "display": ["block", "flex", "none"],
    "color": ["rgb(0, 0, 0)", "rgb(255, 0, 0)", "rgb(0, 0, 255)"],
    "width": ["auto", "50%", "100%", "320px"],
    "margin-left": ["auto", "0px", "8px"],
    "font-size": ["16px", "24px", "32px"],
    "border-top-width": ["0px", "1px", "3px"],
    "border-left-width": ["0px", "1px", "3px"],
    "overflow-x": ["visible", "hidden"],
}


def style():
    return st.fixed_dictionaries({}, optional={k: st.sampled_from(v) for k, v in VALUES.items()})


def extracted(desktop: list[dict], **variants) -> Extracted:
    """A chain of nodes: each is the parent of the next."""
    nodes = [
        {"tag": "div", "parent": i - 1, "box": [0, 0, 10, 10], "z": i, "content": []}
        | {"styles": INITIAL | styles}
        for i, styles in enumerate(desktop)
    ]
    return Extracted([0, 0, 10, 10], nodes, variants=variants)


def classes_of(found: Extracted, **caps) -> list[tuple[str, ...]]:
    made = compact(found, CODEBOOK, random.Random(0), Caps(**caps))
    return [visit.node.classes for visit in preorder(made.forest)]


def resolved(classes, prefixes: tuple[str, ...], above: dict | None) -> dict[str, str]:
    """What a browser would make of the classes whose prefix holds: later ones win."""
    out = {css: raw for css, raw in INITIAL.items() if "style" not in css}
    out |= {css: above[css] for css in INHERITED if above}
    written = {css: WRITER._written(css, {css: raw}) for css, raw in out.items()}
    written |= {css: above[css] for css in INHERITED if above}
    for prefix in prefixes:
        for name in classes:
            head, _, rest = name.rpartition(":")
            if head != prefix:
                continue
            code, _, value = rest.partition("_")
            css = CODEBOOK.properties[code]
            singles = [c for c in INITIAL if css in ("border-width", "overflow") and c != css]
            for single in singles:
                kind = "border" if css == "border-width" else "overflow"
                if single.startswith(kind) and not single.endswith("style"):
                    written[single] = value
            if not singles:
                written[css] = value
    return written


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(style(), style(), style()), min_size=1, max_size=3))
def test_the_cascade_gives_back_every_screen(chain):
    """Desktop, then `t:`, then `m:`: at each size every node that shows has its computed values."""
    desktop = [INITIAL | one | {"display": "block"} for one, _, _ in chain]
    tablet = [now | change for now, (_, change, _) in zip(desktop, chain, strict=True)]
    mobile = [now | change for now, (_, _, change) in zip(desktop, chain, strict=True)]
    found = extracted(desktop)
    for name, screen in (("tablet", tablet), ("mobile", mobile)):
        found.variants[name] = [
            {css: value for css, value in now.items() if value != before[css]}
            for now, before in zip(screen, desktop, strict=True)
        ]
    classes = classes_of(found)
    for screen, prefixes in ((desktop, ("",)), (tablet, ("", "t")), (mobile, ("", "t", "m"))):
        above = None
        for styles, own in zip(screen, classes, strict=True):
            now = resolved(own, prefixes, above)
            if styles["display"] == "none":
                assert now["display"] == "none"
                break  # what is inside does not show
            expected = {css: WRITER._written(css, styles) for css in now}
            assert now == expected
            above = now


def test_only_what_differs_is_written():
    """No class for a screen that looks alike; a class to undo what goes without saying."""
    box = {"display": "flex", "width": "50%", "margin-left": "auto"}
    same = extracted([box], tablet=[{}], mobile=[{}], hover=[{}])
    assert classes_of(same) == [("d_flex", "w_50p", "ml_auto")]
    found = extracted(
        [box],
        hover=[{"color": "rgb(255, 0, 0)"}],
        tablet=[{"width": "100%", "margin-left": "0px", "display": "block"}],
        mobile=[{"width": "100%", "margin-left": "8px", "display": "flex"}],
    )
    tablet = ("t:d_block", "t:w_100p", "t:ml_0")
    assert classes_of(found) == [
        ("d_flex", "w_50p", "ml_auto", "h:c_f00", *tablet, "m:d_flex", "m:ml_0.5r")
    ]


def test_hidden_nodes_say_so_once():
    """What is inside a hidden node is silent, and a node that a script took away, too."""
    other = {"color": "rgb(255, 0, 0)"}
    found = extracted(
        [{}, {}, {}],
        tablet=[{}, {"display": "none"} | other, other],
        mobile=[None, {"display": "none"}, other],
    )
    assert classes_of(found) == [(), ("t:d_none",), ()]
    drawn = extracted([{}], tablet=[other])
    drawn.nodes[0]["tag"] = "canvas"  # whose size is its script's affair
    assert classes_of(drawn) == [("d_block",)]


def test_no_node_has_more_classes_than_a_key_can_hold():
    """Caps on the number of classes and the length of a key hold; the rest is counted."""
    box = {"display": "flex", "width": "50%", "margin-left": "auto"}
    found = extracted([box], tablet=[{"width": "100%"}])
    assert classes_of(found, classes=2) == [("d_flex", "w_50p")]
    assert classes_of(found, key_length=39) == [("d_flex", "w_50p")]
    made = compact(found, CODEBOOK, random.Random(0), Caps(classes=1))
    assert made.classes_left_out == 3 and "w_50p" not in print_html(made.forest)
