"""python -m data_prep.synthesize_documents --out DIR --count N --seed S"""

import argparse
import functools
import io
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from PIL import Image

from data_prep.browser.chromium import Browser
from data_prep.browser.pool import make_in_order
from data_prep.cli.flags import add_workers
from data_prep.cli.folders import make_empty_folder
from data_prep.cli.progress import Progress
from data_prep.documents.page import IMAGE_FORMATS, drop_color
from data_prep.synthesize_documents.language import languages
from data_prep.synthesize_documents.rendering import BATCH, Settings, make_pages, print_page
from xojl_jax.documents.record import record_to_json
from xojl_jax.errors import BadUsage

USAGE = """Makes pages of documents of our own, with all that is known of them: words and boxes,
lines, regions, and questions with their answers. Chromium renders them.

  python -m data_prep.synthesize_documents --out data/made --count 10000 --seed 1
  python -m data_prep.build --records data/made --out data/shards

Writes DIR/records.jsonl (docs/document_record.md) and DIR/images/. Page I of seed S is the same
whatever COUNT and the workers are; source.uri names it: synth-doc:S/I. Twelve pages in a row
(--per-maker) are of one maker, source.site, and share a design; data_prep.build keeps a site in one
split, so held-out pages have other designs. Small pictures and models want fewer words:
--image-side 384 --most-words 90. docs/made_documents.md says more."""


def main(argv: list[str]) -> None:
    args = _parse(argv)
    out = Path(args.out)
    make_empty_folder(out)
    make = functools.partial(
        _make_batch,
        settings=Settings(
            seed=args.seed,
            most_words=args.most_words,
            image_side=args.image_side,
            scan=args.scan,
            per_maker=args.per_maker,
            languages=tuple(args.languages),
        ),
        out=out,
        image_format=args.image_format,
        with_pdf=args.pdf,
    )
    batches = _batches(args.first, args.count)
    kinds, asked = Counter(), Counter()
    start = time.monotonic()
    with (out / "records.jsonl").open("w", encoding="utf-8") as lines:
        done = make_in_order(make, batches, args.workers)
        for batch in Progress(done, f"batches of {BATCH}", total=len(batches)):
            for line, kind, questions in batch:
                lines.write(line + "\n")
                kinds[kind] += 1
                asked.update(questions)
    seconds = time.monotonic() - start
    print(f"{args.count} pages in {out}, {args.count / seconds * 3600:,.0f} an hour")
    for what, counts in (("pages", kinds), ("questions", asked)):
        print(f"{what}: " + ", ".join(f"{name} {count}" for name, count in counts.most_common()))


# --- batches --------------------------------------------------------------------------------------

_Line = tuple[str, str, list[str]]  # a record's JSON, the kind of page, the kinds of its questions


def _batches(first: int, count: int) -> list[range]:
    """A batch begins where a page has the first place of a tab, whatever the first page is."""
    last = first + count
    starts = [first, *range(first // BATCH * BATCH + BATCH, last, BATCH)]
    return [range(a, b) for a, b in zip(starts, [*starts[1:], last], strict=True)]


def _make_batch(
    browser: Browser,
    indices: range,
    *,
    settings: Settings,
    out: Path,
    image_format: str,
    with_pdf: bool,
) -> list[_Line]:
    lines = []
    # Pillow releases the GIL while it compresses.
    with ThreadPoolExecutor(2) as pool:
        saved = []
        for made in make_pages(browser, settings, indices):
            record = replace(made.record, image=f"{made.record.image}.{image_format}")
            saved.append(pool.submit(_save, out / record.image, made.image, image_format))
            if with_pdf:
                name = Path(made.record.image).with_suffix(".pdf").name
                _write(out / "pdf" / name, print_page(browser, made))
            kind = record.source["title"].rpartition(": ")[2]
            asked = [question.kind for question in record.questions]
            lines.append((record_to_json(record), kind, asked))
        for each in saved:
            each.result()
    return lines


def _save(path: Path, image: Image.Image, image_format: str) -> None:
    buffer = io.BytesIO()
    kind, options = IMAGE_FORMATS[image_format]
    drop_color(image).save(buffer, kind, **options)
    _write(path, buffer.getvalue())


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise BadUsage(f"{path}: cannot write ({error.strerror or error})") from error


# --- command line ---------------------------------------------------------------------------------


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m data_prep.synthesize_documents",
        description=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--out", required=True, help="a new or empty folder for the records")
    parser.add_argument("--count", type=int, required=True, help="pages to make")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other pages (0)")
    parser.add_argument("--first", type=int, default=0, help="index of the first page (0)")
    parser.add_argument(
        "--per-maker", type=int, default=12, metavar="N", help="pages that share a design (12)"
    )
    parser.add_argument(
        "--languages",
        nargs="+",
        choices=tuple(languages()),
        default=[],
        metavar="CODE",
        help=f"languages of makers (all: {' '.join(languages())})",
    )
    add_workers(parser, "browsers")
    parser.add_argument(
        "--scan", type=float, default=0.3, metavar="SHARE", help="of pages that look scanned (0.3)"
    )
    parser.add_argument(
        "--most-words", type=int, default=400, metavar="N", help="words of a page at most (400)"
    )
    parser.add_argument(
        "--image-side", type=int, default=1024, metavar="PX", help="longer side of pictures (1024)"
    )
    parser.add_argument(
        "--image-format", choices=tuple(IMAGE_FORMATS), default="webp", help="of pictures (webp)"
    )
    parser.add_argument(
        "--pdf", action="store_true", help="also print each page to DIR/pdf/, unscanned; slower"
    )
    args = parser.parse_args(argv)
    for name, low, high in (
        ("scan", 0, 1),
        ("count", 1, 10**7),
        ("first", 0, 10**9),
        ("per_maker", 1, 10**4),
        ("most_words", 60, 1000),
        ("image_side", 64, 4096),
    ):
        if not low <= getattr(args, name) <= high:
            flag = "--" + name.replace("_", "-")
            raise BadUsage(f"{flag} {getattr(args, name)}: give a number from {low} to {high}")
    return args
