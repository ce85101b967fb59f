"""python -m data_prep.synthesize --out DIR --count N --seed S

Draws synthetic sections, renders them in Chromium, and writes records with exact labels: components
mark their elements (`data-xojl`), and the rules of the language decide on the containers.
Section I of seed S has the same tree, boxes and labels whatever COUNT is (its neighbors on the
browser's page change the anti-aliasing of a few pixels at most); `source.uri` names it: synth:S/I.
`source.site` names its author: the sections of one author share a style, and are in one split.
"""

import argparse
import atexit
import contextlib
import functools
import io
import json
import multiprocessing
import random
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from data_prep.browser.chromium import Browser, PageError
from data_prep.cli.flags import add_workers
from data_prep.cli.progress import Progress
from data_prep.synthesize.components import Page, make_page
from data_prep.synthesize.components.markup import document, labeled_tree
from data_prep.trees.compact import Compact, compact, properties
from xojl_jax.errors import BadUsage, UserError
from xojl_jax.xojl.build import Label, build_layout, nearest_labeled
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import Record, record_to_json
from xojl_jax.xojl.structure import violations
from xojl_jax.xojl.tree import ELEMENTS, Forest, preorder, used_elements

BATCH = 16  # sections on one page of the browser: opening a page costs more than a section
PITCH = 1400  # px from one section's top to the next; a taller one is rejected and drawn again
HEIGHTS = (48, 1100)  # px of a section that is kept
WINDOW = 720  # px; the height of the viewport that a record names
ATTEMPTS = 40  # draws per section
PAGE_SECONDS = 300.0  # limit on one page of sections; generous, for overloaded machines


@dataclass(frozen=True)
class Limits:
    """The largest numbers of html nodes and of labels in a record."""

    nodes: int = 128
    labels: int = 80


class DoesNotFit(Exception):
    """This draw cannot be a record; the next one is tried. The message says why."""


def main(argv: list[str]) -> None:
    args = _parse(argv)
    out = Path(args.out)
    _make_folder(out)
    elements, categories, redrawn = Counter(), Counter(), Counter()
    start = time.monotonic()
    with (
        (out / "records.jsonl").open("w", encoding="utf-8") as lines,
        (out / "author.jsonl").open("w", encoding="utf-8") as authors,
    ):
        batches = _batches(args.first, args.count)
        for batch in Progress(_Batches(args, batches), f"batches of {BATCH}"):
            for line, author, record_elements, category in batch.records:
                lines.write(line + "\n")
                authors.write(author + "\n")
                elements.update(record_elements)
                categories[category] += 1
            redrawn.update(batch.redrawn)
    rate = args.count / (time.monotonic() - start)
    print(f"{args.count} sections in {out}, {rate:.1f} a second")
    _report(elements, categories, redrawn)


# --- many browsers --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Batch:
    """What a worker returns.

    Attributes:
      records: of each its JSON, its line of author.jsonl (the contents of its placeholders, for
        data_prep.roundtrip), its elements and its category.
      redrawn: why draws were rejected.
    """

    records: list[tuple[str, str, tuple[str, ...], str]]
    redrawn: Counter


class _Batches:
    """The batches of a run in order, each made by one of `--workers` processes."""

    def __init__(self, args: argparse.Namespace, batches: list[range]):
        self._args, self._batches = args, batches

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[_Batch]:
        args = self._args
        make = functools.partial(
            _make_batch,
            seed=args.seed,
            limits=Limits(args.max_nodes, args.max_labels),
            out=Path(args.out),
            quality=args.quality,
        )
        workers = min(args.workers, len(self._batches))
        # Playwright starts threads, which do not survive a fork.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, context, initializer=_start_browser) as pool:
            waiting = deque()
            for batch in self._batches:
                waiting.append(pool.submit(make, batch))
                # Two batches per worker are queued: none waits for work, and memory is bounded.
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()


def _batches(first: int, count: int) -> list[range]:
    last = first + count
    return [range(at, min(at + BATCH, last)) for at in range(first, last, BATCH)]


_browser: list[Browser] = []  # the one browser of a worker process


def _start_browser() -> None:
    browser = Browser(page_seconds=PAGE_SECONDS)
    _browser.append(browser.__enter__())
    atexit.register(browser.__exit__, None, None, None)


def _make_batch(indices: range, seed: int, limits: "Limits", out: Path, quality: int) -> _Batch:
    redrawn = Counter()
    records = []
    # Compression takes longer than rendering, and Pillow releases the GIL for it.
    with ThreadPoolExecutor(2) as pool:
        saved = []
        for made in make_records(_browser[0], seed, indices, limits, redrawn):
            record = made.record
            saved.append(pool.submit(_save, out / record.screenshot, made.picture, quality))
            author = json.dumps({"id": record.id, "nodes": made.author})
            records.append((record_to_json(record), author, record.used_elements, record.category))
        for each in saved:
            each.result()
    return _Batch(records, redrawn)


# --- one record -----------------------------------------------------------------------------------


class RenderedRecord(NamedTuple):
    """A record, its screenshot as PNG, and the contents of each html node's placeholders."""

    record: Record
    picture: bytes
    author: list[dict]


def make_records(
    browser: Browser, seed: int, indices: Iterable[int], limits: Limits, redrawn: Counter
) -> list[RenderedRecord]:
    """A record of each index, in order; `redrawn` counts why draws were rejected."""
    done: dict[int, RenderedRecord] = {}
    for attempt in range(ATTEMPTS):
        waiting = [index for index in indices if index not in done]
        if not waiting:
            return [done[index] for index in indices]
        pages = [make_page(seed, index, attempt) for index in waiting]
        for index, answer in zip(waiting, _render_with_retries(browser, pages), strict=True):
            try:
                done[index] = _record(answer, seed, index, limits)
            except DoesNotFit as reason:
                redrawn[str(reason)] += 1
    raise BadUsage(
        f"section {waiting[0]} of seed {seed} fits in none of {ATTEMPTS} draws:"
        " raise --max-nodes or --max-labels"
    )


@dataclass(frozen=True)
class _Rendered:
    page: Page
    compact: Compact
    marks: list[str | None]  # of each extracted node
    parents: list[int]
    author: list[dict]  # of each html node
    box: tuple[int, int, int, int]
    picture: bytes


def _render_with_retries(browser: Browser, pages: list[Page]) -> list["_Rendered"]:
    """As `_render`, three times at most: with harmless pages, failures come from machine load."""
    for _ in range(2):
        with contextlib.suppress(PageError):
            return _render(browser, pages)
    try:
        return _render(browser, pages)
    except PageError as error:
        raise UserError(f"the browser failed three times ({error}): try again later") from error


def _render(browser: Browser, pages: list[Page]) -> list[_Rendered]:
    codebook = Codebook.load()
    text = document([page.shown() for page in pages], pitch=PITCH)
    width = max(page.width for page in pages)
    with browser.open_html(text, (width, 2 * PITCH)) as tab:
        asked = properties(codebook)
        found = {root: tab.extract(root, asked) for root in map(_root, range(len(pages)))}
        pictures = [tab.screenshot(each.box) for each in found.values()]
        tab.read_variants(found)
    answers = []
    for page, each, picture in zip(pages, found.values(), pictures, strict=True):
        # Seeded by the section, so that ids of texts and pictures do not depend on its neighbors.
        rng = random.Random(f"ids of {page.name}")
        marks = [node["marks"].get("data-xojl") for node in each.nodes]
        parents = [node["parent"] for node in each.nodes]
        small = compact(each, codebook, rng)
        shown = [n for n, at in zip(each.nodes, small.node_of, strict=True) if at is not None]
        author = [{"content": node["held"]} for node in shown]
        answers.append(_Rendered(page, small, marks, parents, author, tuple(each.box), picture))
    return answers


def _root(number: int) -> str:
    return f"#s{number} > *"


def _record(shown: _Rendered, seed: int, index: int, limits: Limits) -> RenderedRecord:
    """The record of a rendered section, or DoesNotFit."""
    left, _, width, height = shown.box
    if not HEIGHTS[0] <= height <= HEIGHTS[1]:
        raise DoesNotFit("too low" if height < HEIGHTS[0] else "too high")
    layout, layout_nodes = _layout(shown)
    as_shown = [(visit.node.element, visit.depth) for visit in preorder(layout)]
    if as_shown != labeled_tree(shown.page.root):
        raise DoesNotFit("a labeled node does not show")
    html_nodes = len(shown.compact.boxes)
    if html_nodes > limits.nodes:
        raise DoesNotFit("too many html nodes")
    if len(layout_nodes) > limits.labels:
        raise DoesNotFit("too many labeled nodes")
    boxes = [shown.compact.boxes[node] for node in layout_nodes]
    if broken := next(violations(layout, boxes), None):
        raise DoesNotFit(f"{broken.element}: {broken.rule}")
    name = f"{seed}-{index:06d}"
    record = Record(
        id=f"synth-{name}",
        screenshot=f"{name}.webp",
        html=shown.compact.forest,
        layout=layout,
        used_elements=used_elements(layout),
        category=shown.page.category,
        source={
            "uri": f"synth:{seed}/{index}",
            "title": f"made section {index} of seed {seed}",
            "licence": "Apache-2.0",
            "site": f"synth:{shown.page.site}",
            "box": [left, 0, width, height],
        },
        viewport=(shown.page.width, WINDOW),
        html_boxes=tuple(tuple(box) for box in shown.compact.boxes),
        layout_nodes=tuple(layout_nodes),
    )
    return RenderedRecord(record, shown.picture, shown.author)


def _layout(shown: _Rendered) -> tuple[Forest, list[int]]:
    """The layout tree of the labeled nodes, and each one's html node in depth-first pre-order."""
    html = [visit.node for visit in preorder(shown.compact.forest)]
    labeled = [
        mark is not None and node is not None
        for mark, node in zip(shown.marks, shown.compact.node_of, strict=True)
    ]
    order = [index for index, keep in enumerate(labeled) if keep]
    nodes = [shown.compact.node_of[index] for index in order]
    labels = [
        Label(shown.marks[index], html[node], above)
        for index, node, above in zip(
            order, nodes, nearest_labeled(shown.parents, labeled), strict=True
        )
    ]
    return build_layout(labels), nodes


def _save(path: Path, png: bytes, quality: int) -> None:
    try:
        path.write_bytes(encode(png, quality))
    except OSError as error:
        raise BadUsage(f"{path}: cannot write ({error.strerror or error})") from error


def encode(png: bytes, quality: int) -> bytes:
    """The screenshot as WebP; quality 100 is lossless."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").save(out, "WEBP", quality=quality, lossless=quality == 100, method=6)
    return out.getvalue()


# --- command line ---------------------------------------------------------------------------------


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m data_prep.synthesize",
        description="Makes sections of our own: rendered by Chromium, labeled exactly.",
        epilog="example: python -m data_prep.synthesize --out /tmp/made --count 64 --seed 1",
    )
    parser.add_argument("--out", required=True, help="a new or empty folder for the records")
    parser.add_argument("--count", type=int, required=True, help="sections to make")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other sections (0)")
    parser.add_argument("--first", type=int, default=0, help="index of the first section (0)")
    parser.add_argument("--max-nodes", type=int, default=128, help="html nodes a section (128)")
    parser.add_argument("--max-labels", type=int, default=80, help="labeled nodes a section (80)")
    add_workers(parser, "browsers")
    parser.add_argument("--quality", type=int, default=85, help="WebP quality; 100: lossless (85)")
    args = parser.parse_args(argv)
    for name, low, high in (
        ("count", 1, 10**7),
        ("first", 0, 10**9),
        ("quality", 1, 100),
        ("max_nodes", 8, 4096),
        ("max_labels", 4, 4096),
    ):
        if not low <= getattr(args, name) <= high:
            flag = "--" + name.replace("_", "-")
            raise BadUsage(f"{flag} {getattr(args, name)}: give a number from {low} to {high}")
    return args


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise BadUsage(f"--out {out} is not empty: give a new folder")
    except OSError as error:
        raise BadUsage(
            f"--out {out}: {error.strerror or error}: give a folder to write to"
        ) from error


def _report(elements: Counter, categories: Counter, redrawn: Counter) -> None:
    total = sum(categories.values())
    print(f"{sum(redrawn.values())} draws did not fit")
    for reason, count in redrawn.most_common():
        print(f"  {count:5d} {reason}")
    print("sections with each element:")
    for name in ELEMENTS:
        print(f"  {name:10s} {elements[name]:5d} {elements[name] / total:7.1%}")
    print("categories:")
    for name, count in categories.most_common():
        print(f"  {name:12s} {count:5d} {count / total:7.1%}")
