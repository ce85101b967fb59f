"""The codebook: short codes for CSS properties, units, devices, pseudo-classes. Data, not code."""

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from xojl_jax.errors import BadUsage

SHIPPED = Path(__file__).with_name("codebook.toml")

_CODE = {
    "properties": re.compile(r"[a-z]{1,3}"),
    "units": re.compile(r"[a-z]"),
    "devices": re.compile(r"[a-z]{1,3}"),
    "pseudo_classes": re.compile(r"[a-z]{1,3}"),
    "tags": re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*"),
    "keywords": re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*"),
}
# Written out in full, a code is still one token of a bounded key.
_LONGEST_ENTRY = 24
_MOST_ENTRIES = 512
_NUMBER = re.compile(r"(-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+))([a-z])?")


class Value(NamedTuple):
    """One part of a class's value: `7r` is ("7r", 7.0, "r"), `auto` is ("auto", None, None)."""

    text: str
    number: float | None
    unit: str | None


class ClassParts(NamedTuple):
    """`t:h:pt_7r` is device "t", pseudos ("h",), attribute "pt", values (("7r", 7.0, "r"),)."""

    device: str | None
    pseudos: tuple[str, ...]
    attribute: str
    value: str | None  # None where the class has no "_"
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Codebook:
    """The tables of a codebook file. Code to meaning, in the order of the file."""

    properties: dict[str, str]
    units: dict[str, str]
    devices: dict[str, str]
    pseudo_classes: dict[str, str]
    tags: tuple[str, ...]
    keywords: tuple[str, ...]

    @staticmethod
    def load(path: str | Path | None = None) -> "Codebook":
        """Reads a codebook file; without a path, the shipped one. Read once a process."""
        return _load(Path(path) if path else SHIPPED)

    @staticmethod
    def from_dict(data: dict, place: str = "codebook") -> "Codebook":
        """Checks and takes decoded TOML or JSON. BadUsage says what is wrong."""
        tokens = data.get("tokens")
        if not isinstance(tokens, dict):
            raise BadUsage(f"{place}: no [tokens] table; see docs/record.md")
        tables: dict[str, Any] = {name: data.get(name) for name in list(_CODE)[:4]}
        lists: dict[str, Any] = {name: tokens.get(name) for name in ("tags", "keywords")}
        for name, entries in {**tables, **lists}.items():
            _check_entries(name, entries, place)
        twice = set(tables["devices"]) & set(tables["pseudo_classes"])
        if twice:
            raise BadUsage(f"{place}: {min(twice)!r} is a device and a pseudo-class; rename one")
        return Codebook(**tables, tags=tuple(lists["tags"]), keywords=tuple(lists["keywords"]))

    def to_dict(self) -> dict:
        data = {f.name: getattr(self, f.name) for f in fields(self)}
        tokens = {name: list(data.pop(name)) for name in ("tags", "keywords")}
        return {**{name: dict(table) for name, table in data.items()}, "tokens": tokens}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the tables, order included: equal digests give equal tokens."""
        text = json.dumps([list(t.items()) if isinstance(t, dict) else t for t in self._tables()])
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def colors(self) -> frozenset[str]:
        """The attributes whose values are colors, so that `c_000` is not the number nought."""
        return frozenset(code for code, css in self.properties.items() if css.endswith("color"))

    def __hash__(self) -> int:
        return hash(self.digest)

    def split_prefix(self, text: str) -> tuple[str | None, tuple[str, ...], str]:
        """Takes `t:` and `h:` off a class: (device, pseudos, the rest, never empty)."""
        device, pseudos = None, []
        while True:
            code, colon, rest = text.partition(":")
            if not (colon and rest):
                break
            if code in self.devices and device is None and not pseudos:
                device = code
            elif code in self.pseudo_classes:
                pseudos.append(code)
            else:
                break
            text = rest
        return device, tuple(pseudos), text

    def split_class(self, text: str) -> ClassParts:
        """A class taken apart, whether or not the codebook knows its parts. Cached."""
        return _split_class(self, text)

    def _tables(self) -> list:
        return [getattr(self, f.name) for f in fields(self)]


@lru_cache(maxsize=8)
def _load(path: Path) -> Codebook:
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadUsage(f"{path.name}: {error.strerror}; give a readable codebook file") from None
    except ValueError as error:
        raise BadUsage(f"{path.name}: not TOML: {error}") from None
    return Codebook.from_dict(data, path.name)


@lru_cache(maxsize=8192)
def _split_class(book: Codebook, text: str) -> ClassParts:
    device, pseudos, rest = book.split_prefix(text)
    attribute, underscore, value = rest.partition("_")
    if not underscore or not attribute:
        return ClassParts(device, pseudos, rest, None, ())
    values = tuple(_read_value(book, attribute, part) for part in value.split("+"))
    return ClassParts(device, pseudos, attribute, value, values)


def _read_value(book: Codebook, attribute: str, part: str) -> Value:
    match = _NUMBER.fullmatch(part) if attribute not in book.colors and len(part) < 32 else None
    if match is None or (match[2] and match[2] not in book.units):
        return Value(part, None, None)
    return Value(part, float(match[1]), match[2])


def takes(table: str, entry: str, entries: int) -> bool:
    """Whether a table with so many entries may have this one, too."""
    return (
        entries < _MOST_ENTRIES
        and len(entry) <= _LONGEST_ENTRY
        and _CODE[table].fullmatch(entry) is not None
    )


def _check_entries(name: str, entries, place: str) -> None:
    """Raises BadUsage unless a table or list is well formed and names nothing twice."""
    if not isinstance(entries, dict if name not in ("tags", "keywords") else list):
        raise BadUsage(f"{place}: {name} is missing or of the wrong kind; see docs/record.md")
    if len(entries) > _MOST_ENTRIES or len(entries) != len(set(map(str, entries))):
        raise BadUsage(f"{place}: {name} has an entry twice, or more than {_MOST_ENTRIES}")
    for entry in entries:
        if not isinstance(entry, str) or len(entry) > _LONGEST_ENTRY:
            raise BadUsage(f"{place}: {name}: {str(entry)[:40]!r} is not a short string")
        if not _CODE[name].fullmatch(entry):
            raise BadUsage(f"{place}: {name}: {entry!r} is not of the form {_CODE[name].pattern}")
    if isinstance(entries, dict) and len(set(entries.values())) != len(entries):
        raise BadUsage(f"{place}: {name}: two codes for one meaning; keep one")
