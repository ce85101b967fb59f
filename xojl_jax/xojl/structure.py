"""The rules that a layout must keep beyond its syntax: what may hold what, and drawn where.

`parse_layout` takes any tree of elements. A label that breaks a rule of this file is wrong all the
same; one that keeps them may still be.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from xojl_jax.xojl.tree import CONTAINERS, Forest, Visit, preorder

Box = Sequence[float]  # x, y, width, height in px, …

# Share of the smaller box that two neighbors may have in common: rounding, borders, shadows.
_OVERLAP = 0.02
# Share of the lower box's height in which two boxes must run side by side to be cells of one row.
_SAME_ROW = 0.4
# px by which cells of one row may overlap: rounding.
_ROW_SLACK = 2
# px by which a box may be outside its container's: negative margins, outlines.
_OUTSIDE = 6
# px of the least width and height that can be seen; a divider may be a hairline.
_LEAST, _LEAST_DIVIDER = 6, 1


class Violation(NamedTuple):
    """A rule that is broken, and by which node."""

    index: int  # layout node, depth-first pre-order; the document itself is -1
    element: str  # of that node; "layout" for the document
    rule: str  # without numbers or names, so that equal ones can be counted

    def __str__(self) -> str:
        return f"{self.element} {self.index}: {self.rule}" if self.index >= 0 else self.rule


def violations(layout: Forest, boxes: Sequence[Box] | None = None) -> Iterator[Violation]:
    """Every rule that is broken, in the order of the nodes.

    Args:
      layout: a layout tree.
      boxes: one box per layout node, depth-first pre-order. With them, rules are checked that hold
        for sections drawn to be labeled exactly. Pages of others keep them mostly, not always:
        their texts stick out of boxes and their boxes overlap a little, and the labels are right
        all the same. So give boxes only where you drew the section yourself.
    """
    if [node.element for node in layout] != ["section"]:
        yield Violation(-1, "layout", "the root is not one section")
    visits = preorder(layout)
    children: list[list[int]] = [[] for _ in visits]
    for visit in visits:
        if visit.parent >= 0:
            children[visit.parent].append(visit.index)
    for visit in visits:
        rules = list(_broken_by_place(visit, visits, len(children[visit.index])))
        if boxes is not None:
            rules += _broken_by_boxes(visit, visits, children[visit.index], boxes)
        for rule in rules:
            yield Violation(visit.index, str(visit.node.element), rule)


def _broken_by_place(visit: Visit, visits: list[Visit], children: int) -> Iterator[str]:
    """Rules of nesting, which hold for labels of any page."""
    element = visit.node.element
    parent = visits[visit.parent].node.element if visit.parent >= 0 else None
    if element in CONTAINERS and not children:
        yield "an empty container"
    if element not in CONTAINERS and children:
        yield "a leaf with children"
    if element == "section" and parent not in (None, "section"):
        yield f"a section inside a {parent}"
    if element == "column" and parent != "grid":
        yield "a column outside a grid"
    if element == "grid" and children == 1:
        yield "a grid of one cell"
    if element == "freedom" and children == 1:
        yield "a freedom with one thing in it"


def _broken_by_boxes(
    visit: Visit, visits: list[Visit], children: list[int], boxes: Sequence[Box]
) -> Iterator[str]:
    element, box = visit.node.element, boxes[visit.index]
    parent = visits[visit.parent].node.element if visit.parent >= 0 else None
    pairs = [
        (boxes[one], boxes[two]) for at, one in enumerate(children) for two in children[at + 1 :]
    ]
    if element == "grid":
        if {visits[child].node.element for child in children} & {"wrapper", "grid"}:
            yield "a cell that groups is a column"
        if not any(side_by_side(one, two) for one, two in pairs):
            yield "no two cells in a row"
    if element == "freedom" and not any(overlap(one, two) > 0 for one, two in pairs):
        yield "nothing covers anything"
    # A carousel's slides may be drawn over one another, as a freedom's things are.
    if element not in ("freedom", "carousel") and any(
        overlap(one, two) > _OVERLAP for one, two in pairs
    ):
        yield "children overlap"
    if parent and parent != "freedom" and not _inside(box, boxes[visit.parent]):
        yield f"outside its {parent}"
    least = _LEAST_DIVIDER if element == "divider" else _LEAST
    if min(box[2], box[3]) < least:
        yield "too small to see"


def side_by_side(one: Box, two: Box) -> bool:
    """Whether two boxes share a line of the page, and neither covers the other."""
    top, bottom = max(one[1], two[1]), min(one[1] + one[3], two[1] + two[3])
    apart = one[0] + one[2] <= two[0] + _ROW_SLACK or two[0] + two[2] <= one[0] + _ROW_SLACK
    return apart and bottom - top > _SAME_ROW * min(one[3], two[3])


def overlap(one: Box, two: Box) -> float:
    """The common area as a share of the smaller box."""
    width = min(one[0] + one[2], two[0] + two[2]) - max(one[0], two[0])
    height = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
    smaller = min(one[2] * one[3], two[2] * two[3])
    return max(0, width) * max(0, height) / smaller if smaller > 0 else 0.0


def _inside(one: Box, outer: Box) -> bool:
    return (
        one[0] >= outer[0] - _OUTSIDE
        and one[1] >= outer[1] - _OUTSIDE
        and one[0] + one[2] <= outer[0] + outer[2] + _OUTSIDE
        and one[1] + one[3] <= outer[1] + outer[3] + _OUTSIDE
    )
