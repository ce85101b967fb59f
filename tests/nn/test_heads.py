"""Heads: element classifier, pyramid, spatial attention."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from xojl_jax.nn.heads import LastTap, PooledClassifier, Pyramid, SpatialAttention, TokenClassifier


def _normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def _apply(pyramid, grid):
    return jax.jit(lambda params, taps, valid=None: pyramid.apply(params, taps, grid, valid))


def test_pooled_classifier_has_the_named_sizes():
    """X083: attention pooling with 8 heads, 768 -> 384 -> 30; small widths get fewer heads."""
    tokens = jax.ShapeDtypeStruct((2, 10, 768), jnp.bfloat16)
    model = PooledClassifier(30, dtype=jnp.bfloat16)
    out, params = jax.eval_shape(model.init_with_output, jax.random.key(0), tokens)
    params = nn.meta.unbox(params)["params"]
    assert out.shape == (2, 30) and out.dtype == jnp.float32
    assert params["pool"]["attention"]["query"]["kernel"].shape == (768, 8, 96)
    assert params["hidden"]["kernel"].shape == (768, 384)
    assert params["project"]["kernel"].shape == (384, 30)
    narrow = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, 3, 32)))
    narrow = nn.meta.unbox(narrow)["params"]
    assert narrow["pool"]["attention"]["query"]["kernel"].shape == (32, 2, 16)


def test_pooled_classifier_ignores_padding(filled):
    """Padding tokens change no logit; a sample without any still gives finite ones."""
    tokens, valid = _normal(2, 6, 32), jnp.asarray([[True] * 4 + [False] * 2, [False] * 6])
    model = PooledClassifier(30)
    params, apply = filled(model, tokens, valid), jax.jit(model.apply)
    out = apply(params, tokens, valid)
    other = apply(params, tokens.at[:, 4:].set(9.0), valid)
    np.testing.assert_array_equal(out, other)
    assert bool(jnp.isfinite(out).all()) and bool((out[0] != out[1]).any())


def test_token_classifier_is_per_token(filled):
    """X048: one row of logits per token, float32 for the loss."""
    x = _normal(2, 5, 8)
    model = TokenClassifier(22)
    params, apply = filled(model, x), jax.jit(model.apply)
    out, one = apply(params, x), apply(params, x[:, 2])
    assert out.shape == (2, 5, 22)
    np.testing.assert_allclose(out[:, 2], one, atol=1e-6)


def test_pyramid_strides_at_full_size():
    """X065: 45 x 80 patches give 90 x 160, 45 x 80, 23 x 40, 12 x 20 cells of width 256."""
    taps = jax.ShapeDtypeStruct((4, 2, 3600, 768), jnp.bfloat16)
    model = Pyramid(dtype=jnp.bfloat16)
    levels = jax.eval_shape(
        lambda taps: model.init_with_output(jax.random.key(0), taps, (45, 80))[0], taps
    )
    shapes = [level.features.shape for level in levels]
    assert shapes == [(2, 90, 160, 256), (2, 45, 80, 256), (2, 23, 40, 256), (2, 12, 20, 256)]
    assert [level.mask.shape for level in levels] == [shape[:3] for shape in shapes]


def test_pyramid_makes_what_is_asked_for(filled):
    """Level 2 alone needs taps 2 and 3, and equals level 2 of the whole pyramid."""
    taps = _normal(4, 1, 15, 8)
    params, part = filled(Pyramid(16), taps, (3, 5)), Pyramid(16, levels=(2,))
    whole = _apply(Pyramid(16), (3, 5))(params, taps)
    own = filled(part, taps, (3, 5))["params"]
    kept = {"params": {k: v for k, v in params["params"].items() if k in own}}
    assert set(own) == set(kept["params"]) < set(params["params"])
    apply = _apply(part, (3, 5))
    (alone,), (moved,) = apply(kept, taps), apply(kept, taps.at[:2].add(1.0))
    np.testing.assert_allclose(alone.features, whole[2].features, atol=1e-6)
    np.testing.assert_array_equal(alone.features, moved.features)


def test_pyramid_leaves_padding_out(filled):
    """A coarse cell is the mean of its real patches, and real if it has one."""
    taps, grid = _normal(4, 1, 16, 8), (4, 4)
    valid = jnp.zeros(grid, bool).at[:3, :3].set(True).reshape(1, 16)
    model = Pyramid(16)
    params, apply = filled(model, taps, grid, valid), _apply(model, grid)
    noisy = jnp.where(valid[None, :, :, None], taps, 100.0)
    levels, again = apply(params, taps, valid), apply(params, noisy, valid)
    for level, other in zip(levels, again, strict=True):
        np.testing.assert_array_equal(level.features, other.features)
    assert levels[2].mask[0].tolist() == [[True, True], [True, True]]
    assert levels[0].mask.sum() == 36 and levels[3].mask.all()


def test_the_last_tap_alone_is_means_of_its_real_patches(filled):
    """Protects what a pyramid is compared with (X066): the cells and masks of its levels, of one
    tap."""
    taps, grid = _normal(4, 1, 16, 8), (4, 4)
    valid = jnp.zeros(grid, bool).at[:3, :3].set(True).reshape(1, 16)
    model = LastTap(2)
    params, apply = filled(model, taps, grid, valid), _apply(model, grid)
    (found,) = apply(params, taps, valid)
    (level,) = _apply(Pyramid(16, levels=(2,)), grid)(
        filled(Pyramid(16, levels=(2,)), taps, grid, valid), taps, valid
    )
    np.testing.assert_array_equal(found.mask, level.mask)
    x = np.asarray(taps[-1, 0]).reshape(*grid, 8)
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
    x = x * np.asarray(params["params"]["norm"]["scale"]) + np.asarray(
        params["params"]["norm"]["bias"]
    )
    np.testing.assert_allclose(found.features[0, 0, 0], x[:2, :2].mean((0, 1)), atol=1e-5)
    np.testing.assert_allclose(found.features[0, 1, 1], x[2, 2], atol=1e-5)


def test_spatial_attention_scales_by_its_map(filled):
    """X069: mean and maximum over channels -> 7 x 7 convolution -> sigmoid -> product."""
    features = _normal(2, 9, 11, 6)
    params = filled(SpatialAttention(), features)
    out, logits = jax.jit(SpatialAttention().apply)(params, features)
    kernel = params["params"]["map"]["kernel"]
    assert kernel.shape == (7, 7, 2, 1) and logits.shape == (2, 9, 11)
    np.testing.assert_allclose(out, features * jax.nn.sigmoid(logits)[..., None], atol=1e-6)
    pooled = np.stack([features.mean(-1), features.max(-1)], -1)
    by_hand = (pooled[1, 1:8, 2:9] * np.asarray(kernel)[..., 0]).sum() + params["params"]["map"][
        "bias"
    ][0]
    assert float(logits[1, 4, 5]) == pytest.approx(float(by_hand), abs=1e-4)
