"""A working directory: config.json, checkpoints/, tensorboard/, predictions/, summary.json,
evaluations.json, and `best`, a link to the best checkpoint.

One run owns it: another config is refused with the difference, and so is a second job.
"""

import contextlib
import fcntl
import json
import os
import socket
from pathlib import Path
from typing import Any

from xojl_jax.config_fields import flatten
from xojl_jax.engine.compatibility import upgrade_config
from xojl_jax.errors import BadUsage
from xojl_jax.files import write_text

# Fields that may differ when a run is taken up again: none of them changes what a step computes,
# but for total_steps, which may be raised to train longer (the cosine then ends later).
MAY_CHANGE = frozenset(
    {
        "total_steps",
        "checkpoint_every",
        "keep",
        "eval_every",
        "eval_batches",
        "log_every",
        "histograms",
        "eval_pictures",
        "best_metric",
        "patience",
        "min_delta",
        "on_nonfinite_limit",
        "on_corrupt",
        "data.num_threads",
        "data.prefetch",
        "mesh.data",
        "mesh.fsdp",
        "mesh.tensor",
    }
)


class Workdir:
    """Paths of a working directory, and its JSON files."""

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path).expanduser().absolute()
        self.checkpoints = self.path / "checkpoints"
        self.tensorboard = self.path / "tensorboard"
        self.predictions = self.path / "predictions"
        self.config_file = self.path / "config.json"
        self.summary_file = self.path / "summary.json"
        self.evaluations_file = self.path / "evaluations.json"
        self.best = self.path / "best"

    def read_config(self) -> dict[str, Any]:
        """The config of the run that owns the directory, as nested dicts, by the names of today."""
        if not self.config_file.is_file():
            raise BadUsage(
                f"{self.path} is no working directory of a run (it has no config.json): "
                "name the --workdir that training printed"
            )
        return upgrade_config(_read_json(self.config_file))

    def read_summary(self) -> dict[str, Any]:
        """The last metrics; empty before the first."""
        return _read_json(self.summary_file) if self.summary_file.is_file() else {}

    def read_evaluations(self) -> list[dict[str, Any]]:
        """Every evaluation so far, `step` and metrics."""
        return _read_json(self.evaluations_file)

    def write_summary(self, summary: dict[str, Any]) -> None:
        write_text(self.summary_file, json.dumps(summary, indent=2, sort_keys=True) + "\n")


@contextlib.contextmanager
def claim(path: str | os.PathLike, config):
    """Opens a working directory for training and keeps other jobs out until the context ends.

    Args:
      path: made if it does not exist.
      config: the ml_collections config of this run.
    """
    workdir = Workdir(path)
    try:
        for folder in (workdir.checkpoints, workdir.tensorboard, workdir.predictions):
            folder.mkdir(parents=True, exist_ok=True)
        lock = (workdir.path / ".lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise BadUsage(f"cannot write the working directory {workdir.path}: {error}") from error
    with lock:
        try:
            # The kernel drops the lock when the process ends, however it ends.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            raise BadUsage(
                f"{workdir.path} is in use by {holder}: wait for it, or choose another --workdir"
            ) from error
        lock.truncate(0)
        lock.write(f"process {os.getpid()} on {socket.gethostname()}")
        lock.flush()
        _settle_config(workdir, config)
        yield workdir


def differences(old: dict[str, Any], new: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Fields, by dotted name, whose values differ: name -> (old value, new value)."""
    old, new = flatten(old), flatten(new)
    return {
        name: (old.get(name, "absent"), new.get(name, "absent"))
        for name in sorted(old.keys() | new.keys())
        if old.get(name, "absent") != new.get(name, "absent")
    }


def _settle_config(workdir: Workdir, config) -> None:
    """Refuses another config than the one the directory was made with, else writes it down."""
    new = json.loads(config.to_json())
    if workdir.config_file.exists():
        changed = differences(workdir.read_config(), new)
        if refused := {name: pair for name, pair in changed.items() if name not in MAY_CHANGE}:
            listed = ", ".join(f"{name} {old!r} -> {now!r}" for name, (old, now) in refused.items())
            raise BadUsage(
                f"{workdir.path} belongs to a run with another config ({listed}): choose another "
                "--workdir, or give these fields their old values"
            )
    write_text(workdir.config_file, json.dumps(new, indent=2, sort_keys=True) + "\n")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadUsage(f"{path} cannot be read: {error}") from error
