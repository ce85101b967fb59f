"""How close a text is to another: BLEU, ROUGE-L, for any task.

Texts are lists of words.
"""

from collections.abc import Sequence

import numpy as np
from sacrebleu.metrics import BLEU

_ORDERS = 4  # of BLEU's n-grams


def bleu_row(predicted: Sequence[str], reference: Sequence[str]) -> np.ndarray:
    """float64[10]: words, reference words, and per order the matching and all n-grams."""
    score = _BLEU.sentence_score(" ".join(predicted), [" ".join(reference)])
    return np.array([len(predicted), len(reference), *score.counts, *score.totals], np.float64)


# The words are tokens already.
_BLEU = BLEU(tokenize="none", force=True, effective_order=True)


def bleu_scores(sums: np.ndarray) -> np.ndarray:
    """Corpus BLEU in [0, 1] of summed rows [..., 10], smoothed as sacrebleu does by default."""
    length, reference = sums[..., 0], sums[..., 1]
    correct, total = sums[..., 2 : 2 + _ORDERS], sums[..., 2 + _ORDERS :]
    # The k-th order without a match counts as 1 / 2^k matches.
    missing = np.cumsum(correct == 0, axis=-1)
    smoothed = np.where(correct == 0, 0.5**missing, correct)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.where(total > 0, smoothed / total, 0)).mean(-1)
        brevity = np.exp(np.minimum(0, 1 - reference / length))
    return np.where(correct[..., 0] > 0, brevity * np.exp(logs), 0.0)


def rouge_l(predicted: Sequence[str], reference: Sequence[str]) -> float:
    """F1 of the longest common subsequence of two word lists."""
    if not predicted or not reference:
        return float(not predicted and not reference)
    # One row of the classic table at a time: row[j] is the answer for reference[:j].
    vocabulary = {word: i for i, word in enumerate(dict.fromkeys((*predicted, *reference)))}
    columns = np.array([vocabulary[word] for word in reference])
    row = np.zeros(len(columns) + 1, np.int64)
    for word in predicted:
        diagonal = row[:-1] + (columns == vocabulary[word])
        row[1:] = np.maximum.accumulate(np.maximum(row[1:], diagonal))
    return 2 * float(row[-1]) / (len(predicted) + len(reference))
