"""PDFA-ENG-WDS and IDL-WDS: tar shards whose files with one stem are one document.

PDFA: `.pdf`, and `.json` with words per page. IDL: `.tif` of many pages or `.pdf`, and `.json` with
lines per page. Boxes are [x, y, width, height], normalized to the page.
"""

import json
import tarfile
from collections.abc import Iterator

from data_prep.documents.document import Blob, Document, SourceFile
from data_prep.documents.ocr_words import clean_words, split_line
from data_prep.documents.page import LeftOut, Page, Pages, Words
from data_prep.documents.pdf import PdfFile, render
from data_prep.documents.pictures import Pictures

_SUFFIXES = ("pdf", "json", "tif", "tiff")


def find(source: SourceFile, name: str) -> Iterator[Document]:
    """The samples of a shard, from its headers alone: files of one sample are neighbors."""
    path, stem, files, idl = source.path, "", {}, False
    try:
        with tarfile.open(path, "r:") as shard:
            for member in shard:
                shard.members = []  # or it keeps every header
                before, dot, suffix = member.name.rpartition("/")[2].partition(".")
                if not member.isreg() or not before or not dot:
                    continue
                if before != stem:
                    yield from _sample(name, stem, files, idl)
                    stem, files, idl = before, {}, False
                suffix = suffix.lower()
                idl |= suffix in ("tif", "tiff", "ocr")
                if suffix in _SUFFIXES:
                    files[suffix] = Blob(str(path), member.size, member.offset_data)
            yield from _sample(name, stem, files, idl)
            stem = ""
            with path.open("rb") as file:  # tarfile takes any block that is no header for the end
                file.seek(shard.offset)
                if file.read(512).strip(b"\0"):
                    raise tarfile.ReadError("its end is no end of a tar file")
    except (tarfile.TarError, OSError, ValueError) as error:
        yield from _sample(name, stem, files, idl)
        fault = f"a broken shard ({' '.join(str(error).split())[:60]})"
        yield Document(f"{name}/", "shard", {}, fault=fault)


def _sample(name: str, stem: str, files: dict[str, Blob], idl: bool) -> Iterator[Document]:
    if stem:
        dataset = "idl" if idl else "pdfa"
        yield Document(f"{name}/{stem}", "shard", files, {"dataset": dataset}, {"stem": stem})


def open_sample(document: Document, side: int) -> Pages:
    """A sample of either data set, by what its JSON has."""
    if "json" not in document.files:
        raise LeftOut("no JSON of this name in the shard")
    try:
        pages = json.loads(document.files["json"].read())["pages"]
        is_pdfa = "words" in pages[0]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise LeftOut("JSON without pages") from error
    return PdfaPages(document, pages, side) if is_pdfa else IdlPages(document, pages, side)


class PdfaPages:
    """PDFium's pictures, the published words."""

    def __init__(self, document: Document, pages: list, side: int):
        if "pdf" not in document.files:
            raise LeftOut("no PDF of this name in the shard")
        self._file = PdfFile(document.files["pdf"].read())
        self.document, self.count = self._file.document, self._file.count
        self._pages, self._side = pages, side

    def page(self, number: int) -> Page:
        words = pdfa_words(_page_of(self._pages, number))
        page = self._file.load(number)
        try:
            return Page(render(page, self._side), words, size=page.get_size())
        finally:
            page.close()


class IdlPages:
    """Scans, with the lines that Amazon's Textract read."""

    def __init__(self, document: Document, pages: list, side: int):
        self.document = f"idl:{document.about['stem']}"
        self._pages, self._side = pages, side
        scan = document.files.get("tif") or document.files.get("tiff")
        self._pictures = Pictures(scan.read()) if scan else None
        self._file = None
        if self._pictures is None:
            if "pdf" not in document.files:
                raise LeftOut("no TIFF and no PDF of this name in the shard")
            self._file = PdfFile(document.files["pdf"].read())
        self.count = (self._pictures or self._file).count

    def page(self, number: int) -> Page:
        words = idl_words(_page_of(self._pages, number))
        if self._pictures is not None:
            return Page(self._pictures.fitted(number, self._side), words)
        page = self._file.load(number)
        try:
            return Page(render(page, self._side), words, size=page.get_size())
        finally:
            page.close()


def pdfa_words(page: dict) -> Words:
    """`words` of a page: parallel arrays, with [line, position] of each word in `line_pos`."""
    words = _object(page, "words")
    texts, boxes = words.get("text") or [], words.get("bbox") or []
    places = [_first(place) for place in words.get("line_pos") or []]
    if len(places) != len(texts):  # then the lines may tell their slices of words
        places = _places_of_slices(page, len(texts))
    scores = words.get("score") or ()
    return clean_words(texts, [_corners(box) for box in boxes], places, "ocr words", scores)


def idl_words(page: dict) -> Words:
    """A page of parallel arrays of lines, each split into words."""
    texts, boxes, places, scores = [], [], [], []
    lines, line_boxes = page.get("text") or [], page.get("bbox") or []
    sure = page.get("score") or ()
    if len(lines) != len(line_boxes):
        raise LeftOut("lines and boxes that are not parallel")
    for number, (line, box) in enumerate(zip(lines, line_boxes, strict=True)):
        if isinstance(line, str):
            words, their_boxes = split_line(line, _corners(box))
            texts += words
            boxes += their_boxes
            places += [number] * len(words)
            scores += [sure[number]] * len(words) if len(sure) == len(lines) else []
    return clean_words(texts, boxes, places, "ocr lines", scores)


def _places_of_slices(page: dict, count: int) -> list[int]:
    places = [-1 - i for i in range(count)]  # in no line: each for itself
    for number, ends in enumerate(_object(page, "lines").get("word_slice") or []):
        start, end = ends if isinstance(ends, list) and len(ends) == 2 else (0, 0)
        if isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= count:
            places[start:end] = [number] * (end - start)
    return places


def _page_of(pages: list, number: int) -> dict:
    page = pages[number] if isinstance(pages, list) and number < len(pages) else None
    if not isinstance(page, dict):
        raise LeftOut("no OCR of this page in the JSON")
    return page


def _object(page: dict, name: str) -> dict:
    value = page.get(name)
    return value if isinstance(value, dict) else {}


def _first(place) -> int | None:
    return place[0] if isinstance(place, list) and place else None


def _corners(box) -> tuple[float, ...]:
    try:
        x, y, width, height = map(float, box)
    except (TypeError, ValueError) as error:
        raise LeftOut("boxes that are not numbers") from error
    return x, y, x + width, y + height
