"""From a table of rules and a record to a layout tree, in three passes over the html nodes.

1. Top down: what each node is by itself (`[[node]]`). Nodes below a leaf are skipped.
2. Bottom up: which of the other nodes group the labels in them (`[[group]]`).
3. Top down: what depends on the label above and on siblings (`[[place]]`): a grid's cell, a
   container that is not needed.
"""

from collections.abc import Iterable, Sequence

from data_prep.label.groups import outermost_of
from data_prep.label.node_context import NOTHING, Item, NodeContext
from data_prep.label.rules import Rule, Table
from data_prep.label.section_tree import SectionTree
from xojl_jax.xojl.build import Label, build_layout
from xojl_jax.xojl.tree import CONTAINERS, Forest

FORM = 0.9  # factor on the confidence of sections with form fields


class Labeler:
    """The labels of one record. `root` is None where nothing is labeled."""

    name = "the rules"
    fitted = False  # whether the labels' confidences are probabilities (docs/labels.md)
    # Of the record, with who says so and how sure; None leaves it to the rules.
    category: tuple[str, str, float] | None = None

    def __init__(self, tree: SectionTree, table: Table):
        self.tree, self.table = tree, table
        self._rules: dict[int, Rule | None] = {}
        self.nothing: list[tuple[int, str]] = []  # removed nodes: html node, rule
        self.root = self._label()

    def rule(self, index: int) -> Rule | None:
        """The first rule for single nodes that a node matches."""
        if index not in self._rules:
            # Conditions may ask about other nodes, and these about this one: it has no rule yet.
            self._rules[index] = None
            self._rules[index] = self.table.first("node", NodeContext(self.tree, index, self))
        return self._rules[index]

    def element(self, index: int) -> str | None:
        """What a node is by itself; None if no rule says."""
        rule = self.rule(index)
        return rule.element if rule else None

    def kind(self, index: int) -> str | None:
        """Which leaf a node is by itself, or the only node in it; None if it is none."""
        while True:
            if rule := self.rule(index):
                return rule.element
            # A box with one child and nothing of its own is looked through: a link around an image
            # is the image.
            if len(self.tree.children[index]) != 1 or self.tree.kinds[index]:
                return None
            index = self.tree.children[index][0]

    def confidence(self) -> float:
        """How far the labels can be trusted, 0 to 1 (`quality.label` of the record).

        The mean of two numbers, the average and the least confidence of the labels' rules, times
        the share of the visible content nodes that have a label; times `FORM` where there are form
        fields, around which the rules err most.
        """
        labels = in_order(self.root) if self.root else []
        if not labels:
            return 0.0
        sure = [item.confidence for item in labels]
        trust = (sum(sure) / len(sure) + min(sure)) / 2
        share = coverage(self.tree, labels, self._absent)
        return round(trust * share * (FORM if self.tree.fields[0] else 1.0), 4)

    def _label(self) -> Item | None:
        named = self._named()
        self._absent = [i for i, rule in named.items() if rule.element == NOTHING]
        made: list[list[Item]] = [[] for _ in range(len(self.tree))]
        for index in range(len(self.tree) - 1, 0, -1):  # children before parents
            rule = named.get(index)
            kids = [item for kid in self.tree.children[index] for item in made[kid]]
            if rule is None:
                rule = self._first("group", index, kids) if kids else None
                made[index] = [_item(rule, index, kids)] if self._stays(rule, index) else kids
            # A container in which nothing is labeled is an empty box.
            elif rule.element in CONTAINERS:
                made[index] = [_item(rule, index, kids)] if kids else []
            elif self._stays(rule, index):
                made[index] = [_item(rule, index, [])]
        kids = [item for kid in self.tree.children[0] for item in made[kid]]
        if not kids:
            return None
        # Without a rule, hence with no confidence, until a `[[place]]` rule says what it is.
        root = Item("section", 0, "", 0.0, kids)
        self._place(root)
        return root

    def _named(self) -> dict[int, Rule]:
        """html node -> its `[[node]]` rule, where it has one and is not inside a leaf."""
        out: dict[int, Rule] = {}
        stack = list(self.tree.children[0])
        while stack:
            index = stack.pop()
            rule = self.rule(index)
            if rule:
                out[index] = rule
            if rule is None or rule.element in CONTAINERS:
                stack.extend(self.tree.children[index])
        return out

    def _first(self, part: str, index: int, kids: list[Item], **around) -> Rule | None:
        return self.table.first(part, NodeContext(self.tree, index, self, kids, **around))

    def _stays(self, rule: Rule | None, index: int) -> bool:
        if rule is None:
            return False
        if rule.element == NOTHING:
            self.nothing.append((index, rule.name))
        return rule.element != NOTHING

    def _place(self, root: Item) -> None:
        """Applies `[[place]]` rules in place: changes labels, removes containers."""
        todo: list[tuple[Item, Item | None]] = [(root, None)]
        while todo:
            item, parent = todo.pop()
            rule = self._first("place", item.index, item.children, parent=parent, item=item)
            if rule and parent and not self._stays(rule, item.index):
                # The children take its place and are judged again, now below `parent`.
                at = parent.children.index(item)
                parent.children[at : at + 1] = item.children
                todo.extend((child, parent) for child in item.children)
                continue
            if rule:
                if parent and rule.element in ("section", "column"):
                    item.index = self._box_of(rule.element, item, parent)
                item.element, item.rule, item.confidence = (
                    rule.element,
                    rule.name,
                    rule.confidence,
                )
            todo.extend((child, item) for child in reversed(item.children))

    def _box_of(self, element: str, item: Item, parent: Item) -> int:
        """Which of the boxes around the same labels is the band or the cell."""
        outermost = outermost_of(self.tree, item, parent)
        if element == "section":
            return outermost  # a band is as wide as the page
        # A cell is what paints it (`div.col > div.card`), else the innermost box.
        boxes = [i for i in self.tree.ancestors(item.index) if i >= outermost]
        painted = [i for i in (item.index, *boxes) if self.tree.is_painted(i)]
        return painted[-1] if painted else item.index


def _item(rule: Rule, index: int, kids: list[Item]) -> Item:
    return Item(rule.element, index, rule.name, rule.confidence, kids)


def coverage(tree: SectionTree, labels: Sequence[Item], absent: Iterable[int]) -> float:
    """The share of the nodes with visible content that are in a leaf.

    Args:
      absent: nodes that were removed as decoration; that they have no label is no lack.
    """
    covered = set()
    for item in labels:
        if item.element not in CONTAINERS:
            covered.update(tree.subtree(item.index))
    gone = {i for at in absent for i in tree.subtree(at)}
    shown = [i for i, kinds in enumerate(tree.kinds) if kinds and i not in gone]
    return sum(i in covered for i in shown) / max(len(shown), 1)


def in_order(root: Item) -> list[Item]:
    """Every label, depth first, parents before children."""
    out, stack = [], [root]
    while stack:
        item = stack.pop()
        out.append(item)
        stack.extend(reversed(item.children))
    return out


def layout_of(tree: SectionTree, root: Item) -> Forest:
    """The layout tree of labels; tags, classes and content are those of the html nodes."""
    labels: list[Label] = []
    # -1: nothing is above the root.
    stack = [(root, -1)]
    while stack:
        item, above = stack.pop()
        stack.extend((child, len(labels)) for child in reversed(item.children))
        labels.append(Label(item.element, tree.nodes[item.index], above))
    return build_layout(labels)
