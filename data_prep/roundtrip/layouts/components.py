"""A layout -> a section of our own making, in which every element is a component.

What the layout says decides what the section looks like: a grid sets its children side by side, a
heading is large or bold, a button is a box. What it leaves open comes from the record: sizes,
gaps, texts, colors. So a right layout comes out as the screenshot; where an element is wrong,
something moves, looks different or is missing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from data_prep.roundtrip.layouts.flow import ROWS, absolute, place, px
from data_prep.roundtrip.layouts.sources import Source, type_size, type_weight
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.structure import Box
from xojl_jax.xojl.tree import CONTAINERS, Content, Forest, Node, Visit, preorder

LARGER = 1.2  # a heading's type, as a multiple of that of most text
BOLD = 600  # the weight of a heading that is no larger
_ICON = 96  # px, the largest icon
_LINE = 4  # px, the thickest line that divides
_FIELDS = frozenset(["input", "textarea", "select"])
_ONE_LINE = 2.2  # sizes of type; a lower box holds one line
_GRAY = "bg_888"


class Piece(NamedTuple):
    """A node of our page. `parent` is the number of another piece, -1 of none; `box` is what it
    has to cover. `text` is None where it holds none, "" where its text is not known."""

    parent: int
    tag: str
    classes: tuple[str, ...]
    box: Box
    text: str | None = None
    is_picture: bool = False
    font: str = ""
    kind: str = ""


class Spot(NamedTuple):
    """Where an element's pieces go: its html node, and the classes by which its container places
    it; the number of the container's piece, and of the first of its own."""

    element: str
    node: int
    flow: tuple[str, ...]
    parent: int
    number: int


class Page(NamedTuple):
    """A layout as a record whose tree is our own; its entry of author.jsonl; and of each of its
    nodes the element."""

    record: Record
    author: list[dict]
    names: list[str]


def page_of_layout(
    record: Record, source: Source, layout: Forest, nodes: Sequence[int | None]
) -> Page:
    """The section of our own making that a layout is.

    Args:
      record: whose screenshot it is; its own layout is not looked at.
      source: of the record.
      nodes: the html node of each layout node, depth first. What has none is left out; its
        children are its parent's.
    """
    pieces, names = _pieces(source, layout, nodes)
    children: list[list[Node]] = [[] for _ in pieces]
    roots: list[Node] = []
    for number in reversed(range(len(pieces))):
        piece = pieces[number]
        content = (Content("text", ""),) if piece.text is not None else ()
        content += (Content("src", ""),) if piece.is_picture else ()
        inside = tuple(reversed(children[number]))
        node = Node(None, piece.tag, piece.classes, content, inside)
        (children[piece.parent] if piece.parent >= 0 else roots).append(node)
    boxes = tuple((*map(float, piece.box), z) for z, piece in enumerate(pieces))
    made = replace(record, html=tuple(reversed(roots)), html_boxes=boxes)
    made = replace(made, layout=None, layout_nodes=None)
    return Page(made, [_author(piece) for piece in pieces], names)


def _author(piece: Piece) -> dict:
    content = [piece.text] if piece.text else []
    content += [[float(side) for side in piece.box[2:]]] if piece.is_picture else []
    look = {"font-family": piece.font} if piece.font else {}
    return {"content": content, "look": look} | ({"type": piece.kind} if piece.kind else {})


def _pieces(
    source: Source, layout: Forest, nodes: Sequence[int | None]
) -> tuple[list[Piece], list[str]]:
    """The nodes of our page, parents before children, and the element of each."""
    visits = preorder(layout)
    kept = [visit for visit in visits if nodes[visit.index] is not None]
    inside = _children(visits, nodes)
    places = {visit.index: nodes[visit.index] for visit in kept}
    fields = _fields(source, places)
    flow: dict[int, tuple[str, ...]] = {visit.index: () for visit in inside.get(-1, [])}
    parents = {visit.index: above for above, children in inside.items() for visit in children}
    numbers = {-1: -1}
    pieces: list[Piece] = []
    names: list[str] = []
    for visit in kept:
        at, element = places[visit.index], str(visit.node.element)
        numbers[visit.index] = len(pieces)
        spot = Spot(element, at, flow[visit.index], numbers[parents[visit.index]], len(pieces))
        children = inside.get(visit.index, [])
        if element in CONTAINERS or children:
            pieces += _container(source, spot, fields.get(visit.index, []))
            boxes = [source.boxes[places[child.index]] for child in children]
            elements = [str(child.node.element) for child in children]
            placed = place(element, source.room(at), boxes, elements)
            flow |= {child.index: classes for child, classes in zip(children, placed, strict=True)}
        else:
            pieces += LEAVES.get(element, _text)(source, spot)
        names += [element] * (len(pieces) - len(names))
    return pieces, names


def _children(visits: list[Visit], nodes: Sequence[int | None]) -> dict[int, list[Visit]]:
    """Layout node -> its children that have a place; -1 -> the roots."""
    nearest = [-1] * len(visits)  # itself or the nearest around it that has a place
    inside: dict[int, list[Visit]] = {}
    for visit in visits:
        above = nearest[visit.parent] if visit.parent >= 0 else -1
        placed = nodes[visit.index] is not None
        nearest[visit.index] = visit.index if placed else above
        if placed:
            inside.setdefault(above, []).append(visit)
    return inside


# --- containers -----------------------------------------------------------------------------------


def _container(source: Source, spot: Spot, fields: list[int]) -> list[Piece]:
    box = source.boxes[spot.node]
    paint = source.paint(source.painter(spot.node))
    classes = (*spot.flow, "pos_relative", *ROWS, *paint, px("mnh", box[3]))
    frame = Piece(spot.parent, "div", classes, box)
    return [frame, *(_field(source, field, spot) for field in fields)]


def _fields(source: Source, places: Mapping[int, int]) -> dict[int, list[int]]:
    """Layout node -> the fields whose nearest element it is: fields have no element, so that every
    layout of a form shows them."""
    elements = {at: index for index, at in places.items()}
    found: dict[int, list[int]] = {}
    for visit in source.visits:
        at = visit.index
        if visit.node.tag not in _FIELDS or at in elements or min(source.boxes[at, 2:]) <= 0:
            continue
        while at >= 0 and at not in elements:
            at = source.visits[at].parent
        if at >= 0:
            found.setdefault(elements[at], []).append(visit.index)
    return found


def _field(source: Source, field: int, spot: Spot) -> Piece:
    box = source.boxes[field]
    classes = (
        *absolute(source.room(spot.node), box),
        px("w", box[2]),
        px("h", box[3]),
        *source.inner(field),
        *source.styles[field].values(),
        *source.paint(field),
    )
    tag = str(source.visits[field].node.tag)
    text = source.texts[field]
    font, kind = source.fonts[field], source.kinds[field]
    return Piece(spot.number, tag, classes, box, text, font=font, kind=kind)


# --- leaves ---------------------------------------------------------------------------------------


def _picture(source: Source, spot: Spot) -> list[Piece]:
    box = source.boxes[spot.node]
    if not source.pictures_in(spot.node):
        return [_unfounded(source, spot)]
    if spot.element == "icon":
        box = (*box[:2], min(box[2], _ICON), min(box[3], _ICON))
    classes = (*_without_width(spot.flow), px("w", box[2]), px("h", box[3]))
    return [Piece(spot.parent, "img", classes, box, is_picture=True)]


def _pictures(source: Source, spot: Spot) -> list[Piece]:
    """Several, each in its place."""
    outer = source.boxes[spot.node]
    found = source.pictures_in(spot.node)
    if not found:
        return [_unfounded(source, spot)]
    frame = (*spot.flow, "pos_relative", px("h", outer[3]), *source.paint(spot.node))
    pieces = [Piece(spot.parent, "div", frame, outer)]
    for box in source.boxes[found]:
        classes = (*absolute(outer, box), px("w", box[2]), px("h", box[3]))
        pieces.append(Piece(spot.number, "img", classes, box, is_picture=True))
    return pieces


def _unfounded(source: Source, spot: Spot) -> Piece:
    """A picture that nothing in the tree bears out: gray, and compared as any other block is."""
    box = source.boxes[spot.node]
    return Piece(spot.parent, "div", (*spot.flow, px("h", box[3]), _GRAY), box)


def _divider(source: Source, spot: Spot) -> list[Piece]:
    box = source.boxes[spot.node]
    width, height = box[2:]
    if width >= height:
        height = max(1.0, min(_LINE, height))
    else:
        width = max(1.0, min(_LINE, width))
    size = (*_without_width(spot.flow), px("w", width), px("h", height))
    return [Piece(spot.parent, "div", (*size, *(source.paint(spot.node) or (_GRAY,))), box)]


def _text(source: Source, spot: Spot) -> list[Piece]:
    """Heading, paragraph, button, list, counter: a box with lines of text."""
    outer = source.boxes[spot.node]
    painter = source.painter(spot.node)
    paint = source.paint(painter)
    if spot.element in ("heading", "paragraph") and painter == spot.node:
        paint = ()  # a text that paints a box of its own is a button
    elif spot.element == "button" and not paint:
        paint = tuple(f"b{side}w_1x" for side in "trbl")
    classes = (*spot.flow, "pos_relative", *ROWS, px("mnh", outer[3]), *paint)
    pieces = [Piece(spot.parent, "div", classes, outer)]
    parts = source.texts_in(spot.node)
    if not parts:  # letters all the same, which the screenshot will not show
        style = tuple(styled(source, spot.element, spot.node).values())
        return [*pieces, Piece(spot.number, "span", style, outer, "text")]
    if spot.element == "list" and len(parts) == 1:  # an item by itself is one by its bullet
        bullet = ("pos_absolute", "l_0", "t_0", "w_12x", "h_12x", _GRAY)
        pieces.append(Piece(spot.number, "div", bullet, (*outer[:2], 12, 12)))
    # What is merged into a leaf is not told by the layout: its texts are where they were.
    boxes = [source.boxes[part] for part in parts]
    placed = place("leaf", outer, boxes, ["icon"] * len(parts))
    for part, flow in zip(parts, placed, strict=True):
        pieces.append(_line(source, spot, part, flow))
    return pieces


def _line(source: Source, spot: Spot, part: int, flow: tuple[str, ...]) -> Piece:
    box = source.boxes[part]
    classes = (*flow, *styled(source, spot.element, part).values(), *source.inner(part))
    if box[3] < _ONE_LINE * type_size(source.styles[part]):
        classes += ("ws_nowrap",)  # a little less room must not make it two lines
    if part != spot.node:
        classes += source.paint(part)
    # What is pushed has its text in the middle, as no class says.
    is_pushed = source.visits[part].node.tag in ("button", "input")
    classes += (px("h", box[3]),) if is_pushed else ()
    tag = "button" if is_pushed else "div"
    return Piece(spot.number, tag, classes, box, source.texts[part], font=source.fonts[part])


def styled(source: Source, element: str, index: int) -> dict[str, str]:
    """Code -> class of a text as the component of an element writes it: a heading is larger than
    most text or bold, a paragraph is neither."""
    style = dict(source.styles[index])
    size = type_size(style)
    stands_out = size >= LARGER * source.body or type_weight(style) >= BOLD
    if element == "heading" and not stands_out:
        style |= {"fs": px("fs", LARGER * source.body), "fwt": "fwt_700"}
    if element == "paragraph" and stands_out:
        style |= {"fs": px("fs", min(size, source.body)), "fwt": "fwt_400"}
    return style


def _without_width(flow: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in flow if not name.startswith("w_"))


# Every leaf that is not here is text.
LEAVES: dict[str, Callable[[Source, Spot], list[Piece]]] = {
    "image": _picture,
    "icon": _picture,
    "video": _picture,
    "map": _picture,
    "qr": _picture,
    "gallery": _pictures,
    "masonry": _pictures,
    "social": _pictures,
    "divider": _divider,
}
