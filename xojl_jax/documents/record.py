"""The document record: the picture of one page, its words with boxes, and what is known of them.

docs/document_record.md describes the fields. Records come from anybody, so every field is checked,
and a fault is an XojlError that names the record and the field.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from xojl_jax.documents.answers import (
    Question,
    check_words,
    question_to_fields,
    read_questions,
    regions_to_fields,
)
from xojl_jax.documents.json_fields import (
    Region,
    read_box,
    read_numbers,
    read_regions,
    read_string,
    round_box,
)
from xojl_jax.errors import BadInput
from xojl_jax.xojl import jsontext
from xojl_jax.xojl.faults import XojlError, shorten
from xojl_jax.xojl.keys import has_surrogate
from xojl_jax.xojl.screenshot_file import read_path

MAX_BYTES = 16 << 20  # of one record's JSON text
MAX_WORDS = 1 << 16  # of one page: a dense newspaper page has some 10,000

WORDS_FROM = ("text layer", "tesseract", "ocr words", "ocr lines", "none")


@dataclass(frozen=True, eq=False)
class DocumentRecord:
    """One page. Optional fields are None, or empty, where the file does not have them."""

    id: str
    document: str  # pages of one document share it
    image: str  # path of the page's picture, relative to the records' folder
    image_size: tuple[int, int]  # width, height in px
    words: tuple[str, ...] = ()
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    # float32[n, 4], a row per word: x0, y0, x1, y1 in [0, 1] of the page, y downwards
    lines: tuple[tuple[int, int], ...] = ()  # slices [start, end) of words, in order
    scores: tuple[float, ...] | None = None  # how sure the OCR was of each word, [0, 1]
    words_from: str = "none"  # one of WORDS_FROM
    regions: tuple[Region, ...] = ()
    questions: tuple[Question, ...] = ()
    texts: dict[str, str] = field(default_factory=dict)  # such as title, summary
    page: int = 0  # within the document, from 0
    pages: int | None = None  # of the document
    page_size: tuple[float, float] | None = None  # width, height in points, as it is seen
    source: dict = field(default_factory=dict)  # dataset, uri, site, licence, title
    extra: dict = field(default_factory=dict)  # fields that we do not know, kept as they are

    def split_group(self) -> str:
        """What must not be torn apart by splits: the source's site where it names one, else the
        document."""
        site = self.source.get("site")
        return site if isinstance(site, str) and site.strip() else self.document

    def line_of_word(self) -> np.ndarray:
        """int32[n]: the line of each of the n words, -1 where it is in none."""
        numbers = np.full(len(self.words), -1, np.int32)
        for number, (start, end) in enumerate(self.lines):
            numbers[start:end] = number
        return numbers


# --- reading ---------------------------------------------------------------------------------


def parse_record(data, *, where: str = "record") -> DocumentRecord:
    """The record of a JSON text (str or bytes) or of its decoded form. `where` is for messages."""
    if isinstance(data, str | bytes | bytearray):
        data = jsontext.decode(data, MAX_BYTES, where)
    if isinstance(data, jsontext.Pairs):
        raise XojlError("a field given twice", where, "each field of a record once")
    if not isinstance(data, dict):
        raise XojlError(jsontext.describe(data), where, "an object with the fields of a record")
    for name in _REQUIRED:
        if data.get(name) is None:
            raise XojlError(f"no field {name}", where, f"{', '.join(_REQUIRED)} in every record")
    fields = {
        name: read(data[name], f"{where} {name}")
        for name, read in _READERS.items()
        if data.get(name) is not None
    }
    extra = {name: value for name, value in data.items() if name not in _READERS}
    _check_plain(extra, where)
    record = DocumentRecord(extra=extra, **fields)
    _check_counts(record, where)
    return record


def read_directory(directory) -> Iterator[tuple[str, DocumentRecord | BadInput]]:
    """(where, record or what is wrong with it) of every line of a folder's records.jsonl, in order.

    Memory is bounded by one record.
    """
    path = Path(directory) / "records.jsonl"
    if not path.is_file():
        raise BadInput(f"{directory} holds no records.jsonl; give a folder of data_prep.documents")
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(MAX_BYTES + 1):
            number += 1
            rest = line
            while len(rest) > MAX_BYTES and not rest.endswith(b"\n"):  # skipped, not held
                rest = stream.readline(MAX_BYTES + 1)
            if line.strip():
                where = f"{path.name}:{number}"
                try:
                    yield where, parse_record(line, where=where)
                except BadInput as error:
                    yield where, error


# --- fields ----------------------------------------------------------------------------------


def _read_words(value, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise XojlError(jsontext.describe(value), where, "a list of strings")
    if len(value) > MAX_WORDS:
        raise XojlError(f"{len(value):,} words", where, f"at most {MAX_WORDS:,} on one page")
    for i, word in enumerate(value):
        if not isinstance(word, str) or has_surrogate(word) or not word.strip():
            wanted = "a string of Unicode text with something to see in it"
            raise XojlError(jsontext.describe(word), f"{where}[{i}]", wanted)
    return tuple(value)


def _read_boxes(value, where: str) -> np.ndarray:
    if not isinstance(value, list):
        raise XojlError(jsontext.describe(value), where, "a list of [x0, y0, x1, y1]")
    for i, box in enumerate(value):
        read_box(box, f"{where}[{i}]")
    return np.asarray(value, np.float32).reshape(-1, 4)


def _read_lines(value, where: str) -> tuple[tuple[int, int], ...]:
    if not isinstance(value, list):
        raise XojlError(jsontext.describe(value), where, "a list of [start, end]")
    before = 0
    for i, line in enumerate(value):
        whole = isinstance(line, list | tuple) and [type(number) for number in line] == [int, int]
        if not whole or not before <= line[0] < line[1]:
            wanted = f"[start, end] with {before} <= start < end: slices of words, in order"
            shown = shorten(json.dumps(line)) if whole else jsontext.describe(line)
            raise XojlError(shown, f"{where}[{i}]", wanted)
        before = line[1]
    return tuple((start, end) for start, end in value)


def _read_scores(value, where: str) -> tuple[float, ...]:
    if not isinstance(value, list):
        raise XojlError(jsontext.describe(value), where, "a list of numbers from 0 to 1")
    numbers = read_numbers(value, len(value), where)
    if any(not 0 <= number <= 1 for number in numbers):
        raise XojlError("a number outside [0, 1]", where, "numbers from 0 to 1")
    return numbers


def _read_words_from(value, where: str) -> str:
    if value not in WORDS_FROM:
        shown = shorten(value) if isinstance(value, str) else jsontext.describe(value)
        raise XojlError(shown, where, f"one of {', '.join(WORDS_FROM)}")
    return value


def _read_texts(value, where: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise XojlError(jsontext.describe(value), where, "an object of strings, such as title")
    for name, text in value.items():
        if not isinstance(text, str) or has_surrogate(text):
            wanted = "a string of Unicode text"
            raise XojlError(jsontext.describe(text), f"{where} {shorten(name)}", wanted)
    return value


def _read_image_size(value, where: str) -> tuple[int, int]:
    size = read_numbers(value, 2, where)
    if any(type(side) is not int or side < 1 for side in size):
        raise XojlError(f"{list(size)}", where, "[width, height], whole px of 1 or more")
    return int(size[0]), int(size[1])


def _read_page_size(value, where: str) -> tuple[float, float]:
    width, height = read_numbers(value, 2, where)
    if min(width, height) <= 0:
        raise XojlError(f"{[width, height]}", where, "[width, height] in points, above 0")
    return width, height


def _read_page(value, where: str) -> int:
    if type(value) is not int or not 0 <= value < 1 << 31:
        raise XojlError(jsontext.describe(value), where, "a whole number of 0 or more")
    return value


def _read_source(value, where: str) -> dict:
    if not isinstance(value, dict):
        raise XojlError(jsontext.describe(value), where, "an object (dataset, uri, site, licence)")
    _check_plain(value, where)
    for name in ("dataset", "uri", "site", "licence", "title"):
        if value.get(name) is not None and not isinstance(value[name], str):
            raise XojlError(jsontext.describe(value[name]), f"{where} {name}", "a string")
    return value


def _check_counts(record: DocumentRecord, where: str) -> None:
    words = f"{len(record.words)}, one per word"
    if len(record.boxes) != len(record.words):
        raise XojlError(f"{len(record.boxes)} boxes", f"{where} boxes", words)
    if record.scores is not None and len(record.scores) != len(record.words):
        raise XojlError(f"{len(record.scores)} scores", f"{where} scores", words)
    if record.lines and record.lines[-1][1] > len(record.words):
        wanted = f"an end of at most {len(record.words)}, the number of words"
        raise XojlError(f"{list(record.lines[-1])}", f"{where} lines[-1]", wanted)
    for i, question in enumerate(record.questions):
        for j, answer in enumerate(question.accepted):
            name = f"also[{j - 1}]" if j else "answer"
            check_words(answer, len(record.words), f"{where} questions[{i}] {name}")
    if record.pages is not None and record.page >= record.pages:
        raise XojlError(f"page {record.page}", f"{where} page", f"below pages, {record.pages}")


def _check_plain(value, where: str) -> None:
    """Raises unless a value that is only passed on can be written as JSON and read again."""
    try:
        text = _ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise XojlError("a value that is no plain JSON", where, "plain JSON") from error
    if has_surrogate(text):
        raise XojlError("a lone surrogate", where, "Unicode text")


_REQUIRED = ("id", "document", "image", "image_size")
# The fields that we know, in the order in which they are written.
_READERS = {
    "id": read_string,
    "document": read_string,
    "page": _read_page,
    "pages": _read_page,
    "image": read_path,
    "image_size": _read_image_size,
    "page_size": _read_page_size,
    "words_from": _read_words_from,
    "words": _read_words,
    "boxes": _read_boxes,
    "lines": _read_lines,
    "scores": _read_scores,
    "regions": read_regions,
    "questions": read_questions,
    "texts": _read_texts,
    "source": _read_source,
}


# --- writing ---------------------------------------------------------------------------------


def record_to_json(record: DocumentRecord) -> str:
    """One line of records.jsonl, without its line end.

    parse_record reads it back equal, but for coordinates beyond BOX_DECIMALS. What is empty is not
    written.
    """
    values = {name: getattr(record, name) for name in _READERS}
    values["boxes"] = [round_box(box) for box in record.boxes.tolist()]
    values["regions"] = regions_to_fields(record.regions)
    values["questions"] = [question_to_fields(question) for question in record.questions]
    empty = (None, (), [], {})
    kept = {name: value for name, value in values.items() if value not in empty}
    return _ENCODER.encode(kept | record.extra)


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
