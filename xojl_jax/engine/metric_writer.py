"""Writes curves, pictures and histograms: to TensorBoard, and to Weights & Biases on request."""

import hashlib
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tensorboardX import SummaryWriter

from xojl_jax.errors import BadUsage

# A killed process loses no more of its curves than this.
FLUSH_SECONDS = 1


class Histogram(NamedTuple):
    """Counts of values: `edges` are the bins' borders, one more than `counts`."""

    counts: np.ndarray
    edges: np.ndarray
    sum: float
    sum_of_squares: float


class MetricWriter:
    """Writes to TensorBoard, and to Weights & Biases if a project is given. On process 0 only.

    Args:
      folder: TensorBoard's.
      start_step: later steps that TensorBoard already has are purged.
      wandb: project of Weights & Biases, or "". Its mode and host come from its own WANDB_…
        environment variables.
      name: of the run there; a run that resumes in the same working directory continues it.
    """

    def __init__(self, folder: Path, *, start_step: int, wandb: str = "", name: str = ""):
        self._wandb = _wandb_run(wandb, name, folder.parent) if wandb else None
        self._tensorboard = SummaryWriter(
            str(folder), purge_step=start_step + 1, flush_secs=FLUSH_SECONDS
        )

    def scalars(self, step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._tensorboard.add_scalar(name, value, step)
        if self._wandb is not None:
            sound = {name: value for name, value in values.items() if math.isfinite(value)}
            self._wandb.log({**sound, "step": step})

    def picture(self, step: int, name: str, pixels: np.ndarray) -> None:
        """pixels: uint8[H, W, 3]."""
        self._tensorboard.add_image(name, pixels, step, dataformats="HWC")
        if self._wandb is not None:
            import wandb

            self._wandb.log({name: wandb.Image(pixels), "step": step})

    def histogram(self, step: int, name: str, found: Histogram) -> None:
        low, high = float(found.edges[0]), float(found.edges[-1])
        self._tensorboard.add_histogram_raw(
            name,
            min=low,
            max=high,
            num=int(found.counts.sum()),
            sum=found.sum,
            sum_squares=found.sum_of_squares,
            bucket_limits=found.edges[1:].tolist(),
            bucket_counts=found.counts.tolist(),
            global_step=step,
        )
        if self._wandb is not None:
            import wandb

            pair = (found.counts, found.edges)
            self._wandb.log({name: wandb.Histogram(np_histogram=pair), "step": step})

    def close(self) -> None:
        self._tensorboard.close()
        if self._wandb is not None:
            self._wandb.finish()


def _wandb_run(project: str, name: str, folder: Path) -> Any:
    try:
        import wandb
    except ImportError as error:
        raise BadUsage("--wandb needs Weights & Biases: pip install wandb") from error
    # A run that was killed continues the same curves: the id follows from its folder.
    which = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    run = wandb.init(project=project, name=name, id=which, resume="allow", dir=str(folder))
    run.define_metric("*", step_metric="step")
    return run
