"""How labelled nodes stand to one another: the conditions of rules for containers."""

import itertools
from collections.abc import Sequence

from data_prep.label.node_context import Item, Spot, look, measure
from data_prep.label.section_tree import View

_WORDS = {"paragraph", "heading", "wrapper", "counter"}
_SHOWN = {"image", "video", "map", "gallery", "masonry", "carousel"}
_ENDS = {"paragraph", "heading", "button", "icon"}  # what may float at the end of a line of text
_BARS = {"header", "footer", "nav"}


@measure
def kids(spot: Spot) -> float:
    """How many labelled nodes stand directly in it."""
    return len(spot.kids)


@look
def outermost(spot: Spot) -> bool:
    """The root of the record."""
    return spot.index == 0


@look
def alone(spot: Spot) -> bool:
    """No labelled sibling (once labels are known)."""
    return spot.parent is not None and len(spot.parent.children) == 1


@look
def in_a_root(spot: Spot) -> bool:
    """Directly in the section's html root."""
    return spot.view.parent[spot.index] == 0


@look
def same_box_as_kid(spot: Spot) -> bool:
    view = spot.view
    return any(view.box[kid.index] == view.box[spot.index] for kid in spot.kids)


@look
def pictogram_and_words(spot: Spot) -> bool:
    """A pictogram, a small portrait or initials beside text."""
    if len(spot.kids) != 2:
        return False
    small = [kid for kid in spot.kids if _is_small(spot, kid)]
    if any(_is_clickable(spot, kid) for kid in small if kid.element == "icon"):
        return False  # a sign that opens a menu says nothing about the text beside it
    one, two = sorted(_boxes(spot))
    if two[0] - one[0] - one[2] > 48:
        return False  # at the two ends of a row
    return len(small) == 1 and all(kid.element in _WORDS for kid in spot.kids if kid not in small)


def _is_clickable(spot: Spot, kid: Item) -> bool:
    above = spot.view.ancestors(kid.index)
    inside = (kid.index, *itertools.takewhile(lambda i: i != spot.index, above))
    return any(spot.view.tag[i] in ("a", "button") for i in inside)


def _is_small(spot: Spot, kid: Item) -> bool:
    view, (wide, tall) = spot.view, spot.view.box[kid.index][2:]
    square = max(wide, tall) <= 96 and max(wide, tall) <= 1.25 * min(wide, tall)
    initials = kid.element == "paragraph" and view.is_painted(kid.index)
    framed = kid.element == "wrapper" and [k.element for k in kid.children] == ["icon"]
    return kid.element == "icon" or (square and (kid.element == "image" or initials or framed))


@look
def in_rows(spot: Spot) -> bool:
    """Most children have another one beside them (three links under a portrait do not)."""
    kids = spot.kids
    beside = {
        i
        for at in range(len(kids))
        for to in range(at + 1, len(kids))
        if _beside(spot, kids[at], kids[to])
        for i in (at, to)
    }
    return len(beside) > 0.5 * len(kids)


def _beside(spot: Spot, one: Item, two: Item) -> bool:
    boxes = spot.view.box
    if _side_by_side(boxes[one.index], boxes[two.index]):
        return True
    # A title runs under the date that floats at its end: one line, and texts do not overlap.
    (wide, narrow) = sorted((one, two), key=lambda item: -boxes[item.index][2])
    texts = wide.element in ("paragraph", "heading") and narrow.element in _ENDS
    under = _overlap(boxes[wide.index], boxes[narrow.index]) > 0.6
    return texts and under and boxes[narrow.index][2] < 0.5 * boxes[wide.index][2]


@look
def layered(spot: Spot) -> bool:
    """Something lies on a labelled picture, or over a box that is painted."""
    view, boxes = spot.view, _boxes(spot)
    shows = [
        kid.element in _SHOWN or (bool(kid.children) and view.is_painted(kid.index))
        for kid in spot.kids
    ]
    return any(
        (shows[at] or shows[to]) and _overlap(one, boxes[to]) > 0.3
        for at, one in enumerate(boxes)
        for to in range(at + 1, len(boxes))
    )


@look
def beside_bars(spot: Spot) -> bool:
    """A page in one section: it, or what stands beside it, is a bar at the head or foot, and both
    go from one side to the other."""
    if spot.parent is None:
        return False
    bands = _bands(spot.view, spot.parent)
    return outermost_of(spot.view, spot.item, spot.parent) in bands


@look
def bar_tag(spot: Spot) -> bool:
    return spot.view.tag[spot.index] in _BARS


@look
def holds_bars(spot: Spot) -> bool:
    """It holds bars and the main part of a page."""
    return spot.item is not None and bool(_bands(spot.view, spot.item))


def _bands(view: View, parent: Item) -> list[int]:
    """What stands in it from one side to the other; empty without a bar, or where it is narrow."""
    if view.box[0][2] < 0.75 * view.page_width:
        return []  # an article with a header of its own
    outer = [outermost_of(view, item, parent) for item in parent.children]
    full = [i for i in outer if view.box[i][2] >= 0.97 * view.box[0][2]]
    if full[:1] != outer[:1] and full[-1:] != outer[-1:]:
        return []  # neither the first nor the last thing in it
    ends = full[:1] + full[-1:]
    bars = any(view.tag[i] in _BARS or view.says(i, "bar") for i in ends)
    return full if bars and len(full) >= 2 else []


def outermost_of(view: View, item: Item, parent: Item) -> int:
    """The outermost html node below the parent's that holds this label and no sibling of it."""
    others = [child.index for child in parent.children if child is not item]
    index = item.index
    for above in view.ancestors(item.index):
        if above == parent.index or any(i in view.subtree(above) for i in others):
            break
        index = above
    return index


def _boxes(spot: Spot) -> list[Sequence[float]]:
    return [spot.view.box[kid.index] for kid in spot.kids]


def _side_by_side(one: Sequence[float], two: Sequence[float]) -> bool:
    common = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
    slack = max(2, 0.08 * min(one[2], two[2]))
    apart = one[0] + one[2] <= two[0] + slack or two[0] + two[2] <= one[0] + slack
    return apart and common > 0.4 * min(one[3], two[3])


def _overlap(one: Sequence[float], two: Sequence[float]) -> float:
    wide = min(one[0] + one[2], two[0] + two[2]) - max(one[0], two[0])
    tall = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
    least = min(one[2] * one[3], two[2] * two[3])
    return max(0.0, wide) * max(0.0, tall) / least if least > 0 else 0.0
