"""`python -m data_prep.label`: layouts for captured records, from their authors' own semantics."""

import argparse
import heapq
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from data_prep.cli.progress import Progress
from data_prep.label.explain import explain
from data_prep.label.folder import Folder
from data_prep.label.layout import Labeler, in_order, layout_of
from data_prep.label.learned.labeler import LearnedLabeler
from data_prep.label.learned.model import NodeModel
from data_prep.label.learned.model_answers import WEIGHT, ModelAnswers
from data_prep.label.marked import MarkedLabeler
from data_prep.label.node_context import CannotLabel, Item, NodeContext
from data_prep.label.rules import Table
from data_prep.label.section_tree import SectionTree
from data_prep.records.captured import RECORDS, REJECTED_FILES, Authors, read_records
from xojl_jax.errors import BadUsage
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.structure import violations
from xojl_jax.xojl.tree import used_elements

LABELERS = {"rules": Labeler, "learned": LearnedLabeler, "marks": MarkedLabeler}

USAGE = """Adds section_layout, used_elements, category and quality.label to captured records.

  python -m data_prep.label data/raw
  python -m data_prep.label data/raw --least-confidence 0.8
  python -m data_prep.label data/raw --with learned
  python -m data_prep.label data/raw --with learned --model-answers answers.jsonl
  python -m data_prep.label data/marked --with marks
  python -m data_prep.label data/raw --explain agency-dist-index-html-1a2b3c4d-002 --out why.png

Labels come from tags, ARIA, class names and styles, which capture left in DIR/author.jsonl, by a
table of rules (data_prep/label/rules.toml; docs/labels.md), by trees that learned from sections
that were read, and see what the rules say (--with learned), or from what the page itself says of
its nodes (--with marks): data-xojl="heading". DIR/labels.jsonl says which rule named which node.
Records that the rules are not sure of, and those whose labels break a rule of the
language, go to DIR/rejected.jsonl with the reason, and come back when a later run finds them good.
Records without an entry in author.jsonl stay as they are."""


def main(argv: list[str]) -> int | None:
    options = parse_flags(argv)
    folder, table = Path(options.folder), Table.load(options.rules)
    answers = read_model_answers(options)
    made = partial(label, table=table, make=make_labeler(options, answers))
    authors = Authors(folder)
    if options.explain:
        record, author = _one(folder, authors, options.explain)
        print(explain(made(record, author), folder, options.out))
        if answers and answers.missing:
            print("by the trees alone: --model-answers has no such record", file=sys.stderr)
        return None
    tally = Tally()
    with Folder(folder) as files:
        for record in Progress(list(records_in_order(folder, authors)), "records"):
            author = authors.get(record.id)
            if author is None:
                files.keep(record)
                tally.unmatched += 1
                continue
            labeled = made(record, author)
            reason = labeled.fault or too_unsure(labeled, options.least_confidence)
            files.write(labeled.record, labels_of(labeled), reason)
            tally.add(labeled, reason)
    tally.report(options.folder, without_model=answers.missing if answers else 0)
    return None


def parse_flags(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m data_prep.label",
        description=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", help="what data_prep.capture wrote")
    add_labeler_flags(parser)
    parser.add_argument(
        "--least-confidence",
        type=float,
        default=0.0,
        metavar="X",
        help="reject records whose quality.label is below X, 0 to 1 (default 0: none)",
    )
    parser.add_argument(
        "--explain", metavar="ID", help="print one record's labels with their rules; writes nothing"
    )
    parser.add_argument("--out", metavar="FILE.png", help="with --explain: draw them, too")
    options = parser.parse_args(argv)
    if not 0 <= options.least_confidence <= 1:
        raise BadUsage(f"--least-confidence {options.least_confidence:g}: give 0 to 1")
    check_labeler_flags(options)
    if options.out and not options.explain:
        raise BadUsage("--out goes with --explain ID")
    return options


def add_labeler_flags(parser: argparse.ArgumentParser) -> None:
    """Which labeler: `make_labeler` and the table in `rules` are it."""
    parser.add_argument("--rules", metavar="FILE", help="another table of rules")
    parser.add_argument(
        "--with",
        dest="labeler",
        choices=LABELERS,
        default="rules",
        help="rules alone (default), the learned labeler, or the page's own data-xojl marks",
    )
    parser.add_argument(
        "--labeler",
        dest="labeler_file",
        metavar="FILE",
        help="another model of data_prep.fit_labeler",
    )
    parser.add_argument(
        "--model-answers",
        metavar="FILE.jsonl",
        help="for --with learned: a trained model's probabilities of the same records, averaged "
        "with its own (xojl_jax.predict --records --method=nodes --node-probabilities)",
    )
    parser.add_argument(
        "--model-weight",
        type=float,
        metavar="W",
        help=f"how much the model counts there, 0 to 1 (default {WEIGHT:g})",
    )


def check_labeler_flags(options: argparse.Namespace) -> None:
    if options.labeler_file and options.labeler != "learned":
        raise BadUsage("--labeler FILE goes with --with learned")
    if options.model_answers and options.labeler != "learned":
        raise BadUsage("--model-answers FILE goes with --with learned")
    if options.model_weight is not None and not options.model_answers:
        raise BadUsage("--model-weight W goes with --model-answers FILE")
    if not 0 <= (options.model_weight or 0) <= 1:
        raise BadUsage(f"--model-weight {options.model_weight:g}: give 0 to 1")


AnyLabeler = Labeler | LearnedLabeler | MarkedLabeler
MakeLabeler = Callable[[SectionTree, Table], AnyLabeler]


@dataclass(frozen=True)
class LabeledRecord:
    """A record with its labels, or without them and the reason."""

    record: Record
    tree: SectionTree | None = None
    labeler: AnyLabeler | None = None
    category: tuple[str, float] = ("", 0.0)  # the rule's name or who else said it, its confidence
    fault: str = ""


def read_model_answers(options: argparse.Namespace) -> ModelAnswers | None:
    """What `--model-answers` names."""
    if not options.model_answers:
        return None
    weight = WEIGHT if options.model_weight is None else options.model_weight
    return ModelAnswers(options.model_answers, weight)


def make_labeler(options: argparse.Namespace, answers: ModelAnswers | None) -> MakeLabeler:
    """What `--with` names; the learned labeler's trees are loaded once."""
    made = LABELERS[options.labeler]
    if made is not LearnedLabeler:
        return made
    model = NodeModel.load(options.labeler_file)
    return partial(made, model=model, answers=answers)


def label(
    record: Record, author: list[dict], table: Table, make: MakeLabeler = Labeler
) -> LabeledRecord:
    """Labels a record; labels that it already has are dropped.

    Args:
      table: the rules; the other labelers see what they say.
      make: the labeler.
    """
    bare = replace(record, layout=None, used_elements=(), layout_nodes=None, category="other")
    bare = replace(bare, layout_confidence=None)
    bare = replace(bare, quality={k: v for k, v in (bare.quality or {}).items() if k != "label"})
    if record.html_boxes is None or len(author) != len(record.html_boxes):
        return LabeledRecord(bare, fault="author.jsonl does not fit the record")
    tree = SectionTree(record, author, table.patterns)
    try:
        labeler = make(tree, table)
    except CannotLabel as reason:
        return LabeledRecord(bare, tree, fault=str(reason))
    root = labeler.root
    if root is None:
        return LabeledRecord(bare, tree, labeler, fault="nothing to label")
    category, *why = labeler.category or _category_by_rules(table, labeler, root)
    items = in_order(root)
    layout, nodes = layout_of(tree, root), [item.index for item in items]
    # What the tree does not say, no label can be right about.
    trust = round(labeler.confidence() * bare.quality.get("capture", 1.0), 4)
    made = replace(
        bare,
        layout=layout,
        layout_nodes=tuple(nodes),
        layout_confidence=tuple(float(i.confidence) for i in items) if labeler.fitted else None,
        used_elements=used_elements(layout),
        category=category,
        quality={**bare.quality, "label": trust},
    )
    # Without boxes: those of real pages overlap and stick out, with labels that are right.
    if broken := next(violations(layout), None):
        fault = f"breaks a rule of the language: {broken.element}: {broken.rule}"
        return LabeledRecord(bare, tree, labeler, tuple(why), fault)
    return LabeledRecord(made, tree, labeler, tuple(why))


def _category_by_rules(table: Table, labeler: AnyLabeler, root: Item) -> tuple[str, str, float]:
    """The category, the rule's name, its confidence."""
    kind = table.first("category", NodeContext(labeler.tree, 0, labeler, root.children, item=root))
    return (kind.element, kind.name, kind.confidence) if kind else ("other", "", 0.0)


def too_unsure(labeled: LabeledRecord, least: float) -> str:
    confidence = (labeled.record.quality or {}).get("label", 0.0)
    return f"confidence below {least:g}" if confidence < least else ""


def labels_of(labeled: LabeledRecord) -> dict:
    """The record's entry in labels.jsonl.

    `nodes` has html node, element, rule and confidence of each label in pre-order, `nothing` the
    nodes that a rule removed, with the rule, `category` the category with its rule and confidence.
    """
    made = labeled.labeler
    items = in_order(made.root) if made and made.root else ()
    return {
        "id": labeled.record.id,
        "nodes": [[item.index, item.element, item.rule, item.confidence] for item in items],
        "nothing": [list(pair) for pair in made.nothing] if made else [],
        "category": [labeled.record.category, *labeled.category],
    }


def records_in_order(folder: Path, authors: Authors) -> Iterator[Record]:
    """The folder's records and its rejected ones, merged in the order of capture."""
    streams = (read_records(folder / name) for name in (RECORDS, *REJECTED_FILES))
    ranked = (_ranked(stream, authors) for stream in streams)
    return (record for _, record in heapq.merge(*ranked, key=lambda pair: pair[0]))


def _ranked(records: Iterator[Record], authors: Authors) -> Iterator[tuple[int, Record]]:
    # A record without an entry in author.jsonl keeps its place: right after the one before it.
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
    """Counts for the report at the end."""

    total: int = 0
    unmatched: int = 0
    rejected: Counter = field(default_factory=Counter)  # reason -> records
    categories: Counter = field(default_factory=Counter)
    elements: Counter = field(default_factory=Counter)
    confidences: list[float] = field(default_factory=list)

    def add(self, labeled: LabeledRecord, reason: str) -> None:
        self.total += 1
        if reason:
            self.rejected[reason] += 1
            return
        self.categories[labeled.record.category] += 1
        self.elements.update(labeled.record.used_elements)
        self.confidences.append(labeled.record.quality["label"])

    def report(self, folder: str, without_model: int) -> None:
        lines = [f"{len(self.confidences)} of {self.total} records labeled"]
        if self.unmatched:
            lines.append(f"  {self.unmatched} left as they are: not in author.jsonl")
        if without_model:
            lines.append(
                f"  {without_model} by the trees alone: --model-answers has no probabilities of "
                "their nodes"
            )
        for why, count in self.rejected.most_common():
            lines.append(f"  {count} rejected, in {folder}/rejected.jsonl: {why}")
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
