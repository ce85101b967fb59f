"""Attention warm-up: the bias is the Gaussian that it stands for, and it ends."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xojl_jax.nn.attention import attend
from xojl_jax.nn.locality import REACH, locality_bias, locality_strength

GRID = (45, 80)  # of `base`


def matrix(strength, **options):
    """The bias as attention sees it in the given dtype, float32[tokens, tokens]."""
    dtype = options.get("dtype", jnp.float32)
    bias = locality_bias(jnp.float32(strength), GRID, **options)
    tokens = bias.query.shape[1]
    q, k = bias.as_channels(*(jnp.zeros((1, tokens, 1, 0), dtype),) * 2, 1.0)
    return jnp.einsum("bqhk,bshk->qs", q, k, preferred_element_type=jnp.float32)


@pytest.mark.parametrize(("dtype", "error"), [("float32", 1e-3), ("bfloat16", 0.02)])
def test_the_bias_is_a_gaussian_of_the_distance(dtype, error):
    """Protects X062, to what a score may be off where the parts of the product are in the hundreds;
    and that CLS, prefixes, HTML and padding are left alone."""
    strength, kept = 0.19, np.array([[0, 3, 79, 80, 1000, 3599]])
    found = matrix(strength, kept=jnp.asarray(kept), before=2, after=1, dtype=jnp.dtype(dtype))
    places = np.stack(np.divmod(kept[0], GRID[1]), axis=-1).astype(np.float64)
    distance = ((places[:, None] - places[None]) ** 2).sum(-1)
    np.testing.assert_allclose(found[2:-1, 2:-1], -strength / 2 * distance, atol=error, rtol=1e-4)
    outside = np.pad(np.zeros_like(distance, bool), ((2, 1), (2, 1)), constant_values=True)
    assert not np.asarray(found)[outside].any()


def test_a_patch_reads_its_neighborhood_and_later_all():
    """Protects the schedule: a Gaussian of two patches at first, none from the last step on."""
    at = [float(locality_strength(jnp.int32(step), 10)) for step in (0, 5, 10, 1000)]
    np.testing.assert_allclose(at, [1 / REACH**2, 0.5 / REACH**2, 0, 0])

    zeros, off = jnp.zeros((1, 3600, 1, 4)), jnp.tile(jnp.arange(80.0) - 40, 45) ** 2

    @jax.jit
    def spread(strength):
        """How many columns off is what patch 1800, of column 40, reads where scores are alike."""
        bias = locality_bias(strength, GRID)
        bias = bias.replace(query=bias.query[:, 1800:1801])
        return attend(zeros[:, :1], zeros, off[None, :, None, None], bias=bias).ravel()[0] ** 0.5

    assert float(spread(jnp.float32(at[0]))) == pytest.approx(REACH, rel=1e-3)
    assert float(spread(jnp.float32(0))) == pytest.approx(float(off.mean()) ** 0.5, rel=1e-3)
