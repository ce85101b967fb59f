"""Predicates on the tag, style, box and text of a single node."""

import re

from data_prep.label.node_context import NodeContext, predicate

# The end of a sentence: a mark, perhaps a closing quote or bracket, then a space or the end.
_END = re.compile(r"[.!?]['\"”’)]?(?:\s+(?=\S)|\s*$)")


@predicate
def painted(ctx: NodeContext) -> bool:
    """It draws a box of its own: background, border on all sides, or shadow."""
    return ctx.tree.is_painted(ctx.index)


@predicate
def empty(ctx: NodeContext) -> bool:
    """Nothing to read, see or fill in."""
    tree, at = ctx.tree, ctx.index
    return not (tree.texts[at] or tree.pictures[at] or tree.drawings[at] or tree.fields[at])


@predicate
def field(ctx: NodeContext) -> bool:
    """A form field (a button by tag is none)."""
    return ctx.tree.is_field(ctx.index)


@predicate
def beside_field(ctx: NodeContext) -> bool:
    """In the same row as the one field that its parent frames, or touching that field."""
    tree, at = ctx.tree, ctx.index
    above = tree.parent[at]
    # 64 px: one line with padding. A higher parent is a form, and what is in it is not decoration.
    if tree.fields[above] != 1 or tree.fields[at] or tree.box[above][3] > 64:
        return False
    if any(tree.tag[i] in ("a", "button") for i in tree.subtree(at)):
        # A button that only touches a field is a button of its own; inside the frame it is part.
        return tree.is_painted(above)
    return tree.is_painted(above) or any(
        tree.is_field(i) and _touch(tree.box[i], tree.box[at]) for i in tree.subtree(above)
    )


def _touch(one: list[float], two: list[float]) -> bool:
    """Side by side without a gap, and equally high (boxes are rounded: 2 and 4 px of slack)."""
    apart = max(one[0], two[0]) - min(one[0] + one[2], two[0] + two[2])
    return abs(apart) <= 2 and abs(one[1] - two[1]) <= 4 and abs(one[3] - two[3]) <= 4


@predicate
def in_field(ctx: NodeContext) -> bool:
    """Its center is inside a form field elsewhere in the tree: a floating label, a pictogram."""
    tree, (x, y, w, h) = ctx.tree, ctx.tree.box[ctx.index]
    if not tree.fields[0]:
        return False
    for other, (left, top, wide, tall) in enumerate(tree.box):
        if tree.is_field(other) and other not in tree.subtree(ctx.index):
            middle_x, middle_y = x + w / 2, y + h / 2
            inside = left <= middle_x <= left + wide and top <= middle_y <= top + tall
            # A larger box contains the field and is not drawn on it.
            if inside and w * h <= wide * tall:
                return True
    return False


@predicate
def submit(ctx: NodeContext) -> bool:
    """An input that is a button."""
    return ctx.tree.is_submit(ctx.index)


@predicate
def speck(ctx: NodeContext) -> bool:
    """Nothing in it is large enough to be seen."""
    boxes = [ctx.tree.box[i] for i in ctx.tree.subtree(ctx.index)]
    # Thin in one direction (clipped text for screen readers), or dots of up to 6 x 6 px.
    return all(min(box[2:]) < 6 for box in boxes) or all(max(box[2:]) <= 6 for box in boxes)


@predicate
def in_root(ctx: NodeContext) -> bool:
    """A child of the root, or below it through boxes with a single child."""
    tree = ctx.tree
    return all(above == 0 or len(tree.children[above]) == 1 for above in tree.ancestors(ctx.index))


@predicate
def largest_sibling(ctx: NodeContext) -> bool:
    tree = ctx.tree
    siblings = tree.children[tree.parent[ctx.index]]
    return ctx.index == max(siblings, key=tree.area)


@predicate
def no_box(ctx: NodeContext) -> bool:
    return min(ctx.tree.box[ctx.index][2:]) == 0


@predicate
def thin(ctx: NodeContext) -> bool:
    """A horizontal or vertical line: at most 4 px thick, at least 24 px long."""
    wide, tall = ctx.tree.box[ctx.index][2:]
    # 24 px: a shorter bar is a part of a drawing, such as a menu icon.
    return (tall <= 4 and wide >= 24) or (wide <= 4 and tall >= 24)


@predicate
def at_the_edge(ctx: NodeContext) -> bool:
    """A line along a whole side of its parent's box, like a border."""
    tree, (x, y, wide, tall) = ctx.tree, ctx.tree.box[ctx.index]
    left, top, width, height = tree.box[tree.parent[ctx.index]]
    horizontal = wide >= 0.95 * width and (y <= top + 3 or y + tall >= top + height - 3)
    vertical = tall >= 0.95 * height and (x <= left + 3 or x + wide >= left + width - 3)
    return tree.is_painted(tree.parent[ctx.index]) and (horizontal or vertical)


@predicate
def childless(ctx: NodeContext) -> bool:
    return not ctx.tree.children[ctx.index]


@predicate
def own_text(ctx: NodeContext) -> bool:
    return "text" in ctx.tree.kinds[ctx.index]


@predicate
def own_drawing(ctx: NodeContext) -> bool:
    return "svg" in ctx.tree.kinds[ctx.index]


@predicate
def own_picture(ctx: NodeContext) -> bool:
    return "src" in ctx.tree.kinds[ctx.index]


@predicate
def phrase(ctx: NodeContext) -> bool:
    """Text with nothing but phrasing in it."""
    return ctx.tree.is_line_of_text(ctx.index)


@predicate
def chooser(ctx: NodeContext) -> bool:
    """All fields in it are checkboxes or radio buttons: its words are the option."""
    tree = ctx.tree
    inside = [i for i in tree.subtree(ctx.index) if tree.is_field(i)]
    return bool(inside) and all(tree.author[i].get("type") in ("checkbox", "radio") for i in inside)


@predicate
def in_link(ctx: NodeContext) -> bool:
    """The only child of a link."""
    tree, above = ctx.tree, ctx.tree.parent[ctx.index]
    return tree.tag[above] == "a" and len(tree.children[above]) == 1


@predicate
def only_text_inside(ctx: NodeContext) -> bool:
    """An unpainted box around one line of text and nothing else: the block is the text."""
    tree, at = ctx.tree, ctx.index
    if tree.is_painted(at) or tree.kinds[at] or len(tree.children[at]) != 1:
        return False
    if tree.tag[at] == "li":
        return False  # the list was not labeled as one, so the label goes to the link in the item
    if tree.tag[tree.children[at][0]] in ("a", "label"):
        return False  # a link or field label has its own label; the box only centers it
    return ctx.labeler.kind(tree.children[at][0]) in ("paragraph", "heading")


@predicate
def inline_parts(ctx: NodeContext) -> bool:
    """An unpainted box around the parts of one line: `<b>$9</b> <small>a month</small>`."""
    tree, at = ctx.tree, ctx.index
    parts = tree.children[at]
    if tree.is_painted(at) or tree.kinds[at] or len(parts) < 2:
        return False
    if tree.links[at] or tree.drawings[at] or tree.pictures[at]:
        return False
    return all(tree.style[i].get("display") == "inline" and tree.texts[i] for i in parts)


@predicate
def line_with_links(ctx: NodeContext) -> bool:
    """An unpainted box of one line, of words and of inline links."""
    tree, at = ctx.tree, ctx.index
    parts = tree.children[at]
    if tree.is_painted(at) or tree.drawings[at] or tree.pictures[at] or tree.fields[at]:
        return False
    if len(parts) < 2 or "list-item" in (tree.style[i].get("display") for i in parts):
        return False
    linked = sum(tree.tag[i] == "a" for i in parts)
    in_line = all(
        tree.style[i].get("display") == "inline" and tree.texts[i] and not tree.is_painted(i)
        for i in parts
    )
    # Two font sizes high is one line: line heights go up to about 1.8.
    return in_line and 0 < linked < len(parts) and tree.box[at][3] <= 2 * tree.font_size(at)


@predicate
def add_on(ctx: NodeContext) -> bool:
    """A word or two in a box that touches the field, and is no link or button."""
    tree, at = ctx.tree, ctx.index
    led = any(tree.tag[i] in ("a", "button", "label") for i in tree.subtree(at))
    touched = any(
        tree.is_field(i) and _touch(tree.box[i], tree.box[at])
        for i in tree.subtree(tree.parent[at])
    )
    return not led and touched and len(tree.text[at]) <= 16


@predicate
def block_of_text(ctx: NodeContext) -> bool:
    """The node that is a text, as against one that holds texts."""
    return own_text(ctx) or text_tag(ctx) or only_text_inside(ctx) or inline_parts(ctx)


@predicate
def beside_painted_twin(ctx: NodeContext) -> bool:
    """A sibling with the same tag and the same first class has a box of its own."""
    tree, at = ctx.tree, ctx.index
    # The first class alone: the others say the state (`item`, `item active`).
    first_class = tree.author[at].get("class", "").split()[:1]
    return any(
        i != at
        and tree.tag[i] == tree.tag[at]
        and tree.author[i].get("class", "").split()[:1] == first_class
        and tree.is_painted(i)
        for i in tree.children[tree.parent[at]]
    )


@predicate
def title_inside(ctx: NodeContext) -> bool:
    """A heading by tag, with text, is in it."""
    tree = ctx.tree
    inner = range(ctx.index + 1, tree.end[ctx.index])
    return any(re.fullmatch("h[1-6]", tree.tag[i]) and tree.texts[i] for i in inner)


@predicate
def buttons_inside(ctx: NodeContext) -> bool:
    tree = ctx.tree
    inner = range(ctx.index + 1, tree.end[ctx.index])
    return any(tree.tag[i] in ("a", "button") and ctx.labeler.kind(i) == "button" for i in inner)


@predicate
def inline_inside(ctx: NodeContext) -> bool:
    """What is in it are parts of a line, or pictures."""
    inner = range(ctx.index + 1, ctx.tree.end[ctx.index])
    # Inline tags and pictures: a link around a block is a card, not a button.
    allowed = {"span", "i", "svg", "b", "strong", "em", "img", "small", "u"}
    return all(ctx.tree.tag[i] in allowed for i in inner)


@predicate
def button_tag(ctx: NodeContext) -> bool:
    return ctx.tree.tag[ctx.index] == "button"


@predicate
def code_tag(ctx: NodeContext) -> bool:
    return ctx.tree.tag[ctx.index] == "code"


@predicate
def part_of_table(ctx: NodeContext) -> bool:
    return ctx.tree.tag[ctx.index] in ("table", "thead", "tbody", "tfoot", "tr", "td", "th")


@predicate
def heading_tag(ctx: NodeContext) -> bool:
    return bool(re.fullmatch("h[1-6]", ctx.tree.tag[ctx.index]))


@predicate
def text_tag(ctx: NodeContext) -> bool:
    """A block of text by tag, even where its text is in child elements."""
    return ctx.tree.tag[ctx.index] in ("p", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6")


@predicate
def as_light_as_text(ctx: NodeContext) -> bool:
    """Not even half-bold."""
    tree = ctx.tree
    return all(tree.weight(i) < 500 for i in tree.subtree(ctx.index) if "text" in tree.kinds[i])


@predicate
def bold(ctx: NodeContext) -> bool:
    """It, or a part of it that has text, is bold."""
    tree = ctx.tree
    parts = [i for i in tree.subtree(ctx.index) if "text" in tree.kinds[i]]
    return tree.is_bold(ctx.index) or any(tree.is_bold(i) for i in parts)


@predicate
def sentences(ctx: NodeContext) -> bool:
    """Two sentences or more of at least three words each, the last one ended as well.

    `Shout! Media` is none, nor is `Unparalleled. Innovation.`: both are titles.
    """
    parts = _END.split(ctx.tree.text[ctx.index])
    said = [part for part in parts[:-1] if len(part.split()) >= 3]
    # Fragments count, too, in more than 80 characters: a title is shorter.
    return len(said) >= 2 or (len(parts) > 2 and sum(map(len, parts)) > 80)


@predicate
def holds_it_all(ctx: NodeContext) -> bool:
    """A node around a single other node, with no content of its own."""
    tree, at = ctx.tree, ctx.index
    return len(tree.children[at]) == 1 and not tree.kinds[at]
