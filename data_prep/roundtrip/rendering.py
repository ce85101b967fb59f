"""A record rendered again: its tree as a page, the page as a picture, its nodes as blocks."""

import tempfile
from pathlib import Path

import numpy as np

from data_prep.browser.chromium import DESKTOP, Browser, PageError
from data_prep.roundtrip.blocks import Blocks
from data_prep.roundtrip.placeholders import (
    filler_lengths,
    placeholder_contents,
    refit_lengths,
)
from data_prep.trees.uncompact import page_of
from xojl_jax.data.images import decode_image
from xojl_jax.errors import BadInput
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import Record, safe_screenshot_path

PAGE_SECONDS = 30.0
REFITS = 2  # times that filler words for unknown texts are fitted better to their boxes
SECTION = '[data-xojl="0"]'


def render_again(browser: Browser, folder: Path, record: Record, author: list[dict]):
    """(screenshot, rendered picture, blocks) of a record; pictures are uint8[H, W, 3].

    Raises PageError with the reason where it cannot be compared.
    """
    pixels = read_screenshot(folder, record)
    return pixels, *render_tree(browser, record, author, pixels)


def read_screenshot(folder: Path, record: Record) -> np.ndarray:
    """uint8[H, W, 3]. Raises PageError with the reason where it cannot be compared."""
    if not record.html_boxes or len(record.html) != 1:
        raise PageError("no boxes" if not record.html_boxes else "more than one root")
    try:
        return decode_image(safe_screenshot_path(folder, record.screenshot).read_bytes())
    except (BadInput, OSError) as error:
        raise PageError("the screenshot cannot be read") from error


def render_tree(
    browser: Browser,
    record: Record,
    author: list[dict],
    pixels: np.ndarray,
    refits: int = REFITS,
) -> tuple[np.ndarray, Blocks]:
    """A record's tree as a picture as large as `pixels`, its screenshot, and its blocks in both."""
    codebook = Codebook.load()
    lengths = filler_lengths(record, codebook)
    for left in reversed(range(refits + 1)):
        given, kinds = placeholder_contents(record, author, pixels, codebook, lengths)
        rendered, second = render(browser, record, page_of(record.html, codebook, given), pixels)
        if not left or not kinds.is_unknown.any():
            break
        lengths = refit_lengths(lengths, record, second, codebook)
    first = np.array(record.html_boxes, np.float64)[:, :4]
    height, width = pixels.shape[:2]
    return rendered, Blocks(first, framed(second, width, height), kinds)


def render(
    browser: Browser, record: Record, page_text: str, pixels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The picture of a page's section, as large as `pixels`, and its nodes' boxes."""
    height, width = pixels.shape[:2]
    viewport = [round(v) for v in record.viewport or DESKTOP]
    with tempfile.TemporaryDirectory() as site:
        Path(site, "section.xhtml").write_text(page_text, encoding="utf-8")
        with browser.open_site(site, "section.xhtml", viewport) as page:
            boxes = np.full((len(record.html_boxes), 4), np.nan)
            for node in page.extract("body", []).nodes:
                if "data-xojl" in node["marks"]:
                    boxes[int(node["marks"]["data-xojl"])] = node["box"]
            corner = corner_of(record, boxes)
            x, y = page.box(SECTION)[:2] if corner is None else corner.tolist()
            png = page.screenshot([x, y, width, height])
    return decode_image(png), boxes - [x, y, 0, 0]


def corner_of(record: Record, boxes: np.ndarray) -> np.ndarray | None:
    """Where in a page the picture of its section begins, float64[2]; None where nothing shows.

    Not simply at its root: a section that is a part of the body has a root without a box. So it is
    the first node that has a box in the record as well as in the page, float64[N, 4], which is NaN
    where a node does not show.
    """
    captured = np.array(record.html_boxes, np.float64)[:, :4]
    shown = np.flatnonzero((captured[:, 2:] > 0).all(axis=1) & ~np.isnan(boxes[:, 0]))
    if not len(shown):
        return None
    # A page has no negative coordinates, nor a screenshot parts of a pixel.
    return np.maximum(0, boxes[shown[0], :2] - captured[shown[0], :2].round())


def framed(boxes: np.ndarray, width: float, height: float) -> np.ndarray:
    """The part of float64[N, 4] boxes that a picture shows; NaN where it shows none of it."""
    corner = np.clip(boxes[:, :2], 0, [width, height])
    end = np.clip(boxes[:, :2] + boxes[:, 2:], 0, [width, height])
    outside = (boxes[:, :2] >= [width, height]) | (boxes[:, :2] + boxes[:, 2:] < 0)
    inside = np.concatenate([corner, end - corner], axis=1)
    inside[outside.any(axis=1)] = np.nan
    return inside
