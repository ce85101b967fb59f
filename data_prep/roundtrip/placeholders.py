"""What a compact tree's placeholders hold when it is rendered again.

The true texts and the natural sizes of pictures come from author.jsonl, where capture put them;
without them, words that fill the node's box. What a picture shows is nowhere in the tree: a block
of the screenshot's own color takes its place, and the comparison leaves it out.
"""

from collections.abc import Sequence

import numpy as np

from data_prep.roundtrip.blocks import NodeKinds
from data_prep.roundtrip.likeness import ground_color
from data_prep.trees.uncompact import DRAWN, Placeholder, PlaceholderContents, Setting
from data_prep.trees.values import REM
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import Visit, preorder

LONGEST = 2000  # letters of a text
_WORDS = "the words that were here are not known and so others of their length stand in for them "
_WIDTH = 0.5  # of a letter, in font sizes
SPACE = 1.5  # px, less than any space between words
_LINE = 1.4  # height of a line, in font sizes
# Inputs and elements that the browser draws in its own way, as told by no class.
_CONTROLS = frozenset(["range", "color", "file", "date", "datetime-local", "month", "time", "week"])
_BARS = frozenset(["progress", "meter"])
LEAST_FREE = 0.01  # share of a picture; less is only the seams between boxes


def placeholder_contents(
    record: Record,
    author: Sequence[dict],
    pixels: np.ndarray,
    codebook: Codebook,
    lengths: np.ndarray | None = None,
) -> tuple[PlaceholderContents, NodeKinds]:
    """What the placeholders of a record hold, and what kind of thing each node is.

    Args:
      record: with its boxes.
      author: its entry of author.jsonl, one dict a node; or empty.
      pixels: uint8[H, W, 3], its screenshot.
      lengths: int64[N], letters of the filler words of a node whose text is not known;
        without it, as many as `filler_lengths` says.
    """
    visits = preorder(record.html)
    # Another number of nodes: the author's file belongs to another version of the record.
    if len(author) != len(visits):
        author = [{}] * len(visits)
    looks = [_looks(visit, codebook) for visit in visits]
    fonts = _font_sizes(visits, looks)
    if lengths is None:
        lengths = filler_lengths(record, codebook)
    texts = [_texts_of(visit, visits, author) for visit in visits]
    placeholders, fills = [], {}
    is_picture, is_image, is_control = np.zeros((3, len(visits)), bool)
    for visit, box, font in zip(visits, record.html_boxes, fonts, strict=True):
        i = visit.index
        known = [t if t is not None else filler(lengths[i] // len(texts[i])) for t in texts[i]]
        placeholders.append(_placeholders_of(visit, known, author[i], box, font, pixels))
        background = looks[i].get("background-image", "none") if _covers(looks[i]) else "none"
        if background != "none":
            inside = [
                record.html_boxes[k]
                for k in range(i + 1, visit.subtree_end)
                if visits[k].node.content
            ]
            fills[i] = color_of(pixels, box, inside)
        kinds = {content.kind for content in visit.node.content}
        drawn = bool(kinds) and kinds <= {"src", "svg"} and not visit.node.children
        is_control[i] = visit.node.tag in _BARS or (
            visit.node.tag == "input" and author[i].get("type") in _CONTROLS
        )
        is_image[i] = visit.node.tag in ("img", "svg") or drawn or "url" in background
        is_picture[i] = is_image[i] or visit.node.tag in DRAWN or is_control[i]
    own = NodeKinds(
        is_picture,
        is_image,
        is_control,
        is_filled=np.isin(np.arange(len(visits)), list(fills)),
        is_text=np.array([bool(of_node) for of_node in texts]),
        is_unknown=np.array([None in of_node for of_node in texts]),
        ends=np.array([visit.subtree_end for visit in visits]),
    )
    kinds = {i: entry["type"] for i, entry in enumerate(author) if "type" in entry}
    height, width = pixels.shape[:2]
    # Without a background of its own a section shows what the page painted behind it.
    opaque = "background-color" in looks[0] or 0 in fills
    painted = is_picture.copy()
    painted[[i for i, look in enumerate(looks) if i in fills or "background-color" in look]] = True
    boxes = [box for box, paints in zip(record.html_boxes, painted, strict=True) if paints]
    setting = Setting(width, height, "#fff" if opaque else _backdrop(pixels, boxes))
    joined = joined_nodes(visits, looks, record.html_boxes)
    families = {i: entry.get("look", {}).get("font-family", "") for i, entry in enumerate(author)}
    families = {i: family for i, family in families.items() if family}
    pseudo = {i: found for i, entry in enumerate(author) if (found := _pseudo_of(entry))}
    given = PlaceholderContents(setting, placeholders, fills, kinds, joined, families, pseudo)
    return given, own


def color_of(pixels: np.ndarray, box: Sequence[float], inside: Sequence = ()) -> str:
    """The median color of a box of the picture, but for the boxes inside it, as CSS."""
    rows, columns = _slices(box)
    part = pixels[rows, columns]
    free = np.ones(part.shape[:2], bool)
    for x, y, width, height, *_ in inside:
        free[_slices((x - columns.start, y - rows.start, width, height))] = False
    part = part[free] if free.any() else part.reshape(-1, 3)
    # The median: a picture's mean is a color that may occur nowhere in it.
    return _hex(np.median(part, axis=0)) if len(part) else "#888"


def _slices(box: Sequence[float]) -> tuple[slice, slice]:
    x, y, w, h = (round(v) for v in box[:4])
    return slice(max(0, y), max(0, y + h)), slice(max(0, x), max(0, x + w))


def _covers(look: dict[str, str]) -> bool:
    """Whether a background picture fills its box: one of a size of its own is an ornament."""
    size = look.get("background-size", "auto").split("+")
    measured = any(part[:1].isdigit() and part != "100p" for part in size)
    return not (measured and "no-repeat" in look.get("background-repeat", ""))


def _backdrop(pixels: np.ndarray, painted: Sequence) -> str:
    """What shines through a section without a background: the most common color beside the boxes
    that paint one; of the picture's edge where they leave nothing."""
    free = np.ones(pixels.shape[:2], bool)
    for box in painted:
        free[_slices(box)] = False
    if free.mean() < LEAST_FREE:
        free[:] = False
        free[[0, -1]] = free[:, [0, -1]] = True
    return _hex(ground_color(pixels[free].astype(np.int64)))


def _hex(color: np.ndarray) -> str:
    return "#" + "".join(f"{round(float(v)):02x}" for v in color)


# --- white space ---------------------------------------------------------------------------------


def joined_nodes(visits: list[Visit], looks: list[dict], boxes) -> set[int]:
    """Nodes that are in one line with the node before, as near as their margins let them.

    White space between elements is content, which the tree does not hold: the boxes show it.
    """
    joined, before = set(), {}  # parent -> its last child so far
    for visit in visits:
        last = before.get(visit.parent)
        before[visit.parent] = visit.index
        if last is None or visit.parent < 0:
            continue
        margins = [
            _px(looks[i].get(name, "0"))
            for i, name in ((last, "margin-right"), (visit.index, "margin-left"))
        ]
        (x0, y0, w0, h0), (x1, y1, _, h1) = boxes[last][:4], boxes[visit.index][:4]
        # In one line: they overlap by more than half of the lower one, whatever their baselines.
        in_line = min(y0 + h0, y1 + h1) - max(y0, y1) > 0.5 * min(h0, h1)
        if in_line and None not in margins and abs(x1 - x0 - w0 - sum(margins)) < SPACE:
            joined.add(visit.index)
    return joined


def _px(written: str) -> float | None:
    """`1.5r` -> 24.0; None for what is no plain length."""
    number, unit = (written, "") if written == "0" else (written[:-1], written[-1:])
    if unit not in ("", "r", "x") or not number.lstrip("-").replace(".", "", 1).isdigit():
        return None
    return float(number) * (REM if unit == "r" else 1)


# --- sizes of type --------------------------------------------------------------------------------


def _looks(visit: Visit, codebook: Codebook) -> dict[str, str]:
    """CSS property -> written value, of the classes that hold on a desktop."""
    found = {}
    for name in visit.node.classes:
        parts = codebook.split_class(name)
        if parts.device is None and not parts.pseudos and parts.value is not None:
            found[codebook.properties.get(parts.attribute, parts.attribute)] = parts.value
    return found


def _font_sizes(visits: list[Visit], looks: list[dict]) -> list[float]:
    sizes: list[float] = []
    for visit in visits:
        size = _px(looks[visit.index].get("font-size", ""))
        # Inherited where no class says it; 16 px is every browser's default.
        above = sizes[visit.parent] if visit.parent >= 0 else 16.0
        sizes.append(max(1.0, above if size is None else size))
    return sizes


# --- content --------------------------------------------------------------------------------------


def _texts_of(visit: Visit, visits: list[Visit], author: Sequence[dict]) -> list[str | None]:
    """Per text placeholder of a node, what stood there; None where nothing tells."""
    told = author[visit.index].get("content")
    content = visit.node.content
    if not isinstance(told, list) or len(told) != len(content):
        told = [None] * len(content)
    texts = [t for t, c in zip(told, content, strict=True) if c.kind == "text"]
    own = _own_text(visit, visits, author) or None
    return [text if isinstance(text, str) else own for text in texts]


def _pseudo_of(author: dict) -> dict[str, dict[str, str]]:
    """Of a node's entry, the CSS of its pseudo-elements."""
    told = author.get("pseudo")
    return {
        name: styles
        for name, styles in (told.items() if isinstance(told, dict) else ())
        if name in ("before", "after")
        and isinstance(styles, dict)
        and all(isinstance(value, str) for value in styles.values())
    }


def _placeholders_of(visit: Visit, texts, author: dict, box, font: float, pixels):
    """One `Placeholder` for each placeholder of a node; `texts` for those that hold text."""
    told = author.get("content")
    known = told if isinstance(told, list) and len(told) == len(visit.node.content) else None
    placeholders, texts = [], iter(texts)
    for k, content in enumerate(visit.node.content):
        truth = known[k] if known else None
        if content.kind == "text":
            placeholders.append(Placeholder(text=next(texts)))
        elif visit.node.tag in DRAWN:
            natural = truth if isinstance(truth, list) and len(truth) == 2 and all(truth) else None
            placeholders.append(
                Placeholder(size=tuple(natural or box[2:4]), color=color_of(pixels, box))
            )
        elif truth in ("before", "after"):  # a pseudo-element, which has a rule of its own
            placeholders.append(Placeholder())
        else:  # a glyph of an icon font: as wide as its node where nothing else is in there
            alone = len(visit.node.content) == 1 and not visit.node.children
            width = min(box[2], 2 * font) if alone else font
            placeholders.append(Placeholder(size=(width, font), color="currentcolor"))
    return placeholders


def _own_text(visit: Visit, visits: list[Visit], author: Sequence[dict]) -> str:
    """A node's text without its children's, from an author.jsonl that has no `content`."""
    text = author[visit.index].get("text", "")
    for child in visits[visit.index + 1 : visit.subtree_end]:
        if child.parent == visit.index:
            text = text.replace(author[child.index].get("text", ""), " ", 1)
    return " ".join(text.split())


# --- filler words ---------------------------------------------------------------------------------


def filler(letters: int) -> str:
    """Words of so many letters and spaces together."""
    letters = min(max(2, int(letters)), LONGEST)
    return (_WORDS * (letters // len(_WORDS) + 1))[:letters].strip()


def filler_length(width: float, height: float, font: float) -> int:
    """Letters that fill a box, px, with type of a size, px."""
    lines = max(1, int(height / (_LINE * font)))
    # The last line of a paragraph is shorter: less than half of it is filled, so that the number of
    # lines stays; a single line is filled almost whole, so that it does not wrap.
    letters = int(width / (_WIDTH * font) * (lines - 0.4 if lines > 1 else 0.9))
    return min(max(2, letters), LONGEST)


def filler_lengths(record: Record, codebook: Codebook) -> np.ndarray:
    """Letters of each node's own text, int64[N], by the room that its children leave in its box."""
    visits = preorder(record.html)
    fonts = _font_sizes(visits, [_looks(visit, codebook) for visit in visits])
    boxes = np.array(record.html_boxes, np.float64)
    areas = np.maximum(boxes[:, 2] * boxes[:, 3], 1)
    own = areas.copy()
    for visit in visits[1:]:
        own[visit.parent] -= areas[visit.index]
    lengths = [filler_length(*box[2:4], font) for box, font in zip(boxes, fonts, strict=True)]
    return np.maximum(2, np.array(lengths) * np.maximum(own / areas, 0)).astype(np.int64)


def refit_lengths(
    lengths: np.ndarray, record: Record, rendered: np.ndarray, codebook: Codebook
) -> np.ndarray:
    """Letters with which the texts should fill their boxes, from those with which they do not yet.

    Args:
      lengths: int64[N], the letters that were there.
      rendered: float64[N, 4], the boxes that came out; NaN where a node does not show.
    """
    visits = preorder(record.html)
    letter = _WIDTH * np.array(_font_sizes(visits, [_looks(v, codebook) for v in visits]))
    wanted = np.array(record.html_boxes, np.float64)[:, 2:4]
    difference = np.nan_to_num(wanted - rendered[:, 2:])
    wider, higher = difference.T
    line = letter / _WIDTH * _LINE
    # A line more or less where the height is another one; else a box that grows with its text.
    more = np.where(
        np.abs(higher) > 0.6 * line, higher / line * wanted[:, 0] / letter, wider / letter
    )
    return np.clip(lengths + more, np.maximum(2, lengths // 2), 2 * lengths + 2).astype(np.int64)
