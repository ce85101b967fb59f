"""Safe changes to a training picture (X018): light, contrast, a rotation too small to cut anything.

What would change the layout is left out on purpose (X019): no crop, no mirror, no color shift.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from xojl_jax.data.images import PAD_GRAY


def brightness_contrast(
    image: np.ndarray, rng: np.random.Generator, *, amount: float = 0.1
) -> np.ndarray:
    """uint8[H, W, 3] with brightness and contrast each changed by up to ±`amount` (of one)."""
    contrast, brightness = rng.uniform(1 - amount, 1 + amount, 2)
    levels = (np.arange(256) - 127.5) * contrast + 127.5
    table = np.clip(np.rint(levels * brightness), 0, 255).astype(np.uint8)
    # The three channels side by side as one of gray: half the time of indexing the table with the
    # image, and other threads may run meanwhile.
    flat = Image.fromarray(image.reshape(len(image), -1))
    return np.asarray(flat.point(table.tolist())).reshape(image.shape)


@dataclass(frozen=True)
class Rotation:
    """A rotation that keeps the whole content inside its frame; sizes are (height, width) in px.

    The content is at the frame's top left, as `images.frame` puts it, before and after. It is
    scaled down by the few per cent that it would stick out by, and no more: a low bar has space
    below itself.
    """

    frame: tuple[int, int]
    content: tuple[int, int]
    degrees: float  # clockwise as one sees it

    @property
    def _cos_sin(self) -> tuple[float, float]:
        return math.cos(math.radians(self.degrees)), math.sin(math.radians(self.degrees))

    @property
    def _extent(self) -> tuple[float, float]:
        """(height, width) of the rotated content, before scaling."""
        cos, sin = self._cos_sin
        height, width = self.content
        return height * cos + width * abs(sin), width * cos + height * abs(sin)

    @property
    def scale(self) -> float:
        height, width = self._extent
        return min(1.0, self.frame[0] / height, self.frame[1] / width)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the upright box around the rotated content."""
        height, width = self._extent
        return math.ceil(self.scale * height - 1e-9), math.ceil(self.scale * width - 1e-9)

    def points(self, xy: np.ndarray) -> np.ndarray:
        """float64[..., 2] (x, y) px of the frame to where the rotation takes them."""
        cos, sin = self._cos_sin
        height, width = self.content
        extent_height, extent_width = self._extent
        x, y = xy[..., 0] - width / 2, xy[..., 1] - height / 2
        rotated = np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
        return self.scale * (rotated + np.array([extent_width / 2, extent_height / 2]))

    def image(self, image: np.ndarray) -> np.ndarray:
        """uint8[H, W, 3] rotated; what comes free is padding."""
        cos, sin = self._cos_sin
        extent_height, extent_width = self._extent
        cos, sin = cos / self.scale, sin / self.scale
        # Pillow wants the way back, from a target pixel to its source, pixel centers at .5 there.
        middle_x, middle_y = self.scale * extent_width / 2, self.scale * extent_height / 2
        height, width = self.content
        back = (
            *(cos, sin, width / 2 - cos * middle_x - sin * middle_y),
            *(-sin, cos, height / 2 + sin * middle_x - cos * middle_y),
        )
        source = Image.fromarray(image[:height, :width])
        # Beyond the upright box all is padding: not worth its time.
        rows, columns = self.size
        rotated = source.transform(
            (columns, rows),
            Image.Transform.AFFINE,
            back,
            Image.Resampling.BILINEAR,
            fillcolor=(PAD_GRAY, PAD_GRAY, PAD_GRAY),
        )
        framed = np.full((*self.frame, 3), PAD_GRAY, np.uint8)
        framed[:rows, :columns] = np.asarray(rotated)
        return framed

    def boxes(self, boxes: np.ndarray) -> np.ndarray:
        """float[..., 4] (x0, y0, x1, y1) in fractions of the frame: the upright boxes around the
        rotated ones, clipped to the frame."""
        height, width = self.frame
        whole = np.array([width, height, width, height], np.float64)
        x0, y0, x1, y1 = np.moveaxis(np.asarray(boxes, np.float64) * whole, -1, 0)
        corners = np.stack(
            [np.stack(corner, axis=-1) for corner in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]
        )
        rotated = self.points(corners)
        around = np.concatenate([rotated.min(axis=0), rotated.max(axis=0)], axis=-1)
        return np.clip(around / whole, 0, 1).astype(boxes.dtype)
