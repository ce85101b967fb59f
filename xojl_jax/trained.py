"""A trained run, ready to predict: what evaluate, predict, export and serve share."""

import os
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from xojl_jax import tasks
from xojl_jax.engine import checkpoint
from xojl_jax.errors import BadUsage
from xojl_jax.tasks.base import Task


class Trained(NamedTuple):
    """A task with its parameters, as one checkpoint holds them.

    Attributes:
      task: built from the checkpoint's own config and vocabulary.
      params: nested dict of float32 arrays on the device.
      metadata: the checkpoint's, with "checkpoint", the folder that was read.
    """

    task: Task
    params: Any
    metadata: dict[str, Any]


def load(workdir: str | os.PathLike, data_path: str | None = None) -> Trained:
    """Reads the newest checkpoint of a working directory, or one checkpoint folder.

    Args:
      data_path: shards to read instead of those that the run was trained on.
    """
    params, metadata = checkpoint.load_params(workdir)
    config = ConfigDict(metadata["config"])
    if data_path is not None:
        config.data.path = data_path
    task = tasks.make(config, metadata["task"])
    if "predict" not in task.predict_fns():
        raise BadUsage(
            f"{workdir} is of stage {config.stage}, which has no decoder: "
            "train stage 4 from it first (--config.init_from)"
        )
    return Trained(task, jax.device_put(params), metadata)


def predictor(trained: Trained, **options: Any):
    """The task's `predict`, compiled once for each shape: (batch, …arrays) -> its result.

    Args:
      options: static arguments, such as mode="detail".
    """
    predict = trained.task.predict_fns()["predict"]
    compiled = jax.jit(lambda params, batch, rng: predict(params, batch, rng=rng, **options))

    def run(batch: dict[str, np.ndarray], rng: jax.Array | None = None):
        batch = jax.device_put({name: np.asarray(array) for name, array in batch.items()})
        return jax.device_get(compiled(trained.params, batch, rng))

    return run
