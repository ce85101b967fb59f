"""How close a table is to another: TEDS (Zhong et al. 2020), by apted.

A table is a tree of rows and of cells, whose spans and text count, as in HTML (table, tr, td or
th). An edit inserts, deletes or changes a node; changing a text alone costs its normalized edit
distance.
"""

from typing import NamedTuple

from apted import APTED, Config
from rapidfuzz.distance import Levenshtein

# Tree edit distance takes cubic time at worst: 1.2 s for two tables of 36 x 10 cells.
MAX_NODES = 400


class TableCell(NamedTuple):
    """What is compared of a cell."""

    text: str
    rows: int
    columns: int
    header: bool


Table = tuple[tuple[TableCell, ...], ...]


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
