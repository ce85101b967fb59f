"""CLS aggregation: earlier patches read the last CLS, and padding is not read."""

import jax
import jax.numpy as jnp
import numpy as np

from xojl_jax.nn.cls_aggregation import ClsAggregation
from xojl_jax.nn.config import BlockConfig


def test_patches_read_cls_and_no_padding(filled):
    """Protects R015: what CLS holds reaches every patch; what is in padding none."""
    model = ClsAggregation(BlockConfig(width=16, heads=2, drop_path=0.5), 2)
    draw = np.random.default_rng(0).normal
    cls, patches = (jnp.asarray(draw(size=s), jnp.float32) for s in ((1, 16), (1, 4, 16)))
    mask = jnp.asarray([[True, True, True, False]])
    params, apply = filled(model, cls, patches, mask), jax.jit(model.apply)
    before = apply(params, cls, patches, mask)
    assert before.shape == (1, 4, 16)
    assert params["params"]["stack"]["layers"]["attention_norm"]["scale"].shape == (2, 16)
    moved = jnp.abs(apply(params, -cls, patches, mask) - before).max(-1)
    assert float(moved[0, :3].min()) > 1e-3
    other = apply(params, cls, patches.at[:, 3].set(5.0), mask)
    np.testing.assert_allclose(other[:, :3], before[:, :3], atol=1e-6)
