"""Labels of one section by the learned labeler."""

import numpy as np

from data_prep.label.beside_rules import BesideRules
from data_prep.label.layout import coverage, in_order
from data_prep.label.learned.features import SectionFeatures
from data_prep.label.learned.model import NodeModel
from data_prep.label.node_context import Item
from data_prep.label.rules import Table
from data_prep.label.section_tree import SectionTree
from xojl_jax.errors import BadInput
from xojl_jax.xojl.best_labels import NOTHING, best_labels
from xojl_jax.xojl.tree import ELEMENTS

LEARNED = "learned"  # in place of a rule's name


class LearnedLabeler(BesideRules):
    """The labels of one record, as `layout.Labeler` has them: `root`, `nothing`, `confidence()`.

    Attributes:
      probabilities: float64 [nodes, elements + 1], before the language's rules; the last column is
        for no label.
    """

    name = "the learned labeler"
    fitted = True

    def __init__(self, tree: SectionTree, table: Table, model: NodeModel):
        super().__init__(tree, table)
        seen = SectionFeatures(tree, table, self.rules)
        column = {name: index for index, name in enumerate(seen.names)}
        if missing := [name for name in model.features if name not in column]:
            raise BadInput(
                f"the learned labeler wants {len(missing)} features that are not known, such as "
                f"{missing[0]!r} (another table of rules, or another version): fit it again with "
                "data_prep.fit_labeler"
            )
        rows = seen.rows[:, [column[name] for name in model.features]]
        scores = model.log_probabilities(rows, tree.children)
        self.probabilities = np.exp(scores)
        self.root = self._items(best_labels(scores, tree.children, tree.shows))

    def confidence(self) -> float:
        """Mean probability of the labels, times the share of visible content that has one."""
        labels = in_order(self.root)[1:] if self.root else []
        if not labels:
            return 0.0
        mean = sum(item.confidence for item in labels) / len(labels)
        return round(mean * coverage(self.tree, labels, ()), 4)

    def _items(self, labels: list[int]) -> Item | None:
        """The labels as a tree; None where only the root has one."""
        nodes = [index for index, label in enumerate(labels) if label != NOTHING]
        if len(nodes) < 2:
            return None
        items = [
            Item(ELEMENTS[labels[i]], i, LEARNED, round(self.probabilities[i, labels[i]], 4), [])
            for i in nodes
        ]
        items[0].confidence = 1.0  # the root of a record is a section
        return self.linked(items)
