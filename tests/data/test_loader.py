"""The order of samples depends on nothing but the seed; unreadable records do not stop a run."""

import functools
import threading
from itertools import chain

import numpy as np
import pytest

from xojl_jax.data.loader import batches, one_epoch
from xojl_jax.data.order import BatchOrder, SampleOrder
from xojl_jax.errors import BadInput, BadUsage


class Numbers:
    """Record i holds the number i; augmentation adds a random fraction."""

    def __init__(self, count, bad=(), augmented=True, weights=None):
        self.count, self.broken, self.weights = count, set(bad), weights
        self.augment = self._augment if augmented else None

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index in self.broken:
            raise BadInput(f"record {index} is broken")
        return {"index": np.int32(index), "noise": np.float64(0)}

    def _augment(self, sample, rng):
        return {**sample, "noise": rng.random()}


def take(stream, count):
    with stream:
        return [next(stream) for _ in range(count)]


def rows(stream, steps):
    taken = take(stream, steps)
    return [(b["index"].tolist(), b["noise"].tolist()) for b in taken]


@pytest.mark.parametrize("count", [5, 12, 30, 1])
@pytest.mark.parametrize("processes", [1, 2, 4])
def test_every_process_count_sees_the_same_rows(count, processes):
    """The parts of 1, 2 and 4 processes, put together, are one and the same global batch."""
    whole = rows(batches(Numbers(count), seed=3, batch_size=12, num_threads=0), 8)
    parts = [
        rows(
            batches(
                Numbers(count),
                seed=3,
                batch_size=12,
                process_index=p,
                process_count=processes,
                num_threads=0,
            ),
            8,
        )
        for p in range(processes)
    ]
    for step, expected in enumerate(whole):
        indices, noises = zip(*(part[step] for part in parts), strict=True)
        assert (list(chain(*indices)), list(chain(*noises))) == expected


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_threads_do_not_change_the_order(threads):
    """Decoding in several threads gives what the caller's thread gives."""
    expected = rows(batches(Numbers(23), seed=0, batch_size=4, num_threads=0), 20)
    assert rows(batches(Numbers(23), seed=0, batch_size=4, num_threads=threads), 20) == expected


@pytest.mark.parametrize("count", [7, 8, 100])
def test_resuming_gives_what_the_uninterrupted_run_saw(count):
    """From any step on, also inside an epoch and at its border, augmentation included."""
    whole = rows(batches(Numbers(count), seed=9, batch_size=4, num_threads=2), 12)
    for step in (0, 1, 2, 3, 7, 11):
        resumed = batches(Numbers(count), seed=9, batch_size=4, start_step=step, num_threads=2)
        assert rows(resumed, 12 - step) == whole[step:]


def test_the_order_is_the_one_of_every_run_so_far():
    """A run that began with an older version goes on with the same samples."""
    order = SampleOrder(3, 10)
    seen = [order.record_at(position) for position in range(20)]
    assert seen == [5, 0, 4, 2, 1, 6, 7, 8, 9, 3, 6, 3, 2, 7, 4, 8, 5, 9, 1, 0]


WEIGHTS = np.array([1.0, 4.0, 0.5, 2.5] * 5)


def test_weights_are_kept_to_in_every_epoch():
    """A record comes as often as its weight says, rounded up or down, and exactly so on average."""
    expected = WEIGHTS / WEIGHTS.mean()
    order = SampleOrder(7, len(WEIGHTS), WEIGHTS)
    epochs = 400
    drawn = np.array([order.record_at(p) for p in range(epochs * len(WEIGHTS))])
    counts = np.array([np.bincount(e, minlength=20) for e in drawn.reshape(epochs, -1)])
    assert (counts >= np.floor(expected)).all() and (counts <= np.ceil(expected)).all()
    # each count varies by less than 1, so the mean of 400 by less than 0.025 (standard deviation)
    np.testing.assert_allclose(counts.mean(0), expected, atol=0.1)
    first = drawn.reshape(epochs, -1)[:, 0]  # a record may be at any place of an epoch
    np.testing.assert_allclose(np.bincount(first, minlength=20) / epochs, expected / 20, atol=0.05)


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_a_weighted_order_is_as_pure_as_the_other(processes):
    """The same rows for any number of processes, and after resuming at any step."""
    dataset = Numbers(20, weights=WEIGHTS)
    whole = rows(batches(dataset, seed=3, batch_size=12, num_threads=2), 8)
    for start in (0, 1, 3, 7):
        parts = [
            rows(
                batches(
                    dataset,
                    seed=3,
                    batch_size=12,
                    start_step=start,
                    process_index=p,
                    process_count=processes,
                    num_threads=0,
                ),
                8 - start,
            )
            for p in range(processes)
        ]
        for step, expected in enumerate(whole[start:]):
            indices, noises = zip(*(part[step] for part in parts), strict=True)
            assert (list(chain(*indices)), list(chain(*noises))) == expected
    assert whole != rows(batches(Numbers(20), seed=3, batch_size=12, num_threads=0), 8)


def test_no_record_repeats_inside_an_epoch_and_epochs_differ():
    """Each epoch is a permutation, other epochs and seeds have other ones."""
    count, epochs = 37, 20
    orders = [
        tuple(SampleOrder(seed, count).record_at(epoch * count + place) for place in range(count))
        for seed in range(3)
        for epoch in range(epochs)
    ]
    assert all(sorted(order) == list(range(count)) for order in orders)
    assert len(set(orders)) == len(orders)


def test_the_shuffle_is_even():
    """Over many epochs a record is at every place, and after every other, equally often."""
    count, epochs = 8, 4000
    order = SampleOrder(1, count)
    order = [order.record_at(position) for position in range(epochs * count)]
    order = np.array(order).reshape(epochs, count)
    place = np.zeros((count, count))
    np.add.at(place, (np.arange(count), order), 1)
    # 500 expected in each cell, standard deviation 21; so for the pairs: 500 off the diagonal
    assert np.abs(place - epochs / count).max() < 110
    after = np.zeros((count, count))
    np.add.at(after, (order[:, :-1], order[:, 1:]), 1)
    assert np.abs(after[~np.eye(count, dtype=bool)] - epochs / count).max() < 110


def test_augmentation_differs_from_row_to_row():
    """A record that comes again meets other randomness; so do equal rows of two seeds."""
    noise = np.concatenate([n for _, n in rows(batches(Numbers(3), seed=1, batch_size=6), 10)])
    assert len(set(noise)) == len(noise)
    other = np.concatenate([n for _, n in rows(batches(Numbers(3), seed=2, batch_size=6), 10)])
    assert not set(noise) & set(other)


def test_unreadable_records_are_replaced_and_counted(caplog):
    """The replacement is the next readable record, whatever the number of threads."""
    dataset = Numbers(20, bad=(3, 4, 19))
    seen = []
    for threads in (0, 5):
        with batches(dataset, seed=0, batch_size=5, num_threads=threads) as stream:
            seen.append([next(stream)["index"].tolist() for _ in range(8)])
            assert sorted(stream.bad) == [3, 4, 19]
            assert stream.bad[3] == "record 3 is broken"
    assert seen[0] == seen[1]
    assert np.bincount(np.ravel(seen[0]))[[5, 0]].tolist() == [6, 4]  # for 3 and 4; for 19
    assert caplog.text.count("record 4 is skipped") == 2  # once for each stream


def test_too_many_unreadable_records_stop_the_run():
    """Past the budget the error says how many, and a data set with none left says so."""
    stream = batches(Numbers(30, bad=range(12)), seed=0, batch_size=10)
    with pytest.raises(
        BadInput,
        match=r"\d+ records of 30 cannot be read[^\n]*$",
    ):
        take(stream, 30)
    stream = batches(Numbers(2, bad=range(2)), seed=0, batch_size=1, num_threads=0)
    with pytest.raises(BadInput, match="no record"):
        take(stream, 1)


def test_programming_errors_are_not_swallowed():
    """Only bad input is tolerated."""

    class Broken(Numbers):
        def __getitem__(self, index):
            raise KeyError("a bug")

    with pytest.raises(KeyError):
        take(batches(Broken(4), seed=0, batch_size=2, num_threads=0), 1)


@pytest.mark.parametrize("processes", [1, 2])
def test_one_epoch_gives_every_record_once(processes):
    """Evaluation sees each record once, in order; fillers are marked, processes stay in step."""
    seen, lengths = [], []
    for p in range(processes):
        stream = one_epoch(
            Numbers(11), batch_size=4, process_index=p, process_count=processes, num_threads=2
        )
        with stream:
            got = list(stream)
        lengths.append(len(got))
        seen += [i for batch, valid in got for i in batch["index"][valid]]
        assert all(batch["noise"].max() == 0 for batch, _ in got)
        assert all(len(valid) == 4 // processes for _, valid in got)
    assert sorted(seen) == list(range(11)) and lengths == [3] * processes
    with one_epoch(Numbers(11), batch_size=4, limit=5, num_threads=0) as stream:
        assert [int(valid.sum()) for _, valid in stream] == [4, 1]


def test_wrong_arguments_are_usage_errors():
    """The user reads which number is wrong."""
    with pytest.raises(BadUsage, match="batch_size 6"):
        batches(Numbers(4), seed=0, batch_size=6, process_count=4)
    with pytest.raises(BadUsage, match="process 2 of 2"):
        batches(Numbers(4), seed=0, batch_size=4, process_index=2, process_count=2)
    with pytest.raises(BadInput, match="no usable record"):
        batches(Numbers(0), seed=0, batch_size=4)


def test_closing_stops_the_threads():
    """A stream that is left half-way leaves no thread behind."""
    before = threading.active_count()
    for _ in range(3):
        stream = batches(Numbers(50), seed=0, batch_size=4, num_threads=3)
        next(stream)
        stream.close()
        stream.close()
    for thread in threading.enumerate():
        if thread.name.startswith(("grain", "Thread", "ThreadPool")) and thread.daemon:
            thread.join(2)
    assert threading.active_count() <= before + 1


class Sized(Numbers):
    """Numbers whose record i needs i % 3 + 1 places, in buckets of 1, 2 and 3 places; with its
    change, 3."""

    bucket_holds = np.tri(3, dtype=bool)

    def __init__(self, count, changed_share=0.0, **rest):
        super().__init__(count, **rest)
        self.buckets = (np.arange(count) % 3).astype(np.int8)
        self.changed_buckets, self.changed_share = np.full(count, 2, np.int8), changed_share

    def _augment(self, sample, rng, changed=False):
        return {**super()._augment(sample, rng), "changed": np.bool_(changed)}

    def to_bucket(self, sample, bucket):
        assert sample["index"] % 3 <= bucket, "what the bucket holds"
        return {**sample, "places": np.zeros(bucket + 1, np.int8)}


@pytest.mark.parametrize("processes", [1, 2, 4])
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_all_rows_of_a_step_are_of_one_bucket(processes, share):
    """Protects buckets on several hosts: at every step all processes have the shapes of the same
    bucket, and together the rows that one process would have."""
    make = functools.partial(batches, Sized(31, share), seed=5, batch_size=4, num_threads=0)
    whole = take(make(), 30)
    parts = [take(make(process_index=p, process_count=processes), 30) for p in range(processes)]
    for step, expected in enumerate(whole):
        for name in ("index", "noise", "places", "changed"):
            found = np.concatenate([part[step][name] for part in parts])
            np.testing.assert_array_equal(found, expected[name])
    for step in (1, 13, 29):
        (resumed,) = take(make(start_step=step), 1)
        np.testing.assert_array_equal(resumed["noise"], whole[step]["noise"])


def test_buckets_drop_no_record_and_keep_their_shares():
    """Protects the data: over whole epochs every record comes equally often, whatever its bucket,
    and the change comes as often as it should."""
    seen = take(batches(Sized(30, 0.25), seed=1, batch_size=5, num_threads=0), 600)
    counts = np.bincount(np.concatenate([batch["index"] for batch in seen]))
    assert counts.sum() == 3000 and counts.min() >= 98 and counts.max() <= 102
    changed = np.concatenate([batch["changed"] for batch in seen])
    assert abs(changed.mean() - 0.25) < 0.03
    for batch in seen:
        assert (batch["places"].shape[1] == 3) or not batch["changed"].any()


def test_batches_of_buckets_are_those_of_queues():
    """Protects the order's closed form: it is what filling one queue a bucket gives."""
    for weights in (None, np.linspace(0.2, 4, 23)):
        stream = SampleOrder(4, 23, weights)
        buckets = np.array([0] * 15 + [1] * 7 + [2])
        order = BatchOrder(stream, 23, 6, buckets=buckets)
        queues, expected, position = {0: [], 1: [], 2: []}, [], 0
        while len(expected) < 50:
            record = stream.record_at(position)
            position += 1
            queue = queues[buckets[record]]
            queue.append(record)
            if len(queue) == 6:
                expected.append((buckets[record], queue.copy()))
                queue.clear()
        for step in (49, 0, 17, 3):
            bucket, records, changed = order.batch(step)
            assert (bucket, records.tolist()) == expected[step] and not changed.any()
        assert order.upcoming(0) == list(dict.fromkeys(b for b, _ in expected))


def test_a_broken_record_is_replaced_by_one_that_fits_its_bucket():
    """Protects from a sample that is cut off: the next record is too large for the bucket."""
    stream = batches(Sized(12, bad=[3]), seed=0, batch_size=2, num_threads=0)
    taken = take(stream, 40)  # `to_bucket` checks
    small = np.concatenate([batch["index"] for batch in taken if batch["places"].shape[1] == 1])
    assert 3 not in small and stream.bad.keys() == {3}


def test_one_epoch_in_buckets_gives_every_record_once():
    """Evaluation sees each record once; a batch has the smallest shapes that hold all of it."""
    with one_epoch(Sized(11), batch_size=4, num_threads=0) as stream:
        got = list(stream)
    assert [batch["places"].shape[1] for batch, _ in got] == [1, 2, 3]
    seen = [i for batch, valid in got for i in batch["index"][valid]]
    assert seen == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8]
