"""What the table of rules asks in words and in numbers: the author's words, sizes, counts."""

import re

from data_prep.label.node_context import Spot, measure, verb
from data_prep.label.section_tree import View

PRICE = re.compile(r"[$€£¥]\s?\d|(free|custom)$", re.IGNORECASE)

# --- the author's words ----------------------------------------------------------------------


@verb("says")
def says(spot: Spot, name: str) -> bool:
    """The author's words about the node itself: class, id, role, names of data attributes."""
    return spot.view.says(spot.index, name)


@verb("inside")
def inside(spot: Spot, name: str) -> bool:
    """… about a node above it."""
    return any(spot.view.says(above, name) for above in spot.view.ancestors(spot.index))


@verb("parent says")
def parent_says(spot: Spot, name: str) -> bool:
    return spot.index > 0 and spot.view.says(spot.view.parent[spot.index], name)


@verb("root says")
def root_says(spot: Spot, name: str) -> bool:
    """… about the section."""
    return spot.view.says(0, name)


@verb("holds")
def holds(spot: Spot, name: str) -> bool:
    """… about a node below it."""
    view = spot.view
    return any(view.says(below, name) for below in range(spot.index + 1, view.end[spot.index]))


@verb("points to")
def points_to(spot: Spot, name: str) -> bool:
    """The address of a link, picture or frame, its title and its alternative text."""
    return spot.view.points_to(spot.index, name)


@verb("reads")
def reads(spot: Spot, name: str) -> bool:
    """The text that is shown."""
    return bool(spot.view.patterns[name].search(spot.view.text[spot.index]))


# --- numbers ---------------------------------------------------------------------------------


@measure
def width(spot: Spot) -> float:
    return spot.view.box[spot.index][2]


@measure
def height(spot: Spot) -> float:
    return spot.view.box[spot.index][3]


@measure
def size(spot: Spot) -> float:
    """The longer side, px."""
    return max(spot.view.box[spot.index][2:])


@measure
def least_side(spot: Spot) -> float:
    return min(spot.view.box[spot.index][2:])


@measure
def longest_ratio(spot: Spot) -> float:
    """The longer side by the shorter."""
    sides = spot.view.box[spot.index][2:]
    return max(sides) / max(min(sides), 1)


@measure
def share_of_section(spot: Spot) -> float:
    return spot.view.area(spot.index) / max(spot.view.area(0), 1)


@measure
def children(spot: Spot) -> float:
    return len(spot.view.children[spot.index])


@measure
def texts(spot: Spot) -> float:
    """How many nodes in it (itself included) have text of their own."""
    return spot.view.texts[spot.index]


@measure
def pictures(spot: Spot) -> float:
    return spot.view.pictures[spot.index]


@measure
def drawings(spot: Spot) -> float:
    return spot.view.drawings[spot.index]


@measure
def fields(spot: Spot) -> float:
    return spot.view.fields[spot.index]


@measure
def links(spot: Spot) -> float:
    return spot.view.links[spot.index]


@measure
def characters(spot: Spot) -> float:
    return len(spot.view.text[spot.index])


@measure
def type_size(spot: Spot) -> float:
    """The node's own font size, px."""
    return spot.view.font_size(spot.index)


@measure
def scale(spot: Spot) -> float:
    """The largest type in it, by the section's body size."""
    return largest_type(spot.view, spot.index) / spot.view.body_size


def largest_type(view: View, index: int) -> float:
    """The largest font size among the texts in a node, px."""
    sizes = [view.font_size(i) for i in view.subtree(index) if "text" in view.kinds[i]]
    return max(sizes, default=0.0)


def heaviest_type(view: View, index: int) -> int:
    """The largest font weight among the texts in a node."""
    weights = [view.weight(i) for i in view.subtree(index) if "text" in view.kinds[i]]
    return max(weights, default=0)
