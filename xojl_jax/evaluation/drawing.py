"""A prediction as a picture: boxes with their element names over the screenshot."""

import colorsys
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from xojl_jax.xojl.tree import CONTAINERS, ELEMENTS

LABEL_SIZE = 13
# Containers are drawn inside one another: each level this much further in, in pixels.
INSET = 3


class DrawnBox(NamedTuple):
    """One labeled box, in pixels of the picture: left, top, right, bottom."""

    element: str
    box: tuple[float, float, float, float]
    depth: int


def element_color(element: str) -> tuple[int, int, int]:
    """Its own hue for every element; containers are darker than leaves."""
    hue = (ELEMENTS.index(element) * 0.381966) % 1.0  # the golden ratio spreads neighbors apart
    value = 0.55 if element in CONTAINERS else 0.8
    return tuple(round(255 * channel) for channel in colorsys.hsv_to_rgb(hue, 0.9, value))


def draw_boxes(image: np.ndarray, boxes: list[DrawnBox]) -> Image.Image:
    """Draws containers first and leaves over them, each with a name tag.

    Args:
      image: uint8[H, W, 3].
      boxes: any order.
    """
    picture = Image.fromarray(image).convert("RGBA")
    canvas = Image.new("RGBA", picture.size)
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=LABEL_SIZE)
    taken: list[tuple[float, float, float, float]] = []
    for item in sorted(boxes, key=lambda item: (item.element not in CONTAINERS, item.depth)):
        _draw_box(draw, item, picture.size)
    # Name tags last, so that no line crosses them; leaves first, since they have the least space.
    for item in sorted(boxes, key=lambda item: (item.element in CONTAINERS, item.depth)):
        _draw_tag(draw, font, item, picture.size, taken)
    return Image.alpha_composite(picture, canvas).convert("RGB")


def _place(item: DrawnBox, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The box as drawn: inside the picture, containers moved in by their depth."""
    inset = INSET * item.depth if item.element in CONTAINERS else 0
    left, top, right, bottom = item.box
    left, top = max(left, 0) + inset, max(top, 0) + inset
    right, bottom = min(right, size[0] - 1) - inset, min(bottom, size[1] - 1) - inset
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _draw_box(draw: ImageDraw.ImageDraw, item: DrawnBox, size: tuple[int, int]) -> None:
    color = element_color(item.element)
    fill = None if item.element in CONTAINERS else (*color, 36)
    draw.rectangle(_place(item, size), fill=fill, outline=(*color, 255), width=2)


def _draw_tag(
    draw: ImageDraw.ImageDraw,
    font: ImageFont.ImageFont,
    item: DrawnBox,
    size: tuple[int, int],
    taken: list[tuple[float, float, float, float]],
) -> None:
    """Writes the name at the box's top left, or at the next free place below it."""
    left, top, _, _ = _place(item, size)
    width, height = draw.textlength(item.element, font=font) + 6, LABEL_SIZE + 4
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
    draw.rectangle(tag, fill=(*element_color(item.element), 235))
    draw.text((left + 3, top + 1), item.element, fill=(255, 255, 255, 255), font=font)


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
