"""`python -m data_prep.roundtrip`: renders every tree again, and says how much of it was true."""

import argparse
import hashlib
import json
import multiprocessing
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.util import Finalize
from pathlib import Path
from statistics import mean, median

import numpy as np

from data_prep.browser.chromium import DESKTOP, Browser, PageError
from data_prep.cli.flags import add_workers
from data_prep.cli.progress import Progress
from data_prep.records.captured import RECORDS, Authors, read_lines
from data_prep.roundtrip.blocks import Blocks
from data_prep.roundtrip.folder import Judged, write_quality
from data_prep.roundtrip.likeness import WEIGHTS, Likeness, compare
from data_prep.roundtrip.placeholders import (
    filler_lengths,
    placeholder_contents,
    refit_lengths,
)
from data_prep.roundtrip.side_by_side import side_by_side
from data_prep.trees.uncompact import page_of
from xojl_jax.data.images import decode_image
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import Record, safe_screenshot_path
from xojl_jax.xojl.tree import preorder, print_html

USAGE = """Compiles each tree back to HTML and CSS, renders it, compares that with the screenshot.

  python -m data_prep.roundtrip data/raw --workers 2
  python -m data_prep.roundtrip data/raw --explain RECORD_ID --out why.png

Writes quality.round_trip, 0 to 1, into DIR/records.jsonl, and its parts (position, size, color,
structure, found, complete) into DIR/roundtrip.jsonl, with the pictures that show nothing (blank). A
record that was judged before is judged again only if it or its screenshot has changed. Lines that
are no records are kept and counted; the exit code is then 1. docs/round_trip.md says what the score
means, and which one to ask for."""
VERSION = 8  # of the rules: another one, and what was judged before is judged again
RECOMMENDED = 0.6  # least score of a record whose picture is its own: benchmarks/round_trip.py
THRESHOLDS = (0.4, 0.5, RECOMMENDED, 0.7, 0.8, 0.9)
PAGE_SECONDS = 30.0
REFITS = 2  # times that filler words for unknown texts are fitted better to their boxes
SECTION = '[data-xojl="0"]'


def main(argv: list[str]) -> int | None:
    options = parse_flags(argv)
    folder = Path(options.folder)
    if options.explain:
        explain(folder, options.explain, Path(options.out))
        return None
    authors = Authors(folder, optional=True)
    records, bad = sort_out(folder)
    judged = Judged(folder / "roundtrip.jsonl")
    todo = []
    for record in [record for record in records if record.id is not None]:
        author = authors.get(record.id) or []
        key = digest_of(folder, record, author)
        if judged.verdicts.get(record.id, {}).get("digest") != key:
            todo.append((record, author, key))
    before = sum(record.id is not None for record in records) - len(todo)
    if before:
        print(f"{before} records were judged before", file=sys.stderr)
    with judged:
        for verdict in Progress(Verdicts(folder, todo, options.workers), "records"):
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
    parser.add_argument("--explain", metavar="ID", help="draw one record's comparison instead")
    parser.add_argument("--out", metavar="FILE.png", help="where --explain draws")
    options = parser.parse_args(argv)
    if bool(options.explain) != bool(options.out):
        raise BadUsage("--explain ID and --out FILE.png belong together")
    return options


# --- one record -----------------------------------------------------------------------------------


def render_again(browser: Browser, folder: Path, record: Record, author: list[dict]):
    """(screenshot, rendered picture, blocks) of a record; pictures are uint8[H, W, 3].

    Raises PageError with the reason where it cannot be compared.
    """
    pixels = read_screenshot(folder, record)
    return pixels, *render_tree(browser, record, author, pixels)


def read_screenshot(folder: Path, record: Record) -> np.ndarray:
    """uint8[H, W, 3]. Raises PageError with the reason where it cannot be compared."""
    if not record.html_boxes or len(record.html) != 1:
        raise PageError("no boxes" if not record.html_boxes else "more than one root")
    try:
        return decode_image(safe_screenshot_path(folder, record.screenshot).read_bytes())
    except (BadInput, OSError) as error:
        raise PageError("the screenshot cannot be read") from error


def render_tree(
    browser: Browser, record: Record, author: list[dict], pixels: np.ndarray
) -> tuple[np.ndarray, Blocks]:
    """A record's tree as a picture as large as `pixels`, its screenshot, and its blocks in both."""
    codebook = Codebook.load()
    lengths = filler_lengths(record, codebook)
    for left in reversed(range(REFITS + 1)):
        given, kinds = placeholder_contents(record, author, pixels, codebook, lengths)
        rendered, second = render(browser, record, page_of(record.html, codebook, given), pixels)
        if not left or not kinds.is_unknown.any():
            break
        lengths = refit_lengths(lengths, record, second, codebook)
    first = np.array(record.html_boxes, np.float64)[:, :4]
    height, width = pixels.shape[:2]
    return rendered, Blocks(first, framed(second, width, height), kinds)


def render(
    browser: Browser, record: Record, page_text: str, pixels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The picture of a page's section, as large as `pixels`, and its nodes' boxes."""
    height, width = pixels.shape[:2]
    viewport = [round(v) for v in record.viewport or DESKTOP]
    with tempfile.TemporaryDirectory() as site:
        Path(site, "section.xhtml").write_text(page_text, encoding="utf-8")
        with browser.open_site(site, "section.xhtml", viewport) as page:
            boxes = np.full((len(record.html_boxes), 4), np.nan)
            for node in page.extract("body", []).nodes:
                if "data-xojl" in node["marks"]:
                    boxes[int(node["marks"]["data-xojl"])] = node["box"]
            corner = corner_of(record, boxes)
            x, y = page.box(SECTION)[:2] if corner is None else corner.tolist()
            png = page.screenshot([x, y, width, height])
    return decode_image(png), boxes - [x, y, 0, 0]


def corner_of(record: Record, boxes: np.ndarray) -> np.ndarray | None:
    """Where in a page the picture of its section begins, float64[2]; None where nothing shows.

    Not simply at its root: a section that is a part of the body has a root without a box. So it is
    the first node that has a box in the record as well as in the page, float64[N, 4], which is NaN
    where a node does not show.
    """
    captured = np.array(record.html_boxes, np.float64)[:, :4]
    shown = np.flatnonzero((captured[:, 2:] > 0).all(axis=1) & ~np.isnan(boxes[:, 0]))
    if not len(shown):
        return None
    # A page has no negative coordinates, nor a screenshot parts of a pixel.
    return np.maximum(0, boxes[shown[0], :2] - captured[shown[0], :2].round())


def framed(boxes: np.ndarray, width: float, height: float) -> np.ndarray:
    """The part of float64[N, 4] boxes that a picture shows; NaN where it shows none of it."""
    corner = np.clip(boxes[:, :2], 0, [width, height])
    end = np.clip(boxes[:, :2] + boxes[:, 2:], 0, [width, height])
    outside = (boxes[:, :2] >= [width, height]) | (boxes[:, :2] + boxes[:, 2:] < 0)
    inside = np.concatenate([corner, end - corner], axis=1)
    inside[outside.any(axis=1)] = np.nan
    return inside


def judge(browser: Browser, folder: Path, record: Record, author: list[dict]) -> Likeness:
    """How alike a record's screenshot and its tree are. PageError: no answer, and why."""
    likeness = compare(*render_again(browser, folder, record, author))
    if not likeness.tells:
        raise PageError("nothing but pictures: nothing to compare")
    return likeness


def digest_of(folder: Path, record: Record, author: list[dict]) -> str:
    """Of all that a verdict depends on, the picture's bytes too: equal digests, equal verdicts."""
    try:
        picture = safe_screenshot_path(folder, record.screenshot).read_bytes()
    except (BadInput, OSError):
        picture = b""  # judged again once it can be read
    tree = [record.html_boxes, record.viewport, author, print_html(record.html)]
    what = [VERSION, hashlib.sha256(picture).hexdigest(), *tree]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


# --- all records ----------------------------------------------------------------------------------


class Verdicts:
    """Verdicts on records in the order in which they come about, by some processes."""

    def __init__(self, folder: Path, todo: list[tuple[Record, list[dict], str]], workers: int):
        self._folder, self._todo = folder, todo
        self._workers = min(workers, max(1, len(todo)))

    def __len__(self) -> int:
        return len(self._todo)

    def __iter__(self) -> Iterator[dict]:
        if not self._todo:
            return
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self._workers, context, _open_browser) as pool:
            runs = [pool.submit(_verdict, self._folder, *job) for job in self._todo]
            try:
                for run in as_completed(runs):
                    yield run.result()
            except BrokenProcessPool as error:
                raise BadUsage(
                    "a worker was ended from outside (out of memory?): run again with fewer "
                    "--workers; what is judged is kept"
                ) from error
            finally:
                for run in runs:
                    run.cancel()


_browsers: list[Browser] = []  # of a worker process: one


def _open_browser() -> None:
    browser = Browser(page_seconds=PAGE_SECONDS)
    browser.__enter__()
    _browsers.append(browser)
    Finalize(None, browser.__exit__, (None, None, None), exitpriority=10)


def _verdict(folder: Path, record: Record, author: list[dict], digest: str) -> dict:
    start = {"id": record.id, "digest": digest}
    try:
        likeness = judge(_browsers[0], folder, record, author)
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
        side_by_side(first, second, blocks, names, likeness).save(out)
    except (OSError, ValueError) as error:
        raise BadUsage(f"--out {out}: cannot write ({error})") from error
    print(f"{record_id}: {likeness.score:.3f} " + json.dumps(likeness.rounded()))
