"""The nodes of a tree as blocks of two pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class NodeKinds:
    """What kind of thing each of N nodes is.

    Attributes:
      is_picture: bool[N], what it looks like is not in the tree.
      is_image: bool[N], pictures that must show something: no frame, canvas or player.
      is_control: bool[N], pictures that the browser draws: a slider, a bar of progress.
      is_filled: bool[N], a flat color replaces a gradient or a background picture.
      is_text: bool[N].
      is_unknown: bool[N], filler words replace a text that is not known.
      ends: int64[N], the index behind the last descendant.
    """

    is_picture: np.ndarray
    is_image: np.ndarray
    is_control: np.ndarray
    is_filled: np.ndarray
    is_text: np.ndarray
    is_unknown: np.ndarray
    ends: np.ndarray

    @property
    def is_leaf(self) -> np.ndarray:
        """bool[N]: no node is inside."""
        return self.ends == np.arange(len(self.ends)) + 1


@dataclass(frozen=True)
class Blocks:
    """Of each node: its two boxes, and what kind of thing it is.

    Attributes:
      first: float64[N, 4] x, y, width, height, px, as captured.
      second: float64[N, 4] as rendered again; NaN where the node does not show.
      kinds: of the nodes.
    """

    first: np.ndarray
    second: np.ndarray
    kinds: NodeKinds


def pixel_corners(box: Sequence[float], shape: Sequence[int]) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of those pixels of a box (x, y, w, h) that a picture, [H, W, ...], has."""
    x, y, w, h = box
    return (
        max(0, round(x)),
        max(0, round(y)),
        min(shape[1], round(x + w)),
        min(shape[0], round(y + h)),
    )
