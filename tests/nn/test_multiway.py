"""The multiway encoder: one attention, feed-forwards by modality, boxes in both ways."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from xojl_jax.errors import BadUsage
from xojl_jax.nn.attention import ChannelBias, Mask, attend
from xojl_jax.nn.attention.dense import attend_dense
from xojl_jax.nn.blocks import EncoderBlock
from xojl_jax.nn.config import BlockConfig, MultiwayConfig
from xojl_jax.nn.feed_forward import Mlp, Multiway, Parts
from xojl_jax.nn.multiway import MultiwayEncoder

BLOCK = BlockConfig(width=16, heads=2, remat="none")
EXPERT = functools.partial(Mlp, 8)


def normal(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape)


def test_each_part_has_its_own_expert():
    """Protects R028: an expert's parameters move the tokens of its modality and no others."""
    module, parts = Multiway(EXPERT), Parts((("language", 3), ("vision", 4)))
    x = normal(0, 2, 7, 16)
    params = nn.meta.unbox(jax.jit(lambda key: module.init(key, x, parts))(jax.random.key(0)))
    assert params["params"].keys() == {"language", "vision"}
    apply = jax.jit(lambda params: module.apply(params, x, parts))
    before = apply(params)
    params["params"]["vision"]["down"]["bias"] += 1.0
    moved = np.asarray(apply(params) - before)
    np.testing.assert_allclose(moved[:, :3], 0)
    np.testing.assert_allclose(moved[:, 3:], 1, rtol=1e-5)


def test_parts_must_be_told_and_fit():
    """Protects from an expert that silently computes another modality."""
    with pytest.raises(BadUsage, match="parts of tokens"):
        block = EncoderBlock(dataclasses.replace(BLOCK, feed_forward="multiway"))
        jax.eval_shape(block.init, jax.random.key(0), normal(0, 1, 3, 16))
    with pytest.raises(ValueError, match="3 tokens in parts, 4 given"):
        Multiway(EXPERT).init(jax.random.key(0), normal(0, 1, 4, 16), Parts((("vision", 3),)))


def test_a_channel_bias_is_the_matrix_that_it_stands_for():
    """Protects R030: values and gradients, against the matrix added to the scores."""
    q, k, v = (normal(i, 2, n, 2, 8) for i, n in enumerate((5, 7, 7)))
    bias = ChannelBias(normal(3, 2, 5, 2, 3), normal(4, 2, 7, 2, 3))
    mask = Mask(key_mask=jnp.arange(7)[None] < 6)

    def total(attend, bias):
        return jnp.sum(attend(q, k, v, mask, bias=bias, scale=0.3) ** 2)

    one, of_one = jax.jit(jax.value_and_grad(lambda b: total(attend, b)))(bias)
    two, of_two = jax.jit(jax.value_and_grad(lambda b: total(attend_dense, b)))(bias)
    three = jax.jit(lambda b: total(attend, b.as_matrix()))(bias)
    np.testing.assert_allclose([one, three], two, rtol=1e-5)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, atol=1e-4), of_one, of_two)


def test_words_and_patches_read_each_other_by_their_boxes():
    """Protects the encoder: both modalities and boxes count, padding does not."""
    encoder = MultiwayEncoder(MultiwayConfig(BLOCK, 1, 1, box_features=4, box_channels=2))
    words, patches = normal(0, 1, 3, 16), normal(1, 1, 4, 16)
    boxes, grid = jax.random.uniform(jax.random.key(2), (1, 3, 4)), normal(3, 4, 4) % 1
    seen, all_patches = jnp.asarray([[True, True, False]]), jnp.ones((1, 4), bool)
    arguments = (words, patches, seen, all_patches, boxes, grid)
    params = nn.meta.unbox(jax.jit(encoder.init)(jax.random.key(0), *arguments))
    assert {"stack", "joint_stack", "boxes", "box_bias", "norm"} == params["params"].keys()
    apply = jax.jit(encoder.apply)
    before, _ = apply(params, *arguments)

    def moved(place, value):
        changed = list(arguments)
        changed[place] = value
        return float(jnp.abs(apply(params, *changed)[0] - before)[:, 0].max())

    assert moved(1, patches + normal(5, 1, 4, 16)) > 1e-3
    assert moved(4, boxes.at[:, 1].add(0.1)) > 1e-4
    assert moved(0, words.at[:, 2].add(1.0)) < 1e-6
