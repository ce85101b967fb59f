"""Answers as scores compare them: texts instead of numbers of words, without case and punctuation
at the ends of words; and whether an answer is right.

Of an answer of another form than a function asks for, there is nothing.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from xojl_jax.documents.answers import (
    Answer,
    FieldsAnswer,
    Question,
    RegionsAnswer,
    TableAnswer,
    TextAnswer,
    Words,
    WordsAnswer,
    box_of,
    plain_word,
    text_of,
)
from xojl_jax.documents.json_fields import Box
from xojl_jax.evaluation.boxes import paired_iou
from xojl_jax.tasks.document.answering.table_scores import Table, TableCell

RIGHT_IOU = 0.5  # a box that overlaps by less is wrong

Page = tuple[Sequence[str], np.ndarray]  # words, and their boxes float[n, 4]


def plain_text(words: Words, page: Page) -> str:
    return " ".join(plain_word(word) for word in text_of(words, page[0]).split())


def placed_words(answer: Answer, page: Page) -> list[tuple[str, Box]]:
    """(word, box) of words with boxes."""
    if not isinstance(answer, WordsAnswer):
        return []
    words, boxes = page
    return [
        (plain_word(words[word]), tuple(boxes[word].tolist()))
        if isinstance(word, int)
        else (plain_word(word[0]), word[1])
        for word in answer.words
    ]


def plain_fields(answer: Answer, page: Page) -> list[tuple[str, str]]:
    """(label, value)."""
    if not isinstance(answer, FieldsAnswer):
        return []
    return [(plain_text(f.label, page), plain_text(f.value, page)) for f in answer.fields]


def value_boxes(answer: Answer, page: Page) -> list[tuple[str, Box]]:
    """(label, box) of those fields whose value is on the page."""
    if not isinstance(answer, FieldsAnswer):
        return []
    found = [(plain_text(f.label, page), box_of(f.value, page[1])) for f in answer.fields]
    return [(label, box) for label, box in found if box is not None]


def labeled_boxes(answer: Answer) -> list[tuple[str, Box]]:
    """(label, box) of regions, in the answer's order."""
    if not isinstance(answer, RegionsAnswer):
        return []
    return [(region.label.casefold(), region.box) for region in answer.regions]


def plain_table(answer: Answer, page: Page) -> Table:
    if not isinstance(answer, TableAnswer):
        return ()
    return tuple(
        tuple(TableCell(plain_text(c.words, page), c.rows, c.columns, c.header) for c in row)
        for row in answer.rows
    )


def is_accepted(predicted: Answer, question: Question, page: Page) -> bool:
    """Whether an answer is right by one of those that a question accepts."""
    return any(is_right(predicted, answer, page) for answer in question.accepted)


def is_right(predicted: Answer, reference: Answer, page: Page) -> bool:
    """Whether an answer has the reference's form and says the same: equal texts, in any order where
    it is fields or regions; boxes with an IoU of `RIGHT_IOU` or more."""
    if type(predicted) is not type(reference):
        return False
    match reference:
        case TextAnswer(words):
            assert isinstance(predicted, TextAnswer)
            return plain_text(predicted.words, page) == plain_text(words, page)
        case WordsAnswer():
            told, wanted = (placed_words(answer, page) for answer in (predicted, reference))
            return [word for word, _ in told] == [word for word, _ in wanted] and _overlap(
                told, wanted
            )
        case FieldsAnswer():
            told, wanted = (plain_fields(answer, page) for answer in (predicted, reference))
            return Counter(told) == Counter(wanted)
        case RegionsAnswer():
            told, wanted = labeled_boxes(predicted), labeled_boxes(reference)
            return len(told) == len(wanted) and _overlap(told, wanted)
        case TableAnswer():
            return plain_table(predicted, page) == plain_table(reference, page)


def _overlap(told: Sequence[tuple[str, Box]], wanted: Sequence[tuple[str, Box]]) -> bool:
    return bool((np.nan_to_num(paired_iou(told, wanted)) >= RIGHT_IOU).all())
