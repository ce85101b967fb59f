"""The models that a service answers with, side by side: which one answers a request."""

import dataclasses
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from xojl_jax.errors import BadUsage
from xojl_jax.serving.batching import Batcher, Job
from xojl_jax.serving.loaded import Model
from xojl_jax.serving.metrics import Metrics


@dataclasses.dataclass
class Served:
    """One model with its queue.

    Attributes:
      weight: its share of the requests that name no model.
    """

    name: str
    model: Model
    weight: float
    batcher: Batcher
    batch_size: int

    def warm(self, program: str) -> None:
        """Compiles a program for the two batch sizes that are used."""
        chosen = self.model.program(program)
        blank = {name: np.zeros(shape, dtype) for name, (shape, dtype) in chosen.inputs.items()}
        for rows in sorted({1, self.batch_size}):
            self.model.answer([blank], [], program, rows)


class Versions:
    """Models by name. The first is the usual one."""

    def __init__(self, served: Sequence[Served], seed: int | None = None):
        self.by_name: Mapping[str, Served] = {each.name: each for each in served}
        self._random = random.Random(seed)

    def choose(self, name: str | None) -> Served | None:
        """The model of this name, None if there is none; without a name, by weight."""
        if name:
            return self.by_name.get(name)
        served = list(self.by_name.values())
        (chosen,) = self._random.choices(served, [each.weight for each in served])
        return chosen


def open_models(
    models: Mapping[str, Path],
    weights: Mapping[str, float],
    metrics: Metrics,
    *,
    batch_size: int,
    queue_size: int,
    wait: float,
) -> list[Served]:
    """Reads models, which must be of one task.

    Args:
      weights: by name; without any, the first model answers all.
    """
    served = []
    for name, path in models.items():
        model = Model(path)
        batcher = Batcher(
            runner(model, batch_size),
            batch_size=batch_size,
            queue_size=queue_size,
            wait=wait,
            observe=metrics.observer(name, model.version),
        )
        weight = weights.get(name, 0.0 if served or weights else 1.0)
        served.append(Served(name, model, weight, batcher, batch_size))
    kinds = {each.model.exported.model["task"] for each in served}
    if len(kinds) > 1:
        raise BadUsage(f"--model: {' and '.join(sorted(kinds))} are two tasks: start two services")
    if not any(each.weight for each in served):
        raise BadUsage("--weight: no model has a weight above 0")
    return served


def runner(model: Model, batch_size: int):
    """What a `Batcher` calls: (jobs) -> the task's answers."""

    def run(jobs: Sequence[Job]):
        rows = 1 if len(jobs) == 1 else batch_size
        samples, inputs = [job.sample for job in jobs], [job.inputs for job in jobs]
        return model.answer(samples, inputs, jobs[0].program, rows)

    return run
