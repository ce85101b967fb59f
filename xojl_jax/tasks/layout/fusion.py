"""How the two modalities exchange information; `config.model.fusion` names the way.

"late": each modality reads the other through cross-attention (X063, X067). The encoders stay
independent, so a section without a screenshot, or without HTML, is only a mask: a token that may
attend to nothing reads zeros, and keeps what its own encoder made of it (X064).

B batch, N patches, T HTML nodes, D width.
"""

import dataclasses
import functools
from collections.abc import Callable

import jax
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
        self, html: Array, patches: Array, html_mask: Array, patch_mask: Array
    ) -> tuple[Array, Array]:
        """The masks: bool[B, T] and bool[B, N], True where the token is real."""
        c = self.config
        block = functools.partial(FusionBlock, c)
        stack = Stack(block, self.layers, c.remat, name="stack")
        html, patches = stack((html, patches), html_mask, patch_mask)
        norm = functools.partial(LayerNorm, c.jnp_dtype)
        return norm(name="html_norm")(html), norm(name="vision_norm")(patches)


def late_fusion_flops(c: ModelConfig) -> dict[str, float]:
    nodes, patches = c.html.max_nodes, c.num_patches
    return {
        "fusion linear": c.fusion_layers * (nodes + patches) * block_flops(c.block),
        "fusion attention": 2 * 4.0 * c.fusion_layers * nodes * patches * c.block.width,
    }


@dataclasses.dataclass(frozen=True)
class Fusion:
    """A way to fuse.

    Attributes:
      module: made from the config, called with (html, patches, html_mask, patch_mask), gives the
        fused html [B, T, D] and patches [B, N, D]. Its parameters are below `fusion/`.
      flops: forward FLOPs of one sample, by part.
    """

    module: Callable[[ModelConfig], nn.Module]
    flops: Callable[[ModelConfig], dict[str, float]]


FUSIONS = {
    "late": Fusion(module=lambda c: LateFusion(c.block, c.fusion_layers), flops=late_fusion_flops),
}
