"""The layout being written as a tree: the place of each position (see `nn.tree_places`).

Attention of the decoder may be biased by how two positions are related (X080): to the same node, to
the parent, to a child or a sibling. A tree bias as in Kim et al. 2021 ("Code prediction by feeding
trees to transformers"), of the relations that a partly written tree has.

R decoder rows, L target positions, S positions of a cache.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Int

from xojl_jax.nn.tree_places import ABOVE_TOP, TOP
from xojl_jax.tasks.layout.html_cursor import is_element
from xojl_jax.xojl.vocabulary import END

Array = jax.Array


def places_of_targets(tokens: Int[Array, "R L"], depth: Int[Array, "R L"]) -> Int[Array, "R L 2"]:
    """The places of known sequences.

    Args:
      tokens: int32[R, L], BOS first. An ELEMENT begins a node and belongs to it; the END of a node
        belongs to its parent.
      depth: int32[R, L], open nodes, counting what the token has opened or closed.
    """
    position = jnp.arange(tokens.shape[1], dtype=jnp.int32)
    earlier = position <= position[:, None]
    begins = is_element(tokens)[:, None]

    def newest(level: Array) -> Array:
        """int32[R, L], the newest node of this level [R, L]: it is open wherever one of it is."""
        found = earlier & begins & (depth[:, None] == level[:, :, None])
        return jnp.where(found, position, TOP).max(-1)

    parent = jnp.where(depth > 0, newest(depth - 1), ABOVE_TOP)
    return jnp.stack([newest(depth), parent], axis=-1)


def next_place(
    places: Int[Array, "R S 2"], position: Int[Array, ""], tokens: Int[Array, " R"]
) -> Int[Array, "R 2"]:
    """The place of the position that a step is at.

    Args:
      places: int32[R, S, 2], of earlier positions.
      position: int32[], of `tokens`.
      tokens: int32[R].
    """
    before = jax.lax.dynamic_index_in_dim(places, (position - 1).clip(0), 1, keepdims=False)
    top = jnp.array([TOP, ABOVE_TOP], jnp.int32)
    before = jnp.where(position > 0, before, top)
    # A node's first position has its place: so the parent's parent is found there.
    parent = before[:, 1]
    above = jnp.take_along_axis(places, parent.clip(0)[:, None, None], axis=1)[:, 0]
    above = jnp.where(parent[:, None] >= 0, above, top)
    begun = jnp.stack([jnp.broadcast_to(position, parent.shape), before[:, 0]], axis=-1)
    place = jnp.where(is_element(tokens)[:, None], begun, before)
    return jnp.where((tokens == END)[:, None], above, place)
