"""`python -m data_prep.validate`: checks every record of a data set, and says what is in it."""

import argparse
import json
import os
import sys
from pathlib import Path

from data_prep.cli.flags import add_workers
from data_prep.cli.progress import Progress
from data_prep.records.entries import Folder, Shards, open_source
from data_prep.validate import vocabulary
from data_prep.validate.duplicates import find_pairs
from data_prep.validate.findings import Totals, inspect_all, mark_pairs, mark_repeats
from data_prep.validate.overview import Overview
from data_prep.validate.repair import recode, repair, tell
from data_prep.validate.report import write_report
from data_prep.validate.report_terminal import print_summary
from xojl_jax.errors import BadUsage
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import parse_record

USAGE = """Checks every record of a folder: text, trees, screenshots, boxes, labels, duplicates.
Prints what is wrong and what is in it. Shards made by data_prep.build are checked, too, and then
whether a record of one split is like one of another.

  python -m data_prep.validate data/raw
  python -m data_prep.validate data/raw --report check.html --json check.json
  python -m data_prep.validate data/raw --fix
  python -m data_prep.validate data/shards
  python -m data_prep.validate data/raw --write-codebook mine.toml --write-tokenizer mine.json

Exit code 0 when every record is sound, 1 when any is bad (each with what and where).
docs/validation.md explains every check and every repair."""


def main(argv: list[str]) -> int:
    options = parse_flags(argv)
    source = open_source(options.folder)
    outputs = (options.report, options.json, options.write_codebook, options.write_tokenizer)
    for path in filter(None, outputs):
        _check_output(Path(path), source.path)
    overview = read_overview(source, options.workers)
    changes = []
    if options.fix:
        for step in (recode, repair):
            if done := step(source, overview):
                changes += done
                overview = read_overview(source, options.workers)
        tell(changes)
    print_summary(overview)
    if options.json:
        data = overview.to_json() | {"fixed": [change._asdict() for change in changes]}
        text = json.dumps(data, ensure_ascii=False, indent=1)
        Path(options.json).write_text(text + "\n", encoding="utf-8")
        print(f"json: {options.json}", file=sys.stderr)
    if options.report:
        write_report(Path(options.report), source, overview, options.pictures, changes)
        print(f"report: {options.report}", file=sys.stderr)
    write_vocabularies(source, overview, options)
    return 1 if overview.bad else 0


def write_vocabularies(source: Folder | Shards, overview: Overview, options) -> None:
    """What `--write-codebook` and `--write-tokenizer` ask for."""
    if options.write_codebook:
        book = vocabulary.extend_codebook(Codebook.load(), overview.totals.coverage)
        vocabulary.write_codebook(Path(options.write_codebook), book)
        print(f"codebook: {options.write_codebook}", file=sys.stderr)
    if options.write_tokenizer:
        records = (
            parse_record(source.text(entry), where=entry.where)
            for entry, found in zip(source.entries(), overview.findings, strict=True)
            if found.readable
        )
        tokenizer = vocabulary.train_tokenizer(vocabulary.count_classes(records), options.pieces)
        vocabulary.write_tokenizer(Path(options.write_tokenizer), tokenizer)
        print(f"tokenizer: {options.write_tokenizer}", file=sys.stderr)


def parse_flags(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m data_prep.validate",
        description=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folder", metavar="DIR", help="records.jsonl (or *.json) and screenshots; or shards"
    )
    parser.add_argument(
        "--report", metavar="FILE.html", help="write one page with pictures and plots, too"
    )
    parser.add_argument("--json", metavar="FILE", help="write all figures and problems, too")
    parser.add_argument(
        "--fix",
        action="store_true",
        help="repair what can only mean one thing; the old files go to DIR/before-fix",
    )
    parser.add_argument(
        "--pictures",
        type=int,
        default=240,
        metavar="N",
        help="records shown on the page (default 240, some 10 kB each)",
    )
    parser.add_argument(
        "--write-codebook",
        metavar="FILE.toml",
        help="write the codebook with the frequent names that it lacks, for config.data.codebook",
    )
    parser.add_argument(
        "--write-tokenizer",
        metavar="FILE.json",
        help="train a tokenizer of class strings, for config.data.class_tokenizer",
    )
    parser.add_argument(
        "--pieces",
        type=int,
        default=1024,
        metavar="N",
        help="pieces of the tokenizer at most (default 1024)",
    )
    add_workers(parser, "processes")
    options = parser.parse_args(argv)
    if options.pictures < 0:
        parser.error("--pictures: 0 or more")
    return options


def read_overview(source: Folder | Shards, workers: int) -> Overview:
    """Every record on its own, then all together."""
    entries, totals, findings = source.entries(), Totals(), []
    results = inspect_all(source.path, entries, totals, workers)
    for _ in Progress(entries, "records"):
        findings.append(next(results))
    results.close()
    pairs = find_pairs(None if found.bad else found.fingerprint for found in findings)
    mark_repeats(findings)
    mark_pairs(findings, pairs)
    return Overview(str(source.path), findings, totals, pairs)


def _check_output(path: Path, folder: Path) -> None:
    """BadUsage now rather than after the work."""
    parent = path.resolve().parent
    if not parent.is_dir():
        raise BadUsage(f"{path}: cannot write there (no such folder)")
    if path.is_dir() or not os.access(path if path.exists() else parent, os.W_OK):
        raise BadUsage(f"{path}: cannot write there")
    if parent == folder.resolve() and path.suffix in (".json", ".jsonl"):
        raise BadUsage(f"{path}: it would be read as a record there; choose another folder")
