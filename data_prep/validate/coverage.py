"""How much of the HTML the codebook knows: tags, attributes, values, units, prefixes (X013).

What it does not know is kept all the same, spelled byte by byte: longer to decode, harder to learn.
"""

import re
from collections import Counter
from functools import lru_cache

from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import preorder

PARTS = ("tags", "attributes", "values", "units", "prefixes")
_HEX = re.compile(r"(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})", re.IGNORECASE)
_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)([a-zA-Z%]*)")
# Different unknown names that are counted. Past it the rare ones go, so that memory is bounded.
_MOST = 20_000
_LONGEST = 60  # characters of an unknown name that are kept


class Coverage:
    """Counts over records: `known` and `total` by part, `unknown` names by part."""

    def __init__(self):
        self.known: Counter[str] = Counter()
        self.total: Counter[str] = Counter()
        self.unknown: dict[str, Counter[str]] = {part: Counter() for part in PARTS}

    def add(self, record: Record, codebook: Codebook) -> None:
        """Counts every node and class of the HTML, each as often as it occurs."""
        tags = _tags(codebook)
        for visit in preorder(record.html):
            self._count("tags", visit.node.tag, visit.node.tag in tags)
            for name in visit.node.classes:
                for part, text, known in _class_parts(codebook, name):
                    self._count(part, text, known)

    def merge(self, other: "Coverage") -> None:
        self.known += other.known
        self.total += other.total
        for part, names in other.unknown.items():
            self.unknown[part] += names
            self._bound(part)

    def share(self, part: str) -> float | None:
        """Known over all, counted by occurrence; None where there was nothing to count."""
        return self.known[part] / self.total[part] if self.total[part] else None

    def _count(self, part: str, text: str, known: bool) -> None:
        self.total[part] += 1
        if known:
            self.known[part] += 1
        else:
            self.unknown[part][text[:_LONGEST]] += 1
            self._bound(part)

    def _bound(self, part: str) -> None:
        if len(self.unknown[part]) > _MOST:
            self.unknown[part] = Counter(dict(self.unknown[part].most_common(_MOST // 2)))


@lru_cache(maxsize=8)
def _tags(codebook: Codebook) -> frozenset[str]:
    return frozenset(codebook.tags)


@lru_cache(maxsize=65536)
def _class_parts(codebook: Codebook, name: str) -> tuple[tuple[str, str, bool], ...]:
    """(part, text, whether the codebook knows it) of all that a class is made of."""
    parts = codebook.split_class(name)
    out = []
    if parts.device is not None:
        out.append(("prefixes", parts.device, True))
    out += [("prefixes", pseudo, True) for pseudo in parts.pseudos]
    # What is left before a colon is a device or pseudo-class that the codebook lacks.
    *strange, attribute = parts.attribute.split(":")
    out += [("prefixes", prefix, False) for prefix in strange]
    known = parts.value is not None and attribute in codebook.properties
    out.append(("attributes", attribute or parts.attribute, known))
    for value in parts.values:
        out += _value_parts(codebook, attribute, value)
    return tuple(out)


def _value_parts(codebook: Codebook, attribute: str, value) -> list[tuple[str, str, bool]]:
    if value.number is not None:
        return [("values", value.text, True)] + ([("units", value.unit, True)] * bool(value.unit))
    match = _NUMBER.fullmatch(value.text)
    # Hex digits are colors in any position (shadows, gradients); bare numbers are numbers.
    if _HEX.fullmatch(value.text) or (match and not match[1]):
        return [("values", value.text, True)]
    if match and attribute not in codebook.colors:
        return [("values", value.text, False), ("units", match[1], False)]
    return [("values", value.text, value.text in _keywords(codebook))]


@lru_cache(maxsize=8)
def _keywords(codebook: Codebook) -> frozenset[str]:
    return frozenset(codebook.keywords)
