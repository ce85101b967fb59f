"""Pictures and drawings: what is one, what adorns, what makes a gallery."""

import re

from data_prep.label.appearance import empty
from data_prep.label.node_context import Spot, look
from data_prep.label.runs import lines_of_text
from data_prep.label.section_tree import View


@look
def wide_as_section(spot: Spot) -> bool:
    """It goes from one side of the section to the other."""
    return spot.view.box[spot.index][2] >= 0.97 * spot.view.box[0][2]


@look
def edge_to_edge(spot: Spot) -> bool:
    """It touches both sides of the section; a card stands off them."""
    return spot.view.box[spot.index][2] >= 0.985 * spot.view.box[0][2]


@look
def along_a_side(spot: Spot) -> bool:
    """It goes along the top or the bottom of a box with text."""
    view, at = spot.view, spot.index
    above = view.parent[at]
    (x, y, wide, tall), (left, top, width, height) = view.box[at], view.box[above]
    at_end = y <= top + 2 or y + tall >= top + height - 2
    across = wide >= 0.95 * width and abs(x - left) <= 0.05 * width
    free = view.look[at].get("position") == "absolute"
    return free and across and at_end and view.texts[above] > 0


@look
def fills_box_with_text(spot: Spot) -> bool:
    """It is placed behind, covers the box it stands in, and there is text on it."""
    view, at = spot.view, spot.index
    above = view.parent[at]
    free = view.look[at].get("position", "") in ("absolute", "fixed")
    return free and view.texts[above] > view.texts[at] and view.area(at) >= 0.9 * view.area(above)


@look
def under_a_picture(spot: Spot) -> bool:
    """Another picture in the same place."""
    view, at = spot.view, spot.index
    x, y, wide, tall = view.box[at]
    for i in view.subtree(view.parent[at]):
        if i != at and "src" in view.kinds[i]:
            left, top = view.box[i][:2]
            if abs(left - x) < 0.3 * wide and abs(top - y) < 0.3 * tall:
                return True
    return False


@look
def background_picture(spot: Spot) -> bool:
    return "url(" in spot.view.look[spot.index].get("background-image", "none")


@look
def glyph(spot: Spot) -> bool:
    """A sign of an icon font: its box may be as wide as the line, its type says how large it is."""
    view, at = spot.view, spot.index
    return view.tag[at] != "svg" and not view.children[at] and "svg" in view.kinds[at]


@look
def ornament(spot: Spot) -> bool:
    """A drawing that is placed freely beside or behind a picture, and leads nowhere."""
    view, at = spot.view, spot.index
    if view.look[at].get("position") != "absolute" and not _behind_a_picture(view, at):
        return False
    above = view.parent[at]
    near = view.pictures[above] or view.pictures[view.parent[above]]
    return bool(near) and not any(view.tag[i] in ("a", "button") for i in view.ancestors(at))


def _behind_a_picture(view: View, at: int) -> bool:
    """A picture that comes later covers the middle of it."""
    x, y, wide, tall = view.box[at]
    for i in range(view.end[at], view.end[view.parent[at]]):
        if "src" in view.kinds[i]:
            left, top, width, height = view.box[i]
            if left <= x + wide / 2 <= left + width and top <= y + tall / 2 <= top + height:
                return True
    return False


@look
def stacked_drawings(spot: Spot) -> bool:
    """Several drawings over one another make one pictogram."""
    return spot.view.drawings[spot.index] > 1 and one_pictogram(spot)


@look
def raster(spot: Spot) -> bool:
    """A photograph, by the kind of its file."""
    return spot.view.is_photo(spot.index)


@look
def one_pictogram(spot: Spot) -> bool:
    """One drawing and nothing else, or drawings over one another (a sign on a disc)."""
    view, at = spot.view, spot.index
    if view.texts[at] or view.pictures[at] or view.fields[at] or not view.drawings[at]:
        return False
    drawn = [view.box[i] for i in view.subtree(at) if "svg" in view.kinds[i]]
    return len(drawn) == 1 or all(_same_middle(box, drawn[0]) for box in drawn)


@look
def menu_sign(spot: Spot) -> bool:
    """Two to four thin bars over one another, and nothing else: the sign for a menu."""
    view, at = spot.view, spot.index
    bars = [i for i in view.subtree(at) if not view.children[i]]
    return (
        empty(spot)
        and 2 <= len(bars) <= 4
        and all(view.is_painted(i) and view.box[i][3] <= 6 and view.box[i][2] >= 8 for i in bars)
        and len({round(view.box[i][1]) for i in bars}) == len(bars)
    )


def _same_middle(one: list[float], two: list[float]) -> bool:
    return (
        abs(one[0] + one[2] / 2 - two[0] - two[2] / 2) < 8
        and abs(one[1] + one[3] / 2 - two[1] - two[3] / 2) < 8
    )


@look
def picture_cells(spot: Spot) -> bool:
    """Every child is a picture that fills its cell but for one caption line."""
    return all(_is_picture_cell(spot, kid) for kid in spot.view.children[spot.index])


@look
def uneven(spot: Spot) -> bool:
    """Pictures that start on one line differ in height."""
    view, rows = spot.view, {}
    for cell in view.children[spot.index]:
        rows.setdefault(round(view.box[cell][1] / 8), []).append(view.box[cell][3])
    return any(max(row) > 1.2 * min(row) for row in rows.values() if len(row) > 1)


def _is_picture_cell(spot: Spot, index: int) -> bool:
    view = spot.view
    if _is_captioned_background(view, index):
        return True
    shown = [i for i in view.subtree(index) if _is_picture(spot, i)]
    if not shown or any(re.fullmatch("h[1-4]", view.tag[i]) for i in view.subtree(index)):
        return False
    picture, (width, height) = view.box[shown[0]], view.box[index][2:]
    # What lies on the picture (a badge, buttons when hovered) takes no room of its own.
    below = [view.box[i] for i in lines_of_text(view, index) if not _lies_on(view.box[i], picture)]
    one_line = all(abs(box[1] - below[0][1]) < 0.6 * below[0][3] for box in below)
    return (
        len([i for i in shown if not _lies_on(view.box[i], picture)]) == 0
        and one_line
        and len(view.text[index]) <= 60
        and min(picture[2:]) >= 24
        and (max(picture[2:]) > 96 or view.is_photo(shown[0]))
        and picture[2] >= (0.7 if below else 0.3) * width
        and height - picture[3] <= 0.3 * height + 24
    )


def _is_picture(spot: Spot, index: int) -> bool:
    view = spot.view
    if view.tag[index] in ("img", "canvas", "picture"):
        return True
    wide, tall = view.box[index][2:]
    if "svg" in view.kinds[index] and not view.texts[index] and wide > 96 and tall >= 24:
        return True
    if wide <= 96 or tall <= 64:
        return False
    return _has_background(view, index) and not view.texts[index]


def _is_captioned_background(view: View, index: int) -> bool:
    """A background picture (or colours that run into one another in its stead) with one line
    of small text at its foot."""
    _, top, wide, tall = view.box[index]
    lines = [view.box[i] for i in lines_of_text(view, index)]
    if not _has_background(view, index) or wide <= 96 or tall <= 64 or not lines:
        return False
    return all(box[1] > top + 0.7 * tall and box[3] < 0.2 * tall for box in lines)


def _has_background(view: View, index: int) -> bool:
    return view.look[index].get("background-image", "none") not in ("", "none")


def _lies_on(box: list[float], picture: list[float]) -> bool:
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    left, top, wide, tall = picture
    return left <= x <= left + wide and top <= y <= top + tall


@look
def on_a_pictogram(spot: Spot) -> bool:
    """A text that stands on the upper end of a drawing: how many messages wait."""
    view, at = spot.view, spot.index
    if "text" not in view.kinds[at]:
        return False
    x, y = view.box[at][:2]
    for i in view.children[view.parent[at]]:
        left, top, wide, tall = view.box[i]
        if "svg" in view.kinds[i] and left < x < left + wide + 2 and y < top + 0.4 * tall:
            return True
    return False
