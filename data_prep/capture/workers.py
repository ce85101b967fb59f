"""Pages on several browsers at once, each in a process of its own; answers in the order of pages.

What comes out does not depend on the number of processes: every page is rendered in a fresh
context, and whoever asks gets the results in order. A process that dies costs its page, no more.
"""

import contextlib
import multiprocessing
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait

from data_prep.browser.chromium import Browser
from data_prep.capture.section import PageResult, Settings, capture_page
from data_prep.capture.sources import PageSource
from xojl_jax.errors import BadUsage

AHEAD = 8  # pages a process may be ahead of the one that is waited for: it bounds memory


def capture_pages(
    pages: list[PageSource], settings: Settings, workers: int
) -> Iterator[tuple[PageSource, PageResult]]:
    """(page, result) of every page, in order."""
    workers = min(workers, len(pages))
    if workers > 1:
        yield from _capture_in_parallel(pages, settings, workers)
    elif pages:
        with Browser(page_seconds=settings.page_seconds) as browser:
            for page in pages:
                yield page, capture_page(browser, page, settings)


def _capture_in_parallel(pages, settings: Settings, count: int):
    results: dict[int, PageResult] = {}
    given = written = 0
    team = [_Worker(settings) for _ in range(count)]
    try:
        while written < len(pages):
            for worker in team:
                if worker.page is None and given < min(len(pages), written + AHEAD * count):
                    worker.give(given, pages[given])
                    given += 1
            busy = {worker.connection: worker for worker in team if worker.page is not None}
            for connection in wait(list(busy)):
                worker = busy[connection]
                number, result = worker.take()
                results[number] = result
                if not worker.is_alive():
                    team[team.index(worker)] = _Worker(settings)
            while written in results:
                yield pages[written], results.pop(written)
                written += 1
    finally:
        for worker in team:
            worker.stop()


class _Worker:
    """One process with one browser, and the number of the page that it is at."""

    def __init__(self, settings: Settings):
        # A fork would inherit the pipes of the others, and nobody would see them close.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.page: int | None = None
        self._process = context.Process(target=_serve, args=(theirs, settings), daemon=True)
        self._process.start()
        theirs.close()

    def give(self, number: int, page: PageSource) -> None:
        self.page = number
        with contextlib.suppress(OSError):  # a dead process is seen when its answer is awaited
            self.connection.send(page)

    def take(self) -> tuple[int, PageResult]:
        number, self.page = self.page, None
        try:
            answer = self.connection.recv()
        except (EOFError, OSError):
            self.stop()
            answer = PageResult(failed="its browser process died")
        if isinstance(answer, BadUsage):
            raise answer
        return number, answer

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def stop(self) -> None:
        """A process ends itself when its pipe closes; one that is stuck is ended."""
        self.connection.close()
        self._process.join(timeout=3)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()


def _serve(connection: Connection, settings: Settings) -> None:
    """A process: pages in, results out, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    with contextlib.suppress(EOFError, OSError):
        try:
            with Browser(page_seconds=settings.page_seconds) as browser:
                while True:
                    connection.send(capture_page(browser, connection.recv(), settings))
        except BadUsage as error:
            connection.send(error)
