"""A record as the labeler sees it: its html nodes with boxes, styles and the author's words."""

import math
import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import preorder

# HTML's phrasing content, less what is labeled by itself: these may be inside a line of text.
PHRASING = frozenset(
    re.findall(
        "[a-z]+",
        "a abbr b bdi big br cite code data del dfn em font i ins kbd label mark q s samp small"
        " span strong sub sup time tt u var",
    )
)
FIELDS = frozenset({"input", "select", "textarea", "progress", "meter"})
_CAMEL = re.compile(r"([a-z0-9])([A-Z])")


class SectionTree:
    """The html nodes of one section as lists, indexed in depth-first pre-order.

    Attributes:
      id: of the record; "" where it has none.
      nodes, tag, parent, children, end: the tree; the parent of the root is -1, and the subtree of
        `i` is `range(i, end[i])`.
      box: [x, y, width, height], CSS px from the section's corner.
      page_width: of the window, CSS px; the section may be narrower.
      page_top: how far down its page the section begins, CSS px; NaN where nobody says.
      author: the node's entry of author.jsonl.
      style: a few computed styles, by CSS property (`look` in author.jsonl).
      words: class, id, role and data attributes in one string, lower case.
      address: where the node points to (src, href) and how it is described (title, alt).
      text: the text of the subtree; of a node with text of its own at most 240 characters (capture
        cuts it), among them what a menu hides by opacity alone.
      kinds: which contents the node itself has: "text", "src" (a picture), "svg".
      shows: whether the node has content of its own, in a box with an area.
      texts, pictures, drawings, fields, links: how many nodes of the subtree are one.
    """

    def __init__(self, record: Record, author: list[dict], patterns: Mapping[str, re.Pattern]):
        """`patterns`: what the author's words are searched for, by name (`Table.patterns`)."""
        visits = preorder(record.html)
        self.id = record.id or ""
        self.nodes = [visit.node for visit in visits]
        self.parent = [visit.parent for visit in visits]
        self.end = [visit.subtree_end for visit in visits]
        self.children: list[list[int]] = [[] for _ in visits]
        for visit in visits:
            # A line break is no part of what it separates.
            if visit.parent >= 0 and visit.node.tag != "br":
                self.children[visit.parent].append(visit.index)
        self.tag = [node.tag for node in self.nodes]
        self.box = [list(box[:4]) for box in record.html_boxes]
        self.page_width = record.viewport[0] if record.viewport else self.box[0][2]
        self.page_top = float((record.source or {}).get("box", (0, math.nan))[1])
        self.author = author
        self.style = [about.get("look", {}) for about in author]
        self.kinds = [{content.kind for content in node.content} for node in self.nodes]
        self.shows = [bool(kinds) and self.area(i) > 0 for i, kinds in enumerate(self.kinds)]
        self.text = self._texts()
        self.words = [_words(about) for about in author]
        self.address = [_address(about) for about in author]
        self.patterns = patterns
        self._said: dict[tuple[str, int], bool] = {}
        self.texts = self._count(lambda i: "text" in self.kinds[i] and not self.is_field(i))
        self.pictures = self._count(lambda i: "src" in self.kinds[i])
        self.drawings = self._count(lambda i: "svg" in self.kinds[i])
        self.fields = self._count(self.is_field)
        self.links = self._count(lambda i: self.tag[i] == "a")

    def __len__(self) -> int:
        return len(self.nodes)

    def _count(self, test) -> list[int]:
        """How many nodes of each subtree pass a test."""
        out = [int(test(i)) for i in range(len(self.nodes))]
        # Children come after their parent, so backwards each sum is complete before it is added.
        for index in range(len(self.nodes) - 1, 0, -1):
            out[self.parent[index]] += out[index]
        return out

    def _texts(self) -> list[str]:
        """The text of each subtree.

        The browser's text of a box includes hidden text below it, so only what nodes with text of
        their own say is used, and joined upwards.
        """
        said = [about.get("text", "") for about in self.author]
        out = ["" for _ in self.nodes]
        for index in range(len(self.nodes) - 1, -1, -1):
            own = "text" in self.kinds[index]
            out[index] = (
                said[index]
                if own
                else " ".join(filter(None, map(out.__getitem__, self.children[index])))
            )
        return out

    def subtree(self, index: int) -> range:
        return range(index, self.end[index])

    def ancestors(self, index: int) -> Iterator[int]:
        while (index := self.parent[index]) >= 0:
            yield index

    def says(self, index: int, name: str) -> bool:
        """Whether the author's words about a node match the pattern of that name."""
        key = (name, index)
        if key not in self._said:
            self._said[key] = bool(self.patterns[name].search(self.words[index]))
        return self._said[key]

    def points_to(self, index: int, name: str) -> bool:
        """Whether the node's address (of a link, picture or frame) matches a pattern."""
        return bool(self.patterns[name].search(self.address[index]))

    def is_field(self, index: int) -> bool:
        return self.tag[index] in FIELDS and not self.is_submit(index)

    def is_submit(self, index: int) -> bool:
        return self.tag[index] == "input" and self.author[index].get("type") in (
            "submit",
            "button",
            "reset",
            "image",
        )

    def is_photo(self, index: int) -> bool:
        """A photograph, by the kind of its file."""
        # PNG, GIF and SVG are as often logos, drawings and icons.
        address = self.author[index].get("src", "")
        return bool(re.search(r"\.(jpe?g|webp|avif)\b", address, re.IGNORECASE))

    def area(self, index: int) -> float:
        return self.box[index][2] * self.box[index][3]

    def font_size(self, index: int) -> float:
        return _px(self.style[index].get("font-size", "16px"), 16.0)

    def is_bold(self, index: int) -> bool:
        return self.weight(index) >= 600

    def weight(self, index: int) -> int:
        """The weight of the node's font, 100 to 900."""
        weight = self.style[index].get("font-weight", "400")
        return int(weight) if weight.isdigit() else 700 if weight == "bold" else 400

    def is_painted(self, index: int) -> bool:
        """Whether the node draws a box of its own: background, border on all sides, or shadow."""
        style = self.style[index]
        background = style.get("background-color", "")
        # The color of what is behind it does not show as a box.
        above = next((self.fill(i) for i in self.ancestors(index)), "")
        if _visible(background) and background != above:
            return True
        if style.get("background-image", "none") not in ("", "none"):
            return True
        if style.get("box-shadow", "none") not in ("", "none"):
            return True
        return self.has_border(index)

    def has_border(self, index: int) -> bool:
        if "bco_transparent" in self.nodes[index].classes:
            return False
        # Three sides: a right border may be missing in a row of joined buttons.
        return all(self.has_line(index, side) for side in ("top", "bottom", "left"))

    def has_line(self, index: int, side: str) -> bool:
        """Whether a border is drawn at one side (old captures: the width of the top alone)."""
        style = self.style[index]
        if style.get(f"border-{side}-style", "none") in ("none", "hidden", ""):
            return False
        width = style.get(f"border-{side}-width", style.get("border-top-width", "0"))
        return _px(width, 0.0) > 0 and _visible(style.get(f"border-{side}-color", "black"))

    def fill(self, index: int) -> str:
        """The background color behind the node's content: its own, or the nearest above."""
        for i in (index, *self.ancestors(index)):
            color = self.style[i].get("background-color", "")
            if _visible(color):
                return color
        return ""

    def is_line_of_text(self, index: int) -> bool:
        """Text with nothing but phrasing content in it, links and small pictures included."""
        if not self.texts[index] or self.fields[index]:
            return False
        inner = range(index + 1, self.end[index])
        if any("src" in self.kinds[i] and max(self.box[i][2:]) > 48 for i in inner):
            return False
        allowed = PHRASING | {"svg", "img"}
        if not all(self.tag[i] in allowed or self._is_part_of_line(i) for i in inner):
            return False
        if "text" in self.kinds[index] or re.fullmatch("h[1-6]|p", self.tag[index]):
            return True  # a block of text by itself: parts with a line of their own belong to it
        if any(self.tag[i] == "br" for i in inner):
            return False  # lines under one another
        return all(map(self._is_inline, inner))

    def _is_part_of_line(self, index: int) -> bool:
        """A block by tag that is displayed inline and has no box."""
        plain = self.tag[index] in ("div", "p") and not self.is_painted(index)
        return plain and self.style[index].get("display") == "inline"

    def _is_inline(self, index: int) -> bool:
        display = self.style[index].get("display", "inline")
        return display.startswith("inline") or not self.kinds[index]

    @cached_property
    def body_size(self) -> float:
        """The font size, px, of most of the running text, by characters; else that of the root.

        Never 0, which is a trick of style sheets against the gaps between inline blocks.
        """
        weights: dict[float, int] = {}
        for i, kinds in enumerate(self.kinds):
            above = (i, *self.ancestors(i))
            if (
                "text" in kinds
                and len(self.text[i]) >= 40  # shorter ones are labels, links and buttons
                and not any(re.fullmatch("h[1-6]", self.tag[j]) for j in above)
            ):
                size = self.font_size(i)
                weights[size] = weights.get(size, 0) + len(self.text[i])
        weights.pop(0.0, None)
        return max(weights, key=weights.__getitem__, default=self.font_size(0)) or 16.0


def _words(about: dict) -> str:
    said = [
        about.get("tag", ""),
        about.get("class", ""),
        about.get("id", ""),
        about.get("role", ""),
        about.get("aria-roledescription", ""),
    ]
    # Libraries mark their widgets by the names of attributes (UIkit: `uk-slider`).
    said += [key for key in about if key.startswith(("uk-", "data-"))]
    said += [about.get("itemtype", ""), about.get("data-ride", ""), about.get("uk-grid", "")]
    # `navBar` -> `nav-bar`, because patterns match whole words.
    return _CAMEL.sub(r"\1-\2", " ".join(said)).lower()


def _address(about: dict) -> str:
    return " ".join(about.get(name, "") for name in ("src", "data-src", "href", "title", "alt"))


def _px(text: str, default: float) -> float:
    try:
        return float(text.removesuffix("px"))
    except ValueError:
        return default


def _visible(color: str) -> bool:
    # `rgba(0, 0, 0, 0)` is what a browser computes for `transparent`.
    clear = color.startswith("rgba") and color.replace(" ", "").endswith(",0)")
    return bool(color) and color != "transparent" and not clear
