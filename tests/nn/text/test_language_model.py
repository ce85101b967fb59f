"""The language model: its parts against their definitions. Parity is in tests/pretrained."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from tests.random_params import random_params
from xojl_jax.errors import BadUsage
from xojl_jax.nn.attention import Mask, attend_dense
from xojl_jax.nn.text import low_rank
from xojl_jax.nn.text.config import LanguageConfig, LoraConfig, RotaryConfig
from xojl_jax.nn.text.language_model import LanguageModel
from xojl_jax.nn.text.rms_norm import RmsNorm
from xojl_jax.nn.text.rotary import frequencies, rotate, rotations
from xojl_jax.nn.text.shifted import attend_shifted

TINY = LanguageConfig(
    vocabulary=29, width=16, layers=2, heads=4, kv_heads=2, head_dim=6, hidden=24, shift_group=4
)
LORA = LoraConfig(rank=2, alpha=4.0, targets=("query", "value", "down"))


def tokens(rows=2, length=10, seed=0):
    return jnp.asarray(np.random.default_rng(seed).integers(0, 29, (rows, length)), jnp.int32)


@functools.cache
def model_params(config):
    init = functools.partial(LanguageModel(config).init, method=LanguageModel.logits)
    return random_params(lambda key: init(key, tokens()))["params"]


@functools.cache
def logits_of(config, sparse=False):
    model = LanguageModel(config, sparse)

    @jax.jit
    def apply(params, ids, mask=None):
        return model.apply({"params": params}, ids, mask, method=LanguageModel.logits)

    return apply


def test_rms_norm_is_its_definition():
    """Protects both forms of the norm: the scale itself, and 1 + scale (Gemma)."""
    x = np.random.default_rng(0).normal(size=(3, 8))
    scale = np.random.default_rng(1).normal(size=8)
    for offset in (0.0, 1.0):
        layer = RmsNorm(epsilon=1e-5, offset=offset)
        got = layer.apply({"params": {"scale": jnp.asarray(scale, jnp.float32)}}, jnp.float32(x))
        wanted = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * (offset + scale)
        np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_rotation_depends_on_the_distance_alone():
    """Protects rotary positions: scores are the same wherever the two tokens are moved to."""
    random = np.random.default_rng(0)
    q, k = (jnp.asarray(random.normal(size=(1, 1, 1, 8)), jnp.float32) for _ in range(2))

    def score(at, other):
        def turn(x, position):
            return rotate(x, *rotations(RotaryConfig(), 8, jnp.asarray([[position]])))

        return float((turn(q, at) * turn(k, other)).sum())

    assert score(7, 3) == pytest.approx(score(104, 100), abs=1e-4)
    assert abs(score(7, 3) - score(7, 4)) > 1e-3


def test_llama3_scaling_keeps_short_waves_and_stretches_long_ones():
    """Protects the three ranges of wavelengths of Llama 3.1."""
    plain = frequencies(RotaryConfig(500_000.0), 64)
    scaled = frequencies(RotaryConfig(500_000.0, "llama3", 8.0, 1.0, 4.0, 8192), 64)
    waves = 2 * np.pi / plain
    np.testing.assert_allclose(scaled[waves < 8192 / 4], plain[waves < 8192 / 4])
    np.testing.assert_allclose(scaled[waves > 8192], plain[waves > 8192] / 8)
    assert (np.diff(scaled) < 0).all()
    np.testing.assert_allclose(frequencies(RotaryConfig(kind="linear", factor=4.0), 8) * 4,
                               frequencies(RotaryConfig(), 8))  # fmt: skip


def test_a_causal_model_sees_no_later_token_and_a_bidirectional_one_does():
    """Protects the switch: one field, the same parameters."""
    ids = tokens()
    changed = ids.at[:, 7].set((ids[:, 7] + 1) % 29)
    params = model_params(TINY)
    both = dataclasses.replace(TINY, bidirectional=True)
    for config, seen in ((TINY, False), (both, True)):
        before, after = (logits_of(config)(params, x) for x in (ids, changed))
        assert bool(jnp.abs(before - after)[:, :7].max() > 1e-4) == seen
        assert float(jnp.abs(before - after)[:, 7:].max()) > 1e-4


def test_padding_on_either_side_changes_nothing():
    """Protects batches of unequal texts, and the reference library's padding on the left."""
    ids, params = tokens(1, 7), model_params(TINY)
    config = dataclasses.replace(TINY, bidirectional=True)
    alone = logits_of(config)(params, ids)
    for before, after in ((3, 0), (0, 3)):
        padded = jnp.pad(ids, ((0, 0), (before, after)), constant_values=5)
        mask = jnp.pad(jnp.ones_like(ids, bool), ((0, 0), (before, after)))
        got = logits_of(config)(params, padded, mask)[:, before : before + 7]
        np.testing.assert_allclose(got, alone, atol=2e-4)


def test_a_window_counts_the_position_itself():
    """Protects Mistral's window: of 3, a position sees itself and two before it."""
    config = dataclasses.replace(TINY, layers=1, window=3)
    ids, params = tokens(), model_params(dataclasses.replace(TINY, layers=1))
    changed = ids.at[:, 2].set((ids[:, 2] + 1) % 29)
    apart = jnp.abs(logits_of(config)(params, ids) - logits_of(config)(params, changed)).max((0, 2))
    assert (apart[jnp.array([2, 3, 4])] > 1e-4).all()
    assert (apart[jnp.array([0, 1, 5, 6, 7, 8, 9])] < 1e-4).all()


@pytest.mark.parametrize("length", [12, 10, 3])
@pytest.mark.parametrize("causal", [False, True])
def test_shifted_attention_is_two_dense_ones_within_groups(length, causal):
    """Protects S2-attention: the oracle attends densely where groups are equal, for each half of
    the heads; whole groups or not, padding or not."""
    random = np.random.default_rng(length)
    q, k, v = (jnp.asarray(random.normal(size=(2, length, 5, 4)), jnp.float32) for _ in range(3))
    key_mask = jnp.asarray(random.random((2, length)) < 0.8).at[:, 0].set(True)
    at = jnp.arange(length)[None]

    def dense(part, shift):
        mask = Mask(key_mask=key_mask, segments=(at + shift) // 4, causal=causal)
        return attend_dense(q[:, :, part], k[:, :, part], v[:, :, part], mask)

    def both():
        return jnp.concatenate([dense(slice(0, 3), 0), dense(slice(3, 5), 2)], axis=2)

    wanted = jax.jit(both)()
    mask = Mask(key_mask=key_mask, causal=causal)
    got = jax.jit(functools.partial(attend_shifted, group=4))(q, k, v, mask)
    np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_a_sparse_model_has_the_parameters_of_a_dense_one():
    """Protects training sparse and running dense: the same parameters, equal where all is one
    group, different where it is not."""
    config = dataclasses.replace(TINY, bidirectional=True)
    params, ids = model_params(TINY), tokens()
    dense, sparse = logits_of(config)(params, ids), logits_of(config, True)(params, ids)
    assert float(jnp.abs(dense - sparse).max()) > 1e-3
    # A text within one group of either half.
    short = tokens(2, 2)
    np.testing.assert_allclose(
        logits_of(config)(params, short), logits_of(config, True)(params, short), atol=1e-4
    )


def test_merged_adapters_equal_unmerged_ones():
    """Protects saving: LoRA merged into the kernels computes what LoRA beside them does."""
    config = dataclasses.replace(TINY, lora=LORA)
    params, ids = model_params(config), tokens()
    names = set(params["blocks"]["layers"]["attention"])
    assert names == {"query", "query_lora", "key", "value", "value_lora", "out"}
    merged = low_rank.merge(params, LORA)
    assert jax.tree.structure(merged) == jax.tree.structure(model_params(TINY))
    beside = logits_of(config)(params, ids)
    np.testing.assert_allclose(logits_of(TINY)(merged, ids), beside, atol=2e-4)
    on_host = low_rank.merge(jax.tree.map(np.asarray, params), LORA)
    np.testing.assert_allclose(logits_of(TINY)(on_host, ids), beside, atol=2e-4)
    without, _ = low_rank.split(params, lambda path: "_lora" not in path)
    assert float(jnp.abs(logits_of(TINY)(without, ids) - beside).max()) > 1e-2


def test_adapters_start_as_nothing():
    """Protects the start of training: the frozen model's own numbers."""
    config = dataclasses.replace(TINY, lora=LORA)
    init = functools.partial(LanguageModel(config).init, method=LanguageModel.logits)
    params = nn.meta.unbox(jax.jit(init)(jax.random.key(0), tokens()))["params"]
    without, _ = low_rank.split(params, lambda path: "_lora" not in path)
    np.testing.assert_allclose(
        logits_of(config)(params, tokens()), logits_of(TINY)(without, tokens()), atol=1e-5
    )
    spread = params["blocks"]["layers"]["attention"]["query_lora"]["down"].std()
    assert float(spread) == pytest.approx(1 / np.sqrt(16 * 3), rel=0.2)


def test_what_is_trained_beside_adapters():
    """Protects LongLoRA's choice: adapters always, embeddings and norms where they are asked for;
    the two trees are the whole and have nothing in common."""
    params = model_params(dataclasses.replace(TINY, lora=LORA))
    for extra in (False, True):
        lora = dataclasses.replace(LORA, train_embeddings=extra, train_norms=extra)
        trained, frozen = low_rank.split(params, lambda p: low_rank.is_trained(p, lora))  # noqa: B023
        paths = {jax.tree_util.keystr(p, simple=True, separator="/")
                 for p, _ in jax.tree_util.tree_leaves_with_path(trained)}  # fmt: skip
        others = {path for path in paths if "_lora" not in path}
        assert len(paths) - len(others) == 6
        assert others == (
            {"embed/embedding", "head/kernel", "norm/scale", "blocks/layers/attention_norm/scale",
             "blocks/layers/feed_forward_norm/scale"} if extra else set()
        )  # fmt: skip
        assert jax.tree.structure(low_rank.join(trained, frozen)) == jax.tree.structure(params)


def test_sharded_over_a_mesh_it_computes_the_same(cpu_mesh):
    """Protects the names of axes: heads, feed-forward and vocabulary split over devices."""
    mesh, rules = cpu_mesh
    config = dataclasses.replace(TINY, lora=LORA, bidirectional=True)
    params, ids = model_params(config), tokens(8)
    wanted = logits_of(config)(params, ids)
    model = LanguageModel(config)
    with jax.set_mesh(mesh), nn.logical_axis_rules(rules):
        init = functools.partial(model.init, method=LanguageModel.logits)
        boxed = jax.eval_shape(init, jax.random.key(0), ids)["params"]
        specs = nn.logical_to_mesh(nn.get_partition_spec(boxed), rules)
        query = specs["blocks"]["layers"]["attention"]["query"]["kernel"]
        assert tuple(query) == (None, "fsdp", "tensor", None)
        placed = jax.tree.map(
            lambda x, spec: jax.device_put(x, jax.sharding.NamedSharding(mesh, spec)), params, specs
        )
        apply = functools.partial(model.apply, method=LanguageModel.logits)
        got = jax.jit(apply)({"params": placed}, ids)
    np.testing.assert_allclose(got, wanted, atol=2e-4)


def test_full_size_needs_no_memory_to_describe():
    """Protects the published sizes: Llama 2 7B has the parameters that its authors count."""
    config = LanguageConfig(32000, 4096, 32, 32, 32, 128, 11008, dtype="bfloat16")
    init = functools.partial(LanguageModel(config).init, method=LanguageModel.logits)
    shapes = jax.eval_shape(init, jax.random.key(0), tokens())
    assert sum(x.size for x in jax.tree.leaves(nn.meta.unbox(shapes))) == 6_738_415_616


@pytest.mark.parametrize(
    "wrong", [{"kv_heads": 3}, {"head_dim": 5}, {"activation": "swish2"}, {"lora": 0}]
)
def test_sizes_that_do_not_fit_are_refused(wrong):
    """Protects the user from an error in the middle of a trace."""
    with pytest.raises(BadUsage):
        if "lora" in wrong:
            LoraConfig(rank=2, alpha=1, targets=("queries",))
        dataclasses.replace(TINY, **wrong)
