"""The answer that needs no model: every node gets its tag's most frequent element."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from xojl_jax.tasks.layout.answer import DecodedLayout
from xojl_jax.tasks.layout.baseline import TagBaseline
from xojl_jax.tasks.layout.views import VIEWS
from xojl_jax.xojl.record import CATEGORIES, Record, category_index
from xojl_jax.xojl.tree import ELEMENTS, Forest


def fit(records: Iterable[Record]) -> dict[str, Any]:
    """The table, ready for JSON: "labels", tag -> element, None where it is merged into its parent;
    "default", of tags that do not occur; "category", the most frequent one.

    Raises BadInput where no record has a label.
    """
    categories: Counter[str] = Counter()

    def counted() -> Iterable[Record]:
        for record in records:
            if record.layout is not None:
                categories[CATEGORIES[category_index(record.category)]] += 1
            yield record

    baseline = TagBaseline.fit(counted())
    labels = {tag: _name(label) for tag, label in sorted(baseline.labels.items())}
    category = min(categories, key=lambda name: (-categories[name], name))
    return {"labels": labels, "default": _name(baseline.default), "category": category}


def guess(table: Mapping[str, Any], html: Forest, mode: str) -> dict[str, DecodedLayout] | None:
    """The layout by view; None where nothing of the tree is left, or there is no tree."""
    labels = {tag: _number(name) for tag, name in table["labels"].items()}
    found = TagBaseline(labels, _number(table["default"])).predict(html)
    if not found.forest:
        return None
    nodes = {"detail": found.nodes, "semantic": ()}
    return {view: DecodedLayout(found.forest, nodes[view], True, None) for view in VIEWS[mode]}


def _name(label: int) -> str | None:
    return ELEMENTS[label] if 0 <= label < len(ELEMENTS) else None


def _number(name: str | None) -> int:
    return ELEMENTS.index(name) if name in ELEMENTS else -1
