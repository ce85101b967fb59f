"""Tesseract's table to words. The program itself need not be there."""

import pytest
from PIL import Image

from data_prep.documents.page import LeftOut
from data_prep.documents.pdf import PdfPages
from data_prep.documents.tesseract import parse_tsv
from tests.data_prep.documents.made_pdf import make_pdf

HEAD = "level page_num block_num par_num line_num word_num left top width height conf text"
ROWS = """1 1 0 0 0 0 0 0 200 100 -1 -
5 1 1 1 1 1 20 10 40 10 96.5 "Two
5 1 1 1 1 2 70 10 40 10 50 words
5 1 1 1 2 1 20 30 190 10 101 more"""
TABLE = "\n".join("\t".join(row.split()) for row in (HEAD, *ROWS.splitlines()))


def test_the_table_becomes_words():
    """Protects OCR's boxes: pixels to [0, 1], lines from their numbers, quotes as they are."""
    words = parse_tsv(TABLE, (200, 100))
    assert words.texts == ['"Two', "words", "more"]
    assert words.lines == [(0, 2), (2, 3)]
    assert words.scores == [0.965, 0.5, 1]
    assert words.boxes.tolist() == [
        [0.1, 0.1, 0.3, 0.2],
        [0.35, 0.1, 0.55, 0.2],
        [0.1, 0.3, 1, 0.4],
    ]


def test_a_scan_is_read_by_tesseract(tmp_path, monkeypatch):
    """Protects scanned pages: a program of that name gets a PNG and gives the words."""
    program = tmp_path / "tesseract"
    program.write_text(f"#!/bin/sh\ncat > {tmp_path}/in.png\ncat {tmp_path}/table\n")
    program.chmod(0o755)
    (tmp_path / "table").write_text(TABLE, encoding="utf-8")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    pages = PdfPages(make_pdf("20 20 50 50 re f"), side=128, most_words=100, ocr="eng")
    page = pages.page(0)
    assert page.words.come_from == "tesseract"
    assert len(page.words.texts) == 3
    with Image.open(tmp_path / "in.png") as image:
        assert image.size == (2200, 1100)
    program.write_text("#!/bin/sh\ncat > /dev/null\necho no such language >&2\nexit 1\n")
    with pytest.raises(LeftOut, match="Tesseract failed: no such language"):
        pages.page(0)
