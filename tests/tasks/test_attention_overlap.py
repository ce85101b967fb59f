"""Attention maps against boxes, counted by hand, and against the layer that attends."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xojl_jax.tasks.layout import attention_overlap
from xojl_jax.tasks.layout.attention_overlap import MAPS, SHOWN
from xojl_jax.tasks.layout.model import LayoutModel


def test_maps_are_cut_to_most_of_their_weight():
    """Protects X116: the heaviest patches up to 60 %, padding is none, a class that covers nothing
    does not count, and by chance it is the share of patches that are wanted."""
    weights = jnp.array([[[0.5, 0.2, 0.2, 0.1, 0], [0.1, 0.3, 0.3, 0.3, 0], [0.9, 0.1, 0, 0, 0]]])
    wanted = jnp.array([[[1, 0, 0, 1, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0]]], bool)
    patches = jnp.array([[True] * 4 + [False]])
    # Kept are patches 0 and 1 (or 2), and two of 1, 2 and 3, the first ones.
    iou, chance = jax.jit(attention_overlap.overlaps)(weights, wanted, patches)
    np.testing.assert_allclose(iou, [(1 / 3 + 1 / 2) / 2], rtol=1e-6)
    np.testing.assert_allclose(chance, [(1 / 3 + 0.5 / 2.5) / 2], rtol=1e-6)


def test_a_map_that_is_the_boxes_overlaps_fully():
    """Protects the scale: attention spread evenly over the boxes gives 1, and elsewhere 0."""
    wanted = jnp.array([[[1, 1, 0, 0]], [[0, 0, 1, 1]]], bool)
    even = jnp.array([[[0.5, 0.5, 0, 0]]] * 2)
    found = attention_overlap.overlaps(even, wanted, jnp.ones((2, 4), bool))[0]
    np.testing.assert_allclose(found, [1, 0])


def test_where_nothing_is_covered_a_record_does_not_count():
    """Protects the means: no boxes, no figure."""
    rows = [dict.fromkeys(SHOWN, value) for value in (0.25, np.nan, 0.75)]
    found = attention_overlap.scores(rows)
    assert {name: score["value"] for name, score in found.items()} == dict.fromkeys(SHOWN, 0.5)
    assert all(score["records"] == 2 for score in found.values())
    nothing = jnp.zeros((1, 1, 3), bool)
    iou, _ = attention_overlap.overlaps(jnp.ones((1, 1, 3)) / 3, nothing, jnp.ones((1, 3), bool))
    assert np.isnan(iou[0])


@pytest.fixture(scope="module")
def captured(task, params, batch):
    """Queries and keys of the last layer, and what went into its attention."""

    @jax.jit
    def run(params, batch):
        def normed(module, method):
            return module.name == "attention_norm"

        _, state = task.model().apply(
            {"params": params},
            batch,
            method=LayoutModel.features,
            capture_intermediates=normed,
            mutable=["intermediates"],
        )
        layers = state["intermediates"]["trunk"]["vision"]["groups"]["layers"]
        inputs = layers["attention_norm"]["__call__"][0][-1, -1]
        return inputs, *attention_overlap.last_queries_and_keys(task, params, batch)

    return jax.device_get(run(params, batch))


def test_queries_and_keys_are_those_of_the_last_layer(task, params, captured):
    """Protects the maps: the layer's own projections, temperature included, of its own input."""
    x, queries, keys = captured
    layers = params["trunk"]["vision"]["groups"]["layers"]["attention"]
    layer = jax.tree.map(lambda array: np.asarray(array)[-1, -1], layers)

    def project(name):
        return np.einsum("btd,dhk->bthk", x, layer[name]["kernel"]) + layer[name]["bias"]

    heat = np.exp(-layer["log_temperature"])[:, None]
    ahead, patches = 1 + task.model_config.trunk.vision.num_prefixes, task.model_config.num_patches
    np.testing.assert_allclose(queries, project("query")[:, :ahead] * heat, atol=1e-4)
    np.testing.assert_allclose(keys, project("key")[:, ahead : ahead + patches], atol=1e-4)


def test_weights_are_a_mean_over_heads_of_what_real_patches_get(captured):
    """Protects the maps against plain numpy."""
    _, queries, keys = captured
    mask = np.ones(keys.shape[:2], bool)
    mask[:, 5:] = False
    inputs = queries[:, MAPS["class"].tokens], keys, mask
    found = attention_overlap.map_weights(*map(jnp.asarray, inputs))
    scores = np.exp(np.einsum("bqhk,bshk->bhqs", queries[:, 1:], keys[:, :5]))
    wanted = (scores / scores.sum(-1, keepdims=True)).mean(1)
    np.testing.assert_allclose(found[..., :5], wanted, atol=1e-5)
    np.testing.assert_allclose(found[..., 5:], 0, atol=1e-6)
