"""Labels of one section by the learned labeler."""

from collections.abc import Sequence

import numpy as np

from data_prep.label.beside_rules import BesideRules
from data_prep.label.layout import coverage, in_order
from data_prep.label.learned.features import SectionFeatures
from data_prep.label.learned.model import NodeModel
from data_prep.label.learned.model_answers import ModelAnswers
from data_prep.label.learned.section_features import section_features
from data_prep.label.node_context import Item
from data_prep.label.rules import Table
from data_prep.label.section_tree import SectionTree
from xojl_jax.errors import BadInput
from xojl_jax.xojl.best_labels import NOTHING, best_labels
from xojl_jax.xojl.record import CATEGORIES
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

    def __init__(
        self,
        tree: SectionTree,
        table: Table,
        model: NodeModel,
        answers: ModelAnswers | None = None,
    ):
        super().__init__(tree, table)
        seen = SectionFeatures(tree, table, self.rules)
        rows = seen.rows[:, _columns(model.features, seen.names)]
        scores = model.log_probabilities(rows, tree.children)
        if answers is not None:
            mixed = answers.beside(tree.id, scores)
            if mixed is scores:
                self.name = f"{self.name}, without the model's answers"
            scores = mixed
        self.probabilities = np.exp(scores)
        self.root = self._items(best_labels(scores, tree.children, tree.shows))
        if model.category:
            self.category = self._category(model)

    def confidence(self) -> float:
        """Mean probability of the labels, times the share of visible content that has one."""
        labels = in_order(self.root)[1:] if self.root else []
        if not labels:
            return 0.0
        mean = sum(item.confidence for item in labels) / len(labels)
        return round(mean * coverage(self.tree, labels, ()), 4)

    def _category(self, model: NodeModel) -> tuple[str, str, float]:
        section = section_features(self.tree, self._table, self.rules)
        _columns(model.category_features, list(section))  # says so where one is missing
        category, probability = model.most_probable_category(section)
        return CATEGORIES[category], LEARNED, round(probability, 4)

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


def _columns(wanted: Sequence[str], known: Sequence[str]) -> list[int]:
    """Where the features of a model are among those of today."""
    column = {name: index for index, name in enumerate(known)}
    if missing := [name for name in wanted if name not in column]:
        raise BadInput(
            f"the learned labeler wants {len(missing)} features that are not known, such as "
            f"{missing[0]!r} (another table of rules, or another version): fit it again with "
            "data_prep.fit_labeler"
        )
    return [column[name] for name in wanted]
