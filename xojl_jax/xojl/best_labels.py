"""The best labels of a tree that keep the language's rules: dynamic programming, exact.

Each html node has a score for every element and for no label. What a node may be depends on the
nearest labeled node above it (nothing is inside a leaf, a column is in a grid, a section in a
section), and a container on how many labels are directly in it. So the state is the kind of the
nearest label above, and what a subtree hands up is how many labels it puts there: none, one, or
more. These are the rules of `xojl.structure.violations` that hold for any page.
"""

from collections.abc import Sequence

import numpy as np

from xojl_jax.xojl.tree import CONTAINERS, ELEMENTS

# Kinds of the nearest label above.
_LEAF, _SECTION, _GRID, _OTHER = range(4)
_ABOVE = {name: _OTHER if name in CONTAINERS else _LEAF for name in ELEMENTS}
_ABOVE |= {"section": _SECTION, "grid": _GRID}
_LEAST = {name: int(name in CONTAINERS) for name in ELEMENTS} | {"grid": 2, "freedom": 2}
_MANY = 2  # two labels or more
NOTHING = len(ELEMENTS)  # the column of "no label"
# Readers leave 5 % of the texts and pictures without a leaf; the score of a single node does not
# know what becomes of those above. Of 0 to -3 the best on a fifth of the makers in training.
UNCOVERED = -1.0


def best_labels(
    scores: np.ndarray, children: Sequence[Sequence[int]], shows: Sequence[bool]
) -> list[int]:
    """The labels of largest sum of scores among those that keep the rules.

    Args:
      scores: float [nodes, elements + 1], log probabilities; the last column is for no label.
        Nodes are in depth-first pre-order; node 0 becomes a section whatever its score.
      children: of each node, in order. A node that is nobody's child gets no label.
      shows: of each node, whether it shows a text or a picture of its own. `UNCOVERED` is added
        to the sum for each that neither is a leaf nor is in one.

    Returns:
      one number a node: an element's place in ELEMENTS, or `NOTHING`. All `NOTHING` where no label
      below the root is possible.
    """
    count = len(scores)
    # best[i, above, k]: score of i's subtree if it puts k labels into the nearest label above.
    best = np.full((count, 4, 3), -np.inf)
    choice = np.full((count, 4, 3), -1)
    # below[i, above, k]: the same of what is inside i, without i.
    below = np.full((count, 4, 3), -np.inf)
    # steps[i]: for each child in turn, the (k before it, k of its own) chosen for [above, k].
    steps: list[list[np.ndarray]] = [[] for _ in range(count)]
    for index in reversed(range(count)):
        below[index], steps[index] = _join([best[kid] for kid in children[index]])
        uncovered = UNCOVERED if shows[index] else 0.0
        best[index], choice[index] = _choose(scores[index], below[index], uncovered)
    labels = [NOTHING] * count
    found = below[0, _SECTION, 1:]
    if found.max() == -np.inf:
        return labels
    labels[0] = ELEMENTS.index("section")
    stack = [(0, _SECTION, 1 + int(found.argmax()))]  # what is inside: node, above, labels
    while stack:
        index, above, k = stack.pop()
        for kid, step in zip(reversed(children[index]), reversed(steps[index]), strict=True):
            k, own = step[above, k]
            labels[kid] = int(choice[kid, above, own])
            if labels[kid] == NOTHING:
                stack.append((kid, above, int(own)))
            else:
                name = ELEMENTS[labels[kid]]
                inside = _inside(name, below[kid])
                stack.append((kid, _ABOVE[name], inside))
    return labels


def _join(kids: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Sums up children: [above, k] of all, and of each child the (k before it, k of its own)."""
    total = np.full((4, 3), -np.inf)
    total[:, 0] = 0.0
    steps = []
    for kid in kids:
        joined = np.full((4, 3), -np.inf)
        step = np.zeros((4, 3, 2), int)
        for before in range(3):
            for own in range(3):
                k = min(before + own, _MANY)
                value = total[:, before] + kid[:, own]
                better = value > joined[:, k]
                joined[better, k] = value[better]
                step[better, k] = before, own
        total = joined
        steps.append(step)
    return total, steps


def _choose(
    scores: np.ndarray, below: np.ndarray, uncovered: float
) -> tuple[np.ndarray, np.ndarray]:
    """A node's best label for each [above, k], and its score with what is below it."""
    best = below + scores[NOTHING]
    best[[_SECTION, _GRID, _OTHER]] += uncovered
    choice = np.where(np.isfinite(best), NOTHING, -1)
    for number, name in enumerate(ELEMENTS):
        value = scores[number] + below[_ABOVE[name], _inside(name, below)]
        for above in _places(name):
            if value > best[above, 1]:
                best[above, 1], choice[above, 1] = value, number
    return best, choice


def _inside(name: str, below: np.ndarray) -> int:
    """How many labels are best directly inside an element: none in a leaf."""
    if name not in CONTAINERS:
        return 0
    least = _LEAST[name]
    return least + int(below[_ABOVE[name], least:].argmax())


def _places(name: str) -> tuple[int, ...]:
    """The kinds of label that an element may be in."""
    return {"section": (_SECTION,), "column": (_GRID,)}.get(name, (_SECTION, _GRID, _OTHER))
