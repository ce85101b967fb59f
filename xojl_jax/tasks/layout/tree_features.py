"""The HTML tree as arrays: ids of tags and classes, and the place of each node in the tree.

Every unknown tag, class or value falls into a hash bucket (X030), the same in every process and
every version. n nodes in depth-first pre-order.
"""

import math
import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from xojl_jax.errors import BadInput
from xojl_jax.tasks.layout.class_inputs import NO_MORE, ClassInputs
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.tree import Forest, TreeIndex, preorder
from xojl_jax.xojl.vocabulary import copyable

PATH_LEVELS = 8
CONTENT = {"text": 1, "src": 2, "svg": 3}
SEVERAL = 4


class IdRanges(NamedTuple):
    """How many ids each discrete input has: the sizes of the embedding tables. Id 0 is "none"."""

    tag: int
    content: int
    device: int
    pseudo: int
    attribute: int
    value: int
    unit: int


# Fixed numbers, so that a codebook of one's own does not change the model's shape.
ID_RANGES = IdRanges(tag=256, content=5, device=8, pseudo=64, attribute=512, value=2048, unit=64)


class StyleIds(NamedTuple):
    """Ids of the attributes and of the unit that `inherited` reads; -1 where a codebook has none.

    Attributes:
      font_size, font_weight: of attributes.
      rem: the unit of sizes in the root's type.
      paints: of the attributes that paint a background, a border, and a shadow.
    """

    font_size: int = -1
    font_weight: int = -1
    rem: int = -1
    paints: tuple[tuple[int, ...], ...] = ()


NO_STYLES = StyleIds()


class DoesNotFit(BadInput):
    """A record that is larger than the model. `reason` is short, for counting."""

    def __init__(self, reason: str, needed: int, limit: int):
        super().__init__(f"the record needs {needed} {reason}, the model has room for {limit}")
        self.reason = reason


# --- ids -------------------------------------------------------------------------------------


class _Ids:
    """Known names get ids of their own while half of the range lasts; the rest share buckets."""

    def __init__(self, known: Sequence[str], size: int):
        known = list(known)[: size // 2]
        self._known = {name: i for i, name in enumerate(known, 1)}
        self._first_bucket = len(known) + 1
        self._buckets = size - self._first_bucket

    def __call__(self, name: str) -> int:
        found = self._known.get(name)
        if found is not None:
            return found
        return self._first_bucket + zlib.crc32(name.encode()) % self._buckets


class ClassReader:
    """Classes to (device, pseudo, attribute, value, unit) ids and a number (X026, X035)."""

    def __init__(self, codebook: Codebook):
        self.codebook = codebook
        self.tag = _Ids(codebook.tags, ID_RANGES.tag)
        self._device = _Ids(list(codebook.devices), ID_RANGES.device)
        self._pseudo = _Ids(list(codebook.pseudo_classes), ID_RANGES.pseudo)
        self._attribute = _Ids(list(codebook.properties), ID_RANGES.attribute)
        self._value = _Ids(codebook.keywords, ID_RANGES.value)
        self._unit = _Ids(list(codebook.units), ID_RANGES.unit)
        self.read = lru_cache(maxsize=32768)(self._read)
        # Pages repeat themselves: the same cards, the same lists of classes.
        self.read_all = lru_cache(maxsize=16384)(self._read_all)

    def _read(self, text: str) -> tuple[int, int, int, int, int, float]:
        parts = self.codebook.split_class(text)
        measure = next((v for v in parts.values if v.number is not None), None)
        number, unit = (measure.number, measure.unit) if measure else (0.0, None)
        value = parts.value or ""
        if measure and len(parts.values) == 1:
            value = value.removesuffix(unit or "")  # 7r and 7x share the seven
        return (
            self._device(parts.device) if parts.device else 0,
            self._pseudo(":".join(parts.pseudos)) if parts.pseudos else 0,
            self._attribute(parts.attribute),
            self._value(value) if value else 0,
            self._unit(unit) if unit else 0,
            math.copysign(math.log1p(abs(number)), number),
        )

    def _read_all(self, classes: tuple[str, ...]) -> np.ndarray:
        """float32[k, 6], in the order of `in_order`."""
        return np.array([self.read(text) for text in self.in_order(classes)], np.float32)

    def in_order(self, classes: tuple[str, ...]) -> list[str]:
        """Plain classes before those of a device or pseudo-class. Where a node has more than the
        model looks at, what holds always is kept. (COPY keeps all of them.)"""
        return sorted(classes, key=lambda text: any(self.read(text)[:2]))

    def attribute(self, css: str) -> int:
        """The id of the attribute for a CSS property; -1 where the codebook has none."""
        codes = {meaning: code for code, meaning in self.codebook.properties.items()}
        return self._attribute(codes[css]) if css in codes else -1

    def unit(self, name: str) -> int:
        """The id of a unit of CSS; -1 where the codebook has none."""
        codes = {meaning: code for code, meaning in self.codebook.units.items()}
        return self._unit(codes[name]) if name in codes else -1


@lru_cache(maxsize=4)
def class_reader(codebook: Codebook) -> ClassReader:
    return ClassReader(codebook)


def style_ids(codebook: Codebook) -> StyleIds:
    reader = class_reader(codebook)
    paints = (
        ("background-color", "background-image"),
        ("border-width", *(f"border-{side}-width" for side in ("top", "right", "bottom", "left"))),
        ("box-shadow",),
    )
    return StyleIds(
        reader.attribute("font-size"),
        reader.attribute("font-weight"),
        reader.unit("rem"),
        tuple(tuple(map(reader.attribute, names)) for names in paints),
    )


# --- the HTML tree ---------------------------------------------------------------------------


def html_arrays(
    html: Forest | TreeIndex,
    codebook: Codebook,
    *,
    max_nodes: int,
    max_classes: int,
    class_inputs: ClassInputs = NO_MORE,
) -> dict[str, np.ndarray]:
    """The `html_*` arrays of a tree, not padded yet: n nodes and the most classes that occur.

    `html_path[i]` holds the child indices, counted from 1, of the node itself, its parent, and so
    on up to the root (0 beyond it).
    """
    html = TreeIndex.of(html)
    visits, count = html.visits, len(html)
    if count > max_nodes:
        raise DoesNotFit("HTML nodes", count, max_nodes)
    reader = class_reader(codebook)
    width = min(max_classes, max((len(v.node.classes) for v in visits), default=0))
    classes = np.zeros((count, width, 6), np.float32)
    class_mask = np.zeros((count, width), np.bool_)
    child = np.zeros(count, np.int32)
    path = np.zeros((count, PATH_LEVELS), np.int32)
    tags, content = np.zeros(count, np.int32), np.zeros(count, np.int32)
    families = [0] * (count + 1)  # children met so far; the last entry counts the roots
    for node, index, parent, _, _ in visits:
        tags[index] = reader.tag(node.tag)
        kinds = {CONTENT[item.kind] for item in node.content}
        content[index] = SEVERAL if len(kinds) > 1 else max(kinds, default=0)
        if node.classes:
            read = reader.read_all(node.classes)[:width]
            classes[index, : len(read)] = read
            class_mask[index, : len(read)] = True
        child[index] = families[parent]
        families[parent] += 1
        path[index, 0] = families[parent]
        if parent >= 0:
            path[index, 1:] = path[parent, :-1]
    depth = np.array([v.depth for v in visits], np.int32)
    bfs = np.empty(count, np.int32)
    # Level by level: inside a level, depth-first order is left to right, too.
    bfs[np.argsort(depth, kind="stable")] = np.arange(count)
    more = {}
    if class_inputs != NO_MORE:
        more = class_inputs.read([reader.in_order(v.node.classes) for v in visits], width)
    return more | {
        "html_mask": np.ones(count, np.bool_),
        "html_tag": tags,
        "html_content": content,
        "html_class": classes[..., :5].astype(np.int16),
        "html_number": classes[..., 5],
        "html_class_mask": class_mask,
        "html_bfs": bfs,
        "html_depth": depth,
        "html_parent": np.array([v.parent for v in visits], np.int32),
        "html_end": np.array([v.subtree_end for v in visits], np.int32),
        "html_child": child,
        "html_path": path,
        "html_copyable": copyable(html),
    }


def cut_html(html: Forest, max_nodes: int) -> tuple[Forest, int]:
    """The tree of the first `max_nodes` nodes in depth-first order, and how many were left out.

    For prediction only; the caller warns. Node numbers stay what they were.
    """
    visits = preorder(html)
    if len(visits) <= max_nodes:
        return html, 0
    children: list[list] = [[] for _ in range(max_nodes)]
    roots: list = []
    for visit in reversed(visits[:max_nodes]):
        kept = tuple(reversed(children[visit.index]))
        content = tuple(c._replace(at=min(c.at, len(kept))) for c in visit.node.content)
        node = replace(visit.node, children=kept, content=content)
        (children[visit.parent] if visit.parent >= 0 else roots).append(node)
    return tuple(reversed(roots)), len(visits) - max_nodes
