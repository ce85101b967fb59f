"""Nodes that are told by what stands in them: runs of items, links to networks, figures."""

import re

from data_prep.label.measures import PRICE, heaviest_type, largest_type
from data_prep.label.node_context import Spot, look
from data_prep.label.section_tree import View

_FIGURE = re.compile(
    r"^[^\w]{0,3}\d[\d.,:/\s]*\s?([%+kKmMbBx°★s]|hrs?|ms|min|yrs?|hundred|thousand|[mbtr]+illion)?\+?"
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
def run_of_three(spot: Spot) -> bool:
    """Three items or more; of two, what stands between them does not count."""
    view = spot.view
    return sum(not _is_line(view, kid) for kid in view.children[spot.index]) >= 3


@look
def drawn_bullets(spot: Spot) -> bool:
    """Every item has a bullet or a number, that is, the browser lays it out as an item of a list
    that keeps room for them."""
    view, at = spot.view, spot.index
    items = view.children[at]
    return all(
        view.look[i].get("display") == "list-item" and view.box[i][0] >= view.box[at][0] + 16
        for i in items
    )


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
    if nested := _inner_list(view, index):
        return all(_is_item(view, kid) for kid in view.children[nested])
    if (
        view.fields[index] > 1
        or _is_filled_in(view, index)
        or len(view.text[index]) > 140
        or view.texts[index] > 6
    ):
        return False
    lines = lines_of_text(view, index)
    if len(lines) > 2 or _is_titled(view, lines):
        return False
    if sum(view.tag[i] in ("a", "button") and view.is_painted(i) for i in inside) > 1:
        return False  # two buttons are two things
    if any(re.fullmatch(r"h[1-4]", view.tag[i]) or view.tag[i] == "table" for i in inside):
        return False
    large = [i for i in inside if view.tag[i] in ("img", "video", "iframe", "canvas")]
    if any(min(view.box[i][2:]) > 48 for i in large):
        return False
    return bool(view.texts[index] + view.drawings[index] + view.pictures[index])


def _is_filled_in(view: View, index: int) -> bool:
    """It has a field for words of one's own, with what is said about it: no simple item."""
    ticks = ("checkbox", "radio", "hidden")
    inside = [i for i in view.subtree(index) if view.is_field(i)]
    return any(view.author[i].get("type") not in ticks for i in inside) and view.texts[index] > 0


def _is_titled(view: View, lines: list[int]) -> bool:
    """A line over another one, in another size or weight: a title with its text, a figure."""
    boxes = sorted((view.box[i] for i in lines), key=lambda box: box[1])
    if len(lines) != 2 or boxes[1][1] < boxes[0][1] + boxes[0][3] - 4:
        return False
    sizes, weights = ({f(view, i) for i in lines} for f in (largest_type, heaviest_type))
    return len(weights) > 1 or max(sizes) >= 1.25 * min(sizes)


def _inner_list(view: View, index: int) -> int:
    """The list under the one line of an item, a menu of two levels; 0 if there is none."""
    kids = view.children[index]
    if len(kids) == 2 and view.tag[kids[1]] in ("ul", "ol") and view.is_line_of_text(kids[0]):
        return kids[1]
    return 0


def _item_kind(spot: Spot, index: int) -> str:
    view, kind = spot.view, spot.kinds.kind(index)
    if kind in ("button", "icon"):
        return kind
    line = view.is_line_of_text(index)
    if view.tag[index] == "a":
        return "link" if line or view.texts[index] == 1 or _is_row(view, index) else "other"
    if line and view.tag[index] == "p":
        return "other"  # paragraphs under one another are what their tag says
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


# --- links to networks -----------------------------------------------------------------------


@look
def network_links(spot: Spot) -> bool:
    """Two links or more, nearly all to social networks, and no text beside them."""
    view, at = spot.view, spot.index
    links = [i for i in view.subtree(at) if view.tag[i] in ("a", "button")]
    if len(links) < 2 or at in links:
        return False
    known = sum(_is_network(view, i) for i in links)
    signs = not any(view.texts[i] for i in links)  # without words
    if known < max(2, (0.5 if signs else 0.75) * len(links)):
        return False
    if any(view.texts[i] and not _is_network(view, i) for i in links):
        return False  # a menu with some of them in it
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
def network_link(spot: Spot) -> bool:
    """A pictogram that leads to a social network, beside another one."""
    view, at = spot.view, spot.index
    if view.texts[at] or not _is_network(view, at):
        return False
    while len(view.children[view.parent[at]]) == 1 and view.parent[at] > 0:
        at = view.parent[at]  # each in an item of a list
    siblings = view.children[view.parent[at]]
    links = (i for i in siblings if not view.texts[i] and view.links[i] <= 1)
    return sum(_is_network(view, i) for i in links) >= 2


@look
def links_without_node(spot: Spot) -> bool:
    """Links to networks stand in it, with no node that holds them alone."""
    view, at = spot.view, spot.index
    labelled = {i for kid in spot.kids for i in view.subtree(kid.index)}
    loose = (i for i in view.subtree(at) if view.tag[i] == "a" and i not in labelled)
    return any(network_link(spot._replace(index=i)) for i in loose)


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
    labels = [i for i in lines if i not in main and re.search(r"[^\W\d]", view.text[i])]
    if len(main) != 1 or not 1 <= len(labels) <= 3 or _PERIOD.match(view.text[labels[0]]):
        return False
    if any(view.pictures[i] for i in view.subtree(at) if view.tag[i] == "img"):
        return False  # a card with a picture
    told = max(len(view.text[i]) for i in labels) > 60
    if told and labels[0] < main[0] and _is_heading_tag(view, labels[0]):
        return False  # a card with a title, a text and a figure
    if any(PRICE.search(view.text[i]) for i in labels):
        return False  # two prices
    if len(view.text[labels[0]]) > 40 or any(len(view.text[i]) > 140 for i in labels):
        return False
    small = min(_smallest_type(view, label) for label in labels)
    return large >= 1.35 * small and large >= 18


def _is_heading_tag(view: View, index: int) -> bool:
    return any(re.fullmatch("h[1-6]", view.tag[i]) for i in view.subtree(index))


def _smallest_type(view: View, index: int) -> float:
    return min(view.font_size(i) for i in view.subtree(index) if "text" in view.kinds[i])


@look
def bare_figure(spot: Spot) -> bool:
    """A number and nothing else: it is counted, and titles nothing."""
    return bool(_FIGURE.match(spot.view.text[spot.index]))


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
