"""Layouts of one screenshot, rendered: many of them side by side on one page of the browser.

Opening a page takes longer than rendering a section, and the layouts of a beam are all of one
screenshot. So the record that is rendered has one child a layout, each in a frame of its own.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import NamedTuple

import numpy as np

from data_prep.browser.chromium import Browser
from data_prep.roundtrip.blocks import Blocks, NodeKinds
from data_prep.roundtrip.layouts.components import Page, page_of_layout
from data_prep.roundtrip.layouts.flow import px
from data_prep.roundtrip.layouts.likeness import LayoutLikeness, compare_layout
from data_prep.roundtrip.layouts.sources import Source
from data_prep.roundtrip.placeholders import placeholder_contents
from data_prep.roundtrip.rendering import framed, render_tree
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import Forest, Node

GAP = 8  # px between two frames
WIDEST = 12_000  # px of a page; Chromium paints no more than 16,384


class PlacedLayout(NamedTuple):
    """A layout, and the html node of each of its nodes, depth first; None where it has none."""

    forest: Forest
    nodes: tuple[int | None, ...]


class RenderedLayout(NamedTuple):
    """uint8[H, W, 3], as large as the screenshot; the blocks of both, and what each is."""

    picture: np.ndarray
    blocks: Blocks
    names: list[str]


def layout_likenesses(
    browser: Browser,
    record: Record,
    author: list[dict],
    pixels: np.ndarray,
    layouts: Sequence[PlacedLayout],
) -> list[LayoutLikeness]:
    """How like a record's screenshot, uint8[H, W, 3], each layout is. Raises PageError."""
    rendered = render_layouts(browser, record, author, pixels, layouts)
    return [compare_layout(pixels, each.picture, each.blocks) for each in rendered]


def render_layouts(
    browser: Browser,
    record: Record,
    author: list[dict],
    pixels: np.ndarray,
    layouts: Sequence[PlacedLayout],
) -> list[RenderedLayout]:
    """Each layout as a page of our own. Layouts that come to the same page are rendered once."""
    codebook = Codebook.load()
    source = Source.of(record, author, codebook)
    pages = [page_of_layout(record, source, *layout) for layout in layouts]
    different = {_key(page): page for page in pages}
    given, _ = placeholder_contents(record, author, pixels, codebook)
    backdrop = f"bg_{given.setting.backdrop.lstrip('#')}"
    at_once = max(1, WIDEST // (pixels.shape[1] + GAP))
    keys, found = list(different), {}
    for start in range(0, len(keys), at_once):
        part = keys[start : start + at_once]
        sheet = _render_sheet(browser, [different[key] for key in part], pixels, backdrop)
        found |= dict(zip(part, sheet, strict=True))
    return [found[_key(page)] for page in pages]


def _key(page: Page) -> tuple:
    return page.record.html, page.record.html_boxes


def _render_sheet(
    browser: Browser, pages: list[Page], pixels: np.ndarray, backdrop: str
) -> list[RenderedLayout]:
    height, width = pixels.shape[:2]
    pitch = width + GAP
    total = len(pages) * pitch
    frames, author = [], [{}]
    boxes = [(0.0, 0.0, float(total), float(height), 0)]
    spans = []  # of each page: its first node and the one behind its last
    for k, page in enumerate(pages):
        size = (px("w", width), px("h", height), "ov_hidden", backdrop)
        classes = ("pos_absolute", px("l", k * pitch), "t_0", *size)
        frames.append(Node(None, "div", classes, (), page.record.html))
        boxes.append((float(k * pitch), 0.0, float(width), float(height), 0))
        spans.append((len(boxes), len(boxes) + len(page.author)))
        boxes += [(x + k * pitch, *rest) for x, *rest in page.record.html_boxes or ()]
        author += [{}, *page.author]
    root = Node(None, "div", (px("h", height), backdrop), (), tuple(frames))
    sheet = replace(
        pages[0].record, html=(root,), html_boxes=tuple(boxes), viewport=(total, 2 * height)
    )
    tiled = np.tile(np.pad(pixels, ((0, 0), (0, GAP), (0, 0)), "edge"), (1, len(pages), 1))
    rendered, blocks = render_tree(browser, sheet, author, tiled, refits=0)
    found = []
    for k, (first, end) in enumerate(spans):
        picture = rendered[:, k * pitch : k * pitch + width]
        own = _part_of(blocks, first, end, k * pitch, (width, height))
        found.append(RenderedLayout(picture, own, pages[k].names))
    return found


def _part_of(blocks: Blocks, first: int, end: int, left: int, size: tuple[int, int]) -> Blocks:
    """The blocks of one frame, in px of its own picture."""
    moved = np.array([left, 0, 0, 0], np.float64)
    parts = {
        field.name: getattr(blocks.kinds, field.name)[first:end] for field in fields(NodeKinds)
    }
    kinds = NodeKinds(**parts | {"ends": parts["ends"] - first})
    second = framed(blocks.second[first:end] - moved, *size)
    return Blocks(blocks.first[first:end] - moved, second, kinds)
