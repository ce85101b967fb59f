"""A linear classifier on fixed vectors: what a model's features hold (Alain and Bengio 2016).

N examples, D width, K classes.
"""

from typing import NamedTuple

import numpy as np
from scipy import optimize

# Weights of the penalty that are tried, on the mean loss of standardized vectors.
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


class LinearProbe(NamedTuple):
    """A fitted classifier.

    Attributes:
      mean, scale: float64[D], of the vectors that it was fitted to.
      kernel: float64[D, K]. bias: float64[K].
    """

    mean: np.ndarray
    scale: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        """float64[N, K], logits."""
        return (vectors - self.mean) / self.scale @ self.kernel + self.bias


def fit(vectors: np.ndarray, labels: np.ndarray, classes: int, penalty: float) -> LinearProbe:
    """Multinomial logistic regression by L-BFGS.

    Args:
      vectors: float[N, D]. labels: int[N] in [0, classes).
      penalty: of the kernel's squares.
    """
    vectors = np.asarray(vectors, np.float64)
    mean, scale = vectors.mean(0), np.maximum(vectors.std(0), 1e-6)
    x = (vectors - mean) / scale
    truth = np.eye(classes)[labels]
    count, width = x.shape

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        kernel, bias = flat[:-classes].reshape(width, classes), flat[-classes:]
        logits = x @ kernel + bias
        logits -= logits.max(1, keepdims=True)
        log_prob = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        value = -(log_prob * truth).sum() / count + penalty * (kernel**2).sum() / 2
        apart = (np.exp(log_prob) - truth) / count
        return value, np.append((x.T @ apart + penalty * kernel).ravel(), apart.sum(0))

    found = optimize.minimize(
        loss, np.zeros((width + 1) * classes), jac=True, method="L-BFGS-B", options={"maxiter": 500}
    )
    return LinearProbe(mean, scale, found.x[:-classes].reshape(width, classes), found.x[-classes:])


def fit_best(
    vectors: np.ndarray, labels: np.ndarray, classes: int, held_out: np.ndarray
) -> tuple[LinearProbe, float]:
    """The probe of the penalty that is best on examples that a first fit left out, fitted to all;
    and that penalty.

    Args:
      held_out: bool[N].
    """

    def right(penalty: float) -> float:
        probe = fit(vectors[~held_out], labels[~held_out], classes, penalty)
        return (probe.scores(vectors[held_out]).argmax(1) == labels[held_out]).mean()

    best = max(PENALTIES, key=right)
    return fit(vectors, labels, classes, best), best


def in_top(scores: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """bool[N]: whether the true class is among the k highest scores."""
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    return (scores > own).sum(1) < k
