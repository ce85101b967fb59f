"""Labels that whoever wrote the page put on its nodes: `data-xojl="heading"`."""

from data_prep.label.layout import Labeler, coverage, in_order
from data_prep.label.node_context import CannotLabel, Item
from data_prep.label.rules import Table
from data_prep.label.section_tree import SectionTree
from xojl_jax.xojl.build import nearest_labeled
from xojl_jax.xojl.record import CATEGORIES
from xojl_jax.xojl.tree import ELEMENTS

MARKED = "marked"  # in place of a rule's name


class MarkedLabeler:
    """The labels of one record, as `layout.Labeler` has them: `root`, `nothing`, `confidence()`.

    A node without a mark has no label. The root of a record is a section, whatever its mark; its
    `data-xojl-category`, where it has one, is the record's.

    Raises:
      CannotLabel: a mark is no element or no category, or no node but the root has one.
    """

    name = "the page's own marks"
    fitted = False

    def __init__(self, tree: SectionTree, table: Table):
        self.tree = tree
        self.rules = Labeler(tree, table)  # the category's conditions ask it about other nodes
        self.nothing: list[tuple[int, str]] = []
        marks = [about.get("mark") for about in tree.author]
        if unknown := sorted({mark for mark in marks if mark and mark not in ELEMENTS}):
            raise CannotLabel(f"data-xojl={unknown[0]!r} is no element")
        if not any(marks[1:]):
            raise CannotLabel("no node is marked (data-xojl)")
        marks[0] = "section"
        self.category = tree.author[0].get("category")
        if self.category not in (None, *CATEGORIES):
            raise CannotLabel(f"data-xojl-category={self.category!r} is no category")
        self.root = self._items(marks)

    def element(self, index: int) -> str | None:
        return self.rules.element(index)

    def kind(self, index: int) -> str | None:
        return self.rules.kind(index)

    def confidence(self) -> float:
        """The share of the visible content that is in a marked leaf."""
        return round(coverage(self.tree, in_order(self.root), ()), 4)

    def _items(self, marks: list[str | None]) -> Item:
        marked = [bool(mark) for mark in marks]
        items = [Item(mark, i, MARKED, 1.0) for i, mark in enumerate(marks) if mark]
        for item, above in zip(items, nearest_labeled(self.tree.parent, marked), strict=True):
            if above >= 0:
                items[above].children.append(item)
        return items[0]
