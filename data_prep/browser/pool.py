"""Many browsers at work: batches in order, each made by one of several processes."""

import atexit
import functools
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from data_prep.browser.chromium import Browser

PAGE_SECONDS = 300.0  # limit on one page of a browser; generous, for overloaded machines

Batch, Made = TypeVar("Batch"), TypeVar("Made")


def make_in_order(
    make: Callable[[Browser, Batch], Made], batches: Sequence[Batch], workers: int
) -> Iterator[Made]:
    """`make(browser, batch)` of every batch, in order; every process has a browser of its own."""
    workers = min(workers, len(batches))
    # Playwright starts threads, which do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_start_browser) as pool:
        waiting = deque()
        for batch in batches:
            waiting.append(pool.submit(functools.partial(_make, make, batch)))
            # Two batches per worker are queued: none waits for work, and memory is bounded.
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


_browser: list[Browser] = []  # the one browser of a worker process


def _start_browser() -> None:
    browser = Browser(page_seconds=PAGE_SECONDS)
    _browser.append(browser.__enter__())
    atexit.register(browser.__exit__, None, None, None)


def _make(make: Callable[[Browser, Batch], Made], batch: Batch) -> Made:
    return make(_browser[0], batch)
