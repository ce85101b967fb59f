"""Predicates on how labeled nodes are placed relative to one another, for container rules."""

import itertools
from collections.abc import Sequence

from data_prep.label.node_context import Item, NodeContext, measure, predicate
from data_prep.label.section_tree import SectionTree
from xojl_jax.xojl.structure import overlap

_WORDS = {"paragraph", "heading", "wrapper", "counter"}
# What a thing drawn over it makes a `freedom` of.
_SHOWN = {"image", "video", "map", "gallery", "masonry", "carousel"}
_ENDS = {"paragraph", "heading", "button", "icon"}  # what may float at the end of a line of text
_BARS = {"header", "footer", "nav"}


@measure
def kids(ctx: NodeContext) -> float:
    """How many labeled nodes are directly in it."""
    return len(ctx.kids)


@predicate
def outermost(ctx: NodeContext) -> bool:
    """The root of the record."""
    return ctx.index == 0


@predicate
def alone(ctx: NodeContext) -> bool:
    """No labeled sibling (once labels are known)."""
    return ctx.parent is not None and len(ctx.parent.children) == 1


@predicate
def in_a_root(ctx: NodeContext) -> bool:
    """Directly in the section's html root."""
    return ctx.tree.parent[ctx.index] == 0


@predicate
def same_box_as_kid(ctx: NodeContext) -> bool:
    tree = ctx.tree
    return any(tree.box[kid.index] == tree.box[ctx.index] for kid in ctx.kids)


@predicate
def pictogram_and_words(ctx: NodeContext) -> bool:
    """A pictogram, a small portrait or initials beside text: a wrapper, no grid."""
    if len(ctx.kids) != 2:
        return False
    small = [kid for kid in ctx.kids if _is_small(ctx, kid)]
    if any(_is_clickable(ctx, kid) for kid in small if kid.element == "icon"):
        return False  # a pictogram that opens a menu does not belong to the text beside it
    one, two = sorted(_boxes(ctx))  # by x
    if two[0] - one[0] - one[2] > 48:
        return False  # a wide gap: the two ends of a row, which is a grid
    return len(small) == 1 and all(kid.element in _WORDS for kid in ctx.kids if kid not in small)


def _is_clickable(ctx: NodeContext, kid: Item) -> bool:
    above = ctx.tree.ancestors(kid.index)
    inside = (kid.index, *itertools.takewhile(lambda i: i != ctx.index, above))
    return any(ctx.tree.tag[i] in ("a", "button") for i in inside)


def _is_small(ctx: NodeContext, kid: Item) -> bool:
    tree, (wide, tall) = ctx.tree, ctx.tree.box[kid.index][2:]
    # 96 px: as in rules.toml (small-picture), a larger picture is no pictogram and no avatar.
    square = max(wide, tall) <= 96 and max(wide, tall) <= 1.25 * min(wide, tall)
    initials = kid.element == "paragraph" and tree.is_painted(kid.index)
    framed = kid.element == "wrapper" and [k.element for k in kid.children] == ["icon"]
    return kid.element == "icon" or (square and (kid.element == "image" or initials or framed))


@predicate
def in_rows(ctx: NodeContext) -> bool:
    """More than half of its labels have another one beside them.

    Half is not enough: a portrait with two links under it, side by side, is no grid.
    """
    kids = ctx.kids
    beside = {
        i
        for at in range(len(kids))
        for to in range(at + 1, len(kids))
        if _beside(ctx, kids[at], kids[to])
        for i in (at, to)
    }
    return len(beside) > 0.5 * len(kids)


def _beside(ctx: NodeContext, one: Item, two: Item) -> bool:
    boxes = ctx.tree.box
    if _side_by_side(boxes[one.index], boxes[two.index]):
        return True
    # A block of text keeps its full width when something floats at its right end, so their boxes
    # overlap although the line of text makes way for the float.
    # By width, the wider one first.
    wide, narrow = sorted((one, two), key=lambda item: -boxes[item.index][2])
    texts = wide.element in ("paragraph", "heading") and narrow.element in _ENDS
    under = overlap(boxes[wide.index], boxes[narrow.index]) > 0.6
    return texts and under and boxes[narrow.index][2] < 0.5 * boxes[wide.index][2]


@predicate
def layered(ctx: NodeContext) -> bool:
    """Something overlaps a labeled picture or a painted box."""
    tree, boxes = ctx.tree, _boxes(ctx)
    shows = [
        kid.element in _SHOWN or (bool(kid.children) and tree.is_painted(kid.index))
        for kid in ctx.kids
    ]
    return any(
        # Below 30 % it is a badge or shadow that reaches over the edge.
        (shows[at] or shows[to]) and overlap(one, boxes[to]) > 0.3
        for at, one in enumerate(boxes)
        for to in range(at + 1, len(boxes))
    )


@predicate
def beside_bars(ctx: NodeContext) -> bool:
    """A whole page in one record: it and a header, footer or nav beside it are full width."""
    if ctx.parent is None or ctx.item is None:
        return False
    bands = _bands(ctx.tree, ctx.parent)
    return outermost_of(ctx.tree, ctx.item, ctx.parent) in bands


@predicate
def bar_tag(ctx: NodeContext) -> bool:
    return ctx.tree.tag[ctx.index] in _BARS


@predicate
def holds_bars(ctx: NodeContext) -> bool:
    """It holds bars and the main part of a page."""
    return ctx.item is not None and bool(_bands(ctx.tree, ctx.item))


def _bands(tree: SectionTree, parent: Item) -> list[int]:
    """The full-width nodes in it; empty without a bar at an end, or in a narrow section."""
    if tree.box[0][2] < 0.75 * tree.page_width:
        return []  # an article with a header of its own
    outer = [outermost_of(tree, item, parent) for item in parent.children]
    # 97 %: a scroll bar or a border may take some px.
    full = [i for i in outer if tree.box[i][2] >= 0.97 * tree.box[0][2]]
    if full[:1] != outer[:1] and full[-1:] != outer[-1:]:
        return []  # neither the first nor the last node is full width
    # Bars are at the head and the foot; a navigation in the middle does not make a page.
    ends = full[:1] + full[-1:]
    bars = any(tree.tag[i] in _BARS or tree.says(i, "bar") for i in ends)
    return full if bars and len(full) >= 2 else []


def outermost_of(tree: SectionTree, item: Item, parent: Item) -> int:
    """The outermost html node below the parent's that holds this label and no sibling of it."""
    # Climb until the next box would also hold a sibling, or is the parent itself.
    others = [child.index for child in parent.children if child is not item]
    index = item.index
    for above in tree.ancestors(item.index):
        if above == parent.index or any(i in tree.subtree(above) for i in others):
            break
        index = above
    return index


def _boxes(ctx: NodeContext) -> list[Sequence[float]]:
    return [ctx.tree.box[kid.index] for kid in ctx.kids]


def _side_by_side(one: Sequence[float], two: Sequence[float]) -> bool:
    """Whether two boxes share a line of the page and neither covers the other horizontally."""
    common = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
    # Negative margins let neighbors overlap a little: 8 % of the narrower one, or 2 px of rounding.
    slack = max(2, 0.08 * min(one[2], two[2]))
    apart = one[0] + one[2] <= two[0] + slack or two[0] + two[2] <= one[0] + slack
    return apart and common > 0.4 * min(one[3], two[3])
