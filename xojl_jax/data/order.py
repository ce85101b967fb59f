"""The order of training samples: a pure function of the seed, for any number of processes."""

import functools
import hashlib
import threading
from collections.abc import Callable

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

    def epoch(self, number: int) -> np.ndarray:
        """int64[count]: the records of one epoch, in their order. Not to be written to."""
        return self._epoch(number)

    @property
    def weighted(self) -> bool:
        """Whether a record may come several times in an epoch, or not at all."""
        return self._weights is not None

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


class BatchOrder:
    """Which bucket and which records each step has. Safe to share by threads.

    The records of a bucket, in the order of the endless stream, fill its batches one after the
    other, across the borders of epochs, so none is dropped. A batch comes when its last record
    comes. With one bucket, step s has the places [s * batch_size, (s + 1) * batch_size) of the
    stream. All of it is a function of (seed, weights, batch_size): any process finds any step.

    Args:
      order: of the stream.
      count: records of the data set.
      batch_size: of the global batch.
      seed: of the places at which a record comes changed.
      buckets: int[count], the bucket of each record; None: all are in bucket 0.
      changed_buckets: int[count], the bucket that it is in where it comes changed, such as without
        its HTML.
      changed_share: of the places of the stream, drawn by their number.
    """

    def __init__(
        self,
        order: SampleOrder,
        count: int,
        batch_size: int,
        *,
        seed: int = 0,
        buckets: np.ndarray | None = None,
        changed_buckets: np.ndarray | None = None,
        changed_share: float = 0.0,
    ):
        self._order, self._count, self._size, self._seed = order, count, batch_size, seed
        # Without buckets there is no plan: a step's places are known.
        self._buckets = buckets
        self._changed, self._share = changed_buckets, changed_share
        found = [np.zeros(1, np.int64) if buckets is None else buckets]
        found += [changed_buckets] if changed_share else []
        self._used = np.unique(np.concatenate(found)).tolist()
        self._kinds = self._used[-1] + 1
        # Row e: records of each bucket in the stream before epoch e. Grows as it is needed.
        self._before = [np.zeros(self._kinds, np.int64)]
        self._lock = threading.Lock()
        self._each = None
        if buckets is not None and not order.weighted and not changed_share:
            self._each = np.bincount(buckets, minlength=self._kinds)
        self._epoch = functools.lru_cache(maxsize=4)(self._draw)
        # The rows of a step are asked for one by one, by several threads.
        self._batch = functools.lru_cache(maxsize=16)(self._make_batch)
        self._plan = functools.lru_cache(maxsize=4)(self._make_plan)
        self._members = functools.lru_cache(maxsize=4 * self._kinds)(self._find_members)

    def batch(self, step: int) -> tuple[int, np.ndarray, np.ndarray]:
        """The bucket of a step, int64[batch_size] its records, and bool[batch_size] which of them
        come changed. Not to be written to."""
        return self._batch(step)

    def upcoming(self, step: int, look_ahead: int = 64) -> list[int]:
        """The buckets that have records, in the order in which steps from `step` on have them;
        those that the next `look_ahead` steps do not have come last."""
        seen = [
            self.batch(step + ahead)[0] for ahead in range(look_ahead if len(self._used) > 1 else 1)
        ]
        return list(dict.fromkeys([*seen, *self._used]))

    def _make_batch(self, step: int) -> tuple[int, np.ndarray, np.ndarray]:
        if self._buckets is None:
            places = range(step * self._size, (step + 1) * self._size)
            records = np.array([self._order.record_at(place) for place in places])
            return 0, records, np.zeros(self._size, np.bool_)
        end, bucket, number = self._find(step)
        first = number * self._size
        epoch = self._last_epoch(0, end + 1, lambda before: before[bucket] <= first)
        parts, missing = [], self._size
        while missing:  # a batch of a rare bucket reaches over several epochs
            start = max(0, first - int(self._counts_before(epoch)[bucket]))
            parts.append(self._members(epoch, bucket)[:, start : start + missing])
            missing, epoch = missing - parts[-1].shape[1], epoch + 1
        records, changed = np.concatenate(parts, axis=1)
        return bucket, records, changed.astype(np.bool_)

    def _find(self, step: int) -> tuple[int, int, int]:
        """(epoch that completes it, bucket, number of the batch among those of its bucket)."""
        # Before epoch e there were e * count / size batches, less one unfinished one a bucket.
        low = step * self._size // self._count
        high = (step + self._kinds) * self._size // self._count + 1
        epoch = self._last_epoch(
            low, high, lambda before: int((before // self._size).sum()) <= step
        )
        at = step - int((self._counts_before(epoch) // self._size).sum())
        buckets, numbers = self._plan(epoch)
        return epoch, int(buckets[at]), int(numbers[at])

    def _last_epoch(self, low: int, high: int, begun: Callable[[np.ndarray], bool]) -> int:
        """The last epoch of [low, high) before which `begun` holds: it does for `low`, not for
        `high`, and changes once between."""
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if begun(self._counts_before(middle)) else (low, middle)
        return low

    def _counts_before(self, epoch: int) -> np.ndarray:
        """int64[buckets]: records of each bucket in the stream before an epoch."""
        if self._each is not None:  # every epoch has every record once
            return epoch * self._each
        with self._lock:
            while len(self._before) <= epoch:
                _, _, drawn = self._epoch(len(self._before) - 1)
                counts = np.bincount(drawn, minlength=self._kinds)
                self._before.append(self._before[-1] + counts)
            return self._before[epoch]

    def _make_plan(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """(bucket, number of the batch in it) of every batch that an epoch completes."""
        _, _, drawn = self._epoch(epoch)
        before = self._counts_before(epoch)
        places, buckets, numbers = [], [], []
        for bucket in range(self._kinds):
            at = np.flatnonzero(drawn == bucket)
            had = int(before[bucket])
            # The record that is the (n + 1) * size-th of its bucket completes batch n.
            number = np.arange(had // self._size, (had + len(at)) // self._size)
            places.append(at[(number + 1) * self._size - 1 - had])
            buckets.append(np.full(len(number), bucket))
            numbers.append(number)
        order = np.argsort(np.concatenate(places), kind="stable")
        return np.concatenate(buckets)[order], np.concatenate(numbers)[order]

    def _find_members(self, epoch: int, bucket: int) -> np.ndarray:
        """int64[2, …]: the records of one bucket in an epoch, in their order, and 1 for those that
        come changed."""
        records, changed, drawn = self._epoch(epoch)
        return np.stack([records, changed])[:, drawn == bucket]

    def _draw(self, epoch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each place of an epoch: its record, whether it comes changed, and its bucket."""
        records = self._order.epoch(epoch)
        buckets = self._buckets[records]
        if not self._share:
            return records, np.zeros(self._count, np.bool_), buckets
        hashes = _hashes(f"{self._seed}/{epoch}/changed", self._count)
        changed = (hashes >> np.uint64(11)).astype(np.float64) < self._share * 2**53
        return records, changed, np.where(changed, self._changed[records], buckets)


def _whole_weights(weights: np.ndarray) -> np.ndarray:
    """int64[count]: the weights as whole numbers, at least 1 each."""
    return np.maximum(1, np.rint(weights / weights.max() * _WEIGHT_RESOLUTION)).astype(np.int64)


def _hash(text: str) -> np.uint64:
    return np.frombuffer(hashlib.blake2b(text.encode(), digest_size=8).digest(), "<u8")[0]


def _permutation(text: str, count: int) -> np.ndarray:
    """int64[count]: the records, sorted by a hash of (text, record).

    (grain's `index_shuffle` takes milliseconds a call where there are only a few records.)
    """
    return np.argsort(_hashes(text, count), kind="stable")


def _hashes(text: str, count: int) -> np.ndarray:
    """uint64[count]: a hash of (text, number).

    Plain integer arithmetic: a resumed run sees the same order under any version of numpy.
    """
    # splitmix64; unsigned arrays wrap around, as it wants
    x = np.arange(count, dtype=np.uint64) + _hash(text)
    x *= np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
