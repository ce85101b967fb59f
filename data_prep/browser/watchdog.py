"""Ends the browser when one page takes too long or too much memory."""

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

# A page may take so many times its limit by the clock on the wall: other work may slow it down.
PATIENCE = 10


class Watchdog:
    """Watches the process tree of one browser while one page is open.

    Playwright's calls have no time limit of their own where a page's script never returns: only the
    end of the process makes them return (with an error), so that is what we bring about. Time is
    that of the processors, so that a busy machine does not fail pages that an idle one renders.
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
        started, worked_before = time.monotonic(), tree_usage(self.pid)[1]
        # Seconds. Short, because a page may fill memory within a few.
        while not self._done.wait(0.5):
            memory, worked = tree_usage(self.pid)
            waited = time.monotonic() - started
            if worked - worked_before > self.seconds or waited > PATIENCE * self.seconds:
                self.reason = f"took more than {self.seconds:.0f} s"
            elif memory > self.memory_bytes:
                self.reason = f"took more than {self.memory_bytes / 2**30:.1f} GiB of memory"
            if self.reason:
                with contextlib.suppress(OSError):
                    os.kill(self.pid, signal.SIGKILL)
                return


def tree_usage(pid: int) -> tuple[int, float]:
    """(private bytes, seconds of processor time) of a process and its descendants.

    Zeros where the system has no /proc.
    """
    children: dict[int, list[int]] = {}
    usage: dict[int, tuple[int, float]] = {}
    page, tick = (os.sysconf(n) for n in ("SC_PAGE_SIZE", "SC_CLK_TCK"))
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The program's name, in brackets, may itself hold spaces and brackets.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            resident, shared = map(int, (entry / "statm").read_text().split()[1:3])
            children.setdefault(int(fields[1]), []).append(int(entry.name))
            # utime and stime, in ticks; counted from behind the name.
            worked = (int(fields[11]) + int(fields[12])) / tick
            # Shared pages would count once for each process that maps them.
            usage[int(entry.name)] = ((resident - shared) * page, worked)
    memory, seconds, stack = 0, 0.0, [pid]
    while stack:
        process = stack.pop()
        its_memory, its_seconds = usage.get(process, (0, 0.0))
        memory, seconds = memory + its_memory, seconds + its_seconds
        stack += children.get(process, [])
    return memory, seconds
