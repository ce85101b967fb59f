"""Requests that come one by one, answered in batches: a bounded queue and one thread.

What does not fit into the queue is refused at once, and what has waited beyond its deadline is not
computed: under overload, work that nobody waits for would crowd out the rest.
"""

import collections
import dataclasses
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from xojl_jax.tasks.base import Sample


class Overloaded(Exception):
    """The queue is full. `retry_after`: whole seconds until it is likely to have room."""

    def __init__(self, retry_after: int):
        super().__init__(f"try again in {retry_after} s")
        self.retry_after = retry_after


class TooLate(Exception):
    """The deadline passed before the answer was there."""


@dataclasses.dataclass
class Job:
    """One input to answer.

    Attributes:
      program: which of the model's programs.
      size: the number of the program's size that holds it, from cheap to dear.
      deadline: time.monotonic() beyond which nobody waits for it.
    """

    program: str
    sample: Sample
    inputs: Any
    deadline: float
    size: int = 0
    queued: float = 0.0
    answer: Future = dataclasses.field(default_factory=Future)


class Batcher:
    """Gathers jobs into batches of one program in one size.

    Args:
      run: called in the batcher's thread as (jobs) -> their answers.
      batch_size: jobs a batch, at most.
      queue_size: jobs that may wait.
      wait: seconds that the first job of a batch waits for others.
      observe: called with (jobs, seconds) of every batch.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Job]], list[Any]],
        *,
        batch_size: int,
        queue_size: int,
        wait: float,
        observe: Callable[[Sequence[Job], float], None] = lambda jobs, seconds: None,
    ):
        self._run, self._observe = run, observe
        self._batch_size, self._queue_size, self._wait = batch_size, queue_size, wait
        self._queue: collections.deque[Job] = collections.deque()
        self._changed = threading.Condition()
        self._closed = False
        self._seconds = 1.0  # of a batch, a running average
        self._thread = threading.Thread(target=self._loop, name="batcher", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._queue)

    def submit(self, jobs: Sequence[Job]) -> None:
        """Queues the jobs of one request, all or none. Raises Overloaded where there is no room, or
        the queue is likely to take until after their deadline."""
        with self._changed:
            now = time.monotonic()
            full = len(self._queue) + len(jobs) > self._queue_size
            # What would be too late is refused now, and not after its client has waited.
            late = self._queue and now + self._wait_for_queue() > min(job.deadline for job in jobs)
            if self._closed or full or late:
                raise Overloaded(self.retry_after())
            for job in jobs:
                job.queued = now
            self._queue.extend(jobs)
            self._changed.notify()

    def retry_after(self) -> int:
        """Whole seconds until what waits now is likely to be answered."""
        return min(60, 1 + math.ceil(self._wait_for_queue()))

    def _wait_for_queue(self) -> float:
        """Seconds that what waits now is likely to take."""
        return len(self._queue) / self._batch_size * self._seconds

    def close(self) -> None:
        """Answers all that waits, then ends the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _loop(self) -> None:
        while jobs := self._next():
            began = time.monotonic()
            try:
                answers = self._run(jobs)
            except Exception as error:
                for job in jobs:
                    job.answer.set_exception(error)
                continue
            seconds = time.monotonic() - began
            self._seconds += 0.2 * (seconds - self._seconds)
            self._observe(jobs, seconds)
            for job, answer in zip(jobs, answers, strict=True):
                job.answer.set_result(answer)

    def _next(self) -> list[Job]:
        """The next batch; none when the batcher is closed and the queue empty."""
        while True:
            with self._changed:
                while not self._queue and not self._closed:
                    self._changed.wait()
                if not self._queue:
                    return []
                full = time.monotonic() + self._wait
                while len(self._queue) < self._batch_size and not self._closed:
                    if not self._changed.wait(max(0.0, full - time.monotonic())):
                        break
                jobs = self._take()
            if jobs:
                return jobs

    def _take(self) -> list[Job]:
        """Jobs of the program and the size that wait for longest; smaller ones fill the rest, which
        would be padding. Those too late or given up are dropped."""
        first, taken, done = self._queue[0], [], set()
        fitting = [j for j in self._queue if j.program == first.program and j.size <= first.size]
        fitting.sort(key=lambda job: job.size != first.size)  # stable: in their order otherwise
        now = time.monotonic()
        for job in fitting:
            if len(taken) == self._batch_size:
                break
            done.add(id(job))
            if not job.answer.set_running_or_notify_cancel():
                continue
            if job.deadline < now:
                job.answer.set_exception(TooLate())
            else:
                taken.append(job)
        self._queue = collections.deque(job for job in self._queue if id(job) not in done)
        return taken
