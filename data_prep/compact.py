"""Computed styles -> the compact html tree: short classes and content ids.

Values that CSS would have had anyway (initial, or inherited and equal to the parent's) are dropped;
css.toml says what those are. Names that people gave (id, class, role, aria, data, href) tell the
answer, so they never come near: an `Extracted` keeps them apart, and only label.py reads them.
"""

import random
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.browser import Extracted
from data_prep.values import written_value
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.tree import Caps, Content, Node

_CSS = tomllib.loads(Path(__file__).with_name("css.toml").read_text(encoding="utf-8"))
GROUPS: dict[str, list[str]] = _CSS["groups"]
INHERITED = frozenset(_CSS["inherited"])
_WRITTEN = _CSS["written"]
_INITIAL = _CSS["initial"]
_UNSET = _CSS["unset"]
_DISPLAY = {tag: tuple(kinds) for kinds, tags in _CSS["display"] for tag in tags}
_NEEDS = {css: (other, off) for other, off, needy in _CSS["needs"] for css in needy}
_REPLACED = frozenset(_CSS["replaced"])


@dataclass(frozen=True)
class Compact:
    """The html tree of an extracted element.

    Attributes:
      forest: one root.
      boxes: [x, y, width, height, z] of each node in depth-first pre-order, px of the screenshot.
      node_of: html node (depth-first pre-order index) of each extracted node; None if left out.
    """

    forest: tuple[Node, ...]
    boxes: list[list[float]]
    node_of: list[int | None]


def properties(codebook: Codebook) -> list[str]:
    """The longhand CSS properties that a page must be asked for."""
    known = set(codebook.properties.values())
    wanted = [name for name in _WRITTEN if name in known]
    wanted += [name for group in GROUPS.values() for name in group]
    return list(dict.fromkeys(["display", "position", "color", *wanted]))


def content_ids(rng: random.Random) -> Iterator[str]:
    """`xv854`, `xv17`, …: names for texts and pictures, each once, in no order."""
    size, used = 1000, set()
    while True:
        number = rng.randrange(1, size)
        if number not in used:
            used.add(number)
            yield f"xv{number}"
        if 2 * len(used) > size:
            size *= 10


def compact(
    extracted: Extracted, codebook: Codebook, rng: random.Random, caps: Caps | None = None
) -> Compact:
    """The html tree, its boxes, and where each extracted node went.

    Args:
      extracted: of a page that was asked for `properties(codebook)`.
      rng: chooses the content ids.
      caps: nodes deeper than it are left out; no node has more classes.
    """
    caps = caps or Caps()
    nodes = extracted.nodes
    write = _ClassWriter(codebook, extracted.root_font)
    depth: list[int] = []
    node_of: list[int | None] = []
    kept: list[int] = []
    for index, node in enumerate(nodes):
        parent = node["parent"]
        depth.append(1 if parent < 0 else depth[parent] + 1)
        if depth[index] > caps.depth or len(kept) >= caps.nodes:
            node_of.append(None)
        else:
            node_of.append(len(kept))
            kept.append(index)
    ids = content_ids(rng)
    contents = {index: _content(nodes[index]["content"], ids) for index in kept}
    children: dict[int, list[Node]] = {}
    for index in reversed(kept):  # children stand behind their parent, so they are ready first
        node = nodes[index]
        parent = node["parent"]
        classes = write(node, nodes[parent] if parent >= 0 else None)[: caps.classes]
        made = Node(
            None,
            _tag(node["tag"], codebook),
            tuple(classes),
            contents[index],
            tuple(reversed(children.pop(index, []))),
        )
        children.setdefault(parent, []).append(made)
    width, height = extracted.box[2:]
    boxes = [[*_inside(nodes[i]["box"], width, height), nodes[i]["z"]] for i in kept]
    return Compact(tuple(children[-1]), boxes, node_of)


def _tag(tag: str, codebook: Codebook) -> str:
    """The tag, or `div` for one that its author made up: its name could tell the answer."""
    return tag if tag in codebook.tags else "div"


def _content(found: Sequence[Sequence], ids: Iterator[str]) -> tuple[Content, ...]:
    return tuple(Content(kind, next(ids), at) for kind, at in found)


def _inside(box: Sequence[float], width: float, height: float) -> list[float]:
    x0, y0 = min(max(box[0], 0), width), min(max(box[1], 0), height)
    x1, y1 = min(max(box[0] + box[2], x0), width), min(max(box[1] + box[3], y0), height)
    return [_short(v) for v in (x0, y0, x1 - x0, y1 - y0)]


def _short(value: float) -> float:
    value = round(value, 1)
    return int(value) if value == int(value) else value


class _ClassWriter:
    """Classes of a node from its computed styles and its parent's."""

    def __init__(self, codebook: Codebook, root_font: float):
        self._code = {css: code for code, css in codebook.properties.items()}
        self._units = {css: code for code, css in codebook.units.items()}
        self._root_font = root_font
        # In the order of the codebook, so that equal looks give equal keys.
        ours = {*_WRITTEN, *GROUPS, *(name for group in GROUPS.values() for name in group)}
        self._order = [css for css in codebook.properties.values() if css in ours]

    def __call__(self, node: Mapping, parent: Mapping | None) -> list[str]:
        said = self._said(node["tag"], node["styles"], parent["styles"] if parent else None)
        return [f"{self._code[css]}_{value}" for css, value in said.items()]

    def _said(self, tag: str, styles: Mapping, above: Mapping | None) -> dict[str, str]:
        """CSS property -> written value, for what this node says that it would not have anyway."""
        longs = {}
        for css, raw in styles.items():
            if not self._is_default(css, raw, tag, styles, above):
                longs[css] = raw
        said = {}
        for css in self._order:
            if css in GROUPS:
                raw = _together(css, styles, longs)
                if raw is None:
                    continue
                for name in GROUPS[css]:
                    longs.pop(name, None)
            elif css in longs:
                raw = longs[css]
            else:
                continue
            value = written_value(css, raw, self._units, self._root_font)
            if value is not None and not self._is_inherited(css, value, above):
                said[css] = value
        return said

    def _is_inherited(self, css: str, value: str, above: Mapping | None) -> bool:
        """Whether the parent's value is written alike: two lists of fonts of one kind are."""
        if css not in INHERITED or above is None or css not in above:
            return False
        return value == written_value(css, above[css], self._units, self._root_font)

    def _is_default(
        self, css: str, raw: str, tag: str, styles: Mapping, above: Mapping | None
    ) -> bool:
        if css in _NEEDS and styles.get(_NEEDS[css][0], "none") in _NEEDS[css][1]:
            return True
        if css in INHERITED and above is not None:
            return raw == above.get(css)
        if css == "display":
            return raw in _default_displays(tag, above)
        if css.startswith("border-") and css.endswith("-style"):
            return raw in ("none", "hidden", "solid")  # a width says that there is a line
        if css == "list-style-type" and tag not in ("ul", "ol", "li"):
            return True
        if css in ("overflow-x", "overflow-y") and tag in _REPLACED:
            return True
        return raw in _INITIAL[css] if css in _INITIAL else raw in _UNSET


def _default_displays(tag: str, above: Mapping | None) -> tuple[str, ...]:
    if above and above.get("display", "").endswith(("flex", "grid")):
        return ("block", *_DISPLAY.get(tag, ()))  # a flex item is a block whatever it was
    if tag in _DISPLAY:
        return _DISPLAY[tag]
    return ("inline",)


def _together(group: str, styles: Mapping, longs: Mapping) -> str | None:
    """The raw value of a group, or None where its longhands have to speak for themselves."""
    names = GROUPS[group]
    if not any(name in longs for name in names):
        return None
    values = [styles.get(name, "") for name in names]
    if len(set(values)) == 1:
        return values[0]
    return " ".join(values) if group == "border-radius" else None
