"""Scores of what was hidden, with intervals over pages (R040, R041).

R pages.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from xojl_jax.evaluation.bootstrap import ScoreTable


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


def evaluate(pages: Sequence[dict[str, Told]]) -> dict:
    """The report of R pages: every objective's scores, a page counting as often as it is asked."""
    table = ScoreTable(len(pages))
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
    return {"records": len(pages), "scores": table.scores}


def constant_guess(counts: np.ndarray, truths: Sequence[np.ndarray]) -> list[Told]:
    """What the most frequent class scores, and the frequencies as probabilities.

    Args:
      counts: float[classes], how often each one occurs where the guess is fitted; one is added to
        each, so that no class is impossible.
      truths: int[k] of every page.
    """
    log_prob = np.log((counts + 1) / (counts + 1).sum())
    return [Told(truth == counts.argmax(), log_prob[truth]) for truth in truths]
