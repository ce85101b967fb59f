"""Which part of a desktop picture is which monitor.

A picture over several monitors is their common rectangle; what no monitor shows is filled with one
color. A page can be very wide, have two halves of two colors, or a dark empty quarter. So a cut
needs parts that are all as large as monitors are, a seam in the picture between them, and what a
page does not have: black corners that no monitor shows, or a browser window that ends at the seam.
docs/screens.md says what was measured.
"""

import itertools
from collections.abc import Iterator

import numpy as np

from data_prep.screens.chrome import Crop, find_chrome

# Width and height as they are sold; each may be turned upright, too.
MONITORS = frozenset(
    {
        *[(1024, 768), (1280, 720), (1280, 800), (1280, 960), (1280, 1024), (1360, 768)],
        *[(1366, 768), (1400, 1050), (1440, 900), (1536, 864), (1600, 900), (1600, 1200)],
        *[(1680, 1050), (1920, 1080), (1920, 1200), (1920, 1280), (2048, 1152), (2160, 1440)],
        *[(2240, 1400), (2256, 1504), (2560, 1080), (2560, 1440), (2560, 1600), (2736, 1824)],
        *[(2880, 1620), (2880, 1800), (2880, 1920), (3000, 2000), (3024, 1964), (3072, 1920)],
        *[(3200, 1800), (3240, 2160), (3440, 1440), (3456, 2160), (3456, 2234), (3840, 1080)],
        *[(3840, 1600), (3840, 2160), (3840, 2400), (4096, 2160), (5120, 1440), (5120, 2160)],
        *[(5120, 2880), (6016, 3384)],
    }
)
MOST = 3  # monitors
SEAM = 0.6  # of the rows along the seam must show a step
CELL = 16  # px; what is not of one color in so small a square is content


def find_monitors(image: np.ndarray) -> list[Crop]:
    """The monitors of uint8[H, W, 3], left to right and top to bottom; one Crop of all: no cut."""
    height, width, _ = image.shape
    whole = Crop(0, 0, width, height, "one screen")
    if not _could_be_several(width, height):
        return [whole]
    found = _split(image)
    return found or [whole]


def content(image: np.ndarray) -> int:
    """How many cells of 16 x 16 px of uint8[H, W, 3] show more than one color."""
    height, width = (size // CELL * CELL for size in image.shape[:2])
    cells = image[:height, :width].reshape(height // CELL, CELL, width // CELL, CELL, 3)
    return int((cells.max((1, 3)) != cells.min((1, 3))).any(-1).sum())


def primary(image: np.ndarray, monitors: list[Crop]) -> int:
    """The index of the monitor to keep: one with a browser window before one without, then content.

    Of equals the first.
    """

    def worth(crop: Crop) -> tuple[bool, int]:
        part = crop.of(image)
        return find_chrome(part) is not None, content(part)

    return max(range(len(monitors)), key=lambda i: worth(monitors[i]))


def _could_be_several(width: int, height: int) -> bool:
    """Whether the two smallest of MONITORS would fit at all."""
    least = min(min(size) for size in MONITORS)
    return max(width, height) >= 2 * least and min(width, height) >= least


def _split(image: np.ndarray) -> list[Crop] | None:
    """The monitors that fill uint8[H, W, 3], two or more, or None."""
    best, strength = None, 0.0
    for upright in (True, False):
        # Stacked is side by side in the mirror of the diagonal.
        canvas = _Canvas(image, upright)
        for monitors in canvas.divisions(0, canvas.image.shape[1], MOST):
            proof, reason = canvas.proof(monitors)
            if proof > strength:
                best, strength = [canvas.crop(box, reason) for box in monitors], proof
            if proof > 2 + 1:  # a window fills each: there is no better explanation
                return best
    return best


class _Canvas:
    """A picture in which monitors may be side by side; boxes are (left, top, right, bottom).

    `upright` False: `image` is the picture mirrored at its diagonal.
    """

    def __init__(self, image: np.ndarray, upright: bool):
        self.upright = upright
        self.image = image if upright else image.transpose(1, 0, 2)
        self._lit = np.cumsum(self.image.any(-1), axis=1, dtype=np.int32)
        both = MONITORS | {(h, w) for w, h in MONITORS}
        self._windows: dict[tuple, bool] = {}
        self._heights: dict[int, list[int]] = {}  # of the monitors of a width
        for w, h in sorted(both):
            size = (w, h) if upright else (h, w)
            self._heights.setdefault(size[0], []).append(size[1])

    def divisions(self, start: int, end: int, most: int) -> Iterator[list[tuple]]:
        """Every way to see columns start to end as two to `most` monitors, black around them."""
        for width in sorted(w for w in self._heights if w < end - start):
            first = self._monitor(start, start + width)
            if first is None:
                continue
            second = self._monitor(start + width, end)
            if second is not None:
                yield [first, second]
            if most > 2:
                for others in self.divisions(start + width, end, most - 1):
                    yield [first, *others]

    def _monitor(self, left: int, right: int) -> tuple[int, int, int, int] | None:
        """The one monitor as wide as these columns; above and below it all is black."""
        heights, all_rows = self._heights.get(right - left, ()), len(self._lit)
        before = self._lit[:, left - 1] if left else 0
        lit = np.flatnonzero(self._lit[:, right - 1] - before)
        if not len(lit) or not heights:
            return None
        top, bottom = int(lit[0]), int(lit[-1]) + 1
        if bottom - top in heights:
            return left, top, right, bottom
        if all_rows in heights:
            return left, 0, right, all_rows
        # What it shows may be black at its other end, too.
        for height in sorted(height for height in heights if height < all_rows):
            if top == 0 and bottom <= height:
                return left, 0, right, height
            if bottom == all_rows and top >= all_rows - height:
                return left, all_rows - height, right, all_rows
        return None

    def proof(self, monitors: list[tuple]) -> tuple[float, str]:
        """(0: may be a page; more: surer, why these are monitors)."""
        all_rows = self.image.shape[0]
        if not any(bottom - top == all_rows for _, top, _, bottom in monitors):
            return 0, ""  # somebody padded a picture
        crops = [self.crop(box) for box in monitors]
        said = "monitors of " + " and ".join(f"{w} x {h}" for w, h in (c.size for c in crops))
        windows = sum(map(self._is_filled_by_a_window, monitors))
        if windows == len(monitors):
            return 2 + windows, f"{said}; a browser window fills each"
        if not all(self._breaks(*pair) for pair in itertools.pairwise(monitors)):
            return 0, ""
        if windows:
            return 2 + windows / len(monitors), f"{said}; a browser window ends at the seam"
        # Black at one end of a monitor, not at both: pages are in the middle of black margins.
        ends = [
            (top, all_rows - bottom) for _, top, _, bottom in monitors if bottom - top < all_rows
        ]
        if not ends or any(min(pair) for pair in ends):
            return 0, ""
        least = [0.02 * (r - x) * (b - y) / CELL**2 for x, y, r, b in monitors]
        shown = [content(self.image[y:b, x:r]) for x, y, r, b in monitors]
        if all(cells > few for cells, few in zip(shown, least, strict=True)):
            return 1, f"{said}; black corners that no monitor shows"
        return 0, ""

    def _breaks(self, first: tuple, second: tuple) -> bool:
        """Whether the picture shows a step where two monitors touch."""
        top, bottom = max(first[1], second[1]), min(first[3], second[3])
        if bottom <= top:
            return False
        columns = self.image[top:bottom, first[2] - 1 : first[2] + 1].astype(np.int16)
        return bool((np.abs(columns[:, 0] - columns[:, 1]).max(-1) > 2).mean() >= SEAM)

    def _is_filled_by_a_window(self, box: tuple) -> bool:
        if box not in self._windows:
            left, top, right, bottom = box
            part = self.image[top:bottom, left:right]
            view = part if self.upright else part.transpose(1, 0, 2)
            chrome = find_chrome(np.ascontiguousarray(view))
            self._windows[box] = chrome is not None and chrome.window[::2] == (0, view.shape[1])
        return self._windows[box]

    def crop(self, box: tuple, reason: str = "") -> Crop:
        """The box in the picture's own coordinates."""
        left, top, right, bottom = box
        return Crop(*(box if self.upright else (top, left, bottom, right)), reason)
