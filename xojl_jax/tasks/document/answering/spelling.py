"""Answers to tokens, and back. `vocabulary.py` has the grammar. T tokens of the page."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from xojl_jax.documents.answers import (
    Answer,
    Cell,
    Field,
    FieldsAnswer,
    RegionsAnswer,
    TableAnswer,
    TextAnswer,
    Word,
    Words,
    WordsAnswer,
    table_grid,
)
from xojl_jax.documents.json_fields import Box, Region
from xojl_jax.documents.words_in_box import words_in
from xojl_jax.evaluation.boxes import iou
from xojl_jax.tasks.document.answering.vocabulary import AnswerVocabulary, Kind

# A region is told by its words where the box around them overlaps with its own as much as this
# (IoU): words are pointed at exactly, while corners are learned slowly.
SPAN_OVERLAP = 0.75


class PageWords(NamedTuple):
    """The words that an answer may copy.

    Attributes:
      words: of the page.
      boxes: float[words, 4], theirs.
      position: int32[words], of each the position of its first piece; -1 where the sample does not
        hold it.
    """

    words: tuple[str, ...]
    boxes: np.ndarray
    position: np.ndarray

    @classmethod
    def of(cls, words: tuple[str, ...], boxes: np.ndarray, word: np.ndarray) -> "PageWords":
        """From the sample's `word`, int32[T]: the number of the word that each piece is of."""
        position = np.full(len(words), -1, np.int32)
        first = first_pieces(word)
        position[word[first]] = np.flatnonzero(first)
        return cls(words, boxes, position)

    def span(self, box: Box) -> tuple[int, int] | None:
        """The first and the last word of a region, where its words follow one another and the box
        around them is nearly its own."""
        numbers = words_in(box, self.boxes)
        if not numbers or numbers[-1] - numbers[0] != len(numbers) - 1:
            return None
        first, last = numbers[0], numbers[-1]
        around = np.array([box_around(self.boxes, first, last)])
        near = iou(around, np.array([box]))[0, 0] >= SPAN_OVERLAP
        held = self.position[first] >= 0 and self.position[last] >= 0
        return (first, last) if near and held else None


def box_around(boxes: np.ndarray, first: int, last: int) -> Box:
    """Around the boxes float[n, 4] of words `first` to `last`."""
    some = boxes[first : last + 1]
    x0, y0 = some[:, :2].min(0).tolist()
    x1, y1 = some[:, 2:].max(0).tolist()
    return x0, y0, x1, y1


def first_pieces(word: np.ndarray) -> np.ndarray:
    """bool[T]: which pieces are the first of their word; word int32[T], -1 in padding."""
    return (word >= 0) & (np.diff(word, prepend=-1) != 0)


# --- to tokens -------------------------------------------------------------------------------


def to_tokens(answer: Answer, page: PageWords, vocabulary: AnswerVocabulary) -> list[int]:
    """The tokens of an answer, EOS included, BOS not. Words that the sample does not hold are
    spelled."""
    return [*_Writer(page, vocabulary).write(answer), Kind.EOS]


class _Writer:
    def __init__(self, page: PageWords, vocabulary: AnswerVocabulary):
        self.page, self.vocabulary = page, vocabulary

    def write(self, answer: Answer) -> Iterator[int]:
        match answer:
            case TextAnswer(words):
                yield Kind.TEXT
                yield from self.words(words)
            case WordsAnswer(words):
                yield Kind.WORDS
                for word in words:
                    yield from self.placed(word)
            case FieldsAnswer(fields):
                yield Kind.FIELDS
                for field in fields:
                    yield Kind.FIELD
                    yield from self.words(field.label)
                    yield Kind.VALUE
                    yield from self.words(field.value)
            case RegionsAnswer(regions):
                yield Kind.REGIONS
                for region in regions:
                    yield Kind.REGION
                    for word in region.label.split() or ["�"]:
                        yield from self.vocabulary.spell(word)
                    yield from self.place(region.box)
            case TableAnswer():
                yield Kind.TABLE
                yield from self.table(answer)

    def words(self, words: Words) -> Iterator[int]:
        for word in words:
            yield from self.word(word)

    def word(self, word: Word) -> Iterator[int]:
        if isinstance(word, str):
            yield from self.vocabulary.spell(word)
        elif (position := self.page.position[word]) >= 0:
            yield self.vocabulary.size + int(position)
        else:
            yield from self.vocabulary.spell(self.page.words[word])

    def placed(self, word: int | tuple[str, Box]) -> Iterator[int]:
        if isinstance(word, int):
            if self.page.position[word] >= 0:
                yield from self.word(word)
            return  # a word that is cut off has no place to copy
        yield from self.vocabulary.spell(word[0])
        yield from map(self.vocabulary.corner, word[1])

    def place(self, box: Box) -> Iterator[int]:
        """A region's box, by its words or by its corners."""
        if span := self.page.span(box):
            for word in span:
                yield from self.word(word)
        else:
            yield from map(self.vocabulary.corner, box)

    def table(self, table: TableAnswer) -> Iterator[int]:
        grid = table_grid(table)
        cells = [cell for row in table.rows for cell in row]
        above = np.pad(grid, ((1, 0), (0, 0)), constant_values=-1)
        left = np.pad(grid, ((0, 0), (1, 0)), constant_values=-1)
        for r, row in enumerate(grid):
            for c, number in enumerate(row):
                up, back = above[r, c] == number, left[r, c] == number
                if up or back:
                    yield Kind.CROSS if up and back else Kind.UP if up else Kind.LEFT
                    continue
                yield Kind.HEADER if cells[number].header else Kind.CELL
                yield from self.words(cells[number].words)
            yield Kind.ROW


# --- from tokens -----------------------------------------------------------------------------


def from_tokens(
    tokens: Sequence[int], word: np.ndarray, boxes: np.ndarray, vocabulary: AnswerVocabulary
) -> Answer:
    """The answer that tokens of the language spell, EOS last; what comes behind it is not read.

    Args:
      word: int32[T], of the sample: the number of the word that each piece is of.
      boxes: float[n, 4], of the page's words.
    """
    return _Reader(list(map(int, tokens)), word, boxes, vocabulary).read()


class _Reader:
    """Reads from the left; `kind` is what comes next."""

    def __init__(
        self,
        tokens: list[int],
        word: np.ndarray,
        boxes: np.ndarray,
        vocabulary: AnswerVocabulary,
    ):
        self.tokens, self.word_of, self.boxes = tokens, word, boxes
        self.vocabulary = vocabulary
        self.kinds = vocabulary.kinds()
        self.at = 0

    @property
    def kind(self) -> int:
        return int(self.kinds[min(self.tokens[self.at], self.vocabulary.size)])

    def next(self) -> int:
        self.at += 1
        return self.tokens[self.at - 1]

    def read(self) -> Answer:
        form = self.next()
        if form == Kind.TEXT:
            return TextAnswer(self.words())
        if form == Kind.WORDS:
            return WordsAnswer(tuple(self.each(self.placed)))
        if form == Kind.FIELDS:
            return FieldsAnswer(tuple(self.each(self.field)))
        if form == Kind.REGIONS:
            return RegionsAnswer(tuple(self.each(self.region)))
        return self.table()

    def each(self, read):
        while self.kind != Kind.EOS:
            yield read()

    def words(self) -> Words:
        found: list[Word] = []
        while self.kind in (Kind.POINTER, Kind.BEGIN):
            found.append(self.pointed() if self.kind == Kind.POINTER else self.spelled())
        return tuple(found)

    def pointed(self) -> int:
        return int(self.word_of[self.next() - self.vocabulary.size])

    def spelled(self) -> str:
        pieces = [self.next()]
        while self.kind == Kind.CONTINUE:
            pieces.append(self.next())
        return self.vocabulary.read(pieces)

    def box(self) -> Box:
        x0, y0, x1, y1 = (self.vocabulary.coordinate(self.next()) for _ in range(4))
        return x0, y0, x1, y1

    def placed(self) -> int | tuple[str, Box]:
        return self.pointed() if self.kind == Kind.POINTER else (self.spelled(), self.box())

    def field(self) -> Field:
        self.next()
        label = self.words()
        self.next()
        return Field(label, self.words())

    def region(self) -> Region:
        self.next()
        label = [self.spelled()]
        while self.kind == Kind.BEGIN:
            label.append(self.spelled())
        return Region(" ".join(label), self.box() if self.kind == Kind.CORNER else self.span())

    def span(self) -> Box:
        first = self.pointed()
        return box_around(self.boxes, first, self.pointed())

    def table(self) -> TableAnswer:
        marks: list[list[int]] = []  # a row's tokens, one a column
        contents: list[list[Words]] = []
        while self.kind != Kind.EOS:
            marks.append([])
            contents.append([])
            while self.kind != Kind.ROW:
                marks[-1].append(self.next())
                contents[-1].append(self.words())
            self.next()
        return TableAnswer(
            tuple(
                tuple(
                    Cell(
                        contents[r][c],
                        _count([row[c] for row in marks[r + 1 :]], Kind.UP),
                        _count(marks[r][c + 1 :], Kind.LEFT),
                        mark == Kind.HEADER,
                    )
                    for c, mark in enumerate(row)
                    if mark in (Kind.CELL, Kind.HEADER)
                )
                for r, row in enumerate(marks)
            )
        )


def _count(marks: Sequence[int], kind: Kind) -> int:
    """1, and how many marks of this kind come first."""
    number = 1
    for mark in marks:
        if mark != kind:
            break
        number += 1
    return number
