"""PDF files through PDFium: pictures of pages, and words with their boxes from the text layer."""

import ctypes
import hashlib
import math

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image

from data_prep.documents.page import Broken, LeftOut, Page, Words, fitted_size, is_blank
from data_prep.documents.pdf_words import share_unknown, words_of
from data_prep.documents.tesseract import read_words

_OCR_SIDE = 2200  # px: 200 dpi of a letter or A4 page, what Tesseract is made for
_MOST_UNKNOWN = 0.5  # characters without Unicode: then the text layer says nothing
# Characters a page may have before its words are made at all; words have 5 or so.
_CHARACTERS_A_WORD = 40


class PdfFile:
    """An open PDF of which nobody knows whether it is one."""

    def __init__(self, data: bytes):
        try:
            self._pdf = pypdfium2.PdfDocument(data)
            self.count = len(self._pdf)
        except pypdfium2.PdfiumError as error:
            locked = "assword" in str(error) or "security" in str(error).lower()
            reason = "encrypted: it asks for a password" if locked else "broken: PDFium cannot read"
            raise LeftOut(reason) from error
        self.document = f"sha256:{hashlib.sha256(data).hexdigest()}"

    def load(self, number: int) -> pypdfium2.PdfPage:
        try:
            page = self._pdf[number]
        except pypdfium2.PdfiumError as error:
            raise Broken("a broken page") from error
        size = page.get_size()
        if not all(math.isfinite(side) and side > 0 for side in size):
            raise LeftOut("a page without size")
        return page


def render(page: pypdfium2.PdfPage, side: int) -> Image.Image:
    """The page as it is seen, RGB, its longer side `side` px."""
    width, height = fitted_size(*page.get_size(), side)
    bitmap = pypdfium2.PdfBitmap.new_native(
        width, height, pdfium.FPDFBitmap_BGR, rev_byteorder=True
    )
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
    # Not PdfPage.render: it takes a scale and rounds up, to 1025 px now and then.
    flags = pdfium.FPDF_ANNOT | pdfium.FPDF_REVERSE_BYTE_ORDER
    pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, flags)
    return Image.fromarray(bitmap.to_numpy().copy())


def text_layer(page: pypdfium2.PdfPage, most_words: int) -> Words:
    """The words of a page's text layer; raises `LeftOut` where they are far too many."""
    try:
        text = page.get_textpage()
    except pypdfium2.PdfiumError as error:
        raise LeftOut("a text layer that PDFium cannot read") from error
    count = max(text.count_chars(), 0)
    if count > _CHARACTERS_A_WORD * most_words:
        raise LeftOut(f"more than {most_words} words")
    codes = [pdfium.FPDFText_GetUnicode(text, i) for i in range(count)]
    return words_of(codes, _character_boxes(page, text, count))


def _character_boxes(page, text, count: int) -> np.ndarray:
    """float64[n, 4] in [0, 1] of the page as it is seen: turned and cropped."""
    found = np.zeros((count, 4))
    sides = [ctypes.c_double() for _ in range(4)]
    left, right, bottom, top = sides
    loose = pdfium.FS_RECTF()
    for i in range(count):
        # The ink's box, as OCR gives it; fonts made of procedures have none.
        if (
            pdfium.FPDFText_GetCharBox(text, i, left, right, bottom, top)
            and right.value > left.value
            and top.value > bottom.value
        ):
            found[i] = left.value, bottom.value, right.value, top.value
        elif pdfium.FPDFText_GetLooseCharBox(text, i, loose):
            found[i] = loose.left, loose.bottom, loose.right, loose.top
    matrix, offset = _to_page(page)
    one, other = found[:, :2] @ matrix + offset, found[:, 2:] @ matrix + offset
    return np.nan_to_num(np.concatenate([np.minimum(one, other), np.maximum(one, other)], axis=1))


def _to_page(page) -> tuple[np.ndarray, np.ndarray]:
    """The affine map from the file's coordinates to [0, 1] of the page: point @ matrix + offset.

    PDFium knows about rotation and crop boxes. It maps to whole pixels: of a page so large that
    rounding does not matter.
    """
    large, step = 1 << 20, 100.0

    def place(x: float, y: float) -> np.ndarray:
        a, b = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDF_PageToDevice(page, 0, 0, large, large, 0, x, y, a, b)
        return np.array([a.value, b.value]) / large

    origin = place(0, 0)
    return np.stack([place(step, 0) - origin, place(0, step) - origin]) / step, origin


class PdfPages:
    """A PDF whose words come from its text layer, else from Tesseract."""

    def __init__(self, data: bytes, *, side: int, most_words: int, ocr: str | None):
        self._file = PdfFile(data)
        self.document, self.count = self._file.document, self._file.count
        self._side, self._most_words, self._ocr = side, most_words, ocr

    def page(self, number: int) -> Page:
        page = self._file.load(number)
        try:
            words = text_layer(page, self._most_words)
            image = render(page, self._side)
            if not words.texts or share_unknown(words) > _MOST_UNKNOWN:
                words = self._ocr_words(page, image, words)
            return Page(image, words, size=page.get_size())
        finally:
            page.close()

    def _ocr_words(self, page, image: Image.Image, words: Words) -> Words:
        if is_blank(image):
            raise LeftOut("blank")
        if self._ocr is None:
            what = "a text layer without Unicode" if words.texts else "no text layer"
            raise LeftOut(f"{what}, and no Tesseract to read the picture")
        return read_words(render(page, _OCR_SIDE), self._ocr)
