"""How a run ends, and what it says on its way."""

import os
import signal
import sys
import types

import jax.numpy as jnp
import numpy as np
import pytest

from tests.engine.toy_task import toy_config
from xojl_jax.engine import loop, telemetry, workdir
from xojl_jax.engine.goodput import Goodput
from xojl_jax.engine.metric_writer import MetricWriter
from xojl_jax.errors import BadUsage, UserError


def metrics(loss: float, *, skipped: int = 0, row: int = 0) -> dict:
    values = {"loss": loss, "loss/corner": loss, "grad_norm": 1.0, "tokens": 50.0}
    values |= {"skipped": skipped, "skipped_in_a_row": row}
    return {name: jnp.float32(value) for name, value in values.items()}


@pytest.fixture
def reporter(tmp_path):
    config = toy_config(total_steps=100, on_nonfinite_limit=3)
    rates = lambda step: {"rest": jnp.float32(0.5), "frozen": jnp.float32(0)}  # noqa: E731
    made = telemetry.Telemetry(
        workdir.Workdir(tmp_path),
        config,
        start_step=0,
        rates=rates,
        flops_per_sample=1e9,
        goodput=Goodput(),
    )
    yield made
    made.finish(0, "finished")


def test_the_first_signal_asks_and_the_second_ends():
    """Protects SIGTERM: noted at first; from then on the kernel's own handler is in place."""
    before = signal.getsignal(signal.SIGTERM)
    with loop.StopRequest() as stop:
        assert not stop.requested
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_step_line_and_the_summary(reporter, capsys):
    """Protects the line people watch: means of the window, real tokens, no MFU on a CPU."""
    for loss in (2.0, 4.0):
        reporter.record(metrics(loss))
    reporter.flush(20)
    line = capsys.readouterr().err
    for part in ("step 20/100", "loss 3 (corner 3)", "lr 0.5", "samples/s", "tokens/s", "ETA"):
        assert part in line
    assert "MFU" not in line
    assert "SKIPPED" not in line
    assert reporter.summary["train"]["loss"] == 3.0


def test_a_skipped_step_is_shown_and_not_averaged(reporter, capsys):
    """Protects the curve from one bad batch: its loss is left out, its skipping is not."""
    reporter.record(metrics(2.0))
    reporter.record(metrics(float("nan"), skipped=1, row=1))
    reporter.flush(2)
    line = capsys.readouterr().err
    assert "loss 2 " in line
    assert "SKIPPED 1" in line
    reporter.record(metrics(float("nan"), skipped=1, row=2))
    reporter.flush(3)
    assert "loss" not in reporter.summary["train"], "JSON has no NaN"


def test_the_batch_of_a_skipped_step_is_named(reporter, capsys):
    """Protects whoever looks for the bad record: which step was skipped, and of which records."""
    reporter._records_of = lambda step: [10 * step, 10 * step + 1]
    for number in range(8):
        reporter.record(metrics(2.0, skipped=number in (2, 5), row=int(number in (2, 5))))
    reporter.flush(48)  # steps 41 to 48
    text = capsys.readouterr().err
    assert "step 43 was skipped" in text and "records 420, 421" in text
    assert "step 46 was skipped" in text and "records 450, 451" in text
    assert text.count("was skipped") == 2


def test_it_gives_up_after_too_many_skipped_steps(reporter):
    """Protects a night of computing: a run that only skips is ended with advice."""
    for row in (1, 2, 3):
        reporter.record(metrics(float("nan"), skipped=1, row=row))
    with pytest.raises(UserError, match=r"given up at step 7: 3 steps in a row"):
        reporter.flush(7)


def test_without_the_library_weights_and_biases_is_one_line(tmp_path, monkeypatch):
    """Protects those who ask for it and do not have it: what to install, and no traceback."""
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(BadUsage, match="pip install wandb"):
        MetricWriter(tmp_path / "tensorboard", start_step=0, wandb="project", name="run")


def test_weights_and_biases_get_what_tensorboard_gets(tmp_path, monkeypatch):
    """Protects curves over there: a resumed run continues the same ones, by step; values that are
    no numbers, which spoil a chart, stay out. The library itself is a stand-in."""
    started, logged = [], []

    def init(**arguments):
        started.append(arguments)
        return types.SimpleNamespace(
            log=logged.append, define_metric=lambda *_, **__: None, finish=lambda: None
        )

    stand_in = types.SimpleNamespace(init=init, Image=np.shape, Histogram=lambda np_histogram: 0)
    monkeypatch.setitem(sys.modules, "wandb", stand_in)
    for folder in ("one", "one", "another"):
        path = tmp_path / folder / "tensorboard"
        writer = MetricWriter(path, start_step=0, wandb="project", name="run")
        writer.scalars(3, {"train/loss": 0.5, "val/loss": float("nan")})
        writer.picture(4, "val/0", np.zeros((2, 3, 3), np.uint8))
        writer.close()
    first, again, other = (arguments["id"] for arguments in started)
    assert first == again != other and all(arguments["resume"] == "allow" for arguments in started)
    assert logged[:2] == [{"train/loss": 0.5, "step": 3}, {"val/0": (2, 3, 3), "step": 4}]
