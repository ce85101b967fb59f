"""The loop: a batch, a step, now and then a line, an evaluation, a checkpoint; and how it ends."""

import dataclasses
import signal
import time
from collections.abc import Callable, Iterator

import jax
import numpy as np

from xojl_jax.engine import hosts, sharding
from xojl_jax.engine.checkpoint import Saver
from xojl_jax.engine.state import TrainState
from xojl_jax.engine.telemetry import Telemetry, say

# Steps that the host may prepare before the devices have ended the first of them. It bounds the
# batches that wait in device memory.
RUN_AHEAD = 2


class StopRequest:
    """SIGTERM and SIGINT ask the loop to stop after the step; a second one ends the process."""

    def __init__(self):
        self.requested = False
        self._previous = {}

    def __enter__(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_):
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number, _frame):
        self.requested = True
        # The kernel's own handler takes the second signal at once, even while XLA computes and no
        # Python code gets to run.
        for which in self._previous:
            signal.signal(which, signal.SIG_DFL)
        say(f"{signal.Signals(number).name}: stopping after this step (again: at once)")


@dataclasses.dataclass(frozen=True)
class Outcome:
    state: TrainState
    step: int
    interrupted: bool


def run(
    state: TrainState,
    *,
    config,
    mesh,
    step_fn: Callable,
    batches: Iterator[dict[str, np.ndarray]],
    evaluate: Callable[[TrainState], dict[str, float]] | None,
    saver: Saver,
    telemetry: Telemetry,
    stop: StopRequest,
) -> Outcome:
    """Trains from the state's step to `config.total_steps`, or until it is asked to stop.

    Args:
      step_fn: the compiled (state, batch) -> (state, metrics).
      batches: this process's rows of batch number `step`, `step` + 1, …
      evaluate: metrics of a state on validation data, called every `config.eval_every` steps.
    """
    step = start = int(state.step)
    telemetry.restart_clock()
    while step < config.total_steps and not _stop_agreed(stop, step, config):
        waiting = time.perf_counter()
        rows = next(batches)
        telemetry.waited(time.perf_counter() - waiting)
        state, metrics = _one_step(step_fn, state, sharding.put_batch(rows, mesh))
        step += 1
        telemetry.record(metrics)
        if (earlier := telemetry.oldest_running(RUN_AHEAD)) is not None:
            jax.block_until_ready(earlier)
        saver.check()
        last = step == config.total_steps
        if _due(step, config.log_every) or last:
            telemetry.flush(step)
        if evaluate is not None and (_due(step, config.eval_every) or last):
            telemetry.evaluated(step, evaluate(state))
            telemetry.restart_clock()
        if _due(step, config.checkpoint_every) or last:
            saver.save(state, step)
    interrupted = step < config.total_steps
    if interrupted and saver.last_step != step:
        telemetry.flush(step)
        saver.save(state, step)
    saver.close()
    say(f"{step - start} steps done, checkpoint {step} is saved")
    return Outcome(state, step, interrupted)


def _one_step(step_fn, state, batch):
    # Whatever would silently copy between host and device within a step is an error.
    with jax.transfer_guard("disallow"):
        return step_fn(state, batch)


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _stop_agreed(stop: StopRequest, step: int, config) -> bool:
    """Whether to stop before this step; several hosts vote, so that all save the same step."""
    if jax.process_count() > 1 and not _due(step, config.log_every):
        return False  # a vote costs a round trip
    return hosts.any_of(stop.requested)
