"""The ledger of the layout task: elements on the right HTML node, by record."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xojl_jax.tasks.layout import metrics


def counts(inference, dataset, numbers: Sequence[int], answers: Sequence[Any]) -> dict[str, Any]:
    """ "records": their numbers; "aligned" and "bag": int[R, 3, E], true positives, false positives
    and false negatives of each element on its HTML node, and as a bag."""
    del inference
    kept = {"records": dataset.numbers[numbers].tolist(), "bag": [], "aligned": []}
    for number, answer in zip(numbers, answers, strict=True):
        record, detail = dataset.record(number), answer.views["detail"]
        told = detail.layout or ()
        bag = metrics.bag_counts(told, record.layout)
        placed = metrics.aligned_counts(
            told, detail.nodes, record.layout, record.alignment() or [None] * len(bag)
        )
        kept["bag"].append(bag.tolist())
        kept["aligned"].append(placed.tolist())
    return kept


def f1(sums: np.ndarray) -> np.ndarray:
    """F1 over all elements of summed counts [..., 3, E]."""
    return metrics.f1_scores(sums)["micro_f1"]


def size(held: Mapping[str, Any]) -> str:
    return f"{len(held['records'])} records"
