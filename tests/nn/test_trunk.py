"""The trunk and its configs: names of parameters, what is initialized, what is refused."""

import dataclasses

import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn

from xojl_jax.errors import BadUsage
from xojl_jax.nn.blocks import EncoderBlock
from xojl_jax.nn.config import BlockConfig, DecoderConfig, TrunkConfig, VisionConfig
from xojl_jax.nn.feed_forward import FEED_FORWARDS, make_feed_forward
from xojl_jax.nn.trunk import Trunk

BLOCK = BlockConfig(width=16, heads=2)
CONFIG = TrunkConfig(
    VisionConfig(BLOCK, layers=4, image_height=16, image_width=24, patch=8),
    DecoderConfig(BLOCK, layers=2, max_length=5),
)


def _see_and_write(trunk, images, x):
    vision = trunk.vision(images)
    return trunk.decoder(x, vision.tokens)


def test_parameters_keep_their_paths():
    """Checkpoints of every task find the trunk by these names; what is not called is not there."""
    images, x = jnp.zeros((1, 16, 24, 3), jnp.uint8), jnp.zeros((1, 5, 16))

    def names(method, *inputs):
        trunk = Trunk(CONFIG)
        params = jax.eval_shape(
            lambda *inputs: trunk.init(jax.random.key(0), *inputs, method=method), *inputs
        )
        return {key: set(value) for key, value in nn.meta.unbox(params)["params"].items()}

    vision = {"groups", "norm", "patches", "positions", "special"}
    assert names(_see_and_write, images, x) == {
        "vision": vision,
        "decoder": {"blocks", "norm", "positions"},
    }
    assert names(lambda trunk, images: trunk.vision(images), images) == {"vision": vision}


def test_configs_are_keys():
    """Modules hold them, and jit compares them: equal ones are the same, and none can change."""
    assert hash(CONFIG) == hash(dataclasses.replace(CONFIG)) and CONFIG == CONFIG
    wider = dataclasses.replace(BLOCK, width=32)
    assert wider != BLOCK and wider.head_dim == 16
    with pytest.raises(dataclasses.FrozenInstanceError):
        BLOCK.width = 32


def test_a_feed_forward_may_go_by_modality(monkeypatch):
    """A registered factory's product gets the modality of each token; its name is the config's."""

    class Shift(nn.Module):
        @nn.compact
        def __call__(self, x, modality):
            by = self.param("by", nn.initializers.ones, (2,))
            return jnp.zeros_like(x) + by[modality][..., None]

    monkeypatch.setitem(FEED_FORWARDS, "shift", lambda config, name=None: Shift(name=name))
    block = EncoderBlock(dataclasses.replace(BLOCK, feed_forward="shift"))
    x, modality = jnp.ones((1, 3, 16)), jnp.asarray([[0, 1, 1]])
    params = nn.meta.unbox(jax.jit(block.init)(jax.random.key(0), x, modality=modality))
    apply = jax.jit(block.apply)
    before = apply(params, x, modality=modality)
    params["params"]["feed_forward"]["by"] = jnp.asarray([1.0, 5.0])
    moved = apply(params, x, modality=modality) - before
    assert jnp.allclose(moved, jnp.asarray([0.0, 4.0, 4.0])[:, None], atol=1e-6)


def test_an_unknown_feed_forward_is_a_usage_error():
    """A misspelled option ends in one line that names the choices."""
    with pytest.raises(BadUsage, match="feed_forward='mpl' is not known: choose one of mlp"):
        make_feed_forward(dataclasses.replace(BLOCK, feed_forward="mpl"))
