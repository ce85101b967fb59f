"""What a condition of the rule table receives, and the registries of the words it may use."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from data_prep.label.section_tree import SectionTree

# The "element" of a rule that removes a node: it gets no label, and its labeled children move up.
NOTHING = "nothing"


class CannotLabel(Exception):
    """A record that a labeler has no labels for; the message says why."""


@dataclass
class Item:
    """A labeled node: element, html node, the rule that said so, labeled children."""

    element: str
    index: int
    rule: str
    confidence: float
    children: list["Item"] = field(default_factory=list)


class NodeLabeler(Protocol):
    """What a predicate may ask about other nodes; `layout.Labeler` implements it."""

    def element(self, index: int) -> str | None:
        """What a node is by itself; None if no rule says."""

    def kind(self, index: int) -> str | None:
        """Which leaf a node is by itself, or the only node in it; None if it is none."""


class NodeContext(NamedTuple):
    """An html node with the labels around it that are already known.

    Which fields are set depends on the pass (layout.py): `[[node]]` rules see `tree`, `index` and
    `labeler` alone, `[[group]]` rules also `kids`, `[[place]]` and `[[category]]` rules all.

    Attributes:
      tree: the section.
      index: the html node, in depth-first pre-order.
      labeler: answers for other nodes of the section.
      kids: the topmost labeled nodes below this one (`tree.children` are its html children).
      parent: the nearest labeled node above.
      item: the node's own label.
    """

    tree: SectionTree
    index: int
    labeler: NodeLabeler
    kids: Sequence[Item] = ()
    parent: Item | None = None
    item: Item | None = None


Condition = Callable[[NodeContext], bool]
PREDICATES: dict[str, Condition] = {}  # `painted`
MEASURES: dict[str, Callable[[NodeContext], float]] = {}  # `width < 40`
MATCHERS: dict[str, Callable[[NodeContext, str], bool]] = {}  # `says button`


def predicate(test: Condition) -> Condition:
    """Registers a condition under the function's name."""
    PREDICATES[test.__name__] = test
    return test


def measure(number: Callable[[NodeContext], float]) -> Callable[[NodeContext], float]:
    """Registers a number under the function's name; the table compares it with a constant."""
    MEASURES[number.__name__] = number
    return number


def matcher(name: str) -> Callable:
    """Registers a test of a pattern: `says button` calls `says` with the pattern named `button`."""

    def register(test: Callable[[NodeContext, str], bool]) -> Callable[[NodeContext, str], bool]:
        MATCHERS[name] = test
        return test

    return register
