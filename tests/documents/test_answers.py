"""Questions and answers of a page, read and written."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xojl_jax.documents import answers
from xojl_jax.documents.answers import Cell, Field, Question, TableAnswer, TextAnswer
from xojl_jax.documents.json_fields import Region
from xojl_jax.documents.record import DocumentRecord, parse_record, record_to_json
from xojl_jax.xojl.faults import XojlError

WORDS = 9  # of the page
_own = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=5)
_word = st.integers(0, WORDS - 1) | _own.filter(lambda word: word.split() == [word])
_words = st.lists(_word, max_size=4).map(tuple)
_label = st.lists(_word, min_size=1, max_size=3).map(tuple)


@st.composite
def boxes(draw):
    x0, x1 = sorted(draw(st.tuples(*[st.integers(0, 10**4)] * 2)))
    y0, y1 = sorted(draw(st.tuples(*[st.integers(0, 10**4)] * 2)))
    return tuple(value / 10**4 for value in (x0, y0, x1, y1))


@st.composite
def tables(draw):
    """Cells cut out of a grid: a place that is free takes what is free to the right and below."""
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    taken, found = np.zeros((rows, columns), bool), []
    for r in range(rows):
        found.append([])
        for c in range(columns):
            if taken[r, c]:
                continue
            width = draw(st.integers(1, columns - c))
            while taken[r, c : c + width].any():
                width -= 1
            height = draw(st.integers(1, rows - r))
            taken[r : r + height, c : c + width] = True
            found[-1].append(Cell(draw(_words), height, width, draw(st.booleans())))
    return TableAnswer(tuple(map(tuple, found)))


def every_answer():
    pairs = st.integers(0, WORDS - 1) | st.tuples(_own.filter(str.split), boxes())
    fields = st.lists(st.builds(Field, _label, _words), max_size=3).map(tuple)
    regions = st.lists(st.builds(Region, _own, boxes()), max_size=3).map(tuple)
    return st.one_of(
        st.builds(TextAnswer, _words),
        st.builds(answers.WordsAnswer, st.lists(pairs, max_size=3).map(tuple)),
        st.builds(answers.FieldsAnswer, fields),
        st.builds(answers.RegionsAnswer, regions),
        tables(),
    )


@given(every_answer(), st.sampled_from(list(answers.KINDS)), boxes() | st.none())
def test_what_is_written_is_read_back(answer, kind, box):
    """Protects that records keep their questions whole."""
    words = tuple(f"w{i}" for i in range(WORDS))
    record = DocumentRecord(
        "a", "b", "c.png", (1, 1), words, np.zeros((WORDS, 4), np.float32),
        questions=(Question(kind, "say", answer, box), Question(kind, "say")),
    )  # fmt: skip
    assert parse_record(record_to_json(record)).questions == record.questions


def test_a_table_covers_a_rectangle():
    """Protects spans: every place has one cell, as in HTML."""
    whole = TableAnswer(((Cell((1,), rows=2), Cell((2,), columns=2)), (Cell(()), Cell(()))))
    np.testing.assert_array_equal(answers.table_grid(whole), [[0, 1, 1], [0, 2, 3]])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"text": [WORDS]}, "a number below 9"),
        ({"text": ["two words"]}, "one word as a string"),
        ({"text": [], "fields": []}, "an object with one of text, words"),
        ({"fields": [{"label": [], "value": [1]}]}, "a label of one word or more"),
        ({"regions": [{"label": "a", "box": [0, 0, 2, 1]}]}, "in [0, 1] of the page"),
        ({"table": [[{"words": [], "rows": 2}], [{"words": []}]]}, "cells that cover a rectangle"),
        ({"table": [[{"words": [], "rows": 2}]]}, "cells that cover a rectangle"),
        ({"table": [[{"words": [], "columns": 0}]]}, "rows and columns from 1"),
        ({"words": [["own", [0.5, 0, 0, 1]]]}, "x0 <= x1"),
    ],
)
def test_what_is_wrong_is_said(answer, said):
    """Protects people with records of their own: the place, and what belongs there."""
    question = {"kind": "question", "prompt": "say", "answer": answer}
    fields = {"id": "a", "document": "b", "image": "c.png", "image_size": [1, 1]}
    fields |= {"words": ["w"] * WORDS, "boxes": [[0, 0, 1, 1]] * WORDS, "questions": [question]}
    with pytest.raises(XojlError) as error:
        parse_record(json.dumps(fields))
    assert said in str(error.value)
    assert "questions[0] answer" in str(error.value)


def test_a_text_is_found_on_the_page():
    """Protects exact answers: a text that is on the page is its words, wherever they differ in
    case or in punctuation at their ends."""
    page = ("Total:", "12.50", "EUR,", "total", "12.50")
    assert answers.find_words("total 12.50 EUR", page) == (0, 1, 2)
    assert answers.find_words("total 13", page) == ("total", "13")
    assert answers.find_words("", page) == ()
