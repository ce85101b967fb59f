"""The engine's own time: what the loop does while devices work, and that it stays small."""

import argparse
import errno
import threading
from concurrent import futures

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import overhead
from tests.engine.toy_task import ToyTask, toy_config
from xojl_jax.engine import goodput, telemetry, workdir


@pytest.fixture
def reporter(tmp_path):
    made = telemetry.Telemetry(
        workdir.Workdir(tmp_path),
        toy_config(total_steps=100),
        start_step=0,
        rates=lambda step: {"rest": jnp.float32(0.5)},
        flops_per_sample=1e9,
        goodput=goodput.Goodput(),
    )
    yield made
    if made.summary.get("outcome") != "finished":
        made.finish(0, "finished")


def test_metrics_leave_the_devices_while_later_steps_run(reporter, monkeypatch):
    """Protects the flush from fetching a whole window: all but the last steps are here already."""
    fetched = []
    fetch = jax.device_get

    def count(tree):
        leaves = [leaf for leaf in jax.tree.leaves(tree) if isinstance(leaf, jax.Array)]
        fetched.append(len(leaves))
        return fetch(tree)

    names = ("loss", "grad_norm", "skipped", "skipped_in_a_row")
    for number in range(10):
        reporter.record({name: jnp.float32(number if name == "loss" else 0) for name in names})
        reporter.settle(2)
    monkeypatch.setattr(jax, "device_get", count)
    reporter.flush(10)
    assert fetched[0] == 2 * len(names), "those of the two newest steps"
    assert reporter.summary["train"]["loss"] == pytest.approx(np.mean(range(10)))


def metrics_of_a_step() -> dict:
    names = ("loss", "grad_norm", "skipped", "skipped_in_a_row")
    return {name: jnp.float32(0) for name in names}


def test_a_slow_disk_holds_up_no_step(reporter, tmp_path, monkeypatch):
    """Protects steps beside a save: a flush does not wait until the summary is durable, and the
    end brings what was left out."""
    disk, write = threading.Event(), workdir.Workdir.write_summary
    written = []

    def slowly(self, summary):
        disk.wait(60)
        written.append(summary["step"])
        write(self, summary)

    monkeypatch.setattr(workdir.Workdir, "write_summary", slowly)
    for step in (1, 2, 3):
        reporter.record(metrics_of_a_step())
        reporter.flush(step)
    assert written == []
    disk.set()
    reporter.finish(3, "finished")
    assert written == [1, 3]
    assert workdir.Workdir(tmp_path).read_summary()["outcome"] == "finished"


def test_a_summary_that_cannot_be_written_is_told(reporter, monkeypatch):
    """Protects from a full disk that nobody hears of: the next flush raises it."""

    def fail(self, summary):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(workdir.Workdir, "write_summary", fail)
        reporter.record(metrics_of_a_step())
        reporter.flush(1)
        futures.wait([reporter._writing], 60)
        reporter.record(metrics_of_a_step())
        with pytest.raises(OSError, match="No space left"):
            reporter.flush(2)


def test_the_benchmark_sees_the_loops_time_and_only_that(tmp_path):
    """Protects the figure: steps are as long as asked for, kinds of steps are told apart."""
    config = toy_config(total_steps=20, log_every=5, checkpoint_every=10)
    for way in (False, True):
        device = overhead.run_loop(ToyTask(config), config, tmp_path / str(way), 0.02, ahead=way)
        assert len(device.spans) == 20
        assert all(0.02 <= end - begin < 0.5 for begin, end in device.spans)
        gaps = overhead.gaps_by_kind(device, config)
        assert (len(gaps["flush"]), len(gaps["flush and save"])) == (2, 1)
        assert len(gaps["plain"]) + len(gaps["beside a save"]) == 14
        parts = overhead.share(
            gaps, device, argparse.Namespace(log_every=50, checkpoint_every=1000)
        )
        assert parts.keys() == {"every step", "flushes", "saves"}
        assert parts["every step"] > 0
