"""What a run reports: the step line, curves, summary.json, and the report at the end.

Metrics of the steps stay on the devices; `Telemetry.flush` fetches those of a whole window at once.
"""

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from typing import Any

import jax
import numpy as np

from xojl_jax.engine.eval_history import EvalHistory
from xojl_jax.engine.goodput import Goodput
from xojl_jax.engine.metric_writer import Histogram, MetricWriter
from xojl_jax.engine.report import run_report, step_line
from xojl_jax.engine.step import SUMS
from xojl_jax.engine.work import Work, WorkOf
from xojl_jax.engine.workdir import Workdir
from xojl_jax.errors import UserError
from xojl_jax.tasks.base import Sample

# What a training step costs, forward and backward, in multiples of its forward pass.
TRAINING = 3
# Skipped steps that are told at once.
MOST_TOLD = 5


def log_on_primary(text: str) -> None:
    """Prints to standard error, on process 0 only."""
    if jax.process_index() == 0:
        print(text, file=sys.stderr, flush=True)


class Telemetry:
    """Collects the metrics of steps and reports them every `config.log_every` steps."""

    def __init__(
        self,
        workdir: Workdir,
        config,
        *,
        start_step: int,
        rates,
        flops_per_sample: float,
        goodput: Goodput,
        work_of: WorkOf | None = None,
        records_of: Callable[[int], Sequence[int]] | None = None,
        peak_flops: float = 0.0,
        description: str = "",
        wandb: str = "",
    ):
        """
        Args:
          start_step: where this run resumes.
          rates: step -> learning rates by group (`Optimizer.rates`).
          flops_per_sample: forward FLOPs, where `work_of` does not tell them.
          goodput: where the time of the run goes.
          work_of: this process's rows of a batch -> their work, or None where the task does not
            tell it; then all count as full and real.
          records_of: step, counted from 0 -> numbers of the records of its global batch, to name
            those of a step that was skipped.
          peak_flops: FLOP/s of all devices together by their data sheet, for MFU; 0 if unknown.
          description: what is trained, in a few words (`Task.describe`).
          wandb: project of Weights & Biases, or "" for none.
        """
        self._workdir = workdir
        self._config = config
        self._description = description
        self._rates = jax.jit(rates)
        self._flops_per_sample = flops_per_sample
        self._work_of = work_of
        self._work: list[Work] = []
        self._records_of = records_of
        self._peak_flops = peak_flops
        self._primary = jax.process_index() == 0
        self.goodput = goodput
        self._writer: MetricWriter | None = None  # on the first process
        if self._primary:
            self._writer = MetricWriter(
                workdir.tensorboard, start_step=start_step, wandb=wandb, name=workdir.path.name
            )
        self._window: list[dict[str, jax.Array]] = []
        self._since = time.perf_counter()
        self._waited = 0.0
        self.summary: dict[str, Any] = workdir.read_summary()
        # A thread of its own: on a disk that a checkpoint is being written to, a small file takes
        # seconds to be durable.
        self._summary_thread = futures.ThreadPoolExecutor(1, "summary")
        self._writing: futures.Future | None = None

    def waited(self, seconds: float) -> None:
        """Counts time in which the loop waited for a batch."""
        self._waited += seconds

    def record(self, metrics: dict[str, jax.Array], rows: Sample | None = None) -> None:
        """Keeps the metrics of one step, still on the devices, and what its rows were worth."""
        self._window.append(metrics)
        if self._work_of is not None and rows is not None and self._primary:
            work = self._work_of(rows)
            self._work += [] if work is None else [work]

    @contextlib.contextmanager
    def not_training(self, part: str) -> Iterator[None]:
        """Counts the time in the context as `part` of goodput, and not into the speeds."""
        began = time.perf_counter()
        with self.goodput.spent(part):
            yield
        self._since += time.perf_counter() - began

    def settle(self, depth: int) -> None:
        """Waits for the step of `depth` steps ago, so that the host runs no further ahead, and
        fetches its metrics while the devices work on later ones: `flush` finds little to do."""
        if len(self._window) > depth:
            self._window[-1 - depth] = jax.device_get(self._window[-1 - depth])

    def restart_clock(self) -> None:
        """Excludes the time since the last step, such as an evaluation, from the speeds."""
        self._since, self._waited = time.perf_counter(), 0.0

    def flush(self, step: int) -> None:
        """Fetches, prints and writes the metrics since the last flush.

        Raises:
          UserError: `config.on_nonfinite_limit` steps in a row were skipped.
        """
        if not self._window:
            return
        window = jax.device_get(self._window)
        self._window = []
        values = _summarize(window)
        seconds = time.perf_counter() - self._since
        values |= self._speeds(len(window), values.pop("tokens", None), seconds)
        values |= {f"real/{name}": share for name, share in _mean_shares(self._work).items()}
        self._work = []
        rates = jax.device_get(self._rates(np.int32(step - 1)))
        values |= {f"lr/{name}": float(rate) for name, rate in rates.items()}
        self.restart_clock()
        log_on_primary(step_line(step, self._config.total_steps, values))
        self._write("train", step, values)
        self._tell_skipped(step, window)
        row = max(int(metrics["skipped_in_a_row"]) for metrics in window)
        if row >= self._config.on_nonfinite_limit:
            raise UserError(
                f"given up at step {step}: {row} steps in a row had a non-finite loss or gradient "
                "and were skipped; lower the learning rates or look at the data, then resume from "
                "an older checkpoint"
            )

    def _tell_skipped(self, step: int, window: list[dict[str, np.ndarray]]) -> None:
        """A line for each skipped step of a window that ends with `step`: what it was made of."""
        skipped = [
            number for number, found in enumerate(window, step - len(window)) if found["skipped"]
        ]
        for number in skipped[:MOST_TOLD]:
            text = f"step {number + 1} was skipped: its loss or a gradient is not finite"
            if self._records_of is not None:
                text += f"; records {', '.join(map(str, self._records_of(number)))}"
            log_on_primary(text)
        if len(skipped) > MOST_TOLD:
            log_on_primary(f"… and {len(skipped) - MOST_TOLD} more steps")

    def evaluated(self, step: int, metrics: dict[str, float]) -> None:
        """Prints and writes the results of an evaluation."""
        shown = "  ".join(f"{name} {value:.4g}" for name, value in sorted(metrics.items()))
        log_on_primary(f"step {step}  evaluation  {shown}")
        self._write("eval", step, metrics)

    def pictures(self, step: int, pictures: dict[str, np.ndarray]) -> None:
        """Writes pictures, uint8[H, W, 3] by name."""
        if self._writer is not None:
            for name, pixels in pictures.items():
                self._writer.picture(step, name, pixels)

    def histograms(self, step: int, found: dict[str, Histogram]) -> None:
        """Writes histograms by name."""
        if self._writer is not None:
            for name, histogram in found.items():
                self._writer.histogram(step, name, histogram)

    def finish(self, step: int, outcome: str, best: EvalHistory | None = None) -> None:
        """Writes the summary for the last time and logs the report.

        Args:
          outcome: "finished", "stopped early", "interrupted" or "failed".
        """
        if self._writer is not None:
            self.summary |= {"outcome": outcome, "step": step, "goodput": self.goodput.as_dict()}
            if best is not None:
                self.summary["best_step"] = best.step
            self._summary_thread.shutdown()
            self._workdir.write_summary(self.summary)
            self._writer.close()
            if outcome != "failed":  # then the error is the last line
                log_on_primary(
                    run_report(
                        self.summary,
                        self._workdir,
                        self._config.total_steps,
                        self._description,
                        best,
                    )
                )

    def _speeds(self, steps: int, tokens: float | None, seconds: float) -> dict[str, float]:
        """Rates over a window. `tokens` are the real target tokens of all its steps."""
        samples = steps * self._config.batch_size / seconds
        speeds = {
            "samples_per_s": samples,
            "seconds_per_step": seconds / steps,
            "loader_wait": min(1.0, self._waited / seconds),
        }
        if tokens is not None:
            speeds["tokens_per_s"] = tokens / seconds
        if self._peak_flops:
            done = real = samples * self._flops_per_sample
            if self._work:  # of this process's rows, taken for all
                done = samples * float(np.mean([work.flops for work in self._work]))
                real = samples * float(np.mean([work.real_flops for work in self._work]))
            speeds["mfu"] = TRAINING * done / self._peak_flops
            speeds["mfu_real"] = TRAINING * real / self._peak_flops
        return speeds

    def _write(self, kind: str, step: int, values: dict[str, float]) -> None:
        if self._writer is None:
            return
        self._writer.scalars(step, {f"{kind}/{name}": value for name, value in values.items()})
        self.goodput.stepped(step)
        # JSON has no NaN: what is not a number is left out.
        sound = {name: value for name, value in values.items() if math.isfinite(value)}
        self.summary |= {"step": step, kind: sound, f"{kind}_step": step}
        self.summary["goodput"] = self.goodput.as_dict()
        self._start_writing()

    def _start_writing(self) -> None:
        """Writes the summary beside the steps. Where the one before is not done yet, the next call
        or `finish` writes what is new; what it ran into is raised by the next call."""
        if self._writing is not None:
            if not self._writing.done():
                return
            self._writing.result()
        self._writing = self._summary_thread.submit(self._workdir.write_summary, dict(self.summary))


def _mean_shares(work: list[Work]) -> dict[str, float]:
    if not work:
        return {}
    return {name: float(np.mean([w.shares[name] for w in work])) for name in work[0].shares}


def _summarize(window: list[dict[str, np.ndarray]]) -> dict[str, float]:
    """Means over the steps that were taken; sums for tokens and for the count of skipped steps."""
    taken = [metrics for metrics in window if not metrics["skipped"]] or window[-1:]
    values = {}
    for name in window[0]:
        if name in ("skipped_in_a_row", "weight"):
            continue
        if name in SUMS or name == "skipped":
            values[name] = float(sum(float(metrics[name]) for metrics in window))
        else:
            values[name] = float(np.mean([float(metrics[name]) for metrics in taken]))
    return values
