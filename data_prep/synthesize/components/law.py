"""What a machine can check of the law of labels, on a layout tree and the boxes of its nodes.

A label that breaks it is wrong; one that keeps it may still be. docs/record.md and the language's
section on elements say the rest.
"""

from collections.abc import Iterator, Sequence

from xojl_jax.xojl.tree import CONTAINERS, Forest, preorder

Box = Sequence[float]  # x, y, width, height, …


def violations(layout: Forest, boxes: Sequence[Box]) -> Iterator[str]:
    """One line for each rule that is broken.

    Args:
      layout: a layout tree.
      boxes: one box per layout node, depth-first pre-order.
    """
    visits = preorder(layout)
    children: list[list[int]] = [[] for _ in visits]
    for visit in visits:
        if visit.parent >= 0:
            children[visit.parent].append(visit.index)
    if [node.element for node in layout] != ["section"]:
        yield "the root is not one section"
    for visit in visits:
        element, kids = visit.node.element, children[visit.index]
        inside = [visits[kid].node.element for kid in kids]
        parent = visits[visit.parent].node.element if visit.parent >= 0 else None
        where = f"{element} {visit.index}"
        if element not in CONTAINERS and kids:
            yield f"{where}: a leaf with children"
        if element in CONTAINERS and not kids:
            yield f"{where}: an empty container"
        if element == "section" and parent not in (None, "section"):
            yield f"{where}: a section inside a {parent}"
        if element == "column" and parent != "grid":
            yield f"{where}: a column outside a grid"
        if element == "grid":
            if "wrapper" in inside or "grid" in inside:
                yield f"{where}: a cell that groups is a column"
            if not any(
                _side_by_side(boxes[one], boxes[two])
                for at, one in enumerate(kids)
                for two in kids[at + 1 :]
            ):
                yield f"{where}: no two cells in a row"
        if element == "freedom" and not any(
            _overlap(boxes[one], boxes[two]) > 0
            for at, one in enumerate(kids)
            for two in kids[at + 1 :]
        ):
            yield f"{where}: nothing lies over anything"
        if element not in ("freedom", "carousel"):
            for at, one in enumerate(kids):
                for two in kids[at + 1 :]:
                    if _overlap(boxes[one], boxes[two]) > 0.02:
                        yield f"{where}: children {one} and {two} overlap"
        width, height = boxes[visit.index][2:4]
        if parent and parent != "freedom" and not _inside(boxes[visit.index], boxes[visit.parent]):
            yield f"{where}: outside its {parent}"
        least = 1 if element == "divider" else 6
        if width < least or height < least:
            yield f"{where}: too small to see ({width:g} x {height:g})"


def _side_by_side(one: Box, two: Box) -> bool:
    """Whether two boxes share a line of the page, and neither covers the other."""
    above, below = max(one[1], two[1]), min(one[1] + one[3], two[1] + two[3])
    apart = one[0] + one[2] <= two[0] + 2 or two[0] + two[2] <= one[0] + 2
    return apart and below - above > 0.4 * min(one[3], two[3])


def _overlap(one: Box, two: Box) -> float:
    """The common area as a share of the smaller box."""
    wide = min(one[0] + one[2], two[0] + two[2]) - max(one[0], two[0])
    tall = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
    least = min(one[2] * one[3], two[2] * two[3])
    return max(0, wide) * max(0, tall) / least if least > 0 else 0.0


def _inside(one: Box, outer: Box, slack: float = 6) -> bool:
    return (
        one[0] >= outer[0] - slack
        and one[1] >= outer[1] - slack
        and one[0] + one[2] <= outer[0] + outer[2] + slack
        and one[1] + one[3] <= outer[1] + outer[3] + slack
    )
