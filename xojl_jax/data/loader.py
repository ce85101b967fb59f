"""Batches from a random-access data set, in an order that depends on nothing but the seed.

The row r of the global batch of step s is a pure function of (seed, s, batch size, r): not of the
number of processes, threads, or of where a run was resumed.
"""

from collections.abc import Callable, Iterator
from typing import Any

import grain

from xojl_jax.data import transforms
from xojl_jax.data.order import BatchOrder
from xojl_jax.data.transforms import DataSource
from xojl_jax.errors import BadInput, BadUsage

# One record in a hundred may be unreadable before a run stops, and always a handful.
_BAD_SHARE, _BAD_FEW = 0.01, 8


class Batches(Iterator):
    """An iterator of batches that can be closed early. `bad` maps record numbers to messages;
    `order` tells the bucket of each step (None for one pass in stored order)."""

    def __init__(
        self, iterator: Any, tolerant: transforms.Tolerant, order: BatchOrder | None = None
    ):
        self._iterator, self._tolerant, self.order = iterator, tolerant, order

    @property
    def bad(self) -> dict[int, str]:
        return dict(self._tolerant.bad)

    def records_of(self, step: int) -> list[int]:
        """The records of the global batch of a step, by their numbers in the split; of training."""
        assert self.order is not None
        _, records, _ = self.order.batch(step)
        numbers = getattr(self._tolerant.dataset, "numbers", None)  # where some were left out
        return (records if numbers is None else numbers[records]).tolist()

    def __next__(self):
        try:
            return next(self._iterator)
        except BadInput as error:
            # grain appends remarks about its traceback to the message; a user reads one line
            raise BadInput(str(error).splitlines()[0]) from error

    def close(self) -> None:
        """Stops the threads. Safe to call twice."""
        self._iterator.close()

    def __enter__(self) -> "Batches":
        return self

    def __exit__(self, *unused) -> None:
        self.close()


def batches(
    dataset: DataSource,
    *,
    seed: int,
    batch_size: int,
    start_step: int = 0,
    process_index: int = 0,
    process_count: int = 1,
    num_threads: int = 2,
    prefetch: int = 2,
    max_bad: int | None = None,
) -> Batches:
    """The endless stream of training batches from `start_step` on.

    An epoch is a fresh permutation: no record comes twice in one (save as the replacement of an
    unreadable record). Epochs run on across batches, so no record is dropped either. Where the data
    set has `weights`, an epoch is drawn by them instead. Where it has `buckets`, all records of a
    batch are of one bucket, the same for all processes (see `order.BatchOrder`), and the batch has
    that bucket's shapes. Each sample goes through
    `dataset.augment(sample, rng)` where the data set has that method.

    Args:
      dataset: see `transforms.DataSource`.
      seed: of the order and of the augmentation.
      batch_size: rows of the *global* batch; a multiple of `process_count`.
      start_step: the first step to load; a resumed run gives the number of steps done.
      process_index, process_count: this process loads rows
        [index * batch_size / count, (index + 1) * batch_size / count).
      num_threads: decoding threads; 0 works in the caller's thread.
      prefetch: batches to hold ready.
      max_bad: unreadable records to tolerate; default 1 % of the data set, at least 8.

    Returns:
      An iterator of flat dicts, arrays [batch_size / process_count, ...].
    """
    _check(dataset, batch_size, process_index, process_count)
    tolerant = _tolerant(dataset, max_bad)
    rows = transforms.TrainRows(
        tolerant,
        seed=seed,
        batch_size=batch_size,
        start_step=start_step,
        process_index=process_index,
        process_count=process_count,
        weights=getattr(dataset, "weights", None),
    )
    return _start(rows, transforms.stack, num_threads, prefetch, tolerant, rows.order)


def one_epoch(
    dataset: DataSource,
    *,
    batch_size: int,
    limit: int | None = None,
    process_index: int = 0,
    process_count: int = 1,
    num_threads: int = 2,
    prefetch: int = 2,
    max_bad: int | None = None,
) -> Batches:
    """One pass over the first `limit` records (all by default), not augmented, in stored order; in
    that of their buckets where the data set has `buckets` (see `transforms.EpochRows`).

    Yields (batch, valid: bool[B]). All processes yield equally many batches: fillers, whose
    `valid` is False, complete the last one.
    """
    _check(dataset, batch_size, process_index, process_count)
    tolerant = _tolerant(dataset, max_bad)
    rows = transforms.EpochRows(
        tolerant,
        count=len(dataset) if limit is None else min(limit, len(dataset)),
        batch_size=batch_size,
        process_index=process_index,
        process_count=process_count,
    )
    return _start(rows, transforms.stack_pairs, num_threads, prefetch, tolerant)


def _check(dataset: DataSource, batch_size: int, process_index: int, process_count: int) -> None:
    if len(dataset) == 0:
        raise BadInput("the data set holds no usable record: check data.path and the split")
    if batch_size < 1 or batch_size % process_count:
        raise BadUsage(
            f"batch_size {batch_size} must be a positive multiple of the {process_count} processes"
        )
    if not 0 <= process_index < process_count:
        raise BadUsage(f"process {process_index} of {process_count} does not exist")


def _tolerant(dataset: DataSource, max_bad: int | None) -> transforms.Tolerant:
    default = max(_BAD_FEW, int(len(dataset) * _BAD_SHARE))
    return transforms.Tolerant(dataset, default if max_bad is None else max_bad)


def _start(
    rows: Any,
    stack: Callable,
    num_threads: int,
    prefetch: int,
    tolerant: transforms.Tolerant,
    order: BatchOrder | None = None,
) -> Batches:
    """Threads, not processes: decoding frees the interpreter lock, and nothing is pickled."""
    samples_ahead = max(rows.rows, 2 * num_threads) if num_threads else 0
    options = grain.ReadOptions(num_threads=num_threads, prefetch_buffer_size=samples_ahead)
    stream = grain.MapDataset.source(rows).to_iter_dataset(options)
    stream = stream.batch(rows.rows, drop_remainder=True, batch_fn=stack)
    if num_threads and prefetch:  # stacking copies megabytes: not in the training loop's thread
        stream = grain.experimental.ThreadPrefetchIterDataset(stream, prefetch_buffer_size=prefetch)
    return Batches(iter(stream), tolerant, order)
