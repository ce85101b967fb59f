"""A cache for what every epoch visits again."""

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class BoundedCache(Generic[T]):
    """Entries by number, up to so many bytes. Safe to share by threads.

    Nothing is evicted: every epoch visits every record, so a newer entry is worth no more than an
    older one.
    """

    def __init__(self, max_bytes: int):
        self._free_bytes = max_bytes
        self._entries: dict[int, T] = {}
        self._lock = threading.Lock()

    def get(self, number: int) -> T | None:
        return self._entries.get(number)

    def add(self, number: int, entry: T, size: int) -> None:
        """Keeps the entry of `size` bytes if it fits."""
        with self._lock:
            if size <= self._free_bytes and number not in self._entries:
                self._free_bytes -= size
                self._entries[number] = entry
