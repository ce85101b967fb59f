"""What the nodes around a node probably are, as features of the second of two models.

The first model judges each node by itself; the second sees what the first said of the node, of its
parent, children and siblings (stacking: Wolpert, 1992, "Stacked Generalization"). So the items of
one list, or the cells of one row, come to agree.
"""

from collections.abc import Sequence

import numpy as np

NEIGHBORS = ("itself", "parent", "grandparent", "children", "likeliest child", "siblings")
NEIGHBORS += ("before", "after")


def with_neighbors(
    rows: np.ndarray, probabilities: np.ndarray, children: Sequence[Sequence[int]]
) -> np.ndarray:
    """The features of nodes and, for each of `NEIGHBORS`, the probabilities of every label there.

    Args:
      rows: float32 [nodes, features].
      probabilities: float64 [nodes, labels] of the first model, nodes in depth-first pre-order.
      children: of each node. Means over no node, and what is not there, are 0.

    Returns:
      float32 [nodes, features + len(NEIGHBORS) * labels].
    """
    around = {name: np.zeros_like(probabilities) for name in NEIGHBORS}
    around["itself"] = probabilities
    for index, kids in enumerate(children):
        if not kids:
            continue
        inside = probabilities[list(kids)]
        around["children"][index] = inside.mean(0)
        around["likeliest child"][index] = inside.max(0)
        around["parent"][kids] = probabilities[index]
        around["grandparent"][kids] = around["parent"][index]
        # Of each, the mean over the others.
        around["siblings"][kids] = (inside.sum(0) - inside) / max(len(kids) - 1, 1)
        around["before"][kids[1:]] = inside[:-1]
        around["after"][kids[:-1]] = inside[1:]
    return np.concatenate([rows, *around.values()], axis=1).astype(np.float32)
