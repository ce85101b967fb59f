"""Labels made by hand, and the matching of other labels with them, by element and box."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from xojl_jax.errors import BadInput
from xojl_jax.xojl.record import CATEGORIES, Record, read_directory
from xojl_jax.xojl.tree import ELEMENTS, preorder

Box = tuple[float, float, float, float]  # x, y, width, height, px from the section's corner
SAME = 0.7  # intersection over union from which two boxes count as the same
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
      id: of the record that was read; "" where labels by box are all that is left of it.
    """

    uri: str
    box: Box
    split: str
    labels: tuple[BoxLabel, ...]
    category: str = ""  # "": not labeled
    id: str = ""

    def is_of(self, record: Record) -> bool:
        """Whether a record shows this section."""
        if self.id:
            return record.id == self.id
        source = record.source or {}
        if source.get("uri") != self.uri or source.get("box") is None:
            return False
        return all(abs(a - b) <= TOLERANCE for a, b in zip(source["box"], self.box, strict=True))


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
            source = record.source or {}
            # Without a place on the page a section is as large as its outermost node.
            box = _box(source.get("box") or record.html_boxes[0][:4])
            labels = tuple(record_labels(record, roots=True))
            category = record.category if record.category in CATEGORIES else ""
            uri = source.get("uri") or ""
            sections.append(GoldSection(uri, box, path.name, labels, category, record.id or ""))
    return sections


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
    return GoldSection(str(entry["uri"]), _box(entry["section"]), split, labels, category)


def _box(values: Sequence[float]) -> Box:
    x, y, width, height = map(float, values)
    return x, y, width, height


# --- matching --------------------------------------------------------------------------------


def iou(one: Box, two: Box) -> float:
    """Intersection over union, with sides of 2 px at least.

    A divider is 1 px thick: one px of difference would make the overlap 0.
    """
    one, two = _thick(one), _thick(two)
    wide = min(one[0] + one[2], two[0] + two[2]) - max(one[0], two[0])
    tall = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
    common = max(0.0, wide) * max(0.0, tall)
    return common / (one[2] * one[3] + two[2] * two[3] - common)


def _thick(box: Box) -> Box:
    return box[0], box[1], max(box[2], 2.0), max(box[3], 2.0)


class Matched(NamedTuple):
    """Indices into the two lists of labels."""

    right: list[tuple[int, int]]  # (gold, made): same element, same box
    confused: list[tuple[int, int]]  # same box, another element
    missed: list[int]  # gold labels that nothing fits
    extra: list[int]  # made labels that fit nothing


def match(gold: Sequence[BoxLabel], made: Sequence[BoxLabel]) -> Matched:
    """Matches one to one, greedily by overlap: labels with equal elements first."""
    free_gold, free_made = set(range(len(gold))), set(range(len(made)))
    pairs = []
    for g in free_gold:
        for m in free_made:
            overlap = iou(gold[g].box, made[m].box)
            if overlap >= SAME:
                pairs.append((gold[g].element != made[m].element, -overlap, g, m))
    right, confused = [], []
    for differ, _, g, m in sorted(pairs):
        if g in free_gold and m in free_made:
            free_gold.remove(g)
            free_made.remove(m)
            (confused if differ else right).append((g, m))
    return Matched(right, confused, sorted(free_gold), sorted(free_made))


# --- from node indices -----------------------------------------------------------------------


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
            labels.append([element, [_short(v) for v in record.html_boxes[index][:4]]])
        source = record.source
        gold = {"uri": source["uri"], "section": source["box"], "split": split, "labels": labels}
        yield json.dumps(gold)


def _short(value: float) -> float:
    value = round(value, 1)
    return int(value) if math.isclose(value, int(value)) else value
