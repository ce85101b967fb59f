"""Keys of the JSON form: `tag@class@class#2` and `element.tag@class`. Only tree.py calls this.

A *name* is a tag or a class. The same rule says where a separator ends a name (`split_names`) and
which names survive being written (`is_writable`); grammar.py holds it again, as an automaton.
"""

import re
from functools import lru_cache
from typing import NamedTuple

LAYOUT_ELEMENTS = ("section", "grid", "column", "wrapper", "freedom")
BASIC_ELEMENTS = (
    "heading",
    "paragraph",
    "button",
    "icon",
    "image",
    "video",
    "list",
    "map",
    "counter",
    "divider",
    "qr",
)
ADVANCED_ELEMENTS = ("carousel", "accordion", "tab", "gallery", "masonry", "social")
ELEMENTS = LAYOUT_ELEMENTS + BASIC_ELEMENTS + ADVANCED_ELEMENTS
CONTAINERS = frozenset((*LAYOUT_ELEMENTS, "carousel", "accordion", "tab"))
CONTENT_KINDS = ("text", "src", "svg")
SEPARATORS = "@.-"

_KNOWN_ELEMENTS = frozenset(ELEMENTS)
_ORDINAL = re.compile(r"#[0-9]+\Z")
_HARD_SEPARATOR = re.compile(r"@|(?<![0-9])\.|\.(?![0-9])")
_ELEMENT = re.compile(r"[a-z]+")
_LONGEST_ORDINAL = 16
_SURROGATE = re.compile("[\ud800-\udfff]")


class KeyFault(ValueError):
    """A key that cannot be read; tree.py adds the path and raises XojlError."""

    def __init__(self, what: str, expected: str):
        super().__init__(what)
        self.what = what
        self.expected = expected


class Key(NamedTuple):
    """A key taken apart. `bare` is the key without its ordinal."""

    bare: str
    element: str | None
    tag: str | None
    classes: tuple[str, ...]


@lru_cache(maxsize=4096)
def read_html_key(key: str) -> Key:
    """`h1@fs_3r#2` -> Key("h1@fs_3r", None, "h1", ("fs_3r",))."""
    bare = _strip_ordinal(key)
    tag, *classes = split_names(bare)
    return Key(bare, None, tag, tuple(classes))


@lru_cache(maxsize=4096)
def read_layout_key(key: str) -> Key:
    """`heading.h1@fs_3r` -> Key(..., "heading", "h1", ("fs_3r",)); `heading` has no tag."""
    bare = _strip_ordinal(key)
    match = _ELEMENT.match(bare)
    element = match.group() if match else ""
    rest = bare[len(element) :]
    if element not in _KNOWN_ELEMENTS or (rest and rest[0] not in SEPARATORS):
        raise KeyFault(
            "unknown element in a key", "one of " + " ".join(ELEMENTS) + ", alone or before '.'"
        )
    if not rest:
        return Key(bare, element, None, ())
    tag, *classes = split_names(rest[1:])
    return Key(bare, element, tag, tuple(classes))


def split_names(text: str) -> list[str]:
    """The names of a key, tag first. All three separators are read.

    `@` always separates; `.` unless it is between two digits; `-` where the piece before it
    is more than dashes and the text after it, up to the next separator or `-`, has a `_` that is
    not its first character.
    """
    if _SURROGATE.search(text):
        raise KeyFault("a lone surrogate in a key", "Unicode text")
    names = _HARD_SEPARATOR.split(text) if "." in text else text.split("@")
    if "-" in text:
        names = [part for name in names for part in _split_dashes(name)]
    if not all(names):
        raise KeyFault("an empty tag or class in a key", "tag@class@class, no part empty")
    return names


def _split_dashes(name: str) -> list[str]:
    body = name.lstrip("-")
    first, *segments = body.split("-")
    parts = [name[: len(name) - len(body)] + first]
    for segment in segments:
        if segment.find("_") > 0:
            parts.append(segment)
        else:
            parts[-1] += "-" + segment
    return parts


@lru_cache(maxsize=4096)
def is_writable(name: str) -> bool:
    """Whether a tag or class, written after `@`, reads back as itself."""
    try:
        return split_names(name) == [name]
    except KeyFault:
        return False


@lru_cache(maxsize=4096)
def write_html_key(tag: str, classes: tuple[str, ...], separator: str) -> str:
    """The bare key. Where the separator asked for would not be read as one, it is `@`."""
    key = [tag]
    previous = tag
    for name in classes:
        key.append(separator if _separates(separator, previous, name) else "@")
        key.append(name)
        previous = name
    return "".join(key)


def content_kind(key: str) -> str | None:
    """`text`, `src` or `svg`, with or without an ordinal: the kind; otherwise None."""
    if key in CONTENT_KINDS:
        return key
    bare = _strip_ordinal(key) if "#" in key and len(key) <= 4 + _LONGEST_ORDINAL else ""
    return bare if bare in CONTENT_KINDS else None


def check_length(key: str, limit: int) -> None:
    """Raises if the key without its ordinal is longer than `limit` characters."""
    bare = _strip_ordinal(key)
    if len(bare) > limit or len(key) > limit + _LONGEST_ORDINAL:
        size = len(bare) if len(bare) > limit else len(key)
        raise KeyFault(f"a key of {size:,} characters", f"at most {limit:,}")


def has_surrogate(text: str) -> bool:
    return _SURROGATE.search(text) is not None


def write_layout_key(element: str, tag: str | None, classes: tuple[str, ...], sep: str) -> str:
    return element if tag is None else f"{element}.{write_html_key(tag, classes, sep)}"


def with_ordinal(bare: str, count: int) -> str:
    """The key of the `count`-th equal sibling (from 1).

    The first carries no ordinal, unless the key itself ends like one and would lose its end.
    """
    return f"{bare}#{count}" if count > 1 or _ORDINAL.search(bare) else bare


def _strip_ordinal(key: str) -> str:
    if "#" not in key:
        return key
    match = _ORDINAL.search(key)
    return key[: match.start()] if match else key


def _separates(separator: str, before: str, after: str) -> bool:
    if separator == ".":
        return split_names(f"{before[-1]}.{after[0]}") == [before[-1], after[0]]
    if separator == "-":
        return before.strip("-") != "" and after.split("-", 1)[0].find("_") > 0
    return True
