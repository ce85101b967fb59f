"""Fusions in which the tokens of both modalities are one sequence.

B batch, N patches, T HTML nodes, D width.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.attention import Mask, attend
from xojl_jax.nn.blocks import Attention
from xojl_jax.nn.config import BlockConfig
from xojl_jax.nn.feed_forward import make_feed_forward
from xojl_jax.nn.layers import Dropout, LayerNorm, named
from xojl_jax.nn.positions import POSITION_STD
from xojl_jax.nn.scan import Stack
from xojl_jax.tasks.layout.block_flops import block_flops
from xojl_jax.tasks.layout.model_config import ModelConfig

Array = jax.Array

MODALITIES = ("html", "vision")


class MixtureBlock(nn.Module):
    """One block of a mixture of transformers (Liang et al. 2024): every modality has its own
    projections, norms and feed-forward, and attention is over the tokens of all."""

    config: BlockConfig

    @nn.compact
    def __call__(self, tokens: tuple[Array, Array], mask: Array) -> tuple[Array, Array]:
        """html [B, T, D] and patches [B, N, D]; mask: bool[B, T + N]."""
        c = self.config
        attention = functools.partial(Attention, c.heads, c.head_dim, c.width, dtype=c.jnp_dtype)
        norm = functools.partial(LayerNorm, c.jnp_dtype)
        own = [attention(name=f"{name}_attention") for name in MODALITIES]
        inputs = [norm(name=f"{name}_norm")(x) for name, x in zip(MODALITIES, tokens, strict=True)]
        queries = [a.project_query(x) for a, x in zip(own, inputs, strict=True)]
        memories = [a.project_memory(x) for a, x in zip(own, inputs, strict=True)]
        keys, values = zip(*memories, strict=True)
        q, k, v = (jnp.concatenate(parts, axis=1) for parts in (queries, keys, values))
        y = attend(q, k, v, Mask(key_mask=mask), scale=1.0, block_size=c.attention_block)
        split = jnp.split(y, [tokens[0].shape[1]], axis=1)
        out = []
        for name, x, y, a in zip(MODALITIES, tokens, split, own, strict=True):
            x = nn.with_logical_constraint(x, ("batch", "length", "embed"))
            x = x + Dropout(c.dropout)(a.project_out(y)).astype(x.dtype)
            y = norm(name=f"{name}_feed_forward_norm")(x)
            y = make_feed_forward(c, f"{name}_mlp")(y, None)
            out.append(x + Dropout(c.dropout)(y).astype(x.dtype))
        return out[0], out[1]


class MixtureFusion(nn.Module):
    """`layers` mixture blocks: html [B, T, D] and patches [B, N, D] -> both."""

    config: BlockConfig
    layers: int

    @nn.compact
    def __call__(
        self, html: Array, patches: Array, html_mask: Array, patch_mask: Array
    ) -> tuple[Array, Array]:
        """The masks: bool[B, T] and bool[B, N], True where the token is real."""
        c = self.config
        block = functools.partial(MixtureBlock, c)
        stack = Stack(block, self.layers, c.remat, name="stack")
        tokens: Any = (html, patches)
        html, patches = stack(tokens, jnp.concatenate([html_mask, patch_mask], axis=1))
        norm = functools.partial(LayerNorm, c.jnp_dtype)
        return norm(name="html_norm")(html), norm(name="vision_norm")(patches)


class HtmlAmongPatches(nn.Module):
    """HTML tokens [B, T, D] as the vision encoder takes them: normalized, and marked as HTML by a
    learned vector (as in ViLT, Kim, Son and Kim 2021)."""

    config: BlockConfig

    @nn.compact
    def __call__(self, html: Array) -> Array:
        c = self.config
        init = named(nn.initializers.normal(POSITION_STD), "embed")
        mark = self.param("modality", init, (c.width,), jnp.float32).astype(c.jnp_dtype)
        return LayerNorm(c.jnp_dtype, name="html_norm")(html) + mark


def mixture_flops(c: ModelConfig) -> dict[str, float]:
    tokens = c.html.max_nodes + c.num_patches
    return {
        "fusion linear": c.fusion_layers * tokens * block_flops(c.block),
        "fusion attention": 4.0 * c.fusion_layers * tokens**2 * c.block.inner,
    }


def early_flops(c: ModelConfig) -> dict[str, float]:
    """What the vision encoder does more than without HTML tokens."""
    vision, nodes = c.trunk.vision, c.html.max_nodes
    before = 1 + vision.num_prefixes + c.num_patches
    pairs = (before + nodes) ** 2 - before**2
    return {
        "fusion linear": vision.layers * nodes * block_flops(c.block),
        "fusion attention": 4.0 * vision.layers * pairs * c.block.inner,
    }
