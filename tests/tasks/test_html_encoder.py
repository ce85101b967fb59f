"""The parts of the HTML encoder against plain numpy, on a tree of six nodes."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from tests.random_params import random_params
from tests.tasks.tiny_tree import CONFIG, END, NODES, PARENT, tree_batch
from xojl_jax.tasks.layout import class_strings
from xojl_jax.tasks.layout.class_composer import ClassComposer
from xojl_jax.tasks.layout.class_inputs import MAX_PIECES
from xojl_jax.tasks.layout.embeddings import EMBEDDINGS
from xojl_jax.tasks.layout.html_encoder import HtmlEncoder, html_flops
from xojl_jax.tasks.layout.model_config import HtmlConfig
from xojl_jax.tasks.layout.node_positions import MAX_CHILD, MAX_DEPTH, POSITIONS
from xojl_jax.tasks.layout.parts import NodePart
from xojl_jax.tasks.layout.tree_relations import RELATIONS, tree_relations

WIDTH = CONFIG.block.width


class OnePart(nn.Module):
    """An entry of `EMBEDDINGS` or `POSITIONS` by itself."""

    part: NodePart
    config: HtmlConfig = CONFIG

    @nn.compact
    def __call__(self, batch):
        return self.part.apply(self.config, batch)


def run(part: NodePart, batch, **changes) -> tuple[dict, np.ndarray]:
    """Parameters, and what the part gives: float32[T, D]."""
    batch = jax.tree.map(jnp.asarray, batch)  # as in a compiled step
    one = OnePart(part, dataclasses.replace(CONFIG, **changes))
    vectors, variables = jax.jit(one.init_with_output)(jax.random.key(0), batch)
    params = nn.meta.unbox(variables["params"])
    return jax.tree.map(np.asarray, params), np.asarray(vectors)[0]


def test_relations_are_those_of_the_tree():
    """Protects the attention's bias: every pair's relation by walking up the tree."""

    def ancestors(node):
        return [] if PARENT[node] < 0 else [PARENT[node], *ancestors(PARENT[node])]

    def relation(i, j):
        if i == j:
            return "self"
        if PARENT[i] == j or PARENT[j] == i:
            return "parent" if PARENT[i] == j else "child"
        if j in ancestors(i) or i in ancestors(j):
            return "ancestor" if j in ancestors(i) else "descendant"
        kind = "sibling " if PARENT[i] == PARENT[j] else ""
        return kind + ("before" if j < i else "after")

    found = tree_relations(jnp.array([PARENT]), jnp.array([END]))[0]
    names = [[RELATIONS[index] for index in row] for row in np.asarray(found)]
    assert names == [[relation(i, j) for j in range(6)] for i in range(6)]


# What each position's table is read by, for the six nodes of the tree.
ROWS = {
    "depth_first": range(6),
    "breadth_first": [0, 1, 3, 4, 2, 5],
    "parent": [0, 1, 2, 2, 1, 5],  # row 0: no parent
    "depth": [0, 1, 2, 2, 1, MAX_DEPTH - 1],
    "child": [0, 0, 0, 1, 1, 0],
}


@pytest.mark.parametrize("name", ROWS)
def test_a_position_is_a_row_of_its_table(name):
    """Protects X031 to X034: which row, and that what is too large takes the last one."""
    params, vectors = run(POSITIONS[name], tree_batch())
    table = params[name]["embedding"]
    np.testing.assert_array_equal(vectors[:6], table[list(ROWS[name])])


def test_a_path_is_the_sum_of_a_row_of_each_level():
    """Protects X033: levels have rows of their own, so that 1.2 and 2.1 differ."""
    batch = tree_batch()
    params, vectors = run(POSITIONS["path"], batch)
    table = params["path"]["embedding"]
    assert table.shape == (3 * MAX_CHILD, WIDTH)
    for node, path in enumerate(batch["html_path"][0]):
        rows = [min(step, MAX_CHILD - 1) + MAX_CHILD * level for level, step in enumerate(path)]
        np.testing.assert_allclose(vectors[node], table[rows].sum(0), atol=1e-6)


def test_boxes_are_fourier_features_and_the_paint_order():
    """Protects boxes where they are known, and input without them: zeros there."""
    batch = tree_batch()
    params, vectors = run(POSITIONS["boxes"], batch)
    angles = 2 * np.pi * batch["html_boxes"][0] @ params["boxes"]["frequencies"]
    waves = np.concatenate([np.sin(angles), np.cos(angles)], -1)
    box = waves @ params["boxes"]["project"]["kernel"] + params["boxes"]["project"]["bias"]
    paint = batch["html_z"][0][:, None] @ params["paint_order"]["kernel"]
    wanted = (box + paint + params["paint_order"]["bias"]) * batch["html_box_input_mask"][0][
        :, None
    ]
    np.testing.assert_allclose(vectors, wanted, atol=1e-4)


@pytest.mark.parametrize("name", ["tag", "content"])
def test_tag_and_content_are_rows_of_their_tables(name):
    """Protects X038."""
    batch = tree_batch()
    params, vectors = run(EMBEDDINGS[name], batch)
    np.testing.assert_array_equal(vectors, params[name]["embedding"][batch[f"html_{name}"][0]])


def composed(params, classes, number, mask) -> np.ndarray:
    """One node's classes int[C, 5] as a vector, class by class: X029, X036, X037."""

    def dense(name, x):
        return x @ params[name]["kernel"] + params[name]["bias"]

    def row(name, index):
        return params[name]["embedding"][index]

    totals, weights = np.zeros((3, 32)), np.ones(3)
    for (device, pseudo, attribute, value, unit), n, real in zip(
        classes, number, mask, strict=True
    ):
        if not real:
            continue
        fields = [row("attribute", attribute), row("value", value), row("unit", unit)]
        x = dense("compose_up", np.concatenate([*fields, [n, abs(n), n * n]]))
        gelu = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
        x = dense("compose_down", gelu)
        query = dense("modifier_query", x)
        for modifier in (row("device", device), row("pseudo", pseudo)):
            x = x + modifier / (1 + np.exp(-query @ modifier / np.sqrt(32)))
        contexts = np.array([device == 0 and pseudo == 0, device > 0, pseudo > 0])
        weight = contexts * np.exp(np.minimum(dense("context_score", x), 10))
        totals, weights = totals + weight[:, None] * x, weights + weight
    return dense("out", (totals / weights[:, None]).ravel())


def test_classes_are_composed_of_their_fields():
    """Protects X029, X036 and X037 against a loop over classes, the order of classes included."""
    batch = tree_batch()
    arrays = tuple(batch[f"html_{name}"] for name in ("class", "number", "class_mask"))
    composer = ClassComposer(WIDTH, CONFIG.ids)
    found, variables = jax.jit(composer.init_with_output)(jax.random.key(0), *arrays)
    on_device = nn.meta.unbox(variables["params"])
    params = jax.tree.map(np.asarray, on_device)
    wanted = [composed(params, *(array[0, node] for array in arrays)) for node in range(NODES)]
    np.testing.assert_allclose(found[0], wanted, atol=2e-4)
    backwards = (array[:, :, ::-1] for array in arrays)
    turned = jax.jit(composer.apply)({"params": on_device}, *backwards)
    np.testing.assert_allclose(found, turned, atol=1e-5)


def summed(x, mask, out) -> np.ndarray:
    """Classes [T, C, I] -> [T, D]: their sum over the root of their number, then a linear map."""
    total = (x * mask[..., None]).sum(1) / np.sqrt(np.maximum(mask.sum(1), 1))[:, None]
    return total @ out["kernel"] + out["bias"]


def test_a_sum_adds_fields_and_classes():
    """Protects `class_composition="sum"`: no attention in it, and fewer parameters."""
    batch = tree_batch()
    params, vectors = run(EMBEDDINGS["compositional"], batch, class_composition="sum")
    params = params["classes"]
    fields = ("device", "pseudo", "attribute", "value", "unit")
    classes, n = batch["html_class"][0], batch["html_number"][0][..., None]
    x = sum(params[name]["embedding"][classes[..., i]] for i, name in enumerate(fields))
    number = params["number"]
    x = x + np.concatenate([n, abs(n), n * n], -1) @ number["kernel"] + number["bias"]
    np.testing.assert_allclose(
        vectors, summed(x, batch["html_class_mask"][0], params["out"]), atol=1e-4
    )
    assert params.keys() == {*fields, "number", "out"}


def test_hashed_classes_are_weighted_rows_of_one_table():
    """Protects X030: multiply-shift by hand, and no dictionary: any 32 bits are a class."""
    batch = tree_batch()
    rng = np.random.default_rng(1)
    hashes = rng.integers(-(2**31), 2**31, size=batch["html_class_mask"].shape)
    batch["html_class_hash"] = hashes.astype(np.int32)
    params, vectors = run(EMBEDDINGS["hash"], batch, class_composition="sum")
    params = params["hashed_classes"]

    def row(function, bits):
        multiplier = int(class_strings._MULTIPLIERS[function])
        return ((hashes[0] % 2**32) * multiplier % 2**32) >> (32 - bits)

    weights = params["weights"]["embedding"][row(class_strings.HASHES, class_strings.WEIGHT_BITS)]
    table = params["buckets"]["embedding"]
    x = sum(
        weights[..., i : i + 1] * table[row(i, class_strings.BUCKET_BITS)]
        for i in range(class_strings.HASHES)
    )
    np.testing.assert_allclose(
        vectors, summed(x, batch["html_class_mask"][0], params["out"]), atol=1e-4
    )


@pytest.mark.parametrize("composition", ["attention", "sum"])
def test_pieces_are_pooled_within_a_class(composition):
    """Protects X028: pieces with their places, padding left out; a class without pieces is no
    NaN."""
    batch = tree_batch()
    rng = np.random.default_rng(1)
    pieces = rng.integers(0, 11, size=(*batch["html_class_mask"].shape, MAX_PIECES))
    pieces[0, 0] = 0
    batch["html_class_pieces"] = pieces.astype(np.int32)
    params, vectors = run(EMBEDDINGS["bpe"], batch, class_composition=composition, pieces=11)
    params = params["piece_classes"]
    assert np.isfinite(vectors).all()
    x = params["piece"]["embedding"][pieces[0]] + params["place"]["embedding"]
    real = pieces[0] > 0
    if composition == "sum":
        weight = real / np.sqrt(np.maximum(real.sum(-1, keepdims=True), 1))
        x = (weight[..., None] * x).sum(-2)
        wanted = summed(x, batch["html_class_mask"][0], params["out"])
        np.testing.assert_allclose(vectors, wanted, atol=1e-4)
    else:
        assert {"piece_score", "context_score"} < params.keys()


def test_a_path_from_the_root_adds_every_ancestor():
    """Protects `root_path` (X033): the sum of one row for each step down from the root."""
    batch = tree_batch()
    params, vectors = run(POSITIONS["root_path"], batch)
    table = params["root_path"]["embedding"]
    depth = np.minimum(batch["html_depth"][0], MAX_DEPTH - 1)
    rows = MAX_CHILD * depth + np.minimum(batch["html_child"][0], MAX_CHILD - 1)
    for node in range(6):
        line, at = [], node
        while at >= 0:
            line.append(rows[at])
            at = PARENT[at]
        np.testing.assert_allclose(vectors[node], table[line].sum(0), atol=1e-5)


def test_without_the_bias_of_the_tree_nothing_is_left_of_it():
    """Protects `tree_bias=False`: no parameters of relations, no FLOPs, and no relations."""
    batch = {name: jnp.asarray(array) for name, array in tree_batch().items()}
    plain = dataclasses.replace(CONFIG, tree_bias=False, embeddings=("tag",))
    shapes = jax.eval_shape(HtmlEncoder(plain).init, jax.random.key(0), batch)["params"]
    assert "attention" in shapes["stack"]["layers"]
    biased, bare = (html_flops(dataclasses.replace(plain, tree_bias=on)) for on in (True, False))
    heads, relations = CONFIG.block.heads, len(RELATIONS)
    assert biased["html attention"] - bare["html attention"] == 2 * relations * heads * NODES**2


def test_prefixes_ahead_of_the_nodes_are_those_of_the_hints():
    """Protects X104: nodes read the prefixes that are hinted at, and no others; every pair with a
    prefix is one relation more."""
    config = dataclasses.replace(CONFIG, embeddings=("tag",), num_prefixes=3)
    batch = {name: jnp.asarray(array) for name, array in tree_batch().items()}
    batch["class_hints"] = jnp.array([[True, False, True]])
    encoder = HtmlEncoder(config)
    params = random_params(lambda key: encoder.init(key, batch))["params"]
    assert params["stack"]["layers"]["relations"].shape == (1, len(RELATIONS) + 1, 2)
    apply = jax.jit(lambda params: encoder.apply({"params": params}, batch))

    def moved(prefix):
        """Whether nodes and the other prefixes change with one, [T] and [P]."""
        other = apply(params | {"prefixes": params["prefixes"].at[prefix, 0].add(1.0)})
        return [np.abs(a - b).max((0, 2)) > 1e-5 for a, b in zip(apply(params), other, strict=True)]

    nodes, prefixes = moved(1)
    assert not nodes.any() and prefixes.tolist() == [False, True, False]
    nodes, prefixes = moved(2)
    assert nodes.shape == (NODES,) and nodes.all() and prefixes.all()
