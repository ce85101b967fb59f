"""python -m data_prep.synthesize --out DIR --count N --seed S

Makes sections of our own, renders them in Chromium, and writes records with exact labels: the
components know what they are (data-xojl), and the rules of the language settle the containers.
Section I of seed S has the same tree, boxes and labels whatever COUNT is (its neighbours on the
browser's page touch the anti-aliasing of a few pixels at most); `source.uri` names it: synth:S/I.
"""

import argparse
import contextlib
import io
import random
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from data_prep.browser import Browser, PageError
from data_prep.compact import Compact, compact, properties
from data_prep.components import Page, make_page
from data_prep.components.law import violations
from data_prep.components.markup import document, labelled_tree
from data_prep.progress import Progress
from xojl_jax.command import run
from xojl_jax.errors import BadUsage, UserError
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import Record, record_to_json
from xojl_jax.xojl.tree import ELEMENTS, Forest, Node, preorder, used_elements

BATCH = 16  # sections on one page of the browser: opening a page costs more than a section
PITCH = 1400  # px from one section's top to the next; a taller one is cut off and drawn again
HEIGHTS = (120, 1100)  # px of a section that is kept
WINDOW = 720  # px; the height of the viewport that a record names
ATTEMPTS = 40
PATIENCE = 300.0  # s for one page of sections


@dataclass(frozen=True)
class Limits:
    nodes: int = 128
    labels: int = 80


class DoesNotFit(Exception):
    """This draw is no good sample: draw again. The message says why."""


def main(argv: list[str]) -> None:
    args = _parse(argv)
    out = Path(args.out)
    _make_folder(out)
    elements, categories, redrawn = Counter(), Counter(), Counter()
    start, saved = time.monotonic(), deque()
    with (
        Browser(page_seconds=PATIENCE) as browser,
        ThreadPoolExecutor() as pool,
        (out / "records.jsonl").open("w", encoding="utf-8") as lines,
    ):
        made = _stream(browser, args, redrawn)
        for _, (record, picture) in zip(Progress(range(args.count), "sections"), made, strict=True):
            # Compressing takes longer than rendering, and Pillow does it beside Python.
            saved.append(pool.submit(_save, out / record.screenshot, picture, args.quality))
            if len(saved) > BATCH:
                saved.popleft().result()
            lines.write(record_to_json(record) + "\n")
            elements.update(record.used_elements)
            categories[record.category] += 1
        for each in saved:
            each.result()
    rate = args.count / (time.monotonic() - start)
    print(f"{args.count} sections in {out}, {rate:.1f} a second")
    _report(elements, categories, redrawn)


def _stream(browser: Browser, args: argparse.Namespace, redrawn: Counter) -> Iterator:
    """(record, screenshot as PNG) of every section, a batch at a time."""
    limits = Limits(args.max_nodes, args.max_labels)
    for first in range(args.first, args.first + args.count, BATCH):
        indices = range(first, min(first + BATCH, args.first + args.count))
        yield from make_records(browser, args.seed, indices, limits, redrawn)


def make_records(
    browser: Browser, seed: int, indices: Iterable[int], limits: Limits, redrawn: Counter
) -> list[tuple[Record, bytes]]:
    """(record, screenshot as PNG) of each index, in order; `redrawn` counts why draws were left."""
    done: dict[int, tuple[Record, bytes]] = {}
    for attempt in range(ATTEMPTS):
        waiting = [index for index in indices if index not in done]
        if not waiting:
            return [done[index] for index in indices]
        pages = [make_page(seed, index, attempt) for index in waiting]
        for index, answer in zip(waiting, _patiently(browser, pages), strict=True):
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
    size: tuple[int, int]
    picture: bytes


def _patiently(browser: Browser, pages: list[Page]) -> list["_Rendered"]:
    """As `_render`. Our pages do no harm, so a browser that fails is a machine out of breath."""
    for _ in range(2):
        with contextlib.suppress(PageError):
            return _render(browser, pages)
    try:
        return _render(browser, pages)
    except PageError as error:
        raise UserError(f"the browser failed three times ({error}): try again later") from error


def _render(browser: Browser, pages: list[Page]) -> list[_Rendered]:
    codebook = Codebook.load()
    text = document([(page.root, page.place) for page in pages], pitch=PITCH)
    width = max(page.width for page in pages)
    answers = []
    with browser.open_html(text, (width, 2 * PITCH)) as tab:
        for number, page in enumerate(pages):
            found = tab.extract(f"#s{number} > *", properties(codebook))
            # The ids of texts and pictures follow from the section, not from its neighbours.
            rng = random.Random(f"ids of {page.name}")
            answers.append(
                _Rendered(
                    page,
                    compact(found, codebook, rng),
                    [node["marks"].get("data-xojl") for node in found.nodes],
                    [node["parent"] for node in found.nodes],
                    (found.box[2], found.box[3]),
                    tab.screenshot(found.box),
                )
            )
    return answers


def _record(shown: _Rendered, seed: int, index: int, limits: Limits) -> tuple[Record, bytes]:
    """The record of a rendered section, or DoesNotFit."""
    width, height = shown.size
    if not HEIGHTS[0] <= height <= HEIGHTS[1]:
        raise DoesNotFit("too low" if height < HEIGHTS[0] else "too high")
    layout, layout_nodes = _layout(shown)
    as_shown = [(visit.node.element, visit.depth) for visit in preorder(layout)]
    if as_shown != labelled_tree(shown.page.root):
        raise DoesNotFit("a labelled node does not show")
    html_nodes = len(shown.compact.boxes)
    if html_nodes > limits.nodes:
        raise DoesNotFit("too many html nodes")
    if len(layout_nodes) > limits.labels:
        raise DoesNotFit("too many labelled nodes")
    for fault in violations(layout, [shown.compact.boxes[node] for node in layout_nodes]):
        # "grid 3: no two cells in a row" -> "grid: no two cells in a row"
        kind, what = fault.split(": ", 1)
        raise DoesNotFit(f"{kind.split(' ')[0]}: {''.join(c for c in what if not c.isdigit())}")
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
            "box": [0, 0, width, height],
        },
        viewport=(shown.page.width, WINDOW),
        html_boxes=tuple(tuple(box) for box in shown.compact.boxes),
        layout_nodes=tuple(layout_nodes),
    )
    return record, shown.picture


def _layout(shown: _Rendered) -> tuple[Forest, list[int]]:
    """The layout tree of the labelled nodes, and each one's html node in depth-first pre-order."""
    html = [visit.node for visit in preorder(shown.compact.forest)]
    labelled_above: list[
        int
    ] = []  # of each extracted node: itself or its nearest labelled ancestor
    children: dict[int, list[int]] = {-1: []}
    for index, (mark, parent) in enumerate(zip(shown.marks, shown.parents, strict=True)):
        above = labelled_above[parent] if parent >= 0 else -1
        if mark is None or shown.compact.node_of[index] is None:
            labelled_above.append(above)
            continue
        labelled_above.append(index)
        children[above].append(index)
        children[index] = []
    built: dict[int, Node] = {}
    # Parents stand before their children, so backwards every child is built before its parent.
    for index in sorted((i for i in children if i >= 0), reverse=True):
        twin = html[shown.compact.node_of[index]]
        built[index] = Node(
            shown.marks[index],
            twin.tag,
            twin.classes,
            tuple(content._replace(at=0) for content in twin.content),
            tuple(built[child] for child in children[index]),
        )
    order = sorted(built)
    return tuple(built[i] for i in children[-1]), [shown.compact.node_of[i] for i in order]


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
        description="Makes sections of our own: rendered by Chromium, labelled exactly.",
        epilog="example: python -m data_prep.synthesize --out /tmp/made --count 64 --seed 1",
    )
    parser.add_argument("--out", required=True, help="a new or empty folder for the records")
    parser.add_argument("--count", type=int, required=True, help="sections to make")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other sections (0)")
    parser.add_argument("--first", type=int, default=0, help="index of the first section (0)")
    parser.add_argument("--max-nodes", type=int, default=128, help="html nodes a section (128)")
    parser.add_argument("--max-labels", type=int, default=80, help="labelled nodes a section (80)")
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


if __name__ == "__main__":
    run(main)
