"""The ledgers of the layout task: elements on the right HTML node, by site."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xojl_jax.tasks.layout import metrics
from xojl_jax.tasks.layout.confidence import site_of


def counts(inference, dataset, numbers: Sequence[int], answers: Sequence[Any]) -> dict[str, Any]:
    """ "records": sites, since the sections of one are alike; of each "sections", how many it has,
    and "aligned": int[3, E], true positives, false positives and false negatives of each element
    on its HTML node."""
    del inference
    sections: dict[str, int] = {}
    aligned: dict[str, np.ndarray] = {}
    for number, answer in zip(numbers, answers, strict=True):
        record, detail = dataset.record(number), answer.views["detail"]
        told, site = detail.layout or (), site_of(record)
        placed = metrics.aligned_counts(told, detail.nodes, record.layout, record.alignment())
        sections[site] = sections.get(site, 0) + 1
        aligned[site] = aligned.get(site, 0) + placed
    return {
        "records": list(sections),
        "sections": list(sections.values()),
        "aligned": [rows.tolist() for rows in aligned.values()],
    }


def f1(sums: np.ndarray) -> np.ndarray:
    """F1 over all elements of summed counts [..., 3, E]."""
    return metrics.f1_scores(sums)["micro_f1"]


def size(held: Mapping[str, Any]) -> str:
    return f"{sum(held['sections'])} sections of {len(held['records'])} sites"
