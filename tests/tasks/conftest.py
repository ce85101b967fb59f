"""A layout task small enough to compile in seconds, on our own sample data."""

import functools

import jax
import numpy as np
import pytest
from flax import linen as nn

from configs import stage4
from xojl_jax.data.transforms import stack
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


@pytest.fixture(scope="session")
def task():
    return LayoutTask(small_config())


@pytest.fixture(scope="session")
def params(task):
    return nn.meta.unbox(jax.jit(task.init)(jax.random.key(0)))


@pytest.fixture(scope="session")
def batch(task):
    """Eight records of the validation split, as arrays: dict of numpy."""
    dataset = task.dataset("val")
    return {
        name: np.asarray(array) for name, array in stack([dataset[i] for i in range(8)]).items()
    }
