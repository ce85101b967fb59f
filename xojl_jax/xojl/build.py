"""A layout from labeled HTML nodes: the labels decide the tree, the HTML nodes fill it."""

from collections.abc import Sequence
from typing import NamedTuple

from xojl_jax.xojl.tree import ELEMENTS, Forest, Node, preorder


class Label(NamedTuple):
    """One layout node to be."""

    element: str
    twin: Node  # the HTML node that it represents
    parent: int  # position of the label around it in the same list; -1 for a root


class LabeledLayout(NamedTuple):
    """A layout, and the HTML node (pre-order index) of each of its nodes."""

    forest: Forest
    nodes: tuple[int, ...]


def build_layout(labels: Sequence[Label]) -> Forest:
    """The layout of labels in depth-first pre-order; tags, classes and content are the twins'."""
    children: list[list[Node]] = [[] for _ in labels]
    roots: list[Node] = []
    # Backwards, every child is built before its parent.
    for position in reversed(range(len(labels))):
        element, twin, parent = labels[position]
        # Content comes first: a layout node's children are not those of its twin, so that a
        # position among them would mean nothing.
        content = tuple(item._replace(at=0) for item in twin.content)
        inside = tuple(reversed(children[position]))
        node = Node(element, twin.tag, twin.classes, content, inside)
        (children[parent] if parent >= 0 else roots).append(node)
    return tuple(reversed(roots))


def nearest_labeled(parents: Sequence[int], labeled: Sequence[bool]) -> list[int]:
    """For each labeled node in order, the position among the labeled of its nearest labeled
    ancestor; -1 where there is none. `parents` come before their children, -1 for a root."""
    nearest: list[int] = []  # of each node: itself or its nearest labeled ancestor
    found: list[int] = []
    for parent, keep in zip(parents, labeled, strict=True):
        above = nearest[parent] if parent >= 0 else -1
        nearest.append(len(found) if keep else above)
        if keep:
            found.append(above)
    return found


def layout_from_labels(html: Forest, labels: Sequence[int]) -> LabeledLayout:
    """The layout in which HTML node i is element `labels[i]`, or merged into its parent.

    `labels` are element ids; any number that is none takes a node out, its children move up.
    """
    visits = preorder(html)
    keep = [0 <= labels[visit.index] < len(ELEMENTS) for visit in visits]
    nodes = tuple(visit.index for visit in visits if keep[visit.index])
    above = nearest_labeled([visit.parent for visit in visits], keep)
    forest = build_layout(
        [
            Label(ELEMENTS[labels[node]], visits[node].node, parent)
            for node, parent in zip(nodes, above, strict=True)
        ]
    )
    return LabeledLayout(forest, nodes)
