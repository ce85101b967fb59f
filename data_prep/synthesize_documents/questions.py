"""Questions and answers of a page: whatever its marks tell, asked in the phrases of questions.toml.

Answers name words of the page by their numbers. Long answers are left out: a model that reads them
has a limit, and a table of hundreds of cells would crowd out all else.
"""

import functools
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from string import Formatter
from typing import Any

import numpy as np

from data_prep.synthesize_documents.language import Language
from data_prep.synthesize_documents.sheet import Mark
from xojl_jax.documents.answers import (
    Answer,
    Cell,
    Field,
    FieldsAnswer,
    Question,
    RegionsAnswer,
    TableAnswer,
    TextAnswer,
    Words,
    WordsAnswer,
)
from xojl_jax.documents.json_fields import Box, Region

COUNTS = (6, 14)  # questions of a page, where it has so many
MAX_ROWS, MAX_COLUMNS = 12, 8
MAX_REGIONS = 20
OWN_LANGUAGE = 0.4  # of the prompts, where the page's language has them
# The shares of a page's words that an answer may have, and the most of them.
TABLE_SHARE, MAX_TABLE = 0.5, 60
READING_SHARE, MAX_READING = 0.34, 40
FIELDS_SHARE, MAX_FIELDS = 0.34, 60


@functools.cache
def phrases() -> dict[str, Any]:
    with (Path(__file__).parent / "questions.toml").open("rb") as stream:
        return tomllib.load(stream)


@dataclass(frozen=True)
class MarkedPage:
    """A page as it was rendered.

    Attributes:
      kind: of page.
      boxes: float64[n, 4] of its words, in [0, 1] of the page.
      marks: what was marked, and of each the numbers of its words and its element's box.
    """

    kind: str
    language: Language
    words: list[str]
    boxes: np.ndarray
    marks: list[Mark]
    words_of: list[Words]
    box_of: list[Box]
    most_words: int

    def of(self, role: str) -> list[int]:
        """The numbers of the marks of a role that show words, in order of writing."""
        return [i for i, mark in enumerate(self.marks) if mark.role == role and self.words_of[i]]

    @functools.cached_property
    def fields(self) -> dict[str, Words]:
        """Of each field's name its words; the first, where it is there twice."""
        found: dict[str, Words] = {}
        for i in self.of("field"):
            found.setdefault(self.marks[i].name, self.words_of[i])
        return found

    @functools.cached_property
    def labels(self) -> dict[str, str]:
        """Of each field the label that the page shows."""
        return {
            self.marks[i].name: " ".join(self.words[w] for w in self.words_of[i]).rstrip(":")
            for i in self.of("label")
        }

    def around(self, words: Words) -> Box:
        found = self.boxes[list(words)]
        low, high = found[:, :2].min(0), found[:, 2:].max(0)
        return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def ask(page: MarkedPage, rng: Random) -> list[Question]:
    """Questions with their answers, of every kind that the page allows."""
    found = {name: list(maker(page, rng)) for name, maker in MAKERS.items()}
    chosen: list[Question] = []
    for name, questions in found.items():
        low, high = SHARES[name]
        count = min(len(questions), rng.randint(low, high))
        chosen += rng.sample(questions, count)
    rng.shuffle(chosen)
    return chosen[: COUNTS[1]]


def _say(page: MarkedPage, rng: Random, name: str, **values: str) -> str:
    """A prompt in English, or in the page's language where its file has it."""
    own = page.language.texts.get("prompts", {})
    prompts = own if name in own and rng.random() < OWN_LANGUAGE else phrases()["prompts"]
    if prompts is own and "field" in values:
        values["field"] = _label(page, values["field"].replace(" ", "_"))
    return rng.choice(prompts[name]).format(**values)


def _label(page: MarkedPage, field: str) -> str:
    """A field's label as the page shows it, or else in the page's language."""
    text = page.language.texts["labels"].get(field, [_name(field)])[0]
    return page.labels.get(field, _name(field) if "{" in text else text)


def _missing(page: MarkedPage) -> list[str]:
    """Fields of which the page says nothing, not even by another name (the name of a person)."""
    told = set(page.fields)
    for group in phrases()["alike"]:
        told |= set(group) if told & set(group) else set()
    return [name for name in phrases()["fields"] if name not in told]


def _name(field: str) -> str:
    return field.replace("_", " ")


def _own(text: str) -> Words:
    return tuple(text.split())


def _limit(page: MarkedPage, share: float, most: int) -> int:
    return min(most, max(12, round(share * page.most_words)))


# --- makers: of a page all candidates of one sort ---------------------------------------------


def _classification(page: MarkedPage, rng: Random) -> Iterator[Question]:
    prompt = _say(page, rng, "classification")
    yield Question("classification", prompt, TextAnswer(_own(page.kind)))


def regions_of(page: MarkedPage) -> list[Region]:
    """Of texts what encloses their words, of tables and figures the whole element."""
    found = []
    for i, mark in enumerate(page.marks):
        if mark.role != "region":
            continue
        if mark.name in ("table", "figure"):
            found.append(Region(mark.name, page.box_of[i]))
        elif page.words_of[i]:
            found.append(Region(mark.name, page.around(page.words_of[i])))
    return sorted(found, key=lambda region: (region.box[1], region.box[0]))


def _layout(page: MarkedPage, rng: Random) -> Iterator[Question]:
    regions = regions_of(page)
    if len(regions) <= MAX_REGIONS:
        yield Question("layout", _say(page, rng, "layout"), RegionsAnswer(tuple(regions)))


def _layout_one(page: MarkedPage, rng: Random) -> Iterator[Question]:
    regions = regions_of(page)
    for label in sorted({region.label for region in regions}):
        found = tuple(region for region in regions if region.label == label)
        if len(found) <= MAX_REGIONS:
            yield Question(
                "layout", _say(page, rng, "layout_one", label=label), RegionsAnswer(found)
            )


def entities_of(page: MarkedPage) -> list[tuple[str, Words]]:
    """Kind and words of each entity, in order of writing: marked ones, and fields that are some."""
    known = phrases()["fields"]
    found = {}
    for i, mark in enumerate(page.marks):
        kind = mark.name if mark.role == "entity" else ""
        if mark.role == "field":
            kind = known.get(mark.name, {}).get("entity", "")
        if kind and page.words_of[i]:
            found[page.words_of[i]] = kind
    return [(found[words], words) for words in sorted(found)]


def _fields_answer(pairs: list[tuple[str, Words]]) -> FieldsAnswer:
    return FieldsAnswer(tuple(Field(_own(_name(name)), words) for name, words in pairs))


def _fits(page: MarkedPage, pairs: list[tuple[str, Words]]) -> bool:
    words = sum(len(words) for _, words in pairs) + len(pairs)
    return 0 < words <= _limit(page, FIELDS_SHARE, MAX_FIELDS)


def _entities(page: MarkedPage, rng: Random) -> Iterator[Question]:
    found = entities_of(page)
    if _fits(page, found):
        yield Question("entities", _say(page, rng, "entities"), _fields_answer(found))


def _entities_one(page: MarkedPage, rng: Random) -> Iterator[Question]:
    found = entities_of(page)
    for kind in sorted({kind for kind, _ in found}):
        some = [pair for pair in found if pair[0] == kind]
        if _fits(page, some):
            prompt = _say(page, rng, "entities_one", label=kind)
            yield Question("entities", prompt, _fields_answer(some))


def _extraction(page: MarkedPage, rng: Random) -> Iterator[Question]:
    for name, words in page.fields.items():
        prompt = _say(page, rng, "extraction", field=_name(name))
        yield Question("extraction", prompt, _fields_answer([(name, words)]))


def _extraction_missing(page: MarkedPage, rng: Random) -> Iterator[Question]:
    """Fields that the page does not have: an empty value."""
    for name in _missing(page):
        prompt = _say(page, rng, "extraction", field=_name(name))
        yield Question("extraction", prompt, _fields_answer([(name, ())]))


def _extraction_all(page: MarkedPage, rng: Random) -> Iterator[Question]:
    pairs = list(page.fields.items())
    if _fits(page, pairs):
        yield Question("extraction", _say(page, rng, "extraction_all"), _fields_answer(pairs))


def _extraction_some(page: MarkedPage, rng: Random) -> Iterator[Question]:
    """Two to four fields in one question, perhaps one of them missing."""
    names = list(page.fields)
    chosen = rng.sample(names, min(len(names), rng.randint(2, 4)))
    if rng.random() < 0.3:
        chosen.append(rng.choice(_missing(page)))
    pairs = [(name, page.fields.get(name, ())) for name in chosen]
    if len(pairs) > 1 and _fits(page, pairs):
        listed = ", ".join(_name(name) for name in chosen)
        prompt = _say(page, rng, "extraction_some", fields=listed)
        yield Question("extraction", prompt, _fields_answer(pairs))


def _extraction_pointed(page: MarkedPage, rng: Random) -> Iterator[Question]:
    for name, words in page.fields.items():
        answer = _fields_answer([(name, words)])
        box = page.around(words)
        if rng.random() < 0.6:
            wide = (box[3] - box[1]) * rng.uniform(0, 0.4)
            yield Question(
                "extraction", _say(page, rng, "extraction_box"), answer, _grow(box, wide)
            )
        else:
            x, y = rng.uniform(box[0], box[2]), rng.uniform(box[1], box[3])
            yield Question("extraction", _say(page, rng, "extraction_point"), answer, (x, y, x, y))


def _grow(box: Box, by: float) -> Box:
    return (
        max(0.0, box[0] - by),
        max(0.0, box[1] - by),
        min(1.0, box[2] + by),
        min(1.0, box[3] + by),
    )


def _rows(page: MarkedPage) -> dict[int, dict[int, list[int]]]:
    """Of each table and row its cells' marks, in order."""
    tables: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for i, mark in enumerate(page.marks):
        if mark.role == "cell":
            table, row = mark.place
            tables[table][row].append(i)
    return tables


def _table(page: MarkedPage, rng: Random) -> Iterator[Question]:
    areas = [
        i for i, mark in enumerate(page.marks) if (mark.role, mark.name) == ("region", "table")
    ]
    tables = _rows(page)
    for area, rows in zip(areas, tables.values(), strict=True):
        cells = [i for row in rows.values() for i in row]
        words = sum(len(page.words_of[i]) for i in cells)
        columns = sum(page.marks[i].spans[1] for i in rows[min(rows)])
        fits = words <= _limit(page, TABLE_SHARE, MAX_TABLE)
        if not fits or len(rows) > MAX_ROWS or columns > MAX_COLUMNS:
            continue
        answer = TableAnswer(tuple(tuple(_cell(page, i) for i in row) for row in rows.values()))
        if len(tables) == 1 and rng.random() < 0.6:
            yield Question("table", _say(page, rng, "table"), answer)
        else:
            yield Question("table", _say(page, rng, "table_box"), answer, page.box_of[area])


def _cell(page: MarkedPage, i: int) -> Cell:
    mark = page.marks[i]
    return Cell(page.words_of[i], *mark.spans, mark.header)


def _about_fields(page: MarkedPage, rng: Random) -> Iterator[Question]:
    for name, words in page.fields.items():
        asks = phrases()["fields"].get(name, {}).get("ask", [])
        if asks:
            yield Question("question", rng.choice(asks), TextAnswer(words))


def _lookups(page: MarkedPage, rng: Random) -> Iterator[Question]:
    """What a table says for one of its rows; rows that are named alike are not asked for."""
    for rows in _rows(page).values():
        body = [
            {page.marks[i].name: i for i in row}
            for row in rows.values()
            if not any(page.marks[i].header for i in row)
        ]
        body = [row for row in body if "item" in row]
        names = [_text(page, row["item"]) for row in body]
        for row, name in zip(body, names, strict=True):
            for column, i in row.items():
                asks = phrases()["lookups"].get(column.split()[0])
                if asks and name and names.count(name) == 1 and page.words_of[i]:
                    prompt = rng.choice(asks).format(row=name, column=column.partition(" ")[2])
                    yield Question("question", prompt, TextAnswer(page.words_of[i]))


def _text(page: MarkedPage, i: int) -> str:
    return " ".join(page.words[word] for word in page.words_of[i])


def _not_said(page: MarkedPage, rng: Random) -> Iterator[Question]:
    """Questions that the page does not answer."""
    for name in _missing(page):
        field = phrases()["fields"][name]
        if field.get("distinct"):
            yield Question("question", rng.choice(field["ask"]), TextAnswer(()))


def _description(page: MarkedPage, rng: Random) -> Iterator[Question]:
    for template in phrases()["descriptions"].get(page.kind, []):
        words: list[int | str] = []
        for literal, name, _, _ in Formatter().parse(template):
            words += literal.split()
            if name is not None:
                words += page.fields.get(name, ["?"])
        if "?" not in words:
            yield Question("description", _say(page, rng, "description"), TextAnswer(tuple(words)))


def _reading(page: MarkedPage, rng: Random) -> Iterator[Question]:
    for i in page.of("region"):
        words = page.words_of[i]
        if len(words) <= _limit(page, READING_SHARE, MAX_READING):
            wide = rng.uniform(0, 0.006)
            box = _grow(page.around(words), wide)
            yield Question("reading", _say(page, rng, "reading_box"), WordsAnswer(words), box)


MAKERS: dict[str, Callable[[MarkedPage, Random], Iterator[Question]]] = {
    "classification": _classification,
    "layout": _layout,
    "layout_one": _layout_one,
    "entities": _entities,
    "entities_one": _entities_one,
    "extraction": _extraction,
    "extraction_missing": _extraction_missing,
    "extraction_all": _extraction_all,
    "extraction_some": _extraction_some,
    "extraction_pointed": _extraction_pointed,
    "table": _table,
    "about_fields": _about_fields,
    "lookups": _lookups,
    "not_said": _not_said,
    "description": _description,
    "reading": _reading,
}
# Of each sort the least and the most that are asked of one page.
SHARES = {
    "classification": (1, 1),
    "layout": (0, 1),
    "layout_one": (0, 1),
    "entities": (0, 1),
    "entities_one": (0, 1),
    "extraction": (1, 2),
    "extraction_missing": (0, 1),
    "extraction_all": (0, 1),
    "extraction_some": (0, 1),
    "extraction_pointed": (0, 1),
    "table": (1, 1),
    "about_fields": (1, 2),
    "lookups": (1, 2),
    "not_said": (0, 1),
    "description": (1, 1),
    "reading": (1, 1),
}


def longest(answer: Answer) -> int:
    """How many words, of the page or its own, an answer has."""
    match answer:
        case TextAnswer(words) | WordsAnswer(words):
            return len(words)
        case FieldsAnswer(fields):
            return sum(len(field.label) + len(field.value) for field in fields)
        case TableAnswer(rows):
            return sum(len(cell.words) for row in rows for cell in row)
        case _:
            return len(answer.regions)
