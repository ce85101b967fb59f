"""Where a container's children go, by what the container is."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from xojl_jax.xojl.structure import Box, side_by_side

# Children wrap into rows; each one's margins keep it in its row.
ROWS = ("d_flex", "fw_wrap", "ai_flex-start", "ac_flex-start")
_INLINE = frozenset(["icon", "button", "social"])  # set beside one another, as words are
_SLIDES = frozenset(["carousel"])
_SLACK = 0.25  # share of the lower of two boxes by which they overlap and are two rows still


def place(
    element: str, outer: Box, boxes: Sequence[Box], elements: Sequence[str]
) -> list[tuple[str, ...]]:
    """Classes with the width and the place of each child of a container.

    Children keep their sizes and the gaps between them; whether one is beside the one before or
    below it follows from the element. In a grid it is beside where it begins farther to the right;
    where no two are, as in a layout that takes a column for a grid, they are set in pairs of half
    the width. Elsewhere it is below, unless a pictogram or two buttons are in one line. In a
    freedom all are where they were.
    """
    if element == "freedom":
        return [(*absolute(outer, box), px("w", box[2])) for box in boxes]
    in_pairs = element == "grid" and not any(_in_one_row(*pair) for pair in pairwise(boxes))
    rows: list[list[int]] = []
    for k, box in enumerate(boxes):
        if in_pairs:
            beside = k % 2 == 1
        elif element == "grid":
            beside = k > 0 and box[0] > boxes[k - 1][0]
        else:
            beside = k > 0 and _may_be_beside(element, {elements[k - 1], elements[k]})
            beside = beside and side_by_side(boxes[k - 1], box)
        rows[-1].append(k) if beside else rows.append([k])
    widest = outer[2] / 2 if in_pairs else float("inf")
    return list(_margins(outer, boxes, rows, widest))


def _in_one_row(one: Box, two: Box) -> bool:
    return one[0] < two[0] and side_by_side(one, two)


def _may_be_beside(element: str, pair: set[str]) -> bool:
    return element in _SLIDES or "icon" in pair or pair <= _INLINE


def _margins(
    outer: Box, boxes: Sequence[Box], rows: list[list[int]], widest: float
) -> Iterator[tuple[str, ...]]:
    top = low = 0.0  # px below the container's upper edge: of this row, of the end of all before
    for row in rows:
        right, top = 0.0, low
        for k in row:
            x, y, width, height = boxes[k]
            left = x - outer[0]
            if k != row[0]:
                left = x - boxes[k - 1][0] - boxes[k - 1][2]
            left, width = max(0.0, left), min(width, widest)
            down = y - outer[1] - top
            # What was pushed down pushes the next one only as far as there is no room.
            down = down if down > -_SLACK * height else 0.0
            right += left + width
            low = max(low, top + down + height)
            # Nothing has room beside the last of a row; where a row is too long, it stays one.
            rest = outer[2] - right if k == row[-1] else 0.0
            yield px("w", width), px("ml", left), px("mt", down), px("mr", rest), "fsh_0"


def absolute(outer: Box, box: Box) -> tuple[str, ...]:
    """The classes of a box that stays where it was in another."""
    return "pos_absolute", px("l", box[0] - outer[0]), px("t", box[1] - outer[1])


def px(code: str, value: float) -> str:
    return f"{code}_{round(float(value), 1):g}x"
