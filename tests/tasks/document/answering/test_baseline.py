"""What is guessed without a model: by hand for every kind, and for whatever training holds."""

import json

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
from xojl_jax.tasks.document.answering import baseline
from xojl_jax.tasks.document.answering.metrics import SCORES
from xojl_jax.tasks.document.answering.value_guess import shape, spans_of


def page(text):
    """Words and boxes of lines of text: a letter is .02 wide, a line .04 high, a gap as well."""
    words, boxes = [], []
    for row, line in enumerate(text.splitlines()):
        at = 0
        for word in line.split():
            at = line.index(word, at)
            words.append(word)
            boxes.append([at * 0.02, row * 0.08, (at + len(word)) * 0.02, row * 0.08 + 0.04])
            at += len(word)
    return tuple(words), np.array(boxes).reshape(-1, 4)


INVOICE = page("Invoice 7          May 2\nShoes       9.50\nTotal: EUR 12.50\nPaid  4.25")


def guess(kind, examples, asked, box=None, on=INVOICE):
    """The guess about a page after (prompt, answer) pairs on that page; facts go through JSON."""
    seen = [(Question(kind, prompt, answer), *on) for prompt, answer in examples]
    facts = json.loads(json.dumps(baseline.fit(seen)))
    return baseline.guess(facts, Question(kind, asked, box=box), *on)


def fields(**named):
    return FieldsAnswer(tuple(Field((label,), tuple(value)) for label, value in named.items()))


def test_the_most_frequent_class():
    """Of equally frequent ones the same whatever the order; case is kept."""
    texts = [TextAnswer((word,)) for word in ("letter", "Invoice", "Invoice")]
    assert guess("classification", [("?", text) for text in texts], "?") == texts[1]
    ties = [("?", text) for text in texts[:2]]
    assert guess("classification", ties, "?") == guess("classification", ties[::-1], "?")


def test_shapes_of_words():
    assert shape("12.50 May ACME-7 (x)") == "9.9 Aa A-9 (a)"
    assert shape("May, 2026.") == "Aa 9" and shape("...") == "..."
    assert spans_of("Aa 9", ["May", "2", "July,", "30", "x"]) == [(0, 1), (2, 3)]


def test_a_value_is_the_nearest_of_its_shape():
    """Of three amounts that to the right of the label, and not the one above or below it."""
    seen = [
        ("What is the total?", fields(total=["9.50"])),
        ("What is the total?", fields(total=["1.1"])),
    ]
    words = INVOICE[0]
    found = guess("extraction", seen, "What is the Total?")
    assert found == FieldsAnswer((Field((words.index("Total:"),), (words.index("12.50"),)),))
    other = page("Total  3.14\nSum  2.71")
    found = guess("extraction", seen, "Read the fields.", on=other)
    assert found.fields[0].value == (1,)


def test_fields_that_the_prompt_does_not_name_are_the_usual_ones():
    """A label of one answer in three is left out; a named one is told alone."""
    seen = [("Read all.", fields(total=["1.50"])), ("Read all.", fields(total=["2.50"]))]
    seen += [("Read all.", fields(total=["3.50"], date=["June", "3"]))]
    assert [f.value for f in guess("extraction", seen, "Read all.").fields] == [(8,)]
    named = guess("extraction", seen, "Read the date.")
    assert named == FieldsAnswer((Field(("date",), (0, 1)),))  # the first one: no label is near


def test_a_field_that_is_pointed_at_is_named_by_its_looks():
    """The words of the box, with the label whose values look so."""
    seen = [("?", fields(date=[2, 3], total=[8])), ("?", fields(date=["June", "5"], total=["7.1"]))]
    box = tuple(INVOICE[1][5])
    found = guess("extraction", seen, "What is in this box?", box=box)
    assert found == FieldsAnswer((Field(("total",), (5,)),))


def test_a_label_is_looked_for_by_its_words_too():
    """ "Paid in all" is not on the page, "Paid" is."""
    seen = [
        ("Read it.", FieldsAnswer((Field(("paid", "in", "all"), (w,)),))) for w in ("1.1", "2.2")
    ]
    assert guess("extraction", seen, "Read it.").fields[0].value == (INVOICE[0].index("4.25"),)


def test_a_value_that_is_always_the_same_is_told():
    """As words of the page where it stands there; else as its own."""
    seen = [("?", fields(currency=["EUR"], by=["cash"]))] * 2
    values = [field.value for field in guess("extraction", seen, "?").fields]
    assert values == [(INVOICE[0].index("EUR"),), ("cash",)]


def test_entities_are_as_many_as_usual():
    """Two amounts of three, from the top."""
    answers = [
        FieldsAnswer(tuple(Field(("amount",), (f"{i}.5{j}",)) for i in (1, 2))) for j in (1, 2)
    ]
    found = guess("entities", [("?", answer) for answer in answers], "?")
    assert [INVOICE[0][number] for field in found.fields for number in field.value] == [
        "9.50",
        "12.50",
    ]


def test_a_question_is_answered_beside_its_words():
    """By the shape of answers to questions that begin like it; by that of all, otherwise."""
    seen = [("How much is paid?", TextAnswer((word,))) for word in ("1.10", "2.10")]
    seen += [("When was it?", TextAnswer(("June", digit))) for digit in "345"]
    words = INVOICE[0]
    assert guess("question", seen, "How much was paid?") == TextAnswer((words.index("4.25"),))
    assert guess("question", seen, "When was the invoice?") == TextAnswer((2, 3))
    assert guess("question", seen, "Who?") == TextAnswer((0, 1))  # the first one
    twice = [*seen, *[("Who paid the shoes?", TextAnswer((word,))) for word in ("Ann", "Bo")]]
    assert guess("question", twice, "Who paid the shoes?") == TextAnswer((6,))  # no other "Aa"
    nothing = [("Who?", TextAnswer(()))] * 2
    assert guess("question", nothing, "Who?") == TextAnswer(())


def test_regions_are_in_their_median_places():
    """The first text of every page makes the first; the third one, of one page alone, is left
    out."""
    box, low = (0.0, 0.0, 0.5, 0.1), (0.0, 0.5, 0.5, 0.6)
    one = [Region("text", low), Region("text", box)]
    two = [Region("text", (0.0, 0.1, 0.5, 0.2)), Region("text", low)]
    answers = [RegionsAnswer(tuple(r)) for r in (one, two, [*one, Region("text", low)])]
    found = guess("layout", [("?", answer) for answer in answers], "?")
    assert found == RegionsAnswer((Region("text", box), Region("text", low)))


def test_regions_that_the_prompt_names():
    """Only these, whether other prompts name some or none; what one page in three has is no usual
    label."""
    box, low = (0.0, 0.0, 0.5, 0.1), (0.0, 0.5, 0.5, 0.6)
    text, table = Region("text", box), Region("table", low)
    seen = [("Find all.", RegionsAnswer((text,)))] * 2
    seen += [("Find all.", RegionsAnswer((text, table))), ("The table?", RegionsAnswer((table,)))]
    assert guess("layout", seen, "Where is the table?") == RegionsAnswer((table,))
    assert guess("layout", seen, "Where is what?") == RegionsAnswer((text,))


def test_a_table_is_cut_at_its_gaps():
    """A column that is empty in one row stays; words within a cell are in order."""
    text = "thing      price   note\nred shoes  9.50\nhat        1.25    old hat"
    header = TableAnswer(((Cell(("x",), header=True),), (Cell(("y",)),)))
    found = guess("table", [("?", header)], "?", on=page(text))
    cells = [[[page(text)[0][i] for i in cell.words] for cell in row] for row in found.rows]
    assert cells == [
        [["thing"], ["price"], ["note"]],
        [["red", "shoes"], ["9.50"], []],
        [["hat"], ["1.25"], ["old", "hat"]],
    ]
    assert [cell.header for row in found.rows for cell in row] == [True] * 3 + [False] * 6
    part = guess("table", [("?", header)], "?", box=(0, 0.05, 1, 1), on=page(text))
    assert len(part.rows) == 2


def test_descriptions():
    """A sentence that training repeats; else the first words of the page, as many as usual."""
    repeated = [("?", TextAnswer(("a", "letter")))] * 2 + [("?", TextAnswer(("x",)))]
    assert guess("description", repeated, "?") == TextAnswer(("a", "letter"))
    single = [("?", TextAnswer(("a",) * n)) for n in (2, 3, 9)]
    assert guess("description", single, "?") == TextAnswer((0, 1, 2))


def test_words_where_the_prompt_points():
    words = INVOICE[0]
    seen = [("?", WordsAnswer((0,)))]
    found = guess("reading", seen, "?", box=(0, 0.05, 1, 0.15))
    assert [words[i] for i in found.words] == ["Shoes", "9.50"]


@pytest.mark.parametrize("kind", KINDS)
def test_something_is_answered_to_everything(kind):
    """In the form of its kind: without training, without words, after empty answers, and after
    answers of another form."""
    form = SCORES[kind][0]
    empty = page("")
    for examples in (
        [],
        [("?", form(()))],
        [("?", None)],
        [("?", TableAnswer(((Cell(()),),))), ("?", TextAnswer(("x",)))],
        [("?", RegionsAnswer((Region("x", (0, 0, 1, 1)),))), ("?", fields(x=[], y=["z"]))],
    ):
        for on in (INVOICE, empty):
            for box in (None, (0.2, 0.2, 0.2, 0.2)):
                seen = [(prompt, answer) for prompt, answer in examples]
                assert isinstance(guess(kind, seen, "x y?", box=box, on=on), form)
