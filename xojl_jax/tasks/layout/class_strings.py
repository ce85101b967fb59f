"""The classes of an HTML node as one vector, read as strings: by hashes, or in subword pieces.

Neither knows the grammar of classes, so both work with class names of any make.

B batch, T HTML nodes, C classes per node, D width.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax.typing import DTypeLike

from xojl_jax.nn.layers import EinsumDense
from xojl_jax.tasks.layout.class_composer import COMPOSITIONS, class_width
from xojl_jax.tasks.layout.class_inputs import MAX_PIECES
from xojl_jax.tasks.layout.tables import IDENTITY_STD, table

Array = jax.Array

HASHES = 3
# Rows of the shared table and of the weights' table, as powers of two.
BUCKET_BITS, WEIGHT_BITS = 11, 14
# Odd multipliers of the hash functions (primes of xxHash); the last one is that of the weights.
# Learned rows depend on them: they never change.
_MULTIPLIERS = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F], np.uint32)


class HashedClasses(nn.Module):
    """Hash embeddings (Svenstrup, Hansen and Winther 2017): a class is the sum of a few rows of one
    shared table, each with a learned weight. int32[B, T, C] -> [B, T, D].

    Two classes are the same only where all hashes meet, so that a table of 2,048 rows tells
    millions of names apart, and there is no dictionary.
    """

    width: int
    dtype: DTypeLike = jnp.float32
    composition: str = "attention"

    @nn.compact
    def __call__(self, hashes: Array, classes: Array, mask: Array) -> Array:
        """hashes: int32[B, T, C] of the strings. classes: int32[B, T, C, 5], of which device and
        pseudo-class count. mask: bool[B, T, C]."""
        inner = class_width(self.width)
        rows = jnp.stack([bucket(hashes, i, BUCKET_BITS) for i in range(HASHES)], -1)
        vectors = table(1 << BUCKET_BITS, inner, self.dtype, "buckets", IDENTITY_STD)(rows)
        weights = table(1 << WEIGHT_BITS, HASHES, self.dtype, "weights", HASHES**-0.5)
        weight = weights(bucket(hashes, HASHES, WEIGHT_BITS))
        x = jnp.einsum("btch,btchi->btci", weight, vectors)
        return _node(x, classes, mask, self.width, self.dtype, self.composition)


class PieceClasses(nn.Module):
    """Subword pieces: int32[B, T, C, MAX_PIECES], 0 for none -> [B, T, D].

    A piece has a row of a table, and one for its place in the class. By attention, a learned score
    says how much each piece counts; as a sum, all count alike.
    """

    width: int
    size: int
    dtype: DTypeLike = jnp.float32
    composition: str = "attention"

    @nn.compact
    def __call__(self, pieces: Array, classes: Array, mask: Array) -> Array:
        """classes: int32[B, T, C, 5], of which device and pseudo-class count."""
        inner = class_width(self.width)
        places = table(MAX_PIECES, inner, self.dtype, "place", IDENTITY_STD)
        x = table(self.size, inner, self.dtype, "piece", IDENTITY_STD)(pieces)
        x = x + places(jnp.arange(MAX_PIECES))
        real = pieces > 0
        if self.composition == "sum":
            weight = real.astype(jnp.float32)
            weight = weight / jnp.sqrt(jnp.maximum(weight.sum(-1, keepdims=True), 1))
        else:
            scores = EinsumDense((1,), ("table_embed", "mlp"), dtype=self.dtype, name="piece_score")
            score = jnp.where(real, scores(x)[..., 0].astype(jnp.float32), -jnp.inf)
            # Padding has no piece at all, and a softmax over nothing is no number.
            score = jnp.where(real.any(-1, keepdims=True), score, 0.0)
            weight = jnp.where(real, jax.nn.softmax(score, -1), 0.0)
        x = jnp.einsum("btcp,btcpi->btci", weight.astype(self.dtype), x)
        return _node(x, classes, mask, self.width, self.dtype, self.composition)


def bucket(hashes: Array, function: int, bits: int) -> Array:
    """int32[...] -> int32[...] in [0, 2^bits): multiply-shift hashing (Dietzfelbinger et al. 1997)
    of hashed strings by hash function number `function`."""
    product = jax.lax.bitcast_convert_type(hashes, jnp.uint32) * _MULTIPLIERS[function]
    return (product >> np.uint32(32 - bits)).astype(jnp.int32)


def _node(
    x: Array, classes: Array, mask: Array, width: int, dtype: DTypeLike, composition: str
) -> Array:
    """Classes [B, T, C, I] -> [B, T, D], as the composed ones are put together."""
    pooled = COMPOSITIONS[composition](x, classes[..., 0], classes[..., 1], mask, dtype)
    return EinsumDense((width,), ("table_embed", "embed"), dtype=dtype, name="out")(pooled)


def string_flops(nodes: int, classes: int, width: int) -> float:
    """Forward FLOPs, without look-ups: the sum over pieces or hashes, and the node's vector."""
    inner = class_width(width)
    return nodes * (classes * 2.0 * MAX_PIECES * inner + 2.0 * 3 * inner * width)
