"""Biases of the scores that need no array of their size: they enter through channels, or are made
block by block (grid_bias.py)."""

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Float, Int

from xojl_jax.nn.attention.grid_bias import GridBias

Array = jax.Array


@struct.dataclass
class TokenTypeBias:
    """A bias that depends on the types of the two tokens alone.

    It enters through C more channels of q and k: exact, and differentiable.

    Attributes:
      table: float[H or 1, C, C], what is added to the score of a query of type a and a key of type
        b at [:, a, b].
      query_types: int32[Tq].
      key_types: int32[S].
    """

    table: Array
    query_types: Array
    key_types: Array

    def as_channels(self, q: Array, k: Array, scale: float) -> tuple[Array, Array]:
        """q and k with C more channels, whose product times the scale is the bias."""
        per_query = (self.table / scale).astype(q.dtype)[:, self.query_types].swapaxes(0, 1)
        # q' k' = q k + (table[a] / scale) . onehot(b): the scale that follows cancels.
        per_key = jax.nn.one_hot(self.key_types, self.table.shape[-1], dtype=k.dtype)[:, None]
        return _widen(q, per_query), _widen(k, per_key)

    def as_matrix(self) -> Array:
        """float[1, H or 1, Tq, S], the array that `as_channels` avoids."""
        return self.table[:, self.query_types][:, :, self.key_types][None]


@struct.dataclass
class ChannelBias:
    """A bias that is a product of something of the query's token and something of the key's, of
    low rank: where the two are, say. Exact, and differentiable.

    Attributes:
      query: float[B or 1, Tq, H, k]; the bias of a query and a key is the sum over the k channels
        of query times key.
      key: float[B or 1, S, H, k].
    """

    query: Array
    key: Array

    def as_channels(self, q: Array, k: Array, scale: float) -> tuple[Array, Array]:
        """q and k with k more channels, whose product times the scale is the bias."""
        return _widen(q, (self.query / scale).astype(q.dtype)), _widen(k, self.key.astype(k.dtype))

    def as_matrix(self) -> Array:
        """float[B or 1, H, Tq, S], the array that `as_channels` avoids."""
        return jnp.einsum("bqhk,bshk->bhqs", self.query, self.key)


@struct.dataclass
class BiasSum:
    """The sum of biases.

    Attributes:
      parts: of the kinds above, and at most one `GridBias` or array.
    """

    parts: tuple[TokenTypeBias | ChannelBias | GridBias | Array, ...]

    def as_matrix(self) -> Array:
        """float[B or 1, H or 1, Tq, S], the array that `as_channels` avoids."""
        first, *others = (x if isinstance(x, Array) else x.as_matrix() for x in self.parts)
        return sum(others, first)


# What `attend` takes beside an array.
Bias = TokenTypeBias | ChannelBias | GridBias | BiasSum


def add_bias(bias: Array | Bias | None, other: TokenTypeBias | ChannelBias | GridBias) -> Bias:
    """The sum of both."""
    if bias is None:
        return other
    return BiasSum((*(bias.parts if isinstance(bias, BiasSum) else (bias,)), other))


def enter_channels(
    bias: Array | Bias | None, q: Array, k: Array, scale: float
) -> tuple[Array, Array, Array | GridBias | None]:
    """q and k with the channels of every bias that has some, and the bias that is left to add."""
    left = []
    for part in bias.parts if isinstance(bias, BiasSum) else (bias,):
        if isinstance(part, TokenTypeBias | ChannelBias):
            q, k = part.as_channels(q, k, scale)
        elif part is not None:
            left.append(part)
    if len(left) > 1:
        raise ValueError("attention: a sum of biases has at most one without channels")
    return q, k, left[0] if left else None


def relation_bias(
    relations: Int[Array, "B Tq S"], strength: Float[Array, "R H"]
) -> Float[Array, "B H Tq S"]:
    """The bias of pairs of tokens by how they are related: [B, H, Tq, S], in the dtype of
    `strength`.

    Args:
      relations: int32[B, Tq, S], which of R relations a key's token has to the query's.
      strength: [R, H], what that adds to the scores of each head.
    """
    # A product with the one-hot form: its gradient is a product, too, instead of a scatter.
    one_hot = jax.nn.one_hot(relations, strength.shape[0], dtype=strength.dtype)
    return jnp.einsum("bijr,rh->bhij", one_hot, strength)


def _widen(x: Array, channels: Array) -> Array:
    channels = jnp.broadcast_to(channels, (*x.shape[:-1], channels.shape[-1]))
    return jnp.concatenate([x, channels], axis=-1)
