"""A picture of one comparison: what was captured, what was rendered again, and what differs."""

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from data_prep.roundtrip.blocks import Blocks
from data_prep.roundtrip.likeness import box_likeness
from xojl_jax.evaluation.drawing import DrawnBox, draw_boxes

PANEL = 640  # px, width of each of the three pictures
MOST = 900  # px, height of a panel
BAR = 46  # px, the line of text above a panel
GAP = 12
WORST = 12  # blocks that are named
_GRAY, _RED, _BLUE, _INK = (238, 238, 238), (214, 39, 40), (31, 119, 180), (34, 34, 34)


def side_by_side(
    first: np.ndarray,
    second: np.ndarray,
    blocks: Blocks,
    names: list[str],
    score: float,
    parts: Mapping[str, float],
) -> Image.Image:
    """Three panels of uint8[H, W, 3] pictures: original, rendered again, differences.

    Differences: the darker, the larger; the blocks that fit worst, red where they were captured
    and blue where they were rendered.
    """
    scale = min(1.0, PANEL / first.shape[1], MOST / first.shape[0])
    size = (max(1, round(first.shape[1] * scale)), max(1, round(first.shape[0] * scale)))
    wide = max(size[0], PANEL // 2)
    sheet = Image.new("RGB", (3 * wide + 4 * GAP, size[1] + BAR + 2 * GAP), "white")
    draw = ImageDraw.Draw(sheet)
    told = ", ".join(f"{name} {value:.2f}" for name, value in parts.items())
    titles = ("captured", f"rendered again: {score:.3f}", "differences")
    lines = ("", told, "red: block as captured, blue: as rendered, x: does not show")
    pictures = (first, second, np.repeat(_difference(first, second)[..., None], 3, axis=2))
    for k, (title, line, picture) in enumerate(zip(titles, lines, pictures, strict=True)):
        x = GAP + k * (wide + GAP)
        draw.text((x, 6), title, _INK, ImageFont.load_default(17))
        draw.text((x, 28), line, _INK, ImageFont.load_default(12))
        panel = Image.fromarray(picture).resize(size, Image.Resampling.BOX)
        if title == titles[-1]:
            panel = draw_boxes(np.asarray(panel), _worst_blocks(blocks, names, scale))
        sheet.paste(panel, (x, BAR + GAP))
        draw.rectangle((x - 1, BAR + GAP - 1, x + size[0], BAR + GAP + size[1]), outline=_GRAY)
    return sheet


def _difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """uint8[H, W]: white where the pictures agree."""
    return 255 - np.abs(first.astype(np.int16) - second).max(axis=2).astype(np.uint8) // 2


def _worst_blocks(blocks: Blocks, names: list[str], scale: float) -> list[DrawnBox]:
    """The blocks that fit worst, in pixels of a picture scaled by `scale`: captured, rendered."""
    position, size, _ = box_likeness(blocks.first, blocks.second)
    drawn = []
    for i in np.argsort(position * size, kind="stable")[:WORST]:
        if position[i] * size[i] >= 0.8:
            continue
        mark = " x" if np.isnan(blocks.second[i, 0]) else ""
        texts = (("", blocks.second[i], _BLUE), (f"{i} {names[i]}{mark}", blocks.first[i], _RED))
        for text, box, color in texts:
            if not np.isnan(box[0]):
                x, y, width, height = (float(value) * scale for value in box)
                drawn.append(DrawnBox((x, y, x + width, y + height), color, text))
    return drawn
