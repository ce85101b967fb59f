"""Kernels as int8: what rounding costs, and what training sees of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xojl_jax.engine import int8, sharding
from xojl_jax.errors import BadUsage
from xojl_jax.nn.blocks import EncoderBlock
from xojl_jax.nn.config import BlockConfig
from xojl_jax.nn.scan import Stack

CONFIG = BlockConfig(width=16, heads=2, mlp_ratio=2)


@pytest.fixture(scope="module")
def boxed():
    """Two blocks in a scanned stack, in the abstract."""
    stack = Stack(lambda name: EncoderBlock(CONFIG, name=name), 2)
    x = jnp.zeros((1, 3, 16))
    return jax.eval_shape(lambda: stack.init(jax.random.key(0), x))["params"]


@pytest.fixture(scope="module")
def params(boxed):
    rng = np.random.default_rng(0)
    shapes = sharding.unbox(boxed)
    return jax.tree.map(lambda a: rng.normal(size=a.shape).astype(np.float32), shapes)


def test_each_output_of_each_layer_has_a_scale(boxed):
    """Protects accuracy: a scale is shared along what is summed up, and along nothing else."""
    axes = int8.output_axes(boxed)
    block = "layers/"
    assert axes[f"{block}attention/query/kernel"] == (0, 2, 3)
    assert axes[f"{block}attention/out/kernel"] == (0, 3)
    assert axes[f"{block}feed_forward/up/kernel"] == (0, 2)
    assert all(path.endswith("/kernel") for path in axes) and len(axes) == 6


def test_rounding_is_half_a_step_at_most(boxed, params):
    """Protects answers: what comes back differs by half of a scale, all else not at all."""
    axes = int8.output_axes(boxed)
    small = int8.quantize(params, axes)
    query = small["layers"]["attention"]["query"]
    assert int8.is_quantized(query["kernel"]) and query["kernel"]["int8"].dtype == np.int8
    back = int8.dequantize(small)
    step = np.asarray(query["kernel"]["scale"])
    error = np.abs(
        back["layers"]["attention"]["query"]["kernel"]
        - params["layers"]["attention"]["query"]["kernel"]
    )
    assert (error <= step / 2 * 1.001).all() and error.max() > 0
    assert back["layers"]["attention"]["query"]["bias"] is query["bias"]
    assert (
        int8.dequantize(params)["layers"]["attention"]["query"]["kernel"]
        is params["layers"]["attention"]["query"]["kernel"]
    )


def test_training_sees_what_quantizing_leaves(boxed, params):
    """Protects training-aware int8: its values are those of the exported kernels, its gradient is
    that of the floats."""
    axes = int8.output_axes(boxed)
    exported = int8.dequantize(int8.quantize(params, axes))
    seen = jax.jit(lambda p: int8.straight_through(p, axes))(params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), seen, exported)
    loss = int8.aware_loss(lambda p, scale: scale * sum(x.sum() for x in jax.tree.leaves(p)), boxed)
    gradient = jax.jit(jax.grad(loss))(params, 2.0)
    assert all((np.asarray(g) == 2).all() for g in jax.tree.leaves(gradient))


def test_a_missing_qwix_is_named(monkeypatch):
    """Protects people who installed no extra: what to install, in a line."""
    import sys

    monkeypatch.setitem(sys.modules, "qwix", None)
    with pytest.raises(BadUsage, match=r"pip install 'xojl_jax\[compression\]'"):
        int8.quantize({"kernel": np.ones((2, 2), np.float32)}, {"kernel": (1,)})
