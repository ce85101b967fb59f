"""Late fusion: each modality reads the other through cross-attention (X063, X067).

The encoders stay independent, so a section without a screenshot, or without HTML, is only a mask: a
token that may attend to nothing reads zeros, and keeps what its own encoder made of it (X064).

B batch, N patches, T HTML nodes, D width.
"""

import functools

import jax
from flax import linen as nn

from xojl_jax.nn.attention import Mask
from xojl_jax.nn.blocks import Attention
from xojl_jax.nn.config import BlockConfig
from xojl_jax.nn.feed_forward import make_feed_forward
from xojl_jax.nn.layers import Dropout, LayerNorm
from xojl_jax.nn.scan import Stack

Array = jax.Array


class FusionBlock(nn.Module):
    """HTML reads vision, vision reads HTML, then each has its feed-forward."""

    config: BlockConfig

    @nn.compact
    def __call__(
        self, tokens: tuple[Array, Array], html_mask: Array, patch_mask: Array
    ) -> tuple[Array, Array]:
        html, patches = tokens
        # Both read what the other was before this layer: neither goes first.
        to_html = self._read("html", html, patches, patch_mask)
        to_patches = self._read("vision", patches, html, html_mask)
        html, patches = html + to_html, patches + to_patches
        return self._feed_forward("html", html), self._feed_forward("vision", patches)

    def _read(self, name: str, x: Array, memory: Array, memory_mask: Array) -> Array:
        c = self.config
        x = nn.with_logical_constraint(x, ("batch", "length", "embed"))
        attention = Attention(
            c.heads,
            c.head_dim,
            c.width,
            block_size=c.attention_block,
            dtype=c.jnp_dtype,
            name=f"{name}_reads",
        )
        x = LayerNorm(c.jnp_dtype, name=f"{name}_norm")(x)
        memory = LayerNorm(c.jnp_dtype, name=f"{name}_memory_norm")(memory)
        return Dropout(c.dropout)(attention(x, Mask(key_mask=memory_mask), memory))

    def _feed_forward(self, name: str, x: Array) -> Array:
        y = LayerNorm(self.config.jnp_dtype, name=f"{name}_feed_forward_norm")(x)
        feed_forward = make_feed_forward(self.config, f"{name}_mlp")
        return x + Dropout(self.config.dropout)(feed_forward(y, None))


class Fusion(nn.Module):
    """`layers` fusion blocks: ([B, T, D], [B, N, D]) -> the same two, each knowing the other."""

    config: BlockConfig
    layers: int

    @nn.compact
    def __call__(
        self, html: Array, patches: Array, html_mask: Array, patch_mask: Array
    ) -> tuple[Array, Array]:
        block = functools.partial(FusionBlock, self.config)
        stack = Stack(block, self.layers, self.config.remat, name="stack")
        html, patches = stack((html, patches), html_mask, patch_mask)
        norm = functools.partial(LayerNorm, self.config.jnp_dtype)
        return norm(name="html_norm")(html), norm(name="vision_norm")(patches)
