"""Eight records, overfitted: the whole way from features to decoded text can be exact."""

import functools

import jax
import numpy as np
import pytest

from tests.tasks.conftest import small_config
from xojl_jax.data.transforms import stack
from xojl_jax.engine import sharding, state, step
from xojl_jax.tasks.layout.answer import read_answers
from xojl_jax.tasks.layout.task import LayoutTask
from xojl_jax.xojl.tree import to_semantic

STEPS = 200


@pytest.fixture
def optimized_programs():
    """As this one runs for long; whatever later tests of this process compile is left as it was."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("optimized_programs")
def test_eight_records_are_learned_exactly():
    """Protects everything at once: features, model, masks, loss, optimizer, cache, detokenizer.

    After a minute of training on eight records, decoding gives their layouts exactly, tags, classes
    and content included, in both views.
    """
    config = small_config(
        **{
            "model.width": 64,
            "model.max_nodes": 48,
            "model.max_target": 96,
            "total_steps": STEPS,
            "optim.warmup_steps": 10,
            "optim.groups.vision.lr": 1e-3,
            "optim.groups.html.lr": 2e-3,
            "optim.groups.rest.lr": 2e-3,
            "optim.weight_decay": 0.0,
        }
    )
    task = LayoutTask(config)
    dataset = task.dataset("train")
    batch = stack([dataset[i] for i in range(8)])
    records = [dataset.record(i) for i in range(8)]

    setup = state.make_train_setup(task, config, sharding.make_mesh(config.mesh, jax.devices()[:1]))
    with sharding.use_mesh(setup.mesh):
        trained = state.from_scratch(task, config, setup)
        arguments = (setup.abstract, step.abstract_batch(task, setup.mesh))
        compiled = step.compile_ahead(
            step.make_train_step(task, config, setup), arguments, setup.mesh
        )
        rows = sharding.put_batch(batch, setup.mesh)
        for _ in range(STEPS):
            trained, metrics = compiled(trained, rows)
    assert metrics["accuracy/detail"] == metrics["accuracy/semantic"] == 1.0

    predict = jax.jit(functools.partial(task.inference().predict, mode="dual"))
    prediction = jax.device_get(predict(trained.params, batch))
    htmls = [record.html for record in records]
    answers = read_answers(prediction, htmls, task.vocabulary, "dual")
    for record, answer in zip(records, answers, strict=True):
        assert answer["detail"].layout == record.layout
        assert answer["semantic"].layout == to_semantic(record.layout)
        assert answer["detail"].nodes == record.alignment()
    assert (np.asarray(prediction.category) == batch["category"]).all()
