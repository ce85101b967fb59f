"""Where positions of a sequence are in the tree that it writes, and how two of them are related.

A place is two numbers: the node that a position belongs to, and that node's parent. A node is
numbered by the position that begins it; `TOP` is the level above the first nodes.

Letters: R rows, L positions, S positions of a cache.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Int

Array = jax.Array

# What the position of a key is to that of the query; the first that holds counts.
RELATIONS = ("same node", "parent", "child", "sibling", "other")
# The place of what belongs to no node: (TOP, ABOVE_TOP).
TOP, ABOVE_TOP = -1, -2


def place_relations(queries: Int[Array, "R L 2"], keys: Int[Array, "R S 2"]) -> Int[Array, "R L S"]:
    """What key j is to query i: int32[R, L, S], an index into `RELATIONS`.

    Args:
      queries, keys: int32[R, …, 2], node and parent of each position.
    """
    own, parent = queries[:, :, None, 0], queries[:, :, None, 1]
    their_own, their_parent = keys[:, None, :, 0], keys[:, None, :, 1]
    conditions = [own == their_own, parent == their_own, own == their_parent]
    conditions.append(parent == their_parent)
    kinds = [jnp.int32(kind) for kind in range(len(conditions))]
    return jnp.select(conditions, kinds, jnp.int32(len(conditions)))
