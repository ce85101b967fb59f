"""The label of each HTML node: which layout element was made of it. And which labels count."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from xojl_jax.tasks.layout.sample_spec import MERGED, UNKNOWN, UNSURE
from xojl_jax.xojl.align import align
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import ELEMENTS, TreeIndex
from xojl_jax.xojl.vocabulary import ELEMENT_BASE, ELEMENT_WIDTH, END


class IndexedRecord(NamedTuple):
    """A record whose trees have been walked once, for everything that needs their nodes.

    Attributes:
      html: the HTML tree.
      layout: the layout; without nodes where the record has none.
      twins: for every layout node the HTML node it was made of, or None.
    """

    record: Record
    html: TreeIndex
    layout: TreeIndex
    twins: tuple[int | None, ...]

    @staticmethod
    def of(record: Record) -> "IndexedRecord":
        html, layout = TreeIndex(record.html), TreeIndex(record.layout or ())
        twins = record.layout_nodes
        if twins is None:
            twins = align(html, layout)
        return IndexedRecord(record, html, layout, twins)


def sure_nodes(record: Record, least: float) -> np.ndarray | None:
    """bool[layout nodes]: which of them are sure enough to learn from; None where all are.

    Args:
      least: what a node's `layout_confidence` must be.
    """
    if not least or record.layout_confidence is None:
        return None
    return np.array(record.layout_confidence) >= least


def token_nodes(tokens: Sequence[int]) -> np.ndarray:
    """int32[L]: of each token after BOS the layout node that it writes, in depth-first order: its
    element, tag, classes, content or END. -1: none (EOS)."""
    nodes: list[int] = []
    inside: list[int] = []
    count = 0
    for token in tokens[1:]:
        if ELEMENT_BASE <= token < ELEMENT_BASE + ELEMENT_WIDTH:
            inside.append(count)
            count += 1
        nodes.append(inside[-1] if inside else -1)
        if token == END:
            inside.pop()
    return np.array(nodes, np.int32)


def node_elements(indexed: IndexedRecord, sure: np.ndarray | None = None) -> np.ndarray:
    """int32[T]: the element of each HTML node's layout node, MERGED where it has none.

    UNKNOWN without a label, and for nodes without a twin where the alignment had to be recovered
    and is not complete: one of them may be the twin that was not found.

    Args:
      sure: of `sure_nodes`; others are UNSURE.
    """
    twins = indexed.twins
    found = [twin for twin in twins if twin is not None]
    complete = indexed.record.layout_nodes is not None or len(found) == len(twins)
    elements = np.full(len(indexed.html), MERGED if found and complete else UNKNOWN, np.int32)
    # Backwards, so that of two layout nodes with one twin the outer one is kept.
    for visit in reversed(indexed.layout.visits):
        twin = twins[visit.index]
        if twin is not None:
            counts = sure is None or sure[visit.index]
            elements[twin] = ELEMENTS.index(visit.node.element) if counts else UNSURE
    return elements
