"""Ends the browser when one page takes too long or too much memory."""

import contextlib
import os
import signal
import threading
import time
from pathlib import Path


class Watchdog:
    """Watches the process tree of one browser while one page is open.

    Playwright's calls have no time limit of their own where a page's script never returns: only the
    end of the process makes them return (with an error), so that is what we bring about.
    """

    def __init__(self, pid: int, seconds: float, memory_bytes: int):
        self.pid, self.seconds, self.memory_bytes = pid, seconds, memory_bytes
        self.reason = ""
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        deadline = time.monotonic() + self.seconds
        while not self._done.wait(0.5):
            if time.monotonic() > deadline:
                self.reason = f"took more than {self.seconds:.0f} s"
            elif tree_memory(self.pid) > self.memory_bytes:
                self.reason = f"took more than {self.memory_bytes / 2**30:.1f} GiB of memory"
            if self.reason:
                with contextlib.suppress(OSError):
                    os.kill(self.pid, signal.SIGKILL)
                return


def tree_memory(pid: int) -> int:
    """Private bytes of a process and its descendants; 0 where the system has no /proc."""
    children: dict[int, list[int]] = {}
    sizes: dict[int, int] = {}
    page = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            resident, shared = map(int, (entry / "statm").read_text().split()[1:3])
            children.setdefault(parent, []).append(int(entry.name))
            sizes[int(entry.name)] = (resident - shared) * page
    total, stack = 0, [pid]
    while stack:
        process = stack.pop()
        total += sizes.get(process, 0)
        stack += children.get(process, [])
    return total
