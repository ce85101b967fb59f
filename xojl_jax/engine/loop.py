"""The training loop: batches, steps, log lines, evaluations, checkpoints; and how it ends."""

import contextlib
import dataclasses
import functools
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator

import jax
import numpy as np

from xojl_jax.engine import joint_stop, processes, sharding
from xojl_jax.engine.eval_history import EvalHistory
from xojl_jax.engine.evaluation import Evaluations
from xojl_jax.engine.profiler import Profiler
from xojl_jax.engine.programs import Programs
from xojl_jax.engine.saver import Saver
from xojl_jax.engine.state import TrainState
from xojl_jax.engine.telemetry import Telemetry, log_on_primary

# Steps that the host may prepare before the devices have ended the first of them. It bounds the
# batches that wait in device memory.
RUN_AHEAD = 2
# Exit code when a signal stopped the run and everything is saved (EX_TEMPFAIL: try again).
PREEMPTED = 75


class StopRequest:
    """SIGTERM and SIGINT stop the loop after the step; a second one ends the process.

    Within `at_once` there is nothing to save, and the first one ends the process, and all others
    with it (joint_stop.py). Python calls handlers of signals between two of its instructions, so
    not while XLA compiles for minutes; a thread hears of the signal by `signal.set_wakeup_fd`.
    """

    def __init__(self):
        self.requested = False
        self._previous = {}
        self._nothing_to_save = threading.Lock()  # held by whoever makes an end of it
        self._at_once = False
        self._peers: joint_stop.JointStop | None = None

    def __enter__(self):
        self._receiver, self._sender = socket.socketpair()
        self._sender.setblocking(False)
        threading.Thread(target=self._watch, name="signals", daemon=True).start()
        self._wakeup = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_):
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._sender.close()  # ends the thread

    @contextlib.contextmanager
    def at_once(self):
        """What runs within has saved nothing yet, and need not be waited for.

        Several processes leave it together, so that all of them are within if one of them is.
        """
        self._peers = peers = processes.joint_stop("before the first step")
        self._at_once = True
        if peers is not None:
            threading.Thread(target=self._watch_peers, args=(peers,), daemon=True).start()
        try:
            yield
            processes.any_process(False)
        finally:
            with self._nothing_to_save:
                self._at_once = False

    def while_waiting(self, step: int) -> Callable[[], bool]:
        """What tells whether to stop before `step`, as long as this process waits there for a
        program: all of several processes stop there if all of them wait, or else none does."""
        peers = processes.joint_stop(f"before step {step}")
        if peers is None:
            return lambda: self.requested
        agreed = functools.cache(peers.agree)  # the processes vote once

        def all_stop() -> bool:
            if self.requested and not peers.is_asked():
                peers.ask()
            return peers.is_asked() and agreed()

        return all_stop

    def _watch(self) -> None:
        while received := self._receiver.recv(1):
            number = received[0]
            if self._at_once and number in self._previous:
                if self._peers is None:
                    self._end_at_once(signal.Signals(number).name)
                else:
                    self._peers.ask()
        self._receiver.close()

    def _watch_peers(self, peers: joint_stop.JointStop) -> None:
        while self._at_once:
            if peers.is_asked():
                with self._nothing_to_save:
                    if self._at_once and peers.agree():
                        self._end_at_once("a process of this run was asked to stop")
                return
            time.sleep(joint_stop.POLL_SECONDS)

    def _end_at_once(self, why: str) -> None:
        # The compiler cannot be interrupted in any other way.
        line = f"{why}: stopped before the first step: nothing to save"
        processes.exit_at_once(PREEMPTED, line)

    def _handle(self, number, _frame):
        self.requested = True
        # The kernel's own handler takes the second signal at once, even while XLA computes and no
        # Python code gets to run.
        for which in self._previous:
            signal.signal(which, signal.SIG_DFL)
        log_on_primary(f"{signal.Signals(number).name}: stopping after this step (again: at once)")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended: `how` is "finished", "stopped early" or "interrupted"."""

    state: TrainState
    step: int
    how: str


def run(
    state: TrainState,
    *,
    config,
    mesh,
    programs: Programs,
    batches: Iterator[dict[str, np.ndarray]],
    evaluations: Evaluations,
    saver: Saver,
    telemetry: Telemetry,
    stop: StopRequest,
    profiler: Profiler | None = None,
) -> Outcome:
    """Trains from the state's step to `config.total_steps`, or until a signal or early stopping.

    Args:
      programs: the compiled (state, batch) -> (state, metrics) of each bucket.
      batches: this process's rows of batch number `step`, `step` + 1, …
      evaluations: run every `config.eval_every` steps; end the run when none gets better.
      profiler: traces some of the steps.
    """
    step = start = int(state.step)
    goodput = telemetry.goodput
    goodput.training()
    telemetry.restart_clock()
    while step < config.total_steps and not evaluations.history.exhausted:
        if _stop_is_due(step, config, saver, stop):
            break
        if profiler is not None:
            profiler.before(step, state)
        rows = _next_rows(batches, telemetry)
        if not _wait_for_program(programs, rows, telemetry, stop, step):
            break
        state, metrics = _one_step(programs, state, sharding.put_batch(rows, mesh))
        step += 1
        telemetry.record(metrics, rows)
        telemetry.settle(RUN_AHEAD)
        processes.report_progress()
        last, improved = step == config.total_steps, False
        if _due(step, config.log_every) or last:
            telemetry.flush(step)
        if evaluations.possible and (_due(step, config.eval_every) or last):
            with goodput.spent("evaluate"):
                improved = evaluations.run(state, step, telemetry)
            telemetry.restart_clock()
        if _due(step, config.checkpoint_every) or last or improved:
            telemetry.flush(step)  # so that the curves hold what the checkpoint holds
            with goodput.spent("save"):
                saver.save(state, step, best=improved)
    if profiler is not None:
        profiler.close(state)
    with goodput.spent("save"):
        if saver.last_step != step and (step > start or step == 0):
            telemetry.flush(step)
            saver.save(state, step)
        processes.sync_errors(saver.close)
    log_on_primary(f"{step - start} steps done, checkpoint {step} is saved")
    return Outcome(state, step, _how_it_ended(step, config, evaluations.history))


def _stop_is_due(step: int, config, saver: Saver, stop: StopRequest) -> bool:
    """Whether a signal came, on any process. Raises the error of a background save.

    With several processes a vote costs a round trip, so it is held only where a log line is due;
    all of them must save and stop at the same step.
    """
    if jax.process_count() > 1 and not _due(step, config.log_every):
        return False
    processes.sync_errors(saver.check)
    return processes.any_process(stop.requested)


def _next_rows(batches: Iterator[dict[str, np.ndarray]], telemetry: Telemetry):
    began = time.perf_counter()
    with telemetry.goodput.spent("input"):
        rows = next(batches)
    telemetry.waited(time.perf_counter() - began)
    return rows


def _wait_for_program(
    programs: Programs, rows, telemetry: Telemetry, stop: StopRequest, step: int
) -> bool:
    """Where the program of this batch's bucket is still being compiled, that is no step's time.
    False where a signal came meanwhile."""
    if programs.is_ready(rows):
        return True
    with telemetry.not_training("compile"):
        return programs.wait(rows, stop.while_waiting(step))


def _how_it_ended(step: int, config, history: EvalHistory) -> str:
    if step == config.total_steps:
        return "finished"
    return "stopped early" if history.exhausted else "interrupted"


def _one_step(programs: Programs, state: TrainState, batch):
    # Whatever would silently copy between host and device within a step is an error.
    with jax.transfer_guard("disallow"):
        return programs(state, batch)


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0
