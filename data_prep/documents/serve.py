"""What runs in a process of its own: a batch of pages in, a message per page out.

Nobody vouches for the files, so the kernel holds the limits: RLIMIT_CPU ends the process when one
page takes too long (also in C++, where no exception reaches), RLIMIT_AS refuses memory. What it had
done by then has been told already.
"""

import contextlib
import resource
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from data_prep.documents.document import Document
from data_prep.documents.page import Broken, LeftOut, Page, Pages, write_page
from data_prep.documents.readers import READERS, Settings

BATCH = 32  # pages for which a document is opened once


@dataclass(frozen=True)
class Batch:
    """Pages of a document. `end` is None the first time, when nobody knows how many there are."""

    document: Document
    start: int = 0
    end: int | None = None


@dataclass(frozen=True)
class Opened:
    """The document could be opened."""

    document: str  # its id
    pages: int


@dataclass(frozen=True)
class PageDone:
    """A page: its record's line, or the reason why there is none."""

    number: int
    record: str = ""
    left_out: str = ""
    died: bool = False  # the page ended the process that read it
    broken: bool = False  # the document tells of it and does not have it


@dataclass(frozen=True)
class BatchDone:
    """The batch ends; `failed` is why the document could not be opened, if it could not."""

    failed: str = ""


@dataclass(frozen=True)
class CannotWrite:
    """No picture can be written: nothing that another document would change."""

    reason: str


def serve(connection: Connection, folder: Path, settings: Settings) -> None:
    """A process: batches in, messages out, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    _limit_memory(settings.memory_gib)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            batch = connection.recv()
            _limit_time(settings.page_seconds)
            try:
                _read_batch(batch, connection.send, folder, settings)
            except OSError as error:
                if error.filename is None:  # the parent has gone
                    raise
                connection.send(CannotWrite(f"{error.strerror}: {error.filename}"))


def _read_batch(batch: Batch, send, folder: Path, settings: Settings) -> None:
    document = batch.document
    try:
        pages = READERS[document.reader](document, settings)
    except Exception as error:
        send(BatchDone(_reason(error)))
        return
    end = batch.end
    if end is None:
        send(Opened(pages.document, pages.count))
        end = min(BATCH, pages.count, settings.most_pages or pages.count)
    source = document.source | {"uri": document.uri}
    for number in range(batch.start, end):
        _limit_time(settings.page_seconds)
        try:
            page = _read_page(pages, number, settings)
        except Exception as error:
            broken = isinstance(error, Broken)
            send(PageDone(number, left_out=_reason(error), broken=broken))
            continue
        send(
            PageDone(
                number,
                write_page(
                    page,
                    pages,
                    number,
                    folder=folder,
                    image_format=settings.image_format,
                    source=source,
                ),
            )
        )
    send(BatchDone())


def _read_page(pages: Pages, number: int, settings: Settings) -> Page:
    page = pages.page(number)
    if page.words.come_from != "none":
        _check_words(len(page.words.texts), settings)
    return page


def _check_words(count: int, settings: Settings) -> None:
    if count > settings.most_words:
        raise LeftOut(f"more than {settings.most_words} words")
    if count < settings.least_words:
        raise LeftOut(f"fewer than {settings.least_words} words")


def _reason(error: Exception) -> str:
    if isinstance(error, LeftOut):
        return str(error)
    if isinstance(error, MemoryError):
        return "too much memory"
    # A reader that met what its author did not think of; the file costs its page, not the run.
    return f"{type(error).__name__}: {' '.join(str(error).split())[:80]}"


def _limit_time(seconds: float) -> None:
    """So much more processor time, in whole seconds; then SIGXCPU ends the process."""
    soft, hard = int(time.process_time() + seconds) + 1, resource.getrlimit(resource.RLIMIT_CPU)[1]
    if hard == resource.RLIM_INFINITY or soft < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _limit_memory(gib: float) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):  # no /proc: no limit on address space either (macOS)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + int(gib * 2**30)
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
