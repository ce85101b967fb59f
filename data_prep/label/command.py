"""`python -m data_prep.label`: layouts for captured records, from their authors' own semantics."""

import argparse
import heapq
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from data_prep.cli.progress import Progress
from data_prep.label.explain import explain
from data_prep.label.folder import Authors, Folder, read_records
from data_prep.label.law import violations
from data_prep.label.layout import Labeller, in_order, layout_of
from data_prep.label.node_context import Spot
from data_prep.label.rules import Table
from data_prep.label.section_tree import View
from xojl_jax.errors import BadUsage
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import used_elements

USAGE = """Adds section_layout, used_elements, category and quality.label to captured records.

  python -m data_prep.label data/raw
  python -m data_prep.label data/raw --least-confidence 0.8
  python -m data_prep.label data/raw --explain agency-dist-index-html-1a2b3c4d-002 --out why.png

Labels come from tags, ARIA, class names and looks, which capture left in DIR/author.jsonl, by a
table of rules (data_prep/label/rules.toml; docs/labels.md). DIR/labels.jsonl says which rule named
which node. Records that the rules are not sure of, and those whose labels break a rule of the
language, go to DIR/aside.jsonl with the reason, and come back when a later run finds them good.
Records without an entry in author.jsonl stay as they are."""


def main(argv: list[str]) -> int | None:
    options = parse_flags(argv)
    folder, table = Path(options.folder), Table.load(options.rules)
    authors = Authors(folder)
    if options.explain:
        record, author = _one(folder, authors, options.explain)
        print(explain(label(record, author, table), folder, options.out))
        return None
    tally = Tally()
    with Folder(folder) as files:
        for record in Progress(list(records_in_order(folder, authors)), "records"):
            author = authors.get(record.id)
            if author is None:
                files.keep(record)
                tally.strangers += 1
                continue
            labelled = label(record, author, table)
            reason = labelled.fault or too_unsure(labelled, options.least_confidence)
            files.write(labelled.record, labels_of(labelled), reason)
            tally.add(labelled, reason)
    tally.report(options.folder)
    return None


def parse_flags(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m data_prep.label",
        description=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", help="what data_prep.capture wrote")
    parser.add_argument("--rules", metavar="FILE", help="another table of rules")
    parser.add_argument(
        "--least-confidence",
        type=float,
        default=0.0,
        metavar="X",
        help="set records aside whose quality.label is below X, 0 to 1 (default 0: none)",
    )
    parser.add_argument(
        "--explain", metavar="ID", help="print one record's labels with their rules; writes nothing"
    )
    parser.add_argument("--out", metavar="FILE.png", help="with --explain: draw them, too")
    options = parser.parse_args(argv)
    if not 0 <= options.least_confidence <= 1:
        raise BadUsage(f"--least-confidence {options.least_confidence:g}: give 0 to 1")
    if options.out and not options.explain:
        raise BadUsage("--out goes with --explain ID")
    return options


@dataclass(frozen=True)
class Labelled:
    """A record with its labels, or without and why not."""

    record: Record
    view: View | None = None
    labeller: Labeller | None = None
    category: tuple[str, float] = ("", 0.0)  # the rule's name, its confidence
    fault: str = ""


def label(record: Record, author: list[dict], table: Table) -> Labelled:
    """Labels a record by a table. What `record` was labelled before does not matter."""
    bare = replace(record, layout=None, used_elements=(), layout_nodes=None, category="other")
    bare = replace(bare, quality={k: v for k, v in (bare.quality or {}).items() if k != "label"})
    if record.html_boxes is None or len(author) != len(record.html_boxes):
        return Labelled(bare, fault="author.jsonl does not fit the record")
    view = View(record, author, table.patterns)
    labeller = Labeller(view, table)
    root = labeller.root
    if root is None:
        return Labelled(bare, view, labeller, fault="nothing to label")
    kind = table.first("category", Spot(view, 0, labeller, root.children, item=root))
    category = kind.element if kind else "other"
    layout, nodes = layout_of(view, root), [item.index for item in in_order(root)]
    made = replace(
        bare,
        layout=layout,
        layout_nodes=tuple(nodes),
        used_elements=used_elements(layout),
        category=category,
        quality={**bare.quality, "label": labeller.confidence()},
    )
    why = (kind.name, kind.confidence) if kind else ("", 0.0)
    if broken := next(violations(root), ""):
        return Labelled(bare, view, labeller, why, f"breaks a rule of the language: {broken}")
    return Labelled(made, view, labeller, why)


def too_unsure(labelled: Labelled, least: float) -> str:
    confidence = (labelled.record.quality or {}).get("label", 0.0)
    return f"confidence below {least:g}" if confidence < least else ""


def labels_of(labelled: Labelled) -> dict:
    """The line of labels.jsonl: per label in pre-order html node, element, rule, confidence;
    the nodes that a rule took away, with the rule; the category with its rule."""
    made = labelled.labeller
    items = in_order(made.root) if made and made.root else ()
    return {
        "id": labelled.record.id,
        "nodes": [[item.index, item.element, item.rule, item.confidence] for item in items],
        "nothing": [list(pair) for pair in made.nothing] if made else [],
        "category": [labelled.record.category, *labelled.category],
    }


def records_in_order(folder: Path, authors: Authors) -> Iterator[Record]:
    """Records and those that were set aside, merged in the order in which they were captured."""
    streams = (read_records(folder / name) for name in ("records.jsonl", "aside.jsonl"))
    ranked = (_ranked(stream, authors) for stream in streams)
    return (record for _, record in heapq.merge(*ranked, key=lambda pair: pair[0]))


def _ranked(records: Iterator[Record], authors: Authors) -> Iterator[tuple[int, Record]]:
    rank = 0
    for record in records:
        rank = authors.rank(record.id, rank)
        yield rank, record


def _one(folder: Path, authors: Authors, name: str) -> tuple[Record, list[dict]]:
    author = authors.get(name)
    if author is not None:
        for record in records_in_order(folder, authors):
            if record.id == name:
                return record, author
    raise BadUsage(f"--explain {name}: no such record in {folder} and its author.jsonl")


@dataclass
class Tally:
    """What became of the records."""

    total: int = 0
    strangers: int = 0
    aside: Counter = field(default_factory=Counter)
    categories: Counter = field(default_factory=Counter)
    elements: Counter = field(default_factory=Counter)
    confidences: list[float] = field(default_factory=list)

    def add(self, labelled: Labelled, reason: str) -> None:
        self.total += 1
        if reason:
            self.aside[reason] += 1
            return
        self.categories[labelled.record.category] += 1
        self.elements.update(labelled.record.used_elements)
        self.confidences.append(labelled.record.quality["label"])

    def report(self, folder: str) -> None:
        lines = [f"{len(self.confidences)} of {self.total} records labelled"]
        if self.strangers:
            lines.append(f"  {self.strangers} left as they are: not in author.jsonl")
        for why, count in self.aside.most_common():
            lines.append(f"  {count} set aside in {folder}/aside.jsonl: {why}")
        lines += _distribution(self.confidences)
        for name, counts in (("categories", self.categories), ("records with", self.elements)):
            if counts:
                lines.append(f"{name}: " + ", ".join(f"{k} {n}" for k, n in counts.most_common()))
        print("\n".join(lines), file=sys.stderr)


def _distribution(values: list[float]) -> list[str]:
    if not values:
        return []
    values = sorted(values)
    at = {p: values[min(len(values) - 1, len(values) * p // 100)] for p in (5, 25, 50, 75)}
    return ["confidence: " + ", ".join(f"{p} % below {v:.2f}" for p, v in at.items())]
