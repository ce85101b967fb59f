"""`python -m data_prep.label`: layouts for captured records, from their authors' own semantics."""

import argparse
import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from data_prep.categories import category_of
from data_prep.components.law import violations
from data_prep.label_layout import layout_of
from data_prep.label_view import View
from data_prep.progress import Progress
from xojl_jax import command
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.record import Record, read_directory, record_to_json
from xojl_jax.xojl.tree import used_elements

USAGE = """Adds section_layout, used_elements and category to the records of a folder.

  python -m data_prep.label data/raw

Labels come from tags, ARIA, class names and looks, which capture left in DIR/author.jsonl. A record
whose labels break a rule of the language is left without them, and counted. Records that were
labelled before are labelled anew; records without an entry in author.jsonl stay as they are."""


def main(argv: list[str]) -> int | None:
    parser = argparse.ArgumentParser(
        "python -m data_prep.label",
        description=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", help="what data_prep.capture wrote")
    folder = Path(parser.parse_args(argv).folder)
    authors = read_authors(folder)
    lines = folder / "records.jsonl"
    if not lines.is_file():
        raise BadInput(f"{folder}: no records.jsonl (data_prep.capture writes it)")
    elements, categories, faults = Counter(), Counter(), Counter()
    out = []
    for where, record in Progress(list(read_directory(folder)), "records"):
        if isinstance(record, BadInput):
            raise BadInput(f"{record}: remove it, or capture again")
        if not where.startswith(lines.name):
            continue  # a record in a file of its own is not ours to rewrite
        if record.id in authors:
            record, fault = label(record, authors[record.id])
            faults.update([fault] if fault else [])
            elements.update(record.used_elements)
            categories.update([record.category] if record.layout else [])
        out.append(record_to_json(record))
    temporary = lines.with_suffix(".tmp")
    try:
        temporary.write_text("".join(line + "\n" for line in out), encoding="utf-8")
        temporary.replace(lines)
    except OSError as error:
        raise BadUsage(f"{lines}: cannot write ({error.strerror})") from error
    report(len(out), categories, elements, faults)
    return None


def read_authors(folder: Path) -> dict[str, list[dict]]:
    """What authors called the nodes of each record, by record id."""
    path = folder / "author.jsonl"
    if not path.is_file():
        raise BadInput(
            f"{folder}: no author.jsonl (data_prep.capture writes it beside the records)"
        )
    authors = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            entry = json.loads(line)
            authors[entry["id"]] = entry["nodes"]
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{path}:{number}: not an entry of data_prep.capture") from error
    return authors


def label(record: Record, author: list[dict]) -> tuple[Record, str]:
    """The record with its layout, or without one and why not."""
    bare = replace(record, layout=None, used_elements=(), layout_nodes=None, category="other")
    if record.html_boxes is None or len(author) != len(record.html_boxes):
        return bare, "author.jsonl does not fit the record"
    view = View(record, author)
    made = layout_of(view)
    if made is None:
        return bare, "nothing to label"
    layout, nodes = made
    broken = next(violations(layout, [view.box[index] for index in nodes]), None)
    if broken:
        kind, _, what = broken.partition(": ")
        return bare, f"{kind.split()[0]}: {''.join(c for c in what if not c.isdigit())}"
    return (
        replace(
            record,
            layout=layout,
            layout_nodes=tuple(nodes),
            used_elements=used_elements(layout),
            category=category_of(view, layout),
        ),
        "",
    )


def report(total: int, categories: Counter, elements: Counter, faults: Counter) -> None:
    lines = [f"{sum(categories.values())} of {total} records labelled"]
    lines += [f"  {count} not labelled: {why}" for why, count in faults.most_common()]
    lines.append("categories: " + ", ".join(f"{k} {n}" for k, n in categories.most_common()))
    lines.append("records with: " + ", ".join(f"{k} {n}" for k, n in elements.most_common()))
    print("\n".join(lines), file=sys.stderr)


if __name__ == "__main__":
    command.run(main)
