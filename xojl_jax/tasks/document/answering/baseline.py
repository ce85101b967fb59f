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
from xojl_jax.documents.words_in_box import words_in
from xojl_jax.tasks.document.answering.compared import Page, plain_text
from xojl_jax.tasks.document.answering.table_guess import guess_table, header_rows
from xojl_jax.tasks.document.answering.value_guess import (
    anchors_of,
    find_label,
    fit_values,
    guess_value,
    label_of,
    spans_of,
    value_text,
)


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


def _see_regions(answer: RegionsAnswer, question: Question, page: Page) -> tuple[str, dict]:
    """Its prompt, and boxes by label, from the top."""
    boxes = defaultdict(list)
    for region in answer.regions:
        boxes[region.label].append(list(region.box))
    ordered = {label: sorted(found, key=lambda box: box[1]) for label, found in boxes.items()}
    return question.prompt, ordered


def _fit_regions(seen: list[tuple[str, dict[str, list]]]) -> dict[str, Any]:
    """Of each label its "boxes": as many as the median where it occurs, the first one the median of
    all pages' first ones, and so on. "usual" are the labels that are told when none is named."""
    pages, boxes = [page for _, page in seen], {}
    for label in sorted({label for page in pages for label in page}):
        told = [page[label] for page in pages if label in page]
        places = [
            [found[i] for found in told if len(found) > i]
            for i in range(round(statistics.median(map(len, told))))
        ]
        boxes[label] = [np.median(place, axis=0).tolist() for place in places]
    counts = _median_counts(((prompt, list(page)) for prompt, page in seen), boxes)
    return {"boxes": boxes, "usual": list(counts)}


def _guess_regions(facts: Mapping[str, Any], question: Question, page: Page) -> Answer:
    labels = _named(facts["boxes"], question.prompt) or facts["usual"]
    found = [Region(label, tuple(box)) for label in labels for box in facts["boxes"][label]]
    return RegionsAnswer(tuple(sorted(found, key=lambda region: region.box[1])))


# --- labels ----------------------------------------------------------------------------------


def _named(labels: Iterable[str], prompt: str) -> list[str]:
    """The labels that a prompt names. Of those that are within others the longest."""
    words = prompt.split()
    known = set(map(plain_word, words))
    named = [
        label
        for label in labels
        if label and known.issuperset(map(plain_word, label.split())) and find_label(label, words)
    ]

    def within(label: str, other: str) -> bool:
        return label != other and bool(find_label(label, other.split()))

    return [label for label in named if not any(within(label, other) for other in named)]


def _median_counts(
    answers: Iterable[tuple[str, Sequence[str]]], labels: Iterable[str]
) -> dict[str, float]:
    """How often a label is told where the prompt names none; if all prompts name some, in all
    answers. Labels that are not in most of these are left out."""
    labels, answers = list(labels), list(answers)
    unnamed = {prompt for prompt in dict(answers) if not _named(labels, prompt)}
    bags = [Counter(told) for prompt, told in answers if prompt in unnamed or not unnamed]
    present = Counter(label for bag in bags for label in bag)
    usual = [label for label in labels if 2 * present[label] > len(bags)]
    return {label: statistics.median(bag[label] for bag in bags) for label in usual}


# --- values ----------------------------------------------------------------------------------


class _Fields(NamedTuple):
    prompt: str
    pointed: bool
    fields: list[tuple[str, str]]  # label, value


def _see_fields(answer: FieldsAnswer, question: Question, page: Page) -> _Fields:
    fields = [(plain_text(f.label, page), value_text(f.value, page)) for f in answer.fields]
    return _Fields(question.prompt, question.box is not None, fields)


def _fit_fields(seen: list[_Fields]) -> dict[str, Any]:
    """The "values" by label; "counts", how often a label occurs where the prompt does not choose;
    "named", how often it occurs in an answer that has it."""
    values = fit_values(pair for answer in seen for pair in answer.fields)
    told = [(a.prompt, [label for label, _ in a.fields]) for a in seen if not a.pointed]
    found = defaultdict(list)
    for _, labels in told:
        for label, count in Counter(labels).items():
            found[label].append(count)
    named = {label: statistics.median(counts) for label, counts in found.items()}
    return {"values": values, "counts": _median_counts(told, values), "named": named}


def _asked(facts: Mapping[str, Any], question: Question) -> dict[str, int]:
    """Labels that are asked for, and how many of each: those that the prompt names; if it names
    none, those that are in half of such answers."""
    if named := _named(facts["values"], question.prompt):
        return {label: max(1, round(facts["named"].get(label, 1))) for label in named}
    return {label: round(count) for label, count in facts["counts"].items()}


def _guess_fields(facts: Mapping[str, Any], question: Question, page: Page) -> Answer:
    values = facts["values"]
    if question.box is not None and values:
        value = tuple(words_in(question.box, page[1]))
        label = label_of(value_text(value, page), values)
        return FieldsAnswer((Field(tuple(label.split()), value),))
    fields = []
    for label in _asked(facts, question):
        value = guess_value(values[label], anchors_of(label, page[0]), page)
        fields.append(Field(find_words(label, page[0]), value))
    return FieldsAnswer(tuple(fields))


def _guess_entities(facts: Mapping[str, Any], question: Question, page: Page) -> Answer:
    """As many words as usual of a label's most frequent shape that has some on the page."""
    fields = []
    for label, most in _asked(facts, question).items():
        spans = (spans_of(shape, page[0]) for shape in facts["values"][label]["shapes"] if shape)
        found = next((some for some in spans if some), [])
        fields += [Field(tuple(label.split()), span) for span in found[:most]]
    return FieldsAnswer(tuple(fields))


# --- questions -------------------------------------------------------------------------------


def _see_answer(answer: TextAnswer, question: Question, page: Page) -> tuple[str, str]:
    return question.prompt, value_text(answer.words, page)


def _fit_questions(answers: list[tuple[str, str]]) -> dict[str, Any]:
    """By the keys of questions that training has twice or more, and for any other question."""
    counts = Counter(key for prompt, _ in answers for key in _keys(prompt))
    pairs = [(key, text) for prompt, text in answers for key in _keys(prompt)]
    return fit_values((key, text) for key, text in pairs if counts[key] > 1 or not key)


def _guess_answer(facts: Mapping[str, Any], question: Question, page: Page) -> Answer:
    """Nearest to the page's words that the question has."""
    known = next(facts[key] for key in _keys(question.prompt) if key in facts)
    return TextAnswer(guess_value(known, anchors_of(question.prompt, page[0]), page))


def _keys(prompt: str) -> tuple[str, str, str]:
    """What questions are alike by: all their words, the first two, none."""
    words = [plain_word(word) for word in prompt.split()]
    return " ".join(words), " ".join(words[:2]), ""


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
