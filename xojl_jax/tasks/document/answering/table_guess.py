"""A table by the gaps between its words: rows are lines, columns lie between gaps of all rows."""

import numpy as np

from xojl_jax.documents.answers import Cell, TableAnswer
from xojl_jax.documents.json_fields import Box
from xojl_jax.documents.words_in_box import words_in
from xojl_jax.tasks.document.answering.compared import Page

_GAP = 0.5  # between columns, of the words' median height: wider than a space


def header_rows(table: TableAnswer) -> int:
    """How many rows, from the top, are headers alone."""
    rows = [bool(row) and all(cell.header for cell in row) for row in table.rows]
    return rows.index(False) if False in rows else len(rows)


def guess_table(box: Box | None, page: Page, headers: int) -> TableAnswer:
    """Cells without spans of the words in the box, or of all; the first rows are headers."""
    numbers = words_in(box, page[1])
    if not numbers:
        return TableAnswer(())
    boxes = np.asarray(page[1], np.float64)[numbers]
    height = float(np.median(boxes[:, 3] - boxes[:, 1]))
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    row_of = _cut(middle, middle, height / 2)
    column_of = _cut(boxes[:, 0], boxes[:, 2], height * _GAP)
    rows = []
    for r in range(row_of.max() + 1):
        cells = [
            np.flatnonzero((row_of == r) & (column_of == c)) for c in range(column_of.max() + 1)
        ]
        # Within a cell from the left.
        ordered = [cell[np.argsort(boxes[cell, 0], kind="stable")] for cell in cells]
        rows.append(
            tuple(Cell(tuple(numbers[i] for i in cell), header=r < headers) for cell in ordered)
        )
    return TableAnswer(tuple(rows))


def _cut(starts: np.ndarray, ends: np.ndarray, gap: float) -> np.ndarray:
    """int[n]: the part of each interval, counted from 0, where parts lie more than a gap apart."""
    order = np.argsort(starts, kind="stable")
    reached = np.maximum.accumulate(ends[order])
    parts = np.concatenate([[0], np.cumsum(starts[order][1:] - reached[:-1] > gap)])
    found = np.empty(len(starts), np.int64)
    found[order] = parts
    return found
