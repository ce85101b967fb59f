"""A trained run, ready to predict: what evaluate, predict, export and serve share."""

import argparse
import os
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from xojl_jax import tasks
from xojl_jax.engine import checkpoint, sharding, state
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

    @property
    def folder(self) -> Path:
        """Where what is made with it goes: its working directory. Never the checkpoint itself, in
        which any further file counts as damage."""
        checkpoint = Path(self.metadata["checkpoint"])
        inside = checkpoint.parent.name == "checkpoints"
        return checkpoint.parents[1] if inside else checkpoint.parent


def load(
    workdir: str | os.PathLike,
    data_path: str | None = None,
    image_size: tuple[int, int] | None = None,
) -> Trained:
    """Reads the newest checkpoint of a working directory, or one checkpoint folder.

    Args:
      data_path: shards to read instead of those that the run was trained on.
      image_size: (width, height) of the canvas for screenshots, instead of that of the training.
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
    # Code that has changed since would fail deep inside the model, or answer nonsense.
    boxed = state.abstract_params(task, sharding.single(jax.devices()[0]))
    checkpoint.check_fit(metadata["checkpoint"], metadata, sharding.unbox(boxed))
    if image_size is not None:
        width, height = image_size
        task.look_at(height, width)
    return Trained(task, jax.device_put(params), metadata)


def add_image_size(parser: argparse.ArgumentParser) -> None:
    """Adds --image-size, whose value is what `load` takes as `image_size`."""
    parser.add_argument(
        "--image-size",
        type=_size,
        metavar="WxH",
        help="canvas for screenshots (default: that of the training)",
    )


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit() and min(int(width), int(height)) >= 64):
        raise argparse.ArgumentTypeError(f"{text!r} is no WIDTHxHEIGHT such as 1280x720")
    return int(width), int(height)


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
