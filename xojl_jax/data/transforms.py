"""Pure functions and thin grain sources: which record stands in which row, and what replaces it."""

import functools
import hashlib
import logging
import threading
from collections.abc import Mapping
from typing import Protocol

import numpy as np

from xojl_jax.errors import BadInput

_LOG = logging.getLogger(__name__)
ENDLESS = 1 << 60

FlatSample = Mapping[str, np.ndarray]


class Dataset(Protocol):
    """What the loader needs. An optional method `augment(sample, rng) -> sample` is for training.

    `dataset[i]` must be a pure function of i, and may raise `BadInput`.
    """

    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> FlatSample: ...


def record_at(seed: int, position: int, count: int) -> int:
    """The record at one place of the endless shuffled order: each epoch is a fresh permutation.

    Any process finds any row of any step by itself, without state.
    """
    epoch, place = divmod(position, count)
    return int(_permutation(seed, epoch, count)[place])


@functools.lru_cache(maxsize=4)  # threads may stand on both sides of an epoch's border
def _permutation(seed: int, epoch: int, count: int) -> np.ndarray:
    """int64[count]: the records, sorted by a hash of (seed, epoch, record).

    Plain integer arithmetic: a resumed run sees the same order under any version of numpy. (grain's
    `index_shuffle` takes milliseconds a call where there are only a few records.)
    """
    digest = hashlib.blake2b(f"{seed}/{epoch}".encode(), digest_size=8).digest()
    # splitmix64; unsigned arrays wrap around, as it wants
    x = np.arange(count, dtype=np.uint64) + np.frombuffer(digest, "<u8")
    x *= np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.argsort(x ^ (x >> np.uint64(31)), kind="stable")


def row_rng(seed: int, step: int, row: int) -> np.random.Generator:
    """The randomness of one row (of the global batch) of one step, whoever loads it."""
    return np.random.default_rng((seed, step, row))


class TrainRows:
    """This process's rows of every global batch, one after the other, from `start_step` on.

    Position p is row `first_row + p % rows` of step `start_step + p // rows`.
    """

    def __init__(self, dataset, *, seed, batch_size, start_step, process_index, process_count):
        self.dataset, self.seed, self.batch_size = dataset, seed, batch_size
        self.start_step = start_step
        self.rows = batch_size // process_count
        self.first_row = process_index * self.rows
        self.augment = getattr(dataset, "augment", None)

    def __len__(self) -> int:
        return ENDLESS

    def __getitem__(self, position: int) -> FlatSample:
        steps, row = divmod(position, self.rows)
        step, row = self.start_step + steps, self.first_row + row
        place = step * self.batch_size + row
        sample = self.dataset[record_at(self.seed, place, len(self.dataset))]
        if self.augment is not None:
            sample = self.augment(sample, row_rng(self.seed, step, row))
        return sample


class EpochRows:
    """This process's rows of one pass in stored order; the last global batch is filled up.

    Yields (sample, valid): a filler repeats record 0 and has `valid` False.
    """

    def __init__(self, dataset, *, count, batch_size, process_index, process_count):
        self.dataset, self.count, self.batch_size = dataset, count, batch_size
        self.rows = batch_size // process_count
        self.first_row = process_index * self.rows

    def __len__(self) -> int:
        return -(-self.count // self.batch_size) * self.rows

    def __getitem__(self, position: int) -> tuple[FlatSample, np.bool_]:
        step, row = divmod(position, self.rows)
        place = step * self.batch_size + self.first_row + row
        valid = place < self.count
        return self.dataset[place if valid else 0], np.bool_(valid)


class Tolerant:
    """A dataset whose unreadable records are replaced by the next readable one, and counted.

    The replacement depends on the record alone, so the order stays the same for every process and
    thread. Past the budget the first error is raised: a broken data set is not to be trained on.
    """

    def __init__(self, dataset: Dataset, max_bad: int):
        self.dataset, self.max_bad = dataset, max_bad
        self.bad: dict[int, str] = {}
        self._lock = threading.Lock()
        self.augment = getattr(dataset, "augment", None)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> FlatSample:
        for offset in range(len(self)):
            candidate = (index + offset) % len(self)
            if candidate in self.bad:
                continue
            try:
                return self.dataset[candidate]
            except BadInput as error:
                self._count(candidate, error)
        raise BadInput("no record of the data set can be read")

    def _count(self, index: int, error: BadInput) -> None:
        with self._lock:
            if index not in self.bad:
                self.bad[index] = str(error)
                _LOG.warning("record %d is skipped: %s", index, error)
            if len(self.bad) > self.max_bad:
                raise BadInput(
                    f"{len(self.bad)} records of {len(self)} cannot be read, more than the "
                    f"{self.max_bad} that are tolerated; the last: {error}"
                ) from error


def stack(samples: list) -> FlatSample:
    """Flat dicts of arrays to one flat dict with a leading batch axis."""
    return {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}


def stack_pairs(pairs: list) -> tuple[FlatSample, np.ndarray]:
    """As `stack`, for (sample, valid) pairs: (batch, bool[B])."""
    samples, valid = zip(*pairs, strict=True)
    return stack(list(samples)), np.array(valid)
