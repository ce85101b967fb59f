"""`python -m data_prep.capture`: pages -> sections -> records."""

import argparse
import contextlib
import sys
import time
from pathlib import Path

from data_prep.browser.chromium import DESKTOP, find_chromium
from data_prep.browser.site import Shim
from data_prep.capture.output import Output, report
from data_prep.capture.section import Settings
from data_prep.capture.sources import find_pages
from data_prep.capture.workers import capture_pages
from data_prep.cli.flags import add_workers
from data_prep.cli.progress import Progress

USAGE = """Renders pages in Chromium, cuts them into sections: a screenshot and an html tree each.

  python -m data_prep.capture --out data/raw https://example.com/
  python -m data_prep.capture --out data/raw --shim data/shim unpacked-package/dist
  python -m data_prep.capture --out data/raw --site-root site site/about/index.html
  python -m data_prep.capture --out data/raw @pages.txt

A SOURCE is an address, an HTML file, a folder (all HTML files in it, node_modules left out), or
@FILE: a list with one source a line, as on this command line (--site-root, --licence and --name may
follow it; # starts a comment; paths are relative to the list). Name and licence of a file come from
the package.json around it.

Writes DIR/records.jsonl, DIR/screenshots/, DIR/author.jsonl (class names, roles and texts, for
data_prep.label only), DIR/pages.jsonl (what became of each page) and DIR/capture.jsonl (the sums).
Run again with the same --out: pages that are done are not done twice, even after a kill.
Nothing that a local page asks of another host leaves this machine. docs/capture.md says more."""


def main(argv: list[str]) -> int | None:
    options = parse_flags(argv)
    pages = find_pages(options.sources, options.site_root, frames=options.iframes)
    settings = settings_of(options)
    find_chromium()
    output = Output(Path(options.out), kept_settings(options), retry=options.retry)
    todo = [page for page in pages if not output.is_done(page)]
    if len(todo) < len(pages):
        done = len(pages) - len(todo)
        print(f"{done} pages are in {options.out} already", file=sys.stderr)
    started = time.monotonic()
    results = capture_pages(todo, settings, options.workers)
    with output, contextlib.closing(results):
        for page, result in Progress(results, "pages", total=len(todo)):
            output.write(page, result)
    seconds = time.monotonic() - started
    account = output.finish(seconds)
    report(account, len(todo), seconds, output)
    return 0 if account["total"]["sections_kept"] or not todo else 1


def parse_flags(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m data_prep.capture",
        description=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("sources", nargs="*", metavar="SOURCE", help="address, HTML file, folder, or @LIST")
    add("--list", action="append", default=[], metavar="FILE", help="the same as @FILE")
    add("--out", required=True, metavar="DIR", help="where the records go")
    add("--shim", metavar="DIR", help="unpacked npm packages that answer CDN links")
    add("--site-root", metavar="DIR", help="what / means for a local file (default: its package)")
    add_workers(parser, "browsers")
    add("--iframes", action="store_true", help="documents in a page's iframes are pages, too")
    add("--whole-page", action="store_true", help="a page is one record, not cut into sections")
    add("--no-variants", action="store_true", help="no t: and m: classes (tablet, mobile)")
    add("--no-hover", action="store_true", help="no h: classes")
    add("--no-placeholders", action="store_true", help="leave out sections that lack a picture")
    add("--retry", action="store_true", help="try pages again that failed before")
    add("--viewport", type=_size, default=DESKTOP, metavar="WxH", help="default 1280x720")
    add("--page-seconds", type=float, default=60.0, metavar="S", help="limit a page (default 60)")
    options = parser.parse_args(argv)
    options.sources += [f"@{name}" for name in options.list]
    if not options.sources:
        parser.error("no source: give an address, a file, a folder or @LIST")
    return options


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit() and 200 <= int(width) <= 4000):
        raise argparse.ArgumentTypeError(f"{text!r} is no WIDTHxHEIGHT such as 1280x720")
    return int(width), min(4000, max(200, int(height)))


def settings_of(options: argparse.Namespace) -> Settings:
    return Settings(
        shim=Shim(options.shim) if options.shim else None,
        viewport=options.viewport,
        page_seconds=options.page_seconds,
        screens=not options.no_variants,
        hover=not options.no_hover,
        whole_page=options.whole_page,
        placeholders=not options.no_placeholders,
    )


def kept_settings(options: argparse.Namespace) -> dict:
    """What must be the same for all records of a folder."""
    return {
        "viewport": list(options.viewport),
        "variants": not options.no_variants,
        "hover": not options.no_hover,
        "whole_page": options.whole_page,
        "placeholders": not options.no_placeholders,
    }
