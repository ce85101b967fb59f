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
from dataclasses import replace
from multiprocessing.util import Finalize
from pathlib import Path
from statistics import mean, median

import numpy as np

from data_prep.browser.chromium import DESKTOP, Browser, PageError
from data_prep.cli.flags import add_workers
from data_prep.cli.progress import Progress
from data_prep.records.captured import RECORDS, Authors, read_records
from data_prep.roundtrip.likeness import Blocks, Likeness, compare
from data_prep.roundtrip.placeholders import placeholder_contents
from data_prep.roundtrip.side_by_side import side_by_side
from data_prep.trees.uncompact import page_of
from xojl_jax.data.images import decode_image
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.files import replacing
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import Record, record_to_json, safe_screenshot_path
from xojl_jax.xojl.tree import preorder, print_html

USAGE = """Compiles each tree back to HTML and CSS, renders it, compares that with the screenshot.

  python -m data_prep.roundtrip data/raw --workers 2
  python -m data_prep.roundtrip data/raw --explain RECORD_ID --out why.png

Writes quality.round_trip, 0 to 1, into DIR/records.jsonl, and its parts (position, size, color,
structure) into DIR/roundtrip.jsonl. A record that was judged before is judged again only if it has
changed. docs/round_trip.md says what the score means."""
VERSION = 3  # of the rules: another one, and what was judged before is judged again
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
PAGE_SECONDS = 30.0
SECTION = '[data-xojl="0"]'


def main(argv: list[str]) -> int | None:
    options = parse_flags(argv)
    folder = Path(options.folder)
    if options.explain:
        explain(folder, options.explain, Path(options.out))
        return None
    authors = Authors(folder, optional=True)
    records = [record for record in read_records(folder / RECORDS) if record.id is not None]
    judged = Judged(folder / "roundtrip.jsonl")
    todo = []
    for record in records:
        author = authors.get(record.id) or []
        key = digest_of(record, author)
        if judged.verdicts.get(record.id, {}).get("digest") != key:
            todo.append((record, author, key))
    if len(todo) < len(records):
        print(f"{len(records) - len(todo)} records were judged before", file=sys.stderr)
    with judged:
        for verdict in Progress(Verdicts(folder, todo, options.workers), "records"):
            judged.add(verdict)
    write_quality(folder, judged.verdicts)
    report(records, judged.verdicts)
    return None


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
    if not record.html_boxes or len(record.html) != 1:
        raise PageError("no boxes" if not record.html_boxes else "more than one root")
    try:
        pixels = decode_image(safe_screenshot_path(folder, record.screenshot).read_bytes())
    except (BadInput, OSError) as error:
        raise PageError("the screenshot cannot be read") from error
    codebook = Codebook.load()
    given, is_picture, is_text = placeholder_contents(record, author, pixels, codebook)
    page_text = page_of(record.html, codebook, given)
    height, width = pixels.shape[:2]
    viewport = [round(v) for v in record.viewport or DESKTOP]
    with tempfile.TemporaryDirectory() as site:
        Path(site, "section.xhtml").write_text(page_text, encoding="utf-8")
        with browser.open_site(site, "section.xhtml", viewport) as page:
            nodes = page.extract("body", []).nodes
            x, y = page.box(SECTION)[:2]
            png = page.screenshot([x, y, width, height])
    first = np.array(record.html_boxes, np.float64)[:, :4]
    second = np.full_like(first, np.nan)
    for node in nodes:
        if "data-xojl" in node["marks"]:
            second[int(node["marks"]["data-xojl"])] = node["box"]
    second = framed(second - [x, y, 0, 0], width, height)
    return pixels, decode_image(png), Blocks(first, second, is_picture, is_text)


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
    return compare(*render_again(browser, folder, record, author))


def digest_of(record: Record, author: list[dict]) -> str:
    """Of all that a verdict depends on: equal digests, equal verdicts."""
    what = [VERSION, record.screenshot, record.html_boxes, author, print_html(record.html)]
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
    return {**start, "score": round(likeness.score, 4), **likeness.rounded()}


# --- files ----------------------------------------------------------------------------------------


class Judged:
    """`DIR/roundtrip.jsonl`: a verdict a line, the last of an id holds. A run can be resumed."""

    def __init__(self, path: Path):
        self._path = path
        self.verdicts: dict[str, dict] = {}
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    verdict = json.loads(line)
                    self.verdicts[verdict["id"]] = verdict
                except (ValueError, KeyError, TypeError):
                    continue  # the last line of a killed run

    def __enter__(self) -> "Judged":
        try:
            self._file = self._path.open("a", encoding="utf-8")
        except OSError as error:
            raise BadUsage(f"{self._path}: cannot write ({error.strerror})") from error
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def add(self, verdict: dict) -> None:
        self.verdicts[verdict["id"]] = verdict
        self._file.write(json.dumps(verdict) + "\n")
        self._file.flush()


def write_quality(folder: Path, verdicts: dict[str, dict]) -> None:
    """Writes each score into its record; the rest of the record stays as it is now."""
    path = folder / RECORDS
    try:
        with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as out:
            for record in read_records(path):
                quality = {k: v for k, v in (record.quality or {}).items() if k != "round_trip"}
                score = verdicts.get(record.id, {}).get("score")
                quality |= {} if score is None else {"round_trip": score}
                out.write(record_to_json(replace(record, quality=quality or None)) + "\n")
    except OSError as error:
        raise BadUsage(f"{path}: cannot write ({error.strerror})") from error


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
            failed[verdict.get("failed", "not judged")] += 1
    everything = [verdict for site in sites.values() for verdict in site]
    names = ("position", "size", "color", "structure")
    print(f"{len(everything)} records judged, {sum(failed.values())} without a score")
    for reason, count in failed.most_common():
        print(f"  {count} without a score: {reason}")
    if not everything:
        return
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
    record = next((r for r in read_records(folder / RECORDS) if r.id == record_id), None)
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
