"""Predicates for pictures and drawings: content, decoration, or tiles of a gallery."""

import re

from data_prep.label.appearance import empty
from data_prep.label.node_context import NodeContext, predicate
from data_prep.label.runs import lines_of_text
from data_prep.label.section_tree import SectionTree


@predicate
def wide_as_section(ctx: NodeContext) -> bool:
    """As wide as the section (97 %: a scroll bar or a border may take some px)."""
    return ctx.tree.box[ctx.index][2] >= 0.97 * ctx.tree.box[0][2]


@predicate
def edge_to_edge(ctx: NodeContext) -> bool:
    """It touches both sides of the section. Stricter than `wide_as_section`: a card has margins."""
    return ctx.tree.box[ctx.index][2] >= 0.985 * ctx.tree.box[0][2]


@predicate
def along_a_side(ctx: NodeContext) -> bool:
    """Absolutely placed along the whole top or bottom of a box with text."""
    tree, at = ctx.tree, ctx.index
    above = tree.parent[at]
    (x, y, wide, tall), (left, top, width, height) = tree.box[at], tree.box[above]
    # 2 px: such drawings are often moved by a px to hide the seam.
    at_end = y <= top + 2 or y + tall >= top + height - 2
    across = wide >= 0.95 * width and abs(x - left) <= 0.05 * width
    free = tree.style[at].get("position") == "absolute"
    return free and across and at_end and tree.texts[above] > 0


@predicate
def fills_box_with_text(ctx: NodeContext) -> bool:
    """Absolutely placed, it covers 90 % of its parent, which has text beside what is in it."""
    tree, at = ctx.tree, ctx.index
    above = tree.parent[at]
    free = tree.style[at].get("position", "") in ("absolute", "fixed")
    # More texts above: some are outside of it, and it is what they are read on.
    return free and tree.texts[above] > tree.texts[at] and tree.area(at) >= 0.9 * tree.area(above)


@predicate
def under_a_picture(ctx: NodeContext) -> bool:
    """Another picture is in the same place: its corner is within 30 % of this one's."""
    tree, at = ctx.tree, ctx.index
    x, y, wide, tall = tree.box[at]
    for i in tree.subtree(tree.parent[at]):
        # Pictures only: drawings over one another are one pictogram (`stacked_drawings`).
        if i != at and "src" in tree.kinds[i]:
            left, top = tree.box[i][:2]
            if abs(left - x) < 0.3 * wide and abs(top - y) < 0.3 * tall:
                return True
    return False


@predicate
def background_picture(ctx: NodeContext) -> bool:
    return "url(" in ctx.tree.style[ctx.index].get("background-image", "none")


@predicate
def glyph(ctx: NodeContext) -> bool:
    """A character of an icon font. Its box may fill the line; the font size is its real size."""
    tree, at = ctx.tree, ctx.index
    return tree.tag[at] != "svg" and not tree.children[at] and "svg" in tree.kinds[at]


@predicate
def ornament(ctx: NodeContext) -> bool:
    """A drawing placed absolutely near a picture, or behind one, and in no link or button."""
    tree, at = ctx.tree, ctx.index
    if tree.style[at].get("position") != "absolute" and not _behind_a_picture(tree, at):
        return False
    above = tree.parent[at]
    # The picture may be a sibling, or in a sibling of the box around the drawing.
    near = tree.pictures[above] or tree.pictures[tree.parent[above]]
    return bool(near) and not any(tree.tag[i] in ("a", "button") for i in tree.ancestors(at))


def _behind_a_picture(tree: SectionTree, at: int) -> bool:
    """A later picture covers its center (later in the tree is painted on top)."""
    x, y, wide, tall = tree.box[at]
    for i in range(tree.end[at], tree.end[tree.parent[at]]):
        if "src" in tree.kinds[i]:
            left, top, width, height = tree.box[i]
            if left <= x + wide / 2 <= left + width and top <= y + tall / 2 <= top + height:
                return True
    return False


@predicate
def stacked_drawings(ctx: NodeContext) -> bool:
    """Several drawings on top of one another: one pictogram."""
    return ctx.tree.drawings[ctx.index] > 1 and one_pictogram(ctx)


@predicate
def raster(ctx: NodeContext) -> bool:
    """A photograph, by the kind of its file."""
    return ctx.tree.is_photo(ctx.index)


@predicate
def one_pictogram(ctx: NodeContext) -> bool:
    """One drawing and nothing else, or several with one center (a pictogram on a disc)."""
    tree, at = ctx.tree, ctx.index
    if tree.texts[at] or tree.pictures[at] or tree.fields[at] or not tree.drawings[at]:
        return False
    # Drawings beside one another are several pictograms, with one center they are one.
    drawn = [tree.box[i] for i in tree.subtree(at) if "svg" in tree.kinds[i]]
    return len(drawn) == 1 or all(_same_middle(box, drawn[0]) for box in drawn)


@predicate
def menu_sign(ctx: NodeContext) -> bool:
    """Two to four thin painted bars under one another, and nothing else: a menu icon."""
    tree, at = ctx.tree, ctx.index
    # Leaves: the button around the bars may be painted, too.
    bars = [i for i in tree.subtree(at) if not tree.children[i]]
    return (
        empty(ctx)
        and 2 <= len(bars) <= 4
        and all(tree.is_painted(i) and tree.box[i][3] <= 6 and tree.box[i][2] >= 8 for i in bars)
        and len({round(tree.box[i][1]) for i in bars}) == len(bars)
    )


def _same_middle(one: list[float], two: list[float]) -> bool:
    """Whether two boxes have the same center, within 8 px in each direction."""
    return (
        abs(one[0] + one[2] / 2 - two[0] - two[2] / 2) < 8
        and abs(one[1] + one[3] / 2 - two[1] - two[3] / 2) < 8
    )


@predicate
def picture_cells(ctx: NodeContext) -> bool:
    """Every child is a picture that fills it, except for one line of caption."""
    return all(_is_picture_cell(ctx, kid) for kid in ctx.tree.children[ctx.index])


@predicate
def uneven(ctx: NodeContext) -> bool:
    """Pictures that start on one line differ in height by more than 20 %."""
    tree, rows = ctx.tree, {}
    for cell in tree.children[ctx.index]:
        # Tops within the same 8 px are one line.
        rows.setdefault(round(tree.box[cell][1] / 8), []).append(tree.box[cell][3])
    # A line of one picture has nothing to differ from.
    return any(max(row) > 1.2 * min(row) for row in rows.values() if len(row) > 1)


def _is_picture_cell(ctx: NodeContext, index: int) -> bool:
    tree = ctx.tree
    if _is_captioned_background(tree, index):
        return True
    shown = [i for i in tree.subtree(index) if _is_picture(ctx, i)]
    # A heading makes it a card, however short.
    if not shown or any(re.fullmatch("h[1-4]", tree.tag[i]) for i in tree.subtree(index)):
        return False
    picture, (width, height) = tree.box[shown[0]], tree.box[index][2:]
    # Text on the picture (a badge, hover buttons) adds nothing to the height of the cell.
    lines = (tree.box[i] for i in lines_of_text(tree, index))
    below = [box for box in lines if not _is_centered_on(box, picture)]
    one_line = all(abs(box[1] - below[0][1]) < 0.6 * below[0][3] for box in below)
    return (
        len([i for i in shown if not _is_centered_on(tree.box[i], picture)]) == 0
        and one_line
        and len(tree.text[index]) <= 60  # a longer text is content: the cell is a card
        and min(picture[2:]) >= 24
        and (max(picture[2:]) > 96 or tree.is_photo(shown[0]))  # else an icon
        and picture[2] >= (0.7 if below else 0.3) * width
        and height - picture[3] <= 0.3 * height + 24  # 24 px: one line of caption
    )


def _is_picture(ctx: NodeContext, index: int) -> bool:
    tree = ctx.tree
    if tree.tag[index] in ("img", "canvas", "picture"):
        return True
    wide, tall = tree.box[index][2:]
    # Large drawings, as logos are; small ones are pictograms.
    if "svg" in tree.kinds[index] and not tree.texts[index] and wide > 96 and tall >= 24:
        return True
    # As in `_is_captioned_background`: a smaller box with a background is a pictogram or a bar.
    if wide <= 96 or tall <= 64:
        return False
    return _has_background(tree, index) and not tree.texts[index]


def _is_captioned_background(tree: SectionTree, index: int) -> bool:
    """A background picture or gradient, with small text in its lowest 30 % only."""
    _, top, wide, tall = tree.box[index]
    lines = [tree.box[i] for i in lines_of_text(tree, index)]
    if not _has_background(tree, index) or wide <= 96 or tall <= 64 or not lines:
        return False
    # Higher up, or larger, it is the text of a banner and no caption.
    return all(box[1] > top + 0.7 * tall and box[3] < 0.2 * tall for box in lines)


def _has_background(tree: SectionTree, index: int) -> bool:
    return tree.style[index].get("background-image", "none") not in ("", "none")


def _is_centered_on(box: list[float], picture: list[float]) -> bool:
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    left, top, wide, tall = picture
    return left <= x <= left + wide and top <= y <= top + tall


@predicate
def on_a_pictogram(ctx: NodeContext) -> bool:
    """A text on the upper right of a sibling drawing: a count of messages."""
    tree, at = ctx.tree, ctx.index
    if "text" not in tree.kinds[at]:
        return False
    x, y = tree.box[at][:2]
    for i in tree.children[tree.parent[at]]:
        left, top, wide, tall = tree.box[i]
        # 2 px: a badge may begin just beyond the drawing's right edge.
        if "svg" in tree.kinds[i] and left < x < left + wide + 2 and y < top + 0.4 * tall:
            return True
    return False
