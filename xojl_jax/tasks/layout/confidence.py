"""How sure each node of an answer is: that its element is right, and that it belongs there.

The raw probability of a node is that of its ELEMENT token and of its pointer, as decoding saw them,
among the legal tokens. `evaluate --calibrate` fits a `Platt` map for each view on data that the
model was not trained on, and the checkpoint keeps it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from xojl_jax.evaluation.calibration import (
    Platt,
    cross_fit,
    expected_calibration_error,
    fit_platt,
    report,
)
from xojl_jax.tasks.layout.answer import DecodedLayout
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import preorder


def right_nodes(answer: DecodedLayout, reference: Record) -> list[bool]:
    """Whether each layout node of an answer is right: the label has the same element on the same
    HTML node, or, of a node that points at none, one more such element than was counted before."""
    layout = reference.layout or ()
    labels = zip(preorder(layout), reference.alignment(), strict=True)
    placed = {(node, visit.node.element) for visit, node in labels if node is not None}
    left = Counter(visit.node.element for visit in preorder(layout))
    right = []
    for visit, node in zip(preorder(answer.layout or ()), answer.nodes, strict=True):
        element = visit.node.element
        good = left[element] > 0 if node is None else (node, element) in placed
        left[element] -= good
        right.append(good)
    return right


def pairs(
    answers: Sequence[DecodedLayout], references: Sequence[Record]
) -> tuple[np.ndarray, np.ndarray]:
    """float64[n] and bool[n]: the probability of every node of the answers, and whether it is
    right. Answers that are no layout have none."""
    probabilities: list[float] = []
    right: list[bool] = []
    for answer, reference in zip(answers, references, strict=True):
        if answer.layout is not None and answer.probabilities is not None:
            probabilities += answer.probabilities
            right += right_nodes(answer, reference)
    return np.array(probabilities, np.float64), np.array(right, bool)


def fit(answers: Sequence[DecodedLayout], references: Sequence[Record]) -> list[float]:
    """Slope and shift for one view, from answers with raw probabilities."""
    return list(fit_platt(*pairs(answers, references)))


def error_on_new_sites(answers: Sequence[DecodedLayout], references: Sequence[Record]) -> dict:
    """What to expect of a fit to these answers where it meets another site: each site's
    probabilities by a fit to the other sites' alone. "sites", and the
    "expected_calibration_error", None of fewer than two sites."""
    found = [pairs([one], [record]) for one, record in zip(answers, references, strict=True)]
    site = np.repeat([site_of(record) for record in references], [len(right) for _, right in found])
    sites = len(np.unique(site))
    if sites < 2:
        return {"sites": sites, "expected_calibration_error": None}
    raw, right = (np.concatenate(columns) for columns in zip(*found, strict=True))
    error = expected_calibration_error(cross_fit(raw, right, site), right)
    return {"sites": sites, "expected_calibration_error": error}


def site_of(record: Record) -> str:
    source = record.source or {}
    return str(source.get("site") or source.get("uri") or "")


def view_report(answers: Sequence[DecodedLayout], references: Sequence[Record]) -> dict:
    """Reliability and risk-coverage of one view; see `evaluation.calibration.report`."""
    return report(*pairs(answers, references))


def calibrator(calibration: Mapping[str, Sequence[float]] | None, view: str) -> Platt:
    """The map of a view; the identity where the checkpoint has none."""
    return Platt(*(calibration or {}).get(view, Platt()))
