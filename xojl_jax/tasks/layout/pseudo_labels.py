"""An answer as the label of a record that a model may learn from (self-training)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from xojl_jax.tasks.base import PseudoLabel
from xojl_jax.tasks.layout.answer import DecodedLayout
from xojl_jax.tasks.layout.confidence import right_nodes
from xojl_jax.xojl.record import Record, record_to_json
from xojl_jax.xojl.tree import parse_layout, used_elements

# What the record said of the label that the answer replaces.
_OF_LABELS = ("label", "reader", "agreement")


def pseudo_label(record: Record, picture: bytes, values: Mapping[str, Any]) -> PseudoLabel | None:
    """The record with a detail layout in place of its own, and how sure each node of it is.

    Args:
      values: the answer with its confidences, as `LayoutInference.to_values` gives it.

    Returns:
      None where the answer has no node.
    """
    if not values["layout"]:
        return None
    layout = parse_layout(values["layout"])
    nodes, sure = tuple(values["nodes"]), tuple(values["confidence"])
    labeled = replace(
        record,
        layout=layout,
        layout_nodes=nodes,
        layout_confidence=sure,
        used_elements=used_elements(layout),
        category=values["category"],
        quality={k: v for k, v in (record.quality or {}).items() if k not in _OF_LABELS},
        extra={**record.extra, "labeled_by": "model"},
    )
    right = None
    if record.layout is not None:
        answer = DecodedLayout(layout, nodes, completed=True, score=None)
        right = tuple(right_nodes(answer, record))
    return PseudoLabel(record_to_json(labeled), picture, sure, right)
