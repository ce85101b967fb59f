"""Predicates for titles: of a card, of a list, or beside a larger title."""

import re

from data_prep.label.measures import PRICE, heaviest_type, largest_type
from data_prep.label.node_context import NodeContext, predicate
from data_prep.label.section_tree import SectionTree


@predicate
def title_of_a_card(ctx: NodeContext) -> bool:
    """The first text of a card (up to three letters are initials and do not count), heavier than
    the next text, which is below it and no larger; of a price below it the size does not matter."""
    tree, at = ctx.tree, ctx.index
    card = next((i for i in tree.ancestors(at) if i and _is_card(tree, i)), 0)
    texts = [i for i in tree.subtree(card) if "text" in tree.kinds[i]]
    own = [i for i in texts if i in tree.subtree(at)]
    after = [i for i in texts if i >= tree.end[at]]
    # A table cell's first text is judged by `cell-title`, and a button is one text.
    if not card or not own or not after or tree.tag[card] in ("button", "td"):
        return False
    if any(i < at and len(tree.text[i]) > 3 for i in texts):
        return False
    # 4 px: line boxes of neighboring lines may overlap a little.
    if tree.box[after[0]][1] < tree.box[at][1] + tree.box[at][3] - 4:
        return False  # the next text is beside it, not below
    weight, size = max(map(tree.weight, own)), largest_type(tree, at)
    # The name of a plan titles its card although the price below it is larger and as heavy.
    if PRICE.match(tree.text[after[0]]):
        return weight >= 500
    return weight >= 500 and weight > tree.weight(after[0]) and tree.font_size(after[0]) <= size


def _is_card(tree: SectionTree, index: int) -> bool:
    """A painted box, or one of several siblings with the same tag and classes."""
    if tree.is_painted(index):
        return True
    make = tree.tag[index], tree.author[index].get("class", "")
    # Cards without a box of their own: a repeated block with two texts or more (a single text
    # would be an item of a list).
    twins = [
        i
        for i in tree.children[tree.parent[index]]
        if (tree.tag[i], tree.author[i].get("class", "")) == make and tree.texts[i] >= 2
    ]
    return len(twins) >= 2 and make[0] not in ("span", "a", "p")


@predicate
def bar_of_a_card(ctx: NodeContext) -> bool:
    """The first child of a painted box, as wide as the box, painted or with a line under it, and
    with an unpainted part below."""
    tree, at = ctx.tree, ctx.index
    above = tree.parent[at]
    before, after = _around(tree.children[above], at)
    if before or not after or tree.is_painted(after[0]):
        return False
    # 95 %: the card's borders and the bar's rounding.
    wide = tree.box[at][2] >= 0.95 * tree.box[above][2]
    set_off = tree.is_painted(at) or tree.has_line(at, "bottom")
    return wide and set_off and tree.is_painted(above)


def _around(siblings: list[int], at: int) -> tuple[list[int], list[int]]:
    """The siblings before and after a node."""
    middle = siblings.index(at)
    return siblings[:middle], siblings[middle + 1 :]


@predicate
def beside_larger_title(ctx: NodeContext) -> bool:
    """The heading (by tag) right above or below it, or the bold text below it, is much larger: it
    is the line over a title, or the role under a name. A price is no title."""
    tree, at = ctx.tree, ctx.index
    siblings = tree.children[tree.parent[at]]
    place = siblings.index(at)
    small = largest_type(tree, at)
    near = [i for i in siblings[max(place - 1, 0) : place + 2] if i != at]
    titles = [i for i in near if re.fullmatch("h[1-6]", tree.tag[i])]
    # A bold line below counts whatever its tag; one above may be the title of this very node.
    titles += [
        i
        for i in siblings[place + 1 : place + 2]
        if tree.is_line_of_text(i) and heaviest_type(tree, i) >= 600
    ]
    # A figure or `Free` below a small heading is a price or a count, which titles nothing.
    return any(
        largest_type(tree, i) >= 1.4 * small and not re.search(r"\d|free", tree.text[i], re.I)
        for i in titles
    )


@predicate
def over_a_list(ctx: NodeContext) -> bool:
    """Right above a list."""
    tree, at = ctx.tree, ctx.index
    _, after = _around(tree.children[tree.parent[at]], at)
    if not after or tree.tag[after[0]] not in ("ul", "ol", "dl"):
        return False
    # Next to each other in the tree is not enough: the list may be beside the line.
    below = tree.box[after[0]][1] >= tree.box[at][1] + tree.box[at][3] - 1
    return below and ctx.labeler.element(after[0]) == "list"


@predicate
def under_a_title(ctx: NodeContext) -> bool:
    """Right below a heading: a subtitle."""
    before, _ = _around(ctx.tree.children[ctx.tree.parent[ctx.index]], ctx.index)
    return bool(before) and ctx.labeler.kind(before[-1]) == "heading"


@predicate
def ends_as_sentence(ctx: NodeContext) -> bool:
    """A `p` that ends in a full stop: a sentence, no title."""
    return ctx.tree.tag[ctx.index] == "p" and ctx.tree.text[ctx.index].rstrip().endswith(".")


@predicate
def titled(ctx: NodeContext) -> bool:
    """It is or contains a heading by tag."""
    return any(re.fullmatch("h[1-6]", ctx.tree.tag[i]) for i in ctx.tree.subtree(ctx.index))
