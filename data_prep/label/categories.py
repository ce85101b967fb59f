"""Predicates, measures and matchers of `[[category]]` rules: the section as a whole."""

import re

from data_prep.label.measures import PRICE, largest_type
from data_prep.label.node_context import MEASURES, Item, NodeContext, matcher, measure, predicate
from data_prep.label.section_tree import SectionTree
from xojl_jax.xojl.tree import ELEMENTS


@matcher("band says")
def band_says(ctx: NodeContext, name: str) -> bool:
    """The author's words about the section, or about a node that takes up most of it."""
    tree = ctx.tree
    # Several boxes of nearly full size are nested, and the telling class may be on any of them.
    least = 0.6 * tree.area(0)
    index = 0
    while True:
        if tree.says(index, name):
            return True
        large = [i for i in tree.children[index] if tree.area(i) >= least]
        if len(large) != 1:
            return False
        index = large[0]


@matcher("title reads")
def title_reads(ctx: NodeContext, name: str) -> bool:
    """The text of the first h1, h2 or h3."""
    tree = ctx.tree
    titles = (tree.text[i] for i in range(len(tree)) if re.fullmatch("h[1-3]", tree.tag[i]))
    return bool(tree.patterns[name].search(next(titles, "")))


@measure
def labels(ctx: NodeContext) -> float:
    """How many labels the section has."""
    return len(_elements(ctx))


@measure
def h1s(ctx: NodeContext) -> float:
    return ctx.tree.tag.count("h1")


@measure
def largest_type_px(ctx: NodeContext) -> float:
    """The largest font size in the section, px."""
    return largest_type(ctx.tree, 0)


@measure
def prices(ctx: NodeContext) -> float:
    """How many texts begin with a price."""
    tree = ctx.tree
    return sum(bool(PRICE.match(tree.text[i])) for i in range(len(tree)) if _has_text(tree, i))


@measure
def quotations(ctx: NodeContext) -> float:
    """How many texts begin with a quotation mark, or how many `blockquote`s: the larger count."""
    tree = ctx.tree
    code = {j for i in range(len(tree)) if tree.tag[i] in ("pre", "code") for j in tree.subtree(i)}
    # 12 characters: what is shorter is a word or a name in quotation marks.
    texts = [i for i in range(len(tree)) if _has_text(tree, i) and len(tree.text[i]) >= 12]
    texts = [i for i in texts if i not in code]  # string literals are no quotations
    marked = sum(bool(re.match(r"[“„«\"]", tree.text[i])) for i in texts)
    return max(marked, tree.tag.count("blockquote"))


@predicate
def low_pictures(ctx: NodeContext) -> bool:
    """No picture is higher than 110 px, as in a row of logos."""
    tree = ctx.tree
    tall = [tree.box[i][3] for i in range(len(tree)) if tree.kinds[i] & {"src", "svg"}]
    return bool(tall) and max(tall) <= 110


def _has_text(tree: SectionTree, index: int) -> bool:
    return "text" in tree.kinds[index]


@predicate
def header_tag(ctx: NodeContext) -> bool:
    return ctx.tree.tag[ctx.index] == "header"


def _elements(ctx: NodeContext) -> list[str]:
    out: list[str] = []
    stack: list[Item] = [ctx.item] if ctx.item else []
    while stack:
        item = stack.pop()
        out.append(item.element)
        stack.extend(item.children)
    return out


def _count_of(element: str):
    return lambda ctx: _elements(ctx).count(element)


# One measure per element: `count_counter >= 3`.
MEASURES.update({f"count_{element}": _count_of(element) for element in ELEMENTS})
