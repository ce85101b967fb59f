"""A progress line with the time that is left, on standard error."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator


class Progress(Iterable):
    """`for page in Progress(pages, "pages")`: a line, rewritten on a terminal, else every 30 s.

    `total`: how many there will be, of items that do not know their number; or a function of none
    that estimates it, better as the work goes on.
    """

    def __init__(
        self,
        items: Iterable,
        what: str,
        stream=None,
        *,
        total: int | Callable[[], int] | None = None,
    ):
        self._items, self._what = items, what
        self._total = len(items) if total is None else total
        self._stream = stream or sys.stderr

    def __iter__(self) -> Iterator:
        live = self._stream.isatty()
        started = told = time.monotonic()
        total = 0
        for count, item in enumerate(self._items):
            yield item
            total = self._total() if callable(self._total) else self._total
            now = time.monotonic()
            if now - told < (0.2 if live else 30) and count + 1 < total:
                continue
            told = now
            left = (now - started) / (count + 1) * (total - count - 1)
            line = f"{count + 1}/{total} {self._what}, {_clock(now - started)}, {_clock(left)} left"
            self._stream.write(f"\r{line}\x1b[K" if live else f"{line}\n")
            self._stream.flush()
        if live and total:
            self._stream.write("\n")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
