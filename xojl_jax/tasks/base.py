"""The contract between the engine and a task.

The engine trains anything that implements `Task`; it knows nothing of screenshots or layouts. A
task brings its data, its model, its loss and its predict functions, and nothing else.

Letters: B global batch.
"""

import abc
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import flax.linen as nn
import jax
import numpy as np

Sample = dict[str, np.ndarray]
Params = Mapping[str, Any]
Batch = Mapping[str, jax.Array]

# Learning-rate groups. What is "frozen" neither moves nor decays, and is not taken over by a later
# run's `init_from` unless it was itself taken over from an earlier run.
GROUPS = ("vision", "html", "rest", "frozen")


class Dataset(Protocol):
    """Random access to featurised samples: `dataset[i]` is a flat dict of numpy arrays.

    Every sample has the same keys, shapes and dtypes. `dataset[i]` may be called from several
    threads at once, and always gives the same sample for the same `i`.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...

    def augment(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample as training sees it: random drops and the like, drawn from `rng` alone."""
        ...


class Preview(Protocol):
    """Fixed records whose predictions can be drawn.

    Attributes:
      batch: numpy arrays of a global batch.
    """

    batch: Sample

    def draw(self, prediction: Any) -> dict[str, np.ndarray]:
        """Pictures, uint8[H, W, 3] by name, of what was predicted for `batch`."""
        ...


class Task(abc.ABC):
    """One trainable task. Methods are pure: everything they depend on is in `self.config`."""

    def __init__(self, config):
        self.config = config

    @abc.abstractmethod
    def dataset(self, split: str) -> Dataset:
        """The samples of a split: "train", "val" or "test"."""

    @abc.abstractmethod
    def model(self) -> nn.Module:
        """The Linen module. Every parameter carries logical axes (`nn.with_logical_partitioning`)
        whose names stand in `xojl_jax.engine.sharding.RULES`."""

    @abc.abstractmethod
    def init(self, rng: jax.Array) -> Params:
        """The boxed float32 parameters. Traced under `jax.eval_shape` and `jax.jit`."""

    @abc.abstractmethod
    def loss(
        self, params: Params, batch: Batch, rng: jax.Array, *, train: bool
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        """The loss of a batch (or micro-batch), and metrics.

        Args:
          params: the unboxed parameters.
          batch: arrays with the batch leading, as `batch_spec` says (B may be smaller).
          rng: key for dropout, already its own for this step and micro-batch.
          train: whether dropout and the like are on.

        Returns:
          float32[] loss, and a dict of float32[]: parts of the loss as "loss/NAME", other means
          under any name, and two that are sums and may be left out: "tokens", the real target
          tokens (padding excluded), and "weight", how much this mean counts when micro-batches or
          evaluation batches are averaged (equal if absent).
        """

    @abc.abstractmethod
    def batch_spec(self) -> dict[str, jax.ShapeDtypeStruct]:
        """Name, shape and dtype of every array of the global batch, B leading."""

    @abc.abstractmethod
    def param_group(self, path: str) -> str:
        """One of `GROUPS` for a parameter, by its path such as "vision/blocks/mlp/up/kernel"."""

    @abc.abstractmethod
    def flops(self) -> dict[str, float]:
        """Forward FLOPs per sample by part (a multiply-add is two)."""

    def predict_fns(self) -> dict[str, Callable[..., Any]]:
        """Jittable functions of (params, batch, …) by name, for predict, export and serve."""
        return {}

    def preview(self, count: int) -> tuple[Preview, Callable[..., Any]] | None:
        """Up to `count` fixed validation records, and a jittable (params, batch) -> prediction on
        them; None if the task draws nothing, or there is nothing to draw."""
        return None

    def metadata(self) -> dict[str, Any]:
        """JSON-able facts that a checkpoint needs to be read for ever: the vocabulary, say."""
        return {}
