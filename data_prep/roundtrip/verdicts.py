"""Verdicts by several processes, each with a browser of its own."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.util import Finalize
from typing import Any

from data_prep.browser.chromium import Browser
from data_prep.roundtrip.rendering import PAGE_SECONDS
from xojl_jax.errors import BadUsage


class Verdicts:
    """`judge(browser, *job)` of every job, in the order in which they come about.

    Args:
      judge: a function of a module, which a process can import.
      todo: its arguments.
    """

    def __init__(self, judge: Callable[..., dict], todo: Sequence[tuple[Any, ...]], workers: int):
        self._judge, self._todo = judge, todo
        self._workers = min(workers, max(1, len(todo)))

    def __len__(self) -> int:
        return len(self._todo)

    def __iter__(self) -> Iterator[dict]:
        if not self._todo:
            return
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self._workers, context, _open_browser) as pool:
            runs = [pool.submit(_run, self._judge, job) for job in self._todo]
            try:
                for run in as_completed(runs):
                    yield run.result()
            except BrokenProcessPool as error:
                raise BadUsage(
                    "a worker was ended from outside (out of memory?): run again with fewer "
                    "--workers; what is judged is kept"
                ) from error
            finally:
                for run in runs:
                    run.cancel()


_browsers: list[Browser] = []  # of a worker process: one


def _open_browser() -> None:
    browser = Browser(page_seconds=PAGE_SECONDS)
    browser.__enter__()
    _browsers.append(browser)
    Finalize(None, browser.__exit__, (None, None, None), exitpriority=10)


def _run(judge: Callable[..., dict], job: tuple[Any, ...]) -> dict:
    return judge(_browsers[0], *job)
