"""Sections that were read, as the learned labeler takes them: features and labels by html node."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_prep.label.layout import Labeler, in_order
from data_prep.label.learned.features import SectionFeatures
from data_prep.label.learned.section_features import BY_RULES, section_features
from data_prep.label.rules import Table
from data_prep.label.section_tree import SectionTree
from data_prep.records.captured import Authors
from xojl_jax.errors import BadInput
from xojl_jax.xojl.best_labels import NOTHING
from xojl_jax.xojl.record import CATEGORIES, Record, category_index, read_directory
from xojl_jax.xojl.tree import ELEMENTS, preorder

_OTHER = CATEGORIES.index("other")


class Example(NamedTuple):
    """One section.

    Attributes:
      id: of the record.
      site: its maker; one maker's sections are never on both sides of a split.
      rows: float32 [nodes, features].
      labels: int [nodes], a place in ELEMENTS or `NOTHING`, as read.
      by_rules: the same, as the rules say.
      children: of each node.
      shows: whether it has content of its own (`SectionTree`).
      features: names of the columns.
      category: a place in CATEGORIES, as read.
      category_by_rules: the same, as the rules say.
      section: the features of the section as a whole, by name.
    """

    id: str
    site: str
    rows: np.ndarray
    labels: np.ndarray
    by_rules: np.ndarray
    children: Sequence[Sequence[int]]
    shows: Sequence[bool]
    features: Sequence[str]
    category: int
    category_by_rules: int
    section: Mapping[str, float]


def read_sections(folders: Iterable[Path]) -> list[Record]:
    """The labeled records of folders, each id once: of the first folder that has it."""
    found: dict[str, Record] = {}
    for folder in folders:
        for _, record in read_directory(folder):
            if isinstance(record, BadInput):
                raise BadInput(f"{record}: remove it, or read the section again") from record
            if record.layout is not None and record.id and record.html_boxes:
                found.setdefault(record.id, record)
    if not found:
        raise BadInput("no labeled section in the folders of --read")
    return list(found.values())


def examples(
    records: Iterable[Record],
    authors: Sequence[Authors],
    table: Table,
    parts: Sequence[str] | None = None,
) -> Iterator[Example | None]:
    """An example for each record, of some `parts` of what describes nodes; None where no
    author.jsonl has it."""
    for record in records:
        author = next((found for one in authors if (found := one.get(record.id))), None)
        if author is None or len(author) != len(record.html_boxes or ()):
            yield None
            continue
        tree = SectionTree(record, author, table.patterns)
        rules = Labeler(tree, table)
        by_rules = np.full(len(tree), NOTHING)
        for item in in_order(rules.root) if rules.root else ():
            by_rules[item.index] = ELEMENTS.index(item.element)
        source = record.source or {}
        site = source.get("site") or source.get("uri") or ""
        seen = SectionFeatures(tree, table, rules, parts)
        section = section_features(tree, table, rules)
        yield Example(
            record.id or "",
            site,
            seen.rows,
            _labels(record),
            by_rules,
            tree.children,
            tree.shows,
            seen.names,
            category_index(record.category),
            int(section[BY_RULES]) if section[BY_RULES] >= 0 else _OTHER,
            section,
        )


def _labels(record: Record) -> np.ndarray:
    labels = np.full(len(preorder(record.html)), NOTHING)
    for node, element in record.elements_by_node().items():
        labels[node] = ELEMENTS.index(element)
    return labels
