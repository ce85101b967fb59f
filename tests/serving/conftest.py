"""One exported model for all tests of serving: random weights, as nothing here is about scores."""

import json

import pytest

from tests.random_params import random_params
from tests.tasks.conftest import small_config
from xojl_jax.restore import LoadedModel
from xojl_jax.serving import loaded, training, write
from xojl_jax.tasks.layout.inference import LayoutInference
from xojl_jax.tasks.layout.task import LayoutTask

PROGRAMS = ("detail", "dual", "nodes")
CALIBRATION = {"detail": [0.5, 0.25], "semantic": [1.0, 0.0], "nodes detail": [0.75, 0.5]}


@pytest.fixture(scope="package")
def own(tmp_path_factory):
    """The model before its export, as `restore.load` gives it."""
    config = small_config()
    task = LayoutTask(config)
    task.calibration = CALIBRATION
    params = random_params(task.init)
    metadata = {
        "task": task.metadata() | {"calibration": CALIBRATION},
        "config": json.loads(config.to_json()),
        "checkpoint": str(tmp_path_factory.mktemp("run") / "checkpoints" / "7"),
        "weights": "params",
    }
    return LoadedModel(task, task.inference(), params, metadata)


@pytest.fixture(scope="package")
def folder(own, tmp_path_factory):
    """The exported model, with two of its programs: each takes seconds to trace and to compile."""
    out = tmp_path_factory.mktemp("models") / "small"
    programs = LayoutInference.programs
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            LayoutInference,
            "programs",
            lambda self: {name: programs(self)[name] for name in PROGRAMS},
        )
        patch.setattr(training, "_RECORDS", 40)
        patch.setattr(training, "_PICTURES", 20)
        arguments = (own.task, own.inference, own.params, own.metadata)
        write.write(out, *arguments, name="small", report=lambda line: None)
    return out


@pytest.fixture(scope="package")
def model(folder):
    return loaded.Model(folder)
