"""Predictions on a few fixed records, drawn: what training shows of itself as it goes."""

import itertools

import numpy as np

from xojl_jax.data.images import decode_image
from xojl_jax.data.transforms import stack
from xojl_jax.evaluation.drawing import draw_boxes
from xojl_jax.tasks.base import Sample
from xojl_jax.tasks.layout.answer import boxes_to_draw, read_answers
from xojl_jax.tasks.layout.dataset import LayoutDataset

MODE = "detail"


class LayoutPreview:
    """The first records of a data set that have a picture and boxes.

    Attributes:
      count: how many there are, at most `batch_size`.
      batch: numpy arrays of `batch_size` rows: the records, over and over. Absent if there is none.
    """

    def __init__(self, dataset: LayoutDataset, count: int, batch_size: int):
        self._dataset = dataset
        samples = ((index, dataset[index]) for index in range(len(dataset)))
        drawable = ((index, sample) for index, sample in samples if _can_be_drawn(sample))
        found = dict(itertools.islice(drawable, min(count, batch_size)))
        self._indices = list(found)
        self.count = len(found)
        if found:
            self.batch = stack(list(itertools.islice(itertools.cycle(found.values()), batch_size)))

    def draw(self, prediction) -> dict[str, np.ndarray]:
        """The pictures, uint8[H, W, 3], by name. `prediction`: of `batch`, on the host."""
        records = [self._dataset.record(index) for index in self._indices]
        vocabulary = self._dataset.vocabulary
        answers = read_answers(prediction, [r.html for r in records], vocabulary, MODE)
        drawn = {}
        for index, record, answer in zip(self._indices, records, answers, strict=True):
            found = answer[MODE]
            boxes = boxes_to_draw(found.layout, found.nodes, record.html_boxes or ())
            picture = draw_boxes(decode_image(self._dataset.screenshot(index)), boxes)
            drawn[f"predictions/{index}"] = np.asarray(picture)
        return drawn


def _can_be_drawn(sample: Sample) -> bool:
    return bool(sample["image_mask"]) and bool(sample["html_box_mask"].any())
