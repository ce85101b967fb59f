"""What a record says of its html nodes that a layout leaves open: sizes, texts, colors."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from data_prep.trees.uncompact import DRAWN
from data_prep.trees.values import REM
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import Node, Visit, preorder

# Codes of classes that hold for the text inside, too (opacity is no inherited property, but fades
# what is inside all the same); and of those that paint a box.
TEXT = ("c", "fs", "fwt", "ff", "fst", "lh", "ls", "ta", "tt", "op")
PAINT = ("bg", "bi", "bz", "br", "bp", "rad", "bw", "btw", "brw", "bbw", "blw", "bst", "bco", "btc")
PAINT += ("brc", "bbc", "blc", "sh")
_PAINTS = frozenset(["bg", "bi", "bw", "btw", "brw", "bbw", "blw", "sh"])
_INNER = ("pt", "pr", "pb", "pl", "d", "fd", "ai", "jc")  # how a text lies in its own box
_SAME = 0.9  # share of the larger of two boxes that are one
_SPACES = re.compile(r"[^\S\n]+")
_TYPE = 16.0  # px, every browser's size of type


@dataclass(frozen=True)
class Source:
    """What is known of N html nodes, depth first.

    Attributes:
      visits: the nodes.
      boxes: float64[N, 4] x, y, width, height, px of the screenshot.
      texts: of each the text within it, "" where it has none or where a part is not known.
      fonts: the font family, "" where it is not known.
      kinds: `type` of an input field, "" of all else.
      looks: of each code -> class, of its own desktop classes.
      styles: the same, of those that hold for its text: its own, and its ancestors'.
      body: px, the size of most of the type.
    """

    visits: list[Visit]
    boxes: np.ndarray
    texts: list[str]
    fonts: list[str]
    kinds: list[str]
    looks: list[dict[str, str]]
    styles: list[dict[str, str]]
    body: float

    @classmethod
    def of(cls, record: Record, author: Sequence[dict], codebook: Codebook) -> "Source":
        """Of a record that has boxes; `author` is its entry of author.jsonl, or empty."""
        visits = preorder(record.html)
        if len(author) != len(visits):
            author = [{}] * len(visits)
        looks, styles = [], []
        for visit in visits:
            look = _look(visit.node, codebook)
            above = styles[visit.parent] if visit.parent >= 0 else {}
            looks.append(look)
            styles.append(above | {code: look[code] for code in TEXT if code in look})
        texts = _texts(visits, author)
        letters = [
            (type_size(styles[visit.index]), len(texts[visit.index]) or 1)
            for visit in visits
            if holds_text(visit.node)
        ]
        return cls(
            visits,
            np.array(record.html_boxes, np.float64)[:, :4],
            texts,
            [entry.get("look", {}).get("font-family", "") for entry in author],
            [str(entry.get("type", "")) for entry in author],
            looks,
            styles,
            _weighted_median(letters) if letters else _TYPE,
        )

    def texts_in(self, index: int) -> list[int]:
        """The outermost nodes in a subtree, its root included, that hold text."""
        return self._outermost(index, lambda visit: holds_text(visit.node))

    def pictures_in(self, index: int) -> list[int]:
        """The outermost nodes in a subtree that show a picture, a drawing or a glyph."""
        return self._outermost(index, self._shows_picture)

    def _outermost(self, index: int, wanted: Callable[[Visit], bool]) -> list[int]:
        found, at = [], index
        while at < self.visits[index].subtree_end:
            shows = min(self.boxes[at, 2:]) > 0
            if shows and wanted(self.visits[at]):
                found.append(at)
                at = self.visits[at].subtree_end
            else:
                at += 1
        return found

    def _shows_picture(self, visit: Visit) -> bool:
        drawn = any(content.kind in ("src", "svg") for content in visit.node.content)
        return visit.node.tag in DRAWN or drawn or "url" in self.looks[visit.index].get("bi", "")

    def paint(self, index: int) -> tuple[str, ...]:
        """The classes that paint a node's own box."""
        return tuple(self.looks[index][code] for code in PAINT if code in self.looks[index])

    def painter(self, index: int) -> int:
        """Which node paints the box of `index`: itself, or one of the same size in or around it."""
        chain = [index, *self._same_boxes(index)]
        return next((at for at in chain if _PAINTS & self.looks[at].keys()), index)

    def room(self, index: int) -> tuple[float, ...]:
        """x, y, width, height of the box of `index` within its borders, from where children are
        placed."""
        look = self.looks[self.painter(index)]
        widths = [length(look.get(f"b{side}w", look.get("bw", ""))) for side in "ltrb"]
        left, top, right, bottom = widths
        x, y, width, height = self.boxes[index]
        return x + left, y + top, max(0, width - left - right), max(0, height - top - bottom)

    def inner(self, index: int) -> tuple[str, ...]:
        """The classes that say how a node's text lies in its box."""
        return tuple(self.looks[index][code] for code in _INNER if code in self.looks[index])

    def _same_boxes(self, index: int) -> Iterator[int]:
        """Only children of only children, then parents of only children, of about one size."""
        at = index
        while len(inside := self._children(at)) == 1 and self._same_box(index, inside[0]):
            yield (at := inside[0])
        at = self.visits[index].parent
        while at >= 0 and len(self._children(at)) == 1 and self._same_box(index, at):
            yield at
            at = self.visits[at].parent

    def _children(self, index: int) -> list[int]:
        found, at = [], index + 1
        while at < self.visits[index].subtree_end:
            found.append(at)
            at = self.visits[at].subtree_end
        return found

    def _same_box(self, one: int, two: int) -> bool:
        areas = np.prod(self.boxes[[one, two], 2:], axis=1)
        return areas.min() >= _SAME * areas.max() > 0


def holds_text(node: Node) -> bool:
    return any(content.kind == "text" for content in node.content)


def type_size(style: dict[str, str]) -> float:
    """px of the type, of code -> class."""
    return length(style.get("fs", ""), _TYPE)


def length(name: str, default: float = 0.0) -> float:
    """px that a class says, `btw_1x`; `default` where it says none."""
    number = name.partition("_")[2]
    unit = REM if number.endswith("r") else 1
    try:
        return float(number.rstrip("rx")) * unit
    except ValueError:
        return default


def type_weight(style: dict[str, str]) -> float:
    """100 to 900, of code -> class."""
    number = style.get("fwt", "").removeprefix("fwt_")
    return float(number) if number.isdigit() else (700.0 if number == "bold" else 400.0)


def _look(node: Node, codebook: Codebook) -> dict[str, str]:
    found = {}
    for name in node.classes:
        parts = codebook.split_class(name)
        if parts.device is None and not parts.pseudos and parts.value is not None:
            found[parts.attribute] = name
    return found


def _texts(visits: list[Visit], author: Sequence[dict]) -> list[str]:
    """Of each node the text within it; a line break is "\\n"."""
    within: list[str | None] = [""] * len(visits)
    children: list[list[int]] = [[] for _ in visits]
    for visit in visits:
        if visit.parent >= 0:
            children[visit.parent].append(visit.index)
    for visit in reversed(visits):
        content, told = visit.node.content, author[visit.index].get("content")
        if not isinstance(told, list) or len(told) != len(content):
            told = [None] * len(content)
        members = [
            (item.at, 0, text)
            for item, text in zip(content, told, strict=True)
            if item.kind == "text"
        ]
        # Child k comes after the content that has k children before it.
        members += [(k, 1, within[child]) for k, child in enumerate(children[visit.index])]
        pieces = [text for *_, text in sorted(members, key=lambda member: member[:2])]
        known = all(isinstance(text, str) for text in pieces)
        within[visit.index] = " ".join(filter(None, pieces)) if known else None
    return [_SPACES.sub(" ", text or "").strip() for text in within]


def _weighted_median(weighted: list[tuple[float, int]]) -> float:
    values, weights = map(np.array, zip(*sorted(weighted), strict=True))
    return float(values[np.searchsorted(weights.cumsum(), weights.sum() / 2)])
