"""Predicates for parts that fold, slide or open: accordions, tabs, cloned slides."""

import re

from data_prep.label.node_context import NodeContext, predicate
from data_prep.label.section_tree import SectionTree


@predicate
def bar_and_panels(ctx: NodeContext) -> bool:
    """The smallest node that holds a tab bar and, after it, the panels."""
    tree, at = ctx.tree, ctx.index
    inside = range(at + 1, tree.end[at])
    bars = [i for i in inside if tree.says(i, "tab_bar")]
    panels = [i for i in inside if tree.says(i, "panels")]
    if not any(tree.end[bar] <= panel for bar in bars for panel in panels):
        return False
    # Not the smallest if one child holds both the first bar and the last panel.
    return not any(
        bar > kid and panels[-1] > kid and bar < tree.end[kid] and panels[-1] < tree.end[kid]
        for kid in tree.children[at]
        for bar in bars[:1]
    )


@predicate
def folds(ctx: NodeContext) -> bool:
    """Two children or more fold, by tag or by class, and they are at least 60 % of all."""
    tree, kids = ctx.tree, ctx.tree.children[ctx.index]
    folding = [kid for kid in kids if tree.tag[kid] == "details" or tree.says(kid, "fold")]
    return len(folding) >= 2 and len(folding) >= 0.6 * len(kids)


@predicate
def opens(ctx: NodeContext) -> bool:
    """It has text and `aria-expanded`, and is not the button of a menu."""
    return _opens(ctx.tree, ctx.index)


def _opens(tree: SectionTree, index: int) -> bool:
    about = tree.author[index]
    if about.get("aria-haspopup", "false") != "false" or about.get("role") in ("tab", "menuitem"):
        return False  # it opens a menu or selects a panel; it is no head of a fold
    return "aria-expanded" in about and bool(tree.texts[index])


@predicate
def opening_rows(ctx: NodeContext) -> bool:
    """Two children or more are rows as wide as it, each with a button that opens or closes it."""
    tree, at = ctx.tree, ctx.index
    kids = tree.children[at]
    # The button takes half of the row or more, for a small one opens a menu; rows may be inset by
    # padding, hence 80 %.
    rows = [
        kid
        for kid in kids
        if any(
            _opens(tree, i) and tree.box[i][2] >= 0.5 * tree.box[at][2] for i in tree.subtree(kid)
        )
        and tree.box[kid][2] >= 0.8 * tree.box[at][2]
    ]
    # Different tops: under one another. Folds side by side are cells, or a bar of menus.
    stacked = len({round(tree.box[kid][1]) for kid in rows}) == len(rows)
    return len(rows) >= 2 and len(rows) >= 0.5 * len(kids) and stacked


@predicate
def slide_control(ctx: NodeContext) -> bool:
    """Its `aria-label` says that it changes the slide."""
    said = ctx.tree.author[ctx.index].get("aria-label", "")
    return bool(re.match(r"(next|prev(ious)?|go to|slide|play|pause|stop)\b", said, re.IGNORECASE))


@predicate
def again(ctx: NodeContext) -> bool:
    """A sibling that is not marked as a clone has the same text and pictures."""
    tree, at = ctx.tree, ctx.index
    shown = _shown(tree, at)
    siblings = tree.children[tree.parent[at]] if at else []
    return any(i != at and not tree.says(i, "clone") and _shown(tree, i) == shown for i in siblings)


def _shown(tree: SectionTree, index: int) -> tuple:
    # Text alone does not identify a slide of pictures, and pictures alone none of quotations.
    sources = [tree.author[i].get("src", "") for i in tree.subtree(index)]
    return tree.text[index], tuple(filter(None, sources))


@predicate
def outside_its_box(ctx: NodeContext) -> bool:
    """It begins below or to the right of its parent's box: a closed panel, clipped away."""
    x, y = ctx.tree.box[ctx.index][:2]
    left, top, wide, tall = ctx.tree.box[ctx.tree.parent[ctx.index]]
    # 1 px: boxes are rounded.
    return y >= top + tall - 1 or x >= left + wide - 1


@predicate
def summary_tag(ctx: NodeContext) -> bool:
    return ctx.tree.tag[ctx.index] == "summary"


@predicate
def in_details(ctx: NodeContext) -> bool:
    return any(ctx.tree.tag[above] == "details" for above in ctx.tree.ancestors(ctx.index))
