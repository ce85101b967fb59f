"""Validation says what is wrong, what is there, and ends as scripts expect."""

import json

import numpy as np
import pytest
from PIL import Image

from configs import layout
from data_prep.build import command as build
from data_prep.validate import command as validate
from data_prep.validate import vocabulary
from data_prep.validate.coverage import Coverage
from data_prep.validate.findings import LIMITS
from data_prep.validate.overview import effective_number
from tests.data_prep.validate.validate_data import page, record, write
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import Record, parse_record
from xojl_jax.xojl.tree import parse_html

# What is not bad, but worth a look: the change to a record, the kind, words of the message.
LOOKS = {
    "used_style": ({"used_elements": ["heading", "paragraph"]}, "the layout has"),
    "category": ({"category": "Hero!"}, "'Hero!' counts as other"),
    "unaligned": (
        {"layout_nodes": None, "section_layout": {"section.main": {"heading.h1": "", "icon.i": ""}}}
        | {"used_elements": ["heading", "icon", "section"]},
        "3 of 3 layout nodes",
    ),
    "structure": (
        {"html": {"div": {"h1": {"i": ""}}}, "html_boxes": None, "layout_nodes": None}
        | {"section_layout": {"section.div": {"heading.h1": {"icon.i": ""}}}}
        | {"used_elements": ["heading", "icon", "section"]},
        "heading 1: a leaf with children",
    ),
    "scale": ({"viewport": [160, 90]}, "320 px wide, the viewport 160"),
    "blank": ({"screenshot": "shots/blank.png"}, "320 x 180 px"),
    "ending": ({"screenshot": "shots/jpeg.png"}, "is a JPEG"),
    "large": ({"html": {"div": {f"p@c_{i:06x}": "" for i in range(1024)}}}, "1025 html nodes"),
}


def check(folder, *flags) -> dict:
    """The JSON form of what validation finds."""
    out = folder.parent / f"{folder.name}-check.json"
    validate.main([str(folder), "--json", str(out), *flags])
    return json.loads(out.read_text())


def problems(data: dict) -> list[tuple[str, str, str]]:
    return [
        (found["where"], problem["kind"], problem["text"])
        for found in data["records_with_problems"]
        for problem in found["problems"]
    ]


def test_sound_records_pass_with_statistics(tmp_path, capsys):
    """Protects exit code 0 and the summary's first line, which scripts read."""
    write(tmp_path, record(1), record(2, quality={"label": 0.9}))
    assert validate.main([str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("2 records, 2 labeled, 0 bad\n")
    for words in ("features 2", "heading 2", "100.0% recovered", "quality.label", "tiny 2"):
        assert words in said.out
    assert "BAD" not in said.out and "FIXED" not in said.err


def test_bad_records_are_listed_with_place_and_reason(tmp_path, capsys):
    """Protects exit code 1, and a line for each bad record among good ones."""
    write(tmp_path, record(1), "{", record(1), '{"html": NaN}', record(2, screenshot="no.png"))
    assert validate.main([str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert said.startswith("5 records, 3 labeled, 4 bad\n")
    for line, words in ((2, "not JSON"), (3, "is that of"), (4, "no field"), (5, "no file")):
        assert any(f"BAD records.jsonl:{line}:" in s and words in s for s in said.splitlines())


@pytest.mark.parametrize("kind", LOOKS)
def test_what_is_worth_a_look_is_told_without_failing(tmp_path, kind):
    """Protects the line between bad and odd: such a record is used, and exit code 0 stays."""
    change, words = LOOKS[kind]
    if kind == "large":
        change = change | {"html_boxes": None, "layout_nodes": None, "section_layout": None}
        change |= {"used_elements": None}
    write(tmp_path, record(1), record(2, **change))
    Image.new("RGB", (320, 180), "navy").save(tmp_path / "shots" / "blank.png")
    page(3).save(tmp_path / "shots" / "jpeg.png", "JPEG")
    data = check(tmp_path)
    assert data["bad"] == 0
    assert [(where, k) for where, k, _ in problems(data)] == [("records.jsonl:2", kind)]
    assert words in problems(data)[0][2]
    table = {found["kind"]: found for found in data["problems"]}
    assert not table[kind]["bad"] and table[kind]["advice"]


def test_the_screenshot_is_held_against_where_it_was_taken(tmp_path):
    """Protects 1:1 (X009): source.box says how large the section was on its page."""
    write(tmp_path, record(1, source={"box": [0, 500, 320, 200]}))
    data = check(tmp_path)
    assert data["bad"] == 1
    assert problems(data)[0][1] == "boxes" and "source.box 320 x 200" in problems(data)[0][2]


def test_figures_are_those_of_the_records(tmp_path):
    """Protects every statistic of the JSON form against a count by hand."""
    unlabeled = record(2, section_layout=None, used_elements=None, layout_nodes=None)
    odd = {"x-card@zz_1q@c_fff@x:pt_7r@d_flexx": "", "p@pt_7r@sh_0+2x+aabbcc": ""}
    other = record(3, html=odd, html_boxes=None, layout_nodes=None, category="faq")
    other |= {"section_layout": {"accordion.p@pt_7r@sh_0+2x+aabbcc": ""}}
    other |= {"used_elements": ["accordion"], "quality": {"label": 0.5, "round_trip": 1}}
    write(tmp_path, record(1, quality={"label": 0.25}), unlabeled, other)
    Image.new("RGB", (320, 180), (255, 0, 0)).save(tmp_path / "shots" / "3.png")
    data = check(tmp_path)
    assert (data["records"], data["labelled"], data["bad"]) == (3, 2, 0)
    assert data["categories"]["records"] == {"features": 1, "faq": 1}
    assert data["categories"]["effective_number"] == pytest.approx(2)
    assert data["elements"]["records"]["accordion"] == 1 and len(data["elements"]["records"]) == 22
    assert data["sizes"]["html_nodes"]["most"] == 16
    assert data["sizes"]["labelled_records_that_fit"] == {"tiny": 2, "small": 2, "base": 2}
    assert data["quality"]["label"]["median"] == 0.375
    assert data["quality"]["round_trip"]["least"] == 1
    assert data["images"]["blank_share"] == pytest.approx(1 / 3)
    pixels = np.stack(
        [np.asarray(page(1)), np.asarray(page(2)), np.full((180, 320, 3), (255, 0, 0))]
    )
    flat = pixels.reshape(-1, 3) / 255
    assert data["images"]["channel_mean"] == pytest.approx(flat.mean(0).tolist())
    assert data["images"]["channel_std"] == pytest.approx(flat.std(0).tolist())
    words = data["vocabulary"]
    assert words["tags"]["unknown"] == {"x-card": 1}
    assert words["attributes"]["unknown"] == {"zz": 1}
    assert words["values"]["unknown"] == {"1q": 1, "flexx": 1}
    assert words["units"]["unknown"] == {"q": 1}
    assert words["prefixes"]["unknown"] == {"x": 1}
    assert words["tags"]["known_share"] == pytest.approx(1 - 1 / words["tags"]["counted"])


def test_effective_number_is_that_of_equal_classes():
    """Protects the measure of balance: k equal classes are k, one dominating class is near 1."""
    assert effective_number({"a": 5, "b": 5, "c": 5, "d": 0}) == pytest.approx(3)
    assert effective_number({"a": 1000, "b": 1}) < 1.02
    assert effective_number({}) == 0


def test_strange_words_do_not_fill_the_memory():
    """Protects bounded memory: millions of different unknown names are cut to the common ones."""
    coverage, book = Coverage(), Codebook.load()
    for i in range(22):
        tree = {"b": {f"x{i}-{j}": "" for j in range(1000)}, "x-card": ""}
        coverage.add(parse_record({"screenshot": "a.png", "html": tree}), book)
    assert len(coverage.unknown["tags"]) <= 20_000
    assert coverage.total["tags"] == 22 * 1002
    assert coverage.unknown["tags"].most_common(1) == [("x-card", 22)]


def test_limits_are_those_of_the_presets():
    """Protects the table of sizes: data_prep may not import configs, so the two are compared."""
    assert set(LIMITS) == set(layout.PRESETS)
    for preset, limits in LIMITS.items():
        model = layout.make(preset).model
        assert limits == (model.max_nodes, model.max_target)


def test_processes_find_what_one_finds(tmp_path):
    """Protects the pool: the same findings in the same order, however many processes."""
    records = [record(i % 7, id=f"n{i}") for i in range(130)]
    records[40] = "{"
    write(tmp_path, *records)
    one, two = check(tmp_path, "--workers", "1"), check(tmp_path, "--workers", "2")
    assert one == two and one["records"] == 130 and one["bad"] == 1


def test_shards_are_checked_too(tmp_path):
    """Protects the last look before training: what build wrote is read as it was."""
    folder = tmp_path / "raw"
    folder.mkdir()
    write(folder, *(record(i) for i in range(6)))
    shards = tmp_path / "shards"
    build.main(["--records", str(folder), "--out", str(shards), "--splits", "50,25,25"])
    data = check(shards)
    assert (data["records"], data["bad"]) == (6, 0)
    assert data["images"]["records"] == 6
    with pytest.raises(BadUsage, match="build the shards again"):
        validate.main([str(shards), "--fix"])


def test_mistakes_are_one_clear_line(tmp_path):
    """Protects people who mistype: what is wrong, before any work is done."""
    with pytest.raises(BadInput, match="not a directory"):
        validate.main([str(tmp_path / "none")])
    with pytest.raises(BadInput, match="holds no"):
        validate.main([str(tmp_path)])
    write(tmp_path, record(1))
    with pytest.raises(BadUsage, match="no such folder"):
        validate.main([str(tmp_path), "--report", str(tmp_path / "no" / "where.html")])
    with pytest.raises(BadUsage, match="read as a record"):
        validate.main([str(tmp_path), "--json", str(tmp_path / "check.json")])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["records.jsonl", "shots"]


def test_help_teaches(capsys):
    """Protects `--help`: every use with a command to try."""
    with pytest.raises(SystemExit) as end:
        validate.main(["--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert "data_prep.validate data/raw --fix" in said and "Exit code" in said


def test_a_codebook_is_made_of_what_the_records_use(tmp_path):
    """Protects X013: frequent unknown names get tokens behind the known ones; rare ones, and what
    is no name, do not; the file is read back equal."""
    keys = [f"my-card@zz_{'often' if i < 5 else 'once'}@{i}" for i in range(6)]
    tree = parse_html([("section", [(key, "") for key in keys])], pairs=True)
    coverage, book = Coverage(), Codebook.load()
    coverage.add(Record(screenshot="", html=tree), book)
    made = vocabulary.extend_codebook(book, coverage)
    assert made.tags == (*book.tags, "my-card") and made.keywords == (*book.keywords, "often")
    assert made.properties == book.properties | {"zz": "zz"}
    path = tmp_path / "mine.toml"
    vocabulary.write_codebook(path, made)
    assert Codebook.load(path) == made
