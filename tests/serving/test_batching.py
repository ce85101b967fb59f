"""The queue of the service, without a model."""

import threading
import time

import pytest

from xojl_jax.serving.batching import Batcher, Job, Overloaded, TooLate


def job(program: str = "a", seconds: float = 60.0, size: int = 0) -> Job:
    return Job(program, {}, None, time.monotonic() + seconds, size)


def test_jobs_are_gathered_by_program():
    """Protects throughput and answers: batches are as full as can be, and of one program each."""
    batches, gate = [], threading.Event()

    def run(jobs):
        gate.wait(10)
        batches.append([each.program for each in jobs])
        return [each.program for each in jobs]

    batcher = Batcher(run, batch_size=3, queue_size=20, wait=0.0)
    jobs = [job("first"), *(job(name) for name in "abababb")]
    batcher.submit(jobs[:1])
    time.sleep(0.1)  # it is taken alone, and holds the thread
    batcher.submit(jobs[1:])
    gate.set()
    assert [each.answer.result(10) for each in jobs] == [each.program for each in jobs]
    assert batches == [["first"], ["a", "a", "a"], ["b", "b", "b"], ["b"]]
    batcher.close()


def test_batches_are_of_one_size():
    """Protects small sections from waiting for the large program: it runs for large ones, and takes
    small ones along only in place of padding."""
    batches, gate = [], threading.Event()

    def run(jobs):
        gate.wait(10)
        batches.append([each.size for each in jobs])
        return [1] * len(jobs)

    batcher = Batcher(run, batch_size=3, queue_size=20, wait=0.0)
    batcher.submit([job()])
    time.sleep(0.1)  # it is taken alone, and holds the thread
    jobs = [job(size=size) for size in (0, 1, 0, 0, 1, 0)]
    batcher.submit(jobs)
    gate.set()
    assert all(each.answer.result(10) for each in jobs)
    assert batches == [[0], [0, 0, 0], [1, 1, 0]]
    batcher.close()


def test_a_full_queue_refuses_and_close_answers_the_rest():
    """Protects memory under overload, and accepted requests when the service ends."""
    gate = threading.Event()
    batcher = Batcher(
        lambda jobs: gate.wait(10) and [1] * len(jobs), batch_size=1, queue_size=2, wait=0
    )
    held = [job()]
    batcher.submit(held)
    time.sleep(0.1)
    waiting = [job(), job()]
    batcher.submit(waiting)
    with pytest.raises(Overloaded) as refused:
        batcher.submit([job()])
    assert 1 <= refused.value.retry_after <= 60
    closing = threading.Thread(target=batcher.close)
    closing.start()
    gate.set()
    assert [each.answer.result(10) for each in held + waiting] == [1, 1, 1]
    closing.join(10)
    with pytest.raises(Overloaded):
        batcher.submit([job()])


def test_what_is_late_or_given_up_is_not_computed():
    """Protects the living under overload: no work for those who left."""
    seen, gate = [], threading.Event()

    def run(jobs):
        gate.wait(10)
        seen.extend(jobs)
        return [1] * len(jobs)

    batcher = Batcher(run, batch_size=4, queue_size=9, wait=0)
    held, late, left, last = job(), job(seconds=0.0), job(), job()
    batcher.submit([held])
    time.sleep(0.1)
    batcher.submit([late, left, last])
    left.answer.cancel()
    gate.set()
    assert last.answer.result(10) == 1
    with pytest.raises(TooLate):
        late.answer.result(10)
    assert seen == [held, last]
    batcher.close()


def test_what_would_be_late_is_refused_at_once():
    """Protects clients under overload: told now to come again, not after they waited in vain."""
    gate = threading.Event()
    batcher = Batcher(
        lambda jobs: gate.wait(10) and [1] * len(jobs), batch_size=1, queue_size=99, wait=0
    )
    batcher.submit([job()])
    time.sleep(0.1)  # it is taken, and holds the thread
    batcher.submit([job(seconds=0.5)])  # nothing waits before it
    batcher.submit([job() for _ in range(9)])
    with pytest.raises(Overloaded):  # ten batches of about a second wait
        batcher.submit([job(seconds=5)])
    batcher.submit([job(seconds=60)])
    gate.set()
    batcher.close()


def test_a_batch_that_fails_takes_nobody_else_along():
    """Protects the next requests: the error is that of its batch, and the thread goes on."""

    def run(jobs):
        if jobs[0].program == "bad":
            raise ValueError("no")
        return [1] * len(jobs)

    batcher = Batcher(run, batch_size=2, queue_size=9, wait=0)
    bad, good = job("bad"), job("good")
    batcher.submit([bad, good])
    with pytest.raises(ValueError, match="no"):
        bad.answer.result(10)
    assert good.answer.result(10) == 1
    batcher.close()
