"""Learning from a teacher: a frozen model of the same batches, and what its losses measure."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.conftest import small_config
from xojl_jax.errors import BadUsage
from xojl_jax.tasks.layout import losses
from xojl_jax.tasks.layout.task import LayoutTask

NAMES = ("distill_logits", "distill_node", "distill_attention")


def test_the_divergence_is_that_of_the_definition():
    """Protects the loss: sum of p log(p / q) over what is legal, in float64, and 0 of equals."""
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(size=(2, 3, 7))
    legal = rng.random((3, 7)) < 0.7
    legal[:, 0] = True

    def softmax(x):
        e = np.where(legal, np.exp(x), 0)
        return e / e.sum(-1, keepdims=True)

    q, p = softmax(ours), softmax(theirs)
    ratio = np.log(np.where(legal, p, 1) / np.where(legal, q, 1))
    as32 = [jnp.asarray(x, jnp.float32) for x in (ours, theirs)]
    found = losses.distillation(*as32, jnp.asarray(legal))
    np.testing.assert_allclose(found, (p * ratio).sum(-1), rtol=1e-4, atol=1e-6)
    assert np.abs(losses.distillation(as32[1], as32[1], jnp.asarray(legal))).max() < 1e-6


def test_a_student_is_as_far_from_its_teacher_as_they_differ(params, batch):
    """Protects distillation: a copy of the teacher is no distance away from it in tokens and nodes,
    another model is, and the weights of the config count."""
    student = LayoutTask(small_config(**{"loss.distill_node": 2.0}))
    student.use_teacher(LayoutTask(small_config()), params)
    assert student.frozen_params() is params
    shapes = jax.tree.map(jnp.shape, jax.eval_shape(student.init_frozen, jax.random.key(0)))
    assert jax.tree.leaves(shapes) == jax.tree.leaves(jax.tree.map(jnp.shape, params))

    @jax.jit
    def loss(ours, theirs, batch):
        return student.loss(ours, batch, jax.random.key(0), train=False, frozen=theirs)

    _, same = loss(params, params, batch)
    assert same["loss/distill_logits"] < 1e-5 and same["loss/distill_node"] < 1e-5
    other = jax.tree.map(
        lambda x: x + 0.05 * jnp.sin(jnp.arange(x.size, dtype=x.dtype)).reshape(x.shape), params
    )
    total, apart = loss(params, other, batch)
    assert apart["loss/distill_logits"] > 0.01 and apart["loss/distill_node"] > 0.001
    weights = student.config.loss
    parts = {name.removeprefix("loss/"): value for name, value in apart.items() if "loss/" in name}
    assert set(NAMES) <= parts.keys()
    assert float(total) == pytest.approx(
        sum(weights[n] * float(v) for n, v in parts.items()), rel=1e-5
    )


def test_a_teacher_must_read_the_same_batches(params):
    """Protects from a shape error deep in the step: what differs is named."""
    student = LayoutTask(small_config(**{"model.max_nodes": 64}))
    with pytest.raises(BadUsage, match=r"html_mask \(128,\), here \(64,\)"):
        student.use_teacher(LayoutTask(small_config()), params)
    encoder = LayoutTask(small_config(stage=2))
    with pytest.raises(BadUsage, match="stage 4"):
        encoder.use_teacher(LayoutTask(small_config()), params)
