"""Pruning: what goes away is what counts least, and what stays answers as before."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from xojl_jax.compression import pruning
from xojl_jax.engine import sharding
from xojl_jax.errors import BadUsage
from xojl_jax.nn.blocks import EncoderBlock
from xojl_jax.nn.config import BlockConfig
from xojl_jax.nn.scan import Stack

LARGE = BlockConfig(width=16, heads=4, mlp_ratio=2)
SMALL = BlockConfig(width=16, heads=2, head_width=4, mlp_width=24)
X = np.random.default_rng(0).normal(size=(2, 5, 16)).astype(np.float32)
# Of each layer, the heads and hidden units that count nothing.
IDLE_HEADS, IDLE_UNITS = ((0, 2), (1, 2)), (range(8), range(20, 28))


def stack(config: BlockConfig, layers: int = 2) -> nn.Module:
    return Stack(lambda name: EncoderBlock(config, True, name=name), layers)


def boxed(config: BlockConfig, layers: int = 2):
    return jax.eval_shape(lambda: stack(config, layers).init(jax.random.key(0), X))["params"]


@pytest.fixture(scope="module")
def params():
    """Two layers, in each of which some heads and hidden units have no weight."""
    rng = np.random.default_rng(1)
    shapes = sharding.unbox(boxed(LARGE))
    params = jax.tree.map(lambda a: rng.normal(size=a.shape).astype(np.float32), shapes)
    layers = params["layers"]
    for layer in range(2):
        for module in layers["attention"].values():
            if isinstance(module, dict):
                idle = list(IDLE_HEADS[layer])
                if module["kernel"].shape[1:] == (4, 4, 16):
                    module["kernel"][layer, idle] = 0
                else:
                    module["kernel"][layer][:, idle] = 0
        up, down = layers["feed_forward"]["up"], layers["feed_forward"]["down"]
        idle = list(IDLE_UNITS[layer])
        up["kernel"][layer][:, idle] = 0
        down["kernel"][layer, idle] = 0
    return params


def test_what_counts_nothing_goes_away(params):
    """Protects structured pruning: each layer loses its own idle heads and units, with their biases
    and temperatures, and the smaller model gives the same answers."""
    small = pruning.structured(params, boxed(LARGE), boxed(SMALL))
    shapes = jax.tree.map(jnp.shape, sharding.unbox(boxed(SMALL)))
    assert jax.tree.map(jnp.shape, small) == shapes
    kept = params["layers"]["attention"]["log_temperature"]
    assert np.array_equal(
        small["layers"]["attention"]["log_temperature"],
        np.stack([kept[0, [1, 3]], kept[1, [0, 3]]]),
    )
    wanted = stack(LARGE).apply({"params": params}, X)
    found = stack(SMALL).apply({"params": small}, X)
    np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-5)


def test_other_shapes_are_refused(params):
    """Protects from nonsense: nothing is cut off an axis whose indices depend on one another."""
    other = BlockConfig(width=16, heads=4, head_width=2, mlp_ratio=2)
    with pytest.raises(BadUsage, match="shrinks, and is none of heads, mlp"):
        pruning.structured(params, boxed(LARGE), boxed(other))


def test_the_smallest_weights_become_zero():
    """Protects magnitude pruning: the share that was asked for, of each kernel, the smallest."""
    kernel = np.arange(-10, 10, dtype=np.float32).reshape(4, 5) + 0.5
    params = {"a": {"kernel": kernel, "bias": np.full(5, 0.1, np.float32)}}
    pruned = pruning.magnitude(params, 0.5)
    left = pruned["a"]["kernel"]
    assert pruning.zeros(pruned) == 0.5
    assert np.abs(left[left != 0]).min() > np.abs(kernel[left == 0]).max()
    assert (pruned["a"]["bias"] != 0).all()
