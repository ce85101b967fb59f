"""How good layouts are: elements found, structure, wording, with confidence intervals (X113-X115).

Everything here is numpy on the CPU. A record gives one row of counts; every score is a function of
weighted sums of rows, which is what `evaluation.bootstrap` takes.

Letters: R records; E = 22 elements.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from apted import APTED

from xojl_jax.errors import BadInput
from xojl_jax.evaluation import bootstrap
from xojl_jax.evaluation.bootstrap import ScoreTable, or_none
from xojl_jax.evaluation.counts import f1_scores
from xojl_jax.evaluation.text_scores import bleu_row, bleu_scores, rouge_l
from xojl_jax.xojl import tree
from xojl_jax.xojl.tree import ELEMENTS, Forest, preorder

# Tree edit distance takes cubic time: 2 s for two trees of 200 nodes.
MAX_DISTANCE_NODES = 200
_ID = {name: i for i, name in enumerate(ELEMENTS)}
_CLOSE = ")"

Nodes = Sequence[int | None]  # one HTML node index or None per layout node, depth-first


@dataclass(frozen=True)
class Result:
    """One record's prediction beside its label.

    `predicted` is None where the decoded text did not parse (which the grammar rules out), and
    `completed` says whether the document was closed within its length. The node indices are for
    the aligned scores, the categories for theirs; without them a record does not count there.
    """

    predicted: Forest | None
    reference: Forest
    predicted_nodes: Nodes | None = None
    reference_nodes: Nodes | None = None
    completed: bool = True
    category: str | None = None
    reference_category: str | None = None


# --- one record ------------------------------------------------------------------------------


def bag_counts(predicted: Forest, reference: Forest) -> np.ndarray:
    """int64[3, E]: true positives, false positives, false negatives, elements as a bag."""
    return _overlap(
        *(Counter(_ID[v.node.element] for v in preorder(f)) for f in (predicted, reference))
    )


def aligned_counts(
    predicted: Forest, predicted_nodes: Nodes, reference: Forest, reference_nodes: Nodes
) -> np.ndarray:
    """int64[3, E], as `bag_counts`, but an element counts only on the right HTML node.

    Layout nodes without an HTML node take no part.
    """
    pairs = ((predicted, predicted_nodes), (reference, reference_nodes))
    return _overlap(*(_placed(forest, nodes) for forest, nodes in pairs))


def _placed(forest: Forest, nodes: Nodes) -> Counter:
    visits = zip(preorder(forest), nodes, strict=True)
    return Counter((_ID[v.node.element], node) for v, node in visits if node is not None)


def _overlap(predicted: Counter, reference: Counter) -> np.ndarray:
    counts = np.zeros((3, len(ELEMENTS)), np.int64)
    for row, bag in enumerate(
        (predicted & reference, predicted - reference, reference - predicted)
    ):
        for key, count in bag.items():
            counts[row, key[0] if isinstance(key, tuple) else key] += count
    return counts


class _Tree(NamedTuple):
    """A labeled tree in the form that apted reads."""

    name: str
    children: tuple["_Tree", ...]


def _as_tree(forest: Forest) -> _Tree:
    """The semantic view under one added root, so that a forest is a tree."""
    visits = preorder(forest)
    children: list[list[_Tree]] = [[] for _ in range(len(visits) + 1)]
    for visit in reversed(visits):
        made = _Tree(visit.node.element, tuple(reversed(children[visit.index])))
        children[visit.parent].append(made)
    return _Tree("", tuple(reversed(children[-1])))


def tree_distance(predicted: Forest, reference: Forest) -> float:
    """Edit distance of the semantic trees: nodes to insert, delete or rename.

    NaN where a tree has more than `MAX_DISTANCE_NODES` nodes.
    """
    if max(_size(predicted), _size(reference)) > MAX_DISTANCE_NODES:
        return float("nan")
    return float(APTED(_as_tree(predicted), _as_tree(reference)).compute_edit_distance())


def normalized_tree_distance(predicted: Forest, reference: Forest) -> float:
    """`tree_distance` over the larger number of nodes, at most 1: 0 equal, 1 nothing in common."""
    larger = max(_size(predicted), _size(reference), 1)
    distance = tree_distance(predicted, reference)
    return distance if np.isnan(distance) else min(1.0, distance / larger)


def _size(forest: Forest) -> int:
    return len(preorder(forest))


def layout_words(forest: Forest) -> list[str]:
    """The semantic token sequence: an element's name opens it, ")" closes it."""
    words, open_until = [], []
    for visit in preorder(forest):
        while open_until and visit.index >= open_until[-1]:
            open_until.pop()
            words.append(_CLOSE)
        words.append(visit.node.element)
        open_until.append(visit.subtree_end)
    return words + [_CLOSE] * len(open_until)


# --- a whole split ---------------------------------------------------------------------------


def evaluate(
    results: Sequence[Result],
    units: Sequence[str] | None = None,
    *,
    samples: int = bootstrap.SAMPLES,
    seed: int = 0,
) -> dict:
    """All metrics of a split, ready for JSON.

    Args:
      units: of each result what intervals draw whole, such as its site. None: it alone.

    Returns:
      "records": R. "scores": name -> {"value", "low", "high"}, a 95 % interval over units.
      "elements": element -> {"precision", "recall", "f1", "support", "predicted"}, the same under
      "aligned_elements" where node indices are known. A prediction that did not parse counts as
      empty.
    """
    if not results:
        raise BadInput("there is no record to evaluate: choose another split, or a larger limit")
    forests = [(r.predicted or (), r.reference) for r in results]
    table = ScoreTable(len(results), groups=units, samples=samples, seed=seed)
    bags = np.stack([bag_counts(*pair) for pair in forests])
    table.add(bags, lambda sums: _overall(sums, "element"))
    report = {"records": len(results), "elements": _by_element(bags)}

    aligned = [_aligned_row(r) for r in results]
    if known := [row for row in aligned if row is not None]:
        rows = np.stack([np.zeros_like(bags[0]) if row is None else row for row in aligned])
        table.add(rows, lambda sums: _overall(sums, "aligned"))
        report["aligned_records"] = len(known)
        report["aligned_elements"] = _by_element(rows)

    table.add_mean("tree_distance", [normalized_tree_distance(*pair) for pair in forests])
    table.add_mean("exact_match", [p == r for p, r in forests])
    semantic = [(tree.to_semantic(p), tree.to_semantic(r)) for p, r in forests]
    table.add_mean("exact_match_semantic", [p == r for p, r in semantic])
    words = [(layout_words(p), layout_words(r)) for p, r in forests]
    table.add(np.stack([bleu_row(*pair) for pair in words]), lambda s: {"bleu": bleu_scores(s)})
    table.add_mean("rouge_l", [rouge_l(*pair) for pair in words])
    table.add_mean("valid", [r.predicted is not None for r in results])
    table.add_mean("completed", [r.completed for r in results])
    categories = [_same_category(r) for r in results]
    if not np.isnan(categories).all():
        table.add_mean("category", categories)
    return report | {"scores": table.scores}


def _aligned_row(result: Result) -> np.ndarray | None:
    if result.predicted_nodes is None or result.reference_nodes is None:
        return None
    return aligned_counts(
        result.predicted or (), result.predicted_nodes, result.reference, result.reference_nodes
    )


def _same_category(result: Result) -> float:
    """NaN where no category was told, or none is known."""
    if result.category is None or result.reference_category is None:
        return np.nan
    return float(result.category == result.reference_category)


def _overall(sums: np.ndarray, name: str) -> dict[str, np.ndarray]:
    scores = f1_scores(sums)
    return {f"{name}_{key}": scores[key] for key in scores if key.startswith(("micro", "macro"))}


def _by_element(rows: np.ndarray) -> dict[str, dict[str, float]]:
    """The elements that occur, in the label or in the prediction."""
    total = rows.sum(0)
    scores = f1_scores(total)
    tp, fp, fn = total
    return {
        name: {
            **{key: or_none(scores[key][i]) for key in ("precision", "recall", "f1")},
            "support": int(tp[i] + fn[i]),
            "predicted": int(tp[i] + fp[i]),
        }
        for i, name in enumerate(ELEMENTS)
        if total[:, i].any()
    }
