"""What differs between the ledgers of the families: an entry for each, by the name of --family."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks import ledger_documents, ledger_layout
from benchmarks.ledger_claims import ABLATIONS, HTML_PARTS, Ablation


class Family(NamedTuple):
    """A ledger.

    Attributes:
      config: what all runs train.
      ablations: by name, in the order in which they are trained.
      flags: of `xojl_jax.evaluate`, with which held-out records are answered.
      counts: (inference, data set, numbers, their answers) -> "records", what intervals draw whole,
        beside a row of counts for each, under the name `rows`; ready for JSON.
      rows: the name of the rows.
      score: of summed rows [..., *row] -> [...].
      score_name: in the table.
      size: of what `counts` gave, in words.
      mark: in the marks of the page between which the table lies.
    """

    config: str
    ablations: Mapping[str, Ablation]
    flags: tuple[str, ...]
    counts: Callable[[Any, Any, Sequence[int], Sequence[Any]], dict[str, Any]]
    rows: str
    score: Callable[[np.ndarray], np.ndarray]
    score_name: str
    size: Callable[[Mapping[str, Any]], str]
    mark: str


LAYOUT = Family(
    config="configs/stage4.py:tiny",
    ablations=ABLATIONS,
    flags=("--mode=detail",),
    counts=ledger_layout.counts,
    rows="aligned",
    score=ledger_layout.f1,
    score_name="F1",
    size=ledger_layout.size,
    mark="ledger",
)
# What the HTML encoder by itself answers: a run takes minutes, and parts of the encoder show sooner
# than through a decoder that has seen each section once or twice.
NODES = LAYOUT._replace(
    config="configs/stage2.py:tiny",
    ablations={name: ABLATIONS[name] for name in HTML_PARTS},
    flags=("--mode=detail", "--method=nodes"),
    mark="ledger of nodes",
)
FAMILIES = {
    "layout": LAYOUT,
    "nodes": NODES,
    "answers": Family(
        config="configs/document_tune.py:tiny",
        ablations=ledger_documents.ABLATIONS,
        flags=(),
        counts=ledger_documents.counts,
        rows="right",
        score=ledger_documents.accuracy,
        score_name="accuracy",
        size=ledger_documents.size,
        mark="ledger of answers",
    ),
}
