"""The ways to compress, by name: what a model becomes, and what its recovery trains with."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from xojl_jax.compression import pruning
from xojl_jax.engine import int8, sharding, state
from xojl_jax.tasks.base import Task

Params = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to compress.

    Attributes:
      about: a line for `--help`.
      fields: (task, share that stays) -> config fields of the compressed model.
      recovery: config fields of the training that follows, and of no other.
      start: (parameters, share, larger task, smaller task) -> what recovery starts from.
      finish: (parameters, task) -> what is exported.
    """

    about: str
    fields: Callable[[Task, float], dict[str, Any]] = lambda task, keep: {}
    recovery: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    start: Callable[[Params, float, Task, Task], Params] = lambda params, *_: params
    finish: Callable[[Params, Task], Params] = lambda params, _: params


def boxed(task: Task):
    """The abstract parameters of a task, in boxes that name their axes."""
    return state.abstract_params(task, sharding.single(jax.devices()[0]))


def _structured(params: Params, keep: float, larger: Task, smaller: Task) -> Params:
    return pruning.structured(params, boxed(larger), boxed(smaller))


def _quantized(params: Params, task: Task) -> Params:
    on_device = jax.tree.map(np.asarray, params)
    return int8.quantize(on_device, int8.output_axes(boxed(task)))


METHODS = {
    "int8": Method(
        about="kernels as int8, a scale for each output; recovery is training that rounds",
        recovery={"quantize": "int8"},
        finish=_quantized,
    ),
    "structured": Method(
        about="attention heads and hidden units of feed-forward layers go away",
        fields=lambda task, keep: task.smaller(keep),
        start=_structured,
    ),
    "magnitude": Method(
        about="the smallest weights of every kernel become zero, and stay so in recovery",
        recovery={"optim.keep_zeros": True},
        start=lambda params, keep, *_: pruning.magnitude(params, keep),
    ),
}
