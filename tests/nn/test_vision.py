"""The vision encoder: sizes at full scale, order of tokens, masks, taps, names for sharding."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax.extend.core import jaxprs_in_params

from tests.nn.conftest import make_config
from xojl_jax.errors import BadUsage
from xojl_jax.nn.config import VisionConfig
from xojl_jax.nn.vision import VisionEncoder, draw_patches

BASE = {
    "image_height": 720,
    "image_width": 1280,
    "patch": 16,
    "width": 768,
    "layers": 12,
    "heads": 12,
}
SMALL = {
    "image_height": 768,
    "image_width": 1024,
    "patch": 16,
    "width": 384,
    "layers": 12,
    "heads": 6,
}
TINY = {"image_height": 384, "image_width": 512, "patch": 32, "width": 128, "layers": 4, "heads": 2}
MICRO = {"image_height": 16, "image_width": 24, "patch": 8, "width": 16, "layers": 4, "heads": 2}


def make_encoder(**fields):
    return VisionEncoder(make_config(VisionConfig, **fields))


def _images(config, batch=2, seed=0):
    shape = (batch, config["image_height"], config["image_width"], 3)
    return jnp.asarray(np.random.default_rng(seed).integers(0, 256, shape), jnp.uint8)


@pytest.fixture(scope="module")
def micro(filled):
    """A model with six patches, its compiled application, its parameters, and two images."""
    model, images = make_encoder(**MICRO), _images(MICRO)
    return model, jax.jit(model.apply), filled(model, images), images


@pytest.mark.parametrize(
    ("config", "patches", "parameters", "in_layers"),
    [
        (BASE, 3600, 88_119_696, 85_054_608),
        (SMALL, 3072, 22_821_192, 21_293_640),
        (TINY, 192, 2_766_088, 793_096),
    ],
    ids=["base", "small", "tiny"],
)
def test_full_size(config, patches, parameters, in_layers):
    """X041, X042: about 86 M parameters and 3,600 patches at 1280x720; no weight is made here."""
    model = make_encoder(**config, dtype="bfloat16")
    images = jax.ShapeDtypeStruct((2, config["image_height"], config["image_width"], 3), jnp.uint8)
    params = nn.meta.unbox(jax.eval_shape(model.init, jax.random.key(0), images))["params"]
    out = jax.eval_shape(model.apply, {"params": params}, images)
    width = config["width"]
    assert out.tokens.shape == (2, patches, width) and out.tokens.dtype == jnp.bfloat16
    assert out.prefix.shape == (2, 22, width) and out.cls.shape == (2, width)
    assert out.taps.shape == (4, 2, patches, width)
    assert {x.dtype for x in jax.tree.leaves(params)} == {jnp.dtype(jnp.float32)}
    assert sum(x.size for x in jax.tree.leaves(params)) == parameters
    assert sum(x.size for x in jax.tree.leaves(params["groups"])) == in_layers


def test_taps_follow_the_groups_of_layers(micro):
    """Tap i is the stream after (i + 1) / 4 of the layers; the last one, normed, is the output."""
    _, apply, params, images = micro
    out = apply(params, images)
    # Only the parameters of the third group change: the taps before it must not notice.
    changed = jax.tree.map(lambda x: x, params)
    third = np.asarray([1, 1, 1.5, 1], np.float32)  # in numpy: JAX would compile it for each shape
    changed["params"]["groups"] = jax.tree.map(
        lambda x: np.asarray(x) * third.reshape(4, *[1] * (x.ndim - 1)), params["params"]["groups"]
    )
    other = apply(changed, images)
    differs = jnp.abs(out.taps - other.taps).max((1, 2, 3)) > 0
    assert differs.tolist() == [False, False, True, True]
    last = np.asarray(out.taps[3])
    normed = (last - last.mean(-1, keepdims=True)) / np.sqrt(last.var(-1, keepdims=True) + 1e-6)
    norm = params["params"]["norm"]
    np.testing.assert_allclose(out.tokens, normed * norm["scale"] + norm["bias"], atol=1e-4)


def test_masked_patches_do_not_matter(micro):
    """What is in padding changes no real token, no prefix, and not CLS."""
    _, apply, params, images = micro
    valid = jnp.asarray([[True] * 4 + [False] * 2] * 2)
    # The last patch but its left half, which the shifted copies of its neighbor can see.
    changed = images.at[:, 12:, 20:].set(0)
    out, other = apply(params, images, valid), apply(params, changed, valid)
    np.testing.assert_array_equal(out.cls, other.cls)
    np.testing.assert_array_equal(out.prefix, other.prefix)
    np.testing.assert_array_equal(out.tokens[:, :4], other.tokens[:, :4])
    assert bool((out.tokens[:, 5] != other.tokens[:, 5]).any())
    alone = apply(params, images)
    assert bool((alone.cls != out.cls).any())


def test_hinted_classes_alone_are_attended_to(micro):
    """Class hints leave other prefixes out: changing such a prefix changes nothing else."""
    _, apply, params, images = micro
    hints = jnp.zeros((2, 22), bool).at[:, 3].set(True)
    special = params["params"]["special"].at[1 + 7].add(1.0)
    changed = {"params": {**params["params"], "special": special}}
    out, other = apply(params, images, None, hints), apply(changed, images, None, hints)
    np.testing.assert_array_equal(out.tokens, other.tokens)
    np.testing.assert_array_equal(out.prefix[:, 3], other.prefix[:, 3])
    assert bool((out.prefix[:, 7] != other.prefix[:, 7]).any())


def test_other_resolutions_share_the_parameters(micro):
    """Progressive resizing: the same parameters read an image of another size."""
    _, apply, params, _ = micro
    larger = _images({"image_height": 32, "image_width": 40})
    out = apply(params, larger)
    assert out.tokens.shape == (2, 4 * 5, 16) and bool(jnp.isfinite(out.tokens).all())


def test_every_parameter_has_named_axes(micro):
    """A parameter without names would be copied to every device, silently."""
    model, _, _, images = micro
    boxed = jax.eval_shape(model.init, jax.random.key(0), images)
    is_box = lambda x: isinstance(x, nn.LogicallyPartitioned)  # noqa: E731
    leaves = jax.tree.leaves(boxed, is_leaf=is_box)
    assert len(leaves) == 24 and all(map(is_box, leaves))
    known = {"embed", "mlp", "heads", "head_dim", "layers", "groups", "patch", None}
    for leaf in leaves:
        assert len(leaf.names) == leaf.value.ndim and set(leaf.names) <= known
        assert any(leaf.names)
    spec = nn.get_partition_spec(boxed)["params"]["groups"]["layers"]
    assert tuple(spec["attention"]["query"]["kernel"]) == (
        "groups",
        "layers",
        "embed",
        "heads",
        "head_dim",
    )


def _constrained_shapes(jaxpr):
    for equation in jaxpr.eqns:
        if equation.primitive.name == "sharding_constraint":
            spec = equation.params["sharding"].spec
            yield equation.outvars[0].aval.shape, tuple(spec)
        for inner in jaxprs_in_params(equation.params):
            yield from _constrained_shapes(inner)


def test_activations_are_constrained_under_a_mesh(micro, cpu_mesh):
    """Outside a current mesh constraints vanish without a word: they must be in the jaxpr here."""
    model, _, params, images = micro
    mesh, rules = cpu_mesh
    with jax.set_mesh(mesh), nn.logical_axis_rules(rules):
        jaxpr = jax.make_jaxpr(model.apply)(params, images).jaxpr
    batch_split = [s for s in _constrained_shapes(jaxpr) if s[0] in ((2, 32, 16), (2, 29, 16))]
    assert len(batch_split) >= 3
    assert all(spec[0] == ("data", "fsdp") for _, spec in batch_split)
    assert not list(_constrained_shapes(jax.make_jaxpr(model.apply)(params, images).jaxpr))


def test_gradients_reach_every_parameter(micro):
    """Nothing is cut off: each leaf moves the outputs, in bfloat16, too."""
    _, _, params, images = micro
    model = make_encoder(**MICRO, dtype="bfloat16", dropout=0.1)

    def loss(params):
        out = model.apply(params, images, rngs={"dropout": jax.random.key(1)})
        parts = (out.tokens, out.prefix, out.cls)
        return sum(jnp.square(x.astype(jnp.float32) - 1).mean() for x in parts)

    gradients = jax.jit(jax.grad(loss))(params)
    still = [
        jax.tree_util.keystr(path)
        for path, leaf in jax.tree_util.tree_leaves_with_path(jax.device_get(gradients))
        if not (np.isfinite(leaf).all() and np.abs(leaf).max() > 0)
    ]
    # A bias of the keys shifts all scores of a row alike; only rounding moves it.
    assert all("key" in path and "bias" in path for path in still), still


def test_plain_patches_are_another_entry(filled):
    """`patch_embed` alone decides: the rest of the encoder, and its names, are the same."""
    images = _images(MICRO)
    model = make_encoder(**MICRO, patch_embed="linear")
    params = filled(model, images)
    assert params["params"]["patches"]["project"]["kernel"].shape == (8 * 8 * 3, 16)
    assert jax.jit(model.apply)(params, images).tokens.shape == (2, 6, 16)
    with pytest.raises(BadUsage, match="choose one of shifted, linear"):
        make_encoder(**MICRO, patch_embed="x").init(jax.random.key(0), images)


def test_wrong_sizes_are_usage_errors():
    """Layers that do not make four groups are refused in one line."""
    with pytest.raises(BadUsage, match="multiple of 4"):
        make_encoder(**{**MICRO, "layers": 6})


def test_class_bias_is_added_by_kind(filled):
    """X054, X105: fixed or learned; a prefix from which the bias bars all else sees no image."""
    images, kinds = _images(MICRO, batch=1), 4
    closed = np.zeros((kinds, kinds))
    closed[1, [0, 2, 3]] = -1e4
    options = {"num_prefixes": 2, "exclude_self": False}
    fixed = make_encoder(**MICRO, **options, class_bias=tuple(map(tuple, closed.tolist())))
    params, apply = filled(fixed, images), jax.jit(fixed.apply)
    out, other = apply(params, images), apply(params, 255 - images)
    np.testing.assert_allclose(out.prefix[:, 0], other.prefix[:, 0], atol=1e-6)
    assert bool((jnp.abs(out.prefix[:, 1] - other.prefix[:, 1]) > 1e-3).any())

    learned = make_encoder(**MICRO, **options, class_bias="learned")
    start = jax.eval_shape(learned.init, jax.random.key(0), images)["params"]["class_bias"]
    assert start.value.shape == (2, 4, 4) and start.names == ("heads", None, None)
    with pytest.raises(BadUsage, match="24 x 24"):
        make_encoder(**MICRO, class_bias=((0.0,),))


def test_dropped_patches_do_not_exist(micro):
    """Protects patch dropping (X059): what is kept sees no other, as if the rest were masked; what
    is dropped gives zeros. Without dropping, nothing changes."""
    _, apply, params, images = micro
    kept = jnp.array([[0, 2, 3], [1, 2, 5]])
    mask = jax.nn.one_hot(kept, 6, dtype=bool).any(1)
    out, masked = apply(params, images, None, None, kept), apply(params, images, mask)
    for row in range(2):
        rows = np.asarray(kept[row])
        np.testing.assert_allclose(out.tokens[row, rows], masked.tokens[row, rows], atol=1e-5)
        np.testing.assert_allclose(out.taps[:, row, rows], masked.taps[:, row, rows], atol=1e-5)
    assert bool((out.tokens[~mask] == 0).all()) and bool((out.taps[:, ~mask] == 0).all())
    np.testing.assert_allclose(out.cls, masked.cls, atol=1e-5)
    drawn = draw_patches(jax.random.key(0), mask.at[0, 0].set(False), 3)
    assert drawn[1].tolist() == [1, 2, 5] and {2, 3} < set(drawn[0].tolist())


def test_attention_warm_up_ends_in_the_plain_encoder(micro):
    """Protects X062: a strength of 0 changes nothing, more does."""
    _, apply, params, images = micro
    plain = apply(params, images)
    early, late = (apply(params, images, locality=jnp.float32(s)) for s in (0.25, 0))
    np.testing.assert_allclose(late.tokens, plain.tokens, atol=1e-5)
    assert bool((jnp.abs(early.tokens - plain.tokens) > 1e-3).any())


def test_further_tokens_run_beside_the_patches(micro):
    """Protects early fusion: masked ones change nothing, real ones do, and come out at the end."""
    _, apply, params, images = micro
    others = jnp.asarray(np.random.default_rng(0).normal(size=(2, 3, 16)), jnp.float32)
    none = jnp.zeros((2, 3), bool)
    run = functools.partial(apply, params, images, None, None, None, others)
    plain, masked, real = apply(params, images), run(none), run(~none)
    np.testing.assert_allclose(masked.tokens, plain.tokens, atol=1e-5)
    np.testing.assert_allclose(masked.taps, plain.taps, atol=1e-5)
    assert real.others.shape == (2, 3, 16) and plain.others is None
    assert bool((jnp.abs(real.tokens - plain.tokens) > 1e-4).any())


@pytest.mark.parametrize("kind", ["own", "shared"])
def test_relative_positions_bias_every_layer(kind, filled):
    """Protects R012: one table for all layers, or one for each; each layer's moves the taps from
    itself on."""
    images = _images(MICRO, batch=1)
    options = {"relative_positions": kind, "positions": "none", "num_prefixes": 0}
    model = make_encoder(**MICRO, **options, temperature=False, exclude_self=False)
    params = filled(model, images)["params"]
    assert "positions" not in params
    own = params["groups"]["layers"].get("own_bias", {"table": None})["table"]
    table = params["relative_positions"]["table"] if kind == "shared" else own
    assert table.shape == ((18, 2) if kind == "shared" else (4, 1, 18, 2))
    apply = jax.jit(model.apply)
    out = apply({"params": params}, images)
    if kind == "shared":
        changed = params | {"relative_positions": {"table": 2 * table}}
    else:
        layers = params["groups"]["layers"] | {"own_bias": {"table": table.at[2].mul(2)}}
        changed = params | {"groups": {"layers": layers}}
    other = apply({"params": changed}, images)
    differs = (jnp.abs(out.taps - other.taps).max((1, 2, 3)) > 0).tolist()
    assert differs == ([True] * 4 if kind == "shared" else [False, False, True, True])
    with pytest.raises(ValueError, match="whole grids"):
        apply({"params": params}, images, kept=jnp.zeros((1, 2), jnp.int32))


def test_a_vector_for_each_place(filled):
    """Protects the positions of a plain ViT: of CLS, too, and read for another grid."""
    images = _images(MICRO, batch=1)
    model = make_encoder(**MICRO, positions="table", num_prefixes=0, embed_norm=True)
    params = filled(model, images)["params"]
    table = params["positions"]["table"]
    assert table.shape == (7, 16)
    apply = jax.jit(model.apply)
    out = apply({"params": params}, images)
    moved = params | {"positions": {"table": table.at[0, :8].add(1.0)}}
    assert bool((jnp.abs(apply({"params": moved}, images).cls - out.cls) > 1e-3).any())
    special = params | {
        "special": params["special"] + table[:1],
        "positions": {"table": table.at[0].set(0)},
    }
    np.testing.assert_allclose(apply({"params": special}, images).cls, out.cls, atol=1e-5)
    larger = _images({"image_height": 32, "image_width": 40}, batch=1)
    assert bool(jnp.isfinite(apply({"params": params}, larger).tokens).all())


def test_drop_path_and_depth_run_in_the_scan_over_groups(filled):
    """Protects R012 in the encoder: layers are numbered over all groups, gradients reach all."""
    images = _images(MICRO, batch=8)
    options = {"drop_path": 0.9, "depth_init": True, "init_std": 0.02, "layer_scale": 0.1}
    model = make_encoder(**MICRO, **options, patch_embed="linear")
    start = jax.jit(model.init)(jax.random.key(0), images)
    out = nn.meta.unbox(start)["params"]["groups"]["layers"]["attention"]["out"]["kernel"]
    spread = np.asarray(out).reshape(4, -1).std(-1)
    np.testing.assert_allclose(spread * np.sqrt([2, 4, 6, 8]), 0.0176, rtol=0.25)
    params = filled(model, images)

    @jax.jit
    def taps(key):
        return model.apply(params, images, rngs={"dropout": key}).taps

    found = taps(jax.random.key(1))
    # The first layer leaves nothing out: two keys agree. The last one does.
    other = taps(jax.random.key(2))
    same = (found == other).all((2, 3)).mean(-1)
    assert float(same[0]) == 1 and float(same[3]) < 1


def test_what_is_handed_out_has_a_name(micro):
    """Protects R016: all tokens, those of patches, or CLS; nothing else is computed for it."""
    _, apply, params, images = micro
    out = apply(params, images)
    every = out.take("all_tokens")
    assert every.shape == (2, 1 + 22 + 6, 16)
    np.testing.assert_array_equal(every[:, 0], out.take("cls"))
    np.testing.assert_array_equal(every[:, 23:], out.take("patch_tokens"))
    np.testing.assert_array_equal(every[:, 1:23], out.prefix)
    with pytest.raises(BadUsage, match="choose one of all_tokens, patch_tokens, cls"):
        out.take("logits")
    # The last tap of CLS, normed, is CLS.
    last = np.asarray(out.cls_taps[3])
    normed = (last - last.mean(-1, keepdims=True)) / np.sqrt(last.var(-1, keepdims=True) + 1e-6)
    norm = params["params"]["norm"]
    np.testing.assert_allclose(out.cls, normed * norm["scale"] + norm["bias"], atol=1e-4)
