"""Causal attention to a window, and beyond it to the few blocks of keys whose means fit best.

Blocks of neighboring keys are chosen for every query and head by the product of the query with the
block's mean key, as in MoBA (Lu et al. 2025, arXiv 2502.13189); Quest (Tang et al. 2024, arXiv
2406.10774) and NSA (Yuan et al. 2025, arXiv 2502.11089) choose blocks, too, by other summaries. Of
the keys beyond the window only those in chosen blocks are read, so that a query's work is that of
`window + top_k` keys, and of one mean for each block. What is chosen has no gradient.

Letters: B batch, R queries, S keys, H heads, K head width, N blocks of keys, C keys in reach of the
window. Scores, softmax and sums are float32 (float64 for float64 inputs).
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from xojl_jax.nn.attention.bias import Bias
from xojl_jax.nn.attention.mask import Mask
from xojl_jax.nn.attention.precision import accumulation_dtype, masked_score
from xojl_jax.nn.chunks import map_positions

Array = jax.Array

# Rows of queries that are worked on at once: their chosen keys are copies, one set for each query.
ROWS = 128


def supports(q: Array, k: Array, v: Array, mask: Mask, bias) -> str | None:
    """None, or why not."""
    if mask.top_k is None or mask.key_block == 1:
        return "the mask selects no blocks of keys"
    if bias is not None:
        return "it has no bias"
    plain = mask.key_mask is None and mask.order is None and mask.segments is None
    if not (plain and mask.causal) or mask.exclude_self or mask.window_prefix:
        return "blocks of keys are selected under a causal mask alone"
    return None


def attend(
    q: Array,
    k: Array,
    v: Array,
    mask: Mask,
    *,
    bias: Array | Bias | None,
    scale: float,
    block_size: int,
) -> Array:
    """See `attend.attend`."""
    length, reach = k.shape[1], min(_window(mask), k.shape[1])
    keys, values = k.swapaxes(1, 2), v.swapaxes(1, 2)
    means = block_means(keys, mask.key_block)

    def ahead(x: Array) -> Array:  # so that no block of rows is cut short on either side
        return jnp.pad(x, ((0, 0), (0, 0), (reach, ROWS), (0, 0)))

    padded = ahead(keys), ahead(values)

    def some(inputs: tuple[Array, Array]) -> Array:
        """Some rows of queries and their numbers, the same for all B -> [B, rows, H, K]."""
        q, rows = inputs[0].swapaxes(1, 2), inputs[1][0]
        width = reach + len(rows)
        columns = rows[0] - reach + jnp.arange(width, dtype=jnp.int32)
        cut = functools.partial(jax.lax.dynamic_slice_in_dim, axis=2)
        band = cut(padded[0], rows[0], width), cut(padded[1], rows[0], width)
        y = attend_rows(q * scale, rows, band, columns, (keys, values), means, mask)
        return y.swapaxes(1, 2)

    rows = jnp.broadcast_to(jnp.arange(length, dtype=jnp.int32), q.shape[:2])
    return map_positions(some, (q, rows), ROWS)


def attend_step(
    q: Float[Array, "B 1 H K"],
    keys: Float[Array, "B H S K"],
    values: Float[Array, "B H S K"],
    means: Float[Array, "B H N K"],
    mask: Mask,
    position: Int[Array, ""],
) -> Float[Array, "B 1 H K"]:
    """The query at one position of a buffer, scaled, over what is written up to there.

    means: of the buffer's blocks; those of blocks that are not yet full do not matter.
    """
    width = min(_window(mask) + 1, keys.shape[2])
    first = jnp.clip(position - (width - 1), 0, keys.shape[2] - width)
    columns = first + jnp.arange(width, dtype=jnp.int32)
    cut = functools.partial(jax.lax.dynamic_slice_in_dim, axis=2)
    band = cut(keys, first, width), cut(values, first, width)
    q, rows = q.swapaxes(1, 2), position[None]
    return attend_rows(q, rows, band, columns, (keys, values), means, mask).swapaxes(1, 2)


def block_means(keys: Float[Array, "B H S K"], size: int) -> Float[Array, "B H N K"]:
    """The mean key of each whole block. A block that the sequence cuts short is never chosen: its
    keys are in the window of every query that sees them."""
    return _in_blocks(keys, size).mean(3)


def write_mean(
    means: Float[Array, "B H N K"],
    keys: Float[Array, "B H S K"],
    position: Int[Array, ""],
    size: int,
) -> Float[Array, "B H N K"]:
    """The means of a buffer's blocks once a key is written at a position.

    Of the block of that position, which is read again: no sum runs on, so that a position may be
    written twice. Until the block is full its mean is of whatever was there, and it is not chosen.
    """
    if not means.shape[2]:
        return means
    # In a last block that is cut short, this would be the block before: it gets the mean it has.
    number = jnp.minimum(position // size, means.shape[2] - 1)
    block = jax.lax.dynamic_slice_in_dim(keys, number * size, size, axis=2)
    mean = block.mean(2, keepdims=True)
    return jax.lax.dynamic_update_slice_in_dim(means, mean, number, axis=2)


def attend_rows(
    q: Float[Array, "B H R K"],
    rows: Int[Array, " R"],
    band: tuple[Float[Array, "B H C K"], Float[Array, "B H C K"]],
    columns: Int[Array, " C"],
    everything: tuple[Float[Array, "B H S K"], Float[Array, "B H S K"]],
    means: Float[Array, "B H N K"],
    mask: Mask,
) -> Float[Array, "B H R K"]:
    """Some scaled queries over the keys near them and those in the blocks that they choose.

    Args:
      rows: positions of the queries.
      band: keys and values that hold all which the windows of these queries reach.
      columns: positions of those; below 0 there is nothing.
      everything: all keys and values.
    """
    acc = accumulation_dtype(q.dtype)
    near = mask.near(rows, columns) & (columns >= 0) & (columns <= rows[:, None])
    index, found = choose_blocks(q, rows, means, mask)
    count, size = index.shape[-1], mask.key_block
    # What is chosen of a block that reaches into the window is what the window does not have.
    places = index[..., None] * size + jnp.arange(size, dtype=jnp.int32)
    far = found[..., None] & (places < rows[:, None, None] - _window(mask))
    far = far.reshape(*far.shape[:3], count * size)

    def chosen(x: Array) -> Array:  # [B, H, S, K] -> [B, H, R, keys, K]
        blocks = _in_blocks(x, size)
        flat = index.reshape(*index.shape[:2], -1)[..., None, None]
        taken = jnp.take_along_axis(blocks, flat, axis=2, mode="clip")
        return taken.reshape(*index.shape[:3], count * size, x.shape[-1])

    dot = functools.partial(jnp.einsum, preferred_element_type=acc)
    of_band = _masked(dot("bhqk,bhsk->bhqs", q, band[0]), near)
    of_chosen = _masked(dot("bhqk,bhqsk->bhqs", q, chosen(everything[0])), far)
    # No row is without keys: each sees at least itself.
    weights = jax.nn.softmax(jnp.concatenate([of_band, of_chosen], axis=-1), axis=-1)
    of_band, of_chosen = jnp.split(weights.astype(q.dtype), [len(columns)], axis=-1)
    y = dot("bhqs,bhsk->bhqk", of_band, band[1])
    more = dot("bhqs,bhqsk->bhqk", of_chosen, chosen(everything[1]))
    return (y + more).astype(q.dtype)


def choose_blocks(
    q: Float[Array, "B H R K"], rows: Int[Array, " R"], means: Float[Array, "B H N K"], mask: Mask
) -> tuple[Int[Array, "B H R _"], Bool[Array, "B H R _"]]:
    """The numbers of the blocks that queries choose, and which of them there are: early queries
    have fewer blocks behind their window than they may choose."""
    count = min((mask.top_k or 0) // mask.key_block, means.shape[2])
    first = jnp.arange(means.shape[2], dtype=jnp.int32) * mask.key_block
    acc = accumulation_dtype(q.dtype)
    scores = jnp.einsum("bhqk,bhnk->bhqn", q, means.astype(q.dtype), preferred_element_type=acc)
    behind = first < rows[:, None] - _window(mask)
    scores, index = jax.lax.top_k(jax.lax.stop_gradient(_masked(scores, behind)), count)
    return index, scores > masked_score(acc)


def _in_blocks(x: Array, size: int) -> Array:
    """[B, H, S, K] -> [B, H, N, size, K], whole blocks alone."""
    whole = x.shape[2] // size
    return x[:, :, : whole * size].reshape(*x.shape[:2], whole, size, x.shape[-1])


def _masked(scores: Array, seen: Array) -> Array:
    return jnp.where(seen, scores, masked_score(scores.dtype))


def _window(mask: Mask) -> int:
    """The window, which is at least a block less one: no block is chosen before it is full."""
    assert mask.window is not None and mask.window >= mask.key_block - 1
    return mask.window
