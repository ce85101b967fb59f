"""Predicates on a node's contents: runs of list items, links to social networks, counters."""

import re

from data_prep.label.measures import PRICE, heaviest_type, largest_type
from data_prep.label.node_context import NodeContext, predicate
from data_prep.label.section_tree import SectionTree

# A number with an optional sign before it and a unit after it: `$1,200`, `24/7`, `98 %`, `3.5k+`.
_FIGURE = re.compile(
    r"^[^\w]{0,3}\d[\d.,:/\s]*\s?([%+kKmMbBx°★s]|hrs?|ms|min|yrs?|hundred|thousand|[mbtr]+illion)?\+?"
    r"(\s*[^\w\s]{0,2}\s?\d[\d.,]*\s?%)?$"  # and by how much it went up or down
)

# What makes a price of a figure: "$9 / month".
_PERIOD = re.compile(r"^(/|per\b|an? (month|year))", re.IGNORECASE)

# --- lists -----------------------------------------------------------------------------------


@predicate
def simple_items(ctx: NodeContext) -> bool:
    """All children are simple: a line or two, small pictures, no heading, no field."""
    tree, kids = ctx.tree, ctx.tree.children[ctx.index]
    items = [kid for kid in kids if not _is_line(tree, kid)]
    # With separators, items must have words: pictograms around a line are no list.
    if len(items) < len(kids) and any(len(tree.text[kid]) < 3 for kid in items):
        return False  # pictograms with separators between them
    return (
        "text" not in tree.kinds[ctx.index]
        and len(items) >= 2
        and all(_is_item(tree, kid) for kid in items)
    )


def _is_line(tree: SectionTree, index: int) -> bool:
    """A separator among items."""
    shown = tree.texts[index] + tree.drawings[index] + tree.pictures[index] + tree.fields[index]
    return not shown


@predicate
def run_of_three(ctx: NodeContext) -> bool:
    """Three items or more, not counting separators."""
    tree = ctx.tree
    return sum(not _is_line(tree, kid) for kid in tree.children[ctx.index]) >= 3


@predicate
def drawn_bullets(ctx: NodeContext) -> bool:
    """Every item has a bullet or a number: the browser lays it out as a list item, and the list
    has the 16 px or more of indent that the bullet is drawn in."""
    tree, at = ctx.tree, ctx.index
    items = tree.children[at]
    return all(
        tree.style[i].get("display") == "list-item" and tree.box[i][0] >= tree.box[at][0] + 16
        for i in items
    )


@predicate
def one_of_many(ctx: NodeContext) -> bool:
    """One of four or more childless siblings with its tag: bars of a chart, steps of a scale."""
    tree, at = ctx.tree, ctx.index
    siblings = tree.children[tree.parent[at]] if at else []
    return sum(tree.tag[i] == tree.tag[at] and not tree.children[i] for i in siblings) >= 4


@predicate
def alike_items(ctx: NodeContext) -> bool:
    """All children are links, or buttons, or chips, or short texts with one tag and class."""
    tree, kids = ctx.tree, ctx.tree.children[ctx.index]
    kinds = {_item_kind(ctx, kid) for kid in kids}
    if kinds <= {"link", "button", "chip"} and len({tree.tag[kid] for kid in kids}) == 1:
        return True  # the selected one may be styled differently
    if len(kinds) != 1:
        return False
    if kinds == {"text"}:
        # The first class alone: the others say the state (`item`, `item active`).
        makes = {(tree.tag[kid], *tree.author[kid].get("class", "").split()[:1]) for kid in kids}
        return len(makes) == 1 and len({tree.font_size(kid) for kid in kids}) == 1
    return kinds <= {"link", "button", "chip", "list", "icon"}


def _is_item(tree: SectionTree, index: int) -> bool:
    inside = list(tree.subtree(index))
    if nested := _inner_list(tree, index):
        return all(_is_item(tree, kid) for kid in tree.children[nested])
    if (
        tree.fields[index] > 1
        or _is_filled_in(tree, index)
        or len(tree.text[index]) > 140
        or tree.texts[index] > 6
    ):
        return False
    lines = lines_of_text(tree, index)
    if len(lines) > 2 or _is_titled(tree, lines):
        return False
    # Painted ones look like buttons; two links in the text of one item are fine.
    if sum(tree.tag[i] in ("a", "button") and tree.is_painted(i) for i in inside) > 1:
        return False  # two buttons are two things
    if any(re.fullmatch(r"h[1-4]", tree.tag[i]) or tree.tag[i] == "table" for i in inside):
        return False
    # Above 48 px a picture is content, and the item is a card.
    large = [i for i in inside if tree.tag[i] in ("img", "video", "iframe", "canvas")]
    if any(min(tree.box[i][2:]) > 48 for i in large):
        return False
    return bool(tree.texts[index] + tree.drawings[index] + tree.pictures[index])


def _is_filled_in(tree: SectionTree, index: int) -> bool:
    """It has a field to type or choose in, with a caption: a row of a form, no simple item."""
    ticks = ("checkbox", "radio", "hidden")
    inside = [i for i in tree.subtree(index) if tree.is_field(i)]
    return any(tree.author[i].get("type") not in ticks for i in inside) and tree.texts[index] > 0


def _is_titled(tree: SectionTree, lines: list[int]) -> bool:
    """Two lines under one another that differ in size or weight: a title with its text."""
    boxes = sorted((tree.box[i] for i in lines), key=lambda box: box[1])
    if len(lines) != 2 or boxes[1][1] < boxes[0][1] + boxes[0][3] - 4:
        return False  # side by side (4 px: line boxes overlap a little)
    sizes, weights = ({f(tree, i) for i in lines} for f in (largest_type, heaviest_type))
    return len(weights) > 1 or max(sizes) >= 1.25 * min(sizes)


def _inner_list(tree: SectionTree, index: int) -> int:
    """The nested list of an item that has one line above it; 0 if there is none."""
    kids = tree.children[index]
    if len(kids) == 2 and tree.tag[kids[1]] in ("ul", "ol") and tree.is_line_of_text(kids[0]):
        return kids[1]
    return 0


def _item_kind(ctx: NodeContext, index: int) -> str:
    tree, kind = ctx.tree, ctx.labeler.kind(index)
    if kind in ("button", "icon"):
        return kind
    line = tree.is_line_of_text(index)
    if tree.tag[index] == "a":
        return "link" if line or tree.texts[index] == 1 or _is_row(tree, index) else "other"
    if line and tree.tag[index] == "p":
        return "other"  # several `p` are running text, however short
    # A chip is a low painted box; a higher one is a card with a short text.
    if line and len(tree.text[index]) <= 40 and kind != "heading":
        return "chip" if tree.is_painted(index) and tree.box[index][3] < 48 else "text"
    inner = tree.children[index]
    if len(inner) == 1 and tree.tag[inner[0]] == "a" and "text" not in tree.kinds[index]:
        return _item_kind(ctx, inner[0])
    return "text" if _is_row(tree, index) else "other"


@predicate
def one_row(ctx: NodeContext) -> bool:
    """One line: a pictogram, a word or two."""
    return _is_row(ctx.tree, ctx.index)


def _is_row(tree: SectionTree, index: int) -> bool:
    """One line: a pictogram, a word or two, a count at the end."""
    boxes = [tree.box[i] for i in lines_of_text(tree, index)]
    one_line = 1 <= len(boxes) <= 2 and all(
        box[1] < boxes[0][1] + boxes[0][3] and boxes[0][1] < box[1] + box[3] for box in boxes
    )
    # 48 px: one line with padding.
    return one_line and tree.box[index][3] <= 48 and _is_item(tree, index)


# --- links to networks -----------------------------------------------------------------------


@predicate
def network_links(ctx: NodeContext) -> bool:
    """Two links or more, nearly all to social networks, and no text beside them."""
    tree, at = ctx.tree, ctx.index
    links = [i for i in tree.subtree(at) if tree.tag[i] in ("a", "button")]
    if len(links) < 2 or at in links:
        return False
    known = sum(_is_network(tree, i) for i in links)
    wordless = not any(tree.texts[i] for i in links)
    # Pictograms without words are less often anything else, so fewer of them must be recognized.
    if known < max(2, (0.5 if wordless else 0.75) * len(links)):
        return False
    if any(tree.texts[i] and not _is_network(tree, i) for i in links):
        return False  # a menu that contains some
    loose = [i for i in tree.subtree(at) if "text" in tree.kinds[i]]
    return all(any(link <= i < tree.end[link] for link in links) for i in loose)


def _is_network(tree: SectionTree, link: int) -> bool:
    about = [tree.author[i] for i in tree.subtree(link)]
    said = [tree.words[i] for i in tree.subtree(link)]
    said += [tree.address[link], tree.author[link].get("aria-label", "")]
    said += [entry.get(name, "") for entry in about for name in ("data-icon", "uk-icon", "icon")]
    if len(tree.text[link]) < 16:
        said.append(tree.text[link])
    return bool(tree.patterns["network"].search(" ".join(said).replace("_", "-")))


@predicate
def network_link(ctx: NodeContext) -> bool:
    """A link to a social network without text, beside another one."""
    tree, at = ctx.tree, ctx.index
    # With words it is one of the links of a menu, and keeps its label.
    if tree.texts[at] or not _is_network(tree, at):
        return False
    while len(tree.children[tree.parent[at]]) == 1 and tree.parent[at] > 0:
        at = tree.parent[at]  # each link may have a box of its own, such as an `li`
    siblings = tree.children[tree.parent[at]]
    links = (i for i in siblings if not tree.texts[i] and tree.links[i] <= 1)
    return sum(_is_network(tree, i) for i in links) >= 2


@predicate
def links_without_node(ctx: NodeContext) -> bool:
    """It contains unlabeled links to social networks (no node holds them and nothing else)."""
    tree, at = ctx.tree, ctx.index
    labeled = {i for kid in ctx.kids for i in tree.subtree(kid.index)}
    loose = (i for i in tree.subtree(at) if tree.tag[i] == "a" and i not in labeled)
    return any(network_link(ctx._replace(index=i)) for i in loose)


# --- figures ---------------------------------------------------------------------------------


@predicate
def figure_and_label(ctx: NodeContext) -> bool:
    """The smallest node with one large figure and one to three lines of label."""
    tree, at = ctx.tree, ctx.index
    return _is_counter(tree, at) and not any(_is_counter(tree, kid) for kid in tree.children[at])


def _is_counter(tree: SectionTree, at: int) -> bool:
    lines = lines_of_text(tree, at)
    if "text" in tree.kinds[at]:
        lines.append(at)  # `<strong>148</strong> Projects`
    figures = [i for i in lines if _FIGURE.match(tree.text[i])]
    large = max((largest_type(tree, i) for i in figures), default=0.0)
    # A unit or a change (`+4 %`) may be a smaller text of its own that also reads as a figure.
    main = [i for i in figures if largest_type(tree, i) >= 0.8 * large]
    labels = [i for i in lines if i not in main and re.search(r"[^\W\d]", tree.text[i])]
    # Two large figures are two counters, and more than three lines are a text with a number.
    if len(main) != 1 or not 1 <= len(labels) <= 3 or _PERIOD.match(tree.text[labels[0]]):
        return False
    # Pictograms (svg, icon fonts) are usual beside a counter, pictures are not.
    if any(tree.pictures[i] for i in tree.subtree(at) if tree.tag[i] == "img"):
        return False  # a card with a picture
    explained = max(len(tree.text[i]) for i in labels) > 60
    if explained and labels[0] < main[0] and _is_heading_tag(tree, labels[0]):
        return False  # a card with a title, a text and a figure
    if any(PRICE.search(tree.text[i]) for i in labels):
        return False  # two prices
    # The first label names what is counted; the others may explain it in a sentence.
    if len(tree.text[labels[0]]) > 40 or any(len(tree.text[i]) > 140 for i in labels):
        return False
    # A figure is set apart by its size: a third larger than its label, and larger than body text.
    small = min(_smallest_type(tree, label) for label in labels)
    return large >= 1.35 * small and large >= 18


def _is_heading_tag(tree: SectionTree, index: int) -> bool:
    return any(re.fullmatch("h[1-6]", tree.tag[i]) for i in tree.subtree(index))


def _smallest_type(tree: SectionTree, index: int) -> float:
    return min(tree.font_size(i) for i in tree.subtree(index) if "text" in tree.kinds[i])


@predicate
def bare_figure(ctx: NodeContext) -> bool:
    """A number and nothing else: it is no title."""
    return bool(_FIGURE.match(ctx.tree.text[ctx.index]))


@predicate
def two_lines(ctx: NodeContext) -> bool:
    return len(lines_of_text(ctx.tree, ctx.index)) >= 2


def lines_of_text(tree: SectionTree, index: int) -> list[int]:
    """The outermost nodes of the subtree that are one line of text each."""
    out, stack = [], [index]
    while stack:
        node = stack.pop()
        if node != index and tree.is_line_of_text(node):
            out.append(node)
        else:
            stack.extend(reversed(tree.children[node]))
    return out
