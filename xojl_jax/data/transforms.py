"""Pure functions and thin grain sources: which record is in which row, and what replaces it."""

import logging
import threading
from collections.abc import Mapping
from typing import Protocol

import numpy as np

from xojl_jax.data.order import BatchOrder, SampleOrder
from xojl_jax.errors import BadInput

_LOG = logging.getLogger(__name__)
ENDLESS = 1 << 60

FlatSample = Mapping[str, np.ndarray]


class DataSource(Protocol):
    """What the loader needs. Two optional ones are for training: a method `augment(sample, rng) ->
    sample`, and `weights`, float[len(dataset)] or None: how often records come (see `SampleOrder`).

    More where samples come in buckets of shapes: `buckets`, int[len(dataset)], the bucket of
    each record, 0 being the cheapest; `bucket_holds`, bool[K, K], whether what fits bucket j fits
    bucket k; and a method `to_bucket(sample, bucket) -> sample`, which cuts padding off. Where
    augmentation may change the bucket, the order decides which samples it does so to: a share
    `changed_share`, whose buckets are `changed_buckets`; then `augment(sample, rng, changed)` is
    called.

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
        self.dataset, self.seed = dataset, seed
        self.start_step = start_step
        self.rows = batch_size // process_count
        self.first_row = process_index * self.rows
        order = SampleOrder(seed, len(dataset), weights)
        self.order = BatchOrder(
            order,
            len(dataset),
            batch_size,
            seed=seed,
            buckets=dataset.buckets,
            changed_buckets=dataset.changed_buckets,
            changed_share=dataset.changed_share,
        )
        self.augment = getattr(dataset, "augment", None)

    def __len__(self) -> int:
        return ENDLESS

    def __getitem__(self, position: int) -> FlatSample:
        steps, row = divmod(position, self.rows)
        step, row = self.start_step + steps, self.first_row + row
        bucket, records, changed = self.order.batch(step)
        sample = self.dataset.get(int(records[row]), bool(changed[row]))
        if self.augment is not None:
            decided = (bool(changed[row]),) if self.dataset.changed_share else ()
            sample = self.augment(sample, row_rng(self.seed, step, row), *decided)
        return self.dataset.to_bucket(sample, bucket)


class EpochRows:
    """This process's rows of one pass in stored order; the last global batch is filled up.

    Where the data set has buckets, batches are of records of like size: the order is that of the
    buckets, stored order within each, and a batch has the shapes of the cheapest bucket that holds
    all of it.

    Yields (sample, valid): a filler repeats the first record and has `valid` False.
    """

    def __init__(self, dataset, *, count, batch_size, process_index, process_count):
        self.dataset, self.count, self.batch_size = dataset, count, batch_size
        self.rows = batch_size // process_count
        self.first_row = process_index * self.rows
        self.order = np.arange(count)
        if dataset.buckets is not None:
            self.order = np.argsort(dataset.buckets[:count], kind="stable")

    def __len__(self) -> int:
        return -(-self.count // self.batch_size) * self.rows

    def __getitem__(self, position: int) -> tuple[FlatSample, np.bool_]:
        step, row = divmod(position, self.rows)
        place = step * self.batch_size + self.first_row + row
        valid = place < self.count
        sample = self.dataset[int(self.order[place if valid else step * self.batch_size])]
        return self.dataset.to_bucket(sample, self._bucket(step)), np.bool_(valid)

    def _bucket(self, step: int) -> int:
        if self.dataset.buckets is None:
            return 0
        records = self.order[step * self.batch_size : (step + 1) * self.batch_size]
        found = np.unique(self.dataset.buckets[records])
        return int(self.dataset.bucket_holds[:, found].all(1).argmax())


class Tolerant:
    """A dataset whose unreadable records are replaced by the next readable one, and counted.

    The replacement depends on the record alone, so the order stays the same for every process and
    thread. It fits the bucket of the record that it replaces. Past the budget the first error is
    raised: a broken data set is not to be trained on.
    """

    def __init__(self, dataset: DataSource, max_bad: int):
        self.dataset, self.max_bad = dataset, max_bad
        self.bad: dict[int, str] = {}
        self._lock = threading.Lock()
        self.augment = getattr(dataset, "augment", None)
        self.buckets: np.ndarray | None = getattr(dataset, "buckets", None)
        self.bucket_holds: np.ndarray | None = getattr(dataset, "bucket_holds", None)
        self.changed_buckets: np.ndarray | None = getattr(dataset, "changed_buckets", None)
        self.changed_share: float = getattr(dataset, "changed_share", 0.0)

    def __len__(self) -> int:
        return len(self.dataset)

    def to_bucket(self, sample: FlatSample, bucket: int) -> FlatSample:
        return sample if self.buckets is None else self.dataset.to_bucket(sample, bucket)

    def _fits(self, candidate: int, index: int, changed: bool) -> bool:
        if self.buckets is None:
            return True
        buckets = self.changed_buckets if changed else self.buckets
        return bool(self.bucket_holds[buckets[index], buckets[candidate]])

    def __getitem__(self, index: int) -> FlatSample:
        return self.get(index)

    def get(self, index: int, changed: bool = False) -> FlatSample:
        """The sample, or what replaces it; `changed` tells in which bucket it is going to be."""
        for offset in range(len(self)):
            candidate = (index + offset) % len(self)
            if candidate in self.bad or not self._fits(candidate, index, changed):
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
