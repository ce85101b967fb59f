"""Questions made of what a record holds: its regions, lines and texts. `--ask` names the kinds.

A converter gives one question, or None where the record holds nothing that answers it. All that is
drawn, is drawn by the record's id, so that a build gives the same files again.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from data_prep.build.tables import COLUMN, ROW, table_of
from xojl_jax.documents.answers import (
    MAX_QUESTIONS,
    Answer,
    Question,
    RegionsAnswer,
    TextAnswer,
    WordsAnswer,
    box_of,
    find_words,
)
from xojl_jax.documents.instructions import draw, instruction
from xojl_jax.documents.record import DocumentRecord
from xojl_jax.documents.words_in_box import words_in


def _classification(record: DocumentRecord) -> Question | None:
    name = record.texts.get("class", "").split()
    # Words of its own: that a letter says "letter" somewhere is chance.
    return _question("classification", record, TextAnswer(tuple(name))) if name else None


def _layout(record: DocumentRecord) -> Question | None:
    """Its regions from the top down. Not of a table's crop, whose regions are rows and columns."""
    labels = {region.label for region in record.regions}
    if not labels or labels & {ROW, COLUMN}:
        return None
    ordered = sorted(record.regions, key=lambda region: (region.box[1], region.box[0]))
    return _question("layout", record, RegionsAnswer(tuple(ordered)))


def _table(record: DocumentRecord) -> Question | None:
    answer = table_of(record.regions, record.boxes)
    return _question("table", record, answer) if answer else None


def _title(record: DocumentRecord) -> Question | None:
    """Only where the title is on the page: else it is not a question about what the page says."""
    words = find_words(record.texts.get("title", ""), record.words)
    on_page = bool(words) and all(isinstance(word, int) for word in words)
    return _question("question", record, TextAnswer(words), "title") if on_page else None


def _description(record: DocumentRecord) -> Question | None:
    """By its summary, else by its title."""
    texts = (record.texts.get(name, "") for name in ("summary", "title"))
    text = next((text for text in texts if text.strip()), "")
    words = find_words(text, record.words)
    return _question("description", record, TextAnswer(words)) if words else None


def _reading(record: DocumentRecord) -> Question | None:
    """Of one line: all words whose middle is in its box."""
    if not record.lines:
        return None
    start, end = record.lines[draw("line", record.id, len(record.lines))]
    box = box_of(tuple(range(start, end)), record.boxes)
    assert box is not None, "a line has a word"
    answer = WordsAnswer(tuple(words_in(box, record.boxes)))
    return replace(_question("reading", record, answer), box=box)


def _question(kind: str, record: DocumentRecord, answer: Answer, name: str = "") -> Question:
    return Question(kind, instruction(name or kind, record.id), answer)


CONVERTERS: dict[str, Callable[[DocumentRecord], Question | None]] = {
    "classification": _classification,
    "layout": _layout,
    "table": _table,
    "question": _title,
    "description": _description,
    "reading": _reading,
}


def add_question(kind: str, record: DocumentRecord) -> DocumentRecord:
    """The record with a question of this kind, unless it has some already or cannot answer it."""
    asked = any(question.kind == kind for question in record.questions)
    question = None if asked else CONVERTERS[kind](record)
    if question is None or len(record.questions) >= MAX_QUESTIONS:
        return record
    return replace(record, questions=(*record.questions, question))


ASKS: Mapping[str, Callable[[DocumentRecord], DocumentRecord]] = {
    kind: partial(add_question, kind) for kind in CONVERTERS
}
