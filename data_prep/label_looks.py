"""How one node looks, by itself: named conditions of the table of rules."""

import re

from data_prep.label_measures import largest_type
from data_prep.label_spot import Spot, look

_END = re.compile(r"[.!?]['\"”’)]?(?:\s+(?=\S)|\s*$)")  # of a sentence


@look
def painted(spot: Spot) -> bool:
    """It draws a box of its own: background, border on all sides, or shadow."""
    return spot.view.is_painted(spot.index)


@look
def empty(spot: Spot) -> bool:
    """Nothing to read, see or fill in."""
    view, at = spot.view, spot.index
    return not (view.texts[at] or view.pictures[at] or view.drawings[at] or view.fields[at])


@look
def field(spot: Spot) -> bool:
    """A form field (a button by tag is none)."""
    return spot.view.is_field(spot.index)


@look
def beside_field(spot: Spot) -> bool:
    """In the row of one field that its parent frames: the sign of a search field."""
    view, above = spot.view, spot.view.parent[spot.index]
    return (
        view.fields[above] == 1
        and not view.fields[spot.index]
        and view.box[above][3] <= 64
        and view.is_painted(above)
    )


@look
def in_field(spot: Spot) -> bool:
    """It stands on a form field that is no part of it: a floating label, a sign in the field."""
    view, (x, y, w, h) = spot.view, spot.view.box[spot.index]
    if not view.fields[0]:
        return False
    for other, (left, top, wide, tall) in enumerate(view.box):
        if view.is_field(other) and other not in view.subtree(spot.index):
            middle_x, middle_y = x + w / 2, y + h / 2
            inside = left <= middle_x <= left + wide and top <= middle_y <= top + tall
            if inside and w * h <= wide * tall:
                return True
    return False


@look
def submit(spot: Spot) -> bool:
    """An input that is a button."""
    return spot.view.is_submit(spot.index)


@look
def speck(spot: Spot) -> bool:
    """Nothing in it is large enough to be seen."""
    boxes = [spot.view.box[i] for i in spot.view.subtree(spot.index)]
    return all(min(box[2:]) < 6 for box in boxes) or all(max(box[2:]) <= 6 for box in boxes)


@look
def wide_as_section(spot: Spot) -> bool:
    """It goes from one side of the section to the other."""
    return spot.view.box[spot.index][2] >= 0.97 * spot.view.box[0][2]


@look
def in_root(spot: Spot) -> bool:
    """It stands directly in the root, or is all that does."""
    view = spot.view
    return all(above == 0 or len(view.children[above]) == 1 for above in view.ancestors(spot.index))


@look
def largest_sibling(spot: Spot) -> bool:
    view = spot.view
    siblings = view.children[view.parent[spot.index]]
    return spot.index == max(siblings, key=view.area)


@look
def outside_its_box(spot: Spot) -> bool:
    """It begins below the end of the node around it: a closed panel that is kept for later."""
    x, y = spot.view.box[spot.index][:2]
    left, top, wide, tall = spot.view.box[spot.view.parent[spot.index]]
    return y >= top + tall - 1 or x >= left + wide - 1


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
def no_box(spot: Spot) -> bool:
    return min(spot.view.box[spot.index][2:]) == 0


@look
def title_of_a_card(spot: Spot) -> bool:
    """Bold, the first text in a painted box (initials aside), and what follows is lighter and no
    larger."""
    view, at = spot.view, spot.index
    before, after = _around(view.children[view.parent[at]], at)
    if not bold(spot) or not after or not view.texts[after[0]]:
        return False
    if not view.is_painted(view.parent[at]):
        return False
    if any(len(view.text[i]) > 3 for i in before):
        return False
    lighter = not any(view.is_bold(i) for i in view.subtree(after[0]))
    return lighter and largest_type(view, after[0]) <= largest_type(view, at)


@look
def bar_of_a_card(spot: Spot) -> bool:
    """A painted bar at the head of a painted box, as wide as it, with a plain part below."""
    view, at = spot.view, spot.index
    above = view.parent[at]
    before, after = _around(view.children[above], at)
    if before or not after or view.is_painted(after[0]):
        return False
    wide = view.box[at][2] >= 0.95 * view.box[above][2]
    return wide and view.is_painted(at) and view.is_painted(above)


def _around(siblings: list[int], at: int) -> tuple[list[int], list[int]]:
    middle = siblings.index(at)
    return siblings[:middle], siblings[middle + 1 :]


@look
def thin(spot: Spot) -> bool:
    """A line, lying or standing."""
    wide, tall = spot.view.box[spot.index][2:]
    return (tall <= 4 and wide >= 24) or (wide <= 4 and tall >= 24)


@look
def childless(spot: Spot) -> bool:
    return not spot.view.children[spot.index]


@look
def own_text(spot: Spot) -> bool:
    return "text" in spot.view.kinds[spot.index]


@look
def own_drawing(spot: Spot) -> bool:
    return "svg" in spot.view.kinds[spot.index]


@look
def own_picture(spot: Spot) -> bool:
    return "src" in spot.view.kinds[spot.index]


@look
def background_picture(spot: Spot) -> bool:
    return "url(" in spot.view.look[spot.index].get("background-image", "none")


@look
def phrase(spot: Spot) -> bool:
    """Text with nothing but phrasing in it."""
    return spot.view.is_line_of_text(spot.index)


@look
def only_text_inside(spot: Spot) -> bool:
    """A box without a look of its own around one line of text: the block is the text."""
    view, at = spot.view, spot.index
    if view.is_painted(at) or view.kinds[at] or len(view.children[at]) != 1:
        return False
    if view.tag[at] == "li":
        return False  # an item of a list that is none: the link in it is the thing
    if view.tag[view.children[at][0]] in ("a", "label"):
        return False  # these are things of their own, whatever they are centred by
    return spot.kinds.kind(view.children[at][0]) in ("paragraph", "heading")


@look
def inline_parts(spot: Spot) -> bool:
    """A plain box around the parts of one line: `<b>$9</b> <small>a month</small>`."""
    view, at = spot.view, spot.index
    parts = view.children[at]
    if view.is_painted(at) or view.kinds[at] or len(parts) < 2:
        return False
    if view.links[at] or view.drawings[at] or view.pictures[at]:
        return False
    return all(view.look[i].get("display") == "inline" and view.texts[i] for i in parts)


@look
def block_of_text(spot: Spot) -> bool:
    """The node that is a text, as against one that holds texts."""
    return own_text(spot) or text_tag(spot) or only_text_inside(spot) or inline_parts(spot)


@look
def ends_as_sentence(spot: Spot) -> bool:
    """A `p` that ends in a full stop says something; it titles nothing."""
    return spot.view.tag[spot.index] == "p" and spot.view.text[spot.index].rstrip().endswith(".")


@look
def titled(spot: Spot) -> bool:
    """It holds a heading by tag, or is one."""
    return any(re.fullmatch("h[1-6]", spot.view.tag[i]) for i in spot.view.subtree(spot.index))


@look
def beside_painted_twin(spot: Spot) -> bool:
    """A sibling of its tag and of the first word of its class has a box of its own."""
    view, at = spot.view, spot.index
    make = view.author[at].get("class", "").split()[:1]
    return any(
        i != at
        and view.tag[i] == view.tag[at]
        and view.author[i].get("class", "").split()[:1] == make
        and view.is_painted(i)
        for i in view.children[view.parent[at]]
    )


@look
def buttons_inside(spot: Spot) -> bool:
    view = spot.view
    inner = range(spot.index + 1, view.end[spot.index])
    return any(view.tag[i] in ("a", "button") and spot.kinds.kind(i) == "button" for i in inner)


@look
def stacked_drawings(spot: Spot) -> bool:
    """Several drawings over one another make one pictogram."""
    return spot.view.drawings[spot.index] > 1 and one_pictogram(spot)


@look
def inline_inside(spot: Spot) -> bool:
    """What is in it are parts of a line, or pictures."""
    inner = range(spot.index + 1, spot.view.end[spot.index])
    allowed = {"span", "i", "svg", "b", "strong", "em", "img", "small", "u"}
    return all(spot.view.tag[i] in allowed for i in inner)


@look
def button_tag(spot: Spot) -> bool:
    return spot.view.tag[spot.index] == "button"


@look
def code_tag(spot: Spot) -> bool:
    return spot.view.tag[spot.index] == "code"


@look
def summary_tag(spot: Spot) -> bool:
    return spot.view.tag[spot.index] == "summary"


@look
def in_details(spot: Spot) -> bool:
    return any(spot.view.tag[above] == "details" for above in spot.view.ancestors(spot.index))


@look
def part_of_table(spot: Spot) -> bool:
    return spot.view.tag[spot.index] in ("table", "thead", "tbody", "tfoot", "tr", "td", "th")


@look
def heading_tag(spot: Spot) -> bool:
    return bool(re.fullmatch("h[1-6]", spot.view.tag[spot.index]))


@look
def text_tag(spot: Spot) -> bool:
    """A block of text by tag, also where its words stand in parts of it."""
    return spot.view.tag[spot.index] in ("p", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6")


@look
def bold(spot: Spot) -> bool:
    """It, or a part of it that has text, is bold."""
    view = spot.view
    parts = [i for i in view.subtree(spot.index) if "text" in view.kinds[i]]
    return view.is_bold(spot.index) or any(view.is_bold(i) for i in parts)


@look
def sentences(spot: Spot) -> bool:
    """Two sentences or more, the last one ended, too: `Shout! Media` is none."""
    return len(_END.findall(spot.view.text[spot.index])) >= 2


@look
def raster(spot: Spot) -> bool:
    """A photograph, by the kind of its file."""
    address = spot.view.author[spot.index].get("src", "")
    return bool(re.search(r"\.(jpe?g|webp|avif)\b", address, re.IGNORECASE))


@look
def one_pictogram(spot: Spot) -> bool:
    """One drawing and nothing else, or drawings over one another (a sign on a disc)."""
    view, at = spot.view, spot.index
    if view.texts[at] or view.pictures[at] or view.fields[at] or not view.drawings[at]:
        return False
    drawn = [view.box[i] for i in view.subtree(at) if "svg" in view.kinds[i]]
    return len(drawn) == 1 or all(_same_middle(box, drawn[0]) for box in drawn)


@look
def holds_it_all(spot: Spot) -> bool:
    """A node around one other node, which is the thing itself."""
    view, at = spot.view, spot.index
    return len(view.children[at]) == 1 and not view.kinds[at]


def _same_middle(one: list[float], two: list[float]) -> bool:
    return (
        abs(one[0] + one[2] / 2 - two[0] - two[2] / 2) < 8
        and abs(one[1] + one[3] / 2 - two[1] - two[3] / 2) < 8
    )
