"""The fusions against plain numpy, and without one of the modalities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from xojl_jax.nn.config import BlockConfig
from xojl_jax.tasks.layout.box_alignment import BoxAlignment, ModalityWeights, box_pairs
from xojl_jax.tasks.layout.coarse_fusion import CoarseToFineFusion
from xojl_jax.tasks.layout.joint_fusion import MixtureFusion
from xojl_jax.tasks.layout.late_fusion import FusionBlock, LateFusion

CONFIG = BlockConfig(width=8, heads=2, mlp_ratio=2)
RNG = np.random.default_rng(0)
HTML, PATCHES = (RNG.normal(size=(1, length, 8)).astype(np.float32) for length in (3, 5))
HTML_MASK = np.array([[True, True, False]])
PATCH_MASK = np.array([[True, True, True, False, True]])


@pytest.fixture(scope="module")
def params():
    return noisy(LateFusion(CONFIG, layers=1), HTML, PATCHES, HTML_MASK, PATCH_MASK)


@jax.jit
def fuse(params, html_mask, patch_mask, patches=PATCHES):
    fusion = LateFusion(CONFIG, layers=1)
    return fusion.apply({"params": params}, HTML, patches, html_mask, patch_mask)


def norm(params, x):
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * params["scale"] + params["bias"]


def read(params, x, memory, mask):
    """Cross-attention of x [Q, 8] to the memory [S, 8], head by head."""

    def heads(name, tokens):
        return (
            np.einsum("td,dhk->htk", tokens, params[name]["kernel"])
            + (np.asarray(params[name]["bias"])[:, None])
        )

    scores = np.einsum("hqk,hsk->hqs", heads("query", x), heads("key", memory)) / 2  # 2 = sqrt(4)
    weights = np.exp(scores) * mask
    weights = weights / weights.sum(-1, keepdims=True)
    y = np.einsum("hqs,hsk->qhk", weights, heads("value", memory))
    return np.einsum("qhk,hkd->qd", y, params["out"]["kernel"]) + params["out"]["bias"]


def feed_forward(params, x):
    x = x @ params["up"]["kernel"] + params["up"]["bias"]
    x = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return x @ params["down"]["kernel"] + params["down"]["bias"]


def test_each_modality_reads_what_the_other_was(params):
    """Protects X063 and X067: both read from before the layer, so that neither goes first."""
    layer = jax.tree.map(lambda x: np.asarray(x)[0], params["stack"]["layers"])
    tokens = {"html": HTML[0], "vision": PATCHES[0]}
    masks = {"html": HTML_MASK[0], "vision": PATCH_MASK[0]}
    fused = {}
    for name, other in (("html", "vision"), ("vision", "html")):
        x = norm(layer[f"{name}_norm"], tokens[name])
        memory = norm(layer[f"{name}_memory_norm"], tokens[other])
        x = tokens[name] + read(layer[f"{name}_reads"], x, memory, masks[other])
        x = x + feed_forward(layer[f"{name}_mlp"], norm(layer[f"{name}_feed_forward_norm"], x))
        fused[name] = norm(params[f"{name}_norm"], x)
    html, patches = fuse(params, HTML_MASK, PATCH_MASK)
    np.testing.assert_allclose(html[0], fused["html"], atol=1e-4)
    np.testing.assert_allclose(patches[0], fused["vision"], atol=1e-4)


def test_without_a_picture_html_does_not_depend_on_its_pixels(params):
    """Protects X064: a missing modality is a mask, whatever its arrays hold."""
    none = jnp.zeros_like(PATCH_MASK)
    html, _ = fuse(params, HTML_MASK, none)
    other, _ = fuse(params, HTML_MASK, none, patches=PATCHES[:, ::-1] * 3)
    np.testing.assert_array_equal(html, other)
    assert np.isfinite(html).all()


def test_layers_go_from_groups_of_patches_to_patches():
    """Protects X075 and X076: two layers by hand, of a grid of 3 x 3 patches: the first reads means
    of 2 x 2 of them, real ones alone, and what it adds is added to each; the second reads all."""
    patches = RNG.normal(size=(1, 9, 8)).astype(np.float32)
    mask = np.array([[True, True, True, False, True, True, False, False, False]])
    fusion = CoarseToFineFusion(CONFIG, layers=2, columns=3)
    inputs = (jnp.asarray(HTML), patches, HTML_MASK, mask)
    params = noisy(fusion, *inputs)
    html, fine = jax.device_get(jax.jit(fusion.apply)({"params": params}, *inputs))

    groups = [[0, 1, 3, 4], [2, 5], [6, 7], [8]]
    real = [[n for n in group if mask[0, n]] for group in groups]
    means = np.stack([patches[0, n].mean(0) if n else np.zeros(8, np.float32) for n in real])
    block = jax.jit(FusionBlock(CONFIG).apply)
    there = np.array([[bool(group) for group in real]])
    first = block({"params": params["layer_0"]}, (HTML, means[None]), HTML_MASK, there)
    middle, coarse = jax.device_get(first)
    of_patch = [next(g for g, group in enumerate(groups) if n in group) for n in range(9)]
    moved = patches + (coarse - means)[:, np.array(of_patch)]
    last = block({"params": params["layer_1"]}, (middle, moved), HTML_MASK, mask)
    wanted_html, wanted = (x[0] for x in jax.device_get(last))
    np.testing.assert_allclose(html[0], norm(params["html_norm"], wanted_html), atol=1e-4)
    seen = mask[0]  # what padding becomes does not matter
    np.testing.assert_allclose(fine[0, seen], norm(params["vision_norm"], wanted[seen]), atol=1e-4)


def noisy(module, *inputs):
    """Parameters around those of the start: where a bias is zero or a scale one, nobody sees
    whether it is read."""
    shapes = jax.eval_shape(module.init, jax.random.key(0), *inputs)["params"]
    rng = np.random.default_rng(1)

    def fill(path, x):
        scale = path[-1].key == "scale"
        return np.asarray(scale + 0.4 * rng.normal(size=x.shape), np.float32)

    return jax.tree_util.tree_map_with_path(fill, nn.meta.unbox(shapes))


PAIRS = np.zeros((1, 3, 5), bool)
PAIRS[0, 0, [0, 2]] = PAIRS[0, 1, 2] = True


def test_a_node_reads_its_own_patches_alone(params):
    """Protects X073: a node with its pairs is that node with all other patches masked out, and a
    patch that no node is paired with reads nothing."""
    fusion = LateFusion(CONFIG, layers=1)
    apply = jax.jit(lambda *arrays: fusion.apply({"params": params}, HTML, PATCHES, *arrays))
    html, patches = apply(HTML_MASK, PATCH_MASK, PAIRS)
    for node in range(2):
        alone, _ = apply(HTML_MASK, PATCH_MASK & PAIRS[:, node], np.ones_like(PAIRS))
        np.testing.assert_allclose(html[0, node], alone[0, node], atol=1e-5)
    _, blind = apply(np.zeros_like(HTML_MASK), PATCH_MASK, np.ones_like(PAIRS))
    np.testing.assert_allclose(patches[0, [1, 4]], blind[0, [1, 4]], atol=1e-5)


def test_what_is_read_counts_by_its_weight(params):
    """Protects X064: at weight 0 HTML is as without a picture, whatever is read of it; at 1 it is
    as without weights."""
    fusion = LateFusion(CONFIG, layers=1)
    apply = jax.jit(
        lambda mask, weights: fusion.apply(
            {"params": params}, HTML, PATCHES, HTML_MASK, mask, None, weights
        )
    )
    ones = jnp.ones((1, 2))
    plain = fuse(params, HTML_MASK, PATCH_MASK)
    for found, wanted in zip(apply(PATCH_MASK, ones), plain, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    html, patches = apply(PATCH_MASK, jnp.array([[1.0, 0.0]]))
    blind, _ = fuse(params, HTML_MASK, jnp.zeros_like(PATCH_MASK))
    # A read of nothing still has the bias of its output, which the weight takes, too.
    assert np.abs(np.asarray(html) - np.asarray(plain[0])).max() > 1e-3
    np.testing.assert_allclose(patches, plain[1], atol=1e-6)
    assert html.shape == blind.shape


def test_modalities_count_alike_at_first_and_alone_in_full():
    """Protects X064: 1 each; where one is missing the other is 1, and the missing one nothing."""
    html_mask = jnp.array([[True, True, False], [True, False, False], [False] * 3])
    patch_mask = jnp.array([[True] * 5, [False] * 5, [False] * 5])
    html, patches = (jnp.asarray(np.repeat(x, 3, axis=0)) for x in (HTML, PATCHES))
    module = ModalityWeights(CONFIG)
    inputs = html, patches, html_mask, patch_mask
    start, variables = jax.jit(module.init_with_output)(jax.random.key(0), *inputs)
    np.testing.assert_allclose(start, [[1, 1], [1, 0], [0, 0]], atol=1e-6)
    weights = nn.meta.unbox(variables["params"])
    weights["html"]["bias"] = weights["html"]["bias"] + 2
    found = jax.jit(module.apply)({"params": weights}, *inputs)
    share = 1 / (1 + np.exp(-2))
    np.testing.assert_allclose(found, [[2 * share, 2 - 2 * share], [1, 0], [0, 0]], atol=1e-6)


def test_pairs_are_patches_in_boxes_that_were_given():
    """Protects X073 and X075: labels are no input, and of a node without a box nothing is known."""
    batch = {
        "html_boxes": jnp.array([[[0, 0, 0.5, 1], [0, 0, 1, 1], [0.1, 0.1, 0.2, 0.2]]]),
        "html_box_input_mask": jnp.array([[True, False, True]]),
        "patch_mask": jnp.ones((1, 4), bool),
    }
    half, none, whole = [True, False] * 2, [False] * 4, [True] * 4
    np.testing.assert_array_equal(box_pairs(batch, (2, 2))[0], [half, whole, whole])
    np.testing.assert_array_equal(box_pairs(batch, (2, 2), strict=True)[0], [half, none, none])


def test_aligned_tokens_take_up_the_mean_of_their_pairs():
    """Protects X075: means over real pairs; without one, a token is as it was."""
    arrays = [jnp.asarray(x) for x in (HTML, PATCHES, HTML_MASK, PATCH_MASK, PAIRS)]
    module = BoxAlignment(CONFIG)
    weights = noisy(module, *arrays)
    html, patches = jax.jit(module.apply)({"params": weights}, *arrays)
    weights = jax.tree.map(np.asarray, weights)

    def taken(name, x):
        x = norm(weights[f"{name}_norm"], x)
        return x @ weights[name]["kernel"] + weights[name]["bias"]

    wanted = HTML[0].copy()
    wanted[0] += taken("html_takes", PATCHES[0, [0, 2]].mean(0))
    wanted[1] += taken("html_takes", PATCHES[0, 2])
    np.testing.assert_allclose(html[0], wanted, atol=1e-5)
    wanted = PATCHES[0].copy()
    wanted[0] += taken("vision_takes", HTML[0, 0])
    wanted[2] += taken("vision_takes", HTML[0, :2].mean(0))
    np.testing.assert_allclose(patches[0], wanted, atol=1e-5)


def test_a_mixture_attends_jointly_with_parameters_of_each_modality():
    """Protects X076: projections, norms and feed-forward by modality, attention over both."""
    arrays = [jnp.asarray(x) for x in (HTML, PATCHES, HTML_MASK, PATCH_MASK)]
    module = MixtureFusion(CONFIG, layers=1)
    weights = noisy(module, *arrays)
    found = jax.jit(module.apply)({"params": weights}, *arrays)
    weights = jax.tree.map(np.asarray, weights)
    layer = jax.tree.map(lambda x: x[0], weights["stack"]["layers"])
    tokens = {"html": HTML[0], "vision": PATCHES[0]}
    mask = np.concatenate([HTML_MASK[0], PATCH_MASK[0]])

    def heads(name, kind, x):
        params = layer[f"{name}_attention"][kind]
        return np.einsum("td,dhk->htk", x, params["kernel"]) + params["bias"][:, None]

    inputs = {name: norm(layer[f"{name}_norm"], x) for name, x in tokens.items()}
    keys, values = (
        np.concatenate([heads(name, kind, inputs[name]) for name in tokens], axis=1)
        for kind in ("key", "value")
    )
    for (name, x), one in zip(tokens.items(), found, strict=True):
        scores = np.einsum("hqk,hsk->hqs", heads(name, "query", inputs[name]), keys) / 2
        weight = np.exp(scores - scores.max(-1, keepdims=True)) * mask
        y = np.einsum("hqs,hsk->qhk", weight / weight.sum(-1, keepdims=True), values)
        out = layer[f"{name}_attention"]["out"]
        x = x + np.einsum("qhk,hkd->qd", y, out["kernel"]) + out["bias"]
        x = x + feed_forward(layer[f"{name}_mlp"], norm(layer[f"{name}_feed_forward_norm"], x))
        np.testing.assert_allclose(one[0], norm(weights[f"{name}_norm"], x), atol=1e-4)
