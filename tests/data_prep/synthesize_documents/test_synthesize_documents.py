"""Pages of our own: what their records say is what the page shows, whoever asks and how often."""

import re
from collections import Counter
from datetime import date
from random import Random

import numpy as np
import pytest
from PIL import Image

from data_prep.build import command as build
from data_prep.synthesize_documents import command
from data_prep.synthesize_documents.design import draw_design
from data_prep.synthesize_documents.kinds import KINDS
from data_prep.synthesize_documents.language import in_year, languages
from data_prep.synthesize_documents.questions import phrases
from data_prep.synthesize_documents.rendering import BATCH, Settings, make_pages, write
from data_prep.synthesize_documents.scan import Scan, draw_scan, scan_boxes, scan_image
from data_prep.synthesize_documents.sheet import fill_text
from xojl_jax.documents.answers import (
    KINDS as QUESTIONS,
)
from xojl_jax.documents.answers import (
    FieldsAnswer,
    TableAnswer,
    text_of,
    words_of_page,
)
from xojl_jax.documents.record import parse_record, read_directory, record_to_json
from xojl_jax.errors import BadUsage

SMALL = Settings(seed=7, most_words=90, image_side=384)


@pytest.fixture(scope="module")
def made(chromium):
    """Three makers' pages."""
    return [
        page
        for indices in (range(BATCH), range(BATCH, 3 * SMALL.per_maker))
        for page in make_pages(chromium, SMALL, indices)
    ]


def ink(image: Image.Image, box, at_least: float = 0.03) -> bool:
    """Whether more than a share of the pixels in a box differ much from the commonest one."""
    width, height = image.size
    pixels = np.asarray(image.convert("L")).astype(int)
    x0, x1 = int(box[0] * width), int(np.ceil(box[2] * width))
    y0, y1 = int(box[1] * height), int(np.ceil(box[3] * height))
    part = pixels[y0:y1, x0:x1]
    return (np.abs(part - np.median(part)) > 40).mean() > at_least


# --- what is written ------------------------------------------------------------------------------


def test_languages_have_all_texts():
    """A page of any kind can be drawn in any language: no list is missing, none is empty."""
    english = languages()["en"].texts

    def lists(texts: dict) -> set[str]:
        found = {name for name, value in texts.items() if isinstance(value, list)}
        for part in ("titles", "labels", "phrases"):
            found |= {f"{part}.{name}" for name, value in texts[part].items() if value}
        return found

    for code, language in languages().items():
        assert lists(language.texts) == lists(english), code
        assert set(language.texts.get("prompts", ())) <= set(phrases()["prompts"]), code
        assert language.write_number(123_456, ".").startswith("1.234")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_in_every_language(kind):
    """No phrase has a placeholder that nobody fills, whatever the language, size and draw."""
    for number, language in enumerate(languages().values()):
        page = write(Settings(seed=number, most_words=(90, 400)[number % 2]), index=number)
        sheet = page.sheet
        sheet.language, sheet.marks, sheet.tables = language, [], 0
        body = KINDS[kind].write(sheet)
        assert sheet.marks and not re.search(r"\{\w*\}", body), (kind, language.code)
        assert "{" not in "".join(
            fill_text(sheet, text)
            for texts in language.texts["phrases"].values()
            for text in texts
            if "{recipient}" not in text
        )


def test_what_is_asked_is_known():
    """Groups and descriptions name fields and kinds that there are."""
    fields = set(phrases()["fields"])
    assert {name for group in phrases()["alike"] for name in group} <= fields
    assert phrases()["descriptions"].keys() == KINDS.keys()


def test_every_day_has_its_like_in_another_year():
    """A page in some thousands bears 29 February: it must not end a run of hours."""
    assert in_year(date(2024, 2, 29), 2029) == date(2029, 2, 28)
    assert in_year(date(2023, 12, 31), 1979) == date(1979, 12, 31)


def test_makers_differ_and_a_makers_pages_are_alike():
    """A site is a design, so pages of held-out sites look new."""
    designs = [draw_design(1, maker) for maker in range(60)]
    assert len(set(designs)) == 60 and draw_design(1, 5) == designs[5] != draw_design(2, 5)
    for name in ("font", "color", "pairs", "table", "head", "money", "language"):
        assert len({getattr(design, name) for design in designs}) >= 4, name
    assert Counter(draw_design(1, m).language for m in range(300)).keys() == languages().keys()


# --- what is rendered -----------------------------------------------------------------------------


def test_every_kind_of_page_and_question_occurs(made):
    """Three makers show all kinds but the rare ones, and every kind of question."""
    kinds = {page.record.source["title"].rpartition(": ")[2] for page in made}
    assert kinds <= KINDS.keys() and len(kinds) >= len(KINDS) - 3
    asked = Counter(question.kind for page in made for question in page.record.questions)
    assert asked.keys() == QUESTIONS.keys()
    for page in made:
        assert 6 <= len(page.record.questions) <= 14
        assert 8 <= len(page.record.words) <= SMALL.most_words
        assert len({page.record.source["site"] for page in made}) == 3


def test_words_lie_where_ink_is(made):
    """Each word's box holds letters, and what lies outside of all boxes is mostly paper."""
    for page in made:
        record = parse_record(record_to_json(page.record))
        blank = [
            w
            for w, box in zip(record.words, record.boxes, strict=True)
            if not ink(page.image, box) and len(w) > 1
        ]
        assert not blank, (record.id, blank)
        assert record.lines[0][0] == 0 and record.lines[-1][1] == len(record.words)


def test_boxes_are_those_of_the_words_letters(made):
    """A word's width grows with its letters: boxes have not slipped to other words."""
    letters, widths = [], []
    for page in made:
        record = page.record
        high = record.boxes[:, 3] - record.boxes[:, 1]
        wide = (record.boxes[:, 2] - record.boxes[:, 0]) * record.image_size[0]
        letters += [len(word) for word in record.words]
        widths += list(wide / (high * record.image_size[1]))
    assert np.corrcoef(letters, widths)[0, 1] > 0.9


def test_answers_are_what_was_written(made):
    """Fields, as words of the page, read as the texts that the page was written with."""
    checked = 0
    for page in made:
        record = page.record
        index = int(record.source["uri"].rpartition("/")[2])
        written = {}
        for attempt in range(4):  # the attempt that fitted is one of the first
            drawn = write(SMALL, index, attempt)
            for number, mark in enumerate(drawn.sheet.marks):
                found = re.search(rf'data-mark="{number}" >(.*?)</span>', drawn.body)
                if mark.role == "field" and found:
                    text = re.sub("<[^>]*>", " ", found[1]).replace("&#x27;", "'")
                    written.setdefault(mark.name, set()).add(text.replace("&amp;", "&"))
        for question in record.questions:
            assert not words_of_page(question.answer) or max(words_of_page(question.answer)) < len(
                record.words
            )
            if question.kind == "extraction" and isinstance(question.answer, FieldsAnswer):
                for field in question.answer.fields:
                    name = "_".join(field.label)
                    if field.value:
                        text = text_of(field.value, record.words)
                        known = {" ".join(each.split()) for each in written[name]}
                        # A date may break after a hyphen; its parts are two words then.
                        assert text.replace("- ", "-") in {k.replace("- ", "-") for k in known}
                        checked += 1
    assert checked > 50


def test_sums_of_invoices_add_up():
    """The total is the sum of the amounts, and the tax where there is one, to the cent."""

    def cents(text: str) -> int:
        return int(re.sub(r"\D", "", text))

    found = 0
    for index in range(200):
        page = write(Settings(seed=3), index)
        if page.kind != "invoice":
            continue
        cells, values = [], {}
        for number, mark in enumerate(page.sheet.marks):
            held = re.search(rf'data-mark="{number}" [^>]*>([^<]*)<', page.body)
            if mark.role == "cell" and mark.name == "amount" and not mark.header:
                cells.append(cents(held[1]))
            elif mark.role == "field" and mark.name in ("subtotal", "tax", "total"):
                values[mark.name] = cents(held[1])
        assert sum(cells) == values.get("subtotal", values["total"])
        assert values.get("subtotal", sum(cells)) + values.get("tax", 0) == values["total"]
        found += 1
    assert found > 20


def test_tables_hold_the_cells_of_the_page(made):
    """A table's header is marked, and its words are words of the page, each once."""
    tables = [
        question.answer
        for page in made
        for question in page.record.questions
        if isinstance(question.answer, TableAnswer)
    ]
    spans = {
        (cell.rows > 1, cell.columns > 1) for table in tables for row in table.rows for cell in row
    }
    assert spans == {(False, False), (False, True), (True, False)}
    for table in tables:
        words = words_of_page(table)
        assert len(words) == len(set(words)) and any(cell.header for cell in table.rows[0])
        assert len(table.rows) <= 12


def test_a_page_is_the_same_whatever_is_made_beside_it(chromium, made):
    """Page 17 alone has the record and the look of page 17 among others; other seeds differ."""
    (alone,) = make_pages(chromium, SMALL, [17])
    assert record_to_json(alone.record) == record_to_json(made[17].record)
    pixels = [np.asarray(page.image).astype(int) for page in (alone, made[17])]
    assert (np.abs(pixels[0] - pixels[1]) > 8).mean() < 1e-3  # anti-aliasing
    other = write(Settings(seed=8, most_words=90), 17)
    assert other.body != write(SMALL, 17).body == write(SMALL, 17).body


# --- scans ----------------------------------------------------------------------------------------


def test_a_scans_boxes_turn_with_its_picture(chromium):
    """Turned by more than any scan is, every word's box still holds its letters."""
    page = make_pages(chromium, SMALL, [3])[0]
    turned = Scan(6.0, 0.0, 0.0, (0.0, 0.0), None, False, 0)
    boxes = scan_boxes(turned, np.asarray(page.record.boxes), page.image.size)
    image = scan_image(turned, page.image)
    assert image.size == page.image.size
    assert np.abs(boxes - page.record.boxes).max() > 0.03
    held = [ink(image, box, 0.02) for box in boxes]
    assert np.mean(held) > 0.95
    assert all(0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1 for box in boxes)


def test_scans_are_drawn_alike_and_in_their_share(chromium):
    """--scan 0 leaves every page as it was rendered; 1 scans all, each time in the same way."""
    clean, first, again = (
        make_pages(chromium, Settings(7, 90, 256, share), [2])[0] for share in (0.0, 1.0, 1.0)
    )
    assert not clean.record.source["scanned"] and first.record.source["scanned"]
    assert np.array_equal(np.asarray(first.image), np.asarray(again.image))
    assert not np.array_equal(np.asarray(first.image), np.asarray(clean.image))
    assert clean.record.words == first.record.words
    assert len({draw_scan(Random(i)).quality is None for i in range(20)}) == 2


# --- the command ----------------------------------------------------------------------------------


def test_records_become_shards(chromium, tmp_path):
    """What the command writes reads as records, data_prep.build takes it, a PDF has its words."""
    pdfium = pytest.importorskip("pypdfium2")
    out = tmp_path / "made"
    argv = ["--out", str(out), "--count", "4", "--first", "34", "--seed", "7", "--workers", "2"]
    argv += ["--most-words", "90", "--image-side", "256", "--scan", "0.5", "--pdf"]
    command.main(argv)
    records = [record for _, record in read_directory(out)]
    assert [record.source["uri"] for record in records] == [
        f"synth-doc:7/{i}" for i in range(34, 38)
    ]
    assert {record.source["site"] for record in records} == {
        f"synth-doc:7/maker-{i}" for i in (2, 3)
    }
    for record in records:
        with Image.open(out / record.image) as image:
            assert image.size == record.image_size and max(image.size) == 256
    printed = pdfium.PdfDocument(out / "pdf" / "7-0000034.pdf")
    text = printed[0].get_textpage().get_text_range()
    assert len(printed) == 1
    assert set(records[0].words) <= set(text.split()) | {"-"}
    build.main(["--records", str(out), "--out", str(tmp_path / "shards"), "--splits", "50,50,0"])
    with pytest.raises(BadUsage, match="not empty"):
        command.main(argv)


@pytest.mark.parametrize(
    ("flag", "value"), [("--count", "0"), ("--scan", "2"), ("--most-words", "10")]
)
def test_a_wrong_number_is_refused(tmp_path, flag, value):
    with pytest.raises(BadUsage, match=flag):
        command.main(["--out", str(tmp_path / "out"), "--count", "1", flag, value])
