"""What the conditions of the table look at, and the words that they are made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from data_prep.label.section_tree import View

NOTHING = "nothing"  # a node that is not there, or a box that gives way to what is in it


@dataclass
class Item:
    """A labelled node: element, html node, the rule that said so, labelled children."""

    element: str
    index: int
    rule: str
    confidence: float
    children: list["Item"] = field(default_factory=list)


class Kinds(Protocol):
    def element(self, index: int) -> str | None:
        """What a node is by itself; None if no rule says."""

    def kind(self, index: int) -> str | None:
        """Which leaf a node is by itself, or the only node in it; None if it is none."""


class Spot(NamedTuple):
    """A node, and the labels around it that are known by now."""

    view: View
    index: int
    kinds: Kinds
    kids: Sequence[Item] = ()  # the labelled nodes below, nearest first
    parent: Item | None = None  # the labelled node above
    item: Item | None = None  # the node's own label, once it has one


Condition = Callable[[Spot], bool]
LOOKS: dict[str, Condition] = {}  # named conditions
MEASURES: dict[str, Callable[[Spot], float]] = {}  # named numbers
VERBS: dict[str, Callable[[Spot, str], bool]] = {}  # what is asked about a pattern, by its name


def look(test: Condition) -> Condition:
    """Makes a function a named condition of the table."""
    LOOKS[test.__name__] = test
    return test


def measure(number: Callable[[Spot], float]) -> Callable[[Spot], float]:
    """Makes a function a named number, which the table compares."""
    MEASURES[number.__name__] = number
    return number


def verb(name: str) -> Callable:
    """Makes a function a verb of the table, `says button`: verb, name of a pattern."""

    def register(test: Callable[[Spot, str], bool]) -> Callable[[Spot, str], bool]:
        VERBS[name] = test
        return test

    return register
