"""The periodic evaluation: the task's loss and metrics over a few fixed batches, and callbacks."""

import functools
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from xojl_jax.engine import sharding, step
from xojl_jax.engine.eval_callbacks import EvalCallback
from xojl_jax.engine.eval_history import EvalHistory
from xojl_jax.engine.programs import BucketOf
from xojl_jax.engine.state import TrainSetup, TrainState
from xojl_jax.engine.telemetry import Telemetry
from xojl_jax.tasks.base import Bucket

MetricsOf = Callable[[TrainState], dict[str, float]]


class Evaluations:
    """The evaluations of one run.

    Args:
      history: those before, and whether they end the run.
      metrics_of: state -> metrics on validation data; None where there is nothing to evaluate on.
      callbacks: called after an evaluation, such as to draw pictures.
    """

    def __init__(
        self,
        history: EvalHistory,
        metrics_of: MetricsOf | None = None,
        callbacks: Sequence[EvalCallback] = (),
    ):
        self.history = history
        self._metrics_of = metrics_of
        self._callbacks = callbacks

    @property
    def possible(self) -> bool:
        """Whether there is something to evaluate on."""
        return self._metrics_of is not None

    def run(self, state: TrainState, step: int, telemetry: Telemetry) -> bool:
        """Evaluates and reports; whether it is the best state so far."""
        if self._metrics_of is None:
            return False
        found = self._metrics_of(state)
        telemetry.evaluated(step, found)
        improved = self.history.add(step, found)
        for callback in self._callbacks:
            callback(state, step, telemetry)
        return improved


def make_metrics_of(task, config, setup: TrainSetup, batches: Callable[[], Any]) -> MetricsOf:
    """Returns state -> means over all batches.

    Args:
      batches: starts over, each time: a context manager and iterator of (batch, valid), of which
        every row is valid.
    """
    bucket_of = BucketOf(task)

    @functools.cache  # compiled when it is first needed: a run that is killed early need not wait
    def compiled(bucket: Bucket):
        batch = step.abstract_batch(task, setup.mesh, bucket)
        abstract = (setup.abstract.params, batch, setup.abstract.frozen)
        return step.compile_ahead(step.make_eval_step(task, config), abstract, setup.mesh)

    def evaluate(state: TrainState) -> dict[str, float]:
        results = []
        with batches() as source:
            for rows, _ in source:
                batch = sharding.put_batch(rows, setup.mesh)
                results.append(compiled(bucket_of(batch))(state.eval_params, batch, state.frozen))
                if len(results) > 1:  # bounds the batches that wait in device memory
                    jax.block_until_ready(results[-2])
        return _means(jax.device_get(results))

    return evaluate


def check_metric(task, config, setup: TrainSetup, history: EvalHistory) -> None:
    """Refuses a `config.best_metric` that evaluations will not have, before anything is compiled:
    the loss is only traced, and only where another metric than it is asked for."""
    if config.best_metric not in ("", "loss"):
        arguments = (setup.abstract.params, step.abstract_batch(task, setup.mesh))
        found = jax.eval_shape(step.make_eval_step(task, config), *arguments, setup.abstract.frozen)
        history.check_metric([name for name in found if name not in step.SUMS])


def _means(results: list[dict[str, np.ndarray]]) -> dict[str, float]:
    """Averages by weight; tokens and weights themselves are left out."""
    total = sum(float(metrics["weight"]) for metrics in results)
    sums: dict[str, float] = defaultdict(float)
    for metrics in results:
        for name, value in metrics.items():
            if name not in step.SUMS:
                sums[name] += float(metrics["weight"]) * float(value)
    return {name: value / max(total, 1e-12) for name, value in sums.items()}
