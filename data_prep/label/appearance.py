"""How one node looks, by itself: named conditions of the table of rules."""

import re

from data_prep.label.node_context import Spot, look

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
    """In the row of one field that its parent frames, or that it touches: the sign of the field."""
    view, at = spot.view, spot.index
    above = view.parent[at]
    if view.fields[above] != 1 or view.fields[at] or view.box[above][3] > 64:
        return False
    if any(view.tag[i] in ("a", "button") for i in view.subtree(at)):
        return view.is_painted(above)
    return view.is_painted(above) or any(
        view.is_field(i) and _touch(view.box[i], view.box[at]) for i in view.subtree(above)
    )


def _touch(one: list[float], two: list[float]) -> bool:
    """Side by side without a gap, and equally high."""
    apart = max(one[0], two[0]) - min(one[0] + one[2], two[0] + two[2])
    return abs(apart) <= 2 and abs(one[1] - two[1]) <= 4 and abs(one[3] - two[3]) <= 4


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
def no_box(spot: Spot) -> bool:
    return min(spot.view.box[spot.index][2:]) == 0


@look
def thin(spot: Spot) -> bool:
    """A line, lying or standing."""
    wide, tall = spot.view.box[spot.index][2:]
    return (tall <= 4 and wide >= 24) or (wide <= 4 and tall >= 24)


@look
def at_the_edge(spot: Spot) -> bool:
    """A line along a whole side of the box it stands in: it is drawn like a border."""
    view, (x, y, wide, tall) = spot.view, spot.view.box[spot.index]
    left, top, width, height = view.box[view.parent[spot.index]]
    lying = wide >= 0.95 * width and (y <= top + 3 or y + tall >= top + height - 3)
    standing = tall >= 0.95 * height and (x <= left + 3 or x + wide >= left + width - 3)
    return view.is_painted(view.parent[spot.index]) and (lying or standing)


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
def phrase(spot: Spot) -> bool:
    """Text with nothing but phrasing in it."""
    return spot.view.is_line_of_text(spot.index)


@look
def chooser(spot: Spot) -> bool:
    """All fields in it are boxes to tick: its words are what is chosen."""
    view = spot.view
    inside = [i for i in view.subtree(spot.index) if view.is_field(i)]
    return bool(inside) and all(view.author[i].get("type") in ("checkbox", "radio") for i in inside)


@look
def in_link(spot: Spot) -> bool:
    """All that a link shows."""
    view, above = spot.view, spot.view.parent[spot.index]
    return view.tag[above] == "a" and len(view.children[above]) == 1


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
def line_with_links(spot: Spot) -> bool:
    """A plain box of one line, of words and of links that stand in the line."""
    view, at = spot.view, spot.index
    parts = view.children[at]
    if view.is_painted(at) or view.drawings[at] or view.pictures[at] or view.fields[at]:
        return False
    if len(parts) < 2 or "list-item" in (view.look[i].get("display") for i in parts):
        return False
    linked = sum(view.tag[i] == "a" for i in parts)
    in_line = all(
        view.look[i].get("display") == "inline" and view.texts[i] and not view.is_painted(i)
        for i in parts
    )
    return in_line and 0 < linked < len(parts) and view.box[at][3] <= 2 * view.font_size(at)


@look
def add_on(spot: Spot) -> bool:
    """A word or two in a box that touches the field, and leads nowhere."""
    view, at = spot.view, spot.index
    led = any(view.tag[i] in ("a", "button", "label") for i in view.subtree(at))
    touched = any(
        view.is_field(i) and _touch(view.box[i], view.box[at])
        for i in view.subtree(view.parent[at])
    )
    return not led and touched and len(view.text[at]) <= 16


@look
def block_of_text(spot: Spot) -> bool:
    """The node that is a text, as against one that holds texts."""
    return own_text(spot) or text_tag(spot) or only_text_inside(spot) or inline_parts(spot)


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
def as_light_as_text(spot: Spot) -> bool:
    """Not even half-bold."""
    view = spot.view
    return all(view.weight(i) < 500 for i in view.subtree(spot.index) if "text" in view.kinds[i])


@look
def bold(spot: Spot) -> bool:
    """It, or a part of it that has text, is bold."""
    view = spot.view
    parts = [i for i in view.subtree(spot.index) if "text" in view.kinds[i]]
    return view.is_bold(spot.index) or any(view.is_bold(i) for i in parts)


@look
def sentences(spot: Spot) -> bool:
    """Two sentences or more, the last one ended, too: `Shout! Media` is none, nor is
    `Unparalleled. Innovation.`, where nothing is said."""
    parts = _END.split(spot.view.text[spot.index])
    said = [part for part in parts[:-1] if len(part.split()) >= 3]
    return len(said) >= 2 or (len(parts) > 2 and sum(map(len, parts)) > 80)


@look
def holds_it_all(spot: Spot) -> bool:
    """A node around one other node, which is the thing itself."""
    view, at = spot.view, spot.index
    return len(view.children[at]) == 1 and not view.kinds[at]
