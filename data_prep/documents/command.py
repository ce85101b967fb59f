"""`python -m data_prep.documents`: PDFs and published data sets of pages -> document records."""

import argparse
import contextlib
import sys
import time
from pathlib import Path

from data_prep.cli.beam import require_beam
from data_prep.cli.flags import add_workers
from data_prep.cli.progress import Progress
from data_prep.documents import tesseract
from data_prep.documents.output import Output, report
from data_prep.documents.page import IMAGE_FORMATS
from data_prep.documents.pipeline import Job, read_with_beam
from data_prep.documents.readers import Settings
from data_prep.documents.serve import PageDone
from data_prep.documents.sources import Sources, find_files, with_folder_as_site
from data_prep.documents.workers import Started, read_documents

USAGE = """Reads documents: for every page its picture, its words with boxes, its lines.

  python -m data_prep.documents --out data/pages reports/ letter.pdf

  python -m data_prep.documents --out data/pdfa pdfa-eng-train-0000.tar
  python -m data_prep.documents --out data/publaynet publaynet/val.json

  python -m data_prep.documents --out data/pdfa 'hf://datasets/pixparse/pdfa-eng-wds/*.tar'
  python -m data_prep.documents --out data/web https://example.org/a.pdf s3://bucket/reports/

A SOURCE is a file or a folder (all in it that end in .pdf, .tar or .xml), here or elsewhere: any
address that fsspec reads, with * (pip install 'xojl_jax[remote]'):
  .pdf   words of the text layer; pages without one are read by Tesseract where it is installed,
         and else counted with that reason
  .tar   a shard of PDFA-ENG-WDS or IDL-WDS
  .xml   PubTables-1M, with the picture and the words beside it or in ../images and ../words
  .json  PubLayNet (COCO), with the pictures in a folder of its name; a form of FUNSD, with the
         picture in ../images; questions of DocVQA, with documents/ and ocr_results/ beside them
  index.json, or its folder: chunks of litdata

On many machines that share a disk, in an environment from requirements-beam.txt:
  … -m data_prep.documents --beam --runner=FlinkRunner --flink_master=HOST:8081 --out DIR SOURCE…

Writes DIR/records.jsonl (docs/document_record.md), DIR/images/, DIR/documents.jsonl (what became of
each document) and DIR/summary.jsonl (the sums). Run again with the same --out: documents that are
done are not done twice, even after a kill. A file that is broken, encrypted or made to harm costs
bounded time and memory (--page-seconds, --memory-gib). docs/documents.md says more."""


def main(argv: list[str]) -> int | None:
    options, for_beam = parse_flags(argv)
    if options.beam:
        require_beam("leave --beam out")
    found, settings = find_files(options.sources), settings_of(options)
    output = Output(Path(options.out), settings)
    if output.documents:
        done = len(output.documents)
        print(f"{done} documents are in {options.out} already", file=sys.stderr)
    started, known = time.monotonic(), pages_of(output)
    cache_bytes = round(options.cache_gib * 2**30)
    if options.beam:
        job = Job(options.out, settings, options.workers, cache_bytes)
        output = read_with_beam(found, job, output, for_beam)
        pages = pages_of(output) - known
    else:
        cache = output.folder / "cache"
        sources = Sources(found, cache, cache_bytes, settings.most_mb, options.limit)
        pages = write_records(sources, output, settings, options.workers)
    seconds = time.monotonic() - started
    account = output.finish(seconds)
    report(account, output, pages, seconds)
    return 0 if account["kept"] else 1


def pages_of(output: Output) -> int:
    return sum(line["pages"] for line in output.documents.values())


def write_records(sources: Sources, output: Output, settings: Settings, workers: int) -> int:
    """Reads the documents into the output; returns how many pages were looked at."""
    begun = known = 0
    todo = sources.documents(frozenset(output.documents), output.ended)
    if settings.folder_is_site:
        todo = (document and with_folder_as_site(document) for document in todo)
    events = read_documents(todo, output.folder, settings, workers, output.twin_of)

    def write_pages():
        nonlocal begun, known
        current = None
        for event in events:
            output.write(event)
            if isinstance(event, PageDone):
                yield event
            elif isinstance(event, Started):
                begun += 1
                known += min(event.opened.pages, settings.most_pages or event.opened.pages)
                current = event.document
            else:
                sources.finished(event.document)
                begun += event.document is not current  # it ends without having begun

    def estimate() -> int:
        """All pages: those of documents that are begun, and as many for each of the others."""
        return round(known * sources.expected() / max(begun, 1))

    whole = False
    try:
        with contextlib.closing(events):
            pages = sum(1 for _ in Progress(write_pages(), "pages (estimated)", total=estimate))
        whole = True
        return pages
    finally:
        sources.close(whole=whole)


def parse_flags(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Our flags, and those for Beam."""
    parser = argparse.ArgumentParser(
        "python -m data_prep.documents",
        description=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("sources", nargs="+", metavar="SOURCE", help="file, folder or address")
    add("--out", required=True, metavar="DIR", help="where the records go")
    add("--limit", type=_count, metavar="N", help="the first N documents only")
    add("--pages", type=_count, metavar="N", help="the first N pages of a document only")
    add_workers(parser, "processes")
    add("--image-format", choices=tuple(IMAGE_FORMATS), default="png", help="default png")
    add("--image-side", type=_count, default=1024, metavar="PX", help="longer side (default 1024)")
    add("--least-words", type=_count_or_none, default=1, metavar="N", help="of a page (default 1)")
    add("--most-words", type=_count, default=5000, metavar="N", help="of a page (default 5000)")
    what = "pages of one folder's documents stay in one split, as those of a site do"
    add("--folder-is-site", action="store_true", help=what)
    add("--most-mb", type=_above_0, default=200.0, metavar="MB", help="of a file (default 200)")
    add("--page-seconds", type=_above_0, default=30.0, metavar="S", help="per page (default 30)")
    add("--cache-gib", type=_above_0, default=16.0, metavar="G", help="of copies (default 16)")
    add("--memory-gib", type=_above_0, default=2.0, metavar="G", help="per process (default 2)")
    add("--no-ocr", action="store_true", help="leave pages without a text layer out")
    add("--ocr-language", default="eng", metavar="L", help="for Tesseract (default eng)")
    add("--beam", action="store_true", help="as an Apache Beam pipeline; its flags are taken, too")
    options, rest = parser.parse_known_args(argv)
    if rest and not options.beam:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if options.beam and options.limit:
        parser.error("--limit: machines side by side do not know which documents are the first")
    return options, rest


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 1 or more")
    return int(text)


def _count_or_none(text: str) -> int:
    return 0 if text == "0" else _count(text)


def _above_0(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) < 1e9:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")


def settings_of(options: argparse.Namespace) -> Settings:
    ocr = tesseract.is_installed() and not options.no_ocr
    return Settings(
        side=options.image_side,
        image_format=options.image_format,
        most_pages=options.pages,
        least_words=options.least_words,
        most_words=options.most_words,
        most_mb=options.most_mb,
        page_seconds=options.page_seconds,
        memory_gib=options.memory_gib,
        ocr=options.ocr_language if ocr else None,
        folder_is_site=options.folder_is_site,
    )
