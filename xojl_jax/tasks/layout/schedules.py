"""What of the model changes with the steps of training, within one compiled program.

An entry is a config field that counts steps, 0 for off, and what the model reads at a step: arrays
that join the batch in training. Evaluation and prediction have none of them.
"""

import dataclasses
from collections.abc import Callable

import jax

from xojl_jax.nn.locality import locality_strength
from xojl_jax.tasks.layout.stages import STAGES, Stage

Array = jax.Array


@dataclasses.dataclass(frozen=True)
class Schedule:
    """One thing that changes.

    Attributes:
      array: its name in the batch.
      at: (step int32[], steps of the config field) -> the array.
      runs_in: whether a stage has what reads it.
    """

    array: str
    at: Callable[[Array, int], Array]
    runs_in: Callable[[Stage], bool]


# By the name of the field in `config.model`.
SCHEDULES: dict[str, Schedule] = {
    "attention_warmup": Schedule("locality", locality_strength, lambda stage: stage.vision),
}


def schedules_of(config) -> dict[str, Schedule]:
    """Those that the config turns on, and the stage runs."""
    stage = STAGES[config.stage]
    return {
        name: schedule
        for name, schedule in SCHEDULES.items()
        if config.model[name] and schedule.runs_in(stage)
    }


def scheduled(config, step: Array) -> dict[str, Array]:
    """What they add to a batch at a step, int32[]."""
    return {
        schedule.array: schedule.at(step, config.model[name])
        for name, schedule in schedules_of(config).items()
    }
