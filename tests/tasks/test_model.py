"""The layout model: cached decoding, batching, missing inputs, names and sizes."""

import functools
import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from configs import layout
from tests.random_params import random_params
from tests.tasks.conftest import loss_and_gradient, small_config
from xojl_jax.data.transforms import stack
from xojl_jax.engine import sharding
from xojl_jax.tasks.layout import model, sequence_losses
from xojl_jax.tasks.layout.encoded import interleave_views, per_row
from xojl_jax.tasks.layout.grammar_constraint import GrammarCarry
from xojl_jax.tasks.layout.html_cursor import CursorState, advance, cursors_of_targets
from xojl_jax.tasks.layout.inference import LayoutInference
from xojl_jax.tasks.layout.model import LayoutModel
from xojl_jax.tasks.layout.sample_changes import without_html, without_image
from xojl_jax.tasks.layout.task import LayoutTask
from xojl_jax.xojl.vocabulary import PAD


@pytest.fixture(scope="session")
def encoded(task, params, batch):
    encode = jax.jit(functools.partial(task.model().apply, method=LayoutModel.encode))
    return encode({"params": params}, batch)


def both_views(batch, key, *, start=None, stop=None):
    """The arrays of both views as the decoder's rows: semantic, detail, semantic, …"""
    pair = (jnp.asarray(batch[f"{view}_{key}"][:, start:stop]) for view in ("semantic", "detail"))
    return interleave_views(*pair)


def step_by_step(task, params, batch, encoded, tokens, depth, detail):
    """Runs the cache over known tokens: scores float32[R, L, V + T] and the cursor of each step."""
    rows, length = tokens.shape
    html_end = per_row(jnp.asarray(batch["html_end"]), rows)
    prior = jax.tree.map(functools.partial(per_row, rows=rows), encoded.prior)
    apply = functools.partial(task.model().apply, {"params": params})

    def step(carry, position):
        cache, state = carry
        token, here = tokens[:, position], depth[:, position]
        state = advance(
            state,
            token,
            depth=here,
            detail=detail,
            prior=prior,
            html_end=html_end,
            first_pointer=task.vocabulary.size,
        )
        cursor = state.cursor(html_end)
        arguments = (encoded, cache, position, token, cursor, here, detail)
        logits, cache = apply(*arguments, method=LayoutModel.next_logits)
        return (cache, state), (logits, jax.tree.map(lambda x: x[:, 0], cursor))

    cache = apply(encoded, rows, method=LayoutModel.start_cache)
    start = (cache, CursorState.start(rows, task.spec.max_nodes))
    _, stacked = jax.lax.scan(step, start, jnp.arange(length))
    return jax.tree.map(lambda x: x.swapaxes(0, 1), stacked)


def test_cached_decoding_equals_teacher_forcing(task, params, batch, encoded):
    """Protects every answer: step by step gives the scores that whole sequences give, to 1e-5.

    The cursor in the HTML tree is compared, too: in the detail view decoding finds the one that
    training is told. (What the semantic view guesses is up to the node head, so there the whole
    sequence is given the cursors that decoding found.)
    """
    encoded = encoded[0]
    tokens = both_views(batch, "tokens", stop=-1)
    depth = GrammarCarry.from_columns(both_views(batch, "carry")).depth
    detail = jnp.arange(len(tokens)) % 2 == 1
    arguments = (task, params, batch, encoded, tokens, depth, detail)
    stepped, cursor = jax.jit(lambda: step_by_step(*arguments))()

    targets = (tokens[::2], tokens[1::2], jnp.asarray(batch["html_end"]))
    _, known, depths = cursors_of_targets(*targets, task.vocabulary.size)
    known = known.at(depths)
    real = np.asarray(tokens[1::2]) != 0
    np.testing.assert_array_equal(cursor.node[1::2][real], known.node[real])
    np.testing.assert_array_equal(cursor.element[1::2][real], known.element[real])
    ahead = np.arange(task.spec.max_nodes) > np.asarray(known.node)[..., None]
    compared = real[..., None] & ahead
    np.testing.assert_array_equal(cursor.node_depth[1::2][compared], known.node_depth[compared])

    forward = functools.partial(task.model().apply, method=LayoutModel.token_logits)
    whole = jax.jit(forward)({"params": params}, encoded, tokens, cursor, depth, detail)
    real = np.asarray(tokens) != 0
    np.testing.assert_allclose(stepped[real], whole[real], atol=1e-5)


def test_a_batch_of_one_equals_its_row(task, params, batch):
    """Protects predict against evaluate: the other records of a batch change nothing."""
    predict = jax.jit(functools.partial(task.inference().predict, mode="dual"))
    many = predict(params, batch)
    one = predict(params, {name: array[3:4] for name, array in batch.items()})
    np.testing.assert_array_equal(one.tokens, many.tokens[6:8])
    np.testing.assert_allclose(one.score, many.score[6:8], rtol=1e-5)


def unsure_runs(run, params, batch):
    """What `run` gives where all tokens count, where some of the detail view do not, and where
    these alone do; and the share of the some. The semantic view counts everywhere."""
    real = {view: batch[f"{view}_tokens"][:, 1:] != PAD for view in ("semantic", "detail")}
    some = real["detail"] & (np.arange(real["detail"].shape[1]) % 3 > 0)
    found = []
    for detail in (real["detail"], some, real["detail"] & ~some):
        sure = {"semantic_sure": real["semantic"], "detail_sure": detail}
        found.append(run(params, batch | sure, jax.random.key(0)))
    return found, np.float32(some.sum() / real["detail"].sum())


def test_unsure_tokens_are_read_and_not_learned(batch):
    """Protects self-training: a token that does not count is missing from the mean, and nothing
    else changes, so that the means of some tokens and of the others make that of all."""
    config = {"heads": "node,category", "model.html_layers": 1, "model.decoder_layers": 1}
    task = LayoutTask(small_config(**config, **{"data.least_confidence": 0.5}))
    run = jax.jit(functools.partial(task.loss, train=False))
    found, share = unsure_runs(run, random_params(task.init), batch)
    whole, some, others = (metrics for _, metrics in found)
    for name in ("loss/detail", "accuracy/detail"):
        mean = share * some[name] + (1 - share) * others[name]
        np.testing.assert_allclose(mean, whole[name], rtol=1e-5)
    assert some["loss/detail"] != whole["loss/detail"]
    assert some["loss/semantic"] == whole["loss/semantic"]
    real = np.sum(batch["semantic_tokens"][:, 1:] != PAD)
    assert some["tokens"] + others["tokens"] == whole["tokens"] + np.float32(real)


@pytest.mark.slow
def test_gradients_of_unsure_tokens_are_absent(params, batch, gradient):
    """The same of gradients; and where all labels count, losses and gradients are those of a run
    that has no least confidence."""
    run = loss_and_gradient(LayoutTask(small_config(**{"data.least_confidence": 0.5})))
    found, share = unsure_runs(run, params, batch)
    wanted = gradient(params, batch, jax.random.key(0))
    close = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-5)
    jax.tree.map(close, found[0], wanted)
    gradients = (gradients for _, gradients in found[1:])
    mean = jax.tree.map(lambda some, others: share * some + (1 - share) * others, *gradients)
    jax.tree.map(close, mean, wanted[1])


def shorten_chunks(monkeypatch):
    """Chunks of positions that do not fit the length."""
    for module in (model, sequence_losses):
        monkeypatch.setattr(module, "CHUNK", 50)


@pytest.mark.slow
def test_losses_in_chunks_equal_whole_ones(monkeypatch, task, params, batch, gradient):
    """Protects the loop over positions: losses to 1e-6."""
    (expected, wanted), _ = gradient(params, batch, jax.random.key(0))
    shorten_chunks(monkeypatch)
    loss = functools.partial(task.loss, train=True)
    value, metrics = jax.jit(loss)(params, batch, jax.random.key(0))
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    for name, metric in metrics.items():
        np.testing.assert_allclose(metric, wanted[name], rtol=1e-6, err_msg=name)


@pytest.mark.slow
def test_gradients_in_chunks_equal_whole_ones(monkeypatch, task, params, batch, gradient):
    """Protects the loop over positions: gradients to 1e-5, and what the loop is for."""
    _, whole = gradient(params, batch, jax.random.key(0))
    shorten_chunks(monkeypatch)
    lowered = loss_and_gradient(task).lower(params, batch, jax.random.key(0))
    rows, length = 2 * len(batch["html_mask"]), task.spec.max_target - 1
    nodes, scores = task.spec.max_nodes, task.spec.max_nodes + task.vocabulary.size
    # Neither all scores nor the depths of all nodes at all positions.
    for array in (f"{rows}x{length}x{scores}xf32", f"{rows}x{length}x{nodes}xi32"):
        assert array not in lowered.as_text()
    _, grads = lowered.compile()(params, batch, jax.random.key(0))
    for ours, theirs in zip(jax.tree.leaves(grads), jax.tree.leaves(whole), strict=True):
        scale = max(1e-3, float(np.abs(theirs).max()))
        np.testing.assert_allclose(ours, theirs, atol=1e-5 * scale)


@pytest.mark.parametrize("without", [without_html, without_image])
def test_either_modality_may_be_missing(task, params, gradient, without):
    """Protects input with one modality: loss and gradients are finite, every part is there."""
    dataset = task.dataset("val")
    arguments = ({},) if without is without_html else ()
    batch = stack([without(dataset[i], task.spec, *arguments) for i in range(8)])
    (value, metrics), grads = gradient(params, batch, jax.random.key(0))
    assert np.isfinite(value)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(grads))
    assert metrics["tokens"] > 0


def test_the_same_parameters_read_another_resolution(params, batch):
    """X025: a canvas of another size and aspect than the trained one, and the HTML part unmoved."""
    inference = LayoutInference(LayoutTask(small_config()), image_size=(96, 160))
    dataset = inference.dataset("val")
    other = stack([dataset[i] for i in range(8)])
    assert other["image"].shape == (8, 160, 96, 3)
    encode = jax.jit(functools.partial(inference.task.model().apply, method=LayoutModel.encode))
    here, _ = encode({"params": params}, other)
    assert here.memory.shape[1] != batch["html_mask"].shape[1]
    assert np.isfinite(np.asarray(here.memory)).all()
    visual = here.memory_mask[:, other["html_mask"].shape[1] :]
    assert (visual.any(axis=1) == other["image_mask"]).all()


def test_every_parameter_is_trained(params, batch, gradient):
    """Protects against parts that are built and never reached by the loss."""
    _, grads = gradient(params, batch, jax.random.key(0))
    silent = [
        sharding.path_name(path)
        for path, leaf in jax.tree_util.tree_leaves_with_path(grads)
        if not np.any(leaf)
    ]
    # A bias before a softmax over keys shifts all scores alike, and is left without a gradient.
    assert not [name for name in silent if not name.endswith(("key/bias", "pointer_key/bias"))]


@pytest.mark.parametrize("preset", sorted(layout.PRESETS))
@pytest.mark.parametrize("stage", [1, 2, 3, 4])
def test_every_config_builds_with_named_axes(stage, preset):
    """Protects all stages and presets: shapes fit, and every axis name is in the mesh's table."""
    task = LayoutTask(importlib.import_module(f"configs.stage{stage}").get_config(preset))
    boxed = jax.eval_shape(task.init, jax.random.key(0))
    names = {name for spec in jax.tree.leaves(nn.get_partition_spec(boxed)) for name in spec}
    assert names - {None} <= dict(sharding.RULES).keys()
    for path, leaf in jax.tree_util.tree_leaves_with_path(boxed, is_leaf=_is_box):
        assert _is_box(leaf), f"{sharding.path_name(path)} has no axis names"


def _is_box(leaf) -> bool:
    return isinstance(leaf, nn.meta.AxisMetadata)


def test_base_has_the_published_sizes():
    """Protects X041, X042 and X078: ViT-B/16 on 3,600 patches, a decoder of 6 x 768."""
    task = LayoutTask(importlib.import_module("configs.stage4").get_config())
    params = nn.meta.unbox(jax.eval_shape(task.init, jax.random.key(0)))
    layers = params["trunk"]["vision"]["groups"]
    assert sum(leaf.size for leaf in jax.tree.leaves(layers)) == pytest.approx(85e6, rel=0.01)
    assert task.spec.num_patches == 3600
    decoder = params["trunk"]["decoder"]
    assert decoder["positions"].shape == (2048, 768)
    assert decoder["blocks"]["mlp"]["up"]["kernel"].shape == (6, 768, 3072)


def test_at_the_start_every_embedding_of_a_node_has_a_like_spread(task, params, batch):
    """Tag, content, classes and box are added up: a tenfold weaker one is not learned for long."""
    name = "html_encoder"  # of all that initializes the model, only its part is compiled
    fresh = jax.jit(lambda: nn.meta.unbox(task.init(jax.random.key(0)))[name])()
    read = functools.partial(
        task.model().apply, method=LayoutModel.encode_html, capture_intermediates=True
    )
    names = ("tag", "content", "classes", "boxes")

    @jax.jit
    def added(params, batch):
        _, state = read({"params": params}, batch)
        parts = state["intermediates"]["html_encoder"]
        return {name: parts[name]["__call__"][0] for name in names}

    parts = added(params | {name: fresh}, batch)
    shown = batch["html_mask"] & batch["html_box_input_mask"]

    def spread(name):
        vectors = np.asarray(parts[name])[shown]
        return np.sqrt(np.square(vectors - vectors.mean(0)).mean())

    spreads = {name: spread(name) for name in names}
    assert max(spreads.values()) < 5 * min(spreads.values()), spreads
