"""Late fusion: each modality reads the other through cross-attention (X063, X067).

The encoders stay independent, so a section without a screenshot, or without HTML, is only a mask: a
token that may attend to nothing reads zeros, and keeps what its own encoder made of it (X064).

B batch, N patches, T HTML nodes, D width.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.attention import Mask
from xojl_jax.nn.blocks import Attention, Dropout, LayerNorm, Mlp, Stack

Array = jax.Array


class FusionBlock(nn.Module):
    """HTML reads vision, vision reads HTML, then each has its feed-forward."""

    heads: int
    mlp_ratio: int
    dropout: float
    block_size: int
    dtype: jnp.dtype

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
        width = x.shape[-1]
        x = nn.with_logical_constraint(x, ("batch", "length", "embed"))
        attention = Attention(
            self.heads,
            width // self.heads,
            width,
            block_size=self.block_size,
            dtype=self.dtype,
            name=f"{name}_reads",
        )
        x = LayerNorm(self.dtype, name=f"{name}_norm")(x)
        memory = LayerNorm(self.dtype, name=f"{name}_memory_norm")(memory)
        return Dropout(self.dropout)(attention(x, Mask(key_valid=memory_mask), memory))

    def _feed_forward(self, name: str, x: Array) -> Array:
        y = LayerNorm(self.dtype, name=f"{name}_feed_forward_norm")(x)
        mlp = Mlp(self.mlp_ratio * x.shape[-1], self.dropout, self.dtype, name=f"{name}_mlp")
        return x + Dropout(self.dropout)(mlp(y))


class Fusion(nn.Module):
    """`layers` fusion blocks: ([B, T, D], [B, N, D]) -> the same two, each knowing the other."""

    layers: int
    heads: int
    mlp_ratio: int
    dropout: float = 0.0
    block_size: int = 512
    remat: str = "full"
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, html: Array, patches: Array, html_mask: Array, patch_mask: Array
    ) -> tuple[Array, Array]:
        def block(name: str) -> nn.Module:
            return FusionBlock(
                self.heads, self.mlp_ratio, self.dropout, self.block_size, self.dtype, name=name
            )

        stack = Stack(block, self.layers, self.remat, name="stack")
        html, patches = stack((html, patches), html_mask, patch_mask)
        return LayerNorm(self.dtype, name="html_norm")(html), LayerNorm(
            self.dtype, name="vision_norm"
        )(patches)
