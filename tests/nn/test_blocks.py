"""Blocks: projections by named axes, norms, attention as a module, the scanned stack."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax.extend.core import jaxprs_in_params

from xojl_jax.errors import BadUsage
from xojl_jax.nn import scan
from xojl_jax.nn.attention import Mask, attend_dense
from xojl_jax.nn.blocks import Attention, Depth, EncoderBlock, depths
from xojl_jax.nn.config import BlockConfig
from xojl_jax.nn.layers import Dropout, DropPath, EinsumDense, LayerNorm
from xojl_jax.nn.scan import Stack

BLOCK = BlockConfig(width=16, heads=2, mlp_ratio=2)


def _normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def test_einsum_dense_maps_groups_of_axes():
    """[.., D] -> [.., H, K] and back, each a plain sum of products; the names follow the shape."""
    x = _normal(2, 5, 6)
    into = EinsumDense((3, 4), ("embed", "heads", "head_dim"))
    y, params = into.init_with_output(jax.random.key(0), x)
    kernel = nn.meta.unbox(params)["params"]["kernel"]
    np.testing.assert_allclose(y, jnp.einsum("btd,dhk->bthk", x, kernel), atol=1e-5)
    assert tuple(nn.get_partition_spec(params)["params"]["bias"]) == ("heads", "head_dim")
    out = EinsumDense((6,), ("heads", "head_dim", "embed"))
    z, params = out.init_with_output(jax.random.key(0), y)
    kernel = nn.meta.unbox(params)["params"]["kernel"]
    np.testing.assert_allclose(z, jnp.einsum("bthk,hkd->btd", y, kernel), atol=1e-5)
    # Fan-in of a kernel with two input axes is their product: variances stay where they are.
    assert float(kernel.var()) == pytest.approx(1 / 12, rel=0.4)


def test_the_norm_is_in_float32_whatever_the_dtype():
    """A large common offset does not wash out the statistics of a bfloat16 stream."""
    x = (_normal(4, 64) + 8).astype(jnp.bfloat16)
    exact = np.asarray(x, np.float64)
    layer, _ = LayerNorm(dtype=jnp.bfloat16).init_with_output(jax.random.key(0), x)
    wanted = (exact - exact.mean(-1, keepdims=True)) / exact.std(-1, keepdims=True)
    assert layer.dtype == jnp.bfloat16
    np.testing.assert_allclose(np.asarray(layer, np.float64), wanted, atol=0.02)


def test_dropout_follows_the_random_stream():
    """With a `dropout` stream it drops and rescales; without one it is the identity."""
    x = jnp.ones((1000,))
    dropped = Dropout(0.25).apply({}, x, rngs={"dropout": jax.random.key(0)})
    np.testing.assert_allclose(np.unique(dropped), [0, 4 / 3], rtol=1e-6)
    assert float(dropped.mean()) == pytest.approx(1, abs=0.1)
    assert (Dropout(0.25).apply({}, x) == x).all()


def test_learned_temperature_starts_as_the_usual_scale(filled):
    """At the start, locality self-attention without its mask is plain attention; then it learns."""
    x = _normal(2, 9, 16)
    plain = Attention(heads=2, head_dim=8, width=16)
    learned = Attention(heads=2, head_dim=8, width=16, temperature=True)
    start = jax.jit(learned.init)(jax.random.key(0), x)
    shared = filled(plain, x)["params"]
    temperature = nn.meta.unbox(start)["params"]["log_temperature"]
    params = {"params": {**shared, "log_temperature": temperature}}
    wanted = jax.jit(plain.apply)({"params": shared}, x)
    np.testing.assert_allclose(jax.jit(learned.apply)(params, x), wanted, atol=1e-5)
    gradient = jax.jit(jax.grad(lambda p: jnp.square(learned.apply(p, x)).sum()))(params)
    assert bool((jnp.abs(gradient["params"]["log_temperature"]) > 0).all())


def test_attention_in_pieces_is_attention_as_a_whole(filled):
    """What a cached decoder calls piece by piece is the module itself; memory may be another."""
    x, memory, mask = _normal(2, 5, 16), _normal(2, 7, 16, seed=1), Mask()
    module = Attention(heads=4, head_dim=4, width=16)
    params = filled(module, x, mask, memory)
    whole = jax.jit(module.apply)(params, x, mask, memory)

    def pieces(module):
        k, v = module.project_memory(memory)
        q = module.project_query(x)
        return module.project_out(attend_dense(q, k, v, mask, scale=1.0))

    parts = jax.jit(functools.partial(module.apply, method=pieces))(params)
    np.testing.assert_allclose(parts, whole, atol=1e-5)


def _stack(layers=3, **options):
    block = functools.partial(EncoderBlock, BLOCK, temperature=True)
    return Stack(block, layers, **options)


def test_stack_is_its_layers_one_after_the_other(filled):
    """The scan over stacked parameters equals a loop over their slices."""
    x, mask = _normal(2, 9, 16), Mask(exclude_self=True)
    params = jax.jit(_stack().init)(jax.random.key(0), x, mask)
    kernels = nn.meta.unbox(params)["params"]["layers"]["attention"]["query"]["kernel"]
    assert not np.allclose(kernels[0], kernels[1]), "each layer starts from numbers of its own"
    params = filled(_stack(), x, mask)
    layers = params["params"]["layers"]
    block = EncoderBlock(BLOCK, temperature=True)
    apply, y = jax.jit(block.apply), x
    for i in range(3):
        y = apply({"params": jax.tree.map(lambda leaf, i=i: leaf[i], layers)}, y, mask)
    out = jax.jit(_stack().apply)(params, x, mask)
    np.testing.assert_allclose(out, y, atol=1e-5)


def _count(jaxpr, name):
    inner = (jaxprs_in_params(equation.params) for equation in jaxpr.eqns)
    below = sum(_count(j, name) for jaxprs in inner for j in jaxprs)
    return below + sum(equation.primitive.name == name for equation in jaxpr.eqns)


def test_saved_attention_is_not_computed_again():
    """Under remat "attention" the backward pass has no second online softmax; "full" has one."""
    x = jax.ShapeDtypeStruct((1, 32, 16), jnp.float32)

    def softmaxes(remat):
        model = _stack(remat=remat)
        params = nn.meta.unbox(jax.eval_shape(model.init, jax.random.key(0), x))
        gradient = jax.grad(lambda p, x: model.apply(p, x).sum())
        return _count(jax.make_jaxpr(gradient)(params, x).jaxpr, "reduce_max")

    assert softmaxes("full") == 2 * softmaxes("attention") > 0
    assert set(scan.REMAT) == {"full", "attention", "dots", "none"}


def test_sharded_equals_unsharded(filled, cpu_mesh):
    """Batch, heads and hidden width split over 2 x 2 x 2 devices: same loss, same gradients."""
    x, mask = _normal(4, 24, 16), Mask(exclude_self=True, key_mask=jnp.ones((4, 24), bool))
    model = _stack()
    boxed = jax.eval_shape(model.init, jax.random.key(0), x, mask)
    params = filled(model, x, mask)

    def loss(params, x):
        return jnp.square(model.apply(params, x, mask)).mean()

    wanted = jax.jit(jax.value_and_grad(loss))(params, x)
    mesh, rules = cpu_mesh
    with jax.set_mesh(mesh), nn.logical_axis_rules(rules):
        shardings = nn.logical_to_mesh_sharding(nn.get_partition_spec(boxed), mesh, rules)
        split = jax.device_put(params, shardings)
        query = split["params"]["layers"]["attention"]["query"]["kernel"]
        assert query.addressable_shards[0].data.shape == (3, 8, 1, 8)
        got = jax.jit(jax.value_and_grad(loss))(split, x)
    jax.tree.map(functools.partial(np.testing.assert_allclose, atol=2e-5), got, wanted)


def test_a_stack_keeps_no_mask_as_large_as_its_scores():
    """Protects memory: a mask is the same in every layer, so JAX would hoist it out of the loop, as
    one array of the size of all scores, were it not tied to the queries."""
    block = BlockConfig(width=16, heads=4, mlp_ratio=2, attention_block=256)
    stack = Stack(functools.partial(EncoderBlock, block), 2)

    def temporary(length: int) -> int:
        x, mask = jnp.zeros((1, length, 16)), Mask(jnp.ones((1, length), bool), exclude_self=True)
        params = jax.eval_shape(lambda: nn.meta.unbox(stack.init(jax.random.key(0), x, mask)))
        gradient = jax.grad(lambda params: stack.apply(params, x, mask).sum())
        return jax.jit(gradient).lower(params).compile().memory_analysis().temp_size_in_bytes

    # Blocks of 2,048 x 256 scores at both lengths: four heads' masks would be 4 and 16 MiB a turn.
    assert temporary(8192) < 2.2 * temporary(4096)


def _depth(number, layers=4):
    return Depth(jnp.asarray(number, jnp.float32), layers)


def test_later_layers_leave_more_branches_out(filled):
    """Protects R012: stochastic depth drops branches of whole samples, none in the first layer and
    `drop_path` in the last, and keeps the mean."""
    block, x = EncoderBlock(dataclasses.replace(BLOCK, drop_path=0.5)), _normal(400, 1, 16)
    params = filled(block, x[:1], None, None, None, _depth(1))

    @jax.jit
    def run(key, number):
        return block.apply(params, x, depth=_depth(number), rngs={"dropout": key})

    key = jax.random.key(0)
    still = jax.jit(lambda: block.apply(params, x, depth=_depth(4)))()
    np.testing.assert_allclose(run(key, 1), still, atol=1e-6)
    for number, kept in ((2, 5 / 6), (4, 1 / 2)):
        same = np.asarray(run(key, number) == x).all((1, 2)).mean()
        assert float(same) == pytest.approx((1 - kept) ** 2, abs=0.06)
    with pytest.raises(ValueError, match="by the depth"):
        block.apply(params, x)
    y = jnp.ones((4000, 3))
    dropped = DropPath().apply({}, y, 0.25, rngs={"dropout": key})
    np.testing.assert_allclose(np.unique(dropped), [0, 4 / 3], rtol=1e-6)
    assert bool((dropped == dropped[:, :1]).all())
    assert float(dropped.mean()) == pytest.approx(1, abs=0.05)


def test_layer_scale_weighs_each_branch(filled):
    """Protects R012: with scales of 0 the block is the identity; they start where they are told."""
    block, x = EncoderBlock(dataclasses.replace(BLOCK, layer_scale=0.1)), _normal(2, 5, 16)
    start = nn.meta.unbox(jax.jit(block.init)(jax.random.key(0), x))["params"]
    for name in ("attention_scale", "feed_forward_scale"):
        np.testing.assert_allclose(start[name], np.full(16, 0.1, np.float32))
    params = filled(block, x)["params"]
    zeros = {name: jnp.zeros(16) for name in ("attention_scale", "feed_forward_scale")}
    ones = jax.tree.map(jnp.ones_like, zeros)
    apply = jax.jit(block.apply)
    np.testing.assert_array_equal(apply({"params": params | zeros}, x), x)
    plain = {name: leaf for name, leaf in params.items() if name not in zeros}
    wanted = jax.jit(EncoderBlock(BLOCK).apply)({"params": plain}, x)
    np.testing.assert_allclose(apply({"params": params | ones}, x), wanted, atol=1e-5)


def test_deeper_layers_start_with_smaller_outputs():
    """Protects R011, R012: within a scan, layer l's two last kernels have a deviation of
    0.02 / sqrt(2 l), the others of 0.02; keys have no bias."""
    config = dataclasses.replace(
        BLOCK, width=64, depth_init=True, init_std=0.02, key_bias=False, remat="none"
    )
    stack, x = Stack(functools.partial(EncoderBlock, config), 4), _normal(1, 3, 64)

    def init(key):
        return stack.init(key, x, None, None, None, each=depths(4))

    layers = nn.meta.unbox(jax.jit(init)(jax.random.key(0)))["params"]["layers"]
    assert "bias" not in layers["attention"]["key"] and "bias" in layers["attention"]["query"]
    cut = 0.88  # of a normal distribution that is cut at two deviations
    for kernel in (layers["attention"]["out"], layers["feed_forward"]["down"]):
        spread = np.asarray(kernel["kernel"]).reshape(4, -1).std(-1)
        np.testing.assert_allclose(spread, cut * 0.02 / np.sqrt(2 * np.arange(1, 5)), rtol=0.05)
    for kernel in (layers["attention"]["query"], layers["feed_forward"]["up"]):
        spread = np.asarray(kernel["kernel"]).reshape(4, -1).std(-1)
        np.testing.assert_allclose(spread, np.full(4, cut * 0.02), rtol=0.05)


def test_activation_and_epsilon_are_read(filled):
    """Protects what published encoders differ in: another name or number, another result."""
    x = 0.01 * _normal(1, 3, 16)
    params = filled(EncoderBlock(BLOCK), x)
    plain = jax.jit(EncoderBlock(BLOCK).apply)(params, x)
    for change in ({"activation": "quick_gelu"}, {"norm_epsilon": 1e-3}):
        other = jax.jit(EncoderBlock(dataclasses.replace(BLOCK, **change)).apply)(params, x)
        assert float(jnp.abs(other - plain).max()) > 1e-3, change
    with pytest.raises(BadUsage, match="choose one of silu, gelu"):
        dataclasses.replace(BLOCK, activation="x")
