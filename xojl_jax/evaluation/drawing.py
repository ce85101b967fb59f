"""Boxes over a screenshot: the one palette of elements, and the one function that draws boxes."""

import colorsys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from xojl_jax.xojl.tree import CONTAINERS, ELEMENTS

LABEL_SIZE = 13
# Frames are drawn inside one another: each level this much further in, in pixels.
INSET = 3
LEAST_SIDE = 800


class DrawnBox(NamedTuple):
    """One box to draw.

    Attributes:
      box: left, top, right, bottom in pixels of the picture.
      color: red, green, blue, 0 to 255.
      text: of its tag; "" draws none.
      depth: how many boxes it is in. What is not filled is moved inwards by `INSET` a level, since
        nested containers often have equal frames.
      filled: lightly, with its color.
    """

    box: tuple[float, float, float, float]
    color: tuple[int, int, int]
    text: str = ""
    depth: int = 0
    filled: bool = False


def element_box(
    element: str, box: tuple[float, float, float, float], depth: int, text: str | None = None
) -> DrawnBox:
    """The box of an element: containers are frames, leaves are filled. Its name is its text."""
    text = element if text is None else text
    return DrawnBox(box, element_color(element), text, depth, filled=element not in CONTAINERS)


def element_color(element: str) -> tuple[int, int, int]:
    """Its own hue for every element; containers are darker than leaves."""
    hue = (ELEMENTS.index(element) * 0.381966) % 1.0  # the golden ratio spreads neighbors apart
    value = 0.55 if element in CONTAINERS else 0.8
    return tuple(round(255 * channel) for channel in colorsys.hsv_to_rgb(hue, 0.9, value))


def draw_boxes(image: np.ndarray, boxes: Sequence[DrawnBox]) -> Image.Image:
    """Draws frames first and filled boxes over them, each with its tag.

    Args:
      image: uint8[H, W, 3].
      boxes: any order.
    """
    picture = Image.fromarray(image).convert("RGBA")
    canvas = Image.new("RGBA", picture.size)
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=LABEL_SIZE)
    taken: list[tuple[float, float, float, float]] = []
    for item in sorted(boxes, key=lambda item: (item.filled, item.depth)):
        _draw_box(draw, item, picture.size)
    # Tags last, so that no line crosses them; filled boxes first: they have the least space.
    for item in sorted(boxes, key=lambda item: (not item.filled, item.depth)):
        _draw_tag(draw, font, item, picture.size, taken)
    return Image.alpha_composite(picture, canvas).convert("RGB")


def enlarged(image: np.ndarray, boxes: Sequence[DrawnBox]) -> tuple[np.ndarray, Sequence[DrawnBox]]:
    """A small picture a few times larger, its longer side `LEAST_SIDE` px or more, with its boxes,
    so that tags leave something to see."""
    times = -(-LEAST_SIDE // max(image.shape[:2]))
    if times == 1:
        return image, boxes
    grown = image.repeat(times, axis=0).repeat(times, axis=1)
    return grown, [item._replace(box=tuple(times * side for side in item.box)) for item in boxes]


def stacked(pictures: Mapping[str, Image.Image]) -> Image.Image:
    """Pictures under one another, each below its name."""
    bar = LABEL_SIZE + 11
    width = max(picture.width for picture in pictures.values())
    height = sum(picture.height + bar for picture in pictures.values())
    canvas = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(canvas)
    top = 0
    for name, picture in pictures.items():
        font = ImageFont.load_default(size=LABEL_SIZE)
        draw.text((4, top + 4), name, fill=(60, 60, 60), font=font)
        canvas.paste(picture, (0, top + bar))
        top += picture.height + bar
    return canvas


def _place(item: DrawnBox, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The box as drawn: inside the picture, frames moved in by their depth."""
    inset = 0 if item.filled else INSET * item.depth
    left, top, right, bottom = item.box
    left, top = max(left, 0) + inset, max(top, 0) + inset
    right, bottom = min(right, size[0] - 1) - inset, min(bottom, size[1] - 1) - inset
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _draw_box(draw: ImageDraw.ImageDraw, item: DrawnBox, size: tuple[int, int]) -> None:
    fill = (*item.color, 36) if item.filled else None
    draw.rectangle(_place(item, size), fill=fill, outline=(*item.color, 255), width=2)


def _draw_tag(
    draw: ImageDraw.ImageDraw,
    font: ImageFont.ImageFont,
    item: DrawnBox,
    size: tuple[int, int],
    taken: list[tuple[float, float, float, float]],
) -> None:
    """Writes the text at the box's top left, or at the next free place below it."""
    if not item.text:
        return
    left, top, _, _ = _place(item, size)
    width, height = draw.textlength(item.text, font=font) + 6, LABEL_SIZE + 4
    left = min(left, size[0] - width)
    for _ in range(len(taken) + 1):
        tag = (left, top, left + width, top + height)
        below = [b for b in taken if _overlap(tag, b)]
        if not below:
            break
        top = max(b[3] for b in below) + 1
    if tag[3] > size[1]:
        return  # no space left: the box's color identifies it
    taken.append(tag)
    draw.rectangle(tag, fill=(*item.color, 235))
    draw.text((left + 3, top + 1), item.text, fill=(255, 255, 255, 255), font=font)


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
