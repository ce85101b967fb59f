"""How two nodes of a tree are related, for every pair at once.

B batch, T HTML nodes.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int32

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


def descendants(end: Int32[Array, "B T"]) -> Bool[Array, "B T T"]:
    """Whether node j is in the subtree of node i, itself left out: bool[B, T, T].

    In depth-first order a subtree is a range, so no path has to be followed.

    Args:
      end: int32[B, T], exclusive end of the subtree in depth-first order.
    """
    nodes = jnp.arange(end.shape[-1])
    return (nodes > nodes[:, None]) & (nodes < end[:, :, None])


def tree_relations(parent: Int32[Array, "B T"], end: Int32[Array, "B T"]) -> Int32[Array, "B T T"]:
    """What node j is to node i: int32[B, T, T], an index into `RELATIONS`.

    Args:
      parent: int32[B, T], -1 for a root.
      end: int32[B, T], exclusive end of the subtree in depth-first order.
    """
    nodes = jnp.arange(parent.shape[-1])
    i, j = nodes[:, None], nodes[None, :]
    below = descendants(end)
    sibling = parent[:, :, None] == parent[:, None, :]
    # The first condition that holds counts: a parent is an ancestor, too.
    conditions = [
        i == j,
        parent[:, :, None] == j,
        parent[:, None, :] == i,
        below.swapaxes(1, 2),
        below,
        sibling & (j < i),
        sibling & (j > i),
        j < i,
    ]
    choices = [jnp.full((), index, jnp.int32) for index in range(len(conditions))]
    shape = (parent.shape[0], nodes.size, nodes.size)
    conditions = [jnp.broadcast_to(condition, shape) for condition in conditions]
    return jnp.select(conditions, choices, jnp.int32(len(RELATIONS) - 1))
