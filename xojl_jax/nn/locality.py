"""Attention warm-up: at first a patch attends mostly to its neighbors, later to all.

To the scores of patches, -strength / 2 * distance**2 on their grid is added: the quadratic
positional attention that ConViT starts from (d'Ascoli et al. 2021). Here nothing of it is learned,
and the strength falls to 0 over the first steps of training. It is a bias of low rank: no array of
the size of the scores is made.

Letters: B batch, N patches, T all tokens, k channels.
"""

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Float, Int

from xojl_jax.nn.attention import ChannelBias

Array = jax.Array

# Standard deviation in patches of what a patch attends to at step 0.
REACH = 2.0


def locality_strength(step: Int[Array, ""], steps: int) -> Float[Array, ""]:
    """float32[]: falls from 1 / REACH**2 at step 0 linearly to 0 at step `steps`."""
    left = jnp.clip(1 - step.astype(jnp.float32) / steps, 0, 1)
    return left / REACH**2


def locality_bias(
    strength: Float[Array, ""],
    grid: tuple[int, int],
    *,
    kept: Int[Array, "B k"] | None = None,
    before: int = 0,
    after: int = 0,
    dtype: DTypeLike = jnp.float32,
) -> ChannelBias:
    """The bias between the patches of a grid, 0 wherever one of the two tokens is no patch.

    Args:
      strength: float32[], of `locality_strength`.
      grid: rows and columns of patches, up to 256 of each.
      kept: int32[B, k], the patches that are there; None: all.
      before, after: other tokens in front of the patches, and behind them.
      dtype: of queries and keys; each channel is a pair of numbers where one would be rounded.

    Returns:
      Channels [1 or B, before + patches + after, 1, 8].
    """
    rows, columns = (jnp.arange(n, dtype=jnp.float32) - (n - 1) / 2 for n in grid)
    # From the middle: halves up to 127.5 are exact in bfloat16, which the query's channels rely on.
    row, column = jnp.repeat(rows, grid[1])[None], jnp.tile(columns, grid[0])[None]
    if kept is not None:
        row, column = row[0][kept], column[0][kept]
    one = jnp.ones_like(row)
    # -s/2 |q - k|**2 = s q k - s/2 |q|**2 - s/2 |k|**2, and each product is a channel.
    own = _pair(-strength / 2 * (row**2 + column**2), dtype)
    query = [row, row, column, column, one, one, *own]
    key = [*_pair(strength * row, dtype), *_pair(strength * column, dtype), *own, one, one]

    def channels(parts: list[Array]) -> Array:
        x = jnp.stack(parts, axis=-1)
        return jnp.pad(x, ((0, 0), (before, after), (0, 0)))[:, :, None]

    return ChannelBias(channels(query), channels(key))


def _pair(x: Array, dtype: DTypeLike) -> tuple[Array, Array]:
    """Two numbers of `dtype` (in float32) whose sum is x, but for the square of its rounding."""
    info = jnp.finfo(dtype)
    # Not two casts: XLA may leave a cast there and back out.
    high = jax.lax.reduce_precision(x, min(info.nexp, 8), min(info.nmant, 23))
    return high, x - high
