"""The record: one screenshot with its HTML tree and, where labeled, its layout.

docs/record.md describes the fields. Records come from anybody, so every field is checked, and a
fault is an XojlError that names the record and the field.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xojl_jax.errors import BadInput
from xojl_jax.xojl import jsontext, tree
from xojl_jax.xojl.align import align
from xojl_jax.xojl.faults import DEFAULT_CAPS, Caps, XojlError, shorten
from xojl_jax.xojl.screenshot_file import read_path, safe_screenshot_path
from xojl_jax.xojl.tree import Forest, preorder

__all__ = [
    "CATEGORIES",
    "Record",
    "align",
    "category_index",
    "parse_record",
    "read_directory",
    "record_to_json",
    "safe_screenshot_path",
]

CATEGORIES = (
    "hero",
    "navigation",
    "features",
    "pricing",
    "testimonials",
    "faq",
    "gallery",
    "team",
    "contact",
    "footer",
    "cta",
    "stats",
    "blog",
    "logos",
    "about",
    "steps",
    "products",
    "newsletter",
    "form",
    "content",
    "other",
)
# A record holds two trees, its boxes and little more: so many times the cap of one document.
_RECORD_BYTES = 2


@dataclass(frozen=True)
class Record:
    """One record, its trees parsed. Optional fields are None where the file does not have them."""

    screenshot: str
    html: Forest
    layout: Forest | None = None
    used_elements: tuple[str, ...] = ()  # as stored; tree.used_elements(layout) is the truth
    category: str = "other"  # as stored, any string
    id: str | None = None
    source: dict | None = None  # uri, title, licence, box
    viewport: tuple[float, float] | None = None  # width, height in CSS px
    html_boxes: tuple[tuple[float, ...], ...] | None = None  # [T, 5] x, y, width, height, z in px
    layout_nodes: tuple[int | None, ...] | None = None  # one HTML index per layout node
    layout_confidence: tuple[float, ...] | None = None  # per layout node, that it is right: [0, 1]
    quality: dict[str, float] | None = None  # how far the record can be trusted: name -> [0, 1]
    extra: dict = field(default_factory=dict)  # fields that we do not know, kept as they are

    def alignment(self) -> tuple[int | None, ...]:
        """One HTML index or None per layout node: the stored one, or recovered."""
        if self.layout is None or self.layout_nodes is not None:
            return self.layout_nodes or ()
        return align(self.html, self.layout)

    def elements_by_node(self) -> dict[int, str]:
        """HTML index -> element, of the layout nodes that have one; in the order of the HTML."""
        visits = preorder(self.layout or ())
        pairs = zip(self.alignment(), visits, strict=True)
        found = {i: v.node.element for i, v in pairs if i is not None and v.node.element}
        return dict(sorted(found.items()))


def category_index(category: str) -> int:
    """The class number of a category; a string that is not in CATEGORIES counts as `other`."""
    return CATEGORIES.index(category if category in CATEGORIES else "other")


# --- reading ---------------------------------------------------------------------------------


def parse_record(
    data, *, where: str = "record", caps: Caps = DEFAULT_CAPS, needs_screenshot: bool = True
) -> Record:
    """The record of a JSON text (str or bytes) or of its decoded form.

    Args:
      where: for messages.
      needs_screenshot: refuses a record that names none; otherwise `screenshot` is then "".
    """
    from_text = isinstance(data, str | bytes | bytearray)
    if from_text:
        data = jsontext.decode(data, _RECORD_BYTES * caps.document, where)
    if isinstance(data, jsontext.Pairs):
        raise XojlError("a field given twice", where, "each field of a record once")
    if not isinstance(data, dict):
        raise XojlError(jsontext.describe(data), where, "an object with the fields of a record")
    values = {name: value for name, value in data.items() if name in _READERS}
    if not needs_screenshot and values.get("screenshot") is None:
        values.pop("screenshot", None)
    for name in ("screenshot", "html") if needs_screenshot else ("html",):
        if name not in values:
            raise XojlError(f"no field {name}", where, "screenshot and html in every record")
        if values[name] is None:
            wanted = {"screenshot": "a path", "html": "an object of nodes, {} where there is none"}
            raise XojlError("null", f"{where} {name}", wanted[name])

    def tree_of(name: str, parse) -> Forest | None:
        if values.get(name) is None:
            return None
        if isinstance(values[name], str):  # which parse would read, as a document of its own
            wanted = "an object of nodes: decode the text before it goes into the record"
            raise XojlError(jsontext.describe(values[name]), f"{where} {name}", wanted)
        return parse(values[name], caps, place=f"{where} {name}", pairs=not from_text)

    fields: dict[str, Any] = {} if "screenshot" in values else {"screenshot": ""}
    for name, read in _READERS.items():
        if read is not None and values.get(name) is not None:
            fields[name] = read(values[name], f"{where} {name}")
    html = tree_of("html", tree.parse_html)
    assert html is not None  # null is refused above
    layout = tree_of("section_layout", tree.parse_layout)
    if layout == ():
        raise XojlError("an empty layout", f"{where} section_layout", "one node or more")
    if layout is not None and "used_elements" not in fields:
        fields["used_elements"] = tree.used_elements(layout)
    extra = {name: value for name, value in data.items() if name not in _READERS}
    _check_plain(extra, where)
    record = Record(html=html, layout=layout, extra=extra, **fields)
    _check_counts(record, where)
    return record


def read_directory(directory, caps: Caps = DEFAULT_CAPS) -> Iterator[tuple[str, Record | BadInput]]:
    """(where, record or what is wrong with it) of every record of a data set, in a fixed order.

    First the lines of `records.jsonl`, then every other `*.json` beside it, by name. Memory is
    bounded by one record.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise BadInput(f"{directory} is not a directory; give one that holds records")
    lines = directory / "records.jsonl"
    files = sorted(path for path in directory.glob("*.json") if path.is_file())
    if not files and not lines.is_file():
        raise BadInput(f"{directory} holds no records.jsonl and no *.json; is it a data set?")
    limit = _RECORD_BYTES * caps.document
    if lines.is_file():
        with lines.open("rb") as stream:
            for number, line in enumerate(_lines(stream, limit), 1):
                if line.strip():
                    yield _read_one(line, f"{lines.name}:{number}", caps)
    for path in files:
        with path.open("rb") as stream:
            text = stream.read(limit + 1)  # one byte more than is allowed shows that it is too long
        yield _read_one(text, path.name, caps)


def _lines(stream, limit: int) -> Iterator[bytes]:
    """Lines of at most limit + 1 bytes; the rest of a longer line is skipped."""
    while line := stream.readline(limit + 1):
        rest = line
        while len(rest) > limit and not rest.endswith(b"\n"):
            rest = stream.readline(limit + 1)
        yield line


def _read_one(text: bytes, where: str, caps: Caps) -> tuple[str, Record | BadInput]:
    try:
        return where, parse_record(text, where=where, caps=caps)
    except BadInput as error:
        return where, error


# --- fields ----------------------------------------------------------------------------------


def _read_string(value, where: str) -> str:
    if not isinstance(value, str) or not _is_unicode(value):
        raise XojlError(jsontext.describe(value), where, "a string of Unicode text")
    return value


def _read_used_elements(value, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise XojlError(jsontext.describe(value), where, "a list of element names")
    for name in value:
        if not isinstance(name, str) or name not in tree.ELEMENTS:
            shown = shorten(name) if isinstance(name, str) else jsontext.describe(name)
            raise XojlError(f"{shown}", where, "one of " + " ".join(tree.ELEMENTS))
    return tuple(value)


def _read_source(value, where: str) -> dict:
    if not isinstance(value, dict):
        raise XojlError(jsontext.describe(value), where, "an object (uri, title, licence, box)")
    _check_plain(value, where)
    for name in ("uri", "title", "licence"):
        if value.get(name) is not None:
            _read_string(value[name], f"{where} {name}")
    if value.get("box") is not None:
        _read_numbers(value["box"], 4, f"{where} box")
    return value


def _read_viewport(value, where: str) -> tuple[float, ...]:
    size = _read_numbers(value, 2, where)
    if min(size) <= 0:
        raise XojlError(f"{list(size)}", where, "a width and a height above 0")
    return size


def _read_boxes(value, where: str) -> tuple[tuple[float, ...], ...]:
    if not isinstance(value, list):
        raise XojlError(jsontext.describe(value), where, "a list of [x, y, width, height, z]")
    boxes = tuple(_read_numbers(box, 5, f"{where}[{i}]") for i, box in enumerate(value))
    for i, box in enumerate(boxes):
        if box[2] < 0 or box[3] < 0:
            raise XojlError("a negative size", f"{where}[{i}]", "width and height of 0 or more")
    return boxes


def _read_layout_nodes(value, where: str) -> tuple[int | None, ...]:
    if not isinstance(value, list):
        raise XojlError(jsontext.describe(value), where, "a list of node indices or null")
    for i, index in enumerate(value):
        if index is not None and (type(index) is not int or index < 0):
            raise XojlError(jsontext.describe(index), f"{where}[{i}]", "a node index or null")
    return tuple(value)


def _read_layout_confidence(value, where: str) -> tuple[float, ...]:
    if not isinstance(value, list):
        raise XojlError(jsontext.describe(value), where, "a list of numbers from 0 to 1")
    return tuple(_read_share(number, f"{where}[{i}]") for i, number in enumerate(value))


def _read_quality(value, where: str) -> dict[str, float]:
    if not isinstance(value, dict):
        raise XojlError(jsontext.describe(value), where, "an object of numbers, such as label")
    value = {name: number for name, number in value.items() if number is not None}
    return {name: _read_share(each, f"{where} {shorten(name)}") for name, each in value.items()}


def _read_share(value, where: str) -> float:
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise XojlError(jsontext.describe(value), where, "a number from 0 to 1")
    return value


def _read_numbers(value, count: int, where: str) -> tuple[float, ...]:
    def fine(number) -> bool:
        return type(number) in (int, float) and math.isfinite(number) and abs(number) < 1e9

    if not isinstance(value, list | tuple) or len(value) != count or not all(map(fine, value)):
        raise XojlError(jsontext.describe(value), where, f"{count} ordinary numbers")
    return tuple(value)


def _check_counts(record: Record, where: str) -> None:
    html_nodes = len(tree.preorder(record.html))
    if record.html_boxes is not None and len(record.html_boxes) != html_nodes:
        what = f"{len(record.html_boxes)} boxes"
        raise XojlError(what, f"{where} html_boxes", f"{html_nodes}, one per node of html")
    layout_nodes = len(tree.preorder(record.layout or ()))
    per_node = {
        "layout_nodes": (record.layout_nodes, "indices"),
        "layout_confidence": (record.layout_confidence, "numbers"),
    }
    for name, (values, what) in per_node.items():
        if values is not None and len(values) != layout_nodes:
            wanted = f"{layout_nodes}, one per node of section_layout"
            raise XojlError(f"{len(values)} {what}", f"{where} {name}", wanted)
    largest = max((i for i in record.layout_nodes or () if i is not None), default=-1)
    if largest >= html_nodes:
        raise XojlError(f"index {largest}", f"{where} layout_nodes", f"below {html_nodes}")


def _check_plain(value, where: str) -> None:
    """Raises unless a value that is only passed on could be written as JSON and read again."""
    stack = [(value, 0)]
    while stack:
        item, depth = stack.pop()
        if isinstance(item, dict):
            stack += [(part, depth + 1) for pair in item.items() for part in pair]
        elif isinstance(item, list) and not isinstance(item, jsontext.Pairs):
            stack += [(part, depth + 1) for part in item]
        elif not (item is None or isinstance(item, str | bool | int | float)):
            raise XojlError(jsontext.describe(item), where, "plain JSON, each key once")
        if depth > DEFAULT_CAPS.depth:
            raise XojlError("a deeply nested field", where, f"at most {DEFAULT_CAPS.depth} levels")
        if isinstance(item, str) and not _is_unicode(item):
            raise XojlError("a lone surrogate", where, "Unicode text")
        if isinstance(item, float) and not math.isfinite(item):
            raise XojlError("a number too large", where, "finite numbers")


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


# The fields that we know, in the order in which they are written. None: a tree, read apart.
_READERS = {
    "id": _read_string,
    "screenshot": read_path,
    "html": None,
    "section_layout": None,
    "used_elements": _read_used_elements,
    "category": _read_string,
    "source": _read_source,
    "viewport": _read_viewport,
    "html_boxes": _read_boxes,
    "layout_nodes": _read_layout_nodes,
    "layout_confidence": _read_layout_confidence,
    "quality": _read_quality,
}


FIELDS = tuple(_READERS)


# --- writing ---------------------------------------------------------------------------------


def record_to_json(record: Record) -> str:
    """One line of `records.jsonl`, without its line end. parse_record reads it back equal."""
    values = {
        "id": record.id,
        "screenshot": record.screenshot,
        "html": record.html,
        "section_layout": record.layout,
        "used_elements": record.used_elements,
        "category": record.category,
        "source": record.source,
        "viewport": record.viewport,
        "html_boxes": record.html_boxes,
        "layout_nodes": record.layout_nodes,
        "layout_confidence": record.layout_confidence,
        "quality": record.quality,
        **record.extra,
    }
    parts = []
    for name, value in values.items():
        if value is None and name not in record.extra:
            continue
        if name == "html":
            text = tree.print_html(record.html)
        elif name == "section_layout":
            text = tree.print_layout(record.layout or ())
        else:
            text = _ENCODER.encode(value)
        parts.append(f"{_ENCODER.encode(name)}:{text}")
    return "{" + ",".join(parts) + "}"


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
