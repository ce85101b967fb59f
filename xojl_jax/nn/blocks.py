"""Multi-head attention as a module, and the encoder block."""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import struct
from jax.typing import DTypeLike
from jaxtyping import Float, Int

from xojl_jax.nn.attention import Bias, Mask, add_bias, attend, relation_bias
from xojl_jax.nn.config import BlockConfig
from xojl_jax.nn.feed_forward import Parts, make_feed_forward
from xojl_jax.nn.layers import Dropout, DropPath, EinsumDense, LayerNorm, named

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
    `init_std` and `shrink` are those of `EinsumDense`; the output alone is shrunk.
    """

    heads: int
    head_dim: int
    width: int
    temperature: bool = False
    block_size: int = 512
    relations: int = 0
    dtype: DTypeLike = jnp.float32
    key_bias: bool = True
    init_std: float = 0.0
    shrink: Any = None

    def setup(self) -> None:
        dense = functools.partial(EinsumDense, dtype=self.dtype, init_std=self.init_std)
        into_heads = functools.partial(
            dense, (self.heads, self.head_dim), ("embed", "heads", "head_dim")
        )
        self.query, self.value = into_heads(), into_heads()
        self.key = into_heads(use_bias=self.key_bias)
        self.out = dense((self.width,), ("heads", "head_dim", "embed"), shrink=self.shrink)
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
        bias: Float[Array, "#B #H Tq S"] | Bias | None = None,
    ) -> Float[Array, "B Tq D"]:
        q = self.project_query(x)
        k, v = self.project_memory(x if memory is None else memory)
        y = attend(q, k, v, mask, bias=bias, scale=1.0, block_size=self.block_size)
        return self.project_out(y)


@struct.dataclass
class Depth:
    """Which layer a block is.

    Attributes:
      number: float32[], from 1.
      layers: of the tower.
    """

    number: Array
    layers: int = struct.field(pytree_node=False)


def depths(layers: int) -> Depth:
    """Those of all blocks of a tower, `number` float32[layers]."""
    return Depth(1 + jnp.arange(layers, dtype=jnp.float32), layers)


class EncoderBlock(nn.Module):
    """Pre-norm block: self-attention, then the feed-forward, each added to the residual stream.

    Attributes:
      own_bias: a factory of a module without inputs that gives what this block alone adds to the
        scores of its attention; None: nothing.
    """

    config: BlockConfig
    temperature: bool = False
    own_bias: Callable[..., nn.Module] | None = None

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "B T D"],
        mask: Mask | None = None,
        bias: Float[Array, "#B #H T T"] | Bias | None = None,
        modality: Int[Array, "B T"] | Parts | None = None,
        depth: Depth | None = None,
    ) -> Float[Array, "B T D"]:
        """x [B, T, D] -> [B, T, D]. modality: what the feed-forward may go by. depth: needed where
        `config.by_depth`."""
        c = self.config
        if c.by_depth and depth is None:
            raise ValueError("drop_path and depth_init go by the depth of a block: give it")
        # As BEiT starts (Bao et al. 2022).
        shrink = jnp.sqrt(2.0 * depth.number) if depth is not None and c.depth_init else None
        norm = functools.partial(LayerNorm, c.jnp_dtype, epsilon=c.norm_epsilon)
        if self.own_bias is not None:
            bias = add_bias(bias, self.own_bias(name="own_bias")())
        x = nn.with_logical_constraint(x, ACTIVATIONS)
        attention = Attention(
            c.heads,
            c.head_dim,
            c.width,
            temperature=self.temperature,
            block_size=c.attention_block,
            dtype=c.jnp_dtype,
            key_bias=c.key_bias,
            init_std=c.init_std,
            shrink=shrink,
            name="attention",
        )
        y = attention(norm(name="attention_norm")(x), mask, bias=bias)
        x = x + self._branch("attention", y, depth).astype(x.dtype)
        # Said again: without it, the partitioner may keep the attention's layout, split by heads.
        x = nn.with_logical_constraint(x, ACTIVATIONS)
        feed_forward = make_feed_forward(c, "feed_forward", shrink)
        y = feed_forward(norm(name="feed_forward_norm")(x), modality)
        return x + self._branch("feed_forward", y, depth).astype(x.dtype)

    def _branch(self, name: str, y: Array, depth: Depth | None) -> Array:
        """What is added to the residual stream of the result [B, T, D] of a part of the block."""
        c = self.config
        y = Dropout(c.dropout)(y)
        if c.layer_scale:
            init = named(nn.initializers.constant(c.layer_scale), "embed")
            y = y * self.param(f"{name}_scale", init, (c.width,), jnp.float32).astype(y.dtype)
        if c.drop_path and depth is not None:
            share = (depth.number - 1) / max(depth.layers - 1, 1)
            y = DropPath()(y, c.drop_path * share)
        return y
