"""A document task small enough to compile in seconds, on our own sample documents."""

import numpy as np
import pytest

from configs import document_pretrain
from tests.random_params import random_params
from xojl_jax.data.transforms import stack
from xojl_jax.tasks.document.task import DocumentTask


def small_config(**changes):
    """Pre-training `tiny`, shrunk, with every objective."""
    config = document_pretrain.get_config("tiny")
    with config.unlocked():
        config.objectives = "mlm,mim,wpa,pairs,tokenizer"
        config.batch_size = 4
        config.image.height, config.image.width = 64, 48
        config.model.patch = 8
        config.model.width, config.model.max_tokens = 16, 48
        config.model.multiway_layers = config.model.joint_layers = 1
        config.model.box_features, config.model.box_channels = 4, 2
        config.model.remat = "none"
        config.tokenizer.width, config.tokenizer.heads = 16, 2
        config.tokenizer.layers = config.tokenizer.decoder_layers = 1
        config.tokenizer.codes, config.tokenizer.code_width = 12, 4
        config.update_from_flattened_dict(changes)
    return config


@pytest.fixture(scope="session")
def task():
    return DocumentTask(small_config())


@pytest.fixture(scope="session")
def params(task):
    return random_params(task.init)


@pytest.fixture(scope="session")
def batch(task):
    """Four pages of the validation split, as arrays."""
    dataset = task.dataset("val")
    return {
        name: np.asarray(array) for name, array in stack([dataset[i] for i in range(4)]).items()
    }
