"""`python -m data_prep.agreement`: compares labels with labels made by hand."""

import argparse
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

from data_prep.agreement.counts import Comparison
from data_prep.agreement.matching import SAME, iou
from data_prep.agreement.tables import Tables, document
from data_prep.records.captured import LABELS, REJECTED_FILES, read_records
from data_prep.records.gold import (
    BoxLabel,
    GoldSection,
    from_nodes,
    read_all,
    read_gold,
    record_labels,
)
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import CONTAINERS, preorder

USAGE = """Compares the labels of a folder of records with labels made by hand.

  python -m data_prep.agreement --gold tests/data_prep/gold/tuned-3.jsonl data/raw
  python -m data_prep.agreement --gold tuned-1.jsonl --gold mine.jsonl --split mine data/raw
  python -m data_prep.agreement --document --gold a.jsonl --gold b.jsonl data/raw
  python -m data_prep.agreement --gold data/read/ana data/read/bo
  python -m data_prep.agreement --from-nodes hand.jsonl --split mine data/raw > mine.jsonl

Labels made by hand are a file, or a folder of records that a person read (data_prep.annotate).
A label agrees where the element is the same and the boxes overlap by 0.7 (intersection over union),
one to one. Records are found by source.uri and source.box, those of a folder by their id; rejected
ones count, too, and one without labels has missed them all. Per element: precision, recall and F1
over all labels.
`leaves + advanced` is every element but the five of layout. `containers` are grid, column, wrapper,
freedom, and sections inside a section; the root of a record, which is always right, never counts,
unless --roots says so. Intervals are 95 %, from 1,000 samples of whole pages. `per tag` is the
baseline that gives each tag what its nodes mostly are (often: nothing) in the gold labels of split
`tuned-1`, or in all that are given where that one is not. Where the labels made by hand name a
category, categories are compared, too; and quality.label with the F1 that sections turn out to
have, by Spearman's rank correlation."""
Pair = tuple[GoldSection, Record]


def main(argv: list[str]) -> int | None:
    options = parse_flags(argv)
    folder = Path(options.folder)
    records = [*read_all(folder), *_rejected(folder, options.kept)]
    if options.from_nodes:
        lines = Path(options.from_nodes).read_text(encoding="utf-8").splitlines()
        by_id = {record.id: record for record in records}
        print("\n".join(from_nodes(lines, by_id, options.split)))
        return None
    pairs, absent = paired(read_gold(options.gold), records)
    if not pairs:
        raise BadInput(f"{folder}: none of the {absent} sections labeled by hand is in it")
    table = tag_table(pairs, roots=options.roots)
    scored = [pair for pair in pairs if options.split in ("", pair[0].split)]
    if not scored:
        raise BadUsage(f"--split {options.split}: no section that was found has this name")
    if options.document:
        parts = {
            name: [pair for pair in scored if pair[0].split == name] for name in _names(scored)
        }
        print(
            document({name: _tables(part, folder, table, options) for name, part in parts.items()})
        )
        return None
    tables = _tables(scored, folder, table, options)
    if options.json:
        print(json.dumps(tables.as_dict(), indent=1))
    else:
        print(tables.markdown() if options.markdown else tables.text())
    if absent:
        print(f"{absent} sections labeled by hand are not in {folder}", file=sys.stderr)
    return None


def _names(pairs: list[Pair]) -> list[str]:
    """The names of the gold splits, in the order in which they were given."""
    return list(dict.fromkeys(section.split for section, _ in pairs))


def _tables(pairs: list[Pair], folder: Path, table: dict[str, str], options) -> Tables:
    made = compare(pairs, read_rules(folder), roots=options.roots)
    return Tables(made, per_tag(pairs, table, roots=options.roots), len(pairs))


def parse_flags(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m data_prep.agreement",
        description=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", help="what data_prep.label labeled")
    parser.add_argument(
        "--gold",
        action="append",
        default=[],
        metavar="FILE|DIR",
        help="labels made by hand; repeatable",
    )
    parser.add_argument("--kept", action="store_true", help="leave out rejected records")
    parser.add_argument("--roots", action="store_true", help="count the roots of records, too")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--markdown", action="store_true", help="print tables for a document")
    parser.add_argument(
        "--document", action="store_true", help="print the tables of docs/labels.md, part by part"
    )
    parser.add_argument(
        "--from-nodes", metavar="FILE", help="turn labels by html node into labels by box"
    )
    parser.add_argument(
        "--split",
        default="",
        metavar="NAME",
        help="score this part alone (or --from-nodes: name it)",
    )
    options = parser.parse_args(argv)
    if bool(options.gold) == bool(options.from_nodes):
        raise BadUsage("give --gold FILE to compare, or --from-nodes FILE to convert")
    return options


def _rejected(folder: Path, leave_out: bool) -> list[Record]:
    if leave_out:
        return []
    return [record for name in REJECTED_FILES for record in read_records(folder / name)]


def paired(gold: list[GoldSection], records: list[Record]) -> tuple[list[Pair], int]:
    """Every gold section with its record, and how many have none."""
    by_page = defaultdict(list)
    for record in records:
        by_page[(record.source or {}).get("uri") or ""].append(record)
    pairs = []
    for section in gold:
        found = next((r for r in by_page[section.uri] if section.is_of(r)), None)
        if found is not None and found.html_boxes is not None:
            pairs.append((section, found))
    return pairs, len(gold) - len(pairs)


# --- what is compared ------------------------------------------------------------------------


def gold_labels(section: GoldSection, *, roots: bool = False) -> list[BoxLabel]:
    """Labels made by hand, without the root unless `roots`."""
    if roots:
        return list(section.labels)
    # The root is told by its box: gold labels are a list of boxes, not a tree.
    whole = (0.0, 0.0, *section.box[2:])
    root = next(
        (x for x in section.labels if x.element == "section" and iou(x.box, whole) > 0.95), None
    )
    return [label for label in section.labels if label is not root]


def read_rules(folder: Path) -> dict[str, dict]:
    """The lines of labels.jsonl, by record; empty where labels came from elsewhere."""
    path = folder / LABELS
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {entry["id"]: entry for entry in map(json.loads, lines)}


def compare(pairs: list[Pair], by_record: dict[str, dict], *, roots: bool = False) -> Comparison:
    """Records' labels against gold ones, and each rule's share of right labels."""
    out = Comparison()
    for section, record in pairs:
        entry = by_record.get(record.id, {})
        rules = {node: rule for node, _, rule, _ in entry.get("nodes", ())}
        gold = gold_labels(section, roots=roots)
        lost = out.add(section.uri, gold, record_labels(record, rules, roots=roots))
        # A rule that removes a node was right unless a missed gold label has that node's box.
        for node, rule in entry.get("nothing", ()):
            box = record.html_boxes[node][:4]
            right = not any(iou(label.box, box) >= SAME for label in lost)
            out.rules[rule, "nothing", right] += 1
        if section.category:
            rule = entry.get("category", ("", ""))[1]
            out.categories[section.category, record.category, rule] += 1
        if "label" in (record.quality or {}):
            out.trust.append((record.quality["label"], out.last_f1))
    return out


# --- the baseline ----------------------------------------------------------------------------


def tag_table(pairs: list[Pair], split: str = "tuned-1", *, roots: bool = False) -> dict[str, str]:
    """tag -> its most frequent element in the gold of a split (of all, where that is not there);
    "" where it mostly has none."""
    seen: dict[str, Counter] = defaultdict(Counter)
    learned = [pair for pair in pairs if pair[0].split == split] or pairs
    for section, record in learned:
        named = _nodes_of(section, record)
        for visit in preorder(record.html)[not roots :]:
            seen[visit.node.tag][named.get(visit.index, "")] += 1
    return {tag: counts.most_common(1)[0][0] for tag, counts in seen.items()}


def per_tag(pairs: list[Pair], table: dict[str, str], *, roots: bool = False) -> Comparison:
    """The baseline: every node gets the one element of its tag (`tag_table`)."""
    out = Comparison()
    for section, record in pairs:
        made, end = [], 0
        for visit in preorder(record.html)[not roots :]:
            element = table.get(visit.node.tag)
            if visit.index >= end and element:
                made.append(BoxLabel(element, record.html_boxes[visit.index][:4]))
                if element not in CONTAINERS:
                    end = visit.subtree_end  # nothing inside a leaf
        out.add(section.uri, gold_labels(section, roots=roots), made)
    return out


def _nodes_of(section: GoldSection, record: Record) -> dict[int, str]:
    """html node -> gold element.

    Nodes often have equal boxes. Of those a leaf's label goes to the innermost and a container's to
    the outermost that has no label yet.
    """
    out: dict[int, str] = {}
    boxes = [box[:4] for box in record.html_boxes]
    for label in section.labels:
        free = [i for i in range(len(boxes)) if i not in out and iou(boxes[i], label.box) > 0.9]
        if free:
            out[free[0] if label.element in CONTAINERS else free[-1]] = label.element
    return out
