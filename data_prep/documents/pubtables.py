"""PubTables-1M: PASCAL VOC XML, a picture, and words as JSON, whose names begin alike.

`PMC1_0.xml` beside (or in a folder beside) `PMC1_0.jpg` and `PMC1_0_words.json`. Boxes are corners
in px of the picture.
"""

import json
import re
from collections.abc import Iterator
from xml.etree import ElementTree

from data_prep.documents.document import Document, SourceFile
from data_prep.documents.ocr_words import as_unicode, clean_words
from data_prep.documents.page import LeftOut, Page, Words
from data_prep.documents.pictures import Pictures
from xojl_jax.documents.json_fields import Region

_ARTICLE = re.compile(r"PMC\d+")


def find(file: SourceFile, name: str) -> Iterator[Document]:
    """The one page, or table, of an XML file."""
    stem = file.name.rpartition(".")[0]
    others = {
        kind: file.beside(other, f"../images/{other}", f"../words/{other}")
        for kind, other in [("image", f"{stem}.jpg"), ("words", f"{stem}_words.json")]
    }
    files = {"xml": file.piece} | {kind: other.piece for kind, other in others.items() if other}
    fault = "" if "image" in files else f"no {stem}.jpg beside it or in ../images"
    source = {"dataset": "pubtables-1m"} | site_of(stem)
    yield Document(name, "pubtables", files, source, {"stem": stem}, fault)


def site_of(stem: str) -> dict[str, str]:
    """The article that a picture's name begins with: pages and tables of it stay together."""
    article = _ARTICLE.match(stem)
    return {"site": article[0]} if article else {}


class PubTablesPage:
    """One page or one table crop."""

    count = 1

    def __init__(self, document: Document, side: int):
        self.document = f"pubtables:{document.about['stem']}"
        self._files, self._side = document.files, side

    def page(self, number: int) -> Page:
        try:
            root = ElementTree.fromstring(self._files["xml"].read())
        except ElementTree.ParseError as error:
            raise LeftOut("broken XML") from error
        pictures = Pictures(self._files["image"].read())
        size = voc_size(root) or pictures.size(number)
        words = Words()
        if "words" in self._files:
            try:
                words = table_words(json.loads(self._files["words"].read()), size)
            except (ValueError, RecursionError) as error:
                raise LeftOut("broken JSON of words") from error
        return Page(pictures.fitted(number, self._side), words, voc_regions(root, size))


def voc_size(root: ElementTree.Element) -> tuple[float, float] | None:
    """(width, height) that the boxes refer to, where the file tells it."""
    try:
        width, height = (float(root.findtext(f"size/{name}", "0")) for name in ("width", "height"))
    except ValueError:
        return None
    return (width, height) if min(width, height) > 0 else None


def voc_regions(root: ElementTree.Element, size: tuple[float, float]) -> list[Region]:
    """The objects of an annotation, by tag: their order in the file differs."""
    regions = []
    for thing in root.iter("object"):
        label = as_unicode(thing.findtext("name", ""))
        names = ("xmin", "ymin", "xmax", "ymax")
        try:
            corners = [float(thing.findtext(f"bndbox/{name}", "nan")) for name in names]
        except ValueError:
            continue
        region = region_of(label, corners, size)
        regions += [region] if region else []
    return regions


def region_of(label: str, corners, size: tuple[float, float]) -> Region | None:
    """A region in [0, 1], cut at the page's edge; None where nothing of it is on the page."""
    width, height = size
    x0, x1 = (min(max(value / width, 0.0), 1.0) for value in (corners[0], corners[2]))
    y0, y1 = (min(max(value / height, 0.0), 1.0) for value in (corners[1], corners[3]))
    return Region(label, (x0, y0, x1, y1)) if label and x0 < x1 and y0 < y1 else None


def table_words(words, size: tuple[float, float]) -> Words:
    """Words as objects: bbox (corners in px), text, block_num, line_num."""
    if not isinstance(words, list) or not all(isinstance(word, dict) for word in words):
        raise LeftOut("JSON that is no list of words")
    boxes = [_box_of(word.get("bbox"), size) for word in words]
    places = [(word.get("block_num"), word.get("line_num")) for word in words]
    return clean_words([word.get("text") for word in words], boxes, places, "ocr words")


def _box_of(corners, size: tuple[float, float]) -> tuple[float, ...]:
    try:
        x0, y0, x1, y1 = map(float, corners)
    except (TypeError, ValueError) as error:
        raise LeftOut("boxes that are not numbers") from error
    return x0 / size[0], y0 / size[1], x1 / size[0], y1 / size[1]
