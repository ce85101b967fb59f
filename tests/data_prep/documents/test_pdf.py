"""PDFs to words and pictures: positions are those of the page as it is seen."""

import numpy as np
import pytest

from data_prep.documents.page import LeftOut
from data_prep.documents.pdf import PdfPages
from data_prep.documents.pdf_words import words_of
from tests.data_prep.documents.made_pdf import ENCRYPTED, make_pdf, text


def open_pdf(data: bytes) -> PdfPages:
    return PdfPages(data, side=128, most_words=100, ocr=None)


def test_words_lie_where_they_are_drawn():
    """Protects the boxes: two lines of Helvetica, whose metrics are known."""
    content = text(20, 80, "Hello big world") + text(20, 60, "Next")
    page = open_pdf(make_pdf(content)).page(0)
    assert page.image.size == (128, 64)
    assert page.words.texts == ["Hello", "big", "world", "Next"]
    assert page.words.lines == [(0, 3), (3, 4)]
    assert page.size == (200, 100)
    hello = page.words.boxes[0]
    # H starts 0.77 pt behind the pen, is 7.18 pt high; Hello is 22.8 pt wide in all.
    assert hello == pytest.approx([20.77 / 200, 1 - 87.3 / 100, 42.5 / 200, 0.2], abs=0.006)
    # Ink is where the boxes say, and nowhere else.
    ink = np.asarray(page.image).min(axis=2) < 128
    for x0, y0, x1, y1 in page.words.boxes:
        rows = slice(int(y0 * 64), int(np.ceil(y1 * 64)) + 1)
        columns = slice(int(x0 * 128), int(np.ceil(x1 * 128)) + 1)
        assert ink[rows, columns].any()
        ink[rows, columns] = False
    assert not ink.any()


@pytest.mark.parametrize(
    ("extra", "size", "corner"),
    [
        ("/Rotate 90", (100, 200), (0.8, 0.1)),
        ("/Rotate 180", (200, 100), (0.9, 0.8)),
        ("/Rotate 270", (100, 200), (0.2, 0.9)),
        ("/CropBox[10 0 110 100]", (100, 100), (0.1, 0.2)),
    ],
)
def test_turned_and_cropped_pages(extra, size, corner):
    """Protects boxes of pages that a viewer turns or crops."""
    page = open_pdf(make_pdf(text(20, 80, "Mm"), page_extra=extra)).page(0)
    assert page.size == size
    box = page.words.boxes[0]
    # The start of the baseline is one corner of the box (there is ink on all of its sides).
    assert min(abs(box[[0, 2]] - corner[0])) < 0.012
    assert min(abs(box[[1, 3]] - corner[1])) < 0.012
    height, width = np.asarray(page.image).shape[:2]
    rows, columns = np.nonzero(np.asarray(page.image).min(axis=2) < 128)
    inked = [columns.min() / width, rows.min() / height]
    assert inked == pytest.approx(list(box[:2]), abs=0.03)


def test_what_is_outside_the_page_is_no_word():
    """Protects [0, 1]: words over the edge are cut, words beyond it dropped."""
    content = text(-3, 50, "edge") + text(300, 20, "beyond")
    words = open_pdf(make_pdf(content)).page(0).words
    assert words.texts == ["edge"]
    assert words.boxes[0, 0] == 0


@pytest.mark.parametrize("hyphen", [0x2, 0xFFFE])
def test_hyphens_gaps_and_half_characters(hyphen):
    """Protects words from what PDFium tells of line ends, columns and UTF-16."""
    codes = [*map(ord, "ab"), hyphen, *map(ord, "cd"), 0xD83D, 0xDE00, ord("e"), 0xD800]
    boxes = np.array([[0.1 + 0.02 * i, 0.1, 0.12 + 0.02 * i, 0.12] for i in range(len(codes))])
    boxes[7:] += 0.3  # another column
    words = words_of(codes, boxes)
    assert words.texts == ["ab-", "cd\U0001f600", "e\ufffd"]
    assert words.lines == [(0, 1), (1, 3)]


def test_bad_files_are_left_out_with_a_reason():
    """Protects a run from its input: every reason is one that is counted."""
    whole = make_pdf(text(20, 80, "Hello"))
    for data, reason in [
        (b"no pdf", "broken"),
        (ENCRYPTED, "encrypted"),
        (whole[:40], "broken"),
    ]:
        with pytest.raises(LeftOut, match=reason):
            open_pdf(data)
    with pytest.raises(LeftOut, match="blank"):
        open_pdf(make_pdf("")).page(0)
    with pytest.raises(LeftOut, match="no text layer, and no Tesseract"):
        open_pdf(make_pdf("20 20 50 50 re f")).page(0)
    with pytest.raises(LeftOut, match="more than 100 words"):
        open_pdf(make_pdf(text(1, 1, "a " * 2001))).page(0)
