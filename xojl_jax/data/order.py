"""The order of training samples: a pure function of the seed, for any number of processes."""

import functools
import hashlib

import numpy as np

# The heaviest record's weight as a whole number. Rounded so, weights are the same on every machine;
# a data set of ten million records stays below 2^63 in the arithmetic below.
_WEIGHT_RESOLUTION = 1 << 16


class SampleOrder:
    """Which record is at each place of the endless stream. Safe to share by threads.

    Any process finds any row of any step by itself, without state. Without weights each epoch (as
    many places as there are records) is a fresh permutation. With weights an epoch is drawn at even
    distances along the weights laid end to end: of an expected count of 2.4, a record comes 2 times
    or 3, and a record of 0.3 comes in three epochs of ten.

    Args:
      seed: of all of it.
      count: records of the data set.
      weights: float[count], above 0, how often records come relative to one another; None: equally.
    """

    def __init__(self, seed: int, count: int, weights: np.ndarray | None = None):
        self._seed, self._count = seed, count
        self._weights = None if weights is None else _whole_weights(np.asarray(weights, np.float64))
        # threads may be on both sides of an epoch's border
        self._epoch = functools.lru_cache(maxsize=4)(self._draw_epoch)

    def record_at(self, position: int) -> int:
        epoch, place = divmod(position, self._count)
        return int(self._epoch(epoch)[place])

    def _draw_epoch(self, epoch: int) -> np.ndarray:
        """int64[count]: the records of one epoch."""
        shuffled = _permutation(f"{self._seed}/{epoch}", self._count)
        if self._weights is None:
            return shuffled
        ends = np.cumsum(self._weights[shuffled])
        total = int(ends[-1])
        start = int(_hash(f"{self._seed}/{epoch}/start")) % total
        points = (np.arange(self._count, dtype=np.int64) * total + start) // self._count
        drawn = shuffled[np.searchsorted(ends, points, side="right")]
        return drawn[_permutation(f"{self._seed}/{epoch}/drawn", self._count)]


def _whole_weights(weights: np.ndarray) -> np.ndarray:
    """int64[count]: the weights as whole numbers, at least 1 each."""
    return np.maximum(1, np.rint(weights / weights.max() * _WEIGHT_RESOLUTION)).astype(np.int64)


def _hash(text: str) -> np.uint64:
    return np.frombuffer(hashlib.blake2b(text.encode(), digest_size=8).digest(), "<u8")[0]


def _permutation(text: str, count: int) -> np.ndarray:
    """int64[count]: the records, sorted by a hash of (text, record).

    Plain integer arithmetic: a resumed run sees the same order under any version of numpy. (grain's
    `index_shuffle` takes milliseconds a call where there are only a few records.)
    """
    # splitmix64; unsigned arrays wrap around, as it wants
    x = np.arange(count, dtype=np.uint64) + _hash(text)
    x *= np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.argsort(x ^ (x >> np.uint64(31)), kind="stable")
