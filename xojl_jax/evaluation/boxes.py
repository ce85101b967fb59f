"""How well boxes with labels are found: matches, precision and recall, mAP; for any task.

Letters: R pages; S resamples; T = `THRESHOLDS` of IoU; n, k boxes.
"""

import contextlib
import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

# Of COCO's mAP (Lin et al. 2014). The first alone gives mAP at .50.
THRESHOLDS = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0, 1, 101)
# A side is never shorter, so that a point or a line overlaps with itself.
_SHORTEST = 1e-6

Labeled = Sequence[tuple[str, Sequence[float]]]  # (label, box), the surest one first


class Matches(NamedTuple):
    """The boxes of one label on all pages, in COCO's matching.

    Attributes:
      page: int[n], of each predicted box.
      rank: int[n], its place among all boxes told of the page, from 0.
      right: bool[T, n], whether it matches one of the reference that is still free.
      wanted: int[R], boxes of the reference.
    """

    page: np.ndarray
    rank: np.ndarray
    right: np.ndarray
    wanted: np.ndarray


def iou(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """float64[n, k] of boxes float[n, 4] and float[k, 4] (x0, y0, x1, y1): intersection over union,
    by pycocotools."""
    from pycocotools import mask

    if not len(one) or not len(two):
        return np.zeros((len(one), len(two)))
    found = mask.iou(_with_sides(one), _with_sides(two), [0] * len(two))
    return np.minimum(found, 1)  # it rounds


def _with_sides(boxes: np.ndarray) -> np.ndarray:
    """float64[n, 4]: x0, y0, width, height."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    return np.concatenate([boxes[:, :2], np.maximum(boxes[:, 2:] - boxes[:, :2], _SHORTEST)], 1)


def paired_iou(told: Labeled, wanted: Labeled) -> np.ndarray:
    """float64[k]: of each box of `wanted`, its IoU with the one of its label in `told`, paired so
    that the sum is largest; NaN where all of that label are taken."""
    found = np.full(len(wanted), np.nan)
    for label in {label for label, _ in told} & {label for label, _ in wanted}:
        numbers = [i for i, (other, _) in enumerate(wanted) if other == label]
        overlaps = iou(
            np.array([box for other, box in told if other == label]),
            np.array([wanted[i][1] for i in numbers]),
        )
        pairs = linear_sum_assignment(overlaps, maximize=True)
        found[np.array(numbers)[pairs[1]]] = overlaps[pairs]
    return found


def match_labels(pages: Sequence[tuple[Labeled, Labeled]]) -> dict[str, Matches]:
    """Matches by label of R pages' (predicted, reference) boxes, by pycocotools: each predicted
    box, the surest first, takes the free one of its label that it overlaps most."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    labels = sorted({label for page in pages for side in page for label, _ in side})
    if not labels:
        return {}
    sides = [_dataset([page[side] for page in pages], labels) for side in (0, 1)]
    with contextlib.redirect_stdout(io.StringIO()):  # the library prints what it does
        predicted, reference = COCO(), COCO()
        for side, dataset in zip((predicted, reference), sides, strict=True):
            side.dataset = dataset
            side.createIndex()
        found = COCOeval(reference, predicted, "bbox")
        found.params.areaRng = [[0, np.inf]]
        found.params.maxDets = [max(1, *(len(told) for told, _ in pages))]
        found.params.iouThrs = THRESHOLDS
        found.evaluate()
    return {
        label: _matches(found.evalImgs[i * len(pages) : (i + 1) * len(pages)])
        for i, label in enumerate(labels)
    }


def _dataset(pages: Sequence[Labeled], labels: Sequence[str]) -> dict:
    numbers = {label: i for i, label in enumerate(labels)}
    annotations = []
    for page, told in enumerate(pages):
        sides = _with_sides(np.array([box for _, box in told]))
        for rank, ((label, _), box) in enumerate(zip(told, sides.tolist(), strict=True)):
            number = len(annotations) + 1  # 0 means no match
            place = {"id": number, "image_id": page, "category_id": numbers[label]}
            annotations.append(
                {**place, "bbox": box, "area": box[2] * box[3], "iscrowd": 0, "score": -rank}
            )
    return {
        "images": [{"id": page} for page in range(len(pages))],
        "categories": [{"id": number} for number in numbers.values()],
        "annotations": annotations,
    }


def _matches(pages: Sequence[dict | None]) -> Matches:
    """Of one label; None is a page without boxes of it."""
    told = [[] if page is None else page["dtScores"] for page in pages]
    right = [page["dtMatches"] > 0 for page in pages if page is not None]
    return Matches(
        np.repeat(np.arange(len(pages)), [len(scores) for scores in told]),
        -np.array([score for scores in told for score in scores], np.int64),
        np.concatenate(right, 1),
        np.array([0 if page is None else len(page["gtIds"]) for page in pages]),
    )


def count_rows(matches: dict[str, Matches], pages: int) -> np.ndarray:
    """int64[R, 3]: right, wrong and missing boxes of each page at an IoU of .50."""
    rows = np.zeros((pages, 3), np.int64)
    for found in matches.values():
        right = np.bincount(found.page[found.right[0]], minlength=pages)
        told = np.bincount(found.page, minlength=pages)
        rows += np.stack([right, told - right, found.wanted - right], 1)
    return rows


def mean_precision(matches: dict[str, Matches], weights: np.ndarray) -> dict[str, np.ndarray]:
    """ "map" and "map_50", float64[S], of pages that count as often as weights [S, R] say.

    As COCO has it: the mean over labels that the reference has, and over `THRESHOLDS`, of the
    precision at 101 levels of recall. NaN without a label.
    """
    labels = [_label_precision(found, weights) for found in matches.values()]
    found = np.array(labels).reshape(-1, len(THRESHOLDS), len(weights))
    known = ~np.isnan(found)
    counted = np.where(known.any(0), known.sum(0), np.nan)
    mean = np.where(known, found, 0).sum(0) / counted
    return {"map": mean.mean(0), "map_50": mean[0]}


def _label_precision(found: Matches, weights: np.ndarray) -> np.ndarray:
    """float64[T, S]: average precision of one label; NaN where no page of the reference has it."""
    order = np.lexsort((found.page, found.rank))
    counts = weights[:, found.page[order]].astype(np.float64)
    wanted = (weights @ found.wanted).astype(np.float64)
    told = counts.cumsum(1)
    result = np.full((len(THRESHOLDS), len(weights)), np.nan)
    for t, right in enumerate(found.right[:, order]):
        hits = (counts * right).cumsum(1)
        precision = np.divide(hits, told, out=np.zeros_like(hits), where=told > 0)
        # The best precision at this recall or a higher one; 0 where recall is never reached.
        best = np.maximum.accumulate(precision[:, ::-1], 1)[:, ::-1]
        best = np.concatenate([best, np.zeros((len(best), 1))], 1)
        for s in np.flatnonzero(wanted):
            result[t, s] = best[s, np.searchsorted(hits[s] / wanted[s], _RECALLS)].mean()
    return result
