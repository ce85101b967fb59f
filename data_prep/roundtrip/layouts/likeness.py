"""How alike a screenshot and a layout rendered as a page of our own are."""

from dataclasses import dataclass, fields

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from data_prep.roundtrip.blocks import Blocks
from data_prep.roundtrip.likeness import (
    SCALE,
    block_colors,
    box_likeness,
    mean_or_one,
    picture_mask,
    structure_values,
)

STEEPEST = 30.0  # gray levels a pixel of the quarter: a steeper edge counts no more
BLUR = 1.0  # px of the quarter by which an edge may be off at little cost


@dataclass(frozen=True)
class LayoutLikeness:
    """Each from 0 to 1; 1 where nothing differs.

    Attributes:
      position, size, color: means over blocks, as of a round trip.
      structure: structural similarity, pictures left out, as of a round trip.
      edges: Dice coefficient of the edges of the whole of both pictures, pictures included: what
        the layout leaves out, or shows and the screenshot does not, costs its share of all edges.
    """

    position: float
    size: float
    color: float
    structure: float
    edges: float

    @property
    def score(self) -> float:
        """Geometric mean of the parts, so that none makes up for another that is lost."""
        parts = [max(getattr(self, field.name), 1e-2) for field in fields(self)]
        return float(np.exp(np.mean(np.log(parts))))

    def rounded(self) -> dict[str, float]:
        return {field.name: round(getattr(self, field.name), 4) for field in fields(self)}


def compare_layout(first: np.ndarray, second: np.ndarray, blocks: Blocks) -> LayoutLikeness:
    """Compares a screenshot with a page of ours, uint8[H, W, 3] both, and the blocks they show."""
    position, size, _ = box_likeness(blocks.first, blocks.second)
    pictures = picture_mask(blocks, first.shape[:2])
    return LayoutLikeness(
        position=mean_or_one(position),
        size=mean_or_one(size),
        color=mean_or_one(block_colors(first, second, blocks, pictures)),
        structure=mean_or_one(structure_values(first, second, pictures)),
        edges=dice(edges(first), edges(second)),
    )


def edges(picture: np.ndarray) -> np.ndarray:
    """How steep a picture, uint8[H, W, 3], is at a quarter of its size: float64[H / 4, W / 4]."""
    gray = np.asarray(Image.fromarray(picture).convert("L").reduce(SCALE), np.float64)
    if min(gray.shape) < 2:
        return np.zeros_like(gray)
    return gaussian_filter(np.minimum(np.hypot(*np.gradient(gray)), STEEPEST), BLUR)


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Twice the common part of two maps of one shape over their sum; 1 where both are empty."""
    total = first.sum() + second.sum()
    return float(2 * np.minimum(first, second).sum() / total) if total > 0 else 1.0
