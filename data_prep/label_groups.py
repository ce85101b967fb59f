"""How labelled nodes stand to one another: the conditions of rules for containers."""

from collections.abc import Sequence

from data_prep.label_spot import Spot, look, measure

_WORDS = {"paragraph", "heading", "wrapper"}


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
def same_box_as_kid(spot: Spot) -> bool:
    view = spot.view
    return any(view.box[kid.index] == view.box[spot.index] for kid in spot.kids)


@look
def kid_is_container(spot: Spot) -> bool:
    return spot.kids[0].element in (
        "grid",
        "wrapper",
        "freedom",
        "carousel",
        "accordion",
        "tab",
    )


@look
def roomy(spot: Spot) -> bool:
    """A box with room around its one child, as against a disc behind a pictogram."""
    view, (wide, tall) = spot.view, spot.view.box[spot.index][2:]
    inner = view.area(spot.kids[0].index)
    return wide > 120 and tall > 60 and inner < 0.95 * view.area(spot.index)


@look
def pictogram_and_words(spot: Spot) -> bool:
    """A pictogram beside its text."""
    elements = [kid.element for kid in spot.kids]
    return len(elements) == 2 and elements[0] == "icon" and elements[1] in _WORDS


@look
def in_rows(spot: Spot) -> bool:
    """Most children have another one beside them (three links under a portrait do not)."""
    boxes = _boxes(spot)
    beside = {
        i
        for at, one in enumerate(boxes)
        for to, two in enumerate(boxes[at + 1 :], at + 1)
        if _side_by_side(one, two)
        for i in (at, to)
    }
    return len(beside) > 0.5 * len(boxes)


@look
def layered(spot: Spot) -> bool:
    """Labelled children lie over one another."""
    boxes = _boxes(spot)
    return any(_overlap(one, two) > 0.3 for at, one in enumerate(boxes) for two in boxes[at + 1 :])


def _boxes(spot: Spot) -> list[Sequence[float]]:
    return [spot.view.box[kid.index] for kid in spot.kids]


def _side_by_side(one: Sequence[float], two: Sequence[float]) -> bool:
    common = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
    apart = one[0] + one[2] <= two[0] + 2 or two[0] + two[2] <= one[0] + 2
    return apart and common > 0.4 * min(one[3], two[3])


def _overlap(one: Sequence[float], two: Sequence[float]) -> float:
    wide = min(one[0] + one[2], two[0] + two[2]) - max(one[0], two[0])
    tall = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
    least = min(one[2] * one[3], two[2] * two[3])
    return max(0.0, wide) * max(0.0, tall) / least if least > 0 else 0.0
