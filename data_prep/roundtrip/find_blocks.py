"""Whether a screenshot shows a tree's blocks where their boxes say, and something in its pictures.

What a block looks like is cut from the rendered tree: the rectangle around its ink. That patch is
looked for in the screenshot around the place that the record's box names, by normalized
cross-correlation (Lewis, "Fast Normalized Cross-Correlation", 1995; scikit-image). So a box counts
as true only where the pixels say so.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from skimage.feature import match_template

from data_prep.roundtrip.blocks import Blocks, NodeKinds, pixel_corners

SCALE = 2  # patches are compared at half size: anti-aliasing is not the same in every place
RADIUS = 32  # px around its place in which a block is looked for
NEAR = 8.0  # px of displacement that cost 1 - 1/e of a block
MARGIN = 6  # px of the surroundings in the patch of a block without text: they show its edges
PADDING = 3  # px of the half around the ink
FLAT = 8  # gray levels; less cannot be seen
BLUR = 0.7  # px of the half: half a pixel of displacement costs little
ENDS = (2.0, 4.0)  # px of the half, down and across: words become bars, of which the ends stand out
LINES = (2.0, 8.0)  # px of the half, down and across: words become bars, their edges stand out
END = 32  # px of the half, the part of a bar that tells where it ends
STROKES = 5.0  # px of the half: what is wider, such as a line as a whole, is taken away
MOST = 80  # blocks of a record that are looked for
SMALLEST_PICTURE = 8  # px; a smaller one is a tracking pixel or a spacer


def found_blocks(screenshot: np.ndarray, rendered: np.ndarray, blocks: Blocks) -> np.ndarray:
    """How surely each block is where its box says: float64[N], 0 to 1; NaN where it shows nothing.

    Correlation times exp(-displacement / 8 px), at the best place. Looked for are texts, and blocks
    without children (fields, lines, buttons); no pictures, whose content the tree does not hold.

    Args:
      screenshot, rendered: uint8[H, W, 3].
    """
    pictures = [
        _Half(without_pictures(screenshot, blocks.first, blocks.kinds)),
        _Half(without_pictures(rendered, blocks.second, blocks.kinds)),
    ]
    found = np.full(len(blocks.first), np.nan)
    looked_for = (blocks.kinds.is_text | blocks.kinds.is_leaf) & ~blocks.kinds.is_picture
    indices = np.flatnonzero(looked_for)
    if len(indices) > MOST:
        indices = indices[np.linspace(0, len(indices) - 1, MOST).round().astype(int)]
    for i in indices:
        if np.isnan(blocks.second[i, 0]):
            found[i] = 0.0
            continue
        where, what = (_view(p, blocks.kinds, i) for p in pictures)
        margin = 0 if blocks.kinds.is_text[i] else MARGIN
        if (ink := _ink_box(pictures[1].gray, blocks.second[i], margin)) is not None:
            x0, y0, x1, y1 = ink
            moved = (blocks.first[i, :2] - blocks.second[i, :2]) / SCALE
            # Unknown words end elsewhere; but a line begins where it begins, or ends where it ends.
            parts = [(x0, x1)]
            if blocks.kinds.is_unknown[i]:
                parts = [(x0, min(x1, x0 + END)), (max(x0, x1 - END), x1)]
            found[i] = max(
                find_patch(where, what[y0:y1, left:right], (left + moved[0], y0 + moved[1]))
                for left, right in parts
            )
            middle = (x0 + x1) // 2
            if blocks.kinds.is_unknown[i] and _is_centered(ink, blocks.second[i]):
                # Nor do they begin or end there: only where the lines are is known.
                left, right = max(x0, middle - END // 2), min(x1, middle + END // 2)
                where, what = (p.lines for p in pictures)
                patch, corner = what[y0:y1, left:right], (left + moved[0], y0 + moved[1])
                found[i] = max(found[i], find_patch(where, patch, corner))
    return found


def without_pictures(picture: np.ndarray, boxes: np.ndarray, kinds: NodeKinds) -> np.ndarray:
    """uint8[H, W, 3]: pictures within a text, such as a field in its label, become the color
    around them. Their content is not known, and they would be a part of the text's patch.

    Args:
      boxes: float64[N, 4] of the nodes in this picture; NaN where one does not show.
    """
    in_text = np.zeros(len(boxes), bool)
    for i in np.flatnonzero(kinds.is_text):
        in_text[i + 1 : kinds.ends[i]] = True
    bare = picture.copy()
    for x, y, w, h in boxes[in_text & kinds.is_picture & ~np.isnan(boxes[:, 0])]:
        x0, y0, x1, y1 = max(0, int(x)), max(0, int(y)), int(np.ceil(x + w)), int(np.ceil(y + h))
        around = picture[max(0, y0 - 1) : y1 + 1, max(0, x0 - 1) : x1 + 1]
        if around.size:
            edge = [around[0], around[-1], around[:, 0], around[:, -1]]
            bare[y0:y1, x0:x1] = np.median(np.concatenate(edge), axis=0)
    return bare


def find_patch(picture: np.ndarray, patch: np.ndarray, corner: Sequence[float]) -> float:
    """How surely a patch, float32[r, c], is at `corner` (x, y) of a picture, float32[h, w]: 0 to 1.

    Both at half size.
    """
    radius = RADIUS // SCALE
    x, y = (round(float(v)) for v in corner)
    rows, columns = patch.shape
    # Beyond its edge the picture goes on as its edge is, so that a patch there can be looked for.
    down = np.arange(y - radius, y + rows + radius).clip(0, picture.shape[0] - 1)
    across = np.arange(x - radius, x + columns + radius).clip(0, picture.shape[1] - 1)
    likeness = match_template(picture[np.ix_(down, across)], patch)
    offsets = SCALE * (np.arange(2 * radius + 1) - radius)
    distance = np.hypot(offsets[:, None], offsets)
    return float(np.clip(likeness * np.exp(-distance / NEAR), 0, 1).max())


def blank_pictures(screenshot: np.ndarray, blocks: Blocks) -> np.ndarray:
    """bool[N]: images whose place in the screenshot, uint8[H, W, 3], is of one color."""
    blank = np.zeros(len(blocks.first), bool)
    for i in np.flatnonzero(blocks.kinds.is_image):
        part = _own_pixels(screenshot, blocks, i)
        blank[i] = len(part) > 0 and int(np.ptp(part, axis=0).max()) <= FLAT
    return blank


def _own_pixels(screenshot: np.ndarray, blocks: Blocks, index: int) -> np.ndarray:
    """uint8[k, 3]: pixels of a picture's box that none of the node's descendants covers."""
    x, y, w, h = blocks.first[index]
    x0, y0, x1, y1 = pixel_corners(blocks.first[index], screenshot.shape)
    if min(x1 - x0, y1 - y0) < SMALLEST_PICTURE:
        return np.empty((0, 3), np.uint8)
    # The corners of a rounded picture show what is behind it.
    down, across = np.ogrid[y0:y1, x0:x1]
    own = np.hypot((down + 0.5 - y - h / 2) / h, (across + 0.5 - x - w / 2) / w) < 0.47
    for cx, cy, cw, ch in blocks.first[index + 1 : blocks.kinds.ends[index]]:
        inside = slice(max(0, int(cy) - y0), max(0, int(np.ceil(cy + ch)) - y0))
        own[inside, max(0, int(cx) - x0) : max(0, int(np.ceil(cx + cw)) - x0)] = False
    return screenshot[y0:y1, x0:x1][own]


def _is_centered(ink: tuple, box: Sequence[float]) -> bool:
    """Whether what is drawn, px of the half, lies in the middle of its wider box, px."""
    before, after = ink[0] - box[0] / SCALE, (box[0] + box[2]) / SCALE - ink[2]
    return min(before, after) > 2 * PADDING and abs(before - after) <= 2 * PADDING


class _Half:
    """A picture at half size: `gray`, `strokes`, `ends` and `lines`, float32[H / 2, W / 2]."""

    def __init__(self, picture: np.ndarray):
        gray = np.asarray(Image.fromarray(picture).convert("L").reduce(SCALE), np.float32)
        self.gray = gaussian_filter(gray, BLUR)
        self.strokes = self.gray - gaussian_filter1d(self.gray, STROKES, axis=1)
        self.ends = gaussian_filter(gray, ENDS, order=(0, 1))
        self.lines = gaussian_filter(gray, LINES, order=(1, 0))


def _view(half: _Half, kinds: NodeKinds, index: int) -> np.ndarray:
    """In what form a block is compared."""
    if not kinds.is_text[index]:
        return half.gray
    # As a bar any line of text is like any other: known words are told by their strokes. Of filler
    # words for unknown texts, only where the bars begin and end can be compared.
    return half.ends if kinds.is_unknown[index] else half.strokes


def _ink_box(gray: np.ndarray, box: Sequence[float], margin: float) -> tuple | None:
    """x0, y0, x1, y1, px of the half, around what is drawn in a box; None where nothing is."""
    x, y, w, h = box
    x0, y0 = (max(0, int((v - margin) // SCALE)) for v in (x, y))
    x1, y1 = (int(np.ceil((v + margin) / SCALE)) for v in (x + w, y + h))
    part = gray[y0:y1, x0:x1]
    if not part.size:
        return None
    ink = np.abs(part - np.median(part)) > FLAT
    if not ink.any():
        return None
    rows, columns = (np.flatnonzero(ink.any(axis)) for axis in (1, 0))
    sides = [(y0, rows, gray.shape[0]), (x0, columns, gray.shape[1])]
    (top, bottom), (left, right) = (_side(*side) for side in sides)
    return (left, top, right, bottom)


def _side(start: int, hits: np.ndarray, end: int) -> tuple[int, int]:
    return max(0, start + hits[0] - PADDING), min(end, start + hits[-1] + 1 + PADDING)
