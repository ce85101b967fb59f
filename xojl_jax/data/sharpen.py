"""Text made sharper before a screenshot is shrunk (X021), so that more of it can still be read.

Worth its time only where a picture shrinks by little: see docs/images.md for the measurement.
"""

import numpy as np
from PIL import Image, ImageFilter

BLOCK = 8  # px; small print has a stroke or two in each
EDGE = 40  # levels of gray between neighboring pixels: strokes, not the gradients of photographs
DENSITY = (0.08, 0.75)  # share of a block's pixels on an edge: less is a line, more is a texture
# Below the first scale letters are lost either way; at full size nothing is.
SHARPEN_SCALES = (0.6, 1.0)
_BAND = 4  # blocks; what is worked on at once stays in a core's cache


def text_regions(image: np.ndarray) -> np.ndarray:
    """bool[ceil(H / 8), ceil(W / 8)]: the blocks of uint8[H, W, 3] that look like text.

    Text is where brightness jumps often along a row, and not everywhere. A block beside such a
    block counts, too, so that letters at its border are whole.
    """
    gray = np.asarray(Image.fromarray(image).convert("L")).astype(np.int16)
    height, width = gray.shape
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    jumps = np.zeros((rows * BLOCK, columns * BLOCK), np.uint8)
    jumps[:height, 1:width] = np.abs(np.diff(gray, axis=1)) > EDGE
    # One axis at a time: four times as fast as a mean over two.
    sums = jumps.reshape(rows, BLOCK, columns * BLOCK).sum(axis=1, dtype=np.uint8)
    share = sums.reshape(rows, columns, BLOCK).sum(axis=2) / BLOCK**2
    found = Image.fromarray(((share > DENSITY[0]) & (share < DENSITY[1])).astype(np.uint8))
    return np.asarray(found.filter(ImageFilter.MaxFilter(3))) > 0


def sharpen_text(image: np.ndarray) -> np.ndarray:
    """uint8[H, W, 3] with its text regions sharpened, everything else untouched.

    The pixels at the very edge stay as they are, too.
    """
    height, width = image.shape[:2]
    regions = text_regions(image)
    source = image.reshape(height, 3 * width)
    sharp = source.copy()
    for first in range(0, len(regions), _BAND):
        band = regions[first : first + _BAND]
        columns = np.flatnonzero(band.any(axis=0))
        if not len(columns):
            continue
        start = first * BLOCK
        top, bottom = max(start, 1), min(start + len(band) * BLOCK, height - 1)
        left, right = max(columns[0] * BLOCK, 1), min((columns[-1] + 1) * BLOCK, width - 1)
        mask = np.repeat(np.repeat(band, 3 * BLOCK, axis=1), BLOCK, axis=0)
        np.copyto(
            sharp[top:bottom, 3 * left : 3 * right],
            _unsharp(source[top - 1 : bottom + 1, 3 * left - 3 : 3 * right + 3]),
            where=mask[top - start : bottom - start, 3 * left : 3 * right],
        )
    return sharp.reshape(image.shape)


def _unsharp(rows: np.ndarray) -> np.ndarray:
    """An unsharp mask of 250 % over a 3 x 3 binomial blur, rounded to nearest.

    Args:
      rows: uint8[h + 2, 3 * (w + 2)], the channels of a pixel side by side.

    Returns:
      uint8[h, 3 * w]. Pillow's own convolution gives the same, in three times the time.
    """
    rows = rows.astype(np.int16)
    middle = rows[1:-1]
    summed = rows[:-2] + rows[2:] + 2 * middle
    inner = summed[:, 3:-3]
    # 1 + 2.5 = 112 / 32 of the pixel less 2.5 = 80 / 32 of the blur, whose weights add up to 16.
    # All of it fits 16 bits.
    sharp = 112 * middle[:, 3:-3] - 5 * (summed[:, :-6] + summed[:, 6:] + 2 * inner)
    return np.clip((sharp + 16) >> 5, 0, 255).astype(np.uint8)
