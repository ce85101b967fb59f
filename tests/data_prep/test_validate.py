"""Validation finds every kind of bad record, and says where."""

import io
import json

import pytest
from PIL import Image

from data_prep import validate
from xojl_jax.errors import BadInput, BadUsage

GOOD = {
    "id": "a",
    "screenshot": "shot.png",
    "html": {"section@c_fff": {"h1": {"text": "xv1"}, "p": {"text": "xv2"}}},
    "section_layout": {"section.section@c_fff": {"heading.h1": {"text": "xv1"}}},
    "used_elements": ["heading", "section"],
    "category": "hero",
    "source": {"uri": "x/y.html", "site": "x", "box": [0, 0, 40, 30]},
    "html_boxes": [[0, 0, 40, 30, 0], [1, 1, 20, 10, 1], [1, 12, 20, 10, 2]],
    "layout_nodes": [0, 1],
}
TWO = {"section.section@c_fff": {"paragraph.p": "", "paragraph.p#2": ""}}
FAULTS = {
    "used_elements": ({"used_elements": ["heading"]}, "used_elements"),
    "outside": (
        {"html_boxes": [[0, 0, 40, 30, 0], [30, 1, 20, 10, 1], [0, 0, 1, 1, 2]]},
        "outside",
    ),
    "size": ({"html_boxes": [[0, 0, 40, 60, 0], [1, 1, 2, 2, 1], [1, 3, 2, 2, 2]]}, "outside"),
    "scaled": ({"html_boxes": [[0, 0, 20, 15, 0], [1, 1, 2, 2, 1], [1, 3, 2, 2, 2]]}, "one to one"),
    "boxes": ({"html_boxes": [[0, 0, 40, 30, 0]]}, "1 boxes"),
    "twice": ({"section_layout": TWO, "layout_nodes": [0, 2, 2]}, "name one html node"),
    "inside": ({"layout_nodes": [2, 1]}, "is a section, its html node"),
    "tag": ({"layout_nodes": [0, 2]}, "is a h1, its html node 2 a p"),
    "index": ({"layout_nodes": [0, 9]}, "index 9"),
    "file": ({"screenshot": "none.png"}, "no file"),
    "traversal": ({"screenshot": "../shot.png"}, "path"),
    "absolute": ({"screenshot": "/etc/passwd"}, "path"),
    "not an image": ({"screenshot": "text.png"}, "screenshot"),
    "link": ({"screenshot": "link.png"}, "link"),
    "element": ({"section_layout": {"banner": ""}}, "unknown element"),
    "html": ({"html": [1]}, "html"),
    "unlabelled": ({"section_layout": None, "layout_nodes": None}, "without section_layout"),
}


@pytest.fixture
def folder(tmp_path):
    data = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(data, "PNG")
    (tmp_path / "shot.png").write_bytes(data.getvalue())
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "link.png").symlink_to(tmp_path / "shot.png")
    return tmp_path


def write(folder, *records):
    lines = (record if isinstance(record, str) else json.dumps(record) for record in records)
    (folder / "records.jsonl").write_text("".join(line + "\n" for line in lines))


def test_a_good_record_passes_with_statistics(folder, capsys):
    write(folder, GOOD)
    assert validate.main([str(folder)]) == 0
    said = capsys.readouterr().out
    assert "1 records, 1 labelled, 0 bad" in said
    assert "hero 1" in said and "heading 1" in said and "100.0%" in said


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_found(folder, capsys, name):
    """One bad record among good ones: exit code 1, and the line that says why."""
    change, message = FAULTS[name]
    bad = {k: v for k, v in {**GOOD, "id": "b", **change}.items() if v is not None}
    write(folder, GOOD, bad)
    assert validate.main([str(folder)]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("BAD")]
    assert lines and all("records.jsonl:2" in line for line in lines)
    assert any(message in line for line in lines), lines


def test_broken_text_and_equal_ids_are_found(folder, capsys):
    write(folder, GOOD, "{", GOOD, '{"html": NaN}')
    assert validate.main([str(folder)]) == 1
    said = capsys.readouterr().out
    assert "4 records" in said and "3 bad" in said and "is that of records.jsonl:1" in said


def test_records_of_the_bare_format_pass(folder):
    """The five fields of the users' own format are enough."""
    names = ("screenshot", "html", "section_layout", "used_elements", "category")
    (folder / "one.json").write_text(json.dumps({name: GOOD[name] for name in names}))
    assert validate.main([str(folder)]) == 0


def test_report_is_one_self_contained_page(folder):
    """Pictures inside, no link outside, and a page's own words stay words."""
    hostile = {**GOOD, "id": "<script>alert(1)</script>", "category": "<b>"}
    write(folder, GOOD, hostile, "{")
    report = folder / "report.html"
    assert validate.main([str(folder), "--report", str(report)]) == 1
    text = report.read_text()
    assert text.count("data:image/webp;base64,") == 2 and "<rect" in text
    assert "<script>" not in text and "http" not in text
    assert 'class="bad"' in text


def test_mistakes_are_one_clear_line(folder):
    with pytest.raises(BadInput, match="not a directory"):
        validate.main([str(folder / "none")])
    with pytest.raises(BadInput, match="holds no"):
        validate.main([str(folder)])
    write(folder, GOOD)
    with pytest.raises(BadUsage, match="cannot write"):
        validate.main([str(folder), "--report", str(folder / "no" / "where.html")])
