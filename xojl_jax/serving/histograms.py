"""Histograms of inputs, and how far two of them are apart.

The distance is the population stability index, the sum over bins of (p - q) ln(p / q) with p and q
the two shares (Kullback and Leibler's divergence, taken both ways). By custom 0.1 is worth a look,
0.25 a change. Two samples of one source are not at 0 but, on average, at (bins - 1)(1/n + 1/m),
which is taken off.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

Features = Mapping[str, float | list[str]]
_BINS = 10
_WORDS = 20  # the most frequent ones have bins of their own


def fit(samples: Iterable[Features]) -> dict[str, Any]:
    """A histogram for each feature, ready for JSON.

    Of numbers {"edges": inner edges of bins that are about equally full, "shares", "records"}, of
    words {"words": the most frequent ones, "shares" with that of all others last, "records"}.
    """
    found: dict[str, list] = {}
    for features in samples:
        for name, value in features.items():
            found.setdefault(name, []).append(value)
    histograms = {}
    for name, values in sorted(found.items()):
        bins = _word_bins(values) if isinstance(values[0], list) else _number_bins(values)
        shares = count([sums_of(bins, value) for value in values])
        histograms[name] = {**bins, "shares": shares.round(6).tolist(), "records": len(values)}
    return histograms


def _number_bins(values: Sequence[float]) -> dict[str, Any]:
    edges = np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1])
    return {"edges": sorted({float(f"{edge:.6g}") for edge in edges})}


def _word_bins(values: Sequence[list[str]]) -> dict[str, Any]:
    counts = Counter(word for words in values for word in words)
    return {"words": [word for word, _ in counts.most_common(_WORDS)]}


def sums_of(bins: Mapping[str, Any], value: float | list[str]) -> np.ndarray:
    """float64[k] of the bins: 1 in that of a number, the share of the words in each."""
    if "edges" in bins:
        sums = np.zeros(len(bins["edges"]) + 1)
        # What equals an edge, as of whole numbers many do, is below it.
        sums[np.searchsorted(bins["edges"], float(value), side="left")] = 1
        return sums
    places = {word: at for at, word in enumerate(bins["words"])}
    sums = np.zeros(len(places) + 1)
    words = value if isinstance(value, list) else []
    for word in words:
        sums[places.get(word, len(places))] += 1 / len(words)
    return sums


def count(sums: Sequence[np.ndarray]) -> np.ndarray:
    """float64[k], the share of each bin in many `sums_of`."""
    total = np.sum(sums, axis=0)
    return total / max(float(total.sum()), 1e-12)


def distance(histogram: Mapping[str, Any], shares: np.ndarray, records: int) -> float:
    """The population stability index of `shares`, from so many records, against a histogram."""
    p = _smoothed(np.array(histogram["shares"]), histogram["records"])
    q = _smoothed(shares, records)
    found = float(np.sum((p - q) * np.log(p / q)))
    chance = (len(p) - 1) * (1 / max(records, 1) + 1 / max(histogram["records"], 1))
    return max(0.0, found - chance)


def _smoothed(shares: np.ndarray, records: int) -> np.ndarray:
    """With half a record more in each bin (Krichevsky and Trofimov 1981): an empty one of few
    records says little, and its logarithm must be finite."""
    return (shares * records + 0.5) / (records + 0.5 * len(shares))
