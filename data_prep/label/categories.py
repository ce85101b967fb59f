"""What the rules for categories look at: the band as a whole, its title, what is in it."""

import re

from data_prep.label.measures import PRICE, largest_type
from data_prep.label.node_context import MEASURES, Item, Spot, look, measure, verb
from data_prep.label.section_tree import View
from xojl_jax.xojl.tree import ELEMENTS


@verb("band says")
def band_says(spot: Spot, name: str) -> bool:
    """The author's words about the band, or about a node in it that takes up most of it."""
    view = spot.view
    least = 0.6 * view.area(0)
    index = 0
    while True:
        if view.says(index, name):
            return True
        large = [i for i in view.children[index] if view.area(i) >= least]
        if len(large) != 1:
            return False
        index = large[0]


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


@measure
def largest_type_px(spot: Spot) -> float:
    """The largest font size in the section, px."""
    return largest_type(spot.view, 0)


@measure
def prices(spot: Spot) -> float:
    """How many texts begin with a price."""
    view = spot.view
    return sum(bool(PRICE.match(view.text[i])) for i in range(len(view)) if _has_text(view, i))


@measure
def quotations(spot: Spot) -> float:
    """How many texts stand in quotation marks, or are quotations by tag."""
    view = spot.view
    code = {j for i in range(len(view)) if view.tag[i] in ("pre", "code") for j in view.subtree(i)}
    texts = [i for i in range(len(view)) if _has_text(view, i) and len(view.text[i]) >= 12]
    texts = [i for i in texts if i not in code]
    marked = sum(bool(re.match(r"[“„«\"]", view.text[i])) for i in texts)
    return max(marked, view.tag.count("blockquote"))


@look
def low_pictures(spot: Spot) -> bool:
    """All pictures are low, as logos are."""
    view = spot.view
    tall = [view.box[i][3] for i in range(len(view)) if view.kinds[i] & {"src", "svg"}]
    return bool(tall) and max(tall) <= 110


def _has_text(view: View, index: int) -> bool:
    return "text" in view.kinds[index]


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
