"""A section while it is read: the labels it started with and every change, to undo and redo.

All of it is immutable. Whoever holds a draft saves the next one before it takes its place.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from data_prep.annotate.proposals import CATEGORY, Start
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.record import CATEGORIES
from xojl_jax.xojl.tree import CONTAINERS, ELEMENTS, Visit


@dataclass(frozen=True)
class Change:
    """One decision.

    Attributes:
      labels: html node -> its new element, or None for no label.
      category: the new one, or None.
      seen: nodes that the reader has thereby judged; `CATEGORY` for the category.
    """

    labels: Mapping[int, str | None] = field(default_factory=dict)
    category: str | None = None
    seen: tuple[int, ...] = ()


@dataclass(frozen=True)
class Labels:
    """What a draft comes to: html node -> element, the category, and what has been judged."""

    labels: Mapping[int, str]
    category: str
    seen: frozenset[int]


@dataclass(frozen=True)
class Draft:
    """One section's history.

    Attributes:
      section: fingerprint of what is read. A draft of another section must not be applied to it.
      labels, category: of the start.
      changes: all of them, also those that are undone.
      applied: how many of them hold.
      left_out: why the section is left out of the data set; "" if it is not.
      version: counts what happened to the draft; a page that shows an older one is told.
    """

    section: str
    labels: Mapping[int, str]
    category: str
    changes: tuple[Change, ...] = ()
    applied: int = 0
    left_out: str = ""
    version: int = 0

    @staticmethod
    def begin(section: str, start: Start) -> "Draft":
        return Draft(section, dict(start.labels), start.category)

    def now(self) -> Labels:
        labels, category, seen = dict(self.labels), self.category, set()
        for change in self.changes[: self.applied]:
            labels |= change.labels
            category = change.category or category
            seen.update(change.seen)
        kept = {node: element for node, element in sorted(labels.items()) if element}
        return Labels(kept, category, frozenset(seen))

    def add(self, change: Change) -> "Draft":
        """With one more change; what was undone before it is gone."""
        changes = (*self.changes[: self.applied], change)
        return self._next(changes=changes, applied=len(changes), left_out="")

    def undo(self) -> "Draft":
        if not self.applied:
            raise BadUsage("nothing to undo")
        return self._next(applied=self.applied - 1, left_out="")

    def redo(self) -> "Draft":
        if self.applied == len(self.changes):
            raise BadUsage("nothing to redo")
        return self._next(applied=self.applied + 1, left_out="")

    def leave_out(self, why: str) -> "Draft":
        """Takes the section out of the data set; with "", back into it."""
        return self._next(left_out=why)

    def _next(self, **changed) -> "Draft":
        return replace(self, version=self.version + 1, **changed)

    # --- as a file ---------------------------------------------------------------------------

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"

    @staticmethod
    def from_json(text: str | bytes, where: str) -> "Draft":
        """Raises BadInput where the text is no draft."""
        try:
            values = json.loads(text)
            values["labels"] = _by_node(values["labels"])
            values["changes"] = tuple(
                Change(_by_node(each["labels"]), each["category"], tuple(each["seen"]))
                for each in values["changes"]
            )
            return Draft(**values)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(
                f"{where} is damaged ({error}): move it away to read the section anew"
            ) from error


def _by_node(values: Mapping[str, Any]) -> dict[int, Any]:
    """JSON has no numbers as keys."""
    return {int(node): element for node, element in values.items()}


# --- what a reader can do ----------------------------------------------------------------------


def edit(asked: Mapping[str, Any], now: Labels, nodes: Sequence[Visit]) -> Change:
    """The change that a page asks for, such as {"do": "label", "node": 3, "element": "heading"}.

    Raises BadUsage for what is no such thing.
    """
    make = EDITS.get(str(asked.get("do")))
    if make is None:
        raise BadUsage(f"no such thing to do: {str(asked.get('do'))[:40]!r}")
    return make(asked, now, nodes)


def _label(asked: Mapping[str, Any], now: Labels, nodes: Sequence[Visit]) -> Change:
    """Labels a node. What is inside a leaf is merged into it: labels there are taken away."""
    node, element = _node(asked, nodes), asked.get("element")
    if element not in ELEMENTS:
        raise BadUsage(f"no such element: {str(element)[:40]!r}")
    inside = () if element in CONTAINERS else _labeled_inside(now, nodes[node])
    return _changed({node: element} | dict.fromkeys(inside))


def _unlabel(asked: Mapping[str, Any], now: Labels, nodes: Sequence[Visit]) -> Change:
    """Takes a node's label away, with "inside" those in it, too; else they move up."""
    node = _node(asked, nodes)
    inside = _labeled_inside(now, nodes[node]) if asked.get("inside") else ()
    return _changed(dict.fromkeys((node, *inside)))


def _move(asked: Mapping[str, Any], now: Labels, nodes: Sequence[Visit]) -> Change:
    """Gives a node's label to the node around it ("out") or to its first child ("in")."""
    node = _node(asked, nodes)
    to = nodes[node].parent
    if asked.get("to") != "out":
        to = node + 1 if node + 1 < nodes[node].subtree_end else -1
    if node not in now.labels:
        raise BadUsage("this node has no label to move")
    if to < 0 or to in now.labels:
        raise BadUsage("there is no node without a label to move to")
    return _changed({node: None, to: now.labels[node]})


def _accept(asked: Mapping[str, Any], now: Labels, nodes: Sequence[Visit]) -> Change:
    """The label is right, or rightly none."""
    return Change(seen=(_node(asked, nodes),))


def _category(asked: Mapping[str, Any], now: Labels, nodes: Sequence[Visit]) -> Change:
    category = asked.get("category")
    if category not in CATEGORIES:
        raise BadUsage(f"no such category: {str(category)[:40]!r}")
    return Change(category=category, seen=(CATEGORY,))


EDITS: dict[str, Callable[[Mapping[str, Any], Labels, Sequence[Visit]], Change]] = {
    "label": _label,
    "unlabel": _unlabel,
    "move": _move,
    "accept": _accept,
    "category": _category,
}


def _node(asked: Mapping[str, Any], nodes: Sequence[Visit]) -> int:
    node = asked.get("node")
    if type(node) is not int or not 0 <= node < len(nodes):
        raise BadUsage(f"no such node: {str(node)[:40]!r}")
    return node


def _labeled_inside(now: Labels, visit: Visit) -> list[int]:
    return [node for node in range(visit.index + 1, visit.subtree_end) if node in now.labels]


def _changed(labels: Mapping[int, str | None]) -> Change:
    return Change(labels, seen=tuple(labels))
