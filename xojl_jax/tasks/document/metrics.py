"""Scores of what was hidden, and of vectors, with intervals over documents (R040 to R042).

R pages.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from xojl_jax.evaluation.bootstrap import ScoreTable
from xojl_jax.evaluation.retrieval import (
    chance_scores,
    closeness,
    pair_scores,
    retrieval_scores,
)


class Told(NamedTuple):
    """Of one page: what was asked at k places, and how it was answered.

    right: bool[k]. log_prob: float[k], of the truth.
    """

    right: np.ndarray
    log_prob: np.ndarray


# Objective -> names of its scores: the share that is right, and the perplexity.
NAMES = {
    "mlm": ("mlm_accuracy", "mlm_perplexity"),
    "mim": ("mim_accuracy", "mim_perplexity"),
    "wpa": ("wpa_accuracy", None),
}


class Vectors(NamedTuple):
    """text, picture: float[D] of a page, which shall find one another."""

    text: np.ndarray
    picture: np.ndarray


def evaluate(pages: Sequence[dict[str, Told]], groups: Sequence[str]) -> ScoreTable:
    """Every objective's scores over R pages, a page counting as often as it is asked.

    Args:
      groups: of each page what it is alike with, its document: intervals are over these.
    """
    table = ScoreTable(len(pages), groups=groups)
    for objective, (accuracy, perplexity) in NAMES.items():
        if not pages or objective not in pages[0]:
            continue
        told = [page[objective] for page in pages]
        rows = np.array([[t.right.sum(), -t.log_prob.sum(), len(t.right)] for t in told])

        def scores(sums: np.ndarray, accuracy=accuracy, perplexity=perplexity):
            asked = np.where(sums[:, 2] > 0, sums[:, 2], np.nan)
            found = {accuracy: sums[:, 0] / asked}
            return found | ({perplexity: np.exp(sums[:, 1] / asked)} if perplexity else {})

        table.add(rows, scores)
    return table


def add_retrieval(table: ScoreTable, pages: Sequence[Vectors], groups: Sequence[str]) -> None:
    """Adds how pages' texts find their pictures among all R, and pictures their texts (R042)."""
    text, picture = (np.stack(side) for side in zip(*pages, strict=True))
    ways = {"to_picture": (text, picture), "to_text": (picture, text)}
    for way, (queries, candidates) in ways.items():
        for name, values in retrieval_scores(queries, candidates, groups).items():
            table.add_mean(f"{name}/{way}", list(values))
    for name, values in pair_scores(text, picture).items():
        table.add_mean(f"pairs_{name}", list(values))
    for name, vectors in (("text", text), ("picture", picture)):
        rows = np.stack([closeness(vectors), np.ones(len(vectors))], axis=1)

        def scores(sums: np.ndarray, name=name) -> dict[str, np.ndarray]:
            return {f"{name}_uniformity": np.log(sums[:, 0] / sums[:, 1])}

        table.add(rows, scores)


def add_chance(table: ScoreTable, groups: Sequence[str]) -> None:
    """Adds what `add_retrieval` measures where candidates come in random order."""
    for name, values in chance_scores(groups).items():
        for way in ("to_picture", "to_text"):
            table.add_mean(f"{name}/{way}", list(values))


def constant_guess(counts: np.ndarray, truths: Sequence[np.ndarray]) -> list[Told]:
    """What the most frequent class scores, and the frequencies as probabilities.

    Args:
      counts: float[classes], how often each one occurs where the guess is fitted; one is added to
        each, so that no class is impossible.
      truths: int[k] of every page.
    """
    log_prob = np.log((counts + 1) / (counts + 1).sum())
    return [Told(truth == counts.argmax(), log_prob[truth]) for truth in truths]
