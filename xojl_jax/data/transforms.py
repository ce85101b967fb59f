"""Pure functions and thin grain sources: which record is in which row, and what replaces it."""

import logging
import threading
from collections.abc import Mapping
from typing import Protocol

import numpy as np

from xojl_jax.data.order import SampleOrder
from xojl_jax.errors import BadInput

_LOG = logging.getLogger(__name__)
ENDLESS = 1 << 60

FlatSample = Mapping[str, np.ndarray]


class Dataset(Protocol):
    """What the loader needs. Two optional ones are for training: a method `augment(sample, rng) ->
    sample`, and `weights`, float[len(dataset)] or None: how often records come (see `SampleOrder`).

    `dataset[i]` must be a pure function of i, and may raise `BadInput`.
    """

    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> FlatSample: ...


def row_rng(seed: int, step: int, row: int) -> np.random.Generator:
    """The randomness of one row (of the global batch) of one step, whoever loads it."""
    return np.random.default_rng((seed, step, row))


class TrainRows:
    """This process's rows of every global batch, one after the other, from `start_step` on.

    Position p is row `first_row + p % rows` of step `start_step + p // rows`.
    """

    def __init__(
        self, dataset, *, seed, batch_size, start_step, process_index, process_count, weights=None
    ):
        self.dataset, self.seed, self.batch_size = dataset, seed, batch_size
        self.start_step = start_step
        self.rows = batch_size // process_count
        self.first_row = process_index * self.rows
        self.order = SampleOrder(seed, len(dataset), weights)
        self.augment = getattr(dataset, "augment", None)

    def __len__(self) -> int:
        return ENDLESS

    def __getitem__(self, position: int) -> FlatSample:
        steps, row = divmod(position, self.rows)
        step, row = self.start_step + steps, self.first_row + row
        place = step * self.batch_size + row
        sample = self.dataset[self.order.record_at(place)]
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
