"""What a page says of an element: the answer that the trees are made of."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Extracted:
    """One element and everything in it that shows, in depth-first pre-order.

    Attributes:
      box: [x, y, width, height] of the root on the full page, whole CSS px.
      nodes: one dict a node: `tag`, `parent` (index, -1 for the root), `box` ([x, y, w, h] of the
        part that shows, relative to the root's corner), `z` (paint order, 0 at the back), `styles`
        (property -> value), `content` ([kind, element children before it] pairs), `held`
        (of each content what was there: the text, a picture's natural [w, h] or None, for an svg
        None), `marks` (data-xojl* attributes), `author` (the author's words, for labeling only).
      full: there were more nodes than the limit; the rest is missing.
      variants: `hover`, `tablet`, `mobile` -> per node {property: value} of what differs there from
        `styles`, or None for a node that is gone; empty until `Page.read_variants`.
    """

    box: list[int]
    nodes: list[dict[str, Any]]
    full: bool = False
    variants: dict[str, list[dict[str, str] | None]] = field(default_factory=dict)
