"""Evaluations of a run so far: which was the best, and whether it is time to stop.

They are kept in `evaluations.json` of the working directory, one object each. A run that resumes
drops those of steps that it takes again, so that it decides like an uninterrupted one.
"""

import json
import math
from collections.abc import Iterable
from typing import Any

import jax

from xojl_jax.engine import processes
from xojl_jax.engine.workdir import Workdir
from xojl_jax.errors import BadUsage
from xojl_jax.files import write_text


class EvalHistory:
    """Keeps the evaluations of a run.

    Args:
      metric: what is compared, a name in the evaluation's line: of "loss" and "loss/NAME" the
        lowest is the best, of everything else the highest. "" compares nothing.
      patience: evaluations in a row without a better one after which the run ends; 0 never.
      start_step: where the run resumes.
      min_delta: an evaluation counts for `patience` as a better one where it is better by at least
        this much than the last that counted. The best checkpoint is the best, however little.
    """

    def __init__(
        self,
        workdir: Workdir,
        metric: str,
        patience: int,
        start_step: int,
        min_delta: float = 0.0,
    ):
        if patience and not metric:
            raise BadUsage("config.patience needs config.best_metric: name what should improve")
        self._workdir, self._metric, self._patience = workdir, metric, patience
        self._min_delta = min_delta
        self._primary = jax.process_index() == 0
        self._all: list[dict[str, Any]] = []
        if self._primary and workdir.evaluations_file.is_file():
            self._all = [e for e in workdir.read_evaluations() if e["step"] <= start_step]
        self.step: int | None = None
        self._value = self._counted = None
        self._since = 0
        for entry in self._all:
            self._count(entry["step"], entry.get(metric))
        # Only process 0 reads files; all processes must stop at the same step.
        told = (self.step, self._value, self._counted, self._since)
        found = json.loads(processes.broadcast_from_process_0(lambda: json.dumps(told)))
        self.step, self._value, self._counted, self._since = found

    def _count(self, step: int, value: float | None) -> bool:
        """Takes an evaluation into account; whether it is the best so far."""
        if value is not None and self._is_better(value, self._counted, self._min_delta):
            self._counted, self._since = value, 0
        else:
            self._since += 1
        if value is None or not self._is_better(value, self._value):
            return False
        self.step, self._value = step, value
        return True

    def _is_better(self, value: float, than: float | None, by: float = 0.0) -> bool:
        if than is None:
            return True
        gain = than - value if self._metric.split("/")[0] == "loss" else value - than
        return gain > 0 and gain >= by

    def check_metric(self, names: Iterable[str]) -> None:
        """Raises BadUsage where evaluations that have these metrics lack the one to compare."""
        if self._metric and self._metric not in names:
            raise BadUsage(
                f"config.best_metric is {self._metric!r}, which the evaluation does not have: "
                f"choose one of {', '.join(sorted(names))}, or '' for none"
            )

    def add(self, step: int, metrics: dict[str, float]) -> bool:
        """Notes an evaluation; whether it is the best so far. A metric that is NaN is not."""
        self.check_metric(metrics.keys())
        sound = {name: value for name, value in metrics.items() if math.isfinite(value)}
        self._all.append({"step": step, **sound})
        if self._primary:
            write_text(self._workdir.evaluations_file, json.dumps(self._all, indent=1) + "\n")
        if not self._metric:
            return False
        return self._count(step, sound.get(self._metric))

    @property
    def exhausted(self) -> bool:
        """Whether `patience` evaluations in a row were no better."""
        return 0 < self._patience <= self._since

    def __str__(self) -> str:
        if self.step is None:
            return "no evaluation"
        return f"{self._metric} {self._value:.4g} at step {self.step}"
