"""What labelers have in common that are not the rules, and let these answer what conditions ask."""

from collections.abc import Sequence
from functools import cached_property

from data_prep.label.layout import Labeler
from data_prep.label.node_context import Item
from data_prep.label.rules import Table
from data_prep.label.section_tree import SectionTree
from xojl_jax.xojl.build import nearest_labeled


class BesideRules:
    """`nothing`, `element` and `kind` as `layout.Labeler` has them, by the rules beside it."""

    fitted = False
    category: tuple[str, str, float] | None = None

    def __init__(self, tree: SectionTree, table: Table):
        self.tree, self._table = tree, table
        self.nothing: list[tuple[int, str]] = []  # no rule removes anything here

    @cached_property
    def rules(self) -> Labeler:
        return Labeler(self.tree, self._table)

    def element(self, index: int) -> str | None:
        return self.rules.element(index)

    def kind(self, index: int) -> str | None:
        return self.rules.kind(index)

    def linked(self, items: Sequence[Item]) -> Item:
        """The root, the first of all labels in order, with the others below it."""
        labeled = {item.index for item in items}
        above = nearest_labeled(self.tree.parent, [i in labeled for i in range(len(self.tree))])
        for item, parent in zip(items, above, strict=True):
            if parent >= 0:
                items[parent].children.append(item)
        return items[0]
