"""The decoder's trunk: hidden states in, hidden states out, causal, attending to a memory.

Two ways to run the same parameters. `__call__` takes whole sequences (teacher forcing).
`start_cache` and then `step` take one position at a time; the keys and values of earlier positions
are in a cache of fixed size, so a step costs the same at any position and never compiles again.
Both read the same mask.

Rows may outnumber memories: R = B * G rows, the G rows of a memory side by side (two sequences
about one input, the hypotheses of a beam). They share one memory in attention, which is most of
what a step reads.

Letters: R rows, B memories, G rows a memory, L positions, M memory tokens, D width, H heads, K
head width.
"""

import functools

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import struct
from jaxtyping import Bool, Float, Int

from xojl_jax.nn.attention import Mask, attend, attend_cached
from xojl_jax.nn.blocks import ACTIVATIONS, Attention
from xojl_jax.nn.config import BlockConfig, DecoderConfig
from xojl_jax.nn.feed_forward import make_feed_forward
from xojl_jax.nn.layers import Dropout, LayerNorm
from xojl_jax.nn.positions import POSITION_STD
from xojl_jax.nn.scan import scan_layers

Array = jax.Array

# What a hidden state sees of the others, in whole sequences and in single steps alike.
CAUSAL = Mask(causal=True)
# Logical axes of keys and values in the cache.
CACHE = ("layers", "batch", "length", "heads", "head_dim")


@struct.dataclass
class DecoderCache:
    """What a step needs of the past, allocated once.

    keys, values: [layers, R, max_length, H, K] of the rows' own positions, in the compute dtype.
    memory_keys, memory_values: [layers, B, M, H, K], written once. memory_mask: bool[B, M].
    """

    keys: Array
    values: Array
    memory_keys: Array
    memory_values: Array
    memory_mask: Array


def reorder_cache(cache: DecoderCache, index: Array) -> DecoderCache:
    """Row r of the cache becomes what row index[r] was, index int32[any multiple of B].

    A row may only take the place of rows of the same memory, since memories stay where they are.
    """
    take = functools.partial(jnp.take, indices=index, axis=1, mode="clip")
    return cache.replace(keys=take(cache.keys), values=take(cache.values))


class DecoderBlock(nn.Module):
    """Pre-norm block: causal self-attention, attention to the memory, and the feed-forward, each
    added to the residual stream."""

    config: BlockConfig

    def setup(self) -> None:
        c = self.config
        attention = functools.partial(Attention, c.heads, c.head_dim, c.width, dtype=c.jnp_dtype)
        norm = functools.partial(LayerNorm, dtype=c.jnp_dtype)
        self.self_norm, self.self_attention = norm(), attention()
        self.memory_norm, self.memory_attention = norm(), attention()
        self.mlp_norm, self.mlp = norm(), make_feed_forward(c)
        self.drop = Dropout(c.dropout)

    def __call__(
        self, x: Array, memory: Array, memory_mask: Array | None, self_mask: Mask
    ) -> tuple[Array, None]:
        """x [R, L, D], memory [B, M, D], memory_mask bool[B, M], self_mask over positions."""
        own, other = self.self_attention, self.memory_attention
        attend_block = functools.partial(attend, scale=1.0, block_size=self.config.attention_block)

        h = self.self_norm(x)
        y = attend_block(own.project_query(h), *own.project_memory(h), self_mask)
        x = self._add(x, own.project_out(y))

        # Rows of one memory are queries of one attention: its keys are read once for all of them.
        q = _share(other.project_query(self.memory_norm(x)), memory.shape[0])
        y = attend_block(q, *other.project_memory(memory), Mask(key_mask=memory_mask))
        x = self._add(x, other.project_out(y.reshape(*x.shape[:2], *y.shape[2:])))
        return self._add(x, self.mlp(self.mlp_norm(x), None)), None

    def remember(self, carry: tuple, memory: Array) -> tuple[tuple, tuple[Array, Array]]:
        """The memory [B, M, D] as this layer's keys and values [B, M, H, K]."""
        return carry, self.memory_attention.project_memory(memory)

    def step(
        self,
        x: Array,
        past: tuple[Array, ...],
        position: Array,
        memory_mask: Array,
        self_mask: Mask,
    ) -> tuple[Array, tuple[Array, Array]]:
        """One position: x [R, 1, D], past (keys, values, memory_keys, memory_values) of this layer.

        Returns this position's key and value [R, 1, H, K] instead of writing them: a cache that
        goes through a scan is copied as a whole, layer by layer.
        """
        own, other = self.self_attention, self.memory_attention
        keys, values, memory_keys, memory_values = past

        h = self.self_norm(x)
        # Not in the cache yet: its slot is written after all layers, so it is passed beside.
        new = own.project_memory(h)
        q = own.project_query(h)
        y = attend_cached(q, keys, values, self_mask, position=position, new=new)
        x = self._add(x, own.project_out(y))

        q = _share(other.project_query(self.memory_norm(x)), memory_keys.shape[0])
        y = attend_cached(q, memory_keys, memory_values, Mask(key_mask=memory_mask))
        x = self._add(x, other.project_out(y.reshape(*x.shape[:2], *y.shape[2:])))
        return self._add(x, self.mlp(self.mlp_norm(x), None)), new

    def _add(self, x: Array, y: Array) -> Array:
        return nn.with_logical_constraint(x + self.drop(y).astype(x.dtype), ACTIVATIONS)


class Decoder(nn.Module):
    """Embedded tokens [R, L, D] and a memory [B, M, D] -> hidden states [R, L, D], normalized.

    Adds learned positions, up to max_length. Embedding tokens and scoring hidden states is the
    task's work.
    """

    config: DecoderConfig

    def setup(self) -> None:
        c = self.config
        self.dtype = c.block.jnp_dtype
        layers = scan_layers(
            DecoderBlock,
            c.layers,
            remat=c.block.remat,
            methods={
                "__call__": nn.broadcast,
                "remember": nn.broadcast,
                # Each layer has its own slice of the past; all else is the same for all.
                "step": (0, nn.broadcast, nn.broadcast, nn.broadcast),
            },
        )
        self.blocks = layers(c.block)
        init = nn.with_logical_partitioning(nn.initializers.normal(POSITION_STD), (None, "embed"))
        shape = (c.max_length, c.block.width)
        self.positions = self.param("positions", init, shape, jnp.float32)
        self.norm = LayerNorm(dtype=self.dtype)

    def __call__(
        self,
        x: Float[Array, "R L D"],
        memory: Float[Array, "B M D"],
        memory_mask: Bool[Array, "B M"] | None = None,
        self_mask: Mask = CAUSAL,
    ) -> Float[Array, "R L D"]:
        """Teacher forcing, over whole sequences.

        Args:
          x: [R, L, D], embedded tokens.
          memory: [B, M, D].
          memory_mask: bool[B, M], False in padding.
          self_mask: which positions each position sees; arrays in it are over L positions.

        Returns:
          [R, L, D], hidden states.
        """
        if x.shape[1] > self.config.max_length:
            raise ValueError(f"decoder: {x.shape[1]} positions, at most {self.config.max_length}")
        x = x.astype(self.dtype) + self.positions[: x.shape[1]].astype(self.dtype)
        x = nn.with_logical_constraint(x, ACTIVATIONS)
        x, _ = self.blocks(x, memory.astype(self.dtype), memory_mask, self_mask)
        return self.norm(x)

    def start_cache(
        self,
        memory: Float[Array, "B M D"],
        memory_mask: Bool[Array, "B M"] | None = None,
        rows: int | None = None,
    ) -> DecoderCache:
        """The cache before position 0: the memory's keys and values, and zeros for
        max_length positions.

        rows: R, a multiple of B; by default one row a memory.
        """
        batch, length, _ = memory.shape
        _, (memory_keys, memory_values) = self.blocks.remember((), memory.astype(self.dtype))
        heads = memory_keys.shape[-2:]
        own = jnp.zeros(
            (self.config.layers, rows or batch, self.config.max_length, *heads), self.dtype
        )
        if memory_mask is None:
            # The cache is a loop's carry: what it holds must not depend on the call.
            memory_mask = jnp.ones((batch, length), bool)
        own, memory_keys, memory_values = (
            nn.with_logical_constraint(part, CACHE) for part in (own, memory_keys, memory_values)
        )
        return DecoderCache(own, own, memory_keys, memory_values, memory_mask)

    def step(
        self,
        x: Float[Array, "R D"],
        cache: DecoderCache,
        position: Int[Array, ""],
        self_mask: Mask = CAUSAL,
    ) -> tuple[Float[Array, "R D"], DecoderCache]:
        """One position for every row: x [R, D], position int32[] -> hidden states [R, D] and
        the cache.

        self_mask: as in teacher forcing, but its arrays are over max_length positions. A position
        sees at most itself and earlier ones, whatever the mask says: later ones are not there yet.
        """
        embedding = jax.lax.dynamic_slice_in_dim(self.positions, position, 1)
        x = x[:, None].astype(self.dtype) + embedding.astype(self.dtype)
        past = (cache.keys, cache.values, cache.memory_keys, cache.memory_values)
        x, (keys, values) = self.blocks.step(x, past, position, cache.memory_mask, self_mask)
        # The one write of all layers, in place where the cache is a loop's carry.
        write = functools.partial(jax.lax.dynamic_update_slice_in_dim, start_index=position, axis=2)
        cache = cache.replace(keys=write(cache.keys, keys), values=write(cache.values, values))
        return self.norm(x)[:, 0], cache


def _share(q: Array, memories: int) -> Array:
    """Queries [R, L, H, K] of the rows of one memory, side by side: [B, G * L, H, K]."""
    return q.reshape(memories, -1, *q.shape[2:])
