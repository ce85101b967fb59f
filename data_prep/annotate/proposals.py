"""What a reader starts from: the labels of the rules, of the record, of two readers, or none."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from data_prep.label.command import MakeLabeler, label
from data_prep.label.layout import Labeler, in_order
from data_prep.label.learned.labeler import LEARNED
from data_prep.label.marked import MARKED
from data_prep.label.rules import Table
from xojl_jax.xojl.record import CATEGORIES, Record
from xojl_jax.xojl.tree import preorder

CATEGORY = -1  # the category, among numbers of nodes


class Proposal(NamedTuple):
    """Why a node has its first label. Confidence is None where nobody said."""

    confidence: float | None = None
    rule: str = ""
    why: str = ""


class Side(NamedTuple):
    """One reader's labels, html node -> element, and category."""

    labels: Mapping[int, str]
    category: str

    def of(self, node: int) -> str | None:
        """The node's element or None; of `CATEGORY` the category."""
        return self.category if node == CATEGORY else self.labels.get(node)


@dataclass(frozen=True)
class Start:
    """The labels before the first decision.

    Attributes:
      labels: html node -> element.
      category: "" where nothing proposes one.
      proposals: html node -> why; of those labels whose origin knows.
      origin: where they come from, in words.
      sides: in adjudication, reader -> what that reader said.
    """

    labels: Mapping[int, str] = field(default_factory=dict)
    category: str = ""
    proposals: Mapping[int, Proposal] = field(default_factory=dict)
    origin: str = "no labels"
    sides: Mapping[str, Side] = field(default_factory=dict)

    def differences(self) -> list[int]:
        """The nodes, in order, of which not all sides say the same; `CATEGORY` first."""
        named = {node for side in self.sides.values() for node in side.labels} | {CATEGORY}
        return sorted(
            node for node in named if len({side.of(node) for side in self.sides.values()}) > 1
        )

    def fingerprint(self) -> str:
        """Changes with what the sides say; "" without sides."""
        said = [
            [name, sorted(side.labels.items()), side.category] for name, side in self.sides.items()
        ]
        return f"-{hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]}" if said else ""


def from_labeler(
    record: Record, author: Sequence[dict], table: Table, make: MakeLabeler = Labeler
) -> Start:
    """What `data_prep.label` says of a record, also where it would reject the record.

    Args:
      make: the labeler.
    """
    made = label(record, list(author), table, make)
    if made.labeler is None or made.labeler.root is None:
        return Start(origin=f"no labels: {made.fault}")
    items = in_order(made.labeler.root)
    why = {rule.name: rule.why for part in table.parts.values() for rule in part}
    why[LEARNED] = "learned from sections that were read"
    why[MARKED] = "the page says so"
    return Start(
        labels={item.index: item.element for item in items},
        category=made.record.category,
        proposals={
            item.index: Proposal(item.confidence, item.rule, why[item.rule])
            for item in items
            if item.rule  # the root is a section without any
        },
        origin=f"proposed by {made.labeler.name}" + (f"; {made.fault}" if made.fault else ""),
    )


def from_record(record: Record) -> Start:
    """The labels that a record has; those of no html node are left out and counted."""
    side = side_of(record)
    if not side.labels:
        return Start(category=side.category)
    total = len(preorder(record.layout or ()))
    left = total - len(side.labels)
    lost = f"; {left} labels are of no node of the tree and are left out" if left else ""
    return Start(side.labels, side.category, origin=f"labels of the record{lost}")


def side_of(record: Record) -> Side:
    """A record's labels by html node."""
    known = record.category if record.category in CATEGORIES else "other"
    return Side(record.elements_by_node(), known)
