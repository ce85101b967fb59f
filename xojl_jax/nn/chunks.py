"""Work on sequences a chunk of positions at a time, so that what is large is never whole.

Letters: R rows, L positions.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

Array = jax.Array


def map_positions(function: Callable[[Any], Any], inputs: Any, size: int) -> Any:
    """`function(inputs)`, computed for `size` positions at a time, and again in the backward pass.

    Args:
      function: of a pytree of arrays [R, n, ...] with any number n of positions, gives a pytree of
        arrays [R, n, ...], in which a position depends on the same position alone. It may close
        over arrays, which are differentiated, too.
      inputs: a pytree of arrays [R, L, ...]. The last chunk is filled with zeros, for which the
        results are left away.
      size: positions of a chunk at most.

    Returns:
      A pytree of arrays [R, L, ...].
    """
    length = jax.tree.leaves(inputs)[0].shape[1]
    chunks = -(-length // size)
    if chunks <= 1:
        return function(inputs)
    size = -(-length // chunks)

    def split(x: Array) -> Array:  # [R, L, …] -> [chunks, R, size, …]
        x = jnp.pad(x, ((0, 0), (0, chunks * size - length), *((0, 0),) * (x.ndim - 2)))
        return x.reshape(x.shape[0], chunks, size, *x.shape[2:]).swapaxes(0, 1)

    def join(x: Array) -> Array:
        x = x.swapaxes(0, 1)
        return x.reshape(x.shape[0], chunks * size, *x.shape[3:])[:, :length]

    # A loop's body is compiled once: nothing outside could be merged with what is recomputed.
    body = jax.checkpoint(function, prevent_cse=False)
    return jax.tree.map(join, jax.lax.map(body, jax.tree.map(split, inputs)))
