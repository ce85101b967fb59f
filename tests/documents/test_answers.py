"""Questions and answers of a page, read and written."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.documents.random_answers import WORDS, boxes, every_answer
from xojl_jax.documents import answers
from xojl_jax.documents.answers import Cell, Question, TableAnswer, TextAnswer
from xojl_jax.documents.record import DocumentRecord, parse_record, record_to_json
from xojl_jax.xojl.faults import XojlError


@given(every_answer(), st.sampled_from(list(answers.KINDS)), boxes() | st.none())
def test_what_is_written_is_read_back(answer, kind, box):
    """Protects that records keep their questions whole."""
    words = tuple(f"w{i}" for i in range(WORDS))
    record = DocumentRecord(
        "a", "b", "c.png", (1, 1), words, np.zeros((WORDS, 4), np.float32),
        questions=(Question(kind, "say", answer, box), Question(kind, "say")),
    )  # fmt: skip
    assert parse_record(record_to_json(record)).questions == record.questions


def test_several_texts_are_right():
    """Protects data sets with lists of answers, and records without any, which stay as they were;
    numbers of words are checked in each."""
    question = Question(
        "question", "say", TextAnswer((1, "x")), also=(TextAnswer((2,)), TextAnswer(()))
    )
    fields = answers.question_to_fields(question)
    assert fields["also"] == [[2], []]
    assert answers.read_questions([fields], "q") == (question,)
    assert answers.read_questions([fields | {"also": ["a b"]}], "q")[0].also == (
        TextAnswer(("a", "b")),
    )
    assert question.accepted == (question.answer, *question.also)
    alone = Question("question", "say", TextAnswer((1,)))
    assert "also" not in answers.question_to_fields(alone) and alone.accepted == (alone.answer,)
    assert Question("question", "say").accepted == ()
    record = {"id": "a", "document": "b", "image": "c.png", "image_size": [1, 1], "words": ["w"]}
    record |= {"boxes": [[0, 0, 1, 1]]}
    for changed, said in (
        ({"also": 3}, "a list of texts"),
        ({"also": [[0], [1]]}, "questions[0] also[1]: expected a number below 1"),
        ({"answer": {"fields": []}}, "only where the answer is a text"),
        ({"answer": None}, "only where the answer is a text"),
    ):
        asked = fields | {"answer": {"text": [0]}, "also": [[0]]} | changed
        with pytest.raises(XojlError) as error:
            parse_record(record | {"questions": [asked]})
        assert said in str(error.value)


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
