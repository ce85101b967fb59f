"""What training hides of a page, drawn in the loader: a batch is a function of the seed.

r, c rows and columns of patches; n tokens.
"""

import math

import numpy as np

# Of BEiT (Bao et al. 2022, algorithm 1): the smallest block, and how flat or tall one may be.
LEAST_BLOCK = 16
LEAST_ASPECT = 0.3


def hide_words(
    word: np.ndarray, rng: np.random.Generator, share: float, mean_length: float
) -> np.ndarray:
    """bool[n]: tokens that are hidden, in spans of whole words until `share` of all are (R035).

    Spans begin anywhere; their lengths, in words, are Poisson's with this mean, at least 1 (as in
    LayoutLMv3, Huang et al. 2022). The last span ends where the share is reached, by word.

    Args:
      word: int32[n], the word that each token is of, rising.
    """
    hidden = np.zeros(len(word), np.bool_)
    words, first, pieces = np.unique(word, return_index=True, return_counts=True)
    wanted = round(share * len(word))
    taken = np.zeros(len(words), np.bool_)
    count = 0
    while count < wanted and not taken.all():
        start = int(rng.integers(len(words)))
        for at in range(start, min(start + max(1, int(rng.poisson(mean_length))), len(words))):
            if not taken[at] and count < wanted:
                taken[at] = True
                hidden[first[at] : first[at] + pieces[at]] = True
                count += int(pieces[at])
    return hidden


def hide_patches(real: np.ndarray, rng: np.random.Generator, share: float) -> np.ndarray:
    """bool[r, c]: patches that are hidden, in blocks until `share` of the real ones are (R013).

    Blocks are rectangles within the real patches, drawn as BEiT does: their size between
    `LEAST_BLOCK` and what is still missing, their aspect log-uniform. The last one is cut, so that
    the share is met exactly.

    Args:
      real: bool[r, c], False in padding, which is at the right and below.
    """
    hidden = np.zeros(real.shape, np.bool_)
    rows, columns = int(real.any(1).sum()), int(real.any(0).sum())
    wanted = round(share * rows * columns)
    missing = wanted
    while missing > 0:
        area = rng.uniform(min(LEAST_BLOCK, missing), max(LEAST_BLOCK, missing))
        aspect = math.exp(rng.uniform(math.log(LEAST_ASPECT), -math.log(LEAST_ASPECT)))
        height = min(rows, max(1, round(math.sqrt(area * aspect))))
        width = min(columns, max(1, round(math.sqrt(area / aspect))))
        top = int(rng.integers(rows - height + 1))
        left = int(rng.integers(columns - width + 1))
        block = hidden[top : top + height, left : left + width]
        fresh = np.flatnonzero(~block)[:missing]
        block.flat[fresh] = True
        missing -= len(fresh)
    return hidden


def all_seen(boxes: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """bool[n]: whether no patch that a box reaches into is hidden.

    Args:
      boxes: float[n, 4] in [0, 1] of the canvas.
      hidden: bool[r, c].
    """
    rows, columns = hidden.shape
    sums = np.zeros((rows + 1, columns + 1), np.int64)
    sums[1:, 1:] = hidden.cumsum(0).cumsum(1)
    scaled = boxes * np.array([columns, rows, columns, rows])
    limit = np.array([columns, rows]) - 1
    x0, y0 = np.clip(np.floor(scaled[:, :2]).astype(int), 0, limit).T
    x1, y1 = (np.clip(np.ceil(scaled[:, 2:]).astype(int) - 1, 0, limit)).T
    x1, y1 = np.maximum(x0, x1) + 1, np.maximum(y0, y1) + 1
    return sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0] == 0
