"""Detectors of carousels, accordions and galleries: one for all three, or one each (X087 to X099).

Each looks at the picture by convolutions, reads the HTML nodes by an LSTM of two layers, and scores
the products of what the two find. The document that asks for them convolves pixels; here it is the
encoder's patches, which are what there is after the trunk, at a tiny part of the work.

B batch, N patches, T HTML nodes, D width.
"""

import functools

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.heads import convolution
from xojl_jax.nn.layers import EinsumDense
from xojl_jax.nn.recurrent import Lstm, lstm_flops
from xojl_jax.tasks.layout import losses
from xojl_jax.tasks.layout.encoded import Features
from xojl_jax.tasks.layout.model_config import ModelConfig
from xojl_jax.tasks.layout.parts import Batch, Head, Metrics
from xojl_jax.xojl.tree import ELEMENTS

Array = jax.Array

PATTERNS = ("carousel", "accordion", "gallery")
# Widths of the two convolutions; that of the LSTM is the second.
FIRST, SECOND = 64, 128


class PatternDetector(nn.Module):
    """Which of the patterns occur in the section: logits float32[B, number of patterns].

    The score is bilinear in what is seen and what is read, with a linear term of each (Dozat and
    Manning 2017), so that either alone can say something where the other is missing.
    """

    config: ModelConfig
    patterns: tuple[str, ...]
    prefix: str

    @nn.compact
    def __call__(self, features: Features) -> Array:
        c, dtype = self.config, self.config.block.jnp_dtype
        name = functools.partial("{}_{}".format, self.prefix)
        cells = features.patches.reshape(features.patches.shape[0], -1, c.grid[1], c.block.width)
        real = features.patch_mask.reshape(cells.shape[:3])[..., None]
        for width, axes, layer in (
            (FIRST, ("embed", "mlp"), "conv_1"),
            (SECOND, ("mlp", "embed"), "conv_2"),
        ):
            cells = jnp.where(real, cells, jnp.zeros((), cells.dtype))
            cells = nn.relu(convolution(width, 3, axes, dtype, name(layer))(cells))
        weight = real.astype(dtype)
        seen = (cells * weight).sum((1, 2)) / jnp.maximum(weight.sum((1, 2)), 1)

        read = features.html
        for layer in ("lstm_1", "lstm_2"):
            read = Lstm(SECOND, dtype, name=name(layer))(read, features.html_mask)
        read = read[:, -1]  # padding leaves the state of the last node as it is

        shape = (len(self.patterns), SECOND + 1)
        project = EinsumDense(shape, ("embed", None, "mlp"), dtype=dtype, name=name("seen"))
        shown = features.patch_mask.any(-1)[:, None, None]
        seen = jnp.where(shown, project(seen), jnp.zeros((), dtype))
        read = jnp.pad(read, ((0, 0), (0, 1)), constant_values=1)
        scores = EinsumDense((len(self.patterns),), ("embed", None), dtype=dtype, name=name("read"))
        logits = jnp.einsum("bpk,bk->bp", seen, read) / SECOND**0.5 + scores(read[:, :-1])
        return logits.astype(jnp.float32)


def pattern_loss(
    logits: Array, batch: Batch, _: ModelConfig, *, patterns: tuple[str, ...]
) -> tuple[Array, Metrics]:
    """Binary cross-entropy against whether the layout has the element."""
    targets = batch["elements"][:, jnp.array([ELEMENTS.index(name) for name in patterns])]
    return losses.binary_loss(logits, targets, batch["label_mask"]), {}


def pattern_flops(c: ModelConfig) -> float:
    """Of one detector; the number of patterns hardly counts."""
    convolutions = 2.0 * 9 * c.num_patches * (c.block.width * FIRST + FIRST * SECOND)
    nodes = c.html.max_nodes
    return (
        convolutions + lstm_flops(nodes, c.block.width, SECOND) + lstm_flops(nodes, SECOND, SECOND)
    )


def _head(patterns: tuple[str, ...], prefix: str) -> Head:
    layers = ("conv_1", "conv_2", "lstm_1", "lstm_2", "seen", "read")
    return Head(
        inputs=frozenset({"html", "patches"}),
        module=functools.partial(PatternDetector, patterns=patterns, prefix=prefix),
        parameters=tuple(f"{prefix}_{layer}" for layer in layers),
        loss=functools.partial(pattern_loss, patterns=patterns),
        flops=pattern_flops,
    )


# "advanced" finds all three with one set of convolutions and LSTMs; the others one each.
PATTERN_HEADS = {
    "advanced": _head(PATTERNS, "advanced"),
    **{name: _head((name,), name) for name in PATTERNS},
}
