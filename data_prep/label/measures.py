"""Matchers of the author's words, and measures: sizes and counts of a node."""

import re

from data_prep.label.node_context import NodeContext, matcher, measure
from data_prep.label.section_tree import SectionTree

# At the start of a text (`match`) or anywhere in it (`search`).
PRICE = re.compile(r"[$€£¥]\s?\d|(free|custom)$", re.IGNORECASE)

# --- the author's words ----------------------------------------------------------------------


@matcher("says")
def says(ctx: NodeContext, name: str) -> bool:
    """The author's words about the node itself: class, id, role, names of data attributes."""
    return ctx.tree.says(ctx.index, name)


@matcher("inside")
def inside(ctx: NodeContext, name: str) -> bool:
    """The author's words about a node above it."""
    return any(ctx.tree.says(above, name) for above in ctx.tree.ancestors(ctx.index))


@matcher("parent says")
def parent_says(ctx: NodeContext, name: str) -> bool:
    return ctx.index > 0 and ctx.tree.says(ctx.tree.parent[ctx.index], name)


@matcher("root says")
def root_says(ctx: NodeContext, name: str) -> bool:
    """The author's words about the section."""
    return ctx.tree.says(0, name)


@matcher("holds")
def holds(ctx: NodeContext, name: str) -> bool:
    """The author's words about a node below it."""
    tree = ctx.tree
    return any(tree.says(below, name) for below in range(ctx.index + 1, tree.end[ctx.index]))


@matcher("points to")
def points_to(ctx: NodeContext, name: str) -> bool:
    """The address of a link, picture or frame, its title and its alternative text."""
    return ctx.tree.points_to(ctx.index, name)


@matcher("reads")
def reads(ctx: NodeContext, name: str) -> bool:
    """The text that is shown."""
    return bool(ctx.tree.patterns[name].search(ctx.tree.text[ctx.index]))


# --- numbers ---------------------------------------------------------------------------------


@measure
def width(ctx: NodeContext) -> float:
    return ctx.tree.box[ctx.index][2]


@measure
def height(ctx: NodeContext) -> float:
    return ctx.tree.box[ctx.index][3]


@measure
def size(ctx: NodeContext) -> float:
    """The longer side, px."""
    return max(ctx.tree.box[ctx.index][2:])


@measure
def least_side(ctx: NodeContext) -> float:
    return min(ctx.tree.box[ctx.index][2:])


@measure
def longest_ratio(ctx: NodeContext) -> float:
    """The longer side divided by the shorter."""
    sides = ctx.tree.box[ctx.index][2:]
    # 1 px: a collapsed box would divide by zero.
    return max(sides) / max(min(sides), 1)


@measure
def share_of_section(ctx: NodeContext) -> float:
    # 1: a section without an area would divide by zero.
    return ctx.tree.area(ctx.index) / max(ctx.tree.area(0), 1)


@measure
def children(ctx: NodeContext) -> float:
    return len(ctx.tree.children[ctx.index])


@measure
def texts(ctx: NodeContext) -> float:
    """How many nodes in it (itself included) have text of their own."""
    return ctx.tree.texts[ctx.index]


@measure
def pictures(ctx: NodeContext) -> float:
    return ctx.tree.pictures[ctx.index]


@measure
def drawings(ctx: NodeContext) -> float:
    return ctx.tree.drawings[ctx.index]


@measure
def fields(ctx: NodeContext) -> float:
    return ctx.tree.fields[ctx.index]


@measure
def links(ctx: NodeContext) -> float:
    return ctx.tree.links[ctx.index]


@measure
def characters(ctx: NodeContext) -> float:
    return len(ctx.tree.text[ctx.index])


@measure
def type_size(ctx: NodeContext) -> float:
    """The node's own font size, px."""
    return ctx.tree.font_size(ctx.index)


@measure
def scale(ctx: NodeContext) -> float:
    """The largest font size in it, divided by the section's body size."""
    return largest_type(ctx.tree, ctx.index) / ctx.tree.body_size


def largest_type(tree: SectionTree, index: int) -> float:
    """The largest font size among the texts in a node, px."""
    # Only nodes with text of their own: the font size of an empty box is not visible.
    sizes = [tree.font_size(i) for i in tree.subtree(index) if "text" in tree.kinds[i]]
    return max(sizes, default=0.0)


def heaviest_type(tree: SectionTree, index: int) -> int:
    """The largest font weight among the texts in a node."""
    weights = [tree.weight(i) for i in tree.subtree(index) if "text" in tree.kinds[i]]
    return max(weights, default=0)
