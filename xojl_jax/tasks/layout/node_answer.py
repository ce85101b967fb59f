"""Answers from the labels of HTML nodes alone: one pass of the encoders, and no decoder.

The head "node" gives each HTML node a probability for every element and for none, and
`xojl.best_labels` finds the layout of the largest sum of them that keeps the language's rules. So
an answer takes as long as encoding, however large the layout; and it can only hold what the tree
holds, where the decoder also writes layouts without HTML.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import jax
import jax.numpy as jnp
import numpy as np

from xojl_jax.tasks.layout.answer import DecodedLayout
from xojl_jax.tasks.layout.model import LayoutModel
from xojl_jax.tasks.layout.views import VIEWS, NodePrediction
from xojl_jax.xojl.best_labels import best_labels
from xojl_jax.xojl.build import layout_from_labels
from xojl_jax.xojl.tree import ELEMENTS, Forest, preorder, to_semantic

if TYPE_CHECKING:
    from xojl_jax.tasks.layout.task import LayoutTask

_SECTION = ELEMENTS.index("section")


def predict_nodes(task: "LayoutTask", params, batch: dict[str, jax.Array]) -> NodePrediction:
    """The labels of a batch's HTML nodes; jittable."""

    def predict(model: LayoutModel, batch):
        features = model.features(batch)
        return features.weights, model.predict_heads(features)

    weights, predictions = task.model("detail").apply({"params": params}, batch, method=predict)
    labels = jax.nn.log_softmax(cast(jax.Array, predictions["node"]).astype(jnp.float32))
    category = cast(jax.Array, predictions["category"]).argmax(-1)
    return NodePrediction(labels, category, weights)


def read_node_answers(
    prediction: NodePrediction, htmls: Sequence[Forest], mode: str, *, confidence: bool
) -> list[dict[str, DecodedLayout]]:
    """For each record its answers by view, all of one layout.

    Args:
      prediction: on the host.
      htmls: the trees whose nodes are labeled; an empty one has an empty layout, which is not
        complete. Records of the batch beyond them are padding, and left out.
      confidence: also gives the raw probability of every node's label.
    """
    answers = []
    for scores, html in zip(np.asarray(prediction.labels), htmls, strict=False):
        detail = _read(scores.astype(np.float64), html, confidence)
        names = to_semantic(detail.layout or ())
        semantic = detail._replace(layout=names, nodes=(None,) * len(detail.nodes))
        views = {"detail": detail, "semantic": semantic}
        answers.append({view: views[view] for view in VIEWS[mode]})
    return answers


def label_probabilities(prediction: NodePrediction, htmls: Sequence[Forest]) -> list[np.ndarray]:
    """float32[nodes, elements + 1] for each tree, before the rules of the language; the last column
    is of "no label"."""
    labels = np.asarray(prediction.labels, np.float32)
    return [
        np.exp(scores[: len(preorder(html))]) for scores, html in zip(labels, htmls, strict=False)
    ]


def _read(scores: np.ndarray, html: Forest, confidence: bool) -> DecodedLayout:
    """scores: float64[T, elements + 1]; nodes of the tree first, in depth-first order."""
    visits = preorder(html)
    if not visits:
        return DecodedLayout((), (), False, 0.0, () if confidence else None, from_nodes=True)
    children: list[list[int]] = [[] for _ in visits]
    for visit in visits:
        if visit.parent >= 0:
            children[visit.parent].append(visit.index)
    shows = [bool(visit.node.content) for visit in visits]
    labels = best_labels(scores[: len(visits)], children, shows)
    labels[0] = _SECTION  # what is inside may have no label: a section is never without one
    forest, nodes = layout_from_labels(html, labels)
    gains = scores[list(nodes), [labels[node] for node in nodes]]
    probabilities = tuple(np.exp(gains).tolist()) if confidence else None
    score = float(scores[np.arange(len(visits)), labels].sum())
    return DecodedLayout(forest, nodes, True, score, probabilities, from_nodes=True)
