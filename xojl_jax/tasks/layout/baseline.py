"""Layouts from one label per HTML node, and the baseline that knows nothing but tags."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from xojl_jax.errors import BadInput
from xojl_jax.tasks.layout.node_labels import IndexedRecord, node_elements
from xojl_jax.tasks.layout.sample_spec import UNKNOWN
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import ELEMENTS, Forest, Node, preorder


class LabeledLayout(NamedTuple):
    """A layout, and the HTML node of each of its nodes."""

    forest: Forest
    nodes: tuple[int, ...]


def layout_from_labels(html: Forest, labels: Sequence[int]) -> LabeledLayout:
    """The layout in which HTML node i is element `labels[i]`, or merged into its parent.

    `labels` are element ids; MERGED (or any other number) takes a node out, its children move up.
    """
    visits = preorder(html)
    kept_parent, nodes = [], []
    for visit in visits:
        keep = 0 <= labels[visit.index] < len(ELEMENTS)
        above = kept_parent[visit.parent] if visit.parent >= 0 else -1
        kept_parent.append(visit.index if keep else above)
        if keep:
            nodes.append(visit.index)
    children: list[list[Node]] = [[] for _ in range(len(visits) + 1)]
    for index in reversed(nodes):
        node, parent = visits[index].node, visits[index].parent
        made = Node(
            ELEMENTS[labels[index]],
            node.tag,
            node.classes,
            tuple(item._replace(at=0) for item in node.content),
            tuple(reversed(children[index])),
        )
        children[kept_parent[parent] if parent >= 0 else -1].append(made)
    return LabeledLayout(tuple(reversed(children[-1])), tuple(nodes))


class TagBaseline:
    """A guess from the tag alone: every node gets its tag's most frequent label of the training
    split, "merged into its parent" included. A model has to beat this."""

    def __init__(self, labels: Mapping[str, int], default: int):
        self.labels, self.default = dict(labels), default

    @staticmethod
    def fit(records: Iterable[Record]) -> "TagBaseline":
        """Counts labels by tag. Nodes whose label is unknown do not count."""
        by_tag: dict[str, Counter[int]] = {}
        overall: Counter[int] = Counter()
        for record in records:
            indexed = IndexedRecord.of(record)
            for visit, label in zip(indexed.html.visits, node_elements(indexed), strict=True):
                if label != UNKNOWN:
                    by_tag.setdefault(visit.node.tag, Counter())[int(label)] += 1
                    overall[int(label)] += 1
        if not overall:
            raise BadInput("no record has a layout that is aligned with its HTML")
        return TagBaseline({tag: _most(c) for tag, c in by_tag.items()}, _most(overall))

    def predict(self, html: Forest) -> LabeledLayout:
        labels = [self.labels.get(v.node.tag, self.default) for v in preorder(html)]
        return layout_from_labels(html, labels)


def _most(counts: Counter[int]) -> int:
    """The most frequent label; of equals the smallest, whatever the order of counting."""
    return min(counts, key=lambda label: (-counts[label], label))
