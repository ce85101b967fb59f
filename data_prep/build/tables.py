"""Cells of a table from its marked rows and columns, as PubTables-1M marks them."""

from collections.abc import Sequence

import numpy as np

from xojl_jax.documents.answers import MAX_SPAN, Cell, TableAnswer
from xojl_jax.documents.json_fields import Region

ROW, COLUMN, HEADER = "table row", "table column", "table column header"
SPANNING = ("table spanning cell", "table projected row header")

Place = tuple[int, int]


def table_of(regions: Sequence[Region], boxes: np.ndarray) -> TableAnswer | None:
    """The table that the regions mark; None where they mark no row or no column.

    A spanning cell takes the rows and columns of which it covers half or more. A word belongs to
    the row and the column that its middle is in, or is nearest to; words outside the table, such
    as its caption, to none. Cells of the column header are headers.

    Args:
      regions: of the table, their labels as in PubTables-1M.
      boxes: float[n, 4], of the page's words.
    """
    rows = _intervals(regions, ROW, axis=1)
    columns = _intervals(regions, COLUMN, axis=0)
    if not 0 < len(rows) <= MAX_SPAN or not 0 < len(columns) <= MAX_SPAN:
        return None
    first, spans = _merge(regions, rows, columns)
    headers = [region.box for region in regions if region.label == HEADER]
    is_header = [any(box[1] <= middle <= box[3] for box in headers) for middle in rows.mean(1)]
    words = _words_by_cell(boxes, rows, columns, first)
    return TableAnswer(
        tuple(
            tuple(
                Cell(words.get((r, c), ()), *spans.get((r, c), (1, 1)), header=is_header[r])
                for c in range(len(columns))
                if first[r][c] == (r, c)
            )
            for r in range(len(rows))
        )
    )


def _intervals(regions: Sequence[Region], label: str, axis: int) -> np.ndarray:
    """float64[n, 2]: where rows (axis 1) or columns (axis 0) begin and end, in order."""
    found = [region.box[axis::2] for region in regions if region.label == label]
    return np.array(sorted(found, key=sum), np.float64).reshape(-1, 2)


def _merge(
    regions: Sequence[Region], rows: np.ndarray, columns: np.ndarray
) -> tuple[list[list[Place]], dict[Place, Place]]:
    """(for each place, where the cell that takes it begins; for each spanning cell's first place,
    how many rows and columns it takes). Of two that overlap, the first counts."""
    first = [[(r, c) for c in range(len(columns))] for r in range(len(rows))]
    spans: dict[Place, Place] = {}
    taken = np.zeros((len(rows), len(columns)), bool)
    for region in regions:
        if region.label not in SPANNING:
            continue
        x0, y0, x1, y1 = region.box
        high, wide = _covered(rows, y0, y1), _covered(columns, x0, x1)
        if len(high) * len(wide) < 2 or taken[np.ix_(high, wide)].any():
            continue
        taken[np.ix_(high, wide)] = True
        spans[high[0], wide[0]] = (len(high), len(wide))
        for r in high:
            for c in wide:
                first[r][c] = (high[0], wide[0])
    return first, spans


def _covered(intervals: np.ndarray, start: float, end: float) -> range:
    """The intervals of which half or more is between start and end, and those between them."""
    shared = np.minimum(intervals[:, 1], end) - np.maximum(intervals[:, 0], start)
    found = np.flatnonzero((shared > 0) & (shared >= (intervals[:, 1] - intervals[:, 0]) / 2))
    return range(int(found[0]), int(found[-1]) + 1) if len(found) else range(0)


def _words_by_cell(
    boxes: np.ndarray, rows: np.ndarray, columns: np.ndarray, first: list[list[Place]]
) -> dict[Place, tuple[int, ...]]:
    found: dict[Place, tuple[int, ...]] = {}
    for number, (x0, y0, x1, y1) in enumerate(np.asarray(boxes, np.float64).tolist()):
        r, c = _nearest(rows, (y0 + y1) / 2), _nearest(columns, (x0 + x1) / 2)
        if r is not None and c is not None:
            place = first[r][c]
            found[place] = (*found.get(place, ()), number)
    return found


def _nearest(intervals: np.ndarray, middle: float) -> int | None:
    if not intervals[:, 0].min() <= middle <= intervals[:, 1].max():
        return None
    away = np.maximum(intervals[:, 0] - middle, middle - intervals[:, 1])
    return int(np.maximum(away, 0).argmin())
