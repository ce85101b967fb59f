"""python -m data_prep.synthesize_documents --out DIR --count N --seed S"""

import argparse
import atexit
import functools
import multiprocessing
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from data_prep.browser.chromium import Browser
from data_prep.cli.flags import add_workers
from data_prep.cli.progress import Progress
from data_prep.synthesize_documents.rendering import BATCH, Settings, make_pages
from xojl_jax.documents.record import record_to_json
from xojl_jax.errors import BadUsage

PAGE_SECONDS = 300.0  # limit on one tab of pages; generous, for overloaded machines
# How a picture is written: what Pillow is told.
FORMATS = {
    "webp": ("WEBP", {"quality": 88, "method": 2}),
    "jpeg": ("JPEG", {"quality": 88}),
    "png": ("PNG", {"compress_level": 3}),
}
USAGE = """Makes pages of documents of our own, with all that is known of them: words and boxes,
lines, regions, and questions with their answers. Chromium renders them.

  python -m data_prep.synthesize_documents --out data/made --count 10000 --seed 1
  python -m data_prep.build --records data/made --out data/shards

Writes DIR/records.jsonl (docs/document_record.md) and DIR/images/. Page I of seed S is the same
whatever COUNT and the workers are; source.uri names it: synth-doc:S/I. Twelve pages in a row are of
one maker, source.site, and share a design; data_prep.build keeps a site in one split, so held-out
pages have other designs. Small pictures and models want fewer words: --image-side 384 --most-words
90. docs/made_documents.md says more."""


def main(argv: list[str]) -> None:
    args = _parse(argv)
    out = Path(args.out)
    _make_folder(out)
    kinds, asked = Counter(), Counter()
    start = time.monotonic()
    with (out / "records.jsonl").open("w", encoding="utf-8") as lines:
        for batch in Progress(_Batches(args), f"batches of {BATCH}"):
            for line, kind, questions in batch:
                lines.write(line + "\n")
                kinds[kind] += 1
                asked.update(questions)
    seconds = time.monotonic() - start
    print(f"{args.count} pages in {out}, {args.count / seconds * 3600:,.0f} an hour")
    for what, counts in (("pages", kinds), ("questions", asked)):
        print(f"{what}: " + ", ".join(f"{name} {count}" for name, count in counts.most_common()))


# --- many browsers --------------------------------------------------------------------------------

_Line = tuple[str, str, list[str]]  # a record's JSON, the kind of page, the kinds of its questions


@dataclass(frozen=True)
class _Batches:
    """The batches of a run in order, each made by one of `--workers` processes."""

    args: argparse.Namespace

    @property
    def _batches(self) -> list[range]:
        """A batch begins where a page has the first place of a tab, whatever --first is."""
        first, last = self.args.first, self.args.first + self.args.count
        starts = [first, *range(first // BATCH * BATCH + BATCH, last, BATCH)]
        return [range(a, b) for a, b in zip(starts, [*starts[1:], last], strict=True)]

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[list[_Line]]:
        args = self.args
        settings = Settings(args.seed, args.most_words, args.image_side)
        make = functools.partial(
            _make_batch, settings=settings, out=Path(args.out), image_format=args.image_format
        )
        batches = self._batches
        workers = min(args.workers, len(batches))
        # Playwright starts threads, which do not survive a fork.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, context, initializer=_start_browser) as pool:
            waiting = deque()
            for batch in batches:
                waiting.append(pool.submit(make, batch))
                # Two batches per worker are queued: none waits for work, and memory is bounded.
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()


_browser: list[Browser] = []  # the one browser of a worker process


def _start_browser() -> None:
    browser = Browser(page_seconds=PAGE_SECONDS)
    _browser.append(browser.__enter__())
    atexit.register(browser.__exit__, None, None, None)


def _make_batch(indices: range, settings: Settings, out: Path, image_format: str) -> list[_Line]:
    lines = []
    # Pillow releases the GIL while it compresses.
    with ThreadPoolExecutor(2) as pool:
        saved = []
        for made in make_pages(_browser[0], settings, indices):
            record = replace(made.record, image=f"{made.record.image}.{image_format}")
            saved.append(pool.submit(_save, out / record.image, made.image, image_format))
            kind = record.source["title"].rpartition(": ")[2]
            asked = [question.kind for question in record.questions]
            lines.append((record_to_json(record), kind, asked))
        for each in saved:
            each.result()
    return lines


def _save(path: Path, image: Image.Image, image_format: str) -> None:
    kind, options = FORMATS[image_format]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, kind, **options)
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
    add_workers(parser, "browsers")
    parser.add_argument(
        "--most-words", type=int, default=400, metavar="N", help="words of a page at most (400)"
    )
    parser.add_argument(
        "--image-side", type=int, default=1024, metavar="PX", help="longer side of pictures (1024)"
    )
    parser.add_argument(
        "--image-format", choices=tuple(FORMATS), default="webp", help="of pictures (webp)"
    )
    args = parser.parse_args(argv)
    for name, low, high in (
        ("count", 1, 10**7),
        ("first", 0, 10**9),
        ("most_words", 60, 1000),
        ("image_side", 64, 4096),
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
