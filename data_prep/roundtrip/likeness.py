"""How alike two pictures of one tree are: where its blocks are, how large, in what color.

The tree is the same, so blocks need no matching: block by block, the one that was captured against
the one that was rendered again. Where the captured one is, the record says, and the screenshot has
to bear it out (find_blocks.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from PIL import Image
from scipy.ndimage import maximum_filter, minimum_filter
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

from data_prep.roundtrip.blocks import Blocks, pixel_corners
from data_prep.roundtrip.find_blocks import blank_pictures, found_blocks
from data_prep.roundtrip.lost_bottom import lost_rows

NEAR = 40.0  # px of displacement that cost 1 - 1/e of a block's position
ALIKE = 20.0  # CIEDE2000 that costs 1 - 1/e of a block's color; 2 can just be seen
SCALE = 4  # structure is compared at a quarter: a glyph that moves by a pixel is no fault
WINDOW = 7  # px of the quarter, the window of the structural similarity
FLAT = 10  # gray levels within a window below which there is nothing to see
SAMPLES = 64  # colors are sampled at most so many times along a side of a block
# What tells a picture from another one best counts most (benchmarks/round_trip.py): position and
# size compare the tree with the record's own boxes, which say nothing about the picture, and
# structure is lower wherever another font, an ornament or a gradient shows.
WEIGHTS = {"position": 1, "size": 1, "color": 1, "structure": 1, "found": 4}
# Of 344 true pictures one lacks more than a fiftieth of its rows (0.03), so that few may cost
# much: a sixth costs 0.4 of the score.
LOSS_POWER = 3


@dataclass(frozen=True)
class Likeness:
    """Each from 0 to 1; 1 where nothing differs.

    Attributes:
      position: mean over blocks of exp(-displacement of the top left corner / 40 px).
      size: mean over blocks of smaller / larger width times smaller / larger height.
      color: mean over blocks of exp(-CIEDE2000 / 20), of the ground and, in texts, of the ink;
        blocks on a picture are left out.
      structure: structural similarity where either picture shows something; pictures, and texts
        that are not known, left out.
      found: mean over texts and leaves of how surely the screenshot shows them in their places, of
        the upper or the lower half of them, whichever is less: a page may have loaded in part.
      pictures: share of the images that show anything, 1 where there are none.
      complete: share of the first picture's rows that are not missing at its bottom
        (lost_bottom.py).
      overlap: mean over blocks of intersection over union. Not a part of the score.
      missing: share of the blocks that do not show in the second picture.
      blank: the pictures' nodes where the first picture is of one color.
      unknown: the parts for which there was nothing to compare; they are no part of the score.
    """

    position: float
    size: float
    color: float
    structure: float
    found: float
    pictures: float
    complete: float
    overlap: float
    missing: float
    blank: tuple[int, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def tells(self) -> bool:
        """Whether the score says anything of the screenshot. Not where it is one photo: any other
        photo would score as high."""
        return bool(self.blank) or not {"structure", "found"} <= set(self.unknown)

    @property
    def score(self) -> float:
        """Weighted geometric mean of the parts, so that none makes up for another that is lost;
        times the share of pictures that show something, and for rows that are missing.
        """
        weights = {part: weight for part, weight in WEIGHTS.items() if part not in self.unknown}
        logs = [w * np.log(max(getattr(self, part), 1e-9)) for part, w in weights.items()]
        mean = np.exp(sum(logs) / sum(weights.values()))
        return float(mean * self.pictures * self.complete**LOSS_POWER)

    def rounded(self) -> dict[str, float]:
        """The parts that are numbers."""
        names = [f.name for f in fields(self) if f.name not in ("blank", "unknown")]
        return {name: round(getattr(self, name), 4) for name in names}


def compare(first: np.ndarray, second: np.ndarray, blocks: Blocks) -> Likeness:
    """Compares uint8[H, W, 3] pictures of one size, and the blocks that they show."""
    shown = ~np.isnan(blocks.second[:, 0])
    position, size, overlap = box_likeness(blocks.first, blocks.second)
    pictures = picture_mask(blocks, first.shape[:2])
    untold = pictures | unknown_text_mask(blocks, first.shape[:2])
    found = found_blocks(first, second, blocks)
    looked_for = ~np.isnan(found)
    blank = blank_pictures(first, blocks)
    compared = {
        "color": block_colors(first, second, blocks, pictures),
        "structure": structure_values(first, second, untold),
        "found": worse_half(found[looked_for], blocks.first[looked_for]),
    }
    return Likeness(
        position=mean_or_one(position),
        size=mean_or_one(size),
        **{part: mean_or_one(values) for part, values in compared.items()},
        pictures=1 - float(blank.sum() / max(1, blocks.kinds.is_image.sum())),
        complete=1 - lost_rows(first, second, blocks) / len(first),
        overlap=mean_or_one(overlap),
        missing=1 - mean_or_one(shown),
        blank=tuple(int(i) for i in np.flatnonzero(blank)),
        unknown=tuple(part for part, values in compared.items() if not len(values)),
    )


def mean_or_one(values: Sequence[float] | np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else 1.0


def block_colors(
    first: np.ndarray, second: np.ndarray, blocks: Blocks, pictures: np.ndarray
) -> list[float]:
    """Likeness of the colors of each block that is large enough, but for pictures, bool[H, W], and
    for what lies on them; 0 where one does not show."""
    found = []
    for i in np.flatnonzero(~blocks.kinds.is_picture):
        if not _is_on_picture(pictures, blocks.first[i]):
            boxes, is_text = (blocks.first[i], blocks.second[i]), blocks.kinds.is_text[i]
            shows = not np.isnan(blocks.second[i, 0])
            found.append(color_likeness(first, second, *boxes, is_text) if shows else 0.0)
    return [value for value in found if value is not None]


def worse_half(found: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Of float64[N] values of float64[N, 4] boxes those of the upper or of the lower half of the
    boxes, whichever are less on average."""
    if len(found) < 2:
        return found
    downwards = np.argsort(boxes[:, 1] + boxes[:, 3] / 2, kind="stable")
    return min(np.array_split(found[downwards], 2), key=np.mean)


def box_likeness(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, ...]:
    """(position, size, overlap) of float64[N, 4] boxes, float64[N] each; 0 where one is NaN."""
    distance = np.hypot(*(first[:, :2] - second[:, :2]).T)
    # One px more on each side, so that a line of no height is like another.
    small, large = (f(first[:, 2:], second[:, 2:]) + 1 for f in (np.minimum, np.maximum))
    corner = np.maximum(first[:, :2], second[:, :2])
    end = np.minimum(first[:, :2] + first[:, 2:], second[:, :2] + second[:, 2:])
    common = np.prod(np.maximum(end - corner, 0), axis=1)
    union = np.prod(first[:, 2:], axis=1) + np.prod(second[:, 2:], axis=1) - common
    overlap = np.where(union > 0, common / np.maximum(union, 1e-9), distance == 0)
    # Exponential, so that the first pixels cost most, and a block far away costs no more than all.
    parts = (np.exp(-distance / NEAR), np.prod(small / large, axis=1), overlap)
    return tuple(np.nan_to_num(part, nan=0.0) for part in parts)


def color_likeness(first, second, box_one, box_two, with_ink: bool) -> float | None:
    """Likeness of a block's colors, each sampled where the block is; None where it is too thin."""
    samples = [_sample(first, box_one), _sample(second, box_two)]
    if any(sample is None for sample in samples):
        return None
    grounds = [ground_color(sample) for sample in samples]
    pairs = [grounds]
    if with_ink:
        pairs.append([ink_color(s, g) for s, g in zip(samples, grounds, strict=True)])
    lab = rgb2lab(np.array(pairs) / 255.0)
    return float(np.mean(np.exp(-deltaE_ciede2000(lab[:, 0], lab[:, 1]) / ALIKE)))


def _sample(picture: np.ndarray, box) -> np.ndarray | None:
    """Pixels of a box on a grid, int64[N, 3]; None where the box has none."""
    x0, y0, x1, y1 = pixel_corners(box, picture.shape)
    if x1 <= x0 or y1 <= y0:
        return None
    # A grid instead of all pixels: a band of 1,280 x 720 would dominate the time of a record.
    across, down = -(-(x1 - x0) // SAMPLES), -(-(y1 - y0) // SAMPLES)
    return picture[y0:y1:down, x0:x1:across].reshape(-1, 3).astype(np.int64)


def ground_color(pixels: np.ndarray) -> np.ndarray:
    """The most common color of int64[N, 3] pixels, give or take a little: float64[3]."""
    # 16 levels a channel: anti-aliasing and gradients scatter one color over neighboring values.
    coarse = (pixels >> 4) @ (256, 16, 1)
    return pixels[coarse == np.bincount(coarse).argmax()].mean(axis=0)


def ink_color(pixels: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """The mean of those pixels that differ most from the ground: float64[3]."""
    # Only the cores of strokes: the edges of letters are blends of ink and ground.
    difference = np.abs(pixels - ground).max(axis=1)
    return pixels[difference >= 0.7 * difference.max()].mean(axis=0)


def picture_mask(blocks: Blocks, shape: tuple[int, int]) -> np.ndarray:
    """bool[H, W]: where either has a picture, which nothing in the tree could tell."""
    return _mask(blocks, blocks.kinds.is_picture, shape)


def unknown_text_mask(blocks: Blocks, shape: tuple[int, int]) -> np.ndarray:
    """bool[H, W]: where either shows a text whose words nothing tells."""
    return _mask(blocks, blocks.kinds.is_unknown & blocks.kinds.is_leaf, shape)


def _mask(blocks: Blocks, which: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    for boxes in (blocks.first, blocks.second):
        for x, y, w, h in boxes[which & ~np.isnan(boxes[:, 0])]:
            x0, y0 = max(0, int(x)), max(0, int(y))
            mask[y0 : max(0, int(np.ceil(y + h))), x0 : max(0, int(np.ceil(x + w)))] = True
    return mask


def _is_on_picture(pictures: np.ndarray, box) -> bool:
    """Whether most of what shows in a box is a picture, under it or in it."""
    x, y, w, h = (round(v) for v in box)
    # A block over a photo has the photo's colors as its ground, which the tree cannot know.
    part = pictures[max(0, y) : max(0, y + h), max(0, x) : max(0, x + w)]
    return bool(part.size) and float(part.mean()) > 0.5


def structure_values(first: np.ndarray, second: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """Structural similarity of a quarter of two pictures where either shows something, float64[N].

    Args:
      left_out: bool[H, W].
    """
    one, two = (_quarter(picture) for picture in (first, second))
    if min(one.shape) < WINDOW:
        return np.empty(0)
    # The full map, because only windows that show something count: two blank areas are alike.
    _, values = structural_similarity(one, two, win_size=WINDOW, data_range=255.0, full=True)
    out = Image.fromarray((left_out * 255).astype(np.uint8)).reduce(SCALE)
    counted = (np.asarray(out) == 0) & (_is_busy(one) | _is_busy(two))
    return np.clip(values[counted], 0, 1)


def _quarter(picture: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).convert("L").reduce(SCALE), np.float64)


def _is_busy(gray: np.ndarray) -> np.ndarray:
    return maximum_filter(gray, WINDOW) - minimum_filter(gray, WINDOW) > FLAT
