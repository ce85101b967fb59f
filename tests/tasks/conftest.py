"""A layout task small enough to compile in seconds, on our own sample data."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from configs import stage4
from tests.random_params import random_params
from xojl_jax.data.transforms import stack
from xojl_jax.engine import checkpoint, sharding, state, workdir
from xojl_jax.engine.saver import Saver
from xojl_jax.tasks.layout.task import LayoutTask


def small_config(**changes):
    """Stage 4 `tiny`, shrunk: every part is there, none is wide."""
    config = stage4.get_config("tiny")
    with config.unlocked():
        config.batch_size = 8
        config.eval_pictures = 0  # one program more to compile; test_preview.py has its own
        config.image.height, config.image.width = 96, 128
        config.model.width, config.model.heads = 32, 2
        config.model.vision_layers = 4
        config.model.html_layers = config.model.decoder_layers = 2
        config.model.max_nodes, config.model.max_target = 128, 192
        config.update_from_flattened_dict(changes)
    return config


def loss_and_gradient(task):
    """The jitted (params, batch, rng) -> ((loss, metrics), gradient) of training.

    One program for all tests of one config: compiled once, read from the cache afterwards.
    """
    loss = functools.partial(task.loss, train=True)
    return jax.jit(jax.value_and_grad(loss, has_aux=True))


def write_untrained_run(config, path):
    """A working directory as training leaves it, checkpoints `2` and `best`, for tests of what
    reads one: the parameters are noise, and nothing is compiled."""
    task = LayoutTask(config)
    params = random_params(task.init)
    mesh = sharding.make_mesh(config.mesh, devices=jax.devices()[:1])
    with sharding.use_mesh(mesh):
        setup = state.make_train_setup(task, config, mesh)
        zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), setup.abstract)
        start = dataclasses.replace(zeros, params=params, ema=zeros.ema and params)
        start = jax.device_put(start, setup.shardings)
        with workdir.claim(path, config) as directory:
            metadata = checkpoint.make_metadata(task, config, setup, {})
            saver = Saver(directory.checkpoints, keep=config.keep, metadata=metadata)
            saver.save(start, 2, best=True)
            saver.close()


@pytest.fixture(scope="session")
def task():
    return LayoutTask(small_config())


@pytest.fixture(scope="session")
def params(task):
    return random_params(task.init)


@pytest.fixture(scope="session")
def batch(task):
    """Eight records of the validation split, as arrays: dict of numpy."""
    dataset = task.dataset("val")
    return {
        name: np.asarray(array) for name, array in stack([dataset[i] for i in range(8)]).items()
    }


@pytest.fixture(scope="session")
def gradient(task):
    """The jitted loss, metrics and gradient of a batch of eight; compiled once for all tests."""
    return loss_and_gradient(task)
