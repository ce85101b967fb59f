"""How well one vector finds its partner among others (R042), and how vectors lie (R041).

R pairs, such as the text and the picture of R pages; D width.
"""

from collections.abc import Sequence

import numpy as np

# Queries whose scores with all R candidates are in memory at once.
CHUNK = 512
# How much a hit is worth for nDCG: the partner itself, and others of its group.
PARTNER, RELATED = 3.0, 1.0


def retrieval_scores(
    queries: np.ndarray, candidates: np.ndarray, groups: Sequence[str]
) -> dict[str, np.ndarray]:
    """float64[R] of every query, by the cosine of vectors.

    Args:
      queries, candidates: float[R, D], partners at the same place.
      groups: what each pair belongs to, such as a page's document. Candidates of a query's group
        are half right: nDCG (Järvelin and Kekäläinen 2002) counts them.

    Returns:
      "recall@1", "mrr" (the reciprocal of the partner's rank, from 1; of equal scores the mean
      rank), and "ndcg" over all R candidates.
    """
    names, group = np.unique(groups, return_inverse=True)
    queries, candidates = _unit(queries), _unit(candidates)
    discounts = _discounts(len(queries))
    found: dict[str, list[np.ndarray]] = {"recall@1": [], "mrr": [], "ndcg": []}
    sizes = np.bincount(group, minlength=len(names))
    for start in range(0, len(queries), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(queries)))
        scores = queries[rows] @ candidates.T
        own = scores[np.arange(len(rows)), rows][:, None]
        before = (scores > own).sum(1) + ((scores == own).sum(1) - 1) / 2
        order = np.argsort(-scores, axis=1, kind="stable")
        gains = np.where(group[order] == group[rows, None], RELATED, 0.0)
        gains = np.where(order == rows[:, None], PARTNER, gains)
        found["recall@1"].append(before < 0.5)
        found["mrr"].append(1 / (1 + before))
        found["ndcg"].append(gains @ discounts / _ideal(sizes[group[rows]], discounts))
    return {name: np.concatenate(parts).astype(np.float64) for name, parts in found.items()}


def chance_scores(groups: Sequence[str]) -> dict[str, np.ndarray]:
    """What `retrieval_scores` is on average where candidates come in random order."""
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    records = len(group)
    discounts = _discounts(records)
    gain = PARTNER + RELATED * (sizes[group] - 1)
    return {
        "recall@1": np.full(records, 1 / records),
        "mrr": np.full(records, (1 / np.arange(1, records + 1)).mean()),
        "ndcg": gain * discounts.mean() / _ideal(sizes[group], discounts),
    }


def pair_scores(one: np.ndarray, other: np.ndarray) -> dict[str, np.ndarray]:
    """float64[R] of every pair: "cosine", and "alignment", the squared distance of the two on the
    unit sphere (Wang and Isola 2020; lower is better)."""
    cosine = (_unit(one) * _unit(other)).sum(1)
    return {"cosine": cosine, "alignment": 2 - 2 * cosine}


def closeness(vectors: np.ndarray) -> np.ndarray:
    """float64[R]: of each vector the mean of exp(-2 d^2) to all others, d their distance on the
    unit sphere. The logarithm of the mean of these is the uniformity (Wang and Isola 2020): 0 where
    all vectors are the same, lower is better. NaN for one vector alone."""
    vectors, records = _unit(vectors), len(vectors)
    if records < 2:
        return np.full(records, np.nan)
    chunks = (vectors[start : start + CHUNK] for start in range(0, records, CHUNK))
    sums = [np.exp(-2 * (2 - 2 * rows @ vectors.T)).sum(1) for rows in chunks]
    # Each vector is at no distance from itself.
    return (np.concatenate(sums) - 1) / (records - 1)


def _discounts(records: int) -> np.ndarray:
    return 1 / np.log2(np.arange(records) + 2)


def _ideal(sizes: np.ndarray, discounts: np.ndarray) -> np.ndarray:
    """The gain of the best order: the partner first, then all others of its group."""
    sums = np.cumsum(discounts)
    return PARTNER * discounts[0] + RELATED * (sums[sizes - 1] - sums[0])


def _unit(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x, np.float64)
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
