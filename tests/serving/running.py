"""The service as a process of its own."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]


class Running:
    """A service, its address and its log.

    Args:
      module: "xojl_jax.serve", or one that does as that.
      flags: but for the port.
    """

    def __init__(self, module: str, flags: list[str], log: Path, **environment: str):
        self.log = log
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, "--port=0", *flags],
                cwd=ROOT,
                env=os.environ | environment,
                stderr=stream,
            )
        self.address = self.wait_for("ready")["address"].rstrip("/")

    def wait_for(self, event: str, count: int = 1) -> dict:
        """The log's line of this event, when it is there so many times."""
        for _ in range(3000):
            found = [line for line in self.lines() if line["event"] == event]
            if len(found) >= count:
                return found[-1]
            assert self.process.poll() is None or event == "ended", self.log.read_text()
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def lines(self) -> list[dict]:
        """All whole lines of the log."""
        text = self.log.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def rss(self) -> int:
        """Bytes of memory that are in use now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) << 10

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


class Crowd:
    """Clients that ask without pause until the context ends, each in a thread and on connections
    of its own.

    Attributes:
      answers: (status, JSON) of all that were answered.
      refused: requests whose connection was not accepted.
      lost: requests that were sent whole and have no answer.
    """

    def __init__(self, address: str, clients: int, path: str, **request):
        self.answers: list[tuple[int, dict]] = []
        self.refused, self.lost = 0, 0
        self._stop = threading.Event()
        ask = (address, path, request)
        self._threads = [threading.Thread(target=self._ask, args=ask) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _ask(self, address: str, path: str, request: dict) -> None:
        while not self._stop.is_set():
            try:
                answer = httpx.post(f"{address}{path}", timeout=60, **request)
                self.answers.append((answer.status_code, answer.json()))
            except httpx.ConnectError:
                self.refused += 1
                self._stop.wait(0.05)
            except httpx.TransportError:
                self.lost += 1

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *error) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
