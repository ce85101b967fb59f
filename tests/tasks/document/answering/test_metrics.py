"""Every kind's scores agree with counts by hand, and survive what a model may answer."""

import json
import math

import numpy as np
import pytest

from xojl_jax.documents.answers import (
    KINDS,
    Cell,
    Field,
    FieldsAnswer,
    Question,
    RegionsAnswer,
    TableAnswer,
    TextAnswer,
    WordsAnswer,
)
from xojl_jax.documents.json_fields import Region
from xojl_jax.errors import BadInput
from xojl_jax.tasks.document.answering import metrics
from xojl_jax.tasks.document.answering.metrics import SCORES, SHOWN, Result, evaluate
from xojl_jax.tasks.document.answering.table_scores import MAX_NODES, TableCell, teds

WORDS = ("Invoice", "Total:", "12.50", "Date", "May", "2")
BOXES = np.array([[0.1 * i, 0.0, 0.1 * i + 0.1, 0.1] for i in range(len(WORDS))])
LEFT, RIGHT = (0.0, 0.0, 0.4, 1.0), (0.6, 0.0, 1.0, 1.0)


def result(kind, predicted, reference, unit="d", also=()):
    return Result(Question(kind, "?", reference, also=also), predicted, WORDS, BOXES, unit)


def values(results):
    return {name: score["value"] for name, score in evaluate(results).scores.items()}


def text(*words):
    return TextAnswer(words)


def fields(**named):
    return FieldsAnswer(tuple(Field((label,), tuple(value)) for label, value in named.items()))


def regions(*pairs):
    return RegionsAnswer(tuple(Region(label, box) for label, box in pairs))


def test_accuracy_over_all_and_by_kind():
    """A right class by number or by its own word; a wrong field; a text where fields belong."""
    found = values(
        [
            result("classification", text(0), text("invoice")),
            result("extraction", fields(total=[1]), fields(total=[2])),
            result("extraction", text(2), fields(total=[2])),
            result("extraction", fields(total=["12.50"]), fields(total=[2])),
        ]
    )
    assert found["accuracy"] == 0.5
    assert found["classification/accuracy"] == 1
    assert found["extraction/accuracy"] == pytest.approx(1 / 3)
    assert "layout/accuracy" not in found


def test_classes_by_hand():
    """Invoice: 1 of 2 found, 1 of 2 told; letter: 1 of 1, told twice. A class of no reference
    costs recall alone, an answer of another form too."""
    pairs = [("invoice", "invoice"), ("letter", "invoice"), ("letter", "letter")]
    found = values([result("classification", text(told), text(true)) for told, true in pairs])
    assert found["classification/accuracy"] == pytest.approx(2 / 3)
    assert found["classification/macro_precision"] == pytest.approx((1 + 1 / 2) / 2)
    assert found["classification/macro_recall"] == pytest.approx((1 / 2 + 1) / 2)
    assert found["classification/macro_f1"] == pytest.approx(2 / 3)
    pairs = [text("poem"), regions(), text("letter")]
    found = values([result("classification", told, text("letter")) for told in pairs])
    assert found["classification/macro_precision"] == 1
    assert found["classification/macro_recall"] == pytest.approx(1 / 3)


def test_layouts_by_hand():
    """The case of a region does not matter; one box is told twice, one is missing."""
    told = regions(("Text", LEFT), ("text", LEFT), ("table", RIGHT))
    found = values([result("layout", told, regions(("text", LEFT), ("table", RIGHT)))])
    assert found["layout/map"] == found["layout/map_50"] == 1  # the second box comes after all
    assert found["layout/precision"] == pytest.approx(2 / 3)
    assert found["layout/recall"] == 1
    assert found["layout/accuracy"] == 0
    order = regions(("table", RIGHT), ("text", LEFT))
    assert (
        values([result("layout", order, regions(*reversed([("table", RIGHT), ("text", LEFT)])))])[
            "accuracy"
        ]
        == 1
    )


def test_fields_by_hand():
    """Label and value must be right; a value of words that are not on the page has no box."""
    reference = fields(total=[2], date=[4, 5], name=["ACME"])
    told = fields(total=["12.50"], date=[4], other=[0])
    for kind in ("extraction", "entities"):
        found = values([result(kind, told, reference)])
        assert found[f"{kind}/precision"] == found[f"{kind}/recall"] == pytest.approx(1 / 3)
        # total: no box told; date: one of two words; name: nowhere on the page
        assert found[f"{kind}/iou"] == pytest.approx((0 + 0.5) / 2)
        assert values([result(kind, reference, reference)])["accuracy"] == 1


def table(*rows, header=0):
    return TableAnswer(
        tuple(
            tuple(Cell(tuple(c.split()), header=i < header) for c in r) for i, r in enumerate(rows)
        )
    )


def test_tables_by_hand():
    """Two rows of two cells are 6 nodes. One text of four letters with one wrong costs a quarter; a
    row that is missing costs three; a header that is none costs one."""
    reference = table(["a", "b"], ["c", "abcd"])

    def both(told):
        found = values([result("table", told, reference)])
        return found["table/teds"], found["table/teds_structure"]

    assert both(reference) == (1, 1)
    assert both(table(["a", "b"], ["c", "abcx"])) == pytest.approx((1 - 0.25 / 6, 1))
    assert both(table(["a", "b"])) == pytest.approx((0.5, 0.5))
    assert both(table(["a", "b"], ["c", "abcd"], header=1)) == pytest.approx((4 / 6, 4 / 6))
    assert both(text("a")) == (0, 0)
    wide = TableAnswer(((Cell(("a",), columns=2),), (Cell(("c",)), Cell(("abcd",)))))
    assert both(wide) == pytest.approx((1 - 2 / 6, 1 - 2 / 6))  # one cell changed, one gone
    assert values([result("table", TableAnswer(()), TableAnswer(()))])["table/teds"] == 1


def test_large_tables_are_not_compared():
    """Cubic time is not spent; the score says how many tables count."""
    row = (TableCell("x", 1, 1, False),) * MAX_NODES
    assert math.isnan(teds((row,), (row,)))
    large = table(["x"] * MAX_NODES)
    score = evaluate([result("table", large, large), result("table", table(["a"]), table(["a"]))])
    assert score.scores["table/teds"]["records"] == 1
    assert score.scores["table/accuracy"]["records"] == 2


def test_short_answers_by_hand():
    """The words count; the evidence is the box of the words of the page."""
    found = values([result("question", text(4), text(4, 5))])
    assert found["question/exact_match"] == 0
    assert found["question/f1"] == pytest.approx(2 / 3)
    assert found["question/anls"] == pytest.approx(3 / 5)  # "may", "may 2"
    assert found["question/iou"] == pytest.approx(0.5)
    found = values([result("question", text("the", "May", "2"), text(4, 5))])
    assert (found["question/exact_match"], found["question/iou"]) == (1, 0)


def test_the_best_of_several_answers_counts():
    """Protects published figures: ANLS and exact match are the best over the accepted answers, each
    score by itself; one that is not accepted gains nothing."""
    also = (text(4, 5), text("2nd", "of", "May"))
    found = values([result("question", text(4), text("spring"), also=also)])
    assert found["question/anls"] == pytest.approx(3 / 5)  # "may", "may 2"
    assert found["question/f1"] == pytest.approx(2 / 3)
    assert found["question/iou"] == pytest.approx(0.5)
    assert found["question/exact_match"] == found["accuracy"] == 0
    found = values([result("question", text("May", "2"), text("spring"), also=also)])
    assert found["question/exact_match"] == found["accuracy"] == 1
    assert found["question/iou"] == 0  # not told by numbers
    alone = values([result("question", text("May", "2"), text("spring"))])
    assert (alone["question/exact_match"], alone["question/iou"]) == (0, None)


def test_classes_and_descriptions_may_have_several_names():
    """Another name is the class; a description is as good as by the nearest of its texts."""
    bill = result("classification", text("bill"), text("invoice"), also=(text("bill"),))
    found = values([bill, result("classification", text("letter"), text("letter"))])
    assert found["classification/macro_f1"] == found["accuracy"] == 1
    words = ["an", "invoice", "of", "May", "over", "some", "hundred", "dollars"]
    short = result("description", text(*words), text("a", "bill"), also=(text(*words),))
    found = values([short])
    assert found["description/bleu"] == found["description/rouge_l"] == pytest.approx(1)
    assert found["description/meteor"] == pytest.approx(1 - 0.5 / 8**3)


def test_no_answer_is_an_answer():
    """Where there is none, saying so is right, and an answer of another form is wrong."""
    found = values([result("question", told, text()) for told in (text(), text(0), fields())])
    for name in ("exact_match", "f1", "anls", "accuracy"):
        assert found[f"question/{name}"] == pytest.approx(1 / 3), name
    assert found["question/iou"] is None


def test_descriptions_by_hand():
    """A copy scores one but in METEOR, whose penalty is of nltk; another form scores nothing."""
    words = ["an", "invoice", "of", "May", "over", "some", "hundred", "dollars"]
    found = values([result("description", text(*words), text(*words))])
    assert found["description/bleu"] == found["description/rouge_l"] == pytest.approx(1)
    assert found["description/meteor"] == pytest.approx(1 - 0.5 / 8**3)
    found = values([result("description", text("an", "invoice"), text("an", "old", "invoice"))])
    assert found["description/rouge_l"] == pytest.approx(0.8)
    found = values([result("description", fields(), text(*words))])
    assert [found[f"description/{n}"] for n in ("bleu", "rouge_l", "meteor")] == [0, 0, 0]


def test_reading_by_hand():
    """Two of three words told; one of them in its own box, one in half of it."""
    half = (0.1, 0.0, 0.15, 0.1)
    told = WordsAnswer((0, ("total", half)))
    found = values([result("reading", told, WordsAnswer((0, 1, 2)))])
    assert found["reading/precision"] == 1
    assert found["reading/recall"] == pytest.approx(2 / 3)
    assert found["reading/iou"] == pytest.approx((1 + 0.5) / 2)


ANSWERS = [
    text(),
    text(0, "x"),
    WordsAnswer(()),
    WordsAnswer((0, ("x", (0.5, 0.5, 0.5, 0.5)))),
    FieldsAnswer(()),
    fields(total=[]),
    regions(),
    regions(("text", (0.2, 0.2, 0.2, 0.2))),
    TableAnswer(()),
    table(["a", ""]),
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_pair_of_answers_can_be_scored(kind):
    """Of any form, empty, without size; the scores are JSON, and what is shown is among them."""
    results = [
        result(kind, told, true, unit=f"d{i}") for told in ANSWERS for i, true in enumerate(ANSWERS)
    ]
    scores = evaluate(results).scores
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores
    for name, score in scores.items():
        assert score["value"] is None or 0 <= score["value"] <= 1, name
    shown = {name for name in SHOWN if name.startswith(f"{kind}/")}
    assert shown and shown <= scores.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_copies_are_perfect(kind):
    """Every score of a copy of a reference with something in it is 1."""
    full = {
        TextAnswer: text(0, 2, "x", "y"),
        WordsAnswer: WordsAnswer((0, 1, ("x", LEFT))),
        FieldsAnswer: fields(total=[2], date=[4, 5]),
        RegionsAnswer: regions(("text", LEFT), ("table", RIGHT)),
        TableAnswer: table(["a", "b"], ["c", "d"], header=1),
    }[SCORES[kind][0]]
    scores = evaluate([result(kind, full, full, unit=str(i)) for i in range(3)]).scores
    for name, score in scores.items():
        if name != "description/meteor":
            assert (score["value"], score["low"], score["high"]) == pytest.approx((1, 1, 1)), name


def test_a_kind_has_the_form_of_its_scores():
    """A reference of another form counts in the accuracy, and in nothing else."""
    found = values([result("layout", text(0), text(0))])
    assert found == {"accuracy": 1, "layout/accuracy": 1}


def test_intervals_draw_documents_whole():
    """Two documents, one all right, one all wrong: a resample has 0, 1/2 or 1, by kind as well."""
    results = [
        result("question", text(told), text(0), unit=str(told)) for told in (0, 2) for _ in range(9)
    ]
    scores = evaluate(results).scores
    for name in ("accuracy", "question/exact_match"):
        assert [scores[name][part] for part in ("low", "value", "high")] == [0, 0.5, 1]


def test_no_result_is_refused():
    with pytest.raises(BadInput, match="no question"):
        evaluate([])


def test_every_kind_is_scored_and_shown():
    assert SCORES.keys() == KINDS.keys() == {name.split("/")[0] for name in SHOWN} - {"accuracy"}
    assert metrics.SHOWN["accuracy"]
