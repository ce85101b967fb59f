"""Labels made by hand: of records that were read, or alone, in files that name the pages.

A file has a line for each section, and nothing of the page but boxes:

    {"uri", "section": [x, y, w, h], "split", "category", "labels": [[element, [x, y, w, h]], …],
     "nodes": [0, 3, …], "tree", "kind"}

`nodes` and what follows are there where the labels may be given to HTML nodes again.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from xojl_jax.errors import BadInput
from xojl_jax.xojl.record import CATEGORIES, Record, read_directory
from xojl_jax.xojl.tree import ELEMENTS, Node, preorder, print_html

Box = tuple[float, float, float, float]  # x, y, width, height, px from the section's corner
TOLERANCE = 2.0  # px by which a section may have moved since it was labeled


class BoxLabel(NamedTuple):
    element: str
    box: Box
    rule: str = ""  # that made the label, where that is known


@dataclass(frozen=True)
class GoldSection:
    """One section as a person labeled it.

    Attributes:
      box: on the page.
      id: of the record that was read; "" where labels are all that is left of it.
      nodes: the html node of each label, in the tree that was read; () where nobody said.
      tree: `tree_hash` of that tree; "" where nobody said.
      kind: of reader, "person" or "model"; "" where nobody said.
    """

    uri: str
    box: Box
    split: str
    labels: tuple[BoxLabel, ...]
    category: str = ""  # "": not labeled
    id: str = ""
    nodes: tuple[int, ...] = ()
    tree: str = ""
    kind: str = ""

    def is_of(self, record: Record) -> bool:
        """Whether a record shows this section."""
        if self.id:
            return record.id == self.id
        source = record.source or {}
        if source.get("uri") != self.uri or source.get("box") is None:
            return False
        return near(source["box"], self.box)


def near(one: Sequence[float], two: Sequence[float]) -> bool:
    """Whether two boxes are the same but for what a page may move."""
    return all(abs(a - b) <= TOLERANCE for a, b in zip(one, two, strict=True))


def read_gold(paths: Iterable[Path | str]) -> list[GoldSection]:
    """The sections of files of lines {"uri", "section", "split", "category", "labels":
    [[element, box], …]}, where split and category may be missing; and of folders of records, such
    as data_prep.annotate writes."""
    sections = []
    for path in map(Path, paths):
        if path.is_dir():
            sections += read_folder(path)
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise BadInput(f"{path}: cannot read the labels ({error.strerror})") from error
        for number, line in enumerate(lines, 1):
            try:
                sections.append(_section(json.loads(line)))
            except (ValueError, KeyError, TypeError) as error:
                raise BadInput(
                    f"{path}:{number}: not a section labeled by hand: {error}"
                ) from error
    if not sections:
        raise BadInput("no section labeled by hand in the files that were given")
    return sections


def read_folder(path: Path) -> list[GoldSection]:
    """The labeled records with boxes of a folder. Its name is their split."""
    sections = []
    for record in read_all(path):
        if record.layout is not None and record.html_boxes:
            sections.append(gold_of(record, path.name))
    return sections


def gold_of(record: Record, split: str) -> GoldSection:
    """The labels of a record that was read and has boxes."""
    source = record.source or {}
    return GoldSection(
        uri=source.get("uri") or "",
        # Without a place on the page a section is as large as its outermost node.
        box=_box(source.get("box") or record.html_boxes[0][:4]),
        split=split,
        labels=tuple(record_labels(record, roots=True)),
        category=record.category if record.category in CATEGORIES else "",
        id=record.id or "",
        nodes=tuple(record.elements_by_node()),
        tree=tree_hash(record.html),
        kind=record.extra.get("reading", {}).get("kind", ""),
    )


def gold_line(gold: GoldSection) -> str:
    """The section as a line of a file, without what it was read from."""
    entry = {
        "uri": gold.uri,
        "section": [_short(value) for value in gold.box],
        "split": gold.split,
        "category": gold.category,
        "labels": [_written(label.element, label.box) for label in gold.labels],
        "nodes": list(gold.nodes),
        "tree": gold.tree,
        "kind": gold.kind,
    }
    return json.dumps({key: value for key, value in entry.items() if value})


def tree_hash(html: Sequence[Node]) -> str:
    """Changes with the tree, whose nodes labels name by number."""
    return hashlib.sha256(print_html(html).encode("utf-8")).hexdigest()[:16]


def read_all(folder: Path) -> Iterator[Record]:
    """The records of a folder, one in memory at a time. Raises BadInput at the first bad one."""
    for _, record in read_directory(folder):
        if isinstance(record, BadInput):
            raise BadInput(f"{record}: remove it, or capture again") from record
        yield record


def record_labels(
    record: Record, rules: Mapping[int, str] = MappingProxyType({}), *, roots: bool = False
) -> list[BoxLabel]:
    """A record's labels, without its root unless `roots`. `rules`: html node -> rule."""
    if record.layout is None:
        return []
    nodes = zip(preorder(record.layout), record.alignment(), strict=True)
    return [
        BoxLabel(visit.node.element, record.html_boxes[index][:4], rules.get(index, ""))
        for visit, index in nodes
        if index is not None and visit.index >= (not roots) and visit.node.element in ELEMENTS
    ]


def _section(entry: dict) -> GoldSection:
    labels = tuple(BoxLabel(element, _box(box)) for element, box in entry["labels"])
    for label in labels:
        if label.element not in ELEMENTS:
            raise ValueError(f"{label.element!r} is no element")
    category = str(entry.get("category", ""))
    if category and category not in CATEGORIES:
        raise ValueError(f"{category!r} is no category")
    split = str(entry.get("split", ""))
    nodes = tuple(map(int, entry.get("nodes", ())))
    if nodes and len(nodes) != len(labels):
        raise ValueError(f"{len(labels)} labels, but {len(nodes)} nodes")
    return GoldSection(
        str(entry["uri"]),
        _box(entry["section"]),
        split,
        labels,
        category,
        nodes=nodes,
        tree=str(entry.get("tree", "")),
        kind=str(entry.get("kind", "")),
    )


def _box(values: Sequence[float]) -> Box:
    x, y, width, height = map(float, values)
    return x, y, width, height


def from_nodes(lines: Iterable[str], records: dict[str, Record], split: str) -> Iterator[str]:
    """Turns labels by html node, {"id", "labels": [[node, element], …]}, into labels by box.

    Args:
      lines: JSON texts; `note` and other fields are ignored.
      records: by id.
      split: a name for this part.
    """
    for line in lines:
        entry = json.loads(line)
        record = records.get(entry["id"])
        if record is None or record.html_boxes is None:
            raise BadInput(f"{entry['id']}: no such record with boxes")
        labels = []
        for index, element in entry["labels"]:
            if element not in ELEMENTS:
                raise BadInput(f"{entry['id']}: {element!r} is no element")
            labels.append(_written(element, record.html_boxes[index][:4]))
        source = record.source
        gold = {"uri": source["uri"], "section": source["box"], "split": split, "labels": labels}
        yield json.dumps(gold)


def _written(element: str, box: Sequence[float]) -> list:
    return [element, [_short(value) for value in box]]


def _short(value: float) -> float:
    value = round(value, 1)
    return int(value) if math.isclose(value, int(value)) else value
