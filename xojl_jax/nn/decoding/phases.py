"""A decoding loop whose carry grows with what is written.

A compiled loop's arrays have one size, so a cache of keys has room for the longest sequence, and
attention reads all of it at every step. Here the loop ends where a small cache is full, and another
loop goes on with a larger one. Inside a loop nothing is sliced and nothing depends on the position,
which on a GPU would mean copies, or waiting for the host to choose a branch.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax


def keep_size(model_carry: Any, length: int) -> Any:
    """The `grow` of a carry that has room for all positions, or for none."""
    del length
    return model_carry


def while_in_phases(
    cond_fn: Callable[[Any], jax.Array],
    step: Callable[[Any], Any],
    state: Any,
    lengths: Sequence[int],
    grow: Callable[[Any, int], Any],
) -> Any:
    """`jax.lax.while_loop(cond_fn, step, state)`, one loop for each of the growing `lengths`.

    Args:
      state: a named tuple with `position` int32[], which each step makes larger by 1, and `model`,
        the carry that grows. It has room for lengths[0] positions.
      lengths: the last one is the number of steps at most.
      grow: (model, length) -> model with room for so many positions.
    """
    for number, length in enumerate(lengths):
        if number:
            state = state._replace(model=grow(state.model, length))

        def unfinished(state: Any, length: int = length) -> jax.Array:
            return cond_fn(state) & (state.position < length)

        state = jax.lax.while_loop(unfinished, step, state)
    return state
