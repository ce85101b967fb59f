"""Records from anybody: read whole, written whole, refused with the field's name, never unsafe."""

import json

import pytest

from xojl_jax.errors import BadInput
from xojl_jax.xojl.record import (
    CATEGORIES,
    Record,
    category_index,
    parse_record,
    read_directory,
    record_to_json,
    safe_screenshot_path,
)
from xojl_jax.xojl.tree import Caps, XojlError, parse_html, parse_layout

WHERE = "records.jsonl:3"
HTML = {"div@p_1r": {"h1@c_fff": {"text": "xv854"}, "p": ""}}
LAYOUT = {"wrapper.div@p_1r": {"heading.h1@c_fff": "", "paragraph.p": ""}}
FIVE = {
    "screenshot": "shots/a.png",
    "html": HTML,
    "section_layout": LAYOUT,
    "used_elements": ["heading", "paragraph", "wrapper"],
    "category": "hero",
}
FULL = {
    "id": "site/1",
    **FIVE,
    "source": {"uri": "https://example.org/", "title": "é", "licence": "MIT", "box": [0, 1, 2, 3]},
    "viewport": [1280, 720],
    "html_boxes": [[0, 0, 10, 10, 0], [1, 1, 2.5, 2, 1], [1, 4, 2, 0, 2]],
    "layout_nodes": [0, None, 2],
    "layout_confidence": [1, 0.5, 0.0],
    "quality": {"label": 0.9},
    "reviewed_by": {"name": "A", "votes": [1, None, True]},
}


def test_the_five_fields_are_enough():
    """The users' own format loads as it is; the alignment is recovered."""
    record = parse_record(json.dumps(FIVE))
    assert record.screenshot == "shots/a.png" and record.category == "hero"
    assert record.html == parse_html(HTML) and record.layout == parse_layout(LAYOUT)
    assert record.used_elements == ("heading", "paragraph", "wrapper")
    assert record.html_boxes is None and record.layout_nodes is None
    assert record.alignment() == (0, 1, 2)


def test_every_field_survives_one_line():
    """record_to_json and parse_record are inverse, fields that we do not know included."""
    record = parse_record(FULL, where=WHERE)
    line = record_to_json(record)
    assert "\n" not in line and parse_record(line) == record == parse_record(line.encode())
    assert json.loads(line) == FULL and list(json.loads(line)) == list(FULL)
    assert record.alignment() == (0, None, 2) and record.layout_confidence == (1, 0.5, 0)


def test_an_unlabeled_record_has_no_layout():
    """Screenshot and HTML alone are a record, and it is written without a layout again."""
    record = parse_record({"screenshot": "a.webp", "html": {}, "section_layout": None})
    assert record == Record("a.webp", ()) and record.alignment() == ()
    assert "section_layout" not in record_to_json(record)
    assert parse_record({**FIVE, "used_elements": None}).used_elements == (
        "heading", "paragraph", "wrapper",
    )  # fmt: skip


def test_repeated_keys_inside_a_record_are_kept():
    """A record's trees are read as pairs, like a document of their own."""
    text = '{"screenshot": "a.png", "html": {"p": {"text": "a"}, "p": {"text": "b"}}}'
    assert [node.content[0].value for node in parse_record(text).html] == ["a", "b"]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("screenshot", 7, "a number at records.jsonl:3 screenshot"),
        ("screenshot", "../a.png", "path '../a.png'"),
        ("screenshot", "/etc/passwd", "path '/etc/passwd'"),
        ("screenshot", "x/../../a.png", "path 'x/../../a.png'"),
        ("screenshot", "C:\\a.png", "path 'C:\\a.png'"),
        ("screenshot", "file:///a", "path 'file:///a'"),
        ("screenshot", "a\0.png", "path 'a\\x00.png'"),
        ("screenshot", "", "path ''"),
        ("screenshot", ".", "path '.'"),
        ("html", None, "null at records.jsonl:3 html"),
        ("html", {"div": {"p": 3}}, "a number at records.jsonl:3 html div[0]/p[0]"),
        ("section_layout", {"card": ""}, "unknown element in a key at records.jsonl:3 section_lay"),
        ("section_layout", {}, "an empty layout at records.jsonl:3 section_layout"),
        ("used_elements", "heading", "a string at records.jsonl:3 used_elements"),
        ("used_elements", ["card"], "'card' at records.jsonl:3 used_elements"),
        ("used_elements", [7], "a number at records.jsonl:3 used_elements"),
        ("category", ["hero"], "a list at records.jsonl:3 category"),
        ("id", "\ud800", "a string at records.jsonl:3 id"),
        ("source", "x", "a string at records.jsonl:3 source"),
        ("source", {"box": [1, 2, 3]}, "a list at records.jsonl:3 source box"),
        ("source", {"uri": 1}, "a number at records.jsonl:3 source uri"),
        ("viewport", [1280, 0], "[1280, 0] at records.jsonl:3 viewport"),
        ("viewport", [True, 1], "a list at records.jsonl:3 viewport"),
        ("html_boxes", [[0, 0, 1, 1, 0]], "1 boxes at records.jsonl:3 html_boxes"),
        ("html_boxes", [[0, 0, 1, 1]] * 3, "a list at records.jsonl:3 html_boxes[0]"),
        ("html_boxes", [[0, 0, -1, 1, 0]] * 3, "a negative size at records.jsonl:3 html_boxes[0]"),
        ("html_boxes", [[0, 0, 1e300, 1, 0]] * 3, "a list at records.jsonl:3 html_boxes[0]"),
        ("layout_nodes", [0, 1], "2 indices at records.jsonl:3 layout_nodes"),
        ("layout_nodes", [0, 1, 3], "index 3 at records.jsonl:3 layout_nodes"),
        ("layout_nodes", [0, -1, 1], "a number at records.jsonl:3 layout_nodes[1]"),
        ("layout_confidence", 1, "a number at records.jsonl:3 layout_confidence"),
        ("layout_confidence", [1, 0.5], "2 numbers at records.jsonl:3 layout_confidence"),
        ("layout_confidence", [1, 1.5, 0], "a number at records.jsonl:3 layout_confidence[1]"),
        (
            "layout_confidence",
            [True, 1, 0],
            "true or false at records.jsonl:3 layout_confidence[0]",
        ),
        ("quality", 0.9, "a number at records.jsonl:3 quality"),
        ("quality", {"label": 1.5}, "a number at records.jsonl:3 quality 'label'"),
        ("layout_nodes", [0, True, 1], "true or false at records.jsonl:3 layout_nodes[1]"),
        ("other", float("inf"), "a number too large at records.jsonl:3"),
        ("other", "\udc00", "a lone surrogate at records.jsonl:3"),
    ],
)
def test_a_faulty_field_is_named(field, value, message):
    """One XojlError with the record and the field, from the decoded form and from text."""
    data = {**FULL, field: value}
    for given in (data, json.dumps(data).replace("Infinity", "1e999")):
        with pytest.raises(XojlError) as caught:
            parse_record(given, where=WHERE)
        assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"html": ' + '{"a": ' * 100_000, "nesting too deep to read at records.jsonl:3 html/a/a"),
        ('{"html": {}, "x": ' + "[" * 100_000, "nesting too deep to read at records.jsonl:3 x/"),
        ('{"html": {"a": NaN}, "screenshot": "a"}', "NaN at records.jsonl:3 html a[0]"),
        ('{"html": {}, "screenshot": "a", "x": NaN}', "NaN at records.jsonl:3"),
        ('{"html": {}, "screenshot": "a", "x": [{"y": 1, "y": 2}]}', "an object at records.jsonl"),
        ('{"html": {"a": []}, "screenshot": "a"}', "a list at records.jsonl:3 html a[0]"),
        ('{"screenshot": "a", "screenshot": "b"}', "a field given twice at records.jsonl:3"),
        ('{"screenshot": "a"}', "no field html at records.jsonl:3"),
        ("[1]", "a list at records.jsonl:3"),
        (b"\xff\xfe", "UTF-16 text at records.jsonl:3"),
        ("{", "not JSON"),
        ('{"x": ' + "[" * 100 + "]" * 100 + ', "html": {}, "screenshot": "a"}', "a deeply nested"),
    ],
)
def test_a_faulty_text_is_refused(text, message):
    """The faults of JSON itself, with their place."""
    with pytest.raises(XojlError) as caught:
        parse_record(text, where=WHERE)
    assert str(caught.value).startswith(message)


def test_a_directory_is_read_to_its_end(tmp_path):
    """Bad records come out as what is wrong with them, in order, and the run goes on."""
    good = json.dumps(FIVE)
    lines = [good, "", "{", good + " " * 4000, good]
    (tmp_path / "records.jsonl").write_text("\n".join(lines), "utf-8")
    (tmp_path / "z.json").write_text(json.dumps(FULL, indent=2), "utf-8")
    (tmp_path / "b.json").write_text("[" * 5000, "utf-8")
    found = list(read_directory(tmp_path, Caps(document=1000)))
    assert [where for where, _ in found] == [
        "records.jsonl:1", "records.jsonl:3", "records.jsonl:4", "records.jsonl:5",
        "b.json", "z.json",
    ]  # fmt: skip
    assert [isinstance(record, Record) for _, record in found] == [
        True, False, False, True, False, True,
    ]  # fmt: skip
    assert str(found[2][1]).startswith("2,001 bytes or more of text at records.jsonl:4")


def test_a_directory_without_records_is_bad_input(tmp_path):
    """A wrong path is said at once, not by an empty data set."""
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(BadInput):
            list(read_directory(path))


def test_a_screenshot_is_a_plain_file_inside(tmp_path):
    """No absolute path, nothing outside, no link on the way, no directory, no missing file."""
    (tmp_path / "data" / "shots").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(b"x")
    data = tmp_path / "data"
    (data / "shots" / "a.png").write_bytes(b"x")
    assert safe_screenshot_path(data, "shots/a.png") == (data / "shots" / "a.png").resolve()
    (data / "link.png").symlink_to(tmp_path / "secret.png")
    (data / "inside.png").symlink_to(data / "shots" / "a.png")
    (data / "folder").symlink_to(data / "shots")
    faulty = ["../secret.png", "shots/../../secret.png", str(tmp_path / "secret.png")]
    faulty += ["link.png", "inside.png", "folder/a.png", "shots", "none.png", ""]
    for path in faulty:
        with pytest.raises(XojlError, match="at screenshot: expected"):
            safe_screenshot_path(data, path)


def test_categories_have_numbers():
    """A free string counts as `other`."""
    assert len(CATEGORIES) >= 12 and len(set(CATEGORIES)) == len(CATEGORIES)
    assert category_index("hero") == 0 and CATEGORIES[category_index("?")] == "other"
