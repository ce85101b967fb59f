"""What the page tells of the language: keys, meanings, and what to do where a rule is broken."""

import tomllib
from pathlib import Path

from xojl_jax.evaluation.drawing import element_color
from xojl_jax.xojl.record import CATEGORIES
from xojl_jax.xojl.tree import CONTAINERS, ELEMENTS

GUIDE = Path(__file__).with_name("guide.toml")
# How a broken rule of `xojl.structure` begins -> what mends it.
MENDS = {
    "the root is not one section": "label the outermost node a section, and nothing beside it",
    "an empty container": "label what is in it, or take its label away",
    "a leaf with children": "take the labels inside away, or make it a container",
    "a section inside a": "make it a wrapper, or take away the label around it",
    "a column outside a grid": "make it a wrapper, or label the row around it a grid",
    "a grid of one cell": "label the other cells, or make it a wrapper",
    "a freedom with one thing in it": "label what lies over it, or make it a wrapper",
}


def read_guide() -> dict[str, dict]:
    """element -> "key", "is", "mind", in the order of the language."""
    guide = tomllib.loads(GUIDE.read_text(encoding="utf-8"))
    return {element: guide[element] for element in ELEMENTS}


def mend(rule: str) -> str:
    """What to do where a rule is broken; "" for a rule that we have no advice for."""
    return next((advice for start, advice in MENDS.items() if rule.startswith(start)), "")


def for_page() -> dict:
    """The guide as the page takes it."""
    elements = [
        {
            "name": element,
            "container": element in CONTAINERS,
            "color": "#{:02x}{:02x}{:02x}".format(*element_color(element)),
            **about,
        }
        for element, about in read_guide().items()
    ]
    return {"elements": elements, "categories": list(CATEGORIES)}
