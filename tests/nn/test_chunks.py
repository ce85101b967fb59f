"""Work in chunks of positions against the same work on all of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xojl_jax.nn.chunks import map_positions


@pytest.mark.parametrize("size", [1, 4, 7, 20])
def test_chunks_give_what_the_whole_gives(size):
    """Values and gradients, of what is cut and of what is closed over, also where chunks do not
    fit."""
    random = np.random.default_rng(0)
    x, y, weight = (
        jnp.asarray(random.normal(size=shape), jnp.float32) for shape in ((3, 7, 5), (3, 7), (5, 2))
    )

    def total(x, y, weight, size):
        def function(inputs):
            x, y = inputs
            return {"a": jnp.exp(x @ weight) * y[..., None], "b": jnp.sin(y)}

        found = map_positions(function, (x, y), size)
        assert found["a"].shape == (3, 7, 2) and found["b"].shape == (3, 7)
        return (found["a"] * x[..., :2]).sum() + found["b"].sum()

    gradient = jax.jit(jax.value_and_grad(total, argnums=(0, 1, 2)), static_argnums=3)
    for got, wanted in zip(
        jax.tree.leaves(gradient(x, y, weight, size)),
        jax.tree.leaves(gradient(x, y, weight, 7)),
        strict=True,
    ):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


def test_chunks_are_alike_in_size():
    """Protects against a last chunk of padding: nine positions by four are 3 + 3 + 3."""
    seen = []

    def function(x):
        seen.append(x.shape)
        return x

    np.testing.assert_array_equal(
        map_positions(function, jnp.arange(9)[None], 4), jnp.arange(9)[None]
    )
    assert set(seen) == {(1, 3)}
