"""A mesh of eight simulated devices with rules like those of training."""

import jax
import pytest
from jax.sharding import AxisType


@pytest.fixture
def cpu_mesh():
    mesh = jax.make_mesh((2, 2, 2), ("data", "fsdp", "tensor"), axis_types=(AxisType.Auto,) * 3)
    rules = (
        ("batch", ("data", "fsdp")),
        ("embed", "fsdp"),
        ("heads", "tensor"),
        ("mlp", "tensor"),
    )
    return mesh, rules
