"""How close a table is to another: TEDS (Zhong et al. 2020) and GriTS (Smock et al. 2022).

TEDS, by apted: a table is a tree of rows and of cells, whose spans and text count, as in HTML
(table, tr, td or th). An edit inserts, deletes or changes a node; changing a text alone costs its
normalized edit distance.

GriTS: a table is a grid of places. The rows and columns of two grids that are most alike are paired
in their order, and what remains counts against both.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from apted import APTED, Config
from rapidfuzz.distance import Indel, Levenshtein
from rapidfuzz.process import cdist

from xojl_jax.documents.answers import cell_grid
from xojl_jax.evaluation.boxes import iou

# Tree edit distance takes cubic time at worst: 1.2 s for two tables of 36 x 10 cells.
MAX_NODES = 400
# Pairs of places, one of each grid, that are held in memory: those of two tables of 200 x 10 cells,
# which take 1.6 s.
MAX_PAIRS = 4_000_000


class TableCell(NamedTuple):
    """What is compared of a cell."""

    text: str
    rows: int
    columns: int
    header: bool


Table = tuple[tuple[TableCell, ...], ...]


# --- TEDS ------------------------------------------------------------------------------------


class _Node(NamedTuple):
    kind: TableCell | str
    children: tuple["_Node", ...] = ()


class _Costs(Config):
    def __init__(self, texts: bool):
        self.texts = texts

    def rename(self, node1: _Node, node2: _Node) -> float:
        one, two = node1.kind, node2.kind
        if isinstance(one, str) or isinstance(two, str):
            return float(one != two)
        if one[1:] != two[1:]:
            return 1.0
        return Levenshtein.normalized_distance(one.text, two.text) if self.texts else 0.0


def teds(predicted: Table, reference: Table, *, texts: bool = True) -> float:
    """1 less the edit distance over the larger number of nodes, the table's own not counted.

    NaN where that is above `MAX_NODES`.

    Args:
      texts: False compares rows, spans and headers alone (TEDS-Struct).
    """
    larger = max(_size(predicted), _size(reference))
    if larger > MAX_NODES:
        return float("nan")
    if not larger:
        return 1.0
    edits = APTED(_tree(predicted), _tree(reference), _Costs(texts))
    return 1 - edits.compute_edit_distance() / larger


def _size(table: Table) -> int:
    return len(table) + sum(map(len, table))


def _tree(table: Table) -> _Node:
    return _Node("table", tuple(_Node("row", tuple(_Node(c) for c in row)) for row in table))


# --- GriTS -----------------------------------------------------------------------------------


def grits(predicted: Table, reference: Table, *, texts: bool = True) -> float:
    """GriTS (arXiv 2203.12555): 2 S / (places of both grids), in [0, 1]. S adds up how alike the
    places are in the rows and columns that are paired: by the longest common subsequence of their
    texts (GriTS_Con), or by the spans of their cells (GriTS_Top). Headers do not count.

    Rows and columns are paired by the published factored form, each by dynamic programming over
    what the other could give at best.

    NaN where there are more than `MAX_PAIRS` pairs of places.

    Args:
      texts: False compares spans, GriTS_Top.
    """
    tables = reference, predicted
    grids = [cell_grid(table) for table in tables]
    sizes = [grid.size for grid in grids]
    if not all(sizes):
        return float(sizes[0] == sizes[1])
    if sizes[0] * sizes[1] > MAX_PAIRS:
        return float("nan")
    alike = _likeness(tables, grids, texts)
    r, other_r = _pairs(_best_sums(alike.transpose(2, 3, 0, 1))[-1, -1])
    c, other_c = _pairs(_best_sums(alike)[-1, -1])
    return 2 * float(alike[r, other_r][:, c, other_c].sum()) / sum(sizes)


def _likeness(tables: tuple[Table, Table], grids: Sequence[np.ndarray], texts: bool) -> np.ndarray:
    """float64[rows, rows of the other, columns, columns of the other]: how alike two places are, in
    their texts or in the spans of their cells."""
    if texts:
        one, other = ([cell.text for row in table for cell in row] for table in tables)
        cells = cdist(one, other, scorer=Indel.normalized_similarity, dtype=np.float64)
        found = cells[np.ix_(*(grid.ravel() for grid in grids))]
    else:
        found = iou(*(_spans(grid).reshape(-1, 4) for grid in grids))
    (rows, columns), (other_rows, other_columns) = (grid.shape for grid in grids)
    return found.reshape(rows, columns, other_rows, other_columns).transpose(0, 2, 1, 3)


def _spans(grid: np.ndarray) -> np.ndarray:
    """float64[rows, columns, 4]: where each place's cell begins and ends, counted from the place:
    left, top, right, bottom; [0, 0, 1, 1] of a cell without spans."""
    found = np.zeros((*grid.shape, 4))
    for cell in range(grid.max() + 1):
        r, c = np.nonzero(grid == cell)
        found[r, c] = np.stack([c.min() - c, r.min() - r, c.max() + 1 - c, r.max() + 1 - r], -1)
    return found


def _best_sums(rewards: np.ndarray) -> np.ndarray:
    """[n + 1, m + 1, …]: the most that pairs of the first i and the first j items give together,
    each item in one pair at most and pairs in order; rewards [n, m, …]."""
    n, m, *rest = rewards.shape
    sums = np.zeros((n + 1, m + 1, *rest))
    for i, row in enumerate(rewards):
        best = np.maximum(sums[i, :-1] + row, sums[i, 1:])
        sums[i + 1, 1:] = np.maximum.accumulate(best, axis=0)
    return sums


def _pairs(rewards: np.ndarray) -> tuple[list[int], list[int]]:
    """The items of the pairs that give the most, [n, m] -> some of n and as many of m."""
    sums = _best_sums(rewards)
    i, j = rewards.shape
    pairs = []
    while i and j:
        if sums[i, j] == sums[i - 1, j - 1] + rewards[i - 1, j - 1]:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif sums[i, j] == sums[i - 1, j]:
            i -= 1
        else:
            j -= 1
    first, second = zip(*reversed(pairs), strict=True)
    return list(first), list(second)
