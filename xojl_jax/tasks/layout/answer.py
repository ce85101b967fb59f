"""From decoded tokens back to layouts, and to what can be drawn of them."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from xojl_jax.evaluation.drawing import DrawnBox, element_box
from xojl_jax.tasks.layout.views import VIEWS, Prediction
from xojl_jax.xojl.faults import XojlError
from xojl_jax.xojl.tree import Forest, preorder, print_layout
from xojl_jax.xojl.vocabulary import ELEMENT_BASE, ELEMENT_WIDTH, EOS, Vocabulary


class DecodedLayout(NamedTuple):
    """One document of one view.

    Attributes:
      layout: None where the tokens are no document, which the grammar rules out.
      nodes: for every layout node, in depth-first order, the HTML node it points at, or None;
        empty in the semantic view, which points at none.
      completed: whether the document was closed, by EOS, within its length.
      score: log probability of its tokens; None where no model wrote it.
      probabilities: of every layout node, in depth-first order, that it is right; None unless it
        was asked for.
      others: a beam's other hypotheses, the best one first; () unless they were asked for.
      from_nodes: whether the labels of HTML nodes made it (node_answer.py), not the decoder.
    """

    layout: Forest | None
    nodes: tuple[int | None, ...]
    completed: bool
    score: float | None
    probabilities: tuple[float, ...] | None = None
    others: tuple["DecodedLayout", ...] = ()
    from_nodes: bool = False

    def calibration_key(self, view: str) -> str:
        """The name of the calibration of its probabilities, as an answer of a view."""
        return node_key(view) if self.from_nodes else view


def node_key(view: str) -> str:
    """The name of the calibration of answers that labels of HTML nodes make."""
    return f"nodes {view}"


def read_answers(
    prediction: Prediction,
    htmls: Sequence[Forest],
    vocabulary: Vocabulary,
    mode: str,
    nbest: int = 1,
) -> list[dict[str, DecodedLayout]]:
    """For each record its answers by view: "semantic", "detail".

    Args:
      prediction: on the host.
      htmls: the trees that the pointers refer to, () where there is none. Rows beyond them are
        padding of the batch, and left out.
      nbest: hypotheses of each view.
    """
    views = VIEWS[mode]
    answers = []
    for record, html in enumerate(htmls):
        answer = {}
        for number, view in enumerate(views):
            start = (record * len(views) + number) * nbest
            rows = [row for row in range(start, start + nbest) if prediction.length[row]]
            best, *others = [_read(prediction, row, html, vocabulary) for row in rows or [start]]
            answer[view] = best._replace(others=tuple(others))
        answers.append(answer)
    return answers


def _read(prediction: Prediction, row: int, html: Forest, vocabulary: Vocabulary) -> DecodedLayout:
    length = int(prediction.length[row])
    tokens = prediction.tokens[row][:length].tolist()
    completed = bool(tokens) and tokens[-1] == EOS
    try:
        layout = vocabulary.detokenize(tokens, html)
    except XojlError:
        layout = None
    nodes = pointed_nodes(tokens, vocabulary.size)
    probabilities = None
    if prediction.gains is not None:
        gains = prediction.gains[row][:length].tolist()
        probabilities = node_probabilities(tokens, gains, vocabulary.size)
    return DecodedLayout(layout, nodes, completed, float(prediction.score[row]), probabilities)


def pointed_nodes(tokens: Sequence[int], first_pointer: int) -> tuple[int | None, ...]:
    """The HTML node that follows each ELEMENT token as its COPY, or None. Order: depth first."""
    following = [*tokens[1:], 0]
    return tuple(
        after - first_pointer if after >= first_pointer else None
        for token, after in zip(tokens, following, strict=True)
        if ELEMENT_BASE <= token < ELEMENT_BASE + ELEMENT_WIDTH
    )


def node_probabilities(
    tokens: Sequence[int], gains: Sequence[float], first_pointer: int
) -> tuple[float, ...]:
    """The raw probability of every layout node, in depth-first order.

    Args:
      tokens: of one document, without BOS.
      gains: their log probabilities.
      first_pointer: the token that points at HTML node 0.
    """
    following = [*tokens[1:], 0]
    found = []
    for at, (token, after) in enumerate(zip(tokens, following, strict=True)):
        if ELEMENT_BASE <= token < ELEMENT_BASE + ELEMENT_WIDTH:
            pointer = gains[at + 1] if after >= first_pointer else 0.0
            found.append(float(np.exp(min(gains[at] + pointer, 0.0))))
    return tuple(found)


def boxes_to_draw(
    layout: Forest | None,
    nodes: Sequence[int | None],
    html_boxes: Sequence[Sequence[float]],
) -> list[DrawnBox]:
    """The boxes of all layout nodes that point at an HTML node, in px of the screenshot.

    Args:
      layout, nodes: as `DecodedLayout` has them.
      html_boxes: x, y, width, height, z of every HTML node.
    """
    drawn = []
    for visit, node in zip(preorder(layout or ()), nodes, strict=False):
        if node is not None:
            x, y, width, height = np.asarray(html_boxes[node][:4], float)
            box = (x, y, x + width, y + height)
            drawn.append(element_box(visit.node.element, box, visit.depth))
    return drawn


def describe_layout(
    answer: DecodedLayout, view: str, html_boxes: Sequence[Sequence[float]] | None
) -> dict[str, Any]:
    """A layout and what is known of it, ready for JSON.

    Keys of the layout have ordinals where siblings are equal, so that a dict loses none.

    Args:
      html_boxes: x, y, width, height, z of every HTML node, or None.
    """
    told: dict[str, Any] = {
        "layout": json.loads(print_layout(answer.layout or (), semantic=view == "semantic")),
        "elements": len(preorder(answer.layout or ())),
        "log_probability": None if answer.score is None else round(answer.score, 4),
        "completed": answer.completed,
    }
    if answer.probabilities is not None:
        told["confidence"] = [round(p, 4) for p in answer.probabilities]
    if answer.others:
        told["hypotheses"] = [
            _hypothesis(each, view) for each in (answer._replace(others=()), *answer.others)
        ]
    if view == "semantic":
        return told
    told["nodes"] = list(answer.nodes)
    if html_boxes is not None:
        pointing = [number for number, node in enumerate(answer.nodes) if node is not None]
        drawn = boxes_to_draw(answer.layout, answer.nodes, html_boxes)
        told["boxes"] = [
            {
                "layout_node": number,
                "element": box.text,
                "box": [round(side, 1) for side in box.box],
                "depth": box.depth,
            }
            for number, box in zip(pointing, drawn, strict=False)
        ]
    return told


def _hypothesis(answer: DecodedLayout, view: str) -> dict[str, Any]:
    told = describe_layout(answer, view, None)
    return {name: told[name] for name in ("layout", "nodes", "log_probability") if name in told}


def agreement(views: Mapping[str, DecodedLayout], others: Mapping[str, DecodedLayout]) -> float:
    """F1 of the elements as bags, over the views that both have; below 1 where layouts differ."""
    common, total, same = 0, 0, True
    for name in views.keys() & others.keys():
        layouts = (views[name].layout or (), others[name].layout or ())
        bags = [Counter(visit.node.element for visit in preorder(each)) for each in layouts]
        common += (bags[0] & bags[1]).total()
        total += bags[0].total() + bags[1].total()
        same &= layouts[0] == layouts[1]
    if same or not total:
        return float(same)
    return min(2 * common / total, 0.999)
