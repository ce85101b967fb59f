"""Scores with confidence intervals: a bootstrap over records, for any task (X115).

A record gives one row of counts, and every score is a function of weighted sums of rows. A
resample of the records is then a vector of weights, and a whole bootstrap one matrix product.

Letters: R records; S bootstrap samples.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

SAMPLES = 1000
LEVEL = 0.95


def bootstrap_weights(records: int, *, samples: int = SAMPLES, seed: int = 0) -> np.ndarray:
    """int64[S, R]: how often each record is drawn in each of S resamples with replacement."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(records, np.full(records, 1 / records), size=samples)


def interval(values: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """The percentile interval of bootstrapped scores [S]; NaN scores are left out."""
    values = values[~np.isnan(values)]
    if not values.size:
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def paired_difference(
    first: np.ndarray,
    second: np.ndarray,
    score: Callable[[np.ndarray], np.ndarray],
    *,
    samples: int = SAMPLES,
    seed: int = 0,
) -> tuple[float, float, float]:
    """How much better `first` is than `second` on the same records: (value, low, high).

    Each resample draws records and runs (such as seeds of training) with replacement, the same on
    both sides, and sums over both. With one run the interval is over records alone.

    Args:
      first, second: [K, R, …], numbers of each run and record.
      score: weighted sums of rows, float64[S, …] -> float64[S].
    """
    runs, records = first.shape[:2]
    rng_seed = np.random.SeedSequence(seed).generate_state(2)
    of_records = bootstrap_weights(records, samples=samples, seed=int(rng_seed[0]))
    of_runs = bootstrap_weights(runs, samples=samples, seed=int(rng_seed[1]))
    weights = np.einsum("sk,sr->skr", of_runs, of_records).reshape(samples, -1)
    weights = np.concatenate([np.ones((1, runs * records), np.int64), weights])
    scores = []
    for rows in (first, second):
        flat = np.asarray(rows, np.float64).reshape(runs * records, -1)
        scores.append(score((weights @ flat).reshape(len(weights), *rows.shape[2:])))
    value, *resampled = scores[0] - scores[1]
    return float(value), *interval(np.array(resampled))


class ScoreTable:
    """The scores of R records and their intervals.

    Args:
      groups: of each of R records what it belongs to, such as a page's document: groups are then
        drawn whole, since records of one group are alike. None: each record by itself.

    Attributes:
      scores: name -> {"value", "low", "high"}, ready for JSON.
    """

    def __init__(
        self,
        records: int,
        *,
        groups: Sequence[str] | None = None,
        samples: int = SAMPLES,
        seed: int = 0,
    ):
        self.everything = np.ones((1, records), np.int64)
        if groups is None:
            self.resamples = bootstrap_weights(records, samples=samples, seed=seed)
        else:
            names, numbers = np.unique(groups, return_inverse=True)
            weights = bootstrap_weights(len(names), samples=samples, seed=seed)
            self.resamples = weights[:, numbers]
        self.scores: dict[str, dict] = {}

    def add(
        self, rows: np.ndarray, score: Callable[[np.ndarray], Mapping[str, np.ndarray]]
    ) -> None:
        """Adds scores that are functions of summed rows.

        Args:
          rows: [R, …], numbers of each record.
          score: weighted sums of rows, float64[K, …] -> name -> float64[K].
        """
        flat = np.asarray(rows, np.float64).reshape(len(rows), -1)
        shape = np.shape(rows)[1:]
        self.add_weighted(lambda weights: score((weights @ flat).reshape(len(weights), *shape)))

    def add_weighted(self, score: Callable[[np.ndarray], Mapping[str, np.ndarray]]) -> None:
        """Adds scores that are no functions of summed rows, such as those of a ranking.

        Args:
          score: how often each record counts, int64[K, R] -> name -> float64[K].
        """
        whole, resampled = score(self.everything), score(self.resamples)
        for name, value in whole.items():
            low, high = interval(resampled[name])
            self.scores[name] = {
                "value": or_none(value[0]),
                "low": or_none(low),
                "high": or_none(high),
            }

    def add_mean(self, name: str, values: Sequence[float]) -> None:
        """Adds the mean over records. NaN values are left out; "records" counts the others."""
        values = np.asarray(values, np.float64)
        known = ~np.isnan(values)
        rows = np.stack([np.where(known, values, 0), known], -1)

        def mean(sums: np.ndarray) -> dict[str, np.ndarray]:
            counted = np.where(sums[..., 1] > 0, sums[..., 1], np.nan)
            return {name: sums[..., 0] / counted}

        self.add(rows, mean)
        self.scores[name]["records"] = int(known.sum())


def or_none(value: float) -> float | None:
    """The number, or None for NaN, which JSON does not have."""
    return None if np.isnan(value) else float(value)
