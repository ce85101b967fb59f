"""Screenshots that people took, made such as a capture makes them: the page, one CSS px a pixel.

`clean` splits a picture over several monitors (monitors), removes a browser's tool bars
(chrome) and halves a picture of a screen with two device pixels per CSS px. Each step is
taken on evidence alone; a picture that shows none comes back as it is. docs/screens.md.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from data_prep.screens.chrome import Crop, find_chrome
from data_prep.screens.monitors import find_monitors, primary

__all__ = ["MODES", "Clean", "Crop", "clean", "find_chrome", "find_monitors"]

# What `clean` can be asked for: argument -> values, the first is the default.
MODES = {
    "monitors": ("primary", "split", "keep"),
    "chrome": ("remove", "keep"),
    "scale": ("auto", "1", "2"),
}
# px of width from which a picture without an address bar may be of a screen with two pixels per
# CSS px: those screens are at least so wide, and few others are.
_PERHAPS_TWO = 2560


@dataclass(frozen=True)
class Clean:
    """One cleaned picture: uint8[h, w, 3], and how it came from the one that was given."""

    image: np.ndarray
    box: tuple[int, int, int, int]  # left, top, right, bottom in px of the given picture
    scale: int  # px of the given picture per px of this one
    monitor: tuple[int, int]  # which, of how many
    chrome: bool  # tool bars were removed
    did: tuple[str, ...]  # what was done and why, and what might be; empty: nothing

    def move(self, boxes: np.ndarray) -> np.ndarray:
        """float64[..., 4] (x, y, width, height) from the given picture's px to this one's."""
        left, top = self.box[:2]
        return (np.asarray(boxes, np.float64) - [left, top, 0, 0]) / self.scale


def clean(
    image: np.ndarray, *, monitors: str = "primary", chrome: str = "remove", scale: str = "auto"
) -> list[Clean]:
    """The pages in uint8[H, W, 3]; `MODES` lists what the arguments may be.

    One picture, or one per monitor when `monitors` is "split". Raises ValueError on another mode.
    """
    for name, value in (("monitors", monitors), ("chrome", chrome), ("scale", scale)):
        if value not in MODES[name]:
            raise ValueError(f"{name}={value!r}: one of {', '.join(MODES[name])}")
    height, width, _ = image.shape
    screens = [Crop(0, 0, width, height)] if monitors == "keep" else find_monitors(image)
    count, chosen = len(screens), range(len(screens))
    if monitors == "primary" and count > 1:
        chosen = [primary(image, screens)]
    return [_one(image, screens[i], (i, count), chrome == "remove", scale) for i in chosen]


def _one(image, screen: Crop, monitor: tuple[int, int], cut: bool, scale: str) -> Clean:
    did = []
    if monitor[1] > 1:
        did.append(f"monitor {monitor[0] + 1} of {monitor[1]} ({screen.reason})")
    view = screen.of(image)
    found = find_chrome(view)
    removed = cut and found is not None
    if removed:
        did.append(f"browser tool bars removed ({found.reason})")
        view = found.of(view)
    factor = int(scale) if scale != "auto" else found.scale if found else 1
    if factor == 2:
        why = "asked for" if scale == "2" else "the address bar is twice as high as usual"
        did.append(f"scaled by 1/2 ({why})")
    elif scale == "auto" and found is None and view.shape[1] >= _PERHAPS_TWO:
        did.append("kept its size; if the screen had two pixels per CSS px, ask for scale 2")
    left, top = (found.left, found.top) if removed else (0, 0)
    left, top = left + screen.left, top + screen.top
    box = (left, top, left + view.shape[1], top + view.shape[0])
    small = np.asarray(Image.fromarray(np.ascontiguousarray(view)).reduce(factor))
    return Clean(small, box, factor, monitor, removed, tuple(did))
