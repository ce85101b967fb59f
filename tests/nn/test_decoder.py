"""The cached decoder against teacher forcing, and the shape of its cache."""

import functools
import re
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from tests.nn.conftest import make_config
from xojl_jax.errors import BadUsage
from xojl_jax.nn.attention import Mask
from xojl_jax.nn.config import DecoderConfig
from xojl_jax.nn.decoder import CAUSAL, Decoder, DecoderBlock, grow_cache, reorder_cache
from xojl_jax.nn.layers import LayerNorm

SMALL = {"width": 32, "layers": 3, "heads": 4, "max_length": 12, "mlp_ratio": 2, "remat": "full"}


def shapes(arrays):
    return [array.shape for array in arrays]


def make_decoder(**fields):
    return Decoder(make_config(DecoderConfig, **fields))


@functools.cache
def setting(memories=4):
    """A small decoder, parameters and inputs: (decoder, params, x, memory, memory_mask)."""
    decoder = make_decoder(**SMALL)
    noise = np.random.default_rng(0)
    x = jnp.asarray(noise.normal(size=(4, 12, 32)), jnp.float32)
    memory = jnp.asarray(noise.normal(size=(memories, 7, 32)), jnp.float32)
    mask = jnp.arange(7) < jnp.array([7, 3, 1, 5])[:memories, None]
    shapes = nn.meta.unbox(jax.eval_shape(decoder.init, jax.random.key(0), x, memory, mask))

    # all random: the zeros and ones of fresh biases and scales would hide a part that is missing
    def fill(path, shape):
        center = 1.0 if path[-1].key == "scale" else 0.0
        return jnp.asarray(noise.normal(center, 0.2, shape.shape), shape.dtype)

    return decoder, jax.tree.map_with_path(fill, shapes), x, memory, mask


@functools.partial(jax.jit, static_argnums=0)
def run_forced(decoder, params, x, memory, mask, dropout_key=None, self_mask=CAUSAL):
    rngs = None if dropout_key is None else {"dropout": dropout_key}
    return decoder.apply(params, x, memory, mask, self_mask, rngs=rngs)


@functools.partial(jax.jit, static_argnums=0)
def run_cached(decoder, params, x, memory, mask, self_mask=CAUSAL):
    """Hidden states [R, L, D] from one step a position, in one scan, and the cache at the end."""
    cache = decoder.apply(params, memory, mask, len(x), method="start_cache")

    def step(cache, inputs):
        position, token = inputs
        hidden, cache = decoder.apply(params, token, cache, position, self_mask, method="step")
        return cache, hidden

    positions = jnp.arange(x.shape[1], dtype=jnp.int32)
    cache, hidden = jax.lax.scan(step, cache, (positions, x.swapaxes(0, 1)))
    return hidden.swapaxes(0, 1), cache


@pytest.mark.parametrize("memories", [4, 2, 1])
def test_cached_steps_equal_teacher_forcing(memories):
    """All positions, padding in the memory, one, two and four rows to a memory."""
    decoder, params, x, memory, mask = setting(memories=memories)
    forced = run_forced(decoder, params, x, memory, mask)
    cached, _ = run_cached(decoder, params, x, memory, mask)
    assert forced.shape == x.shape
    np.testing.assert_allclose(cached, forced, atol=1e-5)


def test_steps_and_whole_sequences_read_the_same_mask():
    """Whatever mask is given, as long as it looks back: segments, a window, an order of time."""
    decoder, params, x, memory, memory_mask = setting()
    segments = jnp.asarray(np.random.default_rng(0).integers(0, 2, (4, 12)), jnp.int32)
    order = jnp.arange(12, dtype=jnp.int32)[None]
    sparse = Mask(causal=True, window=2, top_k=2)
    for mask in (Mask(segments=segments, causal=True, window=5), Mask(order=order), sparse):
        forced = run_forced(decoder, params, x, memory, memory_mask, self_mask=mask)
        cached, _ = run_cached(decoder, params, x, memory, memory_mask, self_mask=mask)
        np.testing.assert_allclose(cached, forced, atol=1e-5)
        causal = run_forced(decoder, params, x, memory, memory_mask)
        same = np.allclose(forced, causal, atol=1e-5)
        assert same == (mask.order is not None), "an order of positions is the causal rule"


def test_rows_that_share_a_memory_equal_rows_with_their_own():
    """Sharing is only a matter of memory."""
    decoder, params, x, memory, mask = setting(memories=2)
    shared = run_forced(decoder, params, x, memory, mask)
    own = run_forced(decoder, params, x, jnp.repeat(memory, 2, axis=0), jnp.repeat(mask, 2, axis=0))
    np.testing.assert_allclose(shared, own, atol=1e-5)


def test_no_position_sees_a_later_one():
    """Another token at position 5 changes nothing before it, and something from there on."""
    decoder, params, x, memory, mask = setting()
    one, other = (
        run_forced(decoder, params, y, memory, mask) for y in (x, x.at[:, 5, 0].add(jnp.float32(1)))
    )
    np.testing.assert_array_equal(one[:, :5], other[:, :5])
    assert (jnp.abs(one - other)[:, 5:].max(-1) > 1e-4).all()


def test_padding_in_the_memory_is_not_seen():
    """What is in the memory's padding does not matter, in either way of running; the rest does."""
    decoder, params, x, memory, mask = setting()
    junk = jnp.where(mask[..., None], memory, 1e4)
    other = jnp.where(mask[..., None], memory + 1, memory)
    for run in (run_forced, lambda *inputs: run_cached(*inputs)[0]):
        hidden = run(decoder, params, x, memory, mask)
        np.testing.assert_allclose(run(decoder, params, x, junk, mask), hidden, atol=1e-6)
        assert jnp.abs(run(decoder, params, x, other, mask) - hidden).max() > 1e-3


def test_without_memory_both_ways_agree():
    """A row whose memory is all padding is still decoded, the same way, without NaN."""
    decoder, params, x, memory, mask = setting()
    nothing = jnp.zeros_like(mask)
    forced = run_forced(decoder, params, x, memory, nothing)
    cached, _ = run_cached(decoder, params, x, memory, nothing)
    assert jnp.isfinite(forced).all()
    np.testing.assert_allclose(cached, forced, atol=1e-5)


def test_a_row_does_not_depend_on_the_others():
    """What is in the other rows changes no bit of a row, and a batch of one equals the same row in
    a batch of four.

    A batch of one is another program. In jaxlib 0.10 it gives the same bits, too; 0.12 chooses by
    shape how it tiles fusions and products, and so in which order it sums: up to 2e-6 here. Hence
    two programs are compared as everywhere in this file, to 1e-5, and one program bit for bit.
    """
    decoder, params, x, memory, mask = setting()
    many, _ = run_cached(decoder, params, x, memory, mask)
    for row in range(4):
        mine = jnp.arange(4)[:, None, None] == row
        others = (jnp.where(mine, x, jnp.nan), jnp.where(mine, memory, jnp.nan))
        spoiled, _ = run_cached(decoder, params, *others, mask)
        np.testing.assert_array_equal(spoiled[row], many[row])
        here = slice(row, row + 1)
        one, _ = run_cached(decoder, params, x[here], memory[here], mask[here])
        np.testing.assert_allclose(one[0], many[row], atol=1e-5)


def test_bfloat16_runs_and_stays_close():
    """Compute, cache and answer are bfloat16, parameters float32; the two ways agree as far as
    bfloat16 can.
    """
    _, params, x, memory, mask = setting()
    decoder = make_decoder(**SMALL, dtype="bfloat16")
    exact = run_forced(setting()[0], params, x, memory, mask)
    forced = run_forced(decoder, params, x, memory, mask)
    cached, cache = run_cached(decoder, params, x, memory, mask)
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {jnp.dtype("float32")}
    for array in (forced, cached, *cache.keys, *cache.memory_keys):
        assert array.dtype == jnp.bfloat16
    for hidden in (forced, cached):
        assert jnp.abs(hidden.astype(jnp.float32) - exact).mean() < 0.03


def test_the_cache_is_allocated_once():
    """Shapes are fixed from the start; after position p, only p + 1 positions are written."""
    decoder, params, x, memory, mask = setting(memories=2)
    _, cache = run_cached(decoder, params, x[:, :5], memory, mask)
    assert shapes(cache.keys) == shapes(cache.values) == [(4, 4, 12, 8)] * 3
    assert shapes(cache.memory_keys) == shapes(cache.memory_values) == [(2, 4, 7, 8)] * 3
    written = jnp.abs(jnp.stack(cache.keys)).max((0, 1, 2, 4)) > 0
    assert written.tolist() == [True] * 5 + [False] * 7


def test_reordered_rows_go_on_as_their_origin():
    """After a reorder, row r continues as row index[r] would have."""
    decoder, params, x, memory, mask = setting(memories=2)
    _, cache = run_cached(decoder, params, x[:, :5], memory, mask)
    index = jnp.array([1, 1, 2, 2])
    step = jax.jit(functools.partial(decoder.apply, params, method="step"))
    token = jnp.broadcast_to(x[:1, 5], (4, 32))
    still, _ = step(token, cache, jnp.int32(5))
    moved, _ = step(token, reorder_cache(cache, index), jnp.int32(5))
    np.testing.assert_allclose(moved, still[index], atol=1e-6)
    assert jnp.abs(moved - still).max() > 1e-3
    assert shapes(reorder_cache(cache, jnp.repeat(jnp.arange(4), 3)).keys) == [(12, 4, 12, 8)] * 3


def test_a_cache_may_grow_between_steps():
    """A small cache, made larger before it is full, gives what a large one does."""
    decoder, params, x, memory, mask = setting(memories=2)
    wanted, _ = run_cached(decoder, params, x, memory, mask)
    step = jax.jit(functools.partial(decoder.apply, params, method="step"))
    cache = decoder.apply(params, memory, mask, 4, 4, method="start_cache")
    for position in range(12):
        if position in (4, 8):
            cache = grow_cache(cache, position + 4)
        hidden, cache = step(x[:, position], cache, jnp.int32(position))
        assert shapes(cache.keys) == [(4, 4, position // 4 * 4 + 4, 8)] * 3
        np.testing.assert_allclose(hidden, wanted[:, position], atol=1e-5)


def test_steps_choose_the_blocks_that_whole_sequences_choose():
    """Protects X098 in decoding: the means of blocks are kept through growth and reordering."""
    _, params, x, memory, mask = setting(memories=2)
    decoder = make_decoder(**SMALL, window=2, top_k=2, key_block=2)
    x = jnp.stack([x[0], x[0], x[2], x[3]])  # two rows that the reordering below changes nothing of
    wanted = run_forced(decoder, params, x, memory, mask, self_mask=None)
    assert jnp.abs(wanted - run_forced(decoder, params, x, memory, mask)).max() > 1e-3
    step = jax.jit(functools.partial(decoder.apply, params, method="step"))
    cache = decoder.apply(params, memory, mask, 4, 4, method="start_cache")
    assert shapes(cache.means) == [(4, 4, 2, 8)] * 3
    for position in range(12):
        if position == 4:
            cache = reorder_cache(grow_cache(cache, 12), jnp.array([1, 0, 2, 3]))
        hidden, cache = step(x[:, position], cache, jnp.int32(position))
        np.testing.assert_allclose(hidden, wanted[:, position], atol=1e-5)


def test_a_loop_of_steps_copies_no_memory():
    """Protects decoding's bandwidth: inside the loop nothing copies a layer's keys of the memory,
    and nothing cuts a layer's parameters out of the stacked ones."""
    decoder = make_decoder(width=32, layers=3, heads=4, max_length=16)
    x, memory = jnp.zeros((4, 1, 32)), jnp.zeros((2, 75, 32))
    params = nn.meta.unbox(jax.eval_shape(decoder.init, jax.random.key(0), x, memory))

    def decode(params, x, memory):
        cache = decoder.apply(params, memory, rows=4, method="start_cache")

        def step(position, state):
            return decoder.apply(params, *state, position, method="step")

        return jax.lax.fori_loop(jnp.int32(0), jnp.int32(16), step, (x, cache))[0]

    text = jax.jit(decode).lower(params, x[:, 0], memory).compile().as_text()
    (body,) = re.findall(r"body=%?([\w.\-]+)", text)
    inside = text.split(f"%{body} (")[1].split("\n}")[0]
    assert "get-tuple-element" in inside
    # [B, H, M, K] in whatever order, and the stacked kernels.
    made = re.findall(r"= f32\[([\d,]+)\]\S* ([\w\-]+)\(", inside)
    copied = [
        (dims, operation)
        for dims, operation in made
        if sorted(dims.split(",")) == sorted(["2", "75", "4", "8"]) or dims.startswith("3,32,")
        if operation not in ("get-tuple-element", "bitcast", "parameter")
    ]
    assert not copied


def test_every_parameter_is_stacked_and_named():
    """Layers are scanned: block parameters lead with `layers`, and every array has logical
    names.
    """
    decoder = make_decoder(**SMALL)
    shapes = jax.eval_shape(
        decoder.init, jax.random.key(0), jnp.zeros((2, 12, 32)), jnp.zeros((2, 7, 32))
    )
    specs = nn.get_partition_spec(shapes)["params"]
    blocks = jax.tree.leaves(specs["blocks"], is_leaf=lambda leaf: isinstance(leaf, tuple))
    assert blocks and all(spec[0] == "layers" for spec in blocks)
    query = specs["blocks"]["self_attention"]["query"]["kernel"]
    assert tuple(query) == ("layers", "embed", "heads", "head_dim")
    assert tuple(specs["positions"]) == (None, "embed")


@pytest.mark.slow
def test_fresh_layers_differ():
    """The scan splits the random stream: no two layers start alike, and kernels have unit gain."""
    decoder = make_decoder(width=16, layers=3, heads=2, max_length=4)
    x = jnp.zeros((1, 4, 16))
    params = nn.meta.unbox(jax.jit(decoder.init)(jax.random.key(0), x, x))["params"]
    kernel = params["blocks"]["mlp"]["up"]["kernel"]
    assert kernel.shape == (3, 16, 64)
    assert jnp.abs(kernel[0] - kernel[1]).max() > 0.1
    np.testing.assert_allclose(kernel.std(axis=(1, 2)), 0.25, atol=0.03)


def test_remat_saves_memory():
    """What the forward pass keeps for the backward pass is little more than each layer's input."""
    x = jax.ShapeDtypeStruct((2, 256, 64), "float32")

    def kept(remat):
        decoder = make_decoder(width=64, layers=4, heads=4, max_length=256, remat=remat)
        params = nn.meta.unbox(jax.eval_shape(decoder.init, jax.random.key(0), x, x))
        _, pull = jax.eval_shape(lambda *inputs: jax.vjp(decoder.apply, *inputs), params, x, x)
        return sum(leaf.size for leaf in jax.tree.leaves(pull) if leaf.shape[:1] == (4,))

    layers = 4 * x.size
    assert kept("full") - kept("none") < -5 * layers


def test_dropout_acts_only_with_its_stream():
    """Training passes a `dropout` stream; without it the decoder is deterministic."""
    _, params, x, memory, mask = setting()
    decoder = make_decoder(**SMALL, dropout=0.5)
    without = run_forced(decoder, params, x, memory, mask)
    np.testing.assert_array_equal(without, run_forced(decoder, params, x, memory, mask))
    dropped = run_forced(decoder, params, x, memory, mask, jax.random.key(1))
    assert jnp.abs(dropped - without).max() > 0.1


def test_a_loop_of_steps_does_not_copy_its_cache():
    """The cache is written in place: the loop's temporary memory is a fraction of it."""
    decoder = make_decoder(width=64, layers=6, heads=4, max_length=1024)
    x, memory = jnp.zeros((4, 1, 64)), jnp.zeros((4, 8, 64))
    params = nn.meta.unbox(jax.eval_shape(decoder.init, jax.random.key(0), x, memory))
    start = functools.partial(decoder.apply, method="start_cache")
    cache = jax.eval_shape(start, params, memory)

    def decode(params, x, cache):
        def step(position, state):
            return decoder.apply(params, *state, position, method="step")

        return jax.lax.fori_loop(jnp.int32(0), jnp.int32(1024), step, (x, cache))

    compiled = jax.jit(decode, donate_argnums=2).lower(params, x[:, 0], cache).compile()
    whole = sum(keys.size * 4 for keys in cache.keys)
    assert compiled.memory_analysis().temp_size_in_bytes < 0.5 * whole


def test_base_has_the_shapes_it_promises():
    """Full size, by shapes only: 6 layers, 12 heads of 64, 2,048 positions, 57 M parameters."""
    decoder = make_decoder(width=768, layers=6, heads=12, max_length=2048, dtype="bfloat16")
    x = jax.ShapeDtypeStruct((2, 2048, 768), "bfloat16")
    memory = jax.ShapeDtypeStruct((1, 1924, 768), "bfloat16")
    params = nn.meta.unbox(jax.eval_shape(decoder.init, jax.random.key(0), x, memory))
    start = functools.partial(decoder.apply, rows=2, method="start_cache")
    cache = jax.eval_shape(start, params, memory)
    assert shapes(cache.keys) == [(2, 12, 2048, 64)] * 6
    assert shapes(cache.memory_keys) == [(1, 12, 1924, 64)] * 6
    assert jax.eval_shape(decoder.apply, params, x, memory).shape == (2, 2048, 768)
    assert 55e6 < sum(leaf.size for leaf in jax.tree.leaves(params)) < 60e6


def test_wrong_sizes_are_told():
    """Too many positions, or a width that does not divide into heads, is an error at once."""
    decoder, params, x, memory, mask = setting()
    with pytest.raises(ValueError, match="at most 12"):
        decoder.apply(params, jnp.concatenate([x, x], axis=1), memory, mask)
    with pytest.raises(BadUsage, match=r"width \(32\) must be a multiple of heads \(5\)"):
        make_decoder(**{**SMALL, "heads": 5})


@pytest.fixture(scope="module")
def exits(filled):
    """A decoder with exits that are taken now and then, its parameters and inputs."""
    _, _, x, memory, mask = setting()
    decoder = make_decoder(**SMALL, exit_at=0.5)
    every = types.SimpleNamespace(init=functools.partial(decoder.init, method="every_layer"))
    return decoder, filled(every, x, memory, mask), x, memory, mask


def test_rows_that_are_sure_keep_their_state_and_write_their_keys(exits):
    """Protects X095 and X101: the cached decoder against whole sequences, layer by layer, in which
    a position that is sure goes on as it is, and is read as it is."""
    decoder, params, x, memory, mask = exits
    block = DecoderBlock(decoder.config.block)
    p = params["params"]
    layers = p["blocks"]
    state = x + p["positions"]
    done, share = jnp.zeros(x.shape[:2], bool), []

    @jax.jit
    def advance(i, state, done):
        if_all = block.apply(
            {"params": jax.tree.map(lambda w: w[i], layers)}, state, memory, mask, CAUSAL
        )[0]
        state = jnp.where(done[..., None], state, if_all)
        hidden = LayerNorm().apply({"params": p["norm"]}, state)
        exit_ = jax.tree.map(lambda w: w[jnp.minimum(i, 1)], p["exits"])
        return (
            state,
            hidden,
            done | (jax.nn.sigmoid(hidden @ exit_["kernel"] + exit_["bias"]) > 0.5),
        )

    for i in range(3):
        state, hidden, done = advance(i, state, done)
        share.append(float(done.mean()))
    assert 0 < share[0] < share[1] < 1, "the test needs rows that exit, and rows that do not"
    cached, _ = run_cached(decoder, params, x, memory, mask, None)
    np.testing.assert_allclose(cached, hidden, atol=1e-4)


def test_without_exits_taken_the_depth_is_full(exits):
    """Protects whoever sets the bar too high: no layer is surer than 1, so whole sequences are bit
    for bit those of the decoder without exits, and steps, compiled as branches, within rounding."""
    _, params, x, memory, mask = exits
    never, plain = make_decoder(**SMALL, exit_at=1.0), make_decoder(**SMALL)
    without = {"params": {name: w for name, w in params["params"].items() if name != "exits"}}
    forced = run_forced(never, params, x, memory, mask, self_mask=None)
    wanted = run_forced(plain, without, x, memory, mask, self_mask=None)
    np.testing.assert_array_equal(forced, wanted)
    cached, _ = run_cached(never, params, x, memory, mask, self_mask=None)
    np.testing.assert_allclose(cached, wanted, atol=1e-5)
