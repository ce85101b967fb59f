"""What can be asked of a page, and the language of answers.

An answer has one of five forms: a text, words with their boxes, fields, regions, or a table. Its
words are words of the page, by their numbers, so that amounts, names and boxes are exact; or words
of its own. docs/document_record.md has the JSON.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from xojl_jax.documents.json_fields import (
    Box,
    Region,
    read_box,
    read_list,
    read_regions,
    read_string,
    round_box,
)
from xojl_jax.xojl import jsontext
from xojl_jax.xojl.faults import XojlError, shorten
from xojl_jax.xojl.keys import has_surrogate

# Kinds of questions. Each has instructions and scores of its own.
KINDS = {
    "classification": "what kind of page it is",
    "layout": "its regions: titles, tables, figures, …",
    "entities": "names, dates, amounts, … in it",
    "extraction": "values of fields",
    "table": "rows, columns and spans of a table",
    "question": "a question about what it says",
    "description": "what it is about, in a sentence",
    "reading": "the words of a part of it, with their boxes",
}
MAX_QUESTIONS = 1000  # of one page
MAX_SPAN = 1000  # rows or columns of a table, and of one of its cells

Word = int | str  # a word of the page by its number, or one of the answer's own
Words = tuple[Word, ...]


@dataclass(frozen=True)
class TextAnswer:
    """Words in their order; none where there is no answer."""

    words: Words


@dataclass(frozen=True)
class WordsAnswer:
    """Words with their boxes: of the page, or (word, box)."""

    words: tuple[int | tuple[str, Box], ...]


@dataclass(frozen=True)
class Field:
    """A label and its value, such as "total" and "12.50". A value may be empty."""

    label: Words
    value: Words


@dataclass(frozen=True)
class FieldsAnswer:
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class RegionsAnswer:
    regions: tuple[Region, ...]


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its words, how many rows and columns it takes, whether it is a header."""

    words: Words
    rows: int = 1
    columns: int = 1
    header: bool = False


@dataclass(frozen=True)
class TableAnswer:
    """Rows of cells, each cell in the row where it begins, as in HTML. The cells cover a rectangle,
    each place once."""

    rows: tuple[tuple[Cell, ...], ...]


Answer = TextAnswer | WordsAnswer | FieldsAnswer | RegionsAnswer | TableAnswer


@dataclass(frozen=True)
class Question:
    """What is asked of a page, and what the answer is.

    Attributes:
      kind: one of `KINDS`.
      prompt: the instruction, in words.
      answer: None where nobody has said.
      box: of the page, what the prompt points at; a point is a box without size.
      also: other texts that are right, too, where the answer is a text.
    """

    kind: str
    prompt: str
    answer: Answer | None = None
    box: Box | None = None
    also: tuple[TextAnswer, ...] = ()

    @property
    def accepted(self) -> tuple[Answer, ...]:
        """All answers that are right, the usual one first; none where nobody has said."""
        return () if self.answer is None else (self.answer, *self.also)


class UnevenTable(Exception):
    """Cells that do not cover a rectangle; the message says where."""


class Spans(Protocol):
    """How many rows and columns a cell takes."""

    @property
    def rows(self) -> int: ...
    @property
    def columns(self) -> int: ...


def table_grid(table: TableAnswer) -> np.ndarray:
    """int32[rows, columns]: the number of the cell at each place, counted row by row.

    Raises:
      UnevenTable: two cells lie on one place, or none does.
    """
    return cell_grid(table.rows)


def cell_grid(cells: Sequence[Sequence[Spans]]) -> np.ndarray:
    """The same of rows of cells, each in the row where it begins."""
    rows = len(cells)
    columns = sum(cell.columns for cell in cells[0]) if rows else 0
    grid = np.full((rows, columns), -1, np.int32)
    number = 0
    for r, row in enumerate(cells):
        for cell in row:
            free = np.flatnonzero(grid[r] < 0)
            c = int(free[0]) if free.size else columns
            place = grid[r : r + cell.rows, c : c + cell.columns]
            if place.shape != (cell.rows, cell.columns) or (place >= 0).any():
                raise UnevenTable(f"cell {number}, in row {r}, does not fit where it begins")
            place[:] = number
            number += 1
        if (grid[r] < 0).any():
            raise UnevenTable(f"row {r} has no cell at column {np.flatnonzero(grid[r] < 0)[0]}")
    return grid


# --- reading ---------------------------------------------------------------------------------


def read_questions(value: Any, where: str) -> tuple[Question, ...]:
    """Questions of a record, checked."""
    questions = read_list(value, "objects with kind, prompt and answer", where)
    if len(questions) > MAX_QUESTIONS:
        raise XojlError(f"{len(questions):,} questions", where, f"at most {MAX_QUESTIONS:,}")
    return tuple(_read_question(each, f"{where}[{i}]") for i, each in enumerate(questions))


def _read_question(value: Any, where: str) -> Question:
    _check_keys(value, ("kind", "prompt"), ("answer", "box", "also"), where)
    if value["kind"] not in KINDS:
        shown = shorten(str(value["kind"]))
        raise XojlError(shown, f"{where} kind", f"one of {', '.join(KINDS)}")
    answer, box, also = (value.get(name) for name in ("answer", "box", "also"))
    question = Question(
        kind=value["kind"],
        prompt=read_string(value["prompt"], f"{where} prompt"),
        answer=None if answer is None else read_answer(answer, f"{where} answer"),
        box=None if box is None else read_box(box, f"{where} box"),
        also=() if also is None else _read_also(also, f"{where} also"),
    )
    if question.also and not isinstance(question.answer, TextAnswer):
        raise XojlError("other texts", f"{where} also", "them only where the answer is a text")
    return question


def _read_also(value: Any, where: str) -> tuple[TextAnswer, ...]:
    texts = read_list(value, "texts, each a list of words or a string", where)
    return tuple(TextAnswer(_read_words(text, f"{where}[{i}]")) for i, text in enumerate(texts))


def read_answer(value: Any, where: str) -> Answer:
    """An answer from its decoded JSON, an object with one key. Numbers of words are not compared
    with a page's: `check_words` does that."""
    if not isinstance(value, dict) or len(value) != 1 or not value.keys() <= _READERS.keys():
        wanted = f"an object with one of {', '.join(_READERS)}"
        raise XojlError(jsontext.describe(value), where, wanted)
    ((form, content),) = value.items()
    return _READERS[form](content, f"{where} {form}")


def check_words(answer: Answer, count: int, where: str) -> None:
    """Raises unless every number of a word is below `count`, the page's number of words."""
    for number in words_of_page(answer):
        if number >= count:
            raise XojlError(f"word {number}", where, f"a number below {count}, the page's words")


def words_of_page(answer: Answer) -> list[int]:
    """The numbers of all words of the page in the answer, in its order."""
    return [word for word in _all_words(answer) if isinstance(word, int)]


def _all_words(answer: Answer) -> list[Any]:
    match answer:
        case TextAnswer(words) | WordsAnswer(words):
            return list(words)
        case FieldsAnswer(fields):
            return [word for field in fields for word in (*field.label, *field.value)]
        case TableAnswer(rows):
            return [word for row in rows for cell in row for word in cell.words]
        case _:
            return []


def _check_keys(value: Any, must: Sequence[str], may: Sequence[str], where: str) -> None:
    fine = isinstance(value, dict) and set(must) <= value.keys() <= {*must, *may}
    if not fine:
        wanted = f"an object with {' and '.join(must)}" if must else "an object"
        raise XojlError(jsontext.describe(value), where, f"{wanted}; it may have {', '.join(may)}")


def _read_word(value: Any, where: str) -> Word:
    if type(value) is int and value >= 0:
        return value
    if isinstance(value, str) and not has_surrogate(value) and value.split() == [value]:
        return value
    wanted = "the number of a word of the page, or one word as a string"
    raise XojlError(jsontext.describe(value), where, wanted)


def _read_words(value: Any, where: str) -> Words:
    """A list of words, or a string, whose words are the answer's own."""
    if isinstance(value, str) and not has_surrogate(value):
        return tuple(value.split())
    words = read_list(value, "words", where)
    return tuple(_read_word(word, f"{where}[{i}]") for i, word in enumerate(words))


def _read_words_answer(value: Any, where: str) -> WordsAnswer:
    def read(each: Any, where: str) -> int | tuple[str, Box]:
        if isinstance(each, list) and len(each) == 2:
            word = _read_word(each[0], where)
            if isinstance(word, str):
                return word, read_box(each[1], where)
        if type(each) is int and each >= 0:
            return each
        wanted = "the number of a word of the page, or [word, box]"
        raise XojlError(jsontext.describe(each), where, wanted)

    words = read_list(value, "words with boxes", where)
    return WordsAnswer(tuple(read(each, f"{where}[{i}]") for i, each in enumerate(words)))


def _read_fields(value: Any, where: str) -> FieldsAnswer:
    def read(each: Any, where: str) -> Field:
        _check_keys(each, ("label", "value"), (), where)
        label = _read_words(each["label"], f"{where} label")
        if not label:
            raise XojlError("an empty label", where, "a label of one word or more")
        return Field(label, _read_words(each["value"], f"{where} value"))

    fields = read_list(value, "fields", where)
    return FieldsAnswer(tuple(read(each, f"{where}[{i}]") for i, each in enumerate(fields)))


def _read_table(value: Any, where: str) -> TableAnswer:
    def read(each: Any, where: str) -> Cell:
        _check_keys(each, ("words",), ("rows", "columns", "header"), where)
        high, wide = each.get("rows", 1), each.get("columns", 1)
        if any(type(span) is not int or not 1 <= span <= MAX_SPAN for span in (high, wide)):
            raise XojlError(f"{[high, wide]}", where, f"rows and columns from 1 to {MAX_SPAN}")
        header = each.get("header", False)
        if not isinstance(header, bool):
            raise XojlError(jsontext.describe(header), f"{where} header", "true or false")
        return Cell(_read_words(each["words"], f"{where} words"), high, wide, header)

    rows = read_list(value, "rows of cells", where)
    if len(rows) > MAX_SPAN:
        raise XojlError(f"{len(rows)} rows", where, f"at most {MAX_SPAN}")
    table = TableAnswer(
        tuple(
            tuple(read(cell, f"{where}[{r}][{c}]") for c, cell in enumerate(cells))
            for r, cells in enumerate(
                read_list(row, "cells", f"{where}[{r}]") for r, row in enumerate(rows)
            )
        )
    )
    try:
        table_grid(table)
    except UnevenTable as error:
        raise XojlError(str(error), where, "cells that cover a rectangle") from None
    return table


_READERS: dict[str, Callable[[Any, str], Answer]] = {
    "text": lambda value, where: TextAnswer(_read_words(value, where)),
    "words": _read_words_answer,
    "fields": _read_fields,
    "regions": lambda value, where: RegionsAnswer(read_regions(value, where)),
    "table": _read_table,
}


# --- writing ---------------------------------------------------------------------------------


def answer_to_fields(answer: Answer) -> dict[str, Any]:
    """Ready for JSON, as `read_answer` reads it."""
    match answer:
        case TextAnswer(words):
            return {"text": list(words)}
        case WordsAnswer(words):
            pairs = [
                word if isinstance(word, int) else [word[0], round_box(word[1])] for word in words
            ]
            return {"words": pairs}
        case FieldsAnswer(fields):
            return {"fields": [{"label": list(f.label), "value": list(f.value)} for f in fields]}
        case RegionsAnswer(regions):
            return {"regions": regions_to_fields(regions)}
        case TableAnswer(rows):
            return {"table": [[_cell_to_fields(cell) for cell in row] for row in rows]}


def regions_to_fields(regions: Sequence[Region]) -> list[dict[str, Any]]:
    return [{"label": region.label, "box": round_box(region.box)} for region in regions]


def _cell_to_fields(cell: Cell) -> dict[str, Any]:
    fields: dict[str, Any] = {"words": list(cell.words)}
    spans = {"rows": cell.rows, "columns": cell.columns}
    fields |= {name: span for name, span in spans.items() if span > 1}
    return fields | ({"header": True} if cell.header else {})


def question_to_fields(question: Question) -> dict[str, Any]:
    """Ready for JSON, as `read_questions` reads it."""
    fields: dict[str, Any] = {"kind": question.kind, "prompt": question.prompt}
    if question.box is not None:
        fields["box"] = round_box(question.box)
    if question.answer is not None:
        fields["answer"] = answer_to_fields(question.answer)
    if question.also:
        fields["also"] = [list(text.words) for text in question.also]
    return fields


# --- for people ------------------------------------------------------------------------------


def text_of(words: Words, page: Sequence[str]) -> str:
    """The words in writing, a space between; `page` are the page's words."""
    return " ".join(page[word] if isinstance(word, int) else word for word in words)


def box_of(words: Words, boxes: np.ndarray) -> Box | None:
    """What encloses those words that are of the page, None without one; boxes float[n, 4]."""
    numbers = [word for word in words if isinstance(word, int)]
    if not numbers:
        return None
    found = boxes[numbers]
    low, high = found[:, :2].min(0), found[:, 2:].max(0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def find_words(text: str, page: Sequence[str]) -> Words:
    """A text as words of the page where they occur there in this order, side by side, the first
    time; else as words of its own. Case and punctuation at the ends do not count."""
    wanted = [plain_word(word) for word in text.split()]
    known = [plain_word(word) for word in page]
    for start in range(len(known) - len(wanted) + 1):
        if known[start : start + len(wanted)] == wanted and wanted:
            return tuple(range(start, start + len(wanted)))
    return tuple(text.split())


def plain_word(word: str) -> str:
    """Without case and punctuation at the ends."""
    return word.casefold().strip(".,;:!?()[]\"'“”‘’") or word
