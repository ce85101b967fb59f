"""Positions of grid cells and of boxes."""

import jax
import jax.numpy as jnp
import numpy as np

from xojl_jax.nn.positions import FourierBoxes, GridPositions


def test_grid_positions_are_row_plus_column(filled):
    """Factorised: cell (r, c) is the sum of entry r and entry c, row by row."""
    module = GridPositions(rows=3, columns=4, width=5)
    params = filled(module, 3, 4)
    table = module.apply(params, 3, 4)
    assert table.shape == (12, 5)
    wanted = params["params"]["row"][2] + params["params"]["column"][1]
    np.testing.assert_allclose(table[2 * 4 + 1], wanted, rtol=1e-6)


def test_another_grid_interpolates_the_same_parameters():
    """At twice the resolution a table that rises steadily rises half as fast."""
    module = GridPositions(rows=8, columns=8, width=3)
    ramp = jnp.arange(8.0)[:, None] * jnp.ones(3)
    params = {"params": {"row": ramp, "column": jnp.zeros((8, 3))}}
    fine = module.apply(params, 16, 8).reshape(16, 8, 3)[:, 0, 0]
    np.testing.assert_allclose(fine[1:-1], np.arange(1, 15) / 2 - 0.25, atol=1e-5)


def test_boxes_are_waves_of_a_learned_projection(filled):
    """Sine and cosine of 2 pi x box x frequencies, then a linear map; any leading shape."""
    module = FourierBoxes(width=6, features=8)
    boxes = jnp.asarray(np.random.default_rng(0).random((2, 3, 4)), jnp.float32)
    params = filled(module, boxes)
    got = jax.jit(module.apply)(params, boxes)
    p = params["params"]
    angles = 2 * np.pi * np.asarray(boxes) @ np.asarray(p["frequencies"])
    waves = np.concatenate([np.sin(angles), np.cos(angles)], -1)
    wanted = waves @ np.asarray(p["project"]["kernel"]) + np.asarray(p["project"]["bias"])
    assert got.shape == (2, 3, 6)
    np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_near_boxes_differ_in_bfloat16(filled):
    """A pixel of a 1,280 pixel page is told apart, whatever the compute dtype."""
    module = FourierBoxes(width=16, dtype=jnp.bfloat16)
    boxes = jnp.asarray([[0.5, 0.5, 0.6, 0.6], [0.5 + 1 / 1280, 0.5, 0.6, 0.6]], jnp.float32)
    out = jax.jit(module.apply)(filled(module, boxes), boxes)
    assert out.dtype == jnp.bfloat16 and bool((out[0] != out[1]).any())
