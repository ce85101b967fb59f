"""The models that a service answers with, side by side: which one answers a request, and how one
is exchanged for another while requests come."""

import contextlib
import dataclasses
import functools
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from xojl_jax.errors import BadUsage
from xojl_jax.serving.batching import Batcher, Job
from xojl_jax.serving.loaded import Model
from xojl_jax.serving.metrics import Metrics


@dataclasses.dataclass
class Served:
    """One model with its queue.

    Attributes:
      weight: its share of the requests that name no model.
      users: requests that were given this model and are not answered yet.
    """

    name: str
    model: Model
    weight: float
    batcher: Batcher
    batch_size: int
    users: int = 0

    def warm(self, program: str) -> None:
        """Compiles a program for the two batch sizes that are used."""
        for rows in sorted({1, self.batch_size}):
            self.model.warm(program, rows)


class Versions:
    """Models by name. The first is the usual one."""

    def __init__(self, served: Sequence[Served], seed: int | None = None):
        self.by_name: Mapping[str, Served] = {each.name: each for each in served}
        self._random = random.Random(seed)
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def lease(self, name: str | None) -> Iterator[Served | None]:
        """The model of this name, None if there is none; without a name, one by weight. Until the
        context ends, its queue takes jobs, though another version may take its place."""
        with self._changed:
            served = self.by_name.get(name) if name else self._by_weight()
            if served is not None:
                served.users += 1
        try:
            yield served
        finally:
            if served is not None:
                with self._changed:
                    served.users -= 1
                    self._changed.notify_all()

    def exchange(self, new: Served) -> None:
        """Puts a model in the place of that of its name, and returns when all that the old one was
        given is answered."""
        with self._changed:
            old = self.by_name[new.name]
            self.by_name = {**self.by_name, new.name: new}
            self._changed.wait_for(lambda: not old.users)
        old.batcher.close()

    def _by_weight(self) -> Served:
        served = list(self.by_name.values())
        (chosen,) = self._random.choices(served, [each.weight for each in served])
        return chosen


# (name, folder, weight) -> the model with its queue
Open = Callable[[str, Path, float], Served]


def opener(metrics: Metrics, *, batch_size: int, queue_size: int, wait: float) -> Open:
    """What reads a model and starts its queue."""

    def open_model(name: str, path: Path, weight: float) -> Served:
        model = Model(path)
        for program in model.programs:  # all is read now: the folder may be exchanged later
            model.program(program)
        batcher = Batcher(
            runner(model, batch_size),
            batch_size=batch_size,
            queue_size=queue_size,
            wait=wait,
            observe=metrics.observer(name, model.version),
        )
        return Served(name, model, weight, batcher, batch_size)

    return open_model


def open_models(
    models: Mapping[str, Path], weights: Mapping[str, float], open_model: Open
) -> list[Served]:
    """Reads models, which must be of one task.

    Args:
      weights: by name; without any, the first model answers all.
    """
    served = []
    for name, path in models.items():
        served.append(open_model(name, path, weights.get(name, 0.0 if served or weights else 1.0)))
    kinds = {each.model.exported.model["task"] for each in served}
    if len(kinds) > 1:
        raise BadUsage(f"--model: {' and '.join(sorted(kinds))} are two tasks: start two services")
    if not any(each.weight for each in served):
        raise BadUsage("--weight: no model has a weight above 0")
    return served


def runner(model: Model, batch_size: int):
    """What a `Batcher` calls: (jobs) -> the task's answers."""
    return functools.partial(_run, model, batch_size)


def _run(model: Model, batch_size: int, jobs: Sequence[Job]):
    rows = 1 if len(jobs) == 1 else batch_size
    samples, inputs = [job.sample for job in jobs], [job.inputs for job in jobs]
    return model.answer(samples, inputs, jobs[0].program, rows)
