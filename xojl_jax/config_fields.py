"""What a config field may hold, and the check of all fields before anything is compiled.

The engine and each task state a rule for every field of theirs: a name of a dict of parts, several
names, or a number within bounds. Rules refer to the dicts, so a part that is added to one can be
chosen at once.

This module is a leaf: everything may import it, and it imports nothing of ours but `errors`.
"""

import dataclasses
import difflib
import fnmatch
import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

from xojl_jax.errors import BadUsage


class Rule(Protocol):
    """What a field may hold."""

    def fault(self, value: Any) -> str | None:
        """What is wrong with the value, to be read after the field's name; None if nothing is."""
        ...


class AnyValue:
    """A text, or whether something is on: the type is right, and config files see to that."""

    def fault(self, value: Any) -> str | None:
        return None


ANY = AnyValue()


@dataclasses.dataclass(frozen=True)
class OneOf:
    """One of the names of `parts`, a dict or another collection."""

    parts: Collection

    def fault(self, value: Any) -> str | None:
        return None if value in self.parts else f" is {value!r}: {suggest(value, self.parts)}"


@dataclasses.dataclass(frozen=True)
class SomeOf:
    """Names of `parts` with commas between, each at most once; `fewest` at least."""

    parts: Collection[str]
    fewest: int = 0

    def fault(self, value: Any) -> str | None:
        names = split_names(value)
        for name in names:
            if name not in self.parts:
                return f": there is no {name!r}; {suggest(name, self.parts)}"
            if names.count(name) > 1:
                return f": {name!r} is given twice"
        if len(names) < self.fewest:
            return f" names nothing; {suggest('', self.parts)}"
        return None


@dataclasses.dataclass(frozen=True)
class Number:
    """A finite number from `least` to `most`, or below `below`; or the one of `also`."""

    least: float
    most: float | None = None
    below: float | None = None
    also: float | None = None

    def fault(self, value: Any) -> str | None:
        if value == self.also:
            return None
        sound = isinstance(value, int | float) and math.isfinite(value) and value >= self.least
        if sound and self.most is not None:
            sound = value <= self.most
        if sound and self.below is not None:
            sound = value < self.below
        return None if sound else f" is {value!r}: give {self}"

    def __str__(self) -> str:
        if self.most is not None:
            text = f"a number from {self.least:,} to {self.most:,}"
        elif self.below is not None:
            text = f"a number from {self.least:,} to below {self.below:,}"
        else:
            text = f"a number of {self.least:,} or more"
        return text if self.also is None else f"{text}, or {self.also}"


def check(config: Mapping, fields: Mapping[str, Rule]) -> None:
    """Refuses the first field whose value its rule does not take.

    Args:
      config: a `ConfigDict`, or nested dicts. Fields that it does not have are passed over.
      fields: dotted name -> rule; a `*` in a name matches any part of it.

    Raises:
      BadUsage: names the field, the value, and what may be chosen.
    """
    values = flatten(config)
    for pattern, rule in fields.items():
        found = fnmatch.filter(values, pattern) if "*" in pattern else {pattern} & values.keys()
        for name in found:
            if fault := rule.fault(values[name]):
                raise BadUsage(f"config.{name}{fault}")


def uncovered(config: Mapping, *tables: Mapping[str, Rule]) -> list[str]:
    """The fields of a config that have no rule in any of the tables."""
    patterns = [pattern for table in tables for pattern in table]
    return [
        name
        for name, value in flatten(config).items()
        # An empty group has no field.
        if not hasattr(value, "items")
        and not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    ]


def suggest(value: Any, parts: Iterable) -> str:
    """What to choose instead: the names, the likeliest first said."""
    names = [str(part) for part in parts]
    near = difflib.get_close_matches(str(value).lower(), names, n=1)
    text = f"choose from {', '.join(names)}"
    return f"{text}; did you mean {near[0]!r}?" if near else text


def split_names(text: str) -> tuple[str, ...]:
    """The names of a field that lists them with commas between, in their order."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def flatten(tree: Mapping[str, Any], separator: str = ".", prefix: str = "") -> dict[str, Any]:
    """Nested dicts, or a `ConfigDict`, as one dict, by joined names.

    An empty dict within is a value of its own.
    """
    flat = {}
    for name, value in tree.items():
        if hasattr(value, "items") and value:
            flat |= flatten(value, separator, f"{prefix}{name}{separator}")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
