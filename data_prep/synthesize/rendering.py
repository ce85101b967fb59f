"""Drawn sections -> records: many are rendered on one page of Chromium; labels by construction."""

import contextlib
import io
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image

from data_prep.browser.chromium import Browser, PageError
from data_prep.synthesize.components import DrawnSection, make_page
from data_prep.synthesize.components.markup import document, labeled_tree
from data_prep.trees.compact import Compact, compact, properties
from xojl_jax.errors import BadUsage, UserError
from xojl_jax.xojl.build import Label, build_layout, nearest_labeled
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.structure import violations
from xojl_jax.xojl.tree import Forest, preorder, used_elements

PITCH = 1400  # px from one section's top to the next; a taller one is rejected and drawn again
HEIGHTS = (48, 1100)  # px of a section that is kept
WINDOW = 720  # px; the height of the viewport that a record names
ATTEMPTS = 40  # draws per section


@dataclass(frozen=True)
class Limits:
    """The largest numbers of html nodes and of labels in a record."""

    nodes: int = 128
    labels: int = 80


class DrawRejected(Exception):
    """This draw cannot be a record; the next one is tried. The message says why."""


class RenderedRecord(NamedTuple):
    """A record, its screenshot as PNG, and the contents of each html node's placeholders."""

    record: Record
    picture: bytes
    author: list[dict]


def make_records(
    browser: Browser, seed: int, indices: Iterable[int], limits: Limits, redrawn: Counter
) -> list[RenderedRecord]:
    """A record of each index, in order; `redrawn` counts why draws were rejected."""
    done: dict[int, RenderedRecord] = {}
    for attempt in range(ATTEMPTS):
        waiting = [index for index in indices if index not in done]
        if not waiting:
            return [done[index] for index in indices]
        pages = [make_page(seed, index, attempt) for index in waiting]
        for index, answer in zip(waiting, _render_with_retries(browser, pages), strict=True):
            try:
                done[index] = _record(answer, seed, index, limits)
            except DrawRejected as reason:
                redrawn[str(reason)] += 1
    raise BadUsage(
        f"section {waiting[0]} of seed {seed} fits in none of {ATTEMPTS} draws:"
        " raise --max-nodes or --max-labels"
    )


@dataclass(frozen=True)
class _Rendered:
    page: DrawnSection
    compact: Compact
    marks: list[str | None]  # of each extracted node
    parents: list[int]
    author: list[dict]  # of each html node
    box: tuple[int, int, int, int]
    picture: bytes


def _render_with_retries(browser: Browser, pages: list[DrawnSection]) -> list["_Rendered"]:
    """As `_render`, three times at most: with harmless pages, failures come from machine load."""
    for _ in range(2):
        with contextlib.suppress(PageError):
            return _render(browser, pages)
    try:
        return _render(browser, pages)
    except PageError as error:
        raise UserError(f"the browser failed three times ({error}): try again later") from error


def _render(browser: Browser, pages: list[DrawnSection]) -> list[_Rendered]:
    codebook = Codebook.load()
    text = document([page.shown() for page in pages], pitch=PITCH)
    width = max(page.width for page in pages)
    with browser.open_html(text, (width, 2 * PITCH)) as tab:
        asked = properties(codebook)
        found = {root: tab.extract(root, asked) for root in map(_root, range(len(pages)))}
        pictures = [tab.screenshot(each.box) for each in found.values()]
        tab.read_variants(found)
    answers = []
    for page, each, picture in zip(pages, found.values(), pictures, strict=True):
        # Seeded by the section, so that ids of texts and pictures do not depend on its neighbors.
        rng = random.Random(f"ids of {page.name}")
        marks = [node["marks"].get("data-xojl") for node in each.nodes]
        parents = [node["parent"] for node in each.nodes]
        small = compact(each, codebook, rng)
        shown = [n for n, at in zip(each.nodes, small.node_of, strict=True) if at is not None]
        author = [{"content": node["held"]} for node in shown]
        answers.append(_Rendered(page, small, marks, parents, author, tuple(each.box), picture))
    return answers


def _root(number: int) -> str:
    return f"#s{number} > *"


def _record(shown: _Rendered, seed: int, index: int, limits: Limits) -> RenderedRecord:
    """The record of a rendered section, or DrawRejected."""
    left, _, width, height = shown.box
    if not HEIGHTS[0] <= height <= HEIGHTS[1]:
        raise DrawRejected("too low" if height < HEIGHTS[0] else "too high")
    layout, layout_nodes = _layout(shown)
    as_shown = [(visit.node.element, visit.depth) for visit in preorder(layout)]
    if as_shown != labeled_tree(shown.page.root):
        raise DrawRejected("a labeled node does not show")
    html_nodes = len(shown.compact.boxes)
    if html_nodes > limits.nodes:
        raise DrawRejected("too many html nodes")
    if len(layout_nodes) > limits.labels:
        raise DrawRejected("too many labeled nodes")
    boxes = [shown.compact.boxes[node] for node in layout_nodes]
    if broken := next(violations(layout, boxes), None):
        raise DrawRejected(f"{broken.element}: {broken.rule}")
    name = f"{seed}-{index:06d}"
    record = Record(
        id=f"synth-{name}",
        screenshot=f"{name}.webp",
        html=shown.compact.forest,
        layout=layout,
        used_elements=used_elements(layout),
        category=shown.page.category,
        source={
            "uri": f"synth:{seed}/{index}",
            "title": f"made section {index} of seed {seed}",
            "licence": "Apache-2.0",
            "site": f"synth:{shown.page.site}",
            "script": shown.page.script,
            "box": [left, 0, width, height],
        },
        viewport=(shown.page.width, WINDOW),
        html_boxes=tuple(tuple(box) for box in shown.compact.boxes),
        layout_nodes=tuple(layout_nodes),
    )
    return RenderedRecord(record, shown.picture, shown.author)


def _layout(shown: _Rendered) -> tuple[Forest, list[int]]:
    """The layout tree of the labeled nodes, and each one's html node in depth-first pre-order."""
    html = [visit.node for visit in preorder(shown.compact.forest)]
    labeled = [
        mark is not None and node is not None
        for mark, node in zip(shown.marks, shown.compact.node_of, strict=True)
    ]
    order = [index for index, keep in enumerate(labeled) if keep]
    nodes = [shown.compact.node_of[index] for index in order]
    labels = [
        Label(shown.marks[index], html[node], above)
        for index, node, above in zip(
            order, nodes, nearest_labeled(shown.parents, labeled), strict=True
        )
    ]
    return build_layout(labels), nodes


def encode(png: bytes, quality: int) -> bytes:
    """The screenshot as WebP; quality 100 is lossless."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").save(out, "WEBP", quality=quality, lossless=quality == 100, method=6)
    return out.getvalue()
