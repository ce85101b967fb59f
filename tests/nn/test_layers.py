"""Linear maps: what they trace, and what they refuse."""

import flax
import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn

from xojl_jax.nn.layers import EinsumDense


def test_an_initializer_is_called_once_and_shapes_are_still_compared():
    """Protects the time to trace a model: an apply does not trace initializers. Parameters of
    another shape are refused all the same."""
    calls = []

    def init(key, shape, dtype):
        calls.append(shape)
        return nn.initializers.normal()(key, shape, dtype)

    x = jnp.ones((2, 3))
    dense = EinsumDense((4,), (None, "embed"), kernel_init=init)
    variables = dense.init(jax.random.key(0), x)
    dense.apply(variables, x)
    assert calls == [(3, 4)]
    with pytest.raises(flax.errors.ScopeParamShapeError):
        dense.apply(variables, jnp.ones((2, 5)))
