"""Documents on several processes at once; what comes of them in the order of documents and pages.

What comes out does not depend on the number of processes. A process that dies costs the page that
it was at; a document on which several die is given up. Memory is bounded by the batches under way.
"""

import contextlib
import heapq
import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path

from data_prep.documents.document import Document
from data_prep.documents.readers import Settings
from data_prep.documents.serve import (
    BATCH,
    Batch,
    BatchDone,
    CannotWrite,
    Opened,
    PageDone,
    serve,
)
from xojl_jax.errors import BadUsage

_AHEAD = 4  # batches per process that may be done before the one that is waited for
# What a page may take by the clock: so many times its limit, since other work slows it down, and
# some seconds more for a process that has just started.
_PATIENCE, _START_SECONDS = 10, 30.0
_WAIT_SECONDS = 0.05  # until the next look for a document that is on its way
_MOST_DEATHS = 3  # processes that one document may end
_MOST_BROKEN = 100  # pages in a row: a file of 1 kB may claim a million


@dataclass
class Started:
    """The pages of a document follow."""

    document: Document
    opened: Opened


@dataclass
class Finished:
    """A document ends. `opened` is None where it could not be; `reason`: why it is not whole."""

    document: Document
    opened: Opened | None
    reason: str = ""


def read_documents(
    documents: Iterator[Document | None],
    folder: Path,
    settings: Settings,
    workers: int,
    twin_of: Callable[[str], str] = lambda document: "",
) -> Iterator[Started | PageDone | Finished]:
    """Of each document in order: `Started`, its pages in order, `Finished`; or `Finished` alone.

    Args:
      documents: None where the next one is not here yet.
      twin_of: the uri of a document of that id that is done already, or "".
    """
    team = [_Worker(folder, settings) for _ in range(workers)]
    jobs: deque[_Job] = deque()
    more = True
    try:
        while more or jobs:
            while more and len(jobs) < _AHEAD * workers:
                try:
                    document = next(documents)
                except StopIteration:
                    more = False
                    break
                if document is None:
                    break
                jobs.append(_Job(document, settings, twin_of))
            if not jobs:
                time.sleep(_WAIT_SECONDS if more else 0)
                continue
            for worker in team:
                if worker.batch is None:
                    _give_batch(worker, jobs, _AHEAD * workers)
            _take_messages(team)
            while jobs and (events := jobs[0].events):
                event = events.popleft()
                yield event
                if isinstance(event, Finished):
                    jobs.popleft()
    finally:
        for worker in team:
            worker.stop()


def _give_batch(worker: "_Worker", jobs: deque["_Job"], most: int) -> None:
    held = sum(job.batches_held() for job in jobs)
    for job in jobs:
        if not job.todo:
            continue
        # What is waited for is never held back by what was done before its turn.
        start, end = job.todo[0]
        if held < most or (job is jobs[0] and start <= job.next_page):
            heapq.heappop(job.todo)
            worker.give(job, Batch(job.document, start, end))
            return


def _take_messages(team: list["_Worker"]) -> None:
    busy = {worker.connection: worker for worker in team if worker.batch is not None}
    if not busy:
        return
    for connection in wait(list(busy), timeout=1.0):
        busy[connection].take()
    for worker in busy.values():
        worker.check_clock()


@dataclass
class _Job:
    """A document under way: batches to be read, and events to be told in order."""

    document: Document
    settings: Settings
    twin_of: Callable[[str], str]
    opened: Opened | None = None
    todo: list[tuple[int, int | None]] = field(default_factory=list)  # a heap of (start, end)
    events: deque = field(default_factory=deque)
    next_page: int = 0  # the page that is told next
    _end: int = 0
    _done: dict[int, PageDone] = field(default_factory=dict)
    _deaths: int = 0
    _broken: int = 0  # in a row
    _closed: bool = False  # what comes late is not told

    def __post_init__(self):
        size = self.document.size
        if self.document.fault:
            self.close(self.document.fault)
        elif size > self.settings.most_mb * 1e6:
            self.close(f"larger than {self.settings.most_mb:g} MB")
        elif size == 0:
            self.close("empty")
        else:
            self.todo.append((0, None))

    def batches_held(self) -> float:
        return (len(self._done) + len(self.events)) / BATCH

    def open(self, opened: Opened) -> None:
        self.opened = opened
        if twin := self.twin_of(opened.document):
            self.close(f"the same document as {twin}")
            return
        self._end = min(opened.pages, self.settings.most_pages or opened.pages)
        self.events.append(Started(self.document, opened))
        for start in range(BATCH, self._end, BATCH):
            self.todo.append((start, min(start + BATCH, self._end)))
        self._tell()

    def add(self, page: PageDone) -> None:
        if not self._closed:
            self._done[page.number] = page
            self._tell()

    def close(self, reason: str = "") -> None:
        """No more of this document; `reason`: why, if there should be more."""
        if not self._closed:
            self._closed = True
            self.todo.clear()
            self._done.clear()
            self.events.append(Finished(self.document, self.opened, reason))

    def die(self, batch: Batch, page: int, reason: str) -> None:
        """A process died at a page: the others of its batch are for another process."""
        if self._closed:
            return
        if self.opened is None:
            self.close(reason)
            return
        end = min(BATCH, self._end) if batch.end is None else batch.end
        if page < end:  # else it died between its last page and the end of the batch
            heapq.heappush(self.todo, (page + 1, end))
            self.add(PageDone(page, left_out=reason, died=True))

    def _tell(self) -> None:
        while self.next_page in self._done and not self._closed:
            page = self._done.pop(self.next_page)
            self.events.append(page)
            self.next_page += 1
            # Counted in the order of pages, so that it does not depend on the processes.
            self._deaths += page.died
            self._broken = self._broken + 1 if page.broken else 0
            if self._deaths >= _MOST_DEATHS and self.next_page < self._end:
                self.close(f"given up: {self._deaths} of its pages ended their process")
            elif self._broken >= _MOST_BROKEN and self.next_page < self._end:
                self.close(f"given up: {self._broken} broken pages in a row")
        if self.next_page >= self._end:
            self.close()


class _Worker:
    """One process, and the batch that it is at."""

    def __init__(self, folder: Path, settings: Settings):
        self._arguments = folder, settings
        self.batch: Batch | None = None
        self._job: _Job | None = None
        self._start()

    def _start(self) -> None:
        # A fork would inherit the pipes of the others, and nobody would see them close.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, *self._arguments), daemon=True)
        self._process.start()
        theirs.close()
        self._heard = time.monotonic()

    def give(self, job: _Job, batch: Batch) -> None:
        self._job, self.batch, self._next = job, batch, batch.start
        self._heard = time.monotonic()
        with contextlib.suppress(OSError):  # a dead process is seen when its answer is awaited
            self.connection.send(batch)

    def take(self) -> None:
        job = self._job
        assert job is not None
        assert self.batch is not None
        try:
            message = self.connection.recv()
        except (EOFError, OSError):
            self._process.join(timeout=5)
            self._replace(_cause_of_death(self._process.exitcode, self._arguments[1]))
            return
        self._heard = time.monotonic()
        if isinstance(message, Opened):
            job.open(message)
        elif isinstance(message, PageDone):
            self._next = message.number + 1
            job.add(message)
        elif isinstance(message, BatchDone):
            if message.failed:
                job.die(self.batch, self._next, message.failed)
            self.batch = self._job = None
        elif isinstance(message, CannotWrite):
            raise BadUsage(f"--out: {message.reason}")

    def check_clock(self) -> None:
        limit = _PATIENCE * self._arguments[1].page_seconds + _START_SECONDS
        if self.batch is not None and time.monotonic() - self._heard > limit:
            self._process.kill()
            self._process.join()
            self._replace(f"took more than {limit:g} s by the clock")

    def _replace(self, reason: str) -> None:
        job, batch = self._job, self.batch
        self.batch = self._job = None
        self.stop()
        self._start()
        assert job is not None
        assert batch is not None
        job.die(batch, self._next, reason)

    def stop(self) -> None:
        """A process ends itself when its pipe closes; one that is stuck is ended."""
        self.connection.close()
        self._process.join(timeout=0.5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _cause_of_death(code: int | None, settings: Settings) -> str:
    if code == -signal.SIGXCPU:
        return f"took more than {settings.page_seconds:g} s of processor time"
    with contextlib.suppress(ValueError, TypeError):
        name = signal.Signals(-code).name
        return f"its process died ({name}: broken, or more than {settings.memory_gib:g} GiB)"
    return "its process died"
