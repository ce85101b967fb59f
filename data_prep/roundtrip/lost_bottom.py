"""Whether the lower part of a screenshot is missing: a page or a file that loaded in part.

What did not load is of one color across the whole width: white, or what a decoder fills in. That
alone is no fault, since many sections end in empty space. It is one where the rendered tree shows
something there, or where a picture or a ground goes on that the screenshot shows above.
"""

from collections.abc import Iterator

import numpy as np

from data_prep.roundtrip.blocks import Blocks, pixel_corners

FLAT = 10  # gray levels; less is one color
EDGE = 24  # gray levels between a ground and what filled in for its rest: no gradient's last step
ABOVE = 3  # px above the part of one color that tell what was there
MARGIN = 1 / 3  # share of a picture's height that may be empty below what it shows
LAST = 4  # px at the very bottom: a border there may be lost in rounding
ACROSS = 0.95  # share of the width that an edge of the whole picture has
NEAR = 16  # px within which the rendered tree may have that edge
NARROW = 8  # px; a narrower block tells nothing


def lost_rows(screenshot: np.ndarray, rendered: np.ndarray, blocks: Blocks) -> int:
    """Rows of a screenshot in which something is missing, counted from where its last part of one
    color begins down to the last thing that is missing.

    Args:
      screenshot, rendered: uint8[H, W, 3].
    """
    start, color = last_part(screenshot)
    height = len(screenshot)
    rendered = rendered.copy()
    for i in np.flatnonzero(blocks.kinds.is_picture & ~np.isnan(blocks.second[:, 0])):
        x0, y0, x1, y1 = pixel_corners(blocks.second[i], rendered.shape)
        rendered[max(y0, start) : y1, x0:x1] = color  # what replaces a picture shows nothing
    missing = np.zeros(height, bool)
    missing[start:] = _shows_something(screenshot, rendered, start, color)
    missing[start:] |= _is_cut_across(screenshot, rendered, start, color)
    for top, bottom in _cut_blocks(screenshot, blocks, start, color):
        missing[top:bottom] = True
    rows = np.flatnonzero(missing[: height - LAST])
    return int(rows[-1]) + 1 - start if len(rows) else 0


def last_part(picture: np.ndarray) -> tuple[int, np.ndarray]:
    """Row where the lowest part of one color begins, and that color, float64[3]."""
    color = np.median(picture[-1].astype(np.int16), axis=0)
    busy = np.flatnonzero(_far(picture, color).any(axis=1))
    return (int(busy[-1]) + 1 if len(busy) else 0), color


def _far(picture: np.ndarray, color: np.ndarray, levels: int = FLAT) -> np.ndarray:
    """bool[…]: which pixels of a picture, uint8[…, 3], are of another color."""
    return np.abs(picture.astype(np.int16) - color).max(axis=-1) > levels


def _shows_something(
    screenshot: np.ndarray, rendered: np.ndarray, start: int, color: np.ndarray
) -> np.ndarray:
    """bool[H - start]: rows where the rendered tree shows more than one color, or one that is not
    the screenshot's, although the two agree above."""
    part = rendered[start:].astype(np.int16)
    shows = np.ptp(part, axis=1).max(axis=1) > FLAT
    above = slice(max(0, start - ABOVE), start)
    if start and not _far(screenshot[above], rendered[above].astype(np.int16)).mean() > 0.5:
        shows |= _far(part, color).all(axis=1)
    return shows


def _is_cut_across(
    screenshot: np.ndarray, rendered: np.ndarray, start: int, color: np.ndarray
) -> bool:
    """Whether the screenshot has an edge all across above `start`, and the rendered tree none near
    there: a decoder's gray below a white page."""
    if not start or _far(screenshot[max(0, start - ABOVE) : start], color, EDGE).mean() < ACROSS:
        return False
    near = rendered[max(0, start - NEAR) : start + NEAR].astype(np.int16)
    return bool((np.ptp(near, axis=0).max(axis=1) > EDGE).mean() < 0.5)


def _cut_blocks(
    screenshot: np.ndarray, blocks: Blocks, start: int, color: np.ndarray
) -> Iterator[tuple[int, int]]:
    """(first row, last row + 1) of what is lost of pictures and grounds that end at `start`, and of
    browsers' controls below it, which always show something."""
    for i in np.flatnonzero(blocks.kinds.is_picture | blocks.kinds.is_filled):
        x0, y0, x1, y1 = pixel_corners(blocks.first[i], screenshot.shape)
        if blocks.kinds.is_control[i] and y0 >= start:
            yield y0, y1
        if x1 - x0 < NARROW or not y0 < start < y1:
            continue
        above = screenshot[y0:start, x0:x1]
        if blocks.kinds.is_picture[i]:
            lost = (y1 - start) / (y1 - y0)
            cut = lost > MARGIN and np.ptp(above.reshape(-1, 3), axis=0).max() > FLAT
        else:
            cut = _far(above[-ABOVE:], color, EDGE).mean() > 0.5
        if cut:
            yield start, y1
