"""The service under load, by `hey` (`apt-get install hey`), on loopback.

  python -m benchmarks.serving_load --model=models/demo
  python -m benchmarks.serving_load --model=models/demo --record=request.json --seconds=20

Starts the service, asks for one section a request with 1, 8 and 64 clients, then with ten times as
many clients as it has places, for a minute, then with 8 again. Prints what was answered, how fast,
and the memory of the service. The load average is printed, too: on a busy machine the figures are
those of what was left of it.
"""

import argparse
import collections
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

SECTION = {"html": {"section@d_flex": {"h1@fs_3r": {"text": "xv1"}, "p": {"text": "xv2"}}}}


class Load(NamedTuple):
    """What `hey` found."""

    statuses: dict[str, int]
    seconds: list[float]  # of those answered with 200
    wall: float

    def row(self, name: str) -> str:
        """A line of a table in Markdown."""
        good = np.array(self.seconds or [np.nan])
        median, late = np.percentile(good, [50, 95])
        told = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        rate = len(self.seconds) / self.wall
        return f"| {name} | {told} | {rate:.1f} | {median:.2f} s | {late:.2f} s |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True)
    parser.add_argument("--record", help="the JSON of a request (default: a tree of three nodes)")
    parser.add_argument("--seconds", type=int, default=20, help="of each load (default 20)")
    parser.add_argument("--overload", type=int, default=60, help="seconds of overload (default 60)")
    parser.add_argument("--flags", default="", help="more flags of the service")
    flags = parser.parse_args()
    if shutil.which("hey") is None:
        sys.exit("hey is not installed: apt-get install hey")
    body = Path(flags.record).read_text() if flags.record else json.dumps(SECTION)
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "request.json"
        asked.write_text(body)
        service, address = start(flags, Path(folder) / "log")
        try:
            measure(service, address, asked, flags)
        finally:
            service.send_signal(signal.SIGTERM)
            print(f"ended with exit code {service.wait()}")


def start(flags: argparse.Namespace, log: Path) -> tuple[subprocess.Popen, str]:
    """The service, ready, and its address."""
    began = time.monotonic()
    command = [sys.executable, "-m", "xojl_jax.serve", "--port=0", f"--model={flags.model}"]
    with log.open("wb") as stream:
        service = subprocess.Popen([*command, *flags.flags.split()], stderr=stream)
    while service.poll() is None:
        for line in log.read_text().splitlines():
            if '"event": "ready"' in line:
                print(f"ready after {time.monotonic() - began:.1f} s", flush=True)
                return service, json.loads(line)["address"] + "v1/layout"
        time.sleep(0.1)
    sys.exit(log.read_text())


def measure(service: subprocess.Popen, address: str, asked: Path, flags) -> None:
    print("| clients | answers | sections a second | median | 95 % within |")
    print("| --- | --- | ---: | ---: | ---: |")
    steps = [(1, flags.seconds), (8, flags.seconds), (64, flags.seconds), (640, flags.overload)]
    for clients, seconds in [*steps, (8, flags.seconds)]:
        before = resident(service)
        peak, load = watched(service, lambda c=clients, s=seconds: hey(address, asked, c, s))
        print(load.row(str(clients)), flush=True)
        print(
            f"  memory before {before >> 20} MiB, at most {peak >> 20} MiB; "
            f"load average {os.getloadavg()[0]:.1f}",
            flush=True,
        )


def hey(address: str, asked: Path, clients: int, seconds: int) -> Load:
    command = [
        "hey",
        "-c",
        str(clients),
        "-z",
        f"{seconds}s",
        "-t",
        "60",
        "-m",
        "POST",
        "-o",
        "csv",
    ]
    command += ["-T", "application/json", "-D", str(asked), address]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    statuses = collections.Counter(row["status-code"] for row in rows)
    good = [float(row["response-time"]) for row in rows if row["status-code"] == "200"]
    return Load(statuses, good, time.monotonic() - began)


def watched(service: subprocess.Popen, work) -> tuple[int, Load]:
    """The most memory that the service had while `work` ran, in bytes, and what it gave."""
    peak, done = [resident(service)], threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            peak[0] = max(peak[0], resident(service))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        return_value = work()
    finally:
        done.set()
        thread.join()
    return peak[0], return_value


def resident(service: subprocess.Popen) -> int:
    status = Path(f"/proc/{service.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) << 10


if __name__ == "__main__":
    main()
