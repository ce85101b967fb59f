"""The table of labeling rules: its file format, and which rule a node matches.

docs/labels.md describes the format. The words that conditions are made of (predicates, measures and
matchers) are small functions, registered in node_context.py by the modules imported here.
"""

import difflib
import operator
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from data_prep.label import (  # noqa: F401  importing them registers their functions
    appearance,
    categories,
    groups,
    panels,
    pictures,
    runs,
    titles,
)
from data_prep.label.node_context import (
    MATCHERS,
    MEASURES,
    NOTHING,
    PREDICATES,
    Condition,
    NodeContext,
)
from xojl_jax.errors import BadInput
from xojl_jax.xojl.record import CATEGORIES
from xojl_jax.xojl.tree import ELEMENTS

SHIPPED = Path(__file__).with_name("rules.toml")
# The parts of the table, in the order in which they are applied.
PARTS = ("node", "group", "place", "category")
_COMPARE = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
_COMPARE["=="] = operator.eq
_COMPARISON = re.compile(r"(\w+) (<=|>=|==|<|>) (-?[\d.]+)")


@dataclass(frozen=True)
class Rule:
    name: str
    element: str
    why: str
    confidence: float
    tags: frozenset[str]  # empty: any
    tests: tuple[Condition, ...]

    def matches(self, ctx: NodeContext) -> bool:
        if self.tags and ctx.tree.tag[ctx.index] not in self.tags:
            return False
        return all(test(ctx) for test in self.tests)


@dataclass(frozen=True)
class Table:
    """The rules of each part, first match wins, and the patterns for the author's words."""

    patterns: dict[str, re.Pattern]
    parts: dict[str, tuple[Rule, ...]]

    def first(self, part: str, ctx: NodeContext) -> Rule | None:
        return next((rule for rule in self.parts[part] if rule.matches(ctx)), None)

    @classmethod
    def load(cls, path: Path | str | None = None) -> "Table":
        """The table in a file (the shipped one by default); BadInput says what is wrong with it."""
        path = Path(path or SHIPPED)
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise BadInput(f"{path}: cannot read the table of rules ({error.strerror})") from error
        except ValueError as error:
            raise BadInput(f"{path}: not TOML: {error}") from error
        # A misspelled part would be a part without rules, silently.
        unknown = sorted(set(data) - {"words", *PARTS})
        if unknown:
            raise BadInput(f"{path}: [{unknown[0]}] is no part of a table ({', '.join(PARTS)})")
        patterns = _patterns(data.get("words", {}), path)
        parts, names = {}, set()
        for part in PARTS:
            entries = data.get(part, [])
            if not isinstance(entries, list):
                raise BadInput(f"{path}: write [[{part}]], once for each rule")
            rules = tuple(_rule(entry, f"{path}: [[{part}]]", part, patterns) for entry in entries)
            for rule in rules:
                # labels.jsonl and the tables of agreement name rules: a name must mean one.
                if rule.name in names:
                    raise BadInput(f"{path}: two rules are named {rule.name!r}")
                names.add(rule.name)
            parts[part] = rules
        return cls(patterns, parts)


def _patterns(words: dict, path: Path) -> dict[str, re.Pattern]:
    """Compiles [words] to match whole words: next to a match there may be dashes and digits, but
    no letters (`btn` matches `btn-2`, not `btns`)."""
    out = {}
    for name, pattern in words.items():
        try:
            out[name] = re.compile(rf"(?<![a-z])(?:{pattern})(?![a-z])", re.IGNORECASE)
        except (re.error, TypeError) as error:
            raise BadInput(f"{path}: [words] {name}: not a pattern: {error}") from error
    return out


_FIELDS = {"name", "element", "category", "why", "confidence", "tags", "when"}


def _rule(entry: dict, where: str, part: str, patterns: dict) -> Rule:
    where = f"{where} {entry.get('name', '(no name)')}"
    if unknown := sorted(set(entry) - _FIELDS):
        raise BadInput(f"{where}: no such field: {unknown[0]}")
    result = "category" if part == "category" else "element"
    for name, kind in (("name", str), (result, str), ("why", str), ("confidence", float | int)):
        if not isinstance(entry.get(name), kind):
            raise BadInput(f"{where}: {name} is missing or of the wrong type")
    element, confidence = entry[result], float(entry["confidence"])
    allowed = CATEGORIES if part == "category" else (*ELEMENTS, NOTHING)
    if element not in allowed:
        raise BadInput(f"{where}: {element!r} is no {result} (known: {' '.join(allowed)})")
    if not 0 <= confidence <= 1:
        raise BadInput(f"{where}: confidence {confidence:g} is not between 0 and 1")
    tests = tuple(_either(text, where, patterns) for text in _strings(entry, "when", where))
    tags = frozenset(_strings(entry, "tags", where))
    return Rule(entry["name"], element, entry["why"], confidence, tags, tests)


def _strings(entry: dict, name: str, where: str) -> list[str]:
    values = entry.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BadInput(f"{where}: {name} is no list of strings")
    return values


def _either(text: str, where: str, patterns: dict) -> Condition:
    # `or` binds less than `not`: `not a or b` is `(not a) or b`.
    tests = [_condition(part.strip(), where, patterns) for part in text.split(" or ")]
    return tests[0] if len(tests) == 1 else lambda ctx: any(test(ctx) for test in tests)


def _condition(text: str, where: str, patterns: dict) -> Condition:
    """Compiles `painted`, `not painted`, `width < 40`, `says button`, `holds video` …"""
    if text.startswith("not "):
        test = _condition(text[4:], where, patterns)
        return lambda ctx: not test(ctx)
    if text in PREDICATES:
        return PREDICATES[text]
    if match := _COMPARISON.fullmatch(text):
        name, sign, number = match.groups()
        if name in MEASURES:
            compare, value, bound = _COMPARE[sign], MEASURES[name], float(number)
            return lambda ctx: compare(value(ctx), bound)
    # From the right: a matcher may be two words (`parent says`), the name of a pattern is one.
    word, _, name = text.rpartition(" ")
    if word in MATCHERS and name in patterns:
        test = MATCHERS[word]
        return lambda ctx: test(ctx, name)
    if word == "under":
        # Without the root (0): it is a section whatever its rule says.
        return lambda ctx: any(
            ctx.labeler.element(above) == name for above in ctx.tree.ancestors(ctx.index) if above
        )
    if word == "is":
        return lambda ctx: ctx.item is not None and ctx.item.element == name
    if word == "in":
        return lambda ctx: ctx.parent is not None and ctx.parent.element == name
    known = [
        *PREDICATES,
        *MEASURES,
        *(f"{matcher} {name}" for matcher in MATCHERS for name in patterns),
    ]
    near = difflib.get_close_matches(text, known, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise BadInput(f"{where}: nothing is known as {text!r}{hint}")
