"""Which evaluation was the best, and when to stop; the same after a resumption."""

import math

import jax
import pytest

from tests.engine.toy_task import ToyTask, toy_config
from xojl_jax.engine import evaluation, sharding
from xojl_jax.engine.eval_history import EvalHistory
from xojl_jax.engine.state import make_train_setup
from xojl_jax.engine.workdir import Workdir
from xojl_jax.errors import BadUsage


@pytest.fixture
def directory(tmp_path):
    return Workdir(tmp_path)


def test_of_a_loss_the_lowest_and_of_the_rest_the_highest(directory):
    """Protects the direction: nobody wants the worst accuracy kept."""
    losses = EvalHistory(directory, "loss/detail", 0, 0)
    assert [losses.add(i, {"loss/detail": v}) for i, v in enumerate((3, 2, 2, 1))] == [
        True,
        True,
        False,
        True,
    ]
    right = EvalHistory(directory, "accuracy", 0, -1)
    assert [right.add(i, {"accuracy": v}) for i, v in enumerate((0.3, 0.2, 0.4))] == [
        True,
        False,
        True,
    ]


def test_what_is_no_number_is_never_the_best(directory):
    """Protects the best checkpoint from a run that went wrong; and evaluations.json stays JSON."""
    best = EvalHistory(directory, "loss", 2, 0)
    assert not best.add(1, {"loss": math.nan})
    assert best.add(2, {"loss": 5.0}) and not best.add(3, {"loss": math.inf})
    assert "loss" not in directory.read_evaluations()[0]
    assert best.step == 2


def test_patience_counts_evaluations_in_a_row(directory):
    """Protects early stopping: an improvement starts the count again."""
    best = EvalHistory(directory, "loss", 2, 0)
    states = []
    for step, loss in enumerate((3, 4, 2, 2, 2)):
        best.add(step, {"loss": loss})
        states.append(best.exhausted)
    assert states == [False, False, False, False, True]


def test_small_gains_are_kept_and_do_not_count(directory):
    """Protects early stopping from gains that are none: what is better by less than `min_delta` is
    the best, and the run ends as if it were not."""
    best = EvalHistory(directory, "accuracy", 2, 0, min_delta=0.1)
    seen = []
    for step, value in enumerate((0.5, 0.55, 0.61, 0.65, 0.69)):
        seen.append((best.add(step, {"accuracy": value}), best.exhausted))
    assert seen == [(True, False), (True, False), (True, False), (True, False), (True, True)]
    assert best.step == 4


@pytest.mark.parametrize("resumed_at", [0, 1, 2, 3, 4])
def test_a_resumed_run_decides_as_an_undisturbed_one(tmp_path, resumed_at):
    """Protects exact resumption: evaluations of steps that are taken again are forgotten."""
    losses = {1: 3.0, 2: 4.0, 3: 2.5, 4: 2.75}
    calm = EvalHistory(Workdir(tmp_path / "calm"), "loss", 2, 0)
    (tmp_path / "calm").mkdir()
    (tmp_path / "harried").mkdir()
    wanted = [(calm.add(step, {"loss": loss}), calm.exhausted) for step, loss in losses.items()]
    killed = EvalHistory(Workdir(tmp_path / "harried"), "loss", 2, 0)
    for step, loss in losses.items():
        killed.add(step, {"loss": loss})
    again = EvalHistory(Workdir(tmp_path / "harried"), "loss", 2, resumed_at)
    found = [
        (again.add(step, {"loss": loss}), again.exhausted)
        for step, loss in losses.items()
        if step > resumed_at
    ]
    assert found == wanted[resumed_at:]
    assert again.step == calm.step
    assert again._workdir.read_evaluations() == calm._workdir.read_evaluations()


def test_a_metric_that_is_not_there_is_named(directory):
    with pytest.raises(BadUsage, match=r"'acuracy'.*choose one of accuracy, loss"):
        EvalHistory(directory, "acuracy", 0, 0).add(1, {"loss": 1.0, "accuracy": 1.0})
    with pytest.raises(BadUsage, match="patience needs"):
        EvalHistory(directory, "", 3, 0)


def test_a_metric_that_will_not_be_there_is_named_before_anything_runs(directory):
    """Protects the first hours of a run: the name is held against what the loss gives, untrained
    and not compiled."""
    config = toy_config(best_metric="loss/cornr")
    task = ToyTask(config)
    setup = make_train_setup(task, config, sharding.make_mesh(config.mesh, jax.devices()[:1]))
    with pytest.raises(BadUsage, match=r"'loss/cornr'.*choose one of .*loss/corner"):
        evaluation.check_metric(task, config, setup, EvalHistory(directory, "loss/cornr", 0, 0))
    config = toy_config(best_metric="loss/corner")
    evaluation.check_metric(task, config, setup, EvalHistory(directory, "loss/corner", 0, 0))
