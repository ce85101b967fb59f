"""Late fusion against plain numpy, and without one of the modalities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from xojl_jax.nn.config import BlockConfig
from xojl_jax.tasks.layout.fusion import LateFusion

CONFIG = BlockConfig(width=8, heads=2, mlp_ratio=2)
RNG = np.random.default_rng(0)
HTML, PATCHES = (RNG.normal(size=(1, length, 8)).astype(np.float32) for length in (3, 5))
HTML_MASK = np.array([[True, True, False]])
PATCH_MASK = np.array([[True, True, True, False, True]])


@pytest.fixture(scope="module")
def params():
    fusion = LateFusion(CONFIG, layers=1)
    variables = fusion.init(jax.random.key(0), HTML, PATCHES, HTML_MASK, PATCH_MASK)
    # Biases start at zero and scales at one: others show whether they are read.
    leaves, tree = jax.tree.flatten(nn.meta.unbox(variables["params"]))
    keys = jax.random.split(jax.random.key(1), len(leaves))
    noisy = [x + 0.1 * jax.random.normal(key, x.shape) for x, key in zip(leaves, keys, strict=True)]
    return jax.tree.unflatten(tree, noisy)


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
