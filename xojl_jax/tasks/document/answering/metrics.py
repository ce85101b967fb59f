"""How good answers about pages are, by kind of question, with intervals over documents (R043 to
R045).

R results; n of one kind.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from xojl_jax.documents.answers import (
    KINDS,
    Answer,
    FieldsAnswer,
    Question,
    RegionsAnswer,
    TableAnswer,
    TextAnswer,
    WordsAnswer,
    box_of,
    text_of,
)
from xojl_jax.errors import BadInput
from xojl_jax.evaluation import text_scores
from xojl_jax.evaluation.bootstrap import ScoreTable
from xojl_jax.evaluation.boxes import count_rows, iou, match_labels, mean_precision, paired_iou
from xojl_jax.evaluation.counts import f1_scores, overlap, ratio
from xojl_jax.tasks.document.answering.compared import (
    Page,
    is_accepted,
    labeled_boxes,
    placed_words,
    plain_fields,
    plain_table,
    plain_text,
    value_boxes,
)
from xojl_jax.tasks.document.answering.table_scores import grits, teds

# The scores of the printed table, in order, each with what it says.
SHOWN = {
    "accuracy": "answers right as a whole: form, texts, and boxes at an IoU of .5",
    "classification/accuracy": "kinds of pages right",
    "classification/macro_f1": "F1 of kinds of pages, the mean over kinds",
    "layout/map": "mAP of regions, IoU .50 to .95",
    "layout/map_50": "mAP of regions at an IoU of .50",
    "layout/f1": "F1 of regions at an IoU of .50",
    "entities/f1": "F1 of entities: label and text",
    "entities/iou": "overlap of entities' boxes, by label",
    "extraction/f1": "F1 of fields: label and value",
    "extraction/iou": "overlap of values' boxes, by label",
    "table/teds": "TEDS: tables alike in structure and text",
    "table/teds_structure": "TEDS-Struct: tables alike in structure",
    "table/grits_content": "GriTS_Con: grids alike in text",
    "table/grits_topology": "GriTS_Top: grids alike in spans",
    "question/exact_match": "answers to questions equal but for case, punctuation, articles",
    "question/f1": "F1 of the words of answers to questions",
    "question/anls": "ANLS: answers to questions alike in letters, by half or more",
    "question/iou": "overlap with the place of the answer",
    "description/bleu": "BLEU of descriptions",
    "description/rouge_l": "ROUGE-L of descriptions",
    "description/meteor": "METEOR of descriptions, without synonyms",
    "reading/f1": "F1 of words that are read",
    "reading/iou": "overlap of the boxes of words that are right",
}


class Result(NamedTuple):
    """An answer beside what is true.

    Attributes:
      question: with the reference answer.
      predicted: an answer of any form.
      words, boxes: of the page; boxes float[n, 4].
      unit: what intervals draw whole, such as the page's document.
    """

    question: Question
    predicted: Answer
    words: Sequence[str]
    boxes: np.ndarray
    unit: str

    @property
    def page(self) -> Page:
        return self.words, self.boxes

    @property
    def reference(self) -> Answer:
        assert self.question.answer is not None
        return self.question.answer

    @property
    def texts(self) -> list[str]:
        """All that are right, of answers that are texts."""
        return [_text(answer, self) or "" for answer in self.question.accepted]


class KindTable:
    """The part of a table that one kind of questions fills: n of the R results."""

    def __init__(self, table: ScoreTable, kind: str, where: np.ndarray):
        self.table, self.kind, self.where = table, kind, where

    def add(
        self, rows: Sequence[np.ndarray], score: Callable[[np.ndarray], Mapping[str, np.ndarray]]
    ) -> None:
        """As `ScoreTable.add`, of rows [n, …]."""
        placed = np.zeros((len(self.where), *np.shape(rows)[1:]))
        placed[self.where] = rows
        self.table.add(placed, lambda sums: self._named(score(sums)))

    def add_weighted(self, score: Callable[[np.ndarray], Mapping[str, np.ndarray]]) -> None:
        """As `ScoreTable.add_weighted`, of weights [K, n]."""
        self.table.add_weighted(lambda weights: self._named(score(weights[:, self.where])))

    def add_mean(self, name: str, values: Sequence[float]) -> None:
        """As `ScoreTable.add_mean`, of n values."""
        placed = np.full(len(self.where), np.nan)
        placed[self.where] = values
        self.table.add_mean(f"{self.kind}/{name}", list(placed))

    def _named(self, scores: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {f"{self.kind}/{name}": value for name, value in scores.items()}


def evaluate(results: Sequence[Result]) -> ScoreTable:
    """The scores of R results: "accuracy", and of each kind that occurs its own, "KIND/NAME".

    A reference of another form than `SCORES` has for its kind counts in the accuracies alone.
    """
    if not results:
        raise BadInput("there is no question to evaluate: choose another split, or a larger limit")
    table = ScoreTable(len(results), groups=[result.unit for result in results])
    right = np.array([is_accepted(r.predicted, r.question, r.page) for r in results], float)
    table.add_mean("accuracy", list(right))
    for kind in KINDS:
        where = np.array([result.question.kind == kind for result in results])
        if where.any():
            KindTable(table, kind, where).add_mean("accuracy", list(right[where]))
        form, add = SCORES[kind]
        where &= np.array([isinstance(result.reference, form) for result in results])
        if where.any():
            add(
                KindTable(table, kind, where),
                [r for r, of_kind in zip(results, where, strict=True) if of_kind],
            )
    return table


# --- by kind ---------------------------------------------------------------------------------


def _classification(table: KindTable, results: Sequence[Result]) -> None:
    """Macro scores are means over the classes that the reference has."""
    pairs = [_classes(r) for r in results]
    classes = sorted({reference for _, reference in pairs})
    numbers = {name: i for i, name in enumerate(classes)}
    rows = np.zeros((len(results), 3, len(classes)))
    for row, (told, wanted) in zip(rows, pairs, strict=True):
        row[0 if told == wanted else 2, numbers[wanted]] = 1
        if told != wanted and told in numbers:
            row[1, numbers[told]] = 1

    def scores(sums: np.ndarray) -> dict[str, np.ndarray]:
        occurs = sums[:, 0] + sums[:, 2] > 0
        by_class = f1_scores(sums)
        return {
            f"macro_{name}": _over((by_class[name] * occurs).sum(-1), occurs.sum(-1))
            for name in ("precision", "recall", "f1")
        }

    table.add(list(rows), scores)


def _classes(result: Result) -> tuple[str | None, str]:
    """(told, wanted); any class that is right counts as the wanted one."""
    told, *right = (
        _plain(answer, result) for answer in (result.predicted, *result.question.accepted)
    )
    wanted = right[0] or ""
    return wanted if told in right else told, wanted


def _layout(table: KindTable, results: Sequence[Result]) -> None:
    """Answers have no confidences: regions that are told first count as surer."""
    pages = [(labeled_boxes(r.predicted), labeled_boxes(r.reference)) for r in results]
    matches = match_labels(pages)
    table.add_weighted(lambda weights: mean_precision(matches, weights))
    table.add(list(count_rows(matches, len(pages))), _f1)


def _fields(table: KindTable, results: Sequence[Result]) -> None:
    """Overlap: the mean over values that are on the page; 0 where none is told for the label."""
    fields = [[plain_fields(a, r.page) for a in (r.predicted, r.reference)] for r in results]
    table.add([overlap(Counter(told), Counter(wanted)) for told, wanted in fields], _f1)
    boxes = [[value_boxes(a, r.page) for a in (r.predicted, r.reference)] for r in results]
    overlaps = [np.nan_to_num(paired_iou(*pair)) for pair in boxes]
    table.add([np.array([found.sum(), found.size]) for found in overlaps], _mean_iou)


def _table(table: KindTable, results: Sequence[Result]) -> None:
    pairs = [(plain_table(r.predicted, r.page), plain_table(r.reference, r.page)) for r in results]
    table.add_mean("teds", [teds(*pair) for pair in pairs])
    table.add_mean("teds_structure", [teds(*pair, texts=False) for pair in pairs])
    table.add_mean("grits_content", [grits(*pair) for pair in pairs])
    table.add_mean("grits_topology", [grits(*pair, texts=False) for pair in pairs])


def _question(table: KindTable, results: Sequence[Result]) -> None:
    """By the best of the answers that are right. Overlap: the mean over answers that are on the
    page; 0 where what is told is not."""
    told = [_text(r.predicted, r) for r in results]
    pairs = [
        ("", []) if text is None else (text, r.texts) for text, r in zip(told, results, strict=True)
    ]
    words = text_scores.squad_words
    for name, score in (
        ("exact_match", lambda told, wanted: float(words(told) == words(wanted))),
        ("f1", text_scores.squad_f1),
        ("anls", text_scores.anls),
    ):
        best = [max((score(text, w) for w in right), default=0.0) for text, right in pairs]
        table.add_mean(name, best)
    table.add_mean("iou", [_evidence_iou(r) for r in results])


def _evidence_iou(result: Result) -> float:
    told, *right = (
        box_of(answer.words, result.boxes) if isinstance(answer, TextAnswer) else None
        for answer in (result.predicted, *result.question.accepted)
    )
    wanted = [box for box in right if box is not None]
    if not wanted:
        return float("nan")
    return 0.0 if told is None else float(iou(np.array([told]), np.array(wanted)).max())


def _description(table: KindTable, results: Sequence[Result]) -> None:
    """BLEU is that of all texts together, ROUGE-L and METEOR are means, by the best of the texts
    that are right."""
    split = text_scores.sentence_words
    pairs = [(split(_text(r.predicted, r) or ""), [split(t) for t in r.texts]) for r in results]

    def bleu(sums: np.ndarray) -> dict[str, np.ndarray]:
        return {"bleu": np.where(sums[:, 1] > 0, text_scores.bleu_scores(sums), np.nan)}

    table.add([text_scores.bleu_row(told, *right) for told, right in pairs], bleu)
    for name, score in (("rouge_l", text_scores.rouge_l), ("meteor", text_scores.meteor)):
        table.add_mean(name, [max(score(told, r) for r in right) for told, right in pairs])


def _reading(table: KindTable, results: Sequence[Result]) -> None:
    """Overlap: the mean over words of the reference that are told."""
    words = [[placed_words(a, r.page) for a in (r.predicted, r.reference)] for r in results]
    bags = [[Counter(word for word, _ in side) for side in pair] for pair in words]
    table.add([overlap(*pair) for pair in bags], _f1)
    overlaps = [paired_iou(*pair) for pair in words]
    rows = [np.array([np.nansum(found), (~np.isnan(found)).sum()]) for found in overlaps]
    table.add(rows, _mean_iou)


# Kind -> the form of its answers, and what adds its scores.
SCORES: dict[str, tuple[type, Callable[[KindTable, Sequence[Result]], None]]] = {
    "classification": (TextAnswer, _classification),
    "layout": (RegionsAnswer, _layout),
    "entities": (FieldsAnswer, _fields),
    "extraction": (FieldsAnswer, _fields),
    "table": (TableAnswer, _table),
    "question": (TextAnswer, _question),
    "description": (TextAnswer, _description),
    "reading": (WordsAnswer, _reading),
}


def _plain(answer: Answer, result: Result) -> str | None:
    return plain_text(answer.words, result.page) if isinstance(answer, TextAnswer) else None


def _text(answer: Answer, result: Result) -> str | None:
    return text_of(answer.words, result.words) if isinstance(answer, TextAnswer) else None


def _f1(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Of right, extra and missing [K, 3]; NaN where there is nothing to find and nothing found."""
    scores = f1_scores(sums[..., None])
    something = sums.sum(-1) > 0
    return {
        name: np.where(something, scores[f"micro_{name}"], np.nan)
        for name in ("precision", "recall", "f1")
    }


def _mean_iou(sums: np.ndarray) -> dict[str, np.ndarray]:
    return {"iou": _over(sums[:, 0], sums[:, 1])}


def _over(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The ratio; NaN over nothing."""
    return np.where(whole > 0, ratio(part, whole), np.nan)
