"""Multi-head attention as a module, and the encoder block."""

import functools
import math

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Float, Int

from xojl_jax.nn.attention import BiasSum, ChannelBias, Mask, TokenTypeBias, attend, relation_bias
from xojl_jax.nn.config import BlockConfig
from xojl_jax.nn.feed_forward import Parts, make_feed_forward
from xojl_jax.nn.layers import Dropout, EinsumDense, LayerNorm, named

Array = jax.Array

# Logical axes of the residual stream [B, T, D].
ACTIVATIONS = ("batch", "length", "embed")


class Attention(nn.Module):
    """Multi-head attention of x to itself or to a memory: [B, Tq, D] (and [B, S, D]) -> [B, Tq, D].

    The steps have names of their own, so that a decoder with a cache runs the same parameters piece
    by piece: `project_query` -> `project_memory` -> `attend` (the function) -> `project_out`.
    Queries come out scaled, so that `attend` is called with scale=1. With `temperature` the scale
    is learned per head, and starts at the usual 1/sqrt(K): this and `Mask(exclude_self=True)` are
    locality self-attention. With `relations`, so many kinds of pairs have a bias per head.
    """

    heads: int
    head_dim: int
    width: int
    temperature: bool = False
    block_size: int = 512
    relations: int = 0
    dtype: DTypeLike = jnp.float32

    def setup(self) -> None:
        into_heads = functools.partial(
            EinsumDense,
            (self.heads, self.head_dim),
            ("embed", "heads", "head_dim"),
            dtype=self.dtype,
        )
        self.query, self.key, self.value = into_heads(), into_heads(), into_heads()
        self.out = EinsumDense((self.width,), ("heads", "head_dim", "embed"), dtype=self.dtype)
        if self.temperature:
            # As a logarithm it stays positive under any step of the optimizer.
            init = nn.initializers.constant(math.log(math.sqrt(self.head_dim)))
            self.log_temperature = self.param(
                "log_temperature", named(init, "heads"), (self.heads,), jnp.float32
            )
        if self.relations:
            init = named(nn.initializers.zeros, None, "heads")
            shape = (self.relations, self.heads)
            self.relation_strength = self.param("relations", init, shape, jnp.float32)

    def project_query(self, x: Float[Array, "B Tq D"]) -> Float[Array, "B Tq H K"]:
        """[B, Tq, D] -> scaled queries [B, Tq, H, K]."""
        q = self.query(x)
        if not self.temperature:
            return q * (1 / math.sqrt(self.head_dim))
        # In float32: a temperature learns in steps that bfloat16 would round away.
        return (q.astype(jnp.float32) * jnp.exp(-self.log_temperature)[:, None]).astype(self.dtype)

    def project_memory(
        self, memory: Float[Array, "B S D"]
    ) -> tuple[Float[Array, "B S H K"], Float[Array, "B S H K"]]:
        """[B, S, D] -> keys and values, each [B, S, H, K]."""
        return self.key(memory), self.value(memory)

    def bias_of(self, relations: Int[Array, "B Tq S"] | None) -> Float[Array, "B H Tq S"] | None:
        """The bias of pairs by their relation, int32[B, Tq, S], in the compute dtype; None for
        None."""
        if relations is None:
            return None
        return relation_bias(relations, self.relation_strength.astype(self.dtype))

    def project_out(self, y: Float[Array, "B Tq H K"]) -> Float[Array, "B Tq D"]:
        """[B, Tq, H, K] -> [B, Tq, D]."""
        return self.out(y)

    def __call__(
        self,
        x: Float[Array, "B Tq D"],
        mask: Mask | None = None,
        memory: Float[Array, "B S D"] | None = None,
        bias: Float[Array, "#B #H Tq S"] | TokenTypeBias | ChannelBias | BiasSum | None = None,
    ) -> Float[Array, "B Tq D"]:
        q = self.project_query(x)
        k, v = self.project_memory(x if memory is None else memory)
        y = attend(q, k, v, mask, bias=bias, scale=1.0, block_size=self.block_size)
        return self.project_out(y)


class EncoderBlock(nn.Module):
    """Pre-norm block: self-attention, then the feed-forward, each added to the residual stream."""

    config: BlockConfig
    temperature: bool = False

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "B T D"],
        mask: Mask | None = None,
        bias: Float[Array, "#B #H T T"] | TokenTypeBias | ChannelBias | BiasSum | None = None,
        modality: Int[Array, "B T"] | Parts | None = None,
    ) -> Float[Array, "B T D"]:
        """x [B, T, D] -> [B, T, D]. modality: what the feed-forward may go by."""
        c = self.config
        norm = functools.partial(LayerNorm, c.jnp_dtype)
        x = nn.with_logical_constraint(x, ACTIVATIONS)
        attention = Attention(
            c.heads,
            c.head_dim,
            c.width,
            temperature=self.temperature,
            block_size=c.attention_block,
            dtype=c.jnp_dtype,
            name="attention",
        )
        y = attention(norm(name="attention_norm")(x), mask, bias=bias)
        x = x + Dropout(c.dropout)(y).astype(x.dtype)
        # Said again: without it, the partitioner may keep the attention's layout, split by heads.
        x = nn.with_logical_constraint(x, ACTIVATIONS)
        y = make_feed_forward(c, "feed_forward")(norm(name="feed_forward_norm")(x), modality)
        return x + Dropout(c.dropout)(y).astype(x.dtype)
