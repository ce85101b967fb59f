"""Reading without the page: what a model gets to see, and what becomes of its answers."""

import json

import pytest
from PIL import Image

from data_prep.annotate import command
from data_prep.annotate.guide import read_guide
from data_prep.annotate.sheets import read_sheets, write_sheets
from xojl_jax.errors import BadUsage
from xojl_jax.xojl.record import CATEGORIES, parse_record

HERO = """category: hero
0 section
1 wrapper
2 heading
3 paragraph
4 button
5 image
"""


def answer(folder, name, text):
    (folder / f"{name}.labels").write_text(text, encoding="utf-8")


def test_a_sheet_tells_what_a_reader_must_know(begin, tmp_path):
    """The picture as it is, each node with its box and words, and, only without --blank, what the
    rules propose; the guide has every element and category."""
    assert write_sheets(begin("ana"), tmp_path / "told") == 2
    assert write_sheets(begin("bo", "--blank"), tmp_path / "blank") == 2
    told, blank = ((tmp_path / name / "hero.txt").read_text() for name in ("told", "blank"))
    line = next(line for line in told.splitlines() if "h1" in line)
    assert line.startswith("2     h1 [40 40 500 60]")  # indented by depth
    assert "'Welcome to <us>'" in line
    assert "= heading 0." in line
    assert "= " not in blank
    assert "category: hero" in told.splitlines()
    assert "category:" not in blank
    with Image.open(tmp_path / "blank" / "hero.png") as picture:
        assert picture.size == (1200, 400)
    guide = (tmp_path / "blank" / "GUIDE.txt").read_text()
    assert all(f"{element} (" in guide for element in read_guide())
    assert all(category in guide for category in CATEGORIES)


def test_answers_become_records_as_in_the_page(begin, tmp_path):
    """Same files, same checks; the record says that a model read it. A second run changes nothing,
    a corrected answer does."""
    reading = begin("m1", "--model", "--blank")
    write_sheets(reading, tmp_path)
    answer(tmp_path, "hero", HERO)
    assert list(read_sheets(reading, tmp_path)) == [("hero", "")]
    path = tmp_path / "read" / "m1" / "hero.json"
    record = parse_record(path.read_bytes())
    assert record.used_elements == ("button", "heading", "image", "paragraph", "section", "wrapper")
    assert (record.category, record.quality["reader"]) == ("hero", 1)
    assert record.extra["reading"]["kind"] == "model"
    assert reading.overview()["states"] == ["finished", "open"]

    before = path.read_bytes()
    assert list(read_sheets(reading, tmp_path)) == [("hero", "")]
    assert path.read_bytes() == before
    answer(tmp_path, "hero", HERO.replace("3 paragraph", "3 heading"))
    assert list(read_sheets(reading, tmp_path)) == [("hero", "")]
    assert "paragraph" not in parse_record(path.read_bytes()).used_elements
    # A finished section needs no sheet.
    assert write_sheets(reading, tmp_path / "rest") == 1


@pytest.mark.parametrize(
    "text, fault",
    [
        (HERO.replace("3 paragraph", "3 column"), "a column outside a grid"),
        (HERO.replace("1 wrapper", "1 paragraph"), "a leaf with children"),
        (HERO.replace("category: hero", ""), "no line `category: …`"),
        (HERO.replace("category: hero", "category: nice"), "'category: nice' is no label"),
        (HERO + "7 head", "hero.labels:8: '7 head' is no label"),
        (HERO + "99 heading", "no such node"),
        (HERO + "2 paragraph", "node 2 has a label already"),
    ],
)
def test_a_wrong_answer_is_told_and_not_finished(begin, tmp_path, text, fault):
    reading = begin("m1", "--model", "--blank")
    answer(tmp_path, "hero", text)
    ((name, told),) = read_sheets(reading, tmp_path)
    assert (name, fault in told) == ("hero", True), told
    assert not (tmp_path / "read" / "m1" / "hero.json").exists()


def test_answers_that_cannot_be_read_are_told(begin, tmp_path):
    """One bad file costs its own section alone; a folder without answers is a wrong folder."""
    reading = begin("m1", "--model", "--blank")
    with pytest.raises(BadUsage, match="no answer"):
        list(read_sheets(reading, tmp_path))
    answer(tmp_path, "hero", HERO)
    (tmp_path / "note.labels").write_bytes("category: über".encode("latin-1"))
    (_, hero), (_, note) = read_sheets(reading, tmp_path)
    assert hero == "" and "note.labels: not a text in UTF-8" in note


def test_a_section_can_be_left_out(begin, tmp_path):
    reading = begin("m1", "--model", "--blank")
    answer(tmp_path, "note", "leave out: the picture is blank\n")
    assert list(read_sheets(reading, tmp_path)) == [("note", "")]
    assert reading.overview()["states"] == ["open", "left out"]


def test_the_command_goes_through_files(raw, tmp_path, capsys):
    """As the docs say it: sheets, answers, exit code 3 with the reason while one is wrong."""
    flags = [f"--records={raw}", f"--out={tmp_path / 'read'}", "--reader=m1", "--blank", "--model"]
    sheets = tmp_path / "sheets"
    assert command.main([*flags, f"--write-sheets={sheets}"]) is None
    assert sorted(path.name for path in sheets.iterdir()) == [
        "GUIDE.txt",
        "hero.png",
        "hero.txt",
        "note.png",
        "note.txt",
    ]
    answer(sheets, "hero", HERO)
    answer(sheets, "note", "category: content\n0 section\n")
    assert command.main([*flags, f"--read-sheets={sheets}"]) == 3
    told = capsys.readouterr().err
    assert "note: node 0: an empty container" in told
    assert "2 answers, 1 not finished" in told
    answer(sheets, "note", "category: content\n0 section\n1 heading\n2 paragraph\n")
    assert command.main([*flags, f"--read-sheets={sheets}"]) is None
    labels = json.loads((tmp_path / "read" / "m1" / "note.json").read_text())["section_layout"]
    assert [key.split(".")[0] for key in labels["section.section"]] == ["heading", "paragraph"]
    with pytest.raises(BadUsage, match="first"):
        command.main([*flags, f"--read-sheets={sheets}", f"--write-sheets={sheets}"])


def test_two_readers_are_adjudicated_by_files(raw, tmp_path, capsys):
    """The sheet shows where they differ and nothing else; the answer decides each difference."""
    flags = [f"--records={raw}", f"--out={tmp_path / 'read'}", "--model"]
    for reader, third in (("m1", "paragraph"), ("m2", "heading")):
        sheets = tmp_path / reader
        sheets.mkdir()
        answer(sheets, "hero", HERO.replace("3 paragraph", f"3 {third}"))
        assert not command.main(
            [*flags, f"--reader={reader}", "--blank", f"--read-sheets={sheets}"]
        )
    flags += ["--reader=m3", "--adjudicate=m1,m2"]
    sheets = tmp_path / "both"
    assert not command.main([*flags, f"--write-sheets={sheets}"])
    told = (sheets / "hero.txt").read_text().splitlines()
    assert [line.split()[0] for line in told if "m1:" in line] == ["3"]
    assert told[5].endswith("= paragraph (m1: paragraph, m2: heading)")
    answer(sheets, "hero", HERO)
    assert not command.main([*flags, f"--read-sheets={sheets}"])
    record = parse_record((tmp_path / "read" / "final" / "hero.json").read_bytes())
    assert "paragraph" in record.used_elements
    assert record.quality["agreement"] == 0.8
    assert record.extra["reading"]["kind"] == "model"
