"""The engine's own time: what the loop does beside the training step, as a share of a step.

    python -m benchmarks.overhead
    python -m benchmarks.overhead --preset tiny --steps 100 --batch 8
    python -m benchmarks.overhead --no-saves

Runs the real loop (`xojl_jax.engine.loop.run`) with the real state, batches, put_batch, telemetry,
TensorBoard files and saving of a preset. Only the step is simulated: a compiled program with the
step's own arguments and results, which computes nothing, and after it a sleep of --step-ms, so that
the step leaves the host's cores alone, as a step on an accelerator does. Dispatching that program
counts as the engine's. Batches are ready; benchmarks.input measures those that do not.

Two ways. "in turn": the host waits for every step to end, so every microsecond of the loop counts,
also what accelerators hide. "ahead": steps end by themselves, one after the other, while the host
prepares the next ones, as on an accelerator; what counts is how long the device had nothing to do.
Steps after which telemetry was flushed, a save was started, or one was being written beside the
step, are told apart. The share is that of a run which flushes and saves as seldom as the preset
does (--steps is short, so it does both more often).
"""

import argparse
import contextlib
import itertools
import os
import queue
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import numpy as np

from configs import stage4
from xojl_jax import tasks
from xojl_jax.data import loader
from xojl_jax.engine import (
    checkpoint,
    checkpoint_files,
    eval_history,
    evaluation,
    goodput,
    loop,
    programs,
    sharding,
    state,
    step,
    telemetry,
    workdir,
)
from xojl_jax.engine.saver import Saver
from xojl_jax.tasks.base import FULL

KINDS = ("plain", "flush", "flush and save", "beside a save")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--preset", default="base", choices=["tiny", "small", "base"])
    add("--batch", type=int, default=16, help="samples a step (16 in 200 ms are 80 a second)")
    add("--step-ms", type=float, default=200.0, help="what the simulated step takes")
    add("--steps", type=int, default=200, help="steps of each way")
    add("--save-every", type=int, default=100, help="steps between the saves of this benchmark")
    add("--no-saves", action="store_true", help="save once, at the end")
    add("--folder", help="where the run writes (default: a temporary folder)")
    return parser.parse_args()


class Device:
    """Simulates an accelerator: takes so long for each step, one after the other.

    `spans` has when each step began and ended, `saving` whether a save was being written when it
    ended. The last step of a run is not followed by another one, and counts for nothing.
    """

    def __init__(self, program: Callable, seconds: float, checkpoints: Path, *, ahead: bool):
        self._program, self._seconds, self._checkpoints = program, seconds, checkpoints
        self._ahead = ahead
        self._queue: queue.SimpleQueue = queue.SimpleQueue()
        self.spans: list[tuple[float, float]] = []
        self.saving: list[bool] = []

    def __call__(self, state, batch):
        state, metrics = self._program(state, batch)
        if not self._ahead:
            self._one_step()
            return state, metrics
        ended = threading.Event()
        self._queue.put(ended)
        return state, {name: Pending(array, ended) for name, array in metrics.items()}

    def _one_step(self) -> None:
        began = time.perf_counter()
        time.sleep(self._seconds / 2)
        # Looked up inside the step, whose time does not count.
        self.saving.append(any(self._checkpoints.glob(f"*{checkpoint_files.PARTIAL}")))
        time.sleep(max(0.0, began + self._seconds - time.perf_counter()))
        self.spans.append((began, time.perf_counter()))

    def _work(self) -> None:
        while (ended := self._queue.get()) is not None:
            self._one_step()
            ended.set()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        worker = threading.Thread(target=self._work)
        worker.start()
        try:
            yield
        finally:
            self._queue.put(None)
            worker.join()


class Pending:
    """A metric of a step that has not ended yet; waits where a device's array would."""

    def __init__(self, array: jax.Array, ended: threading.Event):
        self._array, self._ended = array, ended

    def block_until_ready(self) -> "Pending":
        self._ended.wait()
        return self

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        self._ended.wait()
        return np.asarray(self._array, dtype)


def empty_step(task, config, setup: state.TrainSetup) -> jax.stages.Compiled:
    """The training step's arguments, donation and results, and none of its work."""
    abstract = (setup.abstract, step.abstract_batch(task, setup.mesh))
    real = step.make_train_step(task, config, setup)
    with sharding.use_mesh(setup.mesh):
        _, metrics = jax.eval_shape(real, *abstract)

    def nothing(state, batch):
        zeros = {name: jax.numpy.zeros(m.shape, m.dtype) for name, m in metrics.items()}
        return state.replace(step=state.step + 1), zeros

    jitted = jax.jit(
        nothing, donate_argnums=0, keep_unused=True, out_shardings=(setup.shardings, None)
    )
    return step.compile_ahead(jitted, abstract, setup.mesh)


def some_state(setup: state.TrainSetup) -> state.TrainState:
    """Random numbers everywhere: zeros would be too easy to save."""
    rng = np.random.default_rng(0)

    def array(leaf: jax.ShapeDtypeStruct) -> jax.Array:
        if np.issubdtype(leaf.dtype, np.floating):
            values = rng.random(leaf.shape, np.float32).astype(leaf.dtype)
        else:
            values = np.zeros(leaf.shape, leaf.dtype)
        return jax.device_put(values, leaf.sharding)

    return jax.tree.map(array, setup.abstract)


def one_batch(task, size: int) -> dict[str, np.ndarray]:
    with loader.one_epoch(task.dataset("train"), batch_size=size, limit=size) as stream:
        rows, _ = next(stream)
        return rows


def run_loop(task, config, folder: Path, seconds: float, *, ahead: bool) -> Device:
    """The whole loop over `config.total_steps` simulated steps."""
    mesh = sharding.make_mesh(config.mesh)
    setup = state.make_train_setup(task, config, mesh)
    rows = one_batch(task, config.batch_size)
    start = some_state(setup)
    with (
        loop.StopRequest() as stop,
        workdir.claim(folder, config) as directory,
        sharding.use_mesh(mesh),
    ):
        metadata = checkpoint.make_metadata(task, config, setup, {})
        device = Device(
            empty_step(task, config, setup), seconds, directory.checkpoints, ahead=ahead
        )
        reporter = telemetry.Telemetry(
            directory,
            config,
            start_step=0,
            rates=setup.optimizer.rates,
            flops_per_sample=sum(task.flops().values()),
            goodput=goodput.Goodput(),
        )
        history = eval_history.EvalHistory(directory, "", 0, 0)
        with device.running():
            outcome = loop.run(
                start,
                config=config,
                mesh=mesh,
                programs=programs.Programs(lambda _: device, [FULL], lambda _: FULL),
                batches=itertools.repeat(rows),
                evaluations=evaluation.Evaluations(history),
                saver=Saver(directory.checkpoints, keep=1, metadata=metadata),
                telemetry=reporter,
                stop=stop,
            )
        reporter.finish(outcome.step, outcome.how)
    return device


def gaps_by_kind(device: Device, config) -> dict[str, list[float]]:
    """Seconds between the end of a step and the begin of the next one, without the first two
    steps, by what the loop did there."""
    gaps: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for done in range(3, len(device.spans)):
        gap = device.spans[done][0] - device.spans[done - 1][1]
        if config.checkpoint_every and done % config.checkpoint_every == 0:
            kind = "flush and save"
        elif done % config.log_every == 0:
            kind = "flush"
        else:
            kind = "beside a save" if device.saving[done - 1] else "plain"
        gaps[kind].append(gap)
    return gaps


def share(gaps: dict[str, list[float]], device: Device, preset) -> dict[str, float]:
    """Parts of the time of a step that a run of the preset's own intervals loses."""
    plain = statistics.median(gaps["plain"])
    saves = len(gaps["flush and save"])
    lost = {"every step": plain}
    if gaps["flush"]:
        lost["flushes"] = (statistics.median(gaps["flush"]) - plain) / preset.log_every
    if saves:
        # Means: of a save's steps a few are slow, and those are what counts.
        beside = sum(gap - plain for gap in gaps["beside a save"]) / saves
        starting = statistics.fmean(gaps["flush and save"]) - plain
        lost["saves"] = (starting + beside) / preset.checkpoint_every
    return {name: value / step_seconds(device) for name, value in lost.items()}


def step_seconds(device: Device) -> float:
    """Seconds that a step took, sleep's own lateness included."""
    return statistics.median(end - begin for begin, end in device.spans)


def report(way: str, device: Device, config, preset) -> None:
    gaps = gaps_by_kind(device, config)
    print(f"\n{way:22} steps  median µs    mean µs     max µs")
    for kind, found in gaps.items():
        if found:
            row = (statistics.median(found), statistics.fmean(found), max(found))
            print(f"{kind:22} {len(found):5} " + " ".join(f"{1e6 * v:10.0f}" for v in row))
    parts = share(gaps, device, preset)
    listed = ", ".join(f"{name} {value:.3%}" for name, value in parts.items())
    print(
        f"share of a {1000 * step_seconds(device):.0f} ms step, flushing every {preset.log_every}, "
        f"saving every {preset.checkpoint_every}: {sum(parts.values()):.3%} ({listed})"
    )
    # The first steps fill the caches; what comes after the last one is no step's overhead.
    wall = device.spans[-1][1] - device.spans[2][0]
    busy = sum(end - begin for begin, end in device.spans[2:])
    print(
        f"this run as it was: {wall:.2f} s for {len(device.spans) - 2} steps of {busy:.2f} s in "
        f"all, {(wall - busy) / busy:.3%} more"
    )


def main() -> None:
    options = parse_arguments()
    preset = stage4.get_config(options.preset)
    config = stage4.get_config(options.preset)
    config.batch_size = options.batch
    config.total_steps = options.steps
    config.checkpoint_every = 0 if options.no_saves else options.save_every
    task = tasks.make(config)
    setup = state.make_train_setup(task, config, sharding.make_mesh(config.mesh))
    leaves = jax.tree.leaves(setup.abstract)
    size = sum(leaf.size * np.dtype(leaf.dtype).itemsize for leaf in leaves)
    batch = sum(
        int(np.prod(spec.shape)) * np.dtype(spec.dtype).itemsize
        for spec in task.batch_spec().values()
    )
    print(
        f"{options.preset}: a state of {len(leaves)} arrays, {size / 1e6:.0f} MB; a batch of "
        f"{len(task.batch_spec())} arrays, {batch / 1e6:.1f} MB; {os.cpu_count()} cores",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(options.folder or name)
        for way, ahead in (("in turn", False), ("ahead", True)):
            place = folder / way.replace(" ", "-")
            device = run_loop(task, config, place, options.step_ms / 1000, ahead=ahead)
            report(way, device, config, preset)


if __name__ == "__main__":
    main()
