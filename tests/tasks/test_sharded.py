"""The layout task on eight simulated devices: 2 data x 2 fsdp x 2 tensor."""

import functools

import jax
import numpy as np
import pytest
from jax.sharding import PartitionSpec

from tests.tasks.conftest import small_config
from xojl_jax.engine import sharding, state, step
from xojl_jax.tasks.layout.task import LayoutTask

STEPS = 2


def small_task(**mesh):
    """A task and a config of a few steps."""
    short = {"total_steps": STEPS, "eval_every": 0, "checkpoint_every": STEPS}
    config = small_config(**short, **{f"mesh.{axis}": size for axis, size in mesh.items()})
    return LayoutTask(config), config


def train(batch, devices, start=None, **mesh):
    """A few steps on the same batch: the state before (on the host), the state after, the metrics
    of every step.

    Args:
      start: a state to begin with, on the host; None initializes one.
    """
    task, config = small_task(**mesh)
    setup = state.make_train_setup(task, config, sharding.make_mesh(config.mesh, devices))
    with sharding.use_mesh(setup.mesh):
        if start is None:
            start = jax.device_get(state.from_scratch(task, config, setup))
        trained = jax.device_put(start, setup.shardings)
        arguments = (setup.abstract, step.abstract_batch(task, setup.mesh))
        train_step = step.make_train_step(task, config, setup)
        compiled = step.compile_ahead(train_step, arguments, setup.mesh)
        history = []
        for _ in range(STEPS):
            rows = sharding.put_batch(batch, setup.mesh)
            with jax.transfer_guard("disallow"):
                trained, metrics = compiled(trained, rows)
            history.append(jax.device_get(metrics))
    return start, trained, history


@pytest.fixture(scope="module")
def single(batch):
    return train(batch, jax.devices()[:1])


@pytest.fixture(scope="module")
def sharded(batch, single):
    """From the same state: tests/engine/test_sharding.py has that both initialize the same one,
    and the program that does it takes half a minute to compile."""
    return train(batch, jax.devices(), start=single[0], data=2, fsdp=2, tensor=2)


@pytest.mark.slow
def test_eight_devices_train_as_one(single, sharded):
    """Protects scaling out: every loss part and the updates are those of one device; and memory:
    what comes out of a step is split, too."""
    for ours, theirs in zip(sharded[2], single[2], strict=True):
        for name, value in theirs.items():
            np.testing.assert_allclose(ours[name], value, rtol=2e-4, atol=2e-5, err_msg=name)
    mlp = sharded[1].params["trunk"]["decoder"]["blocks"]["mlp"]["up"]["kernel"]
    assert {shard.data.shape for shard in mlp.addressable_shards} == {(2, 16, 64)}


def test_eight_devices_give_the_loss_of_one(batch, params, gradient):
    """Protects scaling out: every part of the loss is that of one device."""
    task, config = small_task(data=2, fsdp=2, tensor=2)
    setup = state.make_train_setup(task, config, sharding.make_mesh(config.mesh, jax.devices()))
    loss = functools.partial(task.loss, train=True)
    key = jax.random.key(0)
    (_, expected), _ = gradient(params, batch, key)
    with sharding.use_mesh(setup.mesh):
        split = jax.device_put(params, setup.shardings.params)
        _, metrics = jax.jit(loss)(split, sharding.put_batch(batch, setup.mesh), key)
    for name, value in expected.items():
        np.testing.assert_allclose(metrics[name], value, rtol=2e-4, atol=2e-5, err_msg=name)


def test_kernels_are_split():
    """Protects memory: the large kernels are really split, embeddings that are gathered are not."""
    task, config = small_task(data=2, fsdp=2, tensor=2)
    setup = state.make_train_setup(task, config, sharding.make_mesh(config.mesh, jax.devices()))
    split = setup.shardings.params
    trunk = split["trunk"]
    mlp = trunk["decoder"]["blocks"]["mlp"]["up"]["kernel"]
    assert mlp.spec == PartitionSpec(None, "fsdp", "tensor")
    query = trunk["vision"]["groups"]["layers"]["attention"]["query"]["kernel"]
    assert query.spec == PartitionSpec(None, None, "fsdp", "tensor", None)
    assert split["token_embed"]["embedding"].spec[1:] in ((), (None,))
