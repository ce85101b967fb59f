"""The LSTM against a loop in numpy, padding included."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from xojl_jax.nn.recurrent import Lstm


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_states_are_those_of_a_loop():
    """Protects the gates' order, and that padding in the middle or at the end changes nothing."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 5, 3)).astype(np.float32)
    mask = np.array([[1, 1, 0, 1, 0], [1, 1, 1, 1, 1]], bool)
    arrays = jnp.asarray(x), jnp.asarray(mask)
    found, variables = Lstm(4).init_with_output(jax.random.key(0), *arrays)
    params = jax.tree.map(np.asarray, nn.meta.unbox(variables["params"]))
    for row in range(2):
        state, cell = np.zeros(4), np.zeros(4)
        for at in range(5):
            gates = x[row, at] @ params["input"]["kernel"] + state @ params["state"]
            entry, forget, new, out = np.split(gates + params["input"]["bias"], 4)
            if mask[row, at]:
                cell = sigmoid(forget + 1) * cell + sigmoid(entry) * np.tanh(new)
                state = sigmoid(out) * np.tanh(cell)
            np.testing.assert_allclose(found[row, at], state, atol=1e-5)
