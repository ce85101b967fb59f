"""Labels in a file of their own, for whoever may give away the labels but not the pages.

The one who has them captures the same pages and takes them over, as the answers of `sheets` are: by
the same checks, into the same files. `data_prep.records.gold` says what a line holds.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from data_prep.annotate.reading import Reading
from data_prep.annotate.sections import Section
from data_prep.records.gold import GoldSection, gold_line, gold_of, near, read_gold
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.files import write_text


def write_labels(reading: Reading, path: Path, split: str) -> tuple[int, int]:
    """Writes the labels of the finished sections.

    Args:
      split: what the lines call this set.

    Returns:
      How many were written; how many were left out, since nothing says where their nodes are.

    Raises BadUsage where there is none.
    """
    lines, placeless = [], 0
    for record in reading.finished():
        if record.html_boxes and (record.source or {}).get("uri"):
            lines.append(gold_line(gold_of(record, split)))
        else:
            placeless += 1
    if not lines:
        raise BadUsage(
            "--write-labels: no finished section has boxes and a page that it is from "
            f"({placeless} are finished)"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "\n".join(lines) + "\n")
    return len(lines), placeless


class TakenOver(NamedTuple):
    """What became of a file of labels.

    Attributes:
      faults: section -> what keeps it from being finished; "" where it is.
      by_box: how many have another tree than the one that was read, and so nodes found by box.
      absent: the pages of the labels whose section is not there.
    """

    faults: dict[str, str]
    by_box: int
    absent: list[str]


def read_labels(reading: Reading, path: Path) -> TakenOver:
    """Takes the labels of a file over, for the sections that are there."""
    gold = read_gold([path])
    for each in gold:
        _check(each, reading.about["kind"], path)
    faults, by_box = {}, 0
    used = set()
    for name, number, section in _found(reading, gold):
        used.add(number)
        by_box += section.fingerprint != gold[number].tree
        try:
            labels = nodes_of(gold[number], section)
            faults[name] = reading.decide_all(name, labels, gold[number].category)
        except (BadInput, BadUsage) as error:
            faults[name] = str(error)
    absent = [each.uri for number, each in enumerate(gold) if number not in used]
    return TakenOver(faults, by_box, absent)


def _check(gold: GoldSection, kind: str, path: Path) -> None:
    """Raises BadInput or BadUsage where these labels cannot be taken over."""
    if not gold.nodes or not gold.category:
        raise BadInput(f"{path}: {gold.uri}: a line without `nodes` or `category`: nobody can tell")
    if gold.kind and gold.kind != kind:
        flag = "give --model" if gold.kind == "model" else "leave --model out"
        raise BadUsage(f"{path}: a {gold.kind} read them: {flag}, since the records say so, too")


def _found(reading: Reading, gold: list[GoldSection]) -> Iterator[tuple[str, int, Section]]:
    """Each section of which the file has labels, with the number of its line among `gold`."""
    by_page = defaultdict(list)
    for number, each in enumerate(gold):
        by_page[each.uri].append(number)
    for name in reading.sections.names:
        section = reading.sections[name]
        for number in by_page.get((section.record.source or {}).get("uri"), ()):
            if gold[number].is_of(section.record):
                yield name, number, section
                break


def nodes_of(gold: GoldSection, section: Section) -> dict[int, str]:
    """Html node -> element, of a section that was read elsewhere.

    The nodes are those that were read where the tree is the same. Where it is another one, a label
    goes to the node of its box that is the nearest in order.

    Raises BadInput where there is no such node, or one for two labels.
    """
    boxes = section.record.html_boxes or ()
    labels: dict[int, str] = {}
    for (element, box, _), number in zip(gold.labels, gold.nodes, strict=True):
        node = number
        if section.fingerprint != gold.tree:
            fits = [i for i, other in enumerate(boxes) if near(box, other[:4])]
            if not fits:
                raise BadInput(f"no node has the box of {element} {number}: the page has changed")
            node = min(fits, key=lambda i: abs(i - number))
        if node in labels:
            raise BadInput(
                f"node {node} would be {labels[node]} and {element}: the page has changed"
            )
        labels[node] = element
    return labels
