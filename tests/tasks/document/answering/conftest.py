"""A task of answers small enough to compile in seconds, on our own sample documents."""

import numpy as np
import pytest

from configs import document_tune
from tests.random_params import random_params
from xojl_jax.data.transforms import stack
from xojl_jax.tasks.document.answering.task import DocumentAnswersTask


def small_config(**changes):
    """Fine-tuning `tiny`, shrunk."""
    config = document_tune.get_config("tiny")
    with config.unlocked():
        config.batch_size = 4
        config.image.height, config.image.width = 64, 48
        config.model.patch = 8
        config.model.width, config.model.max_tokens = 16, 48
        config.model.multiway_layers = config.model.joint_layers = 1
        config.model.decoder_layers = 1
        config.model.box_features, config.model.box_channels = 4, 2
        config.model.remat = "none"
        config.answer.max_length, config.answer.bins = 40, 16
        config.prompt.max_tokens = 12
        config.prompt.width, config.prompt.layers = 8, 1
        config.update_from_flattened_dict(changes)
    return config


@pytest.fixture(scope="session")
def task():
    return DocumentAnswersTask(small_config())


@pytest.fixture(scope="session")
def params(task):
    return random_params(task.init)


@pytest.fixture(scope="session")
def batch(task):
    """Four questions of the validation split, as arrays: one points somewhere, the answer of one
    copies words."""
    dataset = task.dataset("val")
    samples = (dataset[i] for i in range(len(dataset)))
    fitting = [sample for sample in samples if sample["target"].any()]
    pointing = [sample for sample in fitting if sample["points"]]
    size = task.model().config.tokens
    copying = [sample for sample in fitting if (sample["before"] >= size).any()]
    chosen = [*pointing[:1], *copying[:1], *fitting[:2]]
    return {name: np.asarray(array) for name, array in stack(chosen).items()}
