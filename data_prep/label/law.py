"""What holds for labels on any page, whatever its boxes: a label that breaks it is wrong.

data_prep/synthesize/components/law.py asks more, of sections that we make ourselves: on real pages
texts stand out of their boxes and boxes overlap a little, and their labels are right all the same.
"""

from collections.abc import Iterator

from data_prep.label.node_context import Item
from xojl_jax.xojl.tree import CONTAINERS


def violations(root: Item) -> Iterator[str]:
    """One line for each rule of the language that a tree of labels breaks."""
    if root.element != "section":
        yield "the root is no section"
    stack: list[tuple[Item, Item | None]] = [(root, None)]
    while stack:
        item, parent = stack.pop()
        above = parent.element if parent else ""
        if item.element in CONTAINERS:
            if not item.children:
                yield f"an empty {item.element}"
        elif item.children:
            yield f"a leaf with labels inside ({item.element})"
        if item.element == "section" and above not in ("", "section"):
            yield f"a section inside a {above}"
        if item.element == "column" and above != "grid":
            yield f"a column inside a {above}"
        if item.element == "grid" and len(item.children) < 2:
            yield "a grid of one cell"
        if item.element == "freedom" and len(item.children) < 2:
            yield "a freedom with one thing in it"
        stack.extend((child, item) for child in item.children)
