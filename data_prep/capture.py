"""`python -m data_prep.capture`: pages -> sections -> records."""

import argparse
import hashlib
import io
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from data_prep.browser import DESKTOP, Browser, Extracted, Page, PageError
from data_prep.compact import Compact, compact, properties
from data_prep.progress import Progress
from data_prep.site import Shim
from data_prep.sources import PageSource, find_pages
from xojl_jax import command
from xojl_jax.errors import BadUsage
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import Record, record_to_json
from xojl_jax.xojl.tree import preorder

USAGE = """Renders pages in Chromium, cuts them into sections: a screenshot and an html tree each.

  python -m data_prep.capture --out data/raw https://example.com/
  python -m data_prep.capture --out data/raw --shim data/shim unpacked-site/
  python -m data_prep.capture --out data/raw --site-root site site/about/index.html

Writes DIR/records.jsonl, DIR/screenshots/ and DIR/author.jsonl (class names and roles, for
data_prep.label only). Run again with the same --out: pages that are done are not done twice."""
MAX_NODES = 1500
BLANK = 0.9995  # share of one colour from which a picture shows nothing (two words are 0.998)


@dataclass
class Tally:
    """What became of the pages and their sections."""

    pages: int = 0
    failed: list[str] = field(default_factory=list)
    sections: int = 0
    rejected: Counter = field(default_factory=Counter)

    @property
    def seen(self) -> int:
        return self.sections + sum(self.rejected.values())


def main(argv: list[str]) -> int | None:
    options = parse_flags(argv)
    pages = find_pages(options.sources, options.site_root)
    shim = Shim(options.shim) if options.shim else None
    output = Output(Path(options.out))
    todo = [page for page in pages if page.uri not in output.done]
    if len(todo) < len(pages):
        print(f"{len(pages) - len(todo)} pages are in {options.out} already", file=sys.stderr)
    tally, started = Tally(), time.monotonic()
    with Browser(page_seconds=options.page_seconds) as browser, output:
        for page in Progress(todo, "pages"):
            capture_page(browser, page, shim, options.viewport, output, tally)
    report(tally, time.monotonic() - started, options.out)
    return 0 if tally.sections or not todo else 1


def parse_flags(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m data_prep.capture",
        description=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="URL, HTML file, or folder")
    parser.add_argument("--out", required=True, metavar="DIR", help="where the records go")
    parser.add_argument("--shim", metavar="DIR", help="unpacked npm packages that answer CDN links")
    parser.add_argument("--site-root", metavar="DIR", help="what / means for a local file")
    parser.add_argument(
        "--viewport", type=_size, default=DESKTOP, metavar="WxH", help="default 1280x720"
    )
    parser.add_argument(
        "--page-seconds", type=float, default=60.0, metavar="S", help="limit a page (default 60)"
    )
    return parser.parse_args(argv)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit() and 200 <= int(width) <= 4000):
        raise argparse.ArgumentTypeError(f"{text!r} is no WIDTHxHEIGHT such as 1280x720")
    return int(width), max(200, int(height))


def capture_page(
    browser: Browser, source: PageSource, shim, viewport, output: "Output", tally: Tally
) -> None:
    """Captures one page. Whatever goes wrong with it is counted, and the run goes on."""
    tally.pages += 1
    found: list[Section] = []
    rejected: Counter = Counter()
    try:
        with _open(browser, source, shim, viewport) as page:
            title = page.title
            for number in range(len(page.sections())):
                section = capture_section(page, source, number, title)
                if isinstance(section, str):
                    rejected[section] += 1
                else:
                    found.append(section)
    except PageError as error:
        tally.failed.append(f"{source.uri}: {error}")
    kept = [section for section in found if output.is_new(section)]
    rejected["seen before"] += len(found) - len(kept)
    output.write(source, kept)
    tally.sections += len(kept)
    tally.rejected.update(+rejected)


def _open(browser: Browser, source: PageSource, shim, viewport) -> Page:
    if source.url:
        return browser.open_url(source.url, viewport, shim=shim)
    return browser.open_site(source.root, source.path, viewport, shim=shim)


@dataclass
class Section:
    """A captured section: the record, its picture (encoded), the author's words per html node."""

    record: Record
    image: bytes
    author: list[dict]
    looks: str  # equal for two sections that show the same


def capture_section(page: Page, source: PageSource, number: int, title: str) -> Section | str:
    """The section, or why it is no good."""
    codebook = Codebook.load()
    extracted = page.extract(number, properties(codebook), author=True)
    if extracted.full or len(extracted.nodes) > MAX_NODES:
        return "too many nodes"
    if not any(node["content"] for node in extracted.nodes):
        return "empty"
    if any(node["broken"] for node in extracted.nodes):
        return "a picture is missing"
    if any(node["cut"] and node["content"] for node in extracted.nodes):
        return "content is cut off"
    first, second = (page.screenshot(extracted.box, number) for _ in range(2))
    if first != second or page.box(number) != extracted.box:
        return "it moves"
    picture = Image.open(io.BytesIO(first)).convert("RGB")
    if is_blank(np.asarray(picture)):
        return "blank"
    name = f"{source.slug}-{number:03d}"
    tree = compact(extracted, codebook, random.Random(name))
    record = Record(
        id=name,
        screenshot=f"screenshots/{name}.webp",
        html=tree.forest,
        source=_source(source, title, extracted.box),
        viewport=tuple(page.viewport),
        html_boxes=tuple(map(tuple, tree.boxes)),
    )
    image = io.BytesIO()
    picture.save(image, "WEBP", lossless=True, quality=60, method=3)
    return Section(record, image.getvalue(), author_nodes(extracted, tree), looks_of(tree, first))


def is_blank(pixels: np.ndarray) -> bool:
    """Whether a picture (uint8[H, W, 3]) is nearly all one colour, give or take a little."""
    coarse = (pixels[::2, ::2] >> 3).astype(np.int32)
    keys = (coarse[..., 0] << 10) | (coarse[..., 1] << 5) | coarse[..., 2]
    return np.bincount(keys.ravel()).max() / keys.size > BLANK


def looks_of(tree: Compact, png: bytes) -> str:
    shape = "|".join(f"{v.depth} {v.node.tag} {v.node.classes}" for v in preorder(tree.forest))
    return hashlib.sha256(shape.encode() + png).hexdigest()


def _source(source: PageSource, title: str, box: list[int]) -> dict:
    about = {"uri": source.uri, "title": title, "licence": source.licence, "site": source.site}
    return {**{k: v for k, v in about.items() if v}, "box": box}


def author_nodes(extracted: Extracted, tree: Compact) -> list[dict]:
    """Per html node what its author called it, and how it looks: what label.py needs to know."""
    out = []
    for index, node in enumerate(extracted.nodes):
        if tree.node_of[index] is None:
            continue
        look = {css: node["styles"].get(css, "") for css in LOOK}
        entry = {**node["author"], "look": {k: v for k, v in look.items() if v}}
        out.append({**entry, "content": _valid(node["held"])})
    return out


def _valid(held: list) -> list:
    """Contents as valid Unicode: a page may hold half a surrogate pair."""
    return [
        item.encode("utf-8", "replace").decode("utf-8") if isinstance(item, str) else item
        for item in held
    ]


LOOK = (
    "display",
    "position",
    "flex-direction",
    "font-size",
    "font-weight",
    "background-color",
    "background-image",
    "border-top-width",
    "border-top-style",
    "border-bottom-style",
    "border-left-style",
    "box-shadow",
    "color",
)


class Output:
    """The folder of records. A page is written whole or not at all: a run can be resumed."""

    def __init__(self, folder: Path):
        self.folder = folder
        try:
            (folder / "screenshots").mkdir(parents=True, exist_ok=True)
            with (folder / "records.jsonl").open("a"):
                pass
        except OSError as error:
            raise BadUsage(f"--out {folder}: cannot write there ({error.strerror})") from error
        self.done: set[str] = set()
        self._seen: set[str] = set()
        self._resume()

    def __enter__(self) -> "Output":
        self._records = (self.folder / "records.jsonl").open("a", encoding="utf-8")
        self._author = (self.folder / "author.jsonl").open("a", encoding="utf-8")
        self._pages = (self.folder / "pages.jsonl").open("a", encoding="utf-8")
        return self

    def __exit__(self, *_) -> None:
        for file in (self._records, self._author, self._pages):
            file.close()

    def is_new(self, section: Section) -> bool:
        """False when a section that shows the same was written before (a menu on every page)."""
        if section.looks in self._seen:
            return False
        self._seen.add(section.looks)
        return True

    def write(self, page: PageSource, sections: list[Section]) -> None:
        for section in sections:
            (self.folder / section.record.screenshot).write_bytes(section.image)
            line = {"id": section.record.id, "nodes": section.author}
            self._author.write(json.dumps(line) + "\n")
            self._records.write(record_to_json(section.record) + "\n")
        for file in (self._author, self._records):
            file.flush()
        looks = [section.looks for section in sections]
        ids = [section.record.id for section in sections]
        self._pages.write(json.dumps({"uri": page.uri, "ids": ids, "looks": looks}) + "\n")
        self._pages.flush()

    def _resume(self) -> None:
        """Reads what is done; drops records of a page that a killed run left half written."""
        finished = set()
        for page in _json_lines(self.folder / "pages.jsonl"):
            self.done.add(page["uri"])
            self._seen.update(page["looks"])
            finished.update(page["ids"])
        for name in ("records.jsonl", "author.jsonl"):
            path = self.folder / name
            lines = path.read_text(encoding="utf-8").splitlines(True) if path.exists() else []
            kept = [line for line in lines if _id_of(line) in finished]
            if len(kept) < len(lines):
                temporary = path.with_suffix(".tmp")
                temporary.write_text("".join(kept), encoding="utf-8")
                temporary.replace(path)


def _id_of(line: str) -> str | None:
    try:
        return json.loads(line).get("id")
    except (ValueError, AttributeError):
        return None


def _json_lines(path: Path) -> Iterator[dict]:
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                return  # the last line of a killed run


def report(tally: Tally, seconds: float, out: str) -> None:
    """The summary, to standard error."""
    lines = [f"{tally.sections} sections of {tally.pages} pages in {out}"]
    for reason, count in tally.rejected.most_common():
        lines.append(f"  {count} left out: {reason}")
    lines += [f"  page failed: {line}" for line in tally.failed[:20]]
    if tally.seen:
        blank = tally.rejected["blank"] / tally.seen
        lines.append(f"{tally.seen / max(seconds, 0.01):.1f} sections/s; blank {blank:.1%}")
    print("\n".join(lines), file=sys.stderr)


if __name__ == "__main__":
    command.run(main)
