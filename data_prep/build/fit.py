"""Records whose screenshots were shrunk to a model's canvas, so that shards are small and fast."""

import io
from dataclasses import replace

import numpy as np
from PIL import Image

from xojl_jax.data.images import Fit, ImageError, decode_image, shrink
from xojl_jax.xojl.record import Record

# At a scale of 0.4 every pixel counts; the loader then sees nearly what it would have made itself.
QUALITY = 92


def fit_record(record: Record, picture: bytes, canvas: tuple[int, int]) -> tuple[Record, bytes]:
    """The record with its screenshot shrunk as the loader would shrink it for this canvas.

    Args:
      picture: the encoded screenshot.
      canvas: (height, width) in pixels, such as `image.height` and `image.width` of a config.

    Returns:
      The record, its boxes in pixels of the new picture, and the picture as WebP. Both as they were
      where the screenshot fits already, or cannot be decoded (which is told where it is stored).
    """
    found = shrink_picture(picture, canvas, sharpen=True)
    if found is None:
        return record, picture
    stored, fit = found
    if record.html_boxes is None:
        return record, stored
    boxes = np.array(record.html_boxes, np.float64).reshape(-1, 5)
    vertical, horizontal = fit.scale
    boxes[:, :4] *= (horizontal, vertical, horizontal, vertical)
    rounded = tuple(tuple(float(round(side, 2)) for side in box) for box in boxes)
    return replace(record, html_boxes=rounded), stored


def shrink_picture(
    picture: bytes, canvas: tuple[int, int], *, sharpen: bool = False
) -> tuple[bytes, Fit] | None:
    """An encoded picture as WebP, shrunk to the canvas; None where it fits, or is broken."""
    try:
        image = decode_image(picture)
    except ImageError:
        return None
    small, fit = shrink(image, canvas, sharpen=sharpen)
    if fit.content == fit.source:
        return None
    stored = io.BytesIO()
    Image.fromarray(small).save(stored, "WEBP", quality=QUALITY, method=4)
    return stored.getvalue(), fit
