"""Text made sharper before a screenshot is shrunk (X021), so that more of it can still be read.

Worth its time only where a picture shrinks by little: see docs/images.md for the measurement.
"""

import numpy as np
from PIL import Image, ImageFilter

BLOCK = 8  # px; small print has a stroke or two in each
EDGE = 40  # levels of grey between neighbouring pixels: strokes, not the gradients of photographs
DENSITY = (0.08, 0.75)  # share of a block's pixels on an edge: less is a line, more is a texture
# Below the first scale letters are lost either way; at full size nothing is.
SHARPEN_SCALES = (0.6, 1.0)
# An unsharp mask of 250 % over a 3 x 3 binomial blur, as one convolution.
_UNSHARP = ImageFilter.Kernel((3, 3), (-5, -10, -5, -10, 92, -10, -5, -10, -5), scale=32)


def text_regions(image: np.ndarray) -> np.ndarray:
    """bool[ceil(H / 8), ceil(W / 8)]: the blocks of uint8[H, W, 3] that look like text.

    Text is where brightness jumps often along a row, and not everywhere. A block beside such a
    block counts, too, so that letters at its border are whole.
    """
    grey = np.asarray(Image.fromarray(image).convert("L")).astype(np.int16)
    height, width = grey.shape
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    jumps = np.zeros((rows * BLOCK, columns * BLOCK), np.uint8)
    jumps[:height, 1:width] = np.abs(np.diff(grey, axis=1)) > EDGE
    # One axis at a time: four times as fast as a mean over two.
    sums = jumps.reshape(rows, BLOCK, columns * BLOCK).sum(axis=1, dtype=np.uint8)
    share = sums.reshape(rows, columns, BLOCK).sum(axis=2) / BLOCK**2
    found = Image.fromarray(((share > DENSITY[0]) & (share < DENSITY[1])).astype(np.uint8))
    return np.asarray(found.filter(ImageFilter.MaxFilter(3))) > 0


def sharpen_text(image: np.ndarray) -> np.ndarray:
    """uint8[H, W, 3] with its text regions sharpened, everything else untouched."""
    height, width = image.shape[:2]
    regions = Image.fromarray(text_regions(image).astype(np.uint8) * 255)
    regions = regions.resize((BLOCK * regions.width, BLOCK * regions.height), Image.Resampling.BOX)
    picture = Image.fromarray(image)
    sharp = picture.filter(_UNSHARP)
    return np.asarray(Image.composite(sharp, picture, regions.crop((0, 0, width, height))))
