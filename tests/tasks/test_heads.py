"""The heads' losses against plain numpy, and what each head declares against what it is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.conftest import small_config
from xojl_jax.tasks.layout import task as task_module
from xojl_jax.tasks.layout.box_head import Boxes
from xojl_jax.tasks.layout.heads import (
    HEADS,
    LEAVES,
    attention_loss,
    category_loss,
    node_loss,
    patch_loss,
    region_loss,
)
from xojl_jax.tasks.layout.pattern_heads import PATTERNS
from xojl_jax.tasks.layout.sample_spec import UNSURE
from xojl_jax.tasks.layout.structure_head import Structure
from xojl_jax.tasks.layout.task import LayoutTask
from xojl_jax.xojl.tree import ELEMENTS

RNG = np.random.default_rng(0)
LEAF, CONTAINER = LEAVES[0], next(i for i in range(len(ELEMENTS)) if i not in LEAVES)


class Grid:
    """All that these losses read of a `ModelConfig`."""

    grid = (2, 2)


@pytest.fixture
def batch():
    """Two samples of three nodes on a grid of two by two patches; the second has no screenshot.

    Node 0 is a container over everything, node 1 a leaf on the left, node 2 has no box.
    """
    boxes = np.array([[0, 0, 1, 1], [0, 0, 0.5, 1], [0, 0, 1, 1]], np.float32)
    arrays = {
        "html_boxes": np.stack([boxes, boxes]),
        "html_box_mask": np.array([[True, True, False]] * 2),
        "html_mask": np.array([[True, True, True], [True, True, False]]),
        "html_box_input_mask": np.array([[False, True, False]] * 2),
        "html_z": np.array([[0, 0.5, 0]] * 2, np.float32),
        "html_end": np.array([[3, 3, 3]] * 2, np.int32),
        "html_parent": np.array([[-1, 0, 1]] * 2, np.int32),
        "node_element": np.array([[CONTAINER, LEAF, LEAF], [CONTAINER, LEAF, -1]], np.int32),
        "image_mask": np.array([True, False]),
        "patch_mask": np.array([[True, True, True, False]] * 2),
        "category": np.array([3, -1], np.int32),
    }
    return jax.tree.map(jnp.asarray, arrays)


def bce(logits, targets):
    return np.log1p(np.exp(logits)) - targets * logits


def cross_entropy(logits, label):
    return np.log(np.exp(logits).sum()) - logits[label]


def test_category_loss_is_of_the_known_ones(batch):
    """Protects records without a category."""
    logits = RNG.normal(size=(2, 5)).astype(np.float32)
    loss, metrics = category_loss(jnp.asarray(logits), batch, Grid)
    np.testing.assert_allclose(loss, cross_entropy(logits[0], 3), rtol=1e-5)
    assert metrics["accuracy/category"] == float(logits[0].argmax() == 3)


def test_node_loss_leaves_out_padding_and_unlabeled_nodes(batch):
    """Protects the mean: five real, labeled nodes of six, each with the same weight."""
    logits = RNG.normal(size=(2, 3, 23)).astype(np.float32)
    labels = batch["node_element"]
    real = [(b, t) for b in range(2) for t in range(3) if labels[b, t] >= 0]
    nats = [cross_entropy(logits[b, t], labels[b, t]) for b, t in real]
    loss, _ = node_loss(jnp.asarray(logits), batch, Grid)
    np.testing.assert_allclose(loss, np.mean(nats), rtol=1e-5)


def test_patch_loss_names_the_elements_over_each_patch(batch):
    """Protects X048, and that neither padding nor a missing screenshot is learned from."""
    logits = RNG.normal(size=(2, 4, 30)).astype(np.float32)
    targets = np.zeros((4, 30))
    targets[:, CONTAINER] = 1
    targets[[0, 2], LEAF] = 1  # the left column; node 2 is a leaf, too, but nobody knows where
    loss, _ = patch_loss(jnp.asarray(logits), batch, Grid)
    np.testing.assert_allclose(loss, bce(logits[0], targets)[:3].mean(), rtol=1e-5)


@pytest.mark.parametrize("loss_of", [patch_loss, attention_loss])
def test_patches_below_an_unsure_node_are_not_learned(batch, loss_of):
    """Protects self-training: a patch that an unsure node covers is neither of its element nor of
    none; the others count as before."""
    logits = RNG.normal(size=(2, 4, 30) if loss_of is patch_loss else (2, 4)).astype(np.float32)
    right = jnp.array([[[0.5, 0, 1, 1], [0, 0, 0.5, 1], [0.5, 0, 1, 1]]] * 2)
    node_element = jnp.array([[CONTAINER, UNSURE, LEAF], [CONTAINER, LEAF, -1]])
    known = jnp.ones((2, 3), bool)
    batch |= {"html_boxes": right, "html_box_mask": known, "node_element": node_element}
    without, _ = loss_of(jnp.asarray(logits), batch, Grid)
    loss, _ = loss_of(jnp.asarray(logits), batch | {"detail_sure": known}, Grid)
    targets = np.zeros((4, 30))
    targets[[1, 3], CONTAINER] = targets[[1, 3], LEAF] = 1
    if loss_of is attention_loss:
        targets = targets[:, LEAF]
    nats = bce(logits[0], targets)
    np.testing.assert_allclose(loss, nats[1].mean(), rtol=1e-5)  # patch 3 is padding
    np.testing.assert_allclose(without, nats[:3].mean(), rtol=1e-5)


def test_attention_loss_is_against_the_union_of_the_leaves(batch):
    """Protects X069."""
    logits = RNG.normal(size=(2, 4)).astype(np.float32)
    loss, _ = attention_loss(jnp.asarray(logits), batch, Grid)
    wanted = bce(logits[0], np.array([1, 0, 1, 0]))[:3].mean()
    np.testing.assert_allclose(loss, wanted, rtol=1e-5)


def test_region_loss_compares_nodes_with_the_mean_of_their_patches(batch):
    """Protects X068: only nodes that are labeled, have a box, and a screenshot under it."""
    html = RNG.normal(size=(2, 3, 6)).astype(np.float32)
    patches = RNG.normal(size=(2, 4, 6)).astype(np.float32)
    regions = np.stack([patches[0].mean(0), patches[0, [0, 2]].mean(0)])
    unit = [x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (html[0, :2], regions)]
    score = unit[0] @ unit[1].T / 0.07
    both = [cross_entropy(score[i], i) + cross_entropy(score[:, i], i) for i in range(2)]
    loss, _ = region_loss((jnp.asarray(html), jnp.asarray(patches)), batch, Grid)
    np.testing.assert_allclose(loss, np.mean(both) / 2, rtol=1e-4)


@pytest.mark.parametrize("name", sorted(HEADS))
def test_without_labels_a_loss_is_zero(batch, name):
    """Protects batches without labels: no part is NaN, and none moves."""
    batch = batch | {
        "node_element": jnp.full((2, 3), -1, jnp.int32),
        "category": jnp.array([-1, -1], jnp.int32),
        "elements": jnp.zeros((2, 30)),
        "label_mask": jnp.array([False, False]),
    }
    shapes = {
        "element": (2, 30),
        "category": (2, 5),
        "node": (2, 3, 23),
        "aux": (2, 4, 30),
        "spatial": (2, 4),
        "merge": (2, 3, 3),
        "bag": (2, 4, 30),
        "advanced": (2, 3),
        **dict.fromkeys(PATTERNS, (2, 1)),
    }
    prediction = jnp.ones(shapes[name]) if name in shapes else None
    if name == "boxes":  # boxes are labels, too
        prediction = Boxes(jnp.ones((2, 3, 5)), jnp.ones((2, 3, 5)))
        batch["html_box_mask"] = jnp.zeros((2, 3), bool)
    if name == "structure":
        prediction = Structure(jnp.ones((2, 3, 16)), jnp.ones((2, 3, 4)))
    if name == "prefix":
        prediction = (jnp.ones((2, 22, 6)), jnp.ones((2, 4, 6)))
    if name == "html_prefix":
        prediction = (jnp.ones((2, 22, 6)), jnp.ones((2, 3, 6)))
    if name == "contrastive":
        prediction = (jnp.ones((2, 3, 6)), jnp.ones((2, 4, 6)))
    assert HEADS[name].loss(prediction, batch, Grid)[0] == 0


def test_every_weight_is_read(monkeypatch):
    """Protects `config.loss`: a part counts by the weight of its name, and by no other."""
    config = small_config()
    names = list(config.loss)
    parts = {name: jnp.float32(index + 2) for index, name in enumerate(names)}
    monkeypatch.setattr(task_module, "stage_losses", lambda *args, **options: (parts, {}))
    for name in names:
        config.loss.update({other: float(other == name) for other in names})
        total, metrics = LayoutTask(config).loss({}, {}, jax.random.key(0), train=False)
        assert total == parts[name] == metrics[f"loss/{name}"]


def test_parameters_have_the_group_of_their_encoder_or_head():
    """Protects learning rates and freezing: the groups are those of `config.optim`."""
    group = LayoutTask(small_config()).param_group
    assert group("trunk/vision/special") == group("patch_head/norm/scale") == "vision"
    assert group("html_encoder/stack/layers/relations") == "html"
    for path in ("trunk/decoder/positions", "node_head/norm/scale", "patch_region/kernel"):
        assert group(path) == "rest"


def test_a_prefix_is_compared_with_the_patches_of_its_class(batch):
    """Protects X053 and X106: prefix i against class i, among the classes that are seen."""
    prefixes = RNG.normal(size=(2, 22, 6)).astype(np.float32)
    patches = RNG.normal(size=(2, 4, 6)).astype(np.float32)
    seen = sorted((CONTAINER, LEAF))
    regions = {CONTAINER: patches[0, :3].mean(0), LEAF: patches[0, [0, 2]].mean(0)}
    pair = (prefixes[0, seen], np.stack([regions[element] for element in seen]))
    unit = [x / np.linalg.norm(x, axis=-1, keepdims=True) for x in pair]
    score = unit[0] @ unit[1].T / 0.07
    both = [cross_entropy(score[i], i) + cross_entropy(score[:, i], i) for i in range(2)]
    loss, _ = HEADS["prefix"].loss((jnp.asarray(prefixes), jnp.asarray(patches)), batch, Grid)
    np.testing.assert_allclose(loss, np.mean(both) / 2, rtol=1e-4)


def test_a_prefix_is_compared_with_the_nodes_of_its_class(batch):
    """Protects X104: prefix i against the mean of the real nodes of class i, among the classes that
    a section has."""
    prefixes = RNG.normal(size=(2, 22, 6)).astype(np.float32)
    nodes = RNG.normal(size=(2, 4, 6)).astype(np.float32)
    given = {
        "node_element": jnp.array([[3, 5, 3, 3], [7, -1, 22, 22]]),
        "html_mask": jnp.array([[True, True, True, False], [False, True, True, True]]),
    }
    means = np.stack([nodes[0, [0, 2]].mean(0), nodes[0, 1]])
    unit = [x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (prefixes[0, [3, 5]], means)]
    score = unit[0] @ unit[1].T / 0.07
    both = [cross_entropy(score[i], i) + cross_entropy(score[:, i], i) for i in range(2)]
    pair = (jnp.asarray(prefixes), jnp.asarray(nodes))
    loss, _ = HEADS["html_prefix"].loss(pair, given, Grid)
    np.testing.assert_allclose(loss, np.mean(both) / 2, rtol=1e-4)


def test_a_section_without_boxes_is_a_bag_of_patches(batch):
    """Protects multiple-instance targets: a soft maximum over the real patches against the label,
    and nothing where a node has a box."""
    logits = RNG.normal(size=(2, 4, 30)).astype(np.float32)
    elements = RNG.integers(0, 2, (2, 30)).astype(np.float32)
    batch |= {"elements": jnp.asarray(elements), "label_mask": jnp.array([True, True])}
    assert HEADS["bag"].loss(jnp.asarray(logits), batch, Grid)[0] == 0
    batch["html_box_mask"] = jnp.zeros((2, 3), bool)
    pooled = np.log(np.exp(logits[0, :3]).mean(0))
    loss, _ = HEADS["bag"].loss(jnp.asarray(logits), batch, Grid)
    np.testing.assert_allclose(loss, bce(pooled, elements[0]).mean(), rtol=1e-5)
