"""Where each HTML node is, and what is painted over it: reasoning over boxes (X085, X086).

The paint order comes from the browser, which knows it; an estimate of depth from the picture would
only guess at it. B batch, T HTML nodes, D width.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.attention import Mask
from xojl_jax.nn.blocks import Attention
from xojl_jax.nn.heads import pool_heads
from xojl_jax.nn.layers import EinsumDense, LayerNorm
from xojl_jax.nn.masked import masked_mean
from xojl_jax.tasks.layout.encoded import Features
from xojl_jax.tasks.layout.model_config import ModelConfig
from xojl_jax.tasks.layout.parts import Batch, Head, Metrics

Array = jax.Array


class Boxes(NamedTuple):
    """float32[B, T, 5] in [0, 1] each: x, y, width, height, paint order."""

    guess: Array
    refined: Array


class BoxHead(nn.Module):
    """A first guess of each node's box; the guesses (4 -> D/4 -> D, ReLU) attend to each other, 8
    heads, and what a node reads of the others refines its own."""

    config: ModelConfig

    @nn.compact
    def __call__(self, features: Features) -> Boxes:
        c, dtype = self.config.block, self.config.block.jnp_dtype
        x = features.html

        def dense(width: int, axes: tuple[str | None, str | None], name: str, x: Array) -> Array:
            return EinsumDense((width,), axes, dtype=dtype, name=name)(x)

        first = dense(5, ("embed", None), "box_guess", LayerNorm(dtype, name="box_norm")(x))
        first = first.astype(jnp.float32)
        y = dense(c.width // 4, (None, "mlp"), "box_hidden", nn.sigmoid(first[..., :4]))
        x = x + dense(c.width, ("mlp", "embed"), "box_embed", nn.relu(y))
        heads = pool_heads(c.width)
        attention = Attention(heads, c.width // heads, c.width, dtype=dtype, name="box_attention")
        norm = LayerNorm(dtype, name="box_attention_norm")
        x = x + attention(norm(x), Mask(key_mask=features.html_mask))
        change = dense(5, ("embed", None), "box_change", LayerNorm(dtype, name="box_out_norm")(x))
        return Boxes(nn.sigmoid(first), nn.sigmoid(first + change.astype(jnp.float32)))


def box_loss(boxes: Boxes, batch: Batch, _: ModelConfig) -> tuple[Array, Metrics]:
    """Mean squared error of both, on nodes whose box is known and was not read as input: elsewhere
    it would be copied."""
    corners = batch["html_boxes"]
    sides = jnp.concatenate([corners[..., :2], corners[..., 2:] - corners[..., :2]], -1)
    target = jnp.concatenate([sides, batch["html_z"][..., None]], -1)
    mask = batch["html_mask"] & batch["html_box_mask"] & ~batch["html_box_input_mask"]

    def error(predicted: Array) -> Array:
        return masked_mean(jnp.square(predicted - target).mean(-1), mask)

    return (error(boxes.guess) + error(boxes.refined)) / 2, {}


def box_flops(c: ModelConfig) -> float:
    nodes, width = c.html.max_nodes, c.block.width
    return nodes * (2.0 * (width // 4) * (4 + width) + 20.0 * width + 8.0 * width**2) + (
        4.0 * nodes**2 * width
    )


BOX_HEAD = Head(
    inputs=frozenset({"html"}),
    module=BoxHead,
    parameters=(
        "box_norm",
        "box_guess",
        "box_hidden",
        "box_embed",
        "box_attention_norm",
        "box_attention",
        "box_out_norm",
        "box_change",
    ),
    loss=box_loss,
    flops=box_flops,
)
