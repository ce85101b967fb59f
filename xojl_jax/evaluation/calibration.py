"""Probabilities that are true: fitted on validation data, and measured. For any task.

A prediction comes with a raw probability that it is right. Platt scaling (Platt 1999) maps it to
one that holds on data the model was not trained on, by two numbers: sigmoid(slope * logit + shift).
With shift 0 it is temperature scaling (Guo et al. 2017).
"""

from typing import NamedTuple

import numpy as np

# A raw probability of exactly 1 has no logit.
_CLOSEST = 1e-6
BINS = 10


class Platt(NamedTuple):
    """The map from raw to calibrated probabilities; (1, 0) leaves them as they are."""

    slope: float = 1.0
    shift: float = 0.0

    def __call__(self, raw: np.ndarray) -> np.ndarray:
        """float[...] -> float64[...], both probabilities."""
        return _sigmoid(self.slope * _logit(raw) + self.shift)


def fit_platt(raw: np.ndarray, right: np.ndarray, *, steps: int = 50) -> Platt:
    """The most likely map, by Newton's method.

    Args:
      raw: float[n], raw probabilities.
      right: bool[n], whether each prediction was right. Counted as a little less than certain, as
        Platt does, so that separable data has a finite answer.
    """
    logit = _logit(np.asarray(raw, np.float64))
    right = np.asarray(right, bool)
    hits = right.sum()
    target = np.where(right, (hits + 1) / (hits + 2), 1 / (right.size - hits + 2))
    features = np.stack([logit, np.ones_like(logit)], -1)
    weights = np.array([1.0, 0.0])

    def loss(weights: np.ndarray) -> float:
        score = features @ weights
        return float((np.logaddexp(0, score) - target * score).sum())

    for _ in range(steps):
        p = _sigmoid(features @ weights)
        gradient = features.T @ (p - target)
        hessian = (features * (p * (1 - p))[:, None]).T @ features + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        # Far from the answer a whole step may overshoot.
        size = 1.0
        while size > 1e-8 and loss(weights - size * step) > loss(weights):
            size /= 2
        weights = weights - size * step
        if np.abs(size * step).max() < 1e-9:
            break
    return Platt(float(weights[0]), float(weights[1]))


def cross_fit(raw: np.ndarray, right: np.ndarray, group: np.ndarray) -> np.ndarray:
    """float64[n]: each group's probabilities by the map that was fitted to all others, so that
    what they are worth says what to expect of a new group.

    Args:
      group: [n], of at least two kinds.
    """
    raw, right, group = np.asarray(raw, np.float64), np.asarray(right, bool), np.asarray(group)
    calibrated = np.empty_like(raw)
    for left_out in np.unique(group):
        held = group == left_out
        calibrated[held] = fit_platt(raw[~held], right[~held])(raw[held])
    return calibrated


def reliability(probability: np.ndarray, right: np.ndarray, bins: int = BINS) -> list[dict]:
    """The reliability diagram: of each bin of equal width, "count", the mean "probability", and the
    share that was "right". Empty bins are left out."""
    place = np.minimum((probability * bins).astype(int), bins - 1)
    return [
        {
            "count": int((place == bin_).sum()),
            "probability": float(probability[place == bin_].mean()),
            "right": float(right[place == bin_].mean()),
        }
        for bin_ in range(bins)
        if (place == bin_).any()
    ]


def expected_calibration_error(
    probability: np.ndarray, right: np.ndarray, bins: int = BINS
) -> float:
    """The mean distance of probability and share over the bins, weighted by their counts."""
    found = reliability(probability, right, bins)
    total = sum(one["count"] for one in found)
    gaps = (one["count"] * abs(one["probability"] - one["right"]) for one in found)
    return sum(gaps) / max(total, 1)


def risk_coverage(probability: np.ndarray, right: np.ndarray, points: int = 20) -> list[dict]:
    """The share of errors ("risk") among the surest predictions, for each "coverage" (El-Yaniv and
    Wiener 2010)."""
    order = np.argsort(-probability, kind="stable")
    errors = np.cumsum(~np.asarray(right, bool)[order])
    counts = np.unique(-(-np.arange(1, points + 1) * len(order) // points))  # rounded up
    return [
        {"coverage": float(n / len(order)), "risk": float(errors[n - 1] / n)} for n in counts if n
    ]


def least_for_precision(
    probability: np.ndarray, right: np.ndarray, precision: float
) -> float | None:
    """The lowest threshold such that this share of the predictions at or above it is right; None
    where there is none."""
    order = np.argsort(-np.asarray(probability), kind="stable")
    sorted_, hits = np.asarray(probability)[order], np.cumsum(np.asarray(right)[order])
    last = np.append(sorted_[1:] < sorted_[:-1], True)[: len(sorted_)]  # of those that are equal
    good = last & (hits >= precision * np.arange(1, len(hits) + 1))
    return float(sorted_[good][-1]) if good.any() else None


def report(probability: np.ndarray, right: np.ndarray) -> dict:
    """All of it, ready for JSON."""
    probability, right = np.asarray(probability, np.float64), np.asarray(right, bool)
    curve = risk_coverage(probability, right)
    return {
        "count": len(right),
        "right": float(right.mean()) if len(right) else None,
        "expected_calibration_error": expected_calibration_error(probability, right),
        "brier": float(np.square(probability - right).mean()) if len(right) else None,
        "reliability": reliability(probability, right),
        "risk_coverage": curve,
    }


def _logit(p: np.ndarray) -> np.ndarray:
    p = np.clip(np.asarray(p, np.float64), _CLOSEST, 1 - _CLOSEST)
    return np.log(p) - np.log1p(-p)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0, -x))
