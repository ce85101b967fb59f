"""The baseline that knows nothing but tags."""

from collections import Counter
from collections.abc import Iterable, Mapping

from xojl_jax.errors import BadInput
from xojl_jax.tasks.layout.node_labels import IndexedRecord, node_elements
from xojl_jax.tasks.layout.sample_spec import UNKNOWN
from xojl_jax.xojl.build import LabeledLayout, layout_from_labels
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import Forest, preorder


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
