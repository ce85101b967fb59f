"""Late fusion: HTML tokens and visual tokens read each other through cross-attention (X063, X067).

B batch, N patches, T HTML nodes, D width.
"""

import functools

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.attention import Mask
from xojl_jax.nn.blocks import Attention
from xojl_jax.nn.config import BlockConfig
from xojl_jax.nn.feed_forward import make_feed_forward
from xojl_jax.nn.layers import Dropout, LayerNorm
from xojl_jax.nn.scan import Stack
from xojl_jax.tasks.layout.block_flops import block_flops
from xojl_jax.tasks.layout.model_config import ModelConfig

Array = jax.Array


class FusionBlock(nn.Module):
    """HTML reads vision, vision reads HTML, then each has its feed-forward."""

    config: BlockConfig

    @nn.compact
    def __call__(
        self,
        tokens: tuple[Array, Array],
        html_mask: Array,
        patch_mask: Array,
        pairs: tuple[Array, Array] | None = None,
        weights: Array | None = None,
    ) -> tuple[Array, Array]:
        html, patches = tokens
        # Both read what the other was before this layer: neither goes first.
        seen, read = pairs or (None, None)
        to_html = self._read("html", html, patches, patch_mask, seen)
        to_patches = self._read("vision", patches, html, html_mask, read)
        if weights is not None:
            of_html, of_vision = weights.astype(html.dtype).T[..., None, None]
            to_html, to_patches = to_html * of_vision, to_patches * of_html
        html, patches = html + to_html, patches + to_patches
        return self._feed_forward("html", html), self._feed_forward("vision", patches)

    def _read(
        self, name: str, x: Array, memory: Array, memory_mask: Array, bias: Array | None
    ) -> Array:
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
        return Dropout(c.dropout)(attention(x, Mask(key_mask=memory_mask), memory, bias))

    def _feed_forward(self, name: str, x: Array) -> Array:
        c = self.config
        y = LayerNorm(c.jnp_dtype, name=f"{name}_feed_forward_norm")(x)
        feed_forward = make_feed_forward(c, f"{name}_mlp")
        return x + Dropout(c.dropout)(feed_forward(y, None))


class LateFusion(nn.Module):
    """`layers` fusion blocks: html [B, T, D] and patches [B, N, D] -> both, after each has read the
    other."""

    config: BlockConfig
    layers: int

    @nn.compact
    def __call__(
        self,
        html: Array,
        patches: Array,
        html_mask: Array,
        patch_mask: Array,
        pairs: Array | None = None,
        weights: Array | None = None,
    ) -> tuple[Array, Array]:
        """The masks: bool[B, T] and bool[B, N], True where the token is real.

        Args:
          pairs: bool[B, T, N], which node and patch read each other; None: all.
          weights: float32[B, 2], what is read of HTML and of vision counts so much; None: 1.
        """
        c = self.config
        block = functools.partial(FusionBlock, c)
        stack = Stack(block, self.layers, c.remat, name="stack")
        shared = (html_mask, patch_mask)
        if pairs is not None or weights is not None:
            shared += (None if pairs is None else _biases(pairs), weights)
        html, patches = stack((html, patches), *shared)
        norm = functools.partial(LayerNorm, c.jnp_dtype)
        return norm(name="html_norm")(html), norm(name="vision_norm")(patches)


def _biases(pairs: Array) -> tuple[Array, Array]:
    """[B, 1, T, N] and [B, 1, N, T], added to the scores: so low that what is not paired counts
    nothing, and a token without a pair reads zeros (see `attend`)."""
    bias = jnp.where(pairs, 0.0, -2e38).astype(jnp.float32)[:, None]
    return bias, bias.swapaxes(2, 3)


def late_fusion_flops(c: ModelConfig) -> dict[str, float]:
    nodes, patches = c.html.max_nodes, c.num_patches
    return {
        "fusion linear": c.fusion_layers * (nodes + patches) * block_flops(c.block),
        "fusion attention": 2 * 4.0 * c.fusion_layers * nodes * patches * c.block.inner,
    }
