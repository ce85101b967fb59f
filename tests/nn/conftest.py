"""What keeps these tests short, and a mesh of eight simulated devices."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax.sharding import AxisType

from xojl_jax.nn.config import BlockConfig

BLOCK_FIELDS = {field.name for field in dataclasses.fields(BlockConfig)}


def make_config(kind, **fields):
    """A `kind` of config (VisionConfig, DecoderConfig), its block's fields among the others."""
    block = {name: fields.pop(name) for name in BLOCK_FIELDS & set(fields)}
    return kind(block=BlockConfig(**block), **fields)


@pytest.fixture
def quick_compile():
    """Programs run once here, so optimizing them would take most of the time."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="session")
def filled():
    """A function that fills a model's parameters with noise: no compilation, and no zero biases."""

    def fill(model, *inputs, seed=0):
        random = np.random.default_rng(seed)

        def noise(path, leaf):
            is_scale = path[-1].key == "scale"
            # About 1/sqrt(fan in), were all but the last axis contracted.
            spread = 0.1 if leaf.ndim < 2 else 1 / np.sqrt(np.prod(leaf.shape[-3:-1]))
            return jnp.asarray(is_scale + spread * random.normal(size=leaf.shape), leaf.dtype)

        abstract = jax.eval_shape(lambda key: model.init(key, *inputs), jax.random.key(0))
        return jax.tree_util.tree_map_with_path(noise, nn.meta.unbox(abstract))

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
