"""The label of each HTML node: which layout element was made of it."""

from typing import NamedTuple

import numpy as np

from xojl_jax.tasks.layout.sample_spec import MERGED, UNKNOWN
from xojl_jax.xojl.align import align
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import ELEMENTS, TreeIndex


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


def node_elements(indexed: IndexedRecord) -> np.ndarray:
    """int32[T]: the element of each HTML node's layout node, MERGED where it has none.

    UNKNOWN without a label, and for nodes without a twin where the alignment had to be recovered
    and is not complete: one of them may be the twin that was not found.
    """
    twins = indexed.twins
    found = [twin for twin in twins if twin is not None]
    complete = indexed.record.layout_nodes is not None or len(found) == len(twins)
    elements = np.full(len(indexed.html), MERGED if found and complete else UNKNOWN, np.int32)
    # Backwards, so that of two layout nodes with one twin the outer one is kept.
    for visit in reversed(indexed.layout.visits):
        twin = twins[visit.index]
        if twin is not None:
            elements[twin] = ELEMENTS.index(visit.node.element)
    return elements
