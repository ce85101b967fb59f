"""Real processes for tests: one, or several that train together; and what they wrote."""

import json
import os
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tensorboardX.proto.event_pb2 import Event

from tests.engine.toy_task import ToyTask, names_and_leaves, toy_config
from xojl_jax.engine import checkpoint, sharding, state

ROOT = Path(__file__).parents[2]
# Compiling is most of such a short run: do it badly but fast.
FAST_COMPILE = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
SETTINGS = {"XLA_FLAGS": FAST_COMPILE, "JAX_PLATFORMS": "cpu"}
# Seconds, on a machine that does much else at the same time.
PATIENCE = 280


class Process:
    """`python -m ARGUMENTS…` on the CPU. Its standard error is read all the time, line by line."""

    started: list["Process"] = []  # noqa: RUF012  by this test: conftest.py ends what is left

    def __init__(self, *arguments: str, **environment: str):
        self._popen = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=os.environ | SETTINGS | environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: list[str] = []
        self._ended = False
        self._news = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self.started.append(self)

    def await_line(self, beginning: str, patience: float = PATIENCE) -> None:
        """Waits until the process says a line that begins so."""

        def said() -> bool:
            return any(line.startswith(beginning) for line in self._lines)

        with self._news:
            self._news.wait_for(lambda: said() or self._ended, patience)
        assert said(), f"no {beginning!r} in\n{self.text}"

    def signal(self, number: int) -> None:
        self._popen.send_signal(number)

    def end(self, patience: float = PATIENCE) -> tuple[int, str]:
        """Waits for the end: exit code and standard error."""
        code = self._popen.wait(patience)
        with self._news:
            self._news.wait_for(lambda: self._ended, patience)
        return code, self.text

    def kill(self) -> None:
        self._popen.kill()
        self._popen.wait()

    @property
    def text(self) -> str:
        return "".join(self._lines)

    def _read(self) -> None:
        for line in self._popen.stderr:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        self._popen.stderr.close()
        with self._news:
            self._ended = True
            self._news.notify_all()


def job(count: int, *arguments: str, **environment: str) -> list[Process]:
    """So many processes that find each other; the first one coordinates. One is on its own."""
    if count == 1:
        return [Process(*arguments, **environment)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    meeting = {"JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{port}", "JAX_NUM_PROCESSES": str(count)}
    return [
        Process(*arguments, **(environment | meeting | {"JAX_PROCESS_ID": str(index)}))
        for index in range(count)
    ]


def ends(processes: list[Process], patience: float = PATIENCE) -> list[int]:
    """The exit codes of all; what they said is in the message if one of them does not end."""
    try:
        return [process.end(patience)[0] for process in processes]
    except subprocess.TimeoutExpired as error:
        said = "\n".join(process.text for process in processes)
        raise AssertionError(f"no end within {patience} s:\n{said}") from error


def final_state(path: Path) -> tuple[dict[str, np.ndarray], int]:
    """All arrays of the newest checkpoint of a toy run, and its step."""
    config = toy_config()
    mesh = sharding.make_mesh(config.mesh, jax.devices()[:1])
    setup = state.make_train_setup(ToyTask(config), config, mesh)
    restored = checkpoint.restore_newest(path / "checkpoints", setup.abstract, on_corrupt="stop")
    return names_and_leaves(restored.state), restored.metadata["position"]["step"]


def written(folder: Path) -> list[tuple[int, Any]]:
    """(step, value) as TensorBoard's files have them: length, checksum, event, checksum."""
    values = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (size,) = struct.unpack_from("<Q", data, at)
            event = Event.FromString(data[at + 12 : at + 12 + size])
            values += [(event.step, value) for value in event.summary.value]
            at += size + 16
    return values


def losses(run: Path) -> dict[int, float]:
    """Step -> training loss, of a run with log_every=1."""
    curve = written(run / "tensorboard")
    return {step: value.simple_value for step, value in curve if value.tag == "train/loss"}


def trained_rows(folder: Path) -> dict[int, dict[int, int]]:
    """Step -> row -> record, from what all processes of a toy run noted in TOY_ROWS=folder.

    No process may contradict another, and none may take a step twice.
    """
    steps: dict[int, dict[int, int]] = {}
    for path in folder.glob("*.jsonl"):
        taken = set()
        for line in path.read_text().splitlines():
            noted = json.loads(line)
            assert noted["step"] not in taken, f"{path.name} took step {noted['step']} twice"
            taken.add(noted["step"])
            rows = steps.setdefault(noted["step"], {})
            for row, record in noted["rows"]:
                assert rows.setdefault(row, record) == record, (path.name, noted)
    return steps
