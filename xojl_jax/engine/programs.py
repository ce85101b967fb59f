"""The compiled step of each bucket: the first in the caller's thread, the others beside the steps.

A batch's shapes tell its bucket. Nothing is compiled twice, and nothing else ever.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from typing import Any

from xojl_jax.tasks.base import Bucket, Task

# Programs that are compiled at once, beside the one that trains: each takes minutes and gigabytes.
COMPILE_THREADS = 1
# Seconds between two looks at whether a program is still worth waiting for.
POLL_SECONDS = 0.5

Signature = frozenset[tuple[str, tuple[int, ...]]]


def signature(batch: Mapping[str, Any]) -> Signature:
    """The shapes of a batch, rows left out: equal for this process's rows and the global batch."""
    return frozenset((name, tuple(array.shape[1:])) for name, array in batch.items())


class BucketOf:
    """Which of a task's buckets a batch is in."""

    def __init__(self, task: Task):
        self._found = {signature(task.batch_spec(bucket)): bucket for bucket in task.buckets()}

    def __call__(self, batch: Mapping[str, Any]) -> Bucket:
        return self._found[signature(batch)]


class Programs:
    """Callable like one compiled step: runs the program of the batch's bucket.

    A context manager: leaving it drops those that are not begun. A thread inside the compiler
    cannot be stopped: Python waits for it where the process ends, unless `processes.exit_together`
    ends it.

    Args:
      compile_bucket: bucket -> compiled step. Called once for each bucket, by one thread at a time
        for the first bucket, and `threads` at a time for the others.
      buckets: those that will be needed, in the order in which they are.
      bucket_of: batch -> bucket.
    """

    def __init__(
        self,
        compile_bucket: Callable[[Bucket], Callable],
        buckets: Sequence[Bucket],
        bucket_of: Callable[[Mapping[str, Any]], Bucket],
        *,
        threads: int = COMPILE_THREADS,
    ):
        self._bucket_of = bucket_of
        first, *others = buckets
        self._ready = {first: compile_bucket(first)}
        self._pool = futures.ThreadPoolExecutor(threads, "compile") if others else None
        self._coming = {
            bucket: self._pool.submit(functools.partial(compile_bucket, bucket))
            for bucket in others
            if self._pool is not None
        }

    def is_ready(self, batch: Mapping[str, Any]) -> bool:
        """Whether the batch's program need not be waited for."""
        return len(self._ready) > len(self._coming) or self._bucket_of(batch) in self._ready

    @property
    def is_compiling(self) -> bool:
        """Whether a program is being compiled."""
        return any(coming.running() for coming in self._coming.values())

    def wait(self, batch: Mapping[str, Any], give_up: Callable[[], bool] = lambda: False) -> bool:
        """Until the batch's program is compiled, or `give_up()`; whether it is compiled. Raises
        what the compiler raised."""
        while not self.is_ready(batch):
            coming = self._coming[self._bucket_of(batch)]
            if futures.wait([coming], POLL_SECONDS).done:
                self._program(batch)
            elif give_up():
                return False
        return True

    def __call__(self, state, batch):
        return self._program(batch)(state, batch)

    def _program(self, batch: Mapping[str, Any]) -> Callable:
        bucket = self._bucket_of(batch)
        if bucket not in self._ready:
            self._ready[bucket] = self._coming[bucket].result()
        return self._ready[bucket]

    def __enter__(self) -> "Programs":
        return self

    def __exit__(self, *_) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
