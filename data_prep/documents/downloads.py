"""Brings files from elsewhere, some at once and ahead of their turn, within a number of bytes.

A file lies in a folder of its own, named by a hash of its uri, size and version; as `part` until it
is whole. So a run that was killed goes on in the middle of a file, and a file that has changed on
its server begins anew.
"""

import contextlib
import hashlib
import queue
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from data_prep.documents.remote import (
    CannotGet,
    RemoteFile,
    at,
    is_final,
    measure,
    open_filesystem,
    reason_of,
)

BLOCK = 8 << 20  # bytes of one request: what is lost, at most, when a connection breaks
# Seconds before another try, each time that one got no further than those before.
PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0)
_THREADS = 4
_AHEAD = 64  # items whose files are asked for before their turn, where there is room

_END = object()

T = TypeVar("T")
Brought = list[RemoteFile | CannotGet]


@dataclass
class _Order(Generic[T]):
    """An item, and its files as far as they are here."""

    item: T
    files: list[RemoteFile]
    here: dict[int, RemoteFile | CannotGet] = field(default_factory=dict)

    def is_done(self) -> bool:
        return len(self.here) == len(self.files)


class Downloads:
    """A few threads that bring files. All methods are for one other thread.

    Args:
      folder: where the copies are.
      most: bytes that they may take.
      largest: bytes of one file; a larger one is not brought.
    """

    def __init__(self, folder: Path, most: int, largest: int):
        self._folder, self._most, self._largest = folder, most, largest
        self._room: dict[str, int] = {}  # what each file takes, by its uri
        self._stop = threading.Event()
        self._queue: queue.SimpleQueue[tuple[_Order, int]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def ahead(
        self, items: Iterator[T | None], files_of: Callable[[T], list[RemoteFile]]
    ) -> Iterator[tuple[T, Brought] | None]:
        """The items in their order, each with its files; None where the next is not here yet.

        Args:
          items: a None among them means that the next one is not known yet.
          files_of: the files that an item needs; called once for each item.
        """
        under_way: deque[_Order[T]] = deque()
        held: _Order[T] | None = None  # finds no room
        more = True
        while more or held or under_way:
            while len(under_way) < _AHEAD:
                if held is None and more:
                    item = next(items, _END)
                    more = item is not _END
                    held = _Order(item, files_of(item)) if more and item is not None else None
                if held is None or not self._has_room(held.files):
                    break
                self._start(held)
                under_way.append(held)
                held = None
            if under_way and under_way[0].is_done():
                order = under_way.popleft()
                yield order.item, [self._checked(order, i) for i in range(len(order.files))]
            elif more or held or under_way:
                yield None

    def forget(self, file: RemoteFile) -> None:
        """Removes a copy that nobody needs any more."""
        if file.copy is not None:
            shutil.rmtree(file.copy.parent, ignore_errors=True)
        self._room.pop(file.uri, None)

    def close(self) -> None:
        """Ends the threads; the copies stay."""
        self._stop.set()

    def _has_room(self, files: list[RemoteFile]) -> bool:
        needed = sum(self._room.values()) + sum(map(self._need, files))
        return not self._room or needed <= self._most

    def _need(self, file: RemoteFile) -> int:
        return self._largest if file.known_size is None else file.known_size

    def _start(self, order: _Order) -> None:
        if order.files and not self._threads:
            # Daemons: what hangs in a library does not keep the command from ending.
            for _ in range(_THREADS):
                self._threads.append(threading.Thread(target=self._work, daemon=True))
                self._threads[-1].start()
        for i, file in enumerate(order.files):
            self._room[file.uri] = self._need(file)
            self._queue.put((order, i))

    def _checked(self, order: _Order, i: int) -> RemoteFile | CannotGet:
        got = order.here[i]
        if isinstance(got, CannotGet):
            self._room.pop(order.files[i].uri, None)
        return got

    def _work(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(queue.Empty):
                order, i = self._queue.get(timeout=1.0)
                try:
                    order.here[i] = bring(order.files[i], self._folder, self._largest, self._stop)
                except CannotGet as error:
                    order.here[i] = error
                except Exception as error:  # of any kind: the reader waits for an answer
                    order.here[i] = CannotGet(reason_of(error))


def bring(file: RemoteFile, folder: Path, most: int, stop: threading.Event) -> RemoteFile:
    """Copies a file into a folder of its own in `folder`; returns it with its `copy`.

    What is there already, whole or in part, is not asked for again. Where a connection breaks
    another one goes on, until some in a row get no further.

    Args:
      most: bytes; no larger file is brought.
      stop: set to give up.

    Raises:
      CannotGet: why, and what to do.
    """
    file = measure(file)
    key = hashlib.sha256(f"{file.uri}\n{file.known_size}\n{file.version}".encode()).hexdigest()
    place = folder / key[:20]
    whole, part = place / "whole", place / "part"
    if not whole.exists():
        if file.size > most:
            raise _too_large(most)
        place.mkdir(parents=True, exist_ok=True)
        get = _from_hub if file.address.startswith("hf://datasets/") else _by_ranges
        furthest, tries = -1, 0
        while True:
            try:
                get(file, part, most, stop)
                break
            except CannotGet:
                raise
            except Exception as error:  # every library has its own
                size = part.stat().st_size if part.exists() else 0
                furthest, tries = max(furthest, size), 0 if size > furthest else tries + 1
                if stop.is_set() or is_final(error) or tries >= len(PAUSES):
                    raise CannotGet(reason_of(error)) from error
                stop.wait(PAUSES[tries])
        part.replace(whole)
    return at(file, whole)


def _by_ranges(file: RemoteFile, part: Path, most: int, stop: threading.Event) -> None:
    """Block after block, from where `part` ends; of a server without ranges, all of it anew."""
    filesystem, path = open_filesystem(file.address)

    def copy(start: int, block_size: int) -> None:
        with (
            filesystem.open(path, "rb", block_size=block_size, cache_type="none") as source,
            part.open("ab") as target,
        ):
            target.truncate(start)
            if start:
                source.seek(start)
            while block := source.read(BLOCK):
                target.write(block)
                if target.tell() > most:
                    raise _too_large(most)
                if stop.is_set():
                    raise InterruptedError("stopped")

    try:
        copy(part.stat().st_size if part.exists() else 0, BLOCK)
    except ValueError:
        copy(0, 0)
    size = part.stat().st_size
    if file.known_size not in (None, size):
        raise EOFError(f"{size} bytes of {file.known_size}")


def _from_hub(file: RemoteFile, part: Path, most: int, stop: threading.Event) -> None:
    """By huggingface_hub, which has its own fast transfer (hf_xet), and resumes by itself."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()  # they would break our line
    filesystem, path = open_filesystem(file.address)
    where = filesystem.resolve_path(path)
    got = hf_hub_download(
        where.repo_id,
        where.path_in_repo,
        repo_type=where.repo_type,
        revision=where.revision,
        local_dir=part.parent / "hub",
        endpoint=filesystem.endpoint,
    )
    Path(got).replace(part)


def _too_large(most: int) -> CannotGet:
    return CannotGet(
        f"larger than {most / 1e6:.3g} MB: --most-mb, or half of --cache-gib, allows no more"
    )
