"""Whether a screenshot and what goes with it are of one size, and large enough to be read.

The model sees a CSS pixel as a pixel, and boxes are in pixels of the screenshot.
"""

import numpy as np
from PIL import Image

from xojl_jax.data.images import fit_size
from xojl_jax.xojl.record import Record

# A screenshot of which less than this is left in its width or height cannot be read.
_LEAST_SCALE = 0.2
# Two sizes are told apart beyond this share: rounding, and sections cut at half a pixel.
_SAME = 0.03


def strip_warning(size: tuple[int, int], canvas: tuple[int, int]) -> list[str]:
    """A line about a screenshot that shrinks to a strip; sizes are (height, width) in pixels."""
    fit = fit_size(size, canvas)
    # A canvas narrower than pages always shrinks them: it is the aspect that makes a strip.
    narrow = min(
        content / min(source, room)
        for source, content, room in zip(fit.source, fit.content, canvas, strict=True)
    )
    if min(fit.scale) >= _LEAST_SCALE and narrow >= _LEAST_SCALE:
        return []
    (height, width), (rows, columns) = fit.source, fit.content
    return [
        f"warning: the screenshot is {width} x {height} px and the model sees {columns} x {rows} "
        "of it: little can be read; cut the page into sections, as python -m data_prep.capture does"
    ]


def one_to_one(
    image: np.ndarray | None, record: Record, notes: list[str]
) -> tuple[np.ndarray | None, tuple[tuple[float, ...], ...] | None]:
    """The picture, uint8[h, w, 3], and boxes, brought to one size where they differ by one factor.

    A picture that is larger was taken at a device pixel ratio above 1, and is shrunk. Boxes that
    are larger than a picture are shrunk with it. `notes` tells either, and what does not fit.
    """
    boxes = record.html_boxes
    if image is None:
        return image, boxes
    height, width = image.shape[:2]
    _tell_ratio(record, width, notes)
    wanted = _wanted_size(record)
    if wanted is None:
        return image, boxes
    factors = width / wanted[0], height / wanted[1]
    factor = float(np.sqrt(factors[0] * factors[1]))
    named = (
        f"the screenshot is {width} x {height} px, the record says {wanted[0]:g} x {wanted[1]:g}"
    )
    if max(abs(f - factor) for f in factors) > _SAME * factor:
        notes.append(
            f"warning: {named}: they do not fit, and the answer is likely wrong; take picture and "
            "boxes in one go"
        )
        return image, boxes
    if abs(factor - 1) <= _SAME:
        return image, boxes
    if factor > 1:
        size = (round(wanted[0]), round(wanted[1]))
        notes.append(
            f"warning: {named}: it was taken with a device pixel ratio of {factor:.3g}, and was "
            f"shrunk to {size[0]} x {size[1]}"
        )
        small = Image.fromarray(image).resize(size, Image.Resampling.HAMMING)
        return np.asarray(small), boxes
    notes.append(f"warning: {named}: the boxes were scaled by {factor:.3g} to fit the picture")
    if boxes is not None:
        boxes = tuple((*(factor * side for side in box[:4]), box[4]) for box in boxes)
    return image, boxes


def _tell_ratio(record: Record, width: int, notes: list[str]) -> None:
    """Of a record that says no more of the picture's size than the viewport."""
    if record.viewport and _wanted_size(record) is None and width > 1.05 * record.viewport[0]:
        notes.append(
            f"warning: the screenshot is {width} px wide, the viewport {record.viewport[0]:g}: "
            "taken with a device pixel ratio above 1? The model sees a CSS pixel as a pixel"
        )


def _wanted_size(record: Record) -> tuple[float, float] | None:
    """(width, height) in pixels that the screenshot has by the record's other fields."""
    boxes = record.html_boxes
    if boxes and len(record.html) == 1:  # the root is the section: the picture shows it whole
        size = boxes[0][2:4]
    elif record.source and record.source.get("box"):
        size = record.source["box"][2:4]
    else:
        return None
    return (float(size[0]), float(size[1])) if min(size) >= 1 else None
