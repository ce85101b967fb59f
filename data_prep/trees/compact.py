"""An extracted element -> the compact html tree: short classes and content ids.

Names that people gave (id, class, role, aria, data, href) tell the
answer, so they never come near: an `Extracted` keeps them apart, and only label reads them.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from data_prep.trees.classes import ClassWriter, properties, single_values
from data_prep.trees.extracted import Extracted
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.tree import Caps, Content, Node

__all__ = ["Compact", "compact", "content_ids", "properties"]

# A layout key has its element in front of the tag: characters for the longest, and a separator.
_ELEMENT_LENGTH = 16


@dataclass(frozen=True)
class Compact:
    """The html tree of an extracted element.

    Attributes:
      forest: one root.
      boxes: [x, y, width, height, z] of each node in depth-first pre-order, px of the screenshot.
      node_of: html node (depth-first pre-order index) of each extracted node; None if left out.
      classes_left_out: classes that no longer fitted a node's caps.
      unwritten: of each extracted node the properties whose value has no written form, sorted.
    """

    forest: tuple[Node, ...]
    boxes: list[list[float]]
    node_of: list[int | None]
    classes_left_out: int = 0
    unwritten: tuple[tuple[str, ...], ...] = ()


def content_ids(rng: random.Random) -> Iterator[str]:
    """`xv854`, `xv17`, …: names for texts and pictures, each once, in no order."""
    size, used = 1000, set()
    while True:
        # Drawn, not counted: an id in order would tell where its text is in the page.
        number = rng.randrange(1, size)
        if number not in used:
            used.add(number)
            yield f"xv{number}"
        # Half of the numbers are taken: draws would repeat more and more often.
        if 2 * len(used) > size:
            size *= 10


def compact(
    extracted: Extracted, codebook: Codebook, rng: random.Random, caps: Caps | None = None
) -> Compact:
    """The html tree, its boxes, and where each extracted node went.

    Args:
      extracted: of a page that was asked for `properties(codebook)`. What its `variants` hold
        becomes classes with `h:` (hover), `t:` (tablet), `m:` (mobile) in front.
      rng: chooses the content ids.
      caps: nodes deeper than it are left out; so are a node's last classes where it has too many.
    """
    caps = caps or Caps()
    nodes = extracted.nodes
    every_class, unwritten = _classes(extracted, codebook)
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
    left_out = 0
    children: dict[int, list[Node]] = {}
    # Children come after their parent: backwards, they are made before it.
    for index in reversed(kept):
        node = nodes[index]
        parent = node["parent"]
        tag = _tag(node["tag"], codebook)
        classes = _fitting(tag, every_class[index], caps)
        left_out += len(every_class[index]) - len(classes)
        made = Node(
            None,
            tag,
            tuple(classes),
            contents[index],
            tuple(reversed(children.pop(index, []))),
        )
        children.setdefault(parent, []).append(made)
    width, height = extracted.box[2:]
    boxes = [[*_inside(nodes[i]["box"], width, height), nodes[i]["z"]] for i in kept]
    return Compact(tuple(children[-1]), boxes, node_of, left_out, unwritten)


def _classes(extracted: Extracted, codebook: Codebook):
    """(classes of each extracted node: desktop, then hover, tablet, mobile; what has no form)."""
    write = ClassWriter(codebook)
    # What goes without saying depends on the tag that is written, not on the one that was there.
    nodes = [{**node, "tag": _tag(node["tag"], codebook)} for node in extracted.nodes]
    said, unwritten = [], []
    for node in nodes:
        said.append(write.said(node, nodes[node["parent"]] if node["parent"] >= 0 else None))
        unwritten.append(tuple(sorted(write.unwritten)))
    out = [write.classes(one) for one in said]
    states = [single_values(one) for one in said]
    if "hover" in extracted.variants:
        prefix = _prefix(codebook.pseudo_classes, "hover")
        for index, changes in enumerate(extracted.variants["hover"]):
            if changes:
                node = nodes[index]
                above = nodes[node["parent"]]["styles"] if node["parent"] >= 0 else None
                styles = node["styles"] | changes
                news = write.changed(dict(states[index]), node["tag"], styles, above)
                out[index] += write.classes(news, prefix)
    # In this order: what holds on a tablet holds on a phone, unless the phone's styles differ.
    for device in ("tablet", "mobile"):
        if device in extracted.variants:
            prefix = _prefix(codebook.devices, device)
            _add_device(write, nodes, extracted.variants[device], states, prefix, out)
    return out, tuple(unwritten)


def _add_device(write: ClassWriter, nodes, variant, states, prefix, out) -> None:
    """Appends the classes of a smaller screen to `out`; `states` takes them in."""
    styles: list[dict] = []
    hidden: list[bool] = []
    for index, node in enumerate(nodes):
        parent = node["parent"]
        styles.append(node["styles"] | (variant[index] or {}))
        above = styles[parent] if parent >= 0 else None
        hidden.append((parent >= 0 and hidden[parent]) or styles[-1].get("display") == "none")
        if parent >= 0 and hidden[parent]:
            continue  # nobody sees it, so nothing about it is known
        if hidden[index]:
            news = {"display": "none"} if states[index].get("display") != "none" else {}
            states[index] |= news
        elif variant[index] is None or node["tag"] == "canvas":
            continue  # a script took the node away, or draws it whenever it likes
        else:
            news = write.changed(states[index], node["tag"], styles[-1], above)
        out[index] += write.classes(news, prefix)


def _prefix(codes: dict[str, str], name: str) -> str:
    return next(code for code, meaning in codes.items() if meaning == name) + ":"


def _fitting(tag: str, classes: list[str], caps: Caps) -> list[str]:
    """As many of the classes, from the first, as a key may have."""
    kept, length = [], len(tag) + _ELEMENT_LENGTH
    for name in classes[: caps.classes]:
        length += 1 + len(name)
        if length > caps.key_length:
            break
        kept.append(name)
    return kept


def _tag(tag: str, codebook: Codebook) -> str:
    """The tag, or `div` for one that its author made up: its name could tell the answer."""
    return tag if tag in codebook.tags else "div"


def _content(found: Sequence[Sequence], ids: Iterator[str]) -> tuple[Content, ...]:
    return tuple(Content(kind, next(ids), at) for kind, at in found)


def _inside(box: Sequence[float], width: float, height: float) -> list[float]:
    # A node may reach out of its section; the screenshot shows only the part that is inside.
    x0, y0 = min(max(box[0], 0), width), min(max(box[1], 0), height)
    x1, y1 = min(max(box[0] + box[2], x0), width), min(max(box[1] + box[3], y0), height)
    return [_short(v) for v in (x0, y0, x1 - x0, y1 - y0)]


def _short(value: float) -> float:
    # A tenth of a pixel: finer digits are the browser's subpixel layout and differ by version.
    value = round(value, 1)
    return int(value) if value == int(value) else value
