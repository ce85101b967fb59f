"""Nodes that are told by what stands in them: runs of items, pictures, links, figures, panels."""

import re

from data_prep.label_measures import largest_type
from data_prep.label_spot import Spot, look
from data_prep.label_view import View

_FIGURE = re.compile(
    r"^[^\w]{0,3}\d[\d.,:/\s]*\s?([%+kKmMbBx°★s]|hrs?|ms|min|yrs?)?\+?"
    r"(\s*[^\w\s]{0,2}\s?\d[\d.,]*\s?%)?$"  # and by how much it went up or down
)

_PERIOD = re.compile(r"^(/|per\b|an? (month|year))", re.IGNORECASE)  # "$9 / month" is a price


# --- lists -----------------------------------------------------------------------------------


@look
def simple_items(spot: Spot) -> bool:
    """All children are simple: a line or two, small pictures, no heading, no field."""
    view, kids = spot.view, spot.view.children[spot.index]
    items = [kid for kid in kids if not _is_line(view, kid)]
    if len(items) < len(kids) and any(len(view.text[kid]) < 3 for kid in items):
        return False  # signs with a line between them
    return (
        "text" not in view.kinds[spot.index]
        and len(items) >= 2
        and all(_is_item(view, kid) for kid in items)
    )


def _is_line(view: View, index: int) -> bool:
    """A separator among items."""
    shown = view.texts[index] + view.drawings[index] + view.pictures[index] + view.fields[index]
    return not shown


@look
def one_of_many(spot: Spot) -> bool:
    """Beside three or more of its make: the bars of a chart, the steps of a scale."""
    view, at = spot.view, spot.index
    siblings = view.children[view.parent[at]] if at else []
    return sum(view.tag[i] == view.tag[at] and not view.children[i] for i in siblings) >= 4


@look
def alike_items(spot: Spot) -> bool:
    """All children are links, or all buttons, or all chips, or all short texts of one make."""
    view, kids = spot.view, spot.view.children[spot.index]
    kinds = {_item_kind(spot, kid) for kid in kids}
    if kinds <= {"link", "button", "chip"} and len({view.tag[kid] for kid in kids}) == 1:
        return True  # the one that is chosen may look different
    if len(kinds) != 1:
        return False
    if kinds == {"text"}:
        # One make: the same tag and the same first word of the class (`item`, `item active`).
        makes = {(view.tag[kid], *view.author[kid].get("class", "").split()[:1]) for kid in kids}
        return len(makes) == 1 and len({view.font_size(kid) for kid in kids}) == 1
    return kinds <= {"link", "button", "chip", "list", "icon"}


def _is_item(view: View, index: int) -> bool:
    inside = list(view.subtree(index))
    if view.fields[index] > 1 or len(view.text[index]) > 140 or view.texts[index] > 6:
        return False
    if len(lines_of_text(view, index)) > 2:
        return False
    if any(re.fullmatch(r"h[1-4]", view.tag[i]) or view.tag[i] == "table" for i in inside):
        return False
    large = [i for i in inside if view.tag[i] in ("img", "video", "iframe", "canvas")]
    if any(min(view.box[i][2:]) > 48 for i in large):
        return False
    return bool(view.texts[index] + view.drawings[index] + view.pictures[index])


def _item_kind(spot: Spot, index: int) -> str:
    view, kind = spot.view, spot.kinds.kind(index)
    if kind in ("button", "icon"):
        return kind
    line = view.is_line_of_text(index)
    if view.tag[index] == "a":
        return "link" if line or view.texts[index] == 1 or _is_row(view, index) else "other"
    if line and len(view.text[index]) <= 40 and kind != "heading":
        return "chip" if view.is_painted(index) and view.box[index][3] < 48 else "text"
    inner = view.children[index]
    if len(inner) == 1 and view.tag[inner[0]] == "a" and "text" not in view.kinds[index]:
        return _item_kind(spot, inner[0])
    return "text" if _is_row(view, index) else "other"


@look
def one_row(spot: Spot) -> bool:
    """One line: a sign, a word or two."""
    return _is_row(spot.view, spot.index)


def _is_row(view: View, index: int) -> bool:
    """One line: a sign, a word or two, a count at the end."""
    boxes = [view.box[i] for i in lines_of_text(view, index)]
    one_line = 1 <= len(boxes) <= 2 and all(
        box[1] < boxes[0][1] + boxes[0][3] and boxes[0][1] < box[1] + box[3] for box in boxes
    )
    return one_line and view.box[index][3] <= 48 and _is_item(view, index)


# --- pictures --------------------------------------------------------------------------------


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
        and min(picture[2:]) >= 32
        and max(picture[2:]) > 96
        and picture[2] >= (0.7 if below else 0.3) * width
        and height - picture[3] <= 0.3 * height + 24
    )


def _is_picture(spot: Spot, index: int) -> bool:
    view = spot.view
    if view.tag[index] in ("img", "canvas", "picture"):
        return True
    wide, tall = view.box[index][2:]
    if wide <= 96 or tall <= 64:
        return False
    drawn = "svg" in view.kinds[index] and not view.texts[index]
    return drawn or (_has_background(view, index) and not view.texts[index])


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


# --- links to networks -----------------------------------------------------------------------


@look
def network_links(spot: Spot) -> bool:
    """Two links or more, nearly all to social networks, and no text beside them."""
    view, at = spot.view, spot.index
    links = [i for i in view.subtree(at) if view.tag[i] in ("a", "button")]
    if len(links) < 2 or at in links:
        return False
    known = sum(_is_network(view, i) for i in links)
    if known < max(2, 0.75 * len(links)):
        return False
    loose = [i for i in view.subtree(at) if "text" in view.kinds[i]]
    return all(any(link <= i < view.end[link] for link in links) for i in loose)


def _is_network(view: View, link: int) -> bool:
    about = [view.author[i] for i in view.subtree(link)]
    said = [view.words[i] for i in view.subtree(link)]
    said += [view.address[link], view.author[link].get("aria-label", "")]
    said += [entry.get(name, "") for entry in about for name in ("data-icon", "uk-icon", "icon")]
    if len(view.text[link]) < 16:
        said.append(view.text[link])
    return bool(view.patterns["network"].search(" ".join(said).replace("_", "-")))


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


@look
def network_link(spot: Spot) -> bool:
    """A pictogram that leads to a social network, beside another one."""
    view, at = spot.view, spot.index
    if view.texts[at] or not _is_network(view, at):
        return False
    siblings = view.children[view.parent[at]]
    return sum(_is_network(view, i) for i in siblings if not view.texts[i]) >= 2


@look
def links_without_node(spot: Spot) -> bool:
    """Links to networks stand in it, with no node that holds them alone."""
    inside = range(spot.index + 1, spot.view.end[spot.index])
    return any(network_link(spot._replace(index=i)) for i in inside if spot.view.tag[i] == "a")


# --- figures ---------------------------------------------------------------------------------


@look
def figure_and_label(spot: Spot) -> bool:
    """The smallest node with one large figure and one to three lines that say what it counts."""
    view, at = spot.view, spot.index
    return _is_counter(view, at) and not any(_is_counter(view, kid) for kid in view.children[at])


def _is_counter(view: View, at: int) -> bool:
    lines = lines_of_text(view, at)
    if "text" in view.kinds[at]:
        lines.append(at)  # `<strong>148</strong> Projects`
    figures = [i for i in lines if _FIGURE.match(view.text[i])]
    large = max((largest_type(view, i) for i in figures), default=0.0)
    main = [i for i in figures if largest_type(view, i) >= 0.8 * large]
    labels = [i for i in lines if i not in main]
    if len(main) != 1 or not 1 <= len(labels) <= 3 or _PERIOD.match(view.text[labels[0]]):
        return False
    if len(view.text[labels[0]]) > 40 or any(len(view.text[i]) > 140 for i in labels):
        return False
    small = min(_smallest_type(view, label) for label in labels)
    return large >= 1.35 * small and large >= 18


def _smallest_type(view: View, index: int) -> float:
    return min(view.font_size(i) for i in view.subtree(index) if "text" in view.kinds[i])


@look
def two_lines(spot: Spot) -> bool:
    return len(lines_of_text(spot.view, spot.index)) >= 2


def lines_of_text(view: View, index: int) -> list[int]:
    """The outermost nodes of the subtree that are one line of text each."""
    out, stack = [], [index]
    while stack:
        here = stack.pop()
        if here != index and view.is_line_of_text(here):
            out.append(here)
        else:
            stack.extend(reversed(view.children[here]))
    return out


# --- panels ----------------------------------------------------------------------------------


@look
def bar_and_panels(spot: Spot) -> bool:
    """The smallest node that holds a bar of tabs and, after it, its panels."""
    view, at = spot.view, spot.index
    inside = range(at + 1, view.end[at])
    bars = [i for i in inside if view.says(i, "tab_bar")]
    panels = [i for i in inside if view.says(i, "panels")]
    if not any(view.end[bar] <= panel for bar in bars for panel in panels):
        return False
    return not any(
        bar > kid and panels[-1] > kid and bar < view.end[kid] and panels[-1] < view.end[kid]
        for kid in view.children[at]
        for bar in bars[:1]
    )


@look
def folds(spot: Spot) -> bool:
    """Two things or more that fold, by tag or by word, are what it has."""
    view, kids = spot.view, spot.view.children[spot.index]
    folding = [kid for kid in kids if view.tag[kid] == "details" or view.says(kid, "fold")]
    return len(folding) >= 2 and len(folding) >= 0.6 * len(kids)


@look
def again(spot: Spot) -> bool:
    """A copy of a slide that stands beside it: a node before or after it shows the same."""
    view, at = spot.view, spot.index
    shown = _shown(view, at)
    siblings = view.children[view.parent[at]] if at else []
    return any(i != at and not view.says(i, "clone") and _shown(view, i) == shown for i in siblings)


def _shown(view: View, index: int) -> tuple:
    sources = [view.author[i].get("src", "") for i in view.subtree(index)]
    return view.text[index], tuple(filter(None, sources))
