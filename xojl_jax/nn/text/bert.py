"""An encoder in the BERT form (Devlin et al. 2019), as published sentence encoders have it.

Letters: B batch, T tokens, D width.
"""

import functools

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Bool, Float, Int

from xojl_jax.nn.activations import ACTIVATIONS_BY_NAME
from xojl_jax.nn.attention import Mask
from xojl_jax.nn.blocks import ACTIVATIONS, Attention
from xojl_jax.nn.embedding import Embed
from xojl_jax.nn.layers import Dropout, EinsumDense, LayerNorm, named
from xojl_jax.nn.scan import Stack
from xojl_jax.nn.text.config import BertConfig

Array = jax.Array

EMBEDDING_STD = 0.02


class BertBlock(nn.Module):
    """Post-norm block: what self-attention gives is added and the sum normalized, then the same
    with the feed-forward."""

    config: BertConfig

    @nn.compact
    def __call__(self, x: Float[Array, "B T D"], mask: Mask) -> Float[Array, "B T D"]:
        c = self.config
        norm = functools.partial(LayerNorm, c.jnp_dtype, epsilon=c.norm_epsilon)
        dense = functools.partial(EinsumDense, dtype=c.jnp_dtype)
        x = nn.with_logical_constraint(x, ACTIVATIONS)
        attention = Attention(
            c.heads,
            c.width // c.heads,
            c.width,
            block_size=c.attention_block,
            dtype=c.jnp_dtype,
            name="attention",
        )
        x = norm(name="attention_norm")(x + Dropout(c.dropout)(attention(x, mask)))
        x = nn.with_logical_constraint(x, ACTIVATIONS)
        y = ACTIVATIONS_BY_NAME[c.activation](dense((c.hidden,), ("embed", "mlp"), name="up")(x))
        y = dense((c.width,), ("mlp", "embed"), name="down")(y)
        return norm(name="feed_forward_norm")(x + Dropout(c.dropout)(y))


class BertEncoder(nn.Module):
    """Tokens int32[B, T] -> hidden states [B, T, D]."""

    config: BertConfig

    @nn.compact
    def __call__(
        self,
        tokens: Int[Array, "B T"],
        token_mask: Bool[Array, "B T"] | None = None,
        token_types: Int[Array, "B T"] | None = None,
    ) -> Float[Array, "B T D"]:
        """
        Args:
          tokens: int32[B, T], ids.
          token_mask: bool[B, T], False in padding. Padding is on the right: positions are absolute.
          token_types: int32[B, T]; by default all 0.
        """
        c = self.config
        if tokens.shape[1] > c.max_length:
            raise ValueError(f"BERT: {tokens.shape[1]} tokens, at most {c.max_length}")

        def table(name: str, rows: int, row_axis: str | None) -> Embed:
            init = named(nn.initializers.normal(EMBEDDING_STD), row_axis, "table_embed")
            return Embed(rows, c.width, init, c.jnp_dtype, name=name)

        types = jnp.zeros_like(tokens) if token_types is None else token_types
        x = table("embed", c.vocabulary, "vocab")(tokens)
        x = x + table("token_types", c.token_types, None)(types)
        x = x + table("positions", c.max_length, None)(jnp.arange(tokens.shape[1])[None])
        x = LayerNorm(c.jnp_dtype, epsilon=c.norm_epsilon, name="embed_norm")(x)
        x = nn.with_logical_constraint(Dropout(c.dropout)(x), ACTIVATIONS)
        block = functools.partial(BertBlock, c)
        return Stack(block, c.layers, c.remat, name="blocks")(x, Mask(key_mask=token_mask))
