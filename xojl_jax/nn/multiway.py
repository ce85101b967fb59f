"""Words and patches in one transformer: shared attention, feed-forwards by modality.

Boxes enter in two ways: their Fourier features are added to words and patches alike, and they bias
the attention of every layer. B batch, T words' tokens, N patches, H heads, D width.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Bool, Float

from xojl_jax.nn.attention import ChannelBias, Mask
from xojl_jax.nn.blocks import EncoderBlock
from xojl_jax.nn.config import MultiwayConfig
from xojl_jax.nn.feed_forward import Parts
from xojl_jax.nn.layers import EinsumDense, LayerNorm
from xojl_jax.nn.positions import FourierBoxes
from xojl_jax.nn.scan import Stack

Array = jax.Array

LANGUAGE, VISION, BOTH = "language", "vision", "both"


class MultiwayEncoder(nn.Module):
    """words [B, T, D] and patches [B, N, D] -> both, after the final norm."""

    config: MultiwayConfig

    @nn.compact
    def __call__(
        self,
        words: Float[Array, "B T D"],
        patches: Float[Array, "B N D"],
        words_mask: Bool[Array, "B T"],
        patch_mask: Bool[Array, "B N"],
        word_boxes: Float[Array, "B T 4"],
        patch_boxes: Float[Array, "N 4"],
    ) -> tuple[Float[Array, "B T D"], Float[Array, "B N D"]]:
        """The boxes: x0, y0, x1, y1 in [0, 1] of one canvas."""
        c = self.config
        dtype, length = c.block.jnp_dtype, words.shape[1]
        patch_boxes = jnp.broadcast_to(patch_boxes, (words.shape[0], *patch_boxes.shape))
        boxes = jnp.concatenate([word_boxes, patch_boxes], axis=1)
        place = FourierBoxes(c.block.width, c.box_features, dtype=dtype, name="boxes")(boxes)
        x = jnp.concatenate([words.astype(dtype), patches.astype(dtype)], axis=1) + place
        mask = Mask(key_mask=jnp.concatenate([words_mask, patch_mask], axis=1))
        bias = BoxBias(c, name="box_bias")(boxes) if c.box_channels else None
        apart = Parts(((LANGUAGE, length), (VISION, x.shape[1] - length)))
        together = Parts(((BOTH, x.shape[1]),))
        block = functools.partial(
            EncoderBlock, dataclasses.replace(c.block, feed_forward="multiway")
        )
        for name, layers, parts in (
            ("stack", c.layers, apart),
            ("joint_stack", c.joint_layers, together),
        ):
            if layers:
                x = Stack(block, layers, c.block.remat, name=name)(x, mask, bias, parts)
        x = LayerNorm(dtype, name="norm")(x)
        return x[:, :length], x[:, length:]


class BoxBias(nn.Module):
    """What the boxes of two tokens add to the score of their attention, per head.

    Learned maps of the Fourier features of both boxes, and their product over `box_channels`: with
    sines and cosines among the features, it can be any smooth function of how far apart two boxes
    are. It starts at 0.
    """

    config: MultiwayConfig

    @nn.compact
    def __call__(self, boxes: Float[Array, "B T 4"]) -> ChannelBias:
        c = self.config
        features = FourierBoxes(c.box_features, c.box_features, name="boxes")(boxes)
        shape, axes = (c.block.heads, c.box_channels), (None, "heads", None)
        zeros = nn.initializers.zeros
        return ChannelBias(
            query=EinsumDense(shape, axes, kernel_init=zeros, name="query")(features),
            key=EinsumDense(shape, axes, name="key")(features),
        )


def multiway_flops(c: MultiwayConfig, words: int, patches: int) -> dict[str, float]:
    """Forward FLOPs of one sample."""
    layers, tokens = c.layers + c.joint_layers, words + patches
    width = c.block.width
    per_token = (8.0 + 4.0 * c.block.mlp_ratio) * width**2
    scores = width + c.block.heads * c.box_channels / 2
    return {
        "multiway linear": layers * tokens * per_token,
        "multiway attention": 4.0 * layers * tokens**2 * scores,
    }
