"""The decoder's trunk: hidden states in, hidden states out, causal, attending to a memory.

Two ways to run the same parameters. `__call__` takes whole sequences (teacher forcing).
`start_cache` and then `step` take one position at a time, with the keys and values of earlier
positions in a cache whose size is fixed until `grow_cache` makes another. Both read the same mask.

Rows may outnumber memories: R = B * G rows, the G rows of a memory side by side (two sequences
about one input, the hypotheses of a beam). They share one memory in attention, which is most of
what a step reads.

Letters: R rows, B memories, G rows a memory, L positions, S positions of a cache, M memory tokens,
D width, H heads, K head width.
"""

import functools
import itertools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import struct
from jaxtyping import Bool, Float, Int

from xojl_jax.nn.attention import Mask, attend, attend_cached
from xojl_jax.nn.attention.block_sparse import write_mean
from xojl_jax.nn.blocks import ACTIVATIONS, Attention
from xojl_jax.nn.config import BlockConfig, DecoderConfig
from xojl_jax.nn.exits import ExitConfidence, skip_if_all
from xojl_jax.nn.feed_forward import make_feed_forward
from xojl_jax.nn.layers import Dropout, LayerNorm
from xojl_jax.nn.positions import POSITION_STD
from xojl_jax.nn.scan import scan_layers
from xojl_jax.nn.tree_places import place_relations

Array = jax.Array

# What a hidden state sees of the others, in whole sequences and in single steps alike.
CAUSAL = Mask(causal=True)
# Positions of the first of `cache_lengths`.
FIRST_LENGTH = 256
# Logical axes of one layer's keys and values in the cache.
CACHE = ("batch", "heads", "length", "head_dim")


class Past(NamedTuple):
    """What one layer keeps of earlier positions.

    Attributes:
      keys, values: [R, H, S, K].
      means: [R, H, N, K], the mean key of each whole block of `key_block` positions; None where no
        blocks are selected.
    """

    keys: Array
    values: Array
    means: Array | None = None


@struct.dataclass
class DecoderCache:
    """What a step needs of the past, and its layers' parameters.

    An array a layer, not one that stacks them: a layer's part of a stacked array would be copied
    out of it at every step.

    Attributes:
      keys, values: for each layer [R, H, S, K], of the rows' own positions, in the compute dtype.
        S is at most max_length, see `grow_cache`.
      memory_keys, memory_values: for each layer [B, H, M, K], written once.
      memory_mask: bool[B, M].
      layers: for each layer its parameters, cut out of the stacked ones, kernels in the compute
        dtype.
      means: for each layer [R, H, N, K], see `Past`; None for each where the config selects no
        blocks.
      places: int32[R, S, 2], where the rows' own positions are in the tree that they write (see
        tree_places.py); None where the config has no `tree_bias`.
      key_block: positions of a block.
    """

    keys: tuple[Array, ...]
    values: tuple[Array, ...]
    memory_keys: tuple[Array, ...]
    memory_values: tuple[Array, ...]
    memory_mask: Array
    layers: tuple[Any, ...]
    means: tuple[Array | None, ...]
    places: Array | None = None
    key_block: int = struct.field(pytree_node=False, default=1)


def reorder_cache(cache: DecoderCache, index: Array) -> DecoderCache:
    """Row r of the cache becomes what row index[r] was, index int32[any multiple of B].

    A row may only take the place of rows of the same memory, since memories stay where they are.
    """
    take = functools.partial(jnp.take, indices=index, axis=0, mode="clip")
    own = (cache.keys, cache.values, cache.places, cache.means)
    keys, values, places, means = jax.tree.map(take, own)
    return cache.replace(keys=keys, values=values, places=places, means=means)


def grow_cache(cache: DecoderCache, positions: int) -> DecoderCache:
    """The same cache with room for so many positions.

    A step reads the whole buffer, written or not. So a loop starts with a small one and goes on
    with larger ones, instead of reading max_length positions from the start.
    """

    def pad(x: Array, axis: int, size: int = positions) -> Array:
        more = size - x.shape[axis]
        return jnp.pad(x, [(0, more if i == axis else 0) for i in range(x.ndim)])

    keys, values = jax.tree.map(functools.partial(pad, axis=2), (cache.keys, cache.values))
    places = jax.tree.map(functools.partial(pad, axis=1), cache.places)
    blocks = functools.partial(pad, axis=2, size=positions // cache.key_block)
    means = jax.tree.map(blocks, cache.means)
    return cache.replace(keys=keys, values=values, places=places, means=means)


def cache_lengths(max_length: int) -> tuple[int, ...]:
    """Sizes of the caches that a loop of steps goes through: doubled until max_length.

    Each is a program of its own to compile, and its steps read at most twice what is written.
    """
    lengths = [min(FIRST_LENGTH, max_length)]
    while lengths[-1] < max_length:
        lengths.append(min(2 * lengths[-1], max_length))
    return tuple(lengths)


class DecoderBlock(nn.Module):
    """Pre-norm block: causal self-attention, attention to the memory, and the feed-forward, each
    added to the residual stream."""

    config: BlockConfig
    emits: bool = False
    relations: int = 0

    def setup(self) -> None:
        c = self.config
        attention = functools.partial(Attention, c.heads, c.head_dim, c.width, dtype=c.jnp_dtype)
        norm = functools.partial(LayerNorm, dtype=c.jnp_dtype)
        self.self_norm, self.self_attention = norm(), attention(relations=self.relations)
        self.memory_norm, self.memory_attention = norm(), attention()
        self.mlp_norm, self.mlp = norm(), make_feed_forward(c)
        self.drop = Dropout(c.dropout)

    def __call__(
        self,
        x: Array,
        memory: Array,
        memory_mask: Array | None,
        self_mask: Mask,
        relations: Array | None = None,
    ) -> tuple[Array, Array | None]:
        """x [R, L, D], memory [B, M, D], memory_mask bool[B, M], self_mask over positions,
        relations int32[R, L, L], each an index into `tree_places.RELATIONS`.

        Returns x after the block, and the same once more if the block `emits`, else None.
        """
        own, other = self.self_attention, self.memory_attention
        attend_block = functools.partial(attend, scale=1.0, block_size=self.config.attention_block)

        h = self.self_norm(x)
        bias = own.bias_of(relations)
        y = attend_block(own.project_query(h), *own.project_memory(h), self_mask, bias=bias)
        x = self._add(x, own.project_out(y))

        # Rows of one memory are queries of one attention: its keys are read once for all of them.
        q = _share(other.project_query(self.memory_norm(x)), memory.shape[0])
        y = attend_block(q, *other.project_memory(memory), Mask(key_mask=memory_mask))
        x = self._add(x, other.project_out(y.reshape(*x.shape[:2], *y.shape[2:])))
        x = self._add(x, self.mlp(self.mlp_norm(x), None))
        return x, x if self.emits else None

    def remember(self, memory: Array) -> tuple[Array, Array]:
        """The memory [B, M, D] as this layer's keys and values [B, H, M, K]."""
        key, value = self.memory_attention.project_memory(memory)
        return key.swapaxes(1, 2), value.swapaxes(1, 2)

    def step(
        self,
        x: Array,
        past: Past,
        memory: tuple[Array, Array],
        position: Array,
        memory_mask: Array,
        self_mask: Mask,
        relations: Array | None = None,
    ) -> tuple[Array, Past]:
        """One position: x [R, 1, D], `past` of earlier positions, `memory` its keys and values,
        relations int32[R, 1, S]. Returns x, and the past with this position.
        """
        own, other = self.self_attention, self.memory_attention
        h = self.self_norm(x)
        past = self._write(h, past, position, self_mask)
        q, bias = own.project_query(h), own.bias_of(relations)
        y = attend_cached(
            q, past.keys, past.values, self_mask, position=position, bias=bias, means=past.means
        )
        x = self._add(x, own.project_out(y))

        q = _share(other.project_query(self.memory_norm(x)), memory_mask.shape[0])
        y = attend_cached(q, *memory, Mask(key_mask=memory_mask))
        x = self._add(x, other.project_out(y.reshape(*x.shape[:2], *y.shape[2:])))
        return self._add(x, self.mlp(self.mlp_norm(x), None)), past

    def write(self, x: Array, past: Past, position: Array, self_mask: Mask) -> Past:
        """The past with the keys and values of x [R, 1, D], as `step` writes them."""
        return self._write(self.self_norm(x), past, position, self_mask)

    def _write(self, h: Array, past: Past, position: Array, self_mask: Mask) -> Past:
        # In place where the cache is a loop's carry.
        write = functools.partial(jax.lax.dynamic_update_slice_in_dim, start_index=position, axis=2)
        new = (part.swapaxes(1, 2) for part in self.self_attention.project_memory(h))
        keys, values = map(write, (past.keys, past.values), new)
        means = past.means
        if means is not None:
            means = write_mean(means, keys, position, self_mask.key_block)
        return Past(keys, values, means)

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
            DecoderBlock, c.layers, remat=c.block.remat, methods={"__call__": nn.broadcast}
        )
        self.blocks = layers(c.block, emits=c.exit_at is not None, relations=c.relations)
        if c.exit_at is not None:
            self.exits = ExitConfidence(c.layers, c.block.width)
        init = nn.with_logical_partitioning(nn.initializers.normal(POSITION_STD), (None, "embed"))
        shape = (c.max_length, c.block.width)
        self.positions = self.param("positions", init, shape, jnp.float32)
        self.norm = LayerNorm(dtype=self.dtype)

    @property
    def self_mask(self) -> Mask:
        """What the config lets a position see of the others."""
        c = self.config
        return Mask(causal=True, window=c.window, top_k=c.top_k, key_block=c.key_block)

    def __call__(
        self,
        x: Float[Array, "R L D"],
        memory: Float[Array, "B M D"],
        memory_mask: Bool[Array, "B M"] | None = None,
        self_mask: Mask | None = None,
        places: Int[Array, "R L 2"] | None = None,
    ) -> Float[Array, "R L D"]:
        """Teacher forcing, over whole sequences.

        Args:
          x: [R, L, D], embedded tokens.
          memory: [B, M, D].
          memory_mask: bool[B, M], False in padding.
          self_mask: which positions each position sees; arrays in it are over L positions. None:
            what the config says.
          places: int32[R, L, 2], with `tree_bias`: where each position is in the tree.

        Returns:
          [R, L, D], hidden states.
        """
        return self._forced(x, memory, memory_mask, self_mask, places)[0]

    def every_layer(
        self,
        x: Float[Array, "R L D"],
        memory: Float[Array, "B M D"],
        memory_mask: Bool[Array, "B M"] | None = None,
        places: Int[Array, "R L 2"] | None = None,
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """As `__call__`, of a decoder with exits: the hidden states [R, L, D] after each layer, and
        for each but the last how sure it is, logits float32[R, L]."""
        layers = self._forced(x, memory, memory_mask, None, places)[1]
        assert layers is not None, "a decoder without exits"
        hidden = tuple(self.norm(layers[i]) for i in range(self.config.layers))
        return hidden, tuple(self.exits(h, i) for i, h in enumerate(hidden[:-1]))

    def _forced(
        self,
        x: Array,
        memory: Array,
        memory_mask: Array | None,
        self_mask: Mask | None,
        places: Array | None,
    ) -> tuple[Array, Array | None]:
        self_mask = self.self_mask if self_mask is None else self_mask
        if x.shape[1] > self.config.max_length:
            raise ValueError(f"decoder: {x.shape[1]} positions, at most {self.config.max_length}")
        x = x.astype(self.dtype) + self.positions[: x.shape[1]].astype(self.dtype)
        x = nn.with_logical_constraint(x, ACTIVATIONS)
        relations = None if places is None else place_relations(places, places)
        x, layers = self.blocks(x, memory.astype(self.dtype), memory_mask, self_mask, relations)
        return self.norm(x), layers

    def start_cache(
        self,
        memory: Float[Array, "B M D"],
        memory_mask: Bool[Array, "B M"] | None = None,
        rows: int | None = None,
        positions: int | None = None,
    ) -> DecoderCache:
        """The cache before position 0: the memory's keys and values, and zeros for positions.

        rows: R, a multiple of B; by default one row a memory.
        positions: S, room for so many; by default max_length.
        """
        c, (batch, length, _) = self.config, memory.shape
        layers = self._cut_layers()
        memory = memory.astype(self.dtype)
        pairs = [
            [
                nn.with_logical_constraint(part, CACHE)
                for part in self._run("remember", layer, memory)
            ]
            for layer in layers
        ]
        memory_keys, memory_values = zip(*pairs, strict=True)
        shape = (rows or batch, c.block.heads, positions or c.max_length, c.block.head_dim)
        own = tuple(nn.with_logical_constraint(jnp.zeros(shape, self.dtype), CACHE) for _ in layers)
        if memory_mask is None:
            # The cache is a loop's carry: what it holds must not depend on the call.
            memory_mask = jnp.ones((batch, length), bool)
        places = jnp.zeros((shape[0], shape[2], 2), jnp.int32) if c.tree_bias else None
        means: tuple[Array | None, ...] = (None,) * len(layers)
        if c.key_block > 1:
            blocks = (*shape[:2], shape[2] // c.key_block, shape[3])
            zeros = nn.with_logical_constraint(jnp.zeros(blocks, self.dtype), CACHE)
            means = (zeros,) * len(layers)
        return DecoderCache(
            *(own, own, memory_keys, memory_values, memory_mask, layers, means, places),
            key_block=c.key_block,
        )

    def step(
        self,
        x: Float[Array, "R D"],
        cache: DecoderCache,
        position: Int[Array, ""],
        self_mask: Mask | None = None,
        place: Int[Array, "R 2"] | None = None,
    ) -> tuple[Float[Array, "R D"], DecoderCache]:
        """One position for every row: x [R, D], position int32[] -> hidden states [R, D] and
        the cache.

        position: less than the S positions that the cache has room for.
        self_mask: as in teacher forcing, but its arrays are over max_length positions. A position
        sees at most itself and earlier ones, whatever the mask says: later ones are not there yet.
        place: int32[R, 2], with `tree_bias`: where the position is in the tree.
        """
        self_mask = self.self_mask if self_mask is None else self_mask
        embedding = jax.lax.dynamic_slice_in_dim(self.positions, position, 1)
        x = x[:, None].astype(self.dtype) + embedding.astype(self.dtype)
        places, relations, written = cache.places, None, []
        if place is not None and places is not None:
            place = place[:, None]
            places = jax.lax.dynamic_update_slice_in_dim(places, place, position, axis=1)
            relations = place_relations(place, places)
        past = itertools.starmap(Past, zip(cache.keys, cache.values, cache.means, strict=True))
        memory = zip(cache.memory_keys, cache.memory_values, strict=True)
        done = jnp.zeros(x.shape[0], bool)
        for number, (layer, own, other) in enumerate(zip(cache.layers, past, memory, strict=True)):
            masks = (cache.memory_mask, self_mask, relations)
            step = functools.partial(self._run, "step", layer, x, own, other, position, *masks)
            if self.config.exit_at is None:
                x, own = step()
            else:
                if number:
                    sure = nn.sigmoid(self.exits(self.norm(x)[:, 0], number - 1))
                    done |= sure > self.config.exit_at
                write = functools.partial(self._run, "write", layer, x, own, position, self_mask)
                x, own = skip_if_all(done, step, write, x)
            written.append(own)
        keys, values, means = zip(*written, strict=True)
        return self.norm(x)[:, 0], cache.replace(
            keys=keys, values=values, places=places, means=means
        )

    def _cut_layers(self) -> tuple[Any, ...]:
        """The parameters of each layer, cut out of the stacked ones."""

        def cast(path: tuple, x: Array) -> Array:
            # Norms compute in float32; what linear maps cast at every call is cast once.
            return x.astype(self.dtype) if path[-1].key == "kernel" else x

        stacked = jax.tree_util.tree_map_with_path(cast, dict(self.blocks.variables["params"]))
        return tuple(jax.tree.map(lambda x, i=i: x[i], stacked) for i in range(self.config.layers))

    def _run(self, method: str, layer: Any, *arguments: Any) -> Any:
        """A method of one block, given that layer's parameters."""
        block = DecoderBlock(self.config.block, relations=self.config.relations, parent=None)
        return block.apply({"params": layer}, *arguments, method=method)


def _share(q: Array, memories: int) -> Array:
    """Queries [R, L, H, K] of the rows of one memory, side by side: [B, G * L, H, K]."""
    return q.reshape(memories, -1, *q.shape[2:])
