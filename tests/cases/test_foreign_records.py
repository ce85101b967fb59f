"""Records that went through another tool: told as bad, by record, path and cause; never guessed."""

import json
import tracemalloc
import unicodedata

import numpy as np
import pytest
from PIL import Image

from data_prep.validate import command
from xojl_jax.errors import BadInput
from xojl_jax.xojl.faults import DEFAULT_CAPS
from xojl_jax.xojl.record import parse_record, read_directory

HTML = {"section": {"h1": {"text": "xv1"}, "p": {"text": "xv2"}}}
LAYOUT = {"section.section": {"heading.h1": "", "paragraph.p": ""}}
BOXES = [[0, 0, 64, 48, 0], [4, 4, 40, 8, 1], [4, 20, 50, 8, 1]]


def record(**fields) -> dict:
    return {"screenshot": "a.png", "html": HTML, "section_layout": LAYOUT} | fields


def picture(folder, name="a.png", size=(64, 48), **options):
    pixels = np.random.default_rng(len(name)).integers(40, 220, (size[1], size[0], 3))
    Image.fromarray(pixels.astype(np.uint8)).save(folder / name, **options)


def validated(folder, capsys, *records) -> tuple[int, dict[str, list[str]]]:
    """Exit code, and "KIND: text" of every problem by the record's place."""
    lines = [r if isinstance(r, str) else json.dumps(r) for r in records]
    (folder / "records.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = folder.parent / "found.json"
    code = command.main([str(folder), "--json", str(report), "--workers", "1"])
    capsys.readouterr()
    found = json.loads(report.read_text())
    return code, {
        problem["where"]: [f"{p['kind']}: {p['text']}" for p in problem["problems"]]
        for problem in found["records_with_problems"]
    }


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data").mkdir()
    picture(tmp_path / "data")
    return tmp_path / "data"


def test_null_in_optional_fields_is_as_if_absent():
    """Protects tables of columns, which put every key into every row."""
    names = (
        "section_layout",
        "used_elements",
        "category",
        "id",
        "viewport",
        "html_boxes",
        "source",
    )
    filled = record(**dict.fromkeys((*names, "layout_nodes", "quality"), None))
    assert parse_record(filled) == parse_record({"screenshot": "a.png", "html": HTML})
    inside = record(quality={"label": 0.5, "round_trip": None}, source={"uri": None, "box": None})
    assert parse_record(inside).quality == {"label": 0.5}


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ({"header": {"nav": ""}, "section": None}, "null at record html section[1]"),
        ({"section": {"p": {"text": "xv1", "br": None}}}, "null at record html section[0]/p[0]/br"),
        ({"section": {"p": {"text": None}}}, "null at record html section[0]/p[0]/text"),
        ({"section": {"p": {"text#2": None}}}, "null at record html section[0]/p[0]/text"),
        (None, "null at record html"),
        ("", "a string at record html"),
        (json.dumps(HTML), "a string of JSON at record html"),
        ([["section", ""]], "a list at record html"),
    ],
)
def test_null_and_strings_in_a_tree_are_refused(html, words):
    """Protects from phantom nodes, and from a tree within a string: path, and what to do."""
    with pytest.raises(BadInput) as fault:
        parse_record(json.dumps(record(html=html)))
    text = str(fault.value)
    assert words in text and "expected" in text
    assert "section[" not in words or "tables of columns" in text


def test_a_null_screenshot_is_refused_as_such():
    """Protects from a traceback: the field is there, and holds nothing."""
    with pytest.raises(BadInput, match="null at record screenshot: expected a path"):
        parse_record(record(screenshot=None))


def test_validate_tells_each_foreign_record(folder, capsys):
    """Protects whoever brings a folder of somebody's records: each told, exit code 1."""
    good = record(html_boxes=BOXES)
    code, found = validated(
        folder,
        capsys,
        good,
        record(html={"header": {"p": {"text": "x"}}, "section": None}),
        record(html=json.dumps(HTML)),
        '{"screenshot": "a.png", "html": {"p": {"text": NaN}}}',
        json.dumps(good)[:-30],
        str(good),
        f"{json.dumps(good)} {json.dumps(good)}",
        record(html=LAYOUT, section_layout=None),
        record(html={"html": {"body": HTML}}, section_layout=None),
    )
    assert code == 1
    told = {place: " | ".join(texts) for place, texts in found.items()}
    wanted = {
        2: ("null at", "tables of columns"),
        3: ("tree: a string of JSON at",),
        4: ("tree: NaN at",),
        5: ("text: not JSON (it ends too early)",),
        6: ("text: not JSON (single quotes",),
        7: ("text: not JSON (a second document",),
        8: ("tree: html holds a layout",),
        9: ("page: html begins with html",),
    }
    for line, words in wanted.items():
        for word in words:
            assert word in told[f"records.jsonl:{line}"], told
    assert not any(text.startswith("tree") for text in found.get("records.jsonl:1", ()))


def test_limits_mean_rejected_with_that_reason(folder, capsys):
    """Protects from trees cut at a limit: too deep, too many nodes or classes is said as such, and
    nothing recurses."""

    def chain(depth):
        return "{" * 0 + '{"div":' * (depth - 1) + '{"p":""}' + "}" * (depth - 1)

    def line(html):
        return f'{{"screenshot": "a.png", "html": {html}}}'

    deep, nodes = DEFAULT_CAPS.depth, DEFAULT_CAPS.nodes
    many = json.dumps({"div": {f"p#{i}": "" for i in range(1, nodes + 1)}})
    classes = json.dumps({"div@" + "@".join(f"a_{i}" for i in range(65)): ""})
    code, found = validated(
        folder, capsys, line(chain(deep)), line(chain(deep + 1)), line(chain(90)),
        line(chain(2000)), line(chain(100_000)), line(many), line(classes),
    )  # fmt: skip
    told = {int(place.split(":")[1]): " ".join(texts) for place, texts in found.items()}
    assert code == 1 and "deep" not in told.get(1, "")
    for number in (2, 3):
        assert f"expected at most {deep} levels" in told[number]
    for number in (4, 5):
        assert "too deep" in told[number]
    assert f"at most {nodes:,} in a document" in told[6]
    assert "65 classes" in told[7]


def test_names_of_files_in_another_spelling(folder, capsys):
    """Protects data that was packed on another system: the file is there, under a like name."""
    picture(folder, "Cafe\u0301.png")
    code, found = validated(
        folder, capsys, record(screenshot="A.png"), record(screenshot="Caf\u00e9.png")
    )
    assert code == 1
    one, two = (" ".join(found[f"records.jsonl:{i}"]) for i in (1, 2))
    assert "path: no file 'A.png'" in one and "'a.png' is there, with other capitals" in one
    assert "in another Unicode form" in two
    assert unicodedata.normalize("NFC", "Cafe\u0301.png") == "Caf\u00e9.png"


def test_one_picture_of_two_records_is_told(folder, capsys):
    """Protects from a picture that was given to the wrong record: both name one file."""
    other = {"section": {"img": {"src": "xv9"}, "ul": {"li": "", "li#2": ""}}}
    code, found = validated(
        folder, capsys, record(id="a"), record(id="b", html=other, section_layout=None)
    )
    assert "the picture of records.jsonl:1" in " ".join(found["records.jsonl:2"])
    assert code == 0


def test_odd_pictures_are_told_by_validate(folder, capsys):
    """Protects training from pictures that lie: density, orientation, animation, inks, ends."""
    picture(folder, "retina.png", (128, 96))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(folder, "turned.jpg", (64, 48), exif=exif)
    Image.new("CMYK", (64, 48), (10, 200, 0, 30)).save(folder / "ink.jpg")
    data = (folder / "ink.jpg").read_bytes()
    at = data.index(b"\xff\xee")
    size = int.from_bytes(data[at + 2 : at + 4], "big")
    (folder / "ink.jpg").write_bytes(data[:at] + data[at + 2 + size :])
    frames = [Image.new("RGB", (64, 48), color) for color in ("red", "blue")]
    frames[0].save(folder / "moving.png", save_all=True, append_images=frames[1:])
    (folder / "cut.png").write_bytes((folder / "a.png").read_bytes()[:-30])
    names = ("retina.png", "turned.jpg", "ink.jpg", "moving.png", "cut.png")
    records = [record(id=n, screenshot=n, html_boxes=BOXES, viewport=[64, 720]) for n in names]
    code, found = validated(folder, capsys, *records)
    told = [" | ".join(found[f"records.jsonl:{i}"]) for i in range(1, 6)]
    assert code == 1
    assert "boxes: the screenshot is 128 x 96" in told[0] and "scale: 128 px wide" in told[0]
    assert "boxes: " in told[1] and "48 x 64" in told[1]
    assert "ink.jpg is a CMYK JPEG without Adobe's marker" in told[2]
    assert "moving.png is animated" in told[3]
    assert "cut.png is a truncated PNG" in told[4]


def test_a_line_of_a_gigabyte_is_read_within_bounds(tmp_path):
    """Protects memory: a records.jsonl that is one endless line is named, and what follows read."""
    with (tmp_path / "records.jsonl").open("wb") as stream:
        stream.write(b'{"screenshot": "a.png", "html": "')
        stream.seek(1 << 30)  # sparse: it takes no space
        stream.write(b"\n" + json.dumps(record()).encode() + b"\n")
    tracemalloc.start()
    try:
        (_, endless), (_, sound) = read_directory(tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "bytes or more of text" in str(endless) and sound.html
    assert peak < 64 << 20
