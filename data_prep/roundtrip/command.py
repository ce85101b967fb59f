"""`python -m data_prep.roundtrip`: renders every tree again, and says how much of it was true."""

import argparse
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path
from statistics import mean, median

from data_prep.browser.chromium import Browser, PageError
from data_prep.cli.flags import add_workers
from data_prep.cli.progress import Progress
from data_prep.records.captured import RECORDS, Authors, read_lines
from data_prep.roundtrip.folder import Judged, digest_of, write_quality
from data_prep.roundtrip.layouts.judging import explain_layout, judge_layouts
from data_prep.roundtrip.likeness import WEIGHTS, Likeness, compare
from data_prep.roundtrip.rendering import PAGE_SECONDS, render_again
from data_prep.roundtrip.side_by_side import side_by_side
from data_prep.roundtrip.verdicts import Verdicts
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import preorder

USAGE = """Compiles each tree back to HTML and CSS, renders it, compares that with the screenshot.

  python -m data_prep.roundtrip data/raw --workers 2
  python -m data_prep.roundtrip data/raw --explain RECORD_ID --out why.png
  python -m data_prep.roundtrip data/raw --layouts answers.jsonl

Writes quality.round_trip, 0 to 1, into DIR/records.jsonl, and its parts (position, size, color,
structure, found, complete) into DIR/roundtrip.jsonl, with the pictures that show nothing (blank). A
record that was judged before is judged again only if it or its screenshot has changed. Lines that
are no records are kept and counted; the exit code is then 1. docs/round_trip.md says what the score
means, and which one to ask for.

With --layouts, layouts are judged instead: every element becomes a component of a page of our own,
which is rendered and compared. Scores and parts go to ANSWERS.judged.jsonl, for the records' own
layouts to DIR/layouts.jsonl. docs/judge.md says what they tell."""
VERSION = 8  # of the rules: another one, and what was judged before is judged again
RECOMMENDED = 0.6  # least score of a record whose picture is its own: benchmarks/round_trip.py
THRESHOLDS = (0.4, 0.5, RECOMMENDED, 0.7, 0.8, 0.9)


def main(argv: list[str]) -> int | None:
    options = parse_flags(argv)
    folder = Path(options.folder)
    if options.layouts is not None:
        answers = Path(options.layouts) if options.layouts else None
        if options.explain:
            explain_layout(folder, answers, options.explain, Path(options.out))
        else:
            out = Path(options.rerank) if options.rerank else None
            judge_layouts(folder, answers, options.workers, out)
        return None
    if options.explain:
        explain(folder, options.explain, Path(options.out))
        return None
    authors = Authors(folder, optional=True)
    records, bad = sort_out(folder)
    judged = Judged(folder / "roundtrip.jsonl")
    todo = []
    for record in [record for record in records if record.id is not None]:
        author = authors.get(record.id) or []
        key = digest_of(folder, record, author, VERSION)
        if judged.verdicts.get(record.id, {}).get("digest") != key:
            todo.append((folder, record, author, key))
    before = sum(record.id is not None for record in records) - len(todo)
    if before:
        print(f"{before} records were judged before", file=sys.stderr)
    with judged:
        for verdict in Progress(Verdicts(verdict_of, todo, options.workers), "records"):
            judged.add(verdict)
    write_quality(folder, judged.verdicts)
    report(records, judged.verdicts)
    if bad:
        print(f"  {len(bad)} cannot be read (kept as they are), the first: {bad[0]}")
    return 1 if bad else None


def sort_out(folder: Path) -> tuple[list[Record], list[BadInput]]:
    """Records, and what is wrong with the lines that are none."""
    found = [record for _, record in read_lines(folder / RECORDS)]
    bad = [record for record in found if isinstance(record, BadInput)]
    return [record for record in found if isinstance(record, Record)], bad


def parse_flags(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m data_prep.roundtrip",
        description=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", help="what data_prep.capture wrote")
    add_workers(parser, "browsers")
    parser.add_argument(
        "--layouts",
        nargs="?",
        const="",
        metavar="ANSWERS.jsonl",
        help="judge layouts: the records' own, or those that predict --records wrote",
    )
    parser.add_argument(
        "--rerank",
        metavar="FILE.jsonl",
        help="with --layouts: the answers again, each with its best hypothesis (predict --nbest)",
    )
    parser.add_argument("--explain", metavar="ID", help="draw one record's comparison instead")
    parser.add_argument("--out", metavar="FILE.png", help="where --explain draws")
    options = parser.parse_args(argv)
    if bool(options.explain) != bool(options.out):
        raise BadUsage("--explain ID and --out FILE.png belong together")
    if options.rerank and not options.layouts:
        raise BadUsage("--rerank ranks answers: name them with --layouts ANSWERS.jsonl")
    return options


# --- one record -----------------------------------------------------------------------------------


def judge(browser: Browser, folder: Path, record: Record, author: list[dict]) -> Likeness:
    """How alike a record's screenshot and its tree are. PageError: no answer, and why."""
    likeness = compare(*render_again(browser, folder, record, author))
    if not likeness.tells:
        raise PageError("nothing but pictures: nothing to compare")
    return likeness


def verdict_of(
    browser: Browser, folder: Path, record: Record, author: list[dict], digest: str
) -> dict:
    """A line of roundtrip.jsonl."""
    start = {"id": record.id, "digest": digest}
    try:
        likeness = judge(browser, folder, record, author)
    except PageError as error:
        return {**start, "failed": str(error)}
    parts = likeness.rounded() | ({"blank": likeness.blank} if likeness.blank else {})
    return {**start, "score": round(likeness.score, 4), **parts}


# --- for people -----------------------------------------------------------------------------------


def report(records: list[Record], verdicts: dict[str, dict]) -> None:
    """The distribution, to standard output: all, then each site."""
    sites, failed = defaultdict(list), Counter()
    for record in records:
        verdict = verdicts.get(record.id, {})
        if "score" in verdict:
            site = (record.source or {}).get("site") or (record.source or {}).get("uri", "unknown")
            sites[str(site).split("/")[0]].append(verdict)
        else:
            reason = "it has no id" if record.id is None else "not judged"
            failed[verdict.get("failed", reason)] += 1
    everything = [verdict for site in sites.values() for verdict in site]
    names = [*WEIGHTS, "pictures", "complete"]
    print(f"{len(everything)} records judged, {sum(failed.values())} without a score")
    for reason, count in failed.most_common():
        print(f"  {count} without a score: {reason}")
    if not everything:
        return
    blank = [verdict["blank"] for verdict in everything if verdict.get("blank")]
    if blank:
        print(f"  {sum(map(len, blank))} pictures in {len(blank)} records show nothing")
    heads = [f">={threshold:g}" for threshold in THRESHOLDS]
    print(f"{'site':24} {'n':>5} {'median':>7} " + " ".join(f"{h:>7}" for h in (*heads, *names)))
    rows = sorted(sites.items(), key=lambda entry: -len(entry[1]))
    for site, found in [("all", everything), *(rows if len(rows) > 1 else [])]:
        scores = [verdict["score"] for verdict in found]
        shares = [mean(score >= threshold for score in scores) for threshold in THRESHOLDS]
        parts = [mean(verdict[name] for verdict in found) for name in names]
        cells = " ".join([f"{v:7.1%}" for v in shares] + [f"{v:7.3f}" for v in parts])
        print(f"{site[:24]:24} {len(found):5} {median(scores):7.3f} {cells}")


def explain(folder: Path, record_id: str, out: Path) -> None:
    """Draws one record: as it was, as it was rendered again, and where the blocks went."""
    record = next((r for r in sort_out(folder)[0] if r.id == record_id), None)
    if record is None:
        raise BadUsage(f"--explain {record_id}: no such record in {folder}")
    author = Authors(folder, optional=True).get(record_id) or []
    try:
        with Browser(page_seconds=PAGE_SECONDS) as browser:
            first, second, blocks = render_again(browser, folder, record, author)
    except PageError as error:
        raise BadInput(f"{record_id}: {error}") from error
    likeness = compare(first, second, blocks)
    names = [visit.node.tag or "?" for visit in preorder(record.html)]
    try:
        parts = likeness.rounded()
        parts.pop("overlap")  # no part of the score
        side_by_side(first, second, blocks, names, likeness.score, parts).save(out)
    except (OSError, ValueError) as error:
        raise BadUsage(f"--out {out}: cannot write ({error})") from error
    print(f"{record_id}: {likeness.score:.3f} " + json.dumps(likeness.rounded()))
