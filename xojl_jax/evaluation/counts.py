"""Precision, recall and F1 from counts, for any task.

Counts are rows of true positives, false positives and false negatives: weighted sums of rows, which
`evaluation.bootstrap` draws, give the scores of a resample exactly.

Letters: E = classes.
"""

from collections import Counter

import numpy as np


def overlap(predicted: Counter, reference: Counter) -> np.ndarray:
    """int64[3]: what two bags share, what only the first has, what only the second has."""
    parts = (predicted & reference, predicted - reference, reference - predicted)
    return np.array([part.total() for part in parts])


def f1_scores(counts: np.ndarray) -> dict[str, np.ndarray]:
    """From counts [..., 3, E]: "precision", "recall" and "f1" [..., E], their "micro_…" [...], and
    "macro_f1", the mean over the classes that the reference has. Nothing over nothing is 0."""
    tp, fp, fn = np.moveaxis(np.asarray(counts, np.float64), -2, 0)
    scores = {"precision": ratio(tp, tp + fp), "recall": ratio(tp, tp + fn)}
    scores["f1"] = ratio(2 * tp, 2 * tp + fp + fn)
    occurs = tp + fn > 0
    tp, fp, fn = (part.sum(-1) for part in (tp, fp, fn))
    return scores | {
        "micro_precision": ratio(tp, tp + fp),
        "micro_recall": ratio(tp, tp + fn),
        "micro_f1": ratio(2 * tp, 2 * tp + fp + fn),
        "macro_f1": ratio((scores["f1"] * occurs).sum(-1), occurs.sum(-1)),
    }


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=np.asarray(whole) > 0)
