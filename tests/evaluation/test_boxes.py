"""Boxes are matched and scored as COCO does it, also in resamples."""

import contextlib
import io

import numpy as np
import pytest

from xojl_jax.evaluation import boxes

LEFT, RIGHT = (0.0, 0.0, 0.4, 1.0), (0.6, 0.0, 1.0, 1.0)


def shifted(box, by):
    return (box[0], box[1] + by, box[2], box[3] + by)


def random_pages(seed, count=6):
    """Pages of up to five boxes of two labels; what is told is near them, or anywhere."""
    rng = np.random.default_rng(seed)

    def box():
        x, y = rng.uniform(0, 0.6, 2)
        return x, y, x + rng.uniform(0.1, 0.4), y + rng.uniform(0.1, 0.4)

    def near(box):
        return tuple(np.array(box) + rng.normal(0, 0.02, 4))

    pages = []
    for _ in range(count):
        reference = [(str(rng.choice(["text", "table"])), box()) for _ in range(rng.integers(0, 6))]
        told = [(label, near(place)) for label, place in reference if rng.random() < 0.8]
        told += [("text", box()) for _ in range(rng.integers(0, 3))]
        pages.append((told, reference))
    return pages


def test_iou_by_hand():
    """Halves that overlap by a third; a point and itself; nothing."""
    found = boxes.iou(
        np.array([[0, 0, 2, 1], [5, 5, 5, 5]]), np.array([[1, 0, 3, 1], [5, 5, 5, 5]])
    )
    np.testing.assert_allclose(found, [[1 / 3, 0], [0, 1]])
    assert boxes.iou(np.zeros((0, 4)), np.ones((2, 4))).shape == (0, 2)


def test_pairs_by_hand():
    """Pairs of one label overlap as much as they can together; none is left for the third."""
    wanted = [("a", LEFT), ("a", shifted(LEFT, 0.5)), ("a", RIGHT), ("b", RIGHT)]
    told = [("a", shifted(LEFT, 0.5)), ("a", LEFT), ("c", RIGHT)]
    np.testing.assert_allclose(boxes.paired_iou(told, wanted), [1, 1, np.nan, np.nan])
    assert boxes.paired_iou(told, []).shape == (0,)


def test_counts_by_hand():
    """One box found twice counts once; a label that is not the reference's is wrong and missing."""
    pages = [
        ([("text", LEFT), ("text", LEFT), ("table", RIGHT)], [("text", LEFT), ("text", RIGHT)]),
        ([], [("table", LEFT)]),
        ([("list", LEFT)], []),
    ]
    rows = boxes.count_rows(boxes.match_labels(pages), len(pages))
    np.testing.assert_array_equal(rows, [[1, 2, 1], [0, 0, 1], [0, 1, 0]])
    assert boxes.match_labels([([], [])]) == {}
    assert boxes.count_rows({}, 1).tolist() == [[0, 0, 0]]


def test_mean_precision_by_hand():
    """Wrong then right: half a precision at every recall. Below .65 of IoU: three thresholds."""
    weights = np.ones((1, 1), np.int64)

    def score(told, reference):
        return boxes.mean_precision(boxes.match_labels([(told, reference)]), weights)

    assert score([("a", RIGHT), ("a", LEFT)], [("a", LEFT)])["map"] == pytest.approx([0.5])
    near = shifted(LEFT, 0.25)  # IoU .75 / 1.25 = .6
    assert score([("a", near)], [("a", LEFT)])["map"] == pytest.approx([0.3])
    assert score([("a", near)], [("a", LEFT)])["map_50"] == pytest.approx([1])
    assert score([], [("a", LEFT)])["map"] == [0]
    assert np.isnan(score([("a", LEFT)], [])["map"])  # no label to find
    assert np.isnan(score([], [])["map"])


def library_precision(pages):
    """The same by all of pycocotools: its own matching, accumulation and means."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    sides = []
    for side in (0, 1):
        annotations = []
        for page, labeled in enumerate(pages):
            for rank, (label, (x0, y0, x1, y1)) in enumerate(labeled[side]):
                box, area = [x0, y0, x1 - x0, y1 - y0], (x1 - x0) * (y1 - y0)
                fields = {"image_id": page, "category_id": ["table", "text"].index(label)}
                fields |= {"bbox": box, "area": area, "iscrowd": 0, "score": 1 / (1 + rank)}
                annotations.append({"id": len(annotations) + 1, **fields})
        sides.append(COCO())
        sides[-1].dataset = {
            "images": [{"id": page} for page in range(len(pages))],
            "categories": [{"id": 0}, {"id": 1}],
            "annotations": annotations,
        }
        sides[-1].createIndex()
    found = COCOeval(sides[1], sides[0], "bbox")
    found.evaluate()
    found.accumulate()
    found.summarize()
    return found.stats[:2]


@pytest.mark.parametrize("seed", range(4))
def test_resamples_are_what_the_library_says_of_repeated_pages(seed):
    """Weights give the value that the library gives when pages are really repeated or left out."""
    pages = random_pages(seed)
    weights = np.stack([np.ones(len(pages), np.int64), [2, 0, 1, 3, 0, 1]])
    found = boxes.mean_precision(boxes.match_labels(pages), weights)
    for s, row in enumerate(weights):
        repeated = [page for page, times in zip(pages, row, strict=True) for _ in range(times)]
        with contextlib.redirect_stdout(io.StringIO()):
            expected = library_precision(repeated)
        assert (found["map"][s], found["map_50"][s]) == pytest.approx(expected, abs=1e-9)
