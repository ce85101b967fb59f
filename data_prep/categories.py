"""What the rules for categories look at: the band as a whole, its title, what is in it."""

import re

from data_prep.label_spot import MEASURES, Item, Spot, look, measure, verb
from xojl_jax.xojl.tree import ELEMENTS


@verb("band says")
def band_says(spot: Spot, name: str) -> bool:
    """The author's words about the band, or about a node directly in it."""
    view = spot.view
    return any(view.says(i, name) for i in (0, *view.children[0]))


@verb("title reads")
def title_reads(spot: Spot, name: str) -> bool:
    """The text of its first large heading."""
    view = spot.view
    titles = (view.text[i] for i in range(len(view)) if re.fullmatch("h[1-3]", view.tag[i]))
    return bool(view.patterns[name].search(next(titles, "")))


@measure
def labels(spot: Spot) -> float:
    """How many labels the section has."""
    return len(_elements(spot))


@measure
def h1s(spot: Spot) -> float:
    return spot.view.tag.count("h1")


@look
def header_tag(spot: Spot) -> bool:
    return spot.view.tag[spot.index] == "header"


def _elements(spot: Spot) -> list[str]:
    out: list[str] = []
    stack: list[Item] = [spot.item] if spot.item else []
    while stack:
        item = stack.pop()
        out.append(item.element)
        stack.extend(item.children)
    return out


def _count_of(element: str):
    return lambda spot: _elements(spot).count(element)


# `count_counter >= 3`: how many labels of an element the section has.
MEASURES.update({f"count_{element}": _count_of(element) for element in ELEMENTS})
