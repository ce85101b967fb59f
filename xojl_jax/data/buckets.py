"""Buckets: a few static shapes in place of one, so that little work goes into padding.

A shape is one number for each dimension that varies from record to record, such as rows of patches
or target tokens. A record goes into the cheapest shape that holds it in every dimension.

N records, D dimensions, K shapes.
"""

import itertools
from collections.abc import Callable, Sequence

import numpy as np

# A further shape is another program to compile: it must save this share of the work.
LEAST_GAIN = 0.02
# Where candidates for a dimension are: these shares of the records fit.
QUANTILES = (0.25, 0.5, 0.75, 0.9, 0.98, 1.0)

Shape = tuple[int, ...]


def choose_shapes(
    sizes: np.ndarray,
    full: Shape,
    count: int,
    cost: Callable[[Shape], float],
    *,
    multiples: Shape,
    weights: np.ndarray | None = None,
) -> list[Shape]:
    """At most `count` shapes, from cheap to dear, that make the expected cost of a record small.

    Starts from the full shape and adds, one by one, the product of quantiles that saves most
    (greedy, so not always the best set); ends where nothing saves `LEAST_GAIN` any more.

    Args:
      sizes: int[N, D], what each record needs; at most `full`.
      full: the largest shape, always among those chosen.
      cost: of one record of a shape, such as its FLOPs.
      multiples: what sizes are rounded up to, in each dimension.
      weights: float[N], how often records come; None: equally.
    """
    sizes = np.asarray(sizes)
    weights = np.ones(len(sizes)) if weights is None else np.asarray(weights, np.float64)
    if count <= 1 or not len(sizes):
        return [full]
    levels = [
        sorted({min(-(-int(q) // m) * m, f) for q in np.quantile(column, QUANTILES)} | {f})
        for column, f, m in zip(sizes.T, full, multiples, strict=True)
    ]
    candidates = list(itertools.product(*levels))
    # Records between the same levels are alike: there are at most as many kinds as candidates.
    kinds = np.stack([np.searchsorted(lv, c) for lv, c in zip(levels, sizes.T, strict=True)], 1)
    kinds, inverse = np.unique(kinds, axis=0, return_inverse=True)
    share = np.bincount(inverse.reshape(-1), weights) / weights.sum()
    holders = np.array(list(itertools.product(*(range(len(lv)) for lv in levels))))
    fits = (holders[:, None] >= kinds[None]).all(-1)  # [candidates, kinds]
    costs = np.array([cost(shape) for shape in candidates])
    chosen, paid = [full], np.full(len(kinds), cost(full))
    while len(chosen) < count:
        better = np.where(fits, np.minimum(paid, costs[:, None]), paid)
        totals = better @ share
        best = int(totals.argmin())
        if totals[best] > (1 - LEAST_GAIN) * (paid @ share):
            break
        chosen.append(candidates[best])
        paid = better[best]
    return sorted(chosen, key=lambda shape: (cost(shape), shape))


def assign(sizes: np.ndarray, shapes: Sequence[Shape]) -> np.ndarray:
    """int8[N]: the first of the shapes, which are in the order of their cost, that holds a record
    in every dimension; the last one where none does."""
    fits = (np.asarray(sizes)[:, None] <= np.asarray(shapes)[None]).all(-1)
    return np.where(fits.any(1), fits.argmax(1), len(shapes) - 1).astype(np.int8)


def holds(shapes: Sequence[Shape]) -> np.ndarray:
    """bool[K, K]: whether shape k holds whatever fits shape j."""
    found = np.asarray(shapes)
    return (found[:, None] >= found[None]).all(-1)
