"""python -m data_prep.synthesize --out DIR --count N --seed S

Draws synthetic sections, renders them in Chromium, and writes records with exact labels: components
mark their elements (`data-xojl`), and the rules of the language decide on the containers.
Section I of seed S has the same tree, boxes and labels whatever COUNT is (its neighbors on the
browser's page change the anti-aliasing of a few pixels at most); `source.uri` names it: synth:S/I.
`source.site` names its author: the sections of one author share a style, and are in one split.
"""

import argparse
import functools
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from data_prep.browser.chromium import Browser
from data_prep.browser.pool import make_in_order
from data_prep.cli.flags import add_workers
from data_prep.cli.folders import make_empty_folder
from data_prep.cli.progress import Progress
from data_prep.synthesize.rendering import Limits, encode, make_records
from xojl_jax.errors import BadUsage
from xojl_jax.xojl.record import record_to_json
from xojl_jax.xojl.tree import ELEMENTS

BATCH = 16  # sections on one page of the browser: opening a page costs more than a section


def main(argv: list[str]) -> None:
    args = _parse(argv)
    out = Path(args.out)
    make_empty_folder(out)
    elements, categories, redrawn = Counter(), Counter(), Counter()
    start = time.monotonic()
    with (
        (out / "records.jsonl").open("w", encoding="utf-8") as lines,
        (out / "author.jsonl").open("w", encoding="utf-8") as authors,
    ):
        batches = _batches(args.first, args.count)
        make = functools.partial(
            _make_batch,
            seed=args.seed,
            limits=Limits(args.max_nodes, args.max_labels),
            out=out,
            quality=args.quality,
        )
        done = make_in_order(make, batches, args.workers)
        for batch in Progress(done, f"batches of {BATCH}", total=len(batches)):
            for line, author, record_elements, category in batch.records:
                lines.write(line + "\n")
                authors.write(author + "\n")
                elements.update(record_elements)
                categories[category] += 1
            redrawn.update(batch.redrawn)
    rate = args.count / (time.monotonic() - start)
    print(f"{args.count} sections in {out}, {rate:.1f} a second")
    _report(elements, categories, redrawn)


# --- batches --------------------------------------------------------------------------------------


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


def _batches(first: int, count: int) -> list[range]:
    last = first + count
    return [range(at, min(at + BATCH, last)) for at in range(first, last, BATCH)]


def _make_batch(
    browser: Browser, indices: range, *, seed: int, limits: Limits, out: Path, quality: int
) -> _Batch:
    redrawn = Counter()
    records = []
    # Compression takes longer than rendering, and Pillow releases the GIL for it.
    with ThreadPoolExecutor(2) as pool:
        saved = []
        for made in make_records(browser, seed, indices, limits, redrawn):
            record = made.record
            saved.append(pool.submit(_save, out / record.screenshot, made.picture, quality))
            author = json.dumps({"id": record.id, "nodes": made.author})
            records.append((record_to_json(record), author, record.used_elements, record.category))
        for each in saved:
            each.result()
    return _Batch(records, redrawn)


def _save(path: Path, png: bytes, quality: int) -> None:
    try:
        path.write_bytes(encode(png, quality))
    except OSError as error:
        raise BadUsage(f"{path}: cannot write ({error.strerror or error})") from error


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
