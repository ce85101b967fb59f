"""From a table of rules and a record to a layout tree: three walks over the html nodes.

1. From the top: what each node is by itself (`[[node]]`). Below a leaf nobody looks.
2. From the bottom: which nodes between them group what is in them (`[[group]]`).
3. From the top again: what only neighbours tell (`[[place]]`): a cell, a box that nobody needs.
"""

from data_prep.label.groups import outermost_of
from data_prep.label.node_context import NOTHING, Item, Spot
from data_prep.label.rules import Rule, Table
from data_prep.label.section_tree import View
from xojl_jax.xojl.tree import CONTAINERS, Forest, Node

FORM = 0.9  # what labels are worth in a section with form fields, by those without


class Labeller:
    """The labels of one record. `root` is None where nothing is labelled."""

    def __init__(self, view: View, table: Table):
        self.view, self.table = view, table
        self._rules: dict[int, Rule | None] = {}
        self.nothing: list[tuple[int, str]] = []  # nodes that rules took away: html node, rule
        self.root = self._label()

    def rule(self, index: int) -> Rule | None:
        """The first rule for single nodes that a node matches."""
        if index not in self._rules:
            self._rules[index] = None  # a rule that asks about itself finds nothing
            self._rules[index] = self.table.first("node", Spot(self.view, index, self))
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
            if len(self.view.children[index]) != 1 or self.view.kinds[index]:
                return None
            index = self.view.children[index][0]

    def confidence(self) -> float:
        """How far the labels can be trusted, 0 to 1: halfway between the mean confidence of their
        rules (about the share of labels that are right) and the least one, times the share of what
        shows that has a label; less where there are form fields, around which rules err most."""
        labels = in_order(self.root) if self.root else []
        if not labels:
            return 0.0
        covered = set()
        for item in labels:
            if item.element not in CONTAINERS:
                covered.update(self.view.subtree(item.index))
        gone = {i for at in self._absent for i in self.view.subtree(at)}
        shown = [i for i, kinds in enumerate(self.view.kinds) if kinds and i not in gone]
        sure = [item.confidence for item in labels]
        trust = (sum(sure) / len(sure) + min(sure)) / 2
        share = sum(i in covered for i in shown) / max(len(shown), 1)
        return round(trust * share * (FORM if self.view.fields[0] else 1.0), 4)

    def _label(self) -> Item | None:
        named = self._named()
        self._absent = [i for i, rule in named.items() if rule.element == NOTHING]
        made: list[list[Item]] = [[] for _ in range(len(self.view))]
        for index in range(len(self.view) - 1, 0, -1):  # children stand behind their parent
            rule = named.get(index)
            kids = [item for kid in self.view.children[index] for item in made[kid]]
            if rule is None:
                rule = self._first("group", index, kids) if kids else None
                made[index] = [_item(rule, index, kids)] if self._stays(rule, index) else kids
            elif rule.element in CONTAINERS:
                made[index] = [_item(rule, index, kids)] if kids else []
            elif self._stays(rule, index):
                made[index] = [_item(rule, index, [])]
        kids = [item for kid in self.view.children[0] for item in made[kid]]
        if not kids:
            return None
        root = Item("section", 0, "", 0.0, kids)
        self._place(root)
        return root

    def _named(self) -> dict[int, Rule]:
        """The nodes that are something by themselves; nothing inside a leaf is there."""
        out: dict[int, Rule] = {}
        stack = list(self.view.children[0])
        while stack:
            index = stack.pop()
            rule = self.rule(index)
            if rule:
                out[index] = rule
            if rule is None or rule.element in CONTAINERS:
                stack.extend(self.view.children[index])
        return out

    def _first(self, part: str, index: int, kids: list[Item], **around) -> Rule | None:
        return self.table.first(part, Spot(self.view, index, self, kids, **around))

    def _stays(self, rule: Rule | None, index: int) -> bool:
        if rule is None:
            return False
        if rule.element == NOTHING:
            self.nothing.append((index, rule.name))
        return rule.element != NOTHING

    def _place(self, root: Item) -> None:
        """Names what depends on the label above, in place; boxes that nobody needs give way."""
        todo: list[tuple[Item, Item | None]] = [(root, None)]
        while todo:
            item, parent = todo.pop()
            rule = self._first("place", item.index, item.children, parent=parent, item=item)
            if rule and parent and not self._stays(rule, item.index):
                at = parent.children.index(item)
                parent.children[at : at + 1] = item.children
                todo.extend((child, parent) for child in item.children)
                continue
            if rule:
                # A band and a cell are the outermost of their kind.
                if parent and rule.element in ("section", "column"):
                    item.index = outermost_of(self.view, item, parent)
                item.element, item.rule, item.confidence = (
                    rule.element,
                    rule.name,
                    rule.confidence,
                )
            todo.extend((child, item) for child in reversed(item.children))


def _item(rule: Rule, index: int, kids: list[Item]) -> Item:
    return Item(rule.element, index, rule.name, rule.confidence, kids)


def in_order(root: Item) -> list[Item]:
    """Every label, depth first, parents before children."""
    out, stack = [], [root]
    while stack:
        item = stack.pop()
        out.append(item)
        stack.extend(reversed(item.children))
    return out


def layout_of(view: View, root: Item) -> Forest:
    """The layout tree of labels; tags, classes and content are those of the html nodes."""
    built: dict[int, Node] = {}
    for item in reversed(in_order(root)):
        twin = view.nodes[item.index]
        content = tuple(part._replace(at=0) for part in twin.content)
        children = tuple(built[child.index] for child in item.children)
        built[item.index] = Node(item.element, twin.tag, twin.classes, content, children)
    return (built[root.index],)
