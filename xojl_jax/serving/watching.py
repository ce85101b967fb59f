"""What is done with an answer after it was sent: counted, compared, kept. Never before, so no
client waits for it; and where it would pile up, it is left out."""

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from xojl_jax.serving.answering import Answered
from xojl_jax.serving.faults import places
from xojl_jax.serving.metrics import Metrics

log = logging.getLogger(__name__)


class Watcher(Protocol):
    """One thing that is done with answers."""

    def see(self, answered: Answered) -> None:
        """Called in the one thread of all watchers."""


class Watching:
    """Tells watchers of answers, in a thread of their own.

    Args:
      backlog: answers that may wait to be looked at; more are left out, and counted.
    """

    def __init__(self, watchers: Sequence[Watcher], metrics: Metrics, backlog: int = 32):
        self._watchers, self._metrics, self._backlog = watchers, metrics, backlog
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="watch")
        self._waiting, self._lock = 0, threading.Lock()

    def tell(self, answered: Answered) -> None:
        """Returns at once."""
        if not self._watchers:
            return
        with self._lock:
            full = self._waiting >= self._backlog
            self._waiting += not full
        if full:
            self._metrics.unwatched.inc()
        else:
            self._pool.submit(self._see, answered)

    def _see(self, answered: Answered) -> None:
        for watcher in self._watchers:
            try:
                watcher.see(answered)
            except Exception as error:  # the others go on, and so does the service
                log.error("watching failed", extra={"fields": {"error": places(error)}})
        with self._lock:
            self._waiting -= 1

    def close(self) -> None:
        """Ends the thread; what waits is left out."""
        self._pool.shutdown(cancel_futures=True)
