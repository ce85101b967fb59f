"""Answers without a model: what training has most often, in the place where it belongs.

A trained model has to beat them. By kind: the most frequent class; the usual regions at their
median places; values by their looks, nearest to their label; a table's rows and columns by the gaps
between words; the most frequent description, or the page's first words; the words in the box that
is pointed at (which is nearly the truth, as that is how such questions are made).
"""

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from xojl_jax.documents.answers import (
    Answer,
    Field,
    FieldsAnswer,
    Question,
    RegionsAnswer,
    TableAnswer,
    TextAnswer,
    WordsAnswer,
    find_words,
    plain_word,
    text_of,
)
from xojl_jax.documents.json_fields import Region
from xojl_jax.tasks.document.answering.compared import Page, plain_text
from xojl_jax.tasks.document.answering.table_guess import guess_table, header_rows
from xojl_jax.tasks.document.answering.value_guess import (
    find_label,
    fit_values,
    guess_value,
    spans_of,
    value_text,
)
from xojl_jax.tasks.document.answering.words_in_box import words_in

_SHORTEST = 4  # letters of a question's words that are looked for on the page


class Guesser(NamedTuple):
    """How one kind is guessed.

    Attributes:
      form: of its answers.
      see: (answer, question, page) -> what is kept of an example, whose answer has that form.
      fit: of all that was kept -> facts, ready for JSON.
      guess: (facts, question, page) -> an answer.
    """

    form: Callable[[tuple], Answer]
    see: Callable[[Any, Question, Page], Any]
    fit: Callable[[list], Any]
    guess: Callable[[Any, Question, Page], Answer]


def fit(examples: Iterable[tuple[Question, Sequence[str], np.ndarray]]) -> dict[str, Any]:
    """Facts about training's questions, by kind, ready for JSON.

    Args:
      examples: (question, the page's words, their boxes float[n, 4]); one without an answer, or
        with one of another form than its kind has, does not count.
    """
    seen = defaultdict(list)
    for question, words, boxes in examples:
        guesser = GUESSERS[question.kind]
        if type(question.answer) is guesser.form:
            seen[question.kind].append(guesser.see(question.answer, question, (words, boxes)))
    return {kind: GUESSERS[kind].fit(seen[kind]) for kind in GUESSERS if seen[kind]}


def guess(
    facts: Mapping[str, Any], question: Question, words: Sequence[str], boxes: np.ndarray
) -> Answer:
    """An answer by facts of `fit`; an empty one where training has no such kind."""
    guesser = GUESSERS[question.kind]
    if question.kind not in facts:
        return guesser.form(())
    return guesser.guess(facts[question.kind], question, (words, boxes))


def _most(counts: Counter[str]) -> str:
    """The most frequent text; of equals the first in the alphabet, whatever the order of
    counting."""
    return min(counts, key=lambda text: (-counts[text], text))


# --- classes, descriptions, words ------------------------------------------------------------


def _see_text(answer: TextAnswer, question: Question, page: Page) -> str:
    return text_of(answer.words, page[0])


def _guess_class(facts: str, question: Question, page: Page) -> Answer:
    return TextAnswer(tuple(facts.split()))


def _fit_description(texts: list[str]) -> dict[str, Any]:
    counts = Counter(texts)
    common = _most(counts)
    length = round(statistics.median(len(text.split()) for text in texts))
    return {"text": common if counts[common] > 1 else None, "words": length}


def _guess_description(facts: Mapping[str, Any], question: Question, page: Page) -> Answer:
    if facts["text"] is not None:
        return TextAnswer(tuple(facts["text"].split()))
    return TextAnswer(tuple(range(min(facts["words"], len(page[0])))))


def _guess_reading(facts: None, question: Question, page: Page) -> Answer:
    return WordsAnswer(tuple(words_in(question.box, page[1])))


# --- regions ---------------------------------------------------------------------------------


def _see_regions(answer: RegionsAnswer, question: Question, page: Page) -> dict[str, list]:
    """Boxes by label, from the top."""
    boxes = defaultdict(list)
    for region in answer.regions:
        boxes[region.label].append(list(region.box))
    return {label: sorted(found, key=lambda box: box[1]) for label, found in boxes.items()}


def _fit_regions(pages: list[dict[str, list]]) -> list[tuple[str, list[float]]]:
    """(label, box): of each label the median count over pages; the first box is the median of all
    pages' first ones, and so on."""
    found = []
    for label in sorted({label for page in pages for label in page}):
        count = round(statistics.median(len(page.get(label, ())) for page in pages))
        for i in range(count):
            boxes = [page[label][i] for page in pages if len(page.get(label, ())) > i]
            found.append((label, np.median(boxes, axis=0).tolist()))
    return sorted(found, key=lambda region: region[1][1])


def _guess_regions(facts: Sequence, question: Question, page: Page) -> Answer:
    return RegionsAnswer(tuple(Region(label, tuple(box)) for label, box in facts))


# --- values ----------------------------------------------------------------------------------


def _see_fields(answer: FieldsAnswer, question: Question, page: Page) -> list[tuple[str, str]]:
    return [(plain_text(f.label, page), value_text(f.value, page)) for f in answer.fields]


def _fit_fields(answers: list[list[tuple[str, str]]]) -> dict[str, Any]:
    """ "values" by label, and how often each label occurs in an answer: "counts", a median."""
    counts = [Counter(label for label, _ in fields) for fields in answers]
    values = fit_values(pair for fields in answers for pair in fields)
    of_label = {label: statistics.median(count[label] for count in counts) for label in values}
    return {"values": values, "counts": of_label}


def _guess_fields(facts: Mapping[str, Any], question: Question, page: Page) -> Answer:
    """The labels that the prompt names; if it names none, those that are in half of the answers."""
    fields = []
    for label in _asked(facts, question):
        anchors = find_label(label, page[0])
        value = guess_value(facts["values"][label], anchors, page)
        fields.append(Field(find_words(label, page[0]), value))
    return FieldsAnswer(tuple(fields))


def _guess_entities(facts: Mapping[str, Any], question: Question, page: Page) -> Answer:
    """As many words as usual of a label's most frequent shape that has some on the page."""
    fields = []
    for label in _asked(facts, question):
        spans = (spans_of(shape, page[0]) for shape in facts["values"][label]["shapes"] if shape)
        found = next((some for some in spans if some), [])
        most = max(1, round(facts["counts"][label]))
        fields += [Field(tuple(label.split()), span) for span in found[:most]]
    return FieldsAnswer(tuple(fields))


def _asked(facts: Mapping[str, Any], question: Question) -> list[str]:
    """Labels that are asked for. Of labels in the prompt that are within others the longest."""
    prompt = question.prompt.split()
    named = [label for label in facts["values"] if label and find_label(label, prompt)]
    named = [
        label
        for label in named
        if not any(label != other and find_label(label, other.split()) for other in named)
    ]
    return named or [label for label, count in facts["counts"].items() if count >= 1]


# --- questions -------------------------------------------------------------------------------


def _see_answer(answer: TextAnswer, question: Question, page: Page) -> tuple[str, str]:
    return _beginning(question), value_text(answer.words, page)


def _fit_questions(answers: list[tuple[str, str]]) -> dict[str, Any]:
    """By the first two words of questions; "" is any other question."""
    return fit_values([*answers, *(("", text) for _, text in answers)])


def _guess_answer(facts: Mapping[str, Any], question: Question, page: Page) -> Answer:
    """Nearest to the page's words that the question has."""
    asked = {plain_word(word) for word in question.prompt.split()}
    anchors = [
        i
        for i, word in enumerate(map(plain_word, page[0]))
        if word in asked and len(word) >= _SHORTEST
    ]
    return TextAnswer(guess_value(facts.get(_beginning(question), facts[""]), anchors, page))


def _beginning(question: Question) -> str:
    return " ".join(plain_word(word) for word in question.prompt.split()[:2])


GUESSERS: dict[str, Guesser] = {
    "classification": Guesser(TextAnswer, _see_text, lambda t: _most(Counter(t)), _guess_class),
    "layout": Guesser(RegionsAnswer, _see_regions, _fit_regions, _guess_regions),
    "entities": Guesser(FieldsAnswer, _see_fields, _fit_fields, _guess_entities),
    "extraction": Guesser(FieldsAnswer, _see_fields, _fit_fields, _guess_fields),
    "table": Guesser(
        TableAnswer,
        lambda answer, *_: header_rows(answer),
        lambda rows: round(statistics.median(rows)),
        lambda rows, question, page: guess_table(question.box, page, rows),
    ),
    "question": Guesser(TextAnswer, _see_answer, _fit_questions, _guess_answer),
    "description": Guesser(TextAnswer, _see_text, _fit_description, _guess_description),
    "reading": Guesser(
        WordsAnswer, lambda answer, question, page: None, lambda _: None, _guess_reading
    ),
}
