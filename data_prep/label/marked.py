"""Labels that whoever wrote the page put on its nodes: `data-xojl="heading"`."""

from data_prep.label.beside_rules import BesideRules
from data_prep.label.layout import coverage, in_order
from data_prep.label.node_context import CannotLabel, Item
from data_prep.label.rules import Table
from data_prep.label.section_tree import SectionTree
from xojl_jax.xojl.record import CATEGORIES
from xojl_jax.xojl.tree import ELEMENTS

MARKED = "marked"  # in place of a rule's name


class MarkedLabeler(BesideRules):
    """The labels of one record, as `layout.Labeler` has them: `root`, `nothing`, `confidence()`.

    A node without a mark has no label. The root of a record is a section, whatever its mark; its
    `data-xojl-category`, where it has one, is the record's.

    Raises:
      CannotLabel: a mark is no element or no category, or no node but the root has one.
    """

    name = "the page's own marks"

    def __init__(self, tree: SectionTree, table: Table):
        super().__init__(tree, table)
        marks = [about.get("mark") for about in tree.author]
        if unknown := sorted({mark for mark in marks if mark and mark not in ELEMENTS}):
            raise CannotLabel(f"data-xojl={unknown[0]!r} is no element")
        if not any(marks[1:]):
            raise CannotLabel("no node is marked (data-xojl)")
        marks[0] = "section"
        if category := tree.author[0].get("category"):
            if category not in CATEGORIES:
                raise CannotLabel(f"data-xojl-category={category!r} is no category")
            self.category = category, MARKED, 1.0
        self.root = self.linked([Item(m, i, MARKED, 1.0) for i, m in enumerate(marks) if m])

    def confidence(self) -> float:
        """The share of the visible content that is in a marked leaf."""
        return round(coverage(self.tree, in_order(self.root), ()), 4)
