"""Where the page is in a picture of a browser window: what the tool bars themselves give away.

A page's header with a search field looks much like a browser's address bar. So the address bar
alone proves nothing: there must be small square buttons at even distances to its left, a tab strip
of another color above with a tab in it, and an end below at the distance that a browser leaves.
Where one of these is missing nothing is cut. docs/screens.md explains each, with what was measured.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

TOLERANCE = 2  # levels between two pixels that count as one color (tool bars are flat)
BAR_HEIGHT = (24, 84)  # px of an address bar, at one to two device pixels per CSS px
BAR_WIDTH = 0.25  # of the window, at least
WINDOW_WIDTH = 0.5  # of the picture, at least: a smaller one may be a picture within a page
VIEWPORT = 0.4  # of the picture's height, at least, must be left for the page
TALLEST = 3  # times its width: a picture beyond is a whole page, no screen
TWO_PIXELS = 54  # px of an address bar from which there are two device pixels per CSS px


@dataclass(frozen=True)
class Crop:
    """A rectangle of a picture in px, right and bottom exclusive, and why it was chosen."""

    left: int
    top: int
    right: int
    bottom: int
    reason: str = ""
    scale: int = 1  # device pixels per CSS px, as far as the evidence tells
    window: tuple[int, int, int, int] | None = None  # left, top, right, bottom with the tool bars

    @property
    def box(self) -> tuple[int, int, int, int]:
        return self.left, self.top, self.right, self.bottom

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.right - self.left, self.bottom - self.top

    def of(self, image: np.ndarray) -> np.ndarray:
        """The part of uint8[H, W, 3], a view."""
        return image[self.top : self.bottom, self.left : self.right]


@dataclass(frozen=True)
class _Bar:
    """A possible address bar: its rectangle, and the color (int[3]) of the tool bar around it."""

    left: int
    top: int
    right: int
    bottom: int
    around: np.ndarray

    @property
    def height(self) -> int:
        return self.bottom - self.top


def find_chrome(image: np.ndarray) -> Crop | None:
    """The viewport in uint8[H, W, 3] of a browser window, or None where no tool bars are proven.

    The window may fill the picture or be in a desktop. The topmost proven one is taken.
    """
    height, width, _ = image.shape
    if height > TALLEST * width:
        return None
    pixels = image.astype(np.int16)
    for bar in _address_bars(pixels):
        crop = _prove(pixels, bar)
        if crop is not None:
            return crop
    return None


def _prove(pixels: np.ndarray, bar: _Bar) -> Crop | None:
    """The viewport if everything around `bar` is as in a browser."""
    edges = _tool_bar_edges(pixels, bar)
    if edges is None:
        return None
    left, right = edges
    buttons = _buttons(pixels, bar, left)
    strip_top = _tab_strip(pixels, bar, left, right)
    if not buttons or strip_top is None:
        return None
    top, bookmarks = _end_of_tool_bars(pixels, bar, left, right)
    if top is None:
        return None
    height = pixels.shape[0]
    bottom = _end_of_window(pixels, left, right, top)
    if bottom is None or bottom - top < VIEWPORT * height:
        return None
    scale = 2 if bar.height >= TWO_PIXELS else 1
    scroll_bar = _scroll_bar(pixels[top:bottom, left:right], scale)
    found = ["tab strip", f"{buttons} buttons", "address bar"]
    found += ["bookmarks bar"] * bookmarks + ["scroll bar"] * bool(scroll_bar)
    window = (left, strip_top, right, bottom)
    return Crop(left, top, right - scroll_bar, bottom, ", ".join(found), scale, window)


# --- the address bar -------------------------------------------------------------------------


def _address_bars(pixels: np.ndarray) -> Iterator[_Bar]:
    """Flat wide rectangles in a flat surrounding, from the top; the same color above and below.

    Their long edges are found as runs in which a row differs from the next, both rows flat.
    """
    height, width, _ = pixels.shape
    low = pixels[: int(height * (1 - VIEWPORT))]
    least = max(160, int(width * BAR_WIDTH * WINDOW_WIDTH))
    flat = (np.abs(np.diff(low, axis=1)) <= TOLERANCE).all(-1)
    open_edges: list[tuple[int, int, int]] = []
    for y in range(1, len(low)):
        # Cheap first: a row that is nearly everywhere like the one above ends and begins nothing.
        if not flat[y].any():
            continue
        step = (np.abs(low[y] - low[y - 1]) > 0).any(-1)
        if step.sum() < least:
            continue
        joined = step[1:] & step[:-1] & flat[y] & flat[y - 1]
        for start, end in _runs(joined, least):
            for y0, x0, x1 in open_edges:
                bar = _bar(low, (y0, x0, x1), (y, start, end + 1))
                if bar is not None:
                    yield bar
            open_edges.append((y, start, end + 1))
        open_edges = [edge for edge in open_edges if y - edge[0] <= BAR_HEIGHT[1]]


def _bar(pixels, upper: tuple[int, int, int], lower: tuple[int, int, int]) -> _Bar | None:
    (y0, x0, x1), (y1, u0, u1) = upper, lower
    if not BAR_HEIGHT[0] <= y1 - y0 <= BAR_HEIGHT[1]:
        return None
    if max(abs(x0 - u0), abs(x1 - u1)) > (y1 - y0) // 6:
        return None
    middle = (x0 + x1) // 2
    around = pixels[y0 - 1, middle]
    same = _like(pixels[y1, middle], around)
    if not same or _like(pixels[y0 + 3, middle], around):
        return None
    # The rounded ends are outside of the straight edges: by half the height, at most.
    reach = (y1 - y0) // 2 + 2
    row = pixels[y0 + (y1 - y0) // 4]
    inside = pixels[y0 + 3, middle]
    left = max(x0 - reach, 0) + int(np.argmax(_alike(row[max(x0 - reach, 0) : x0 + 1], inside)))
    tail = _alike(row[x1 : x1 + reach], inside)
    return _Bar(left, y0, x1 + int(tail.sum()), y1, around)


def _tool_bar_edges(pixels, bar: _Bar) -> tuple[int, int] | None:
    """(left, right) of the window: how far the rows above and below the bar keep their color."""
    spans = []
    for y in (bar.top - 1, bar.bottom):
        other = ~_alike(pixels[y], bar.around)
        before, after = np.flatnonzero(other[: bar.left]), np.flatnonzero(other[bar.right :])
        left = int(before[-1]) + 1 if len(before) else 0
        right = bar.right + int(after[0]) if len(after) else pixels.shape[1]
        spans.append((left, right))
    above, (left, right) = spans
    width = right - left
    # A tool bar may be round at its upper corners: the row below the bar tells.
    if max(abs(left - above[0]), abs(right - above[1])) > bar.height // 6:
        return None
    if width < WINDOW_WIDTH * pixels.shape[1] or bar.right - bar.left < BAR_WIDTH * width:
        return None
    # A search field that reaches the border, or leaves a wide margin: no tool bar.
    if bar.left - left < 2 * bar.height or right - bar.right < bar.height:
        return None
    return left, right


# --- the buttons and the tabs ----------------------------------------------------------------


def _buttons(pixels, bar: _Bar, left: int) -> int:
    """How many like-sized buttons are in a row from the window's left edge; 0: not as buttons do.

    At least three (back, forward, reload), about as wide as high, on the bar's middle, at even
    distances. Words, a logo, or a menu sign alone are none.
    """
    area = pixels[bar.top : bar.bottom, left : bar.left - 1]
    ink = ~_alike(area, bar.around)
    # The pieces of one sign are closer to each other than two signs are.
    spans = _runs(_closed(ink.any(0), bar.height // 5), 2)
    if not 3 <= len(spans) <= 6 or spans[0][0] > 2 * bar.height:
        return 0
    middles = []
    for start, end in spans[:3]:
        rows = np.flatnonzero(ink[:, start:end].any(1))
        wide, high = end - start, int(rows[-1] - rows[0]) + 1
        if not (0.25 * bar.height <= wide <= bar.height and 0.25 * bar.height <= high):
            return 0
        if not 0.5 <= wide / high <= 2:
            return 0
        if abs((rows[0] + rows[-1] + 1) / 2 - bar.height / 2) > 0.09 * bar.height:
            return 0
        middles.append((start + end) / 2)
    first, second = np.diff(middles)
    even = abs(first - second) <= 0.12 * bar.height and first <= 1.6 * bar.height
    return len(spans) if even else 0


def _tab_strip(pixels, bar: _Bar, left: int, right: int) -> int | None:
    """The top row of the tab strip above the tool bar, or None: a tab must be seen in it."""
    y, gap = bar.top - 1, 0
    # Up through the tool bar: its color holds all over (only the active tab keeps it further up).
    while y >= 0 and gap <= bar.height // 2 and _share(pixels[y, left:right], bar.around) > 0.97:
        y, gap = y - 1, gap + 1
    if y < 0 or gap > bar.height // 2:
        return None
    least, most = int(0.7 * bar.height), int(1.7 * bar.height)
    # The strip's own color: the commonest in a row through it that is not the tool bar's.
    row = pixels[y - least // 2, left:right]
    others = row[~_alike(row, bar.around)]
    if len(others) < 0.05 * len(row):
        return None
    colors, counts = np.unique(others, axis=0, return_counts=True)
    strip = colors[counts.argmax()]
    rows = 0
    while rows < most and y - rows >= 0:
        line = pixels[y - rows, left:right]
        if _share(line, strip) + _share(line, bar.around, TOLERANCE + 24) < 0.5:
            break
        rows += 1
    if rows < least or not _has_tab(pixels[y - rows + 1 : y + 1, left:right], strip, bar):
        return None
    return y - rows + 1


def _has_tab(strip_pixels, strip: np.ndarray, bar: _Bar) -> bool:
    """Whether a tab of about the tool bar's color, with a rounded or free top, is in it."""
    lit = _alike(strip_pixels, bar.around, TOLERANCE + 24) & ~_alike(strip_pixels, strip)
    least = int(1.6 * bar.height)
    # Just under the strip's upper edge there may be space; through its middle goes the title.
    for row in range(len(lit) // 6, len(lit)):
        for start, end in _runs(lit[row], least):
            if end - start > 0.6 * lit.shape[1]:
                continue
            column = lit[:, start + 4 : end - 4].mean(1) > 0.5
            if column.sum() >= 0.55 * len(lit):
                return True
    return False


# --- where the page begins and ends ----------------------------------------------------------


def _end_of_tool_bars(pixels, bar: _Bar, left: int, right: int) -> tuple[int | None, bool]:
    """(first row of the page, whether there is a bookmarks bar); (None, …) where no end is found.

    A browser draws a line, or the page begins with another color. Below the address bar there is
    as much space as above it, or one more row of small things.
    """
    above = 0
    while _share(pixels[bar.top - 1 - above, left:right], bar.around) > 0.97:
        above += 1
    slack = 2 + bar.height // 16
    end = _first_other_row(pixels, bar, left, right, bar.bottom, above + 3 * bar.height)
    if end is None:
        return None, False
    below = end - bar.bottom
    if abs(below - above) <= slack:
        bookmarks = False
    elif 0.7 * bar.height <= below <= 1.6 * bar.height:
        bookmarks = _is_row_of_bookmarks(pixels, bar, left, right, end)
        if not bookmarks:
            return None, False
    else:
        return None, False
    line = pixels[end, left:right]
    color = line[len(line) // 2]
    if _share(line, color, 0) < 0.98:
        return end, bookmarks  # no line: the page begins here
    # The line is a CSS px thick at most; a page that begins with its color cannot be told apart.
    thick = 1
    if bar.height >= TWO_PIXELS and _share(pixels[end + 1, left:right], color, 0) > 0.98:
        thick = 2
    return end + thick, bookmarks


def _first_other_row(pixels, bar: _Bar, left, right, start, most) -> int | None:
    """The first row from `start` on that leaves the tool bar's color at both of its ends."""
    for y in range(start, min(start + most, len(pixels) - 2)):
        row = pixels[y, left:right]
        if _share(row[:3], bar.around) == 0 and _share(row[-3:], bar.around) == 0:
            return y
        if _share(row, bar.around) < 0.03:
            return y
    return None


def _is_row_of_bookmarks(pixels, bar: _Bar, left, right, end) -> bool:
    """Whether between address bar and `end` there are signs and words of one line's height."""
    ink = ~_alike(pixels[bar.bottom : end, left:right], bar.around)
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    if not len(rows) or rows[-1] - rows[0] + 1 > 0.8 * bar.height:
        return False
    return bool(columns[0] < 2 * bar.height and ink.mean() < 0.3)


def _end_of_window(pixels, left: int, right: int, top: int) -> int | None:
    """The row after the viewport's last one (the picture's end, or a lower border), or None."""
    height, width, _ = pixels.shape
    if left == 0 and right == width:
        return height
    edges = []
    for outer, inner in ((left - 1, left), (right, right - 1)):
        if 0 <= outer < width:
            step = np.abs(pixels[top:, outer] - pixels[top:, inner]).max(-1) > TOLERANCE
            edges.append(step)
    side = np.logical_or.reduce(edges)
    # The window ends where its sides do: the last row that has a side, and so have most above it.
    sums = np.convolve(side, np.ones(24, np.int16))[: len(side)]
    seen = np.flatnonzero(side & (sums >= 16))
    last = top + int(seen[-1]) + 1 if len(seen) else 0
    for y in sorted(
        range(max(top + 1, last - 4), min(last + 16, height)), key=lambda y: abs(y - last)
    ):
        step = np.abs(pixels[y, left:right] - pixels[y - 1, left:right]).max(-1) > TOLERANCE
        if step.mean() > 0.9:
            return y
    return height if last >= height - 16 else None


def _scroll_bar(page: np.ndarray, scale: int) -> int:
    """px of the width of the scroll bar at the right of int16[h, w, 3], 0 where there is none.

    A flat track from top to bottom, and on it one thumb of another color.
    """
    for width in sorted({w * scale for w in range(8, 19)}):
        bar = page[:, -width:]
        track = bar[-2, 1]
        outer = _alike(bar[:, -1], track).mean() > 0.97 and _alike(bar[:, 0], track).mean() > 0.97
        if not outer or _alike(page[:, -width - 1], track).mean() > 0.5:
            continue
        middle = ~_alike(bar[:, width // 2], track)
        thumbs = [end - start for start, end in _runs(middle, 2 * width)]
        if len(thumbs) == 1 and thumbs[0] < 0.98 * len(page):
            return width
    return 0


# --- colors and runs ------------------------------------------------------------------------


def _alike(pixels: np.ndarray, color: np.ndarray, tolerance: int = TOLERANCE) -> np.ndarray:
    """bool[...]: which of int16[..., 3] have the color."""
    return (np.abs(pixels - color) <= tolerance).all(-1)


def _like(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(_alike(one, other))


def _share(row: np.ndarray, color: np.ndarray, tolerance: int = TOLERANCE) -> float:
    return float(_alike(row, color, tolerance).mean())


def _runs(mask: np.ndarray, least: int) -> list[tuple[int, int]]:
    """(start, end) of the runs of True of at least `least` in bool[N]."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    pairs = zip(steps[::2], steps[1::2], strict=True)
    return [(int(start), int(end)) for start, end in pairs if end - start >= least]


def _closed(mask: np.ndarray, gap: int) -> np.ndarray:
    """bool[N] with the gaps of at most `gap` between two runs filled."""
    filled = mask.copy()
    runs = _runs(mask, 1)
    for (_, end), (start, _) in itertools.pairwise(runs):
        if start - end <= gap:
            filled[end:start] = True
    return filled
