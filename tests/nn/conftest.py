"""Configs, noise for parameters, and a mesh of eight simulated devices."""

import dataclasses

import jax
import pytest
from jax.sharding import AxisType

from tests.random_params import random_params
from xojl_jax.nn.config import BlockConfig

BLOCK_FIELDS = {field.name for field in dataclasses.fields(BlockConfig)}


def make_config(kind, **fields):
    """A `kind` of config (VisionConfig, DecoderConfig), its block's fields among the others."""
    block = {name: fields.pop(name) for name in BLOCK_FIELDS & set(fields)}
    return kind(block=BlockConfig(**block), **fields)


@pytest.fixture(scope="session")
def filled():
    """A function that fills a model's parameters with noise: no compilation, and no zero biases."""

    def fill(model, *inputs, seed=0):
        return random_params(lambda key: model.init(key, *inputs), seed)

    return fill


@pytest.fixture
def cpu_mesh():
    """A mesh and rules like those of training."""
    mesh = jax.make_mesh((2, 2, 2), ("data", "fsdp", "tensor"), axis_types=(AxisType.Auto,) * 3)
    rules = (
        ("batch", ("data", "fsdp")),
        ("embed", "fsdp"),
        ("heads", "tensor"),
        ("mlp", "tensor"),
    )
    return mesh, rules
