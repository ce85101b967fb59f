"""Heads on HTML nodes and on patterns against plain numpy: boxes, merging, detectors."""

import types

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from xojl_jax.nn.config import BlockConfig
from xojl_jax.tasks.layout.box_head import Boxes, BoxHead, box_loss
from xojl_jax.tasks.layout.encoded import Features
from xojl_jax.tasks.layout.merge_head import MergeHead, merge_loss
from xojl_jax.tasks.layout.pattern_heads import PATTERNS, PatternDetector, pattern_loss
from xojl_jax.tasks.layout.sample_spec import MERGED
from xojl_jax.tasks.layout.structure_head import (
    DEPTHS,
    Structure,
    StructureHead,
    structure_loss,
    structure_targets,
)
from xojl_jax.xojl.tree import ELEMENTS

RNG = np.random.default_rng(0)
CONFIG = types.SimpleNamespace(block=BlockConfig(width=16, heads=2), grid=(2, 3))
PARENT = np.array([[-1, 0, 1, 1]], np.int32)
FEATURES = Features(
    tokens=None,
    tokens_mask=None,
    html=RNG.normal(size=(1, 4, 16)).astype(np.float32),
    html_mask=np.array([[True, True, True, False]]),
    html_parent=PARENT,
    patches=RNG.normal(size=(1, 6, 16)).astype(np.float32),
    patch_mask=np.array([[True, True, True, True, True, False]]),
)
FEATURES = jax.tree.map(jnp.asarray, FEATURES)


class Shared(nn.Module):
    """A head in the module of the whole model, where its parameters are."""

    head: nn.Module

    @nn.compact
    def __call__(self, features):
        nn.share_scope(self, self.head)
        return self.head(features)


def run(head, features=FEATURES):
    model = Shared(head)
    predicted, variables = jax.jit(model.init_with_output)(jax.random.key(0), features)
    return predicted, jax.tree.map(np.asarray, nn.meta.unbox(variables["params"])), model


def dense(params, x):
    return x @ params["kernel"] + params["bias"]


def test_a_pair_is_classified_by_both_of_its_nodes():
    """Protects X090: parent and child, 2 D -> D -> 3."""
    logits, params, _ = run(MergeHead(CONFIG))
    html = np.asarray(FEATURES.html[0])
    pair = np.concatenate([html[PARENT[0].clip(0)], html], -1)
    wanted = dense(params["merge_out"], np.maximum(dense(params["merge_hidden"], pair), 0))
    np.testing.assert_allclose(logits[0], wanted, atol=1e-4)


def test_what_a_merge_is():
    """Protects the targets: roots and unlabeled nodes are none; a chain of merges is complex."""
    batch = {
        "node_element": jnp.array([[0, MERGED, MERGED, 3, -1, 3]]),
        "html_parent": jnp.array([[-1, 0, 1, 2, 0, 4]]),
        "html_mask": jnp.ones((1, 6), bool),
    }
    right = jax.nn.one_hot(jnp.array([[0, 1, 2, 0, 0, 0]]), 3) * 50
    loss, metrics = merge_loss(right, batch, CONFIG)
    assert loss == 0 and metrics["accuracy/merge"] == 1
    # Nodes 0, 4 and 5 do not count: whatever is said of them changes nothing.
    assert merge_loss(right.at[:, jnp.array([0, 4, 5])].set(-right[:, :1]), batch, CONFIG)[0] == 0


def test_boxes_are_learned_where_none_was_read():
    """Protects X085 and X086: x, y, width, height and paint order, by their squared error."""
    corners = np.array([[[0, 0, 1, 1], [0.2, 0.1, 0.6, 0.4], [0, 0, 1, 1]]], np.float32)
    batch = {
        "html_boxes": corners,
        "html_z": np.array([[0, 0.5, 1]], np.float32),
        "html_mask": np.array([[True, True, False]]),
        "html_box_mask": np.array([[True, True, True]]),
        "html_box_input_mask": np.array([[True, False, False]]),
    }
    guess, refined = RNG.random((2, 1, 3, 5)).astype(np.float32)
    target = np.array([0.2, 0.1, 0.4, 0.3, 0.5])
    wanted = sum(np.mean((x[0, 1] - target) ** 2) for x in (guess, refined)) / 2
    batch = jax.tree.map(jnp.asarray, batch)
    loss, _ = box_loss(Boxes(jnp.asarray(guess), jnp.asarray(refined)), batch, CONFIG)
    np.testing.assert_allclose(loss, wanted, rtol=1e-5)


def test_guessed_boxes_refine_one_another():
    """Protects the attention over boxes: another node's features move a box; padding does not."""
    boxes, params, model = run(BoxHead(CONFIG))
    assert params["box_hidden"]["kernel"].shape == (4, 4)
    assert params["box_embed"]["kernel"].shape == (4, 16)
    apply = jax.jit(lambda html: model.apply({"params": params}, FEATURES._replace(html=html)))
    other = apply(FEATURES.html.at[0, 0, :8].add(1.0))
    np.testing.assert_array_equal(other.guess[0, 1:], boxes.guess[0, 1:])
    assert np.abs(other.refined[0, 1:3] - boxes.refined[0, 1:3]).max() > 1e-4
    padding = apply(FEATURES.html.at[0, 3, :8].add(1.0))
    np.testing.assert_array_equal(padding.refined[0, :3], boxes.refined[0, :3])


def test_a_detector_reads_real_patches_and_nodes_alone():
    """Protects X087 to X089 and X099: padding changes nothing, one detector serves all three
    patterns with one set of layers, and each pattern has its own column of the labels."""
    logits, params, model = run(PatternDetector(CONFIG, PATTERNS, "advanced"))
    assert logits.shape == (1, 3)
    assert params["advanced_conv_1"]["kernel"].shape == (3, 3, 16, 64)
    assert params["advanced_lstm_2"]["state"].shape == (128, 512)
    padded = FEATURES._replace(
        html=FEATURES.html.at[0, 3].add(5.0),
        patches=FEATURES.patches.at[0, 5].add(5.0),
    )
    apply = jax.jit(lambda features: model.apply({"params": params}, features))
    np.testing.assert_array_equal(apply(padded), logits)
    blind = apply(FEATURES._replace(patch_mask=jnp.zeros((1, 6), bool)))
    assert np.isfinite(blind).all() and np.abs(blind - logits).max() > 1e-4

    elements = np.zeros((1, 30), np.float32)
    elements[0, ELEMENTS.index("accordion")] = 1
    batch = {"elements": jnp.asarray(elements), "label_mask": jnp.array([True])}
    nats = np.log1p(np.exp(logits)) - np.array([0, 1, 0]) * np.asarray(logits)
    loss, _ = pattern_loss(logits, batch, CONFIG, patterns=PATTERNS)
    np.testing.assert_allclose(loss, nats.mean(), rtol=1e-5)


# In depth-first order: 0 ( 1 ( 2 ) 3 ( 4 ) ) 5; node 1 is merged, node 3 not labeled.
LABELS = jnp.array([[0, MERGED, 5, -1, 5, 7, MERGED]])
ENDS = jnp.array([[5, 3, 3, 5, 5, 6, 7]])


def test_depth_and_parent_are_those_of_the_layout():
    """Protects the structure surrogate (X111): merged nodes are no level, and below what is not
    labeled nothing is known."""
    depth, parent = structure_targets(LABELS, ENDS)
    assert depth[0].tolist() == [0, -1, 1, -1, -1, 0, -1]
    assert parent[0].tolist() == [7, -1, 0, -1, -1, 7, -1]


def test_the_structure_loss_is_of_both():
    """Protects the mean over layout nodes, and that only nodes before a node are its parents."""
    depth = RNG.normal(size=(1, 7, DEPTHS)).astype(np.float32)
    parent = RNG.normal(size=(1, 7, 8)).astype(np.float32)
    batch = {"node_element": LABELS, "html_end": ENDS, "html_mask": jnp.ones((1, 7), bool)}
    loss, _ = structure_loss(Structure(jnp.asarray(depth), jnp.asarray(parent)), batch, CONFIG)

    def nats(logits, targets):
        total = np.log(np.exp(logits).sum(-1))
        return np.mean([total[0, i] - logits[0, i, target] for i, target in targets.items()])

    wanted = nats(depth, {0: 0, 2: 1, 5: 0}) + nats(parent, {0: 7, 2: 0, 5: 7})
    np.testing.assert_allclose(loss, wanted, rtol=1e-5)
    found, params, _ = run(StructureHead(CONFIG))
    html = np.asarray(FEATURES.html[0])
    child, above = (dense(params[f"structure_{name}"], html) for name in ("child", "parent"))
    np.testing.assert_allclose(found.parent[0, 3, :3], (child @ above.T / 4)[3, :3], atol=1e-4)
    assert (np.asarray(found.parent[0])[np.triu_indices(4)] < -1e8).all()
