"""How two nodes of a tree are related, for every pair at once.

B batch, T HTML nodes.
"""

import jax.numpy as jnp
from jaxtyping import Array, Int32

RELATIONS = (
    "self",
    "parent",
    "child",
    "ancestor",
    "descendant",
    "sibling before",
    "sibling after",
    "before",
    "after",
)


def tree_relations(parent: Int32[Array, "B T"], end: Int32[Array, "B T"]) -> Int32[Array, "B T T"]:
    """What node j is to node i: int32[B, T, T], an index into `RELATIONS`.

    Args:
      parent: int32[B, T], -1 for a root.
      end: int32[B, T], exclusive end of the subtree in depth-first order.
    """
    nodes = jnp.arange(parent.shape[-1])
    i, j = nodes[:, None], nodes[None, :]
    # In depth-first order a subtree is a range, so no path has to be followed.
    ancestor = (j < i) & (i < end[:, None, :])
    sibling = parent[:, :, None] == parent[:, None, :]
    # The first condition that holds counts: a parent is an ancestor, too.
    conditions = [
        i == j,
        parent[:, :, None] == j,
        parent[:, None, :] == i,
        ancestor,
        ancestor.swapaxes(1, 2),
        sibling & (j < i),
        sibling & (j > i),
        j < i,
    ]
    choices = [jnp.full((), index, jnp.int32) for index in range(len(conditions))]
    shape = (parent.shape[0], nodes.size, nodes.size)
    conditions = [jnp.broadcast_to(condition, shape) for condition in conditions]
    return jnp.select(conditions, choices, jnp.int32(len(RELATIONS) - 1))
