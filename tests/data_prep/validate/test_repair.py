"""--fix repairs what can only mean one thing, keeps the old files, and touches nothing else."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_prep.validate import command as validate
from data_prep.validate.repair import known_category, set_members
from tests.data_prep.validate.validate_data import page, record, write
from xojl_jax.errors import BadUsage
from xojl_jax.xojl.record import CATEGORIES, parse_record

USERS = Path(__file__).parents[1] / "users_records"
NAMES = st.text('ab"\\é:,{} ', max_size=4)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | NAMES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=3,
)


def fix(folder: Path, capsys) -> list[str]:
    """Runs --fix; what it did, line by line."""
    capsys.readouterr()
    validate.main([str(folder), "--fix", "--workers", "1"])
    said = capsys.readouterr().err.splitlines()
    return [line.removeprefix("FIXED ") for line in said if line.startswith("FIXED ")]


def test_every_repair_and_nothing_else(tmp_path, capsys):
    """Protects the whole list of docs/validation.md: one record each, and a sound one."""
    out = [
        [0, 0, 320, 180, 0],
        *([5, 5, 9, 9, i] for i in range(1, 15)),
        [-1.8, 170, 40, 11.75, 15],
    ]
    original = [
        json.dumps(record(0)),
        json.dumps(record(1, used_elements=["heading"])).replace(", ", " ,  "),
        json.dumps(record(2, category="FAQ Section")),
        json.dumps(record(3, html_boxes=out)),
        json.dumps(record(4, id="r0")),
        json.dumps(record(5, screenshot="shots/photo.png")),
        json.dumps(record(1, id="again", used_elements=["heading"])),
        json.dumps(record(0, id="r0-2", source={"uri": "https://elsewhere.example/"})),
        "",
        json.dumps(record(6, used_elements=["button"], category="sales pitch")),
    ]
    write(tmp_path, record(0), record(1), record(2), record(3), record(4), record(6))
    page(5).save(tmp_path / "shots" / "photo.png", "JPEG")
    (tmp_path / "records.jsonl").write_text("\n".join(original) + "\n")
    did = fix(tmp_path, capsys)
    assert did == [
        "records.jsonl:2: used_elements made again",
        "records.jsonl:3: category 'faq' instead of 'FAQ Section'",
        "records.jsonl:4: 1 boxes clipped by up to 1.8 px",
        "records.jsonl:5: id 'r0-3' instead of 'r0'",
        "records.jsonl:6: picture copied to shots/photo.jpg",
        "records.jsonl:7: used_elements made again",
        "records.jsonl:8: removed: the same as records.jsonl:1",
        "records.jsonl:10: used_elements made again",
    ]
    now = (tmp_path / "records.jsonl").read_text().split("\n")
    assert now[0] == original[0] and now[7] == ""
    whole = json.loads(now[1])
    assert whole == record(1) and " ,  " in now[1]  # the rest of the text is as it was written
    assert json.loads(now[2])["category"] == "faq"
    assert json.loads(now[3])["html_boxes"][-1] == [0, 170, 38.2, 10, 15]
    assert json.loads(now[4])["id"] == "r0-3"
    assert json.loads(now[5])["screenshot"] == "shots/photo.jpg"
    assert (tmp_path / "shots" / "photo.jpg").read_bytes() == (
        tmp_path / "shots" / "photo.png"
    ).read_bytes()
    assert json.loads(now[8])["category"] == "sales pitch"  # what it means, nobody can tell
    kept = (tmp_path / "before-fix" / "records.jsonl").read_text()
    assert kept == "\n".join(original) + "\n"
    assert (tmp_path / "removed.jsonl").read_text() == original[7] + "\n"
    changes = (tmp_path / "before-fix" / "changes.jsonl").read_text().splitlines()
    assert len(changes) == len(did)
    # Record 7 was bad before, so that nobody looked whether it is a copy; now it is one.
    assert fix(tmp_path, capsys) == ["records.jsonl:7: removed: the same as records.jsonl:2"]
    assert fix(tmp_path, capsys) == []
    assert sorted(path.name for path in tmp_path.glob("before-fix*")) == [
        "before-fix",
        "before-fix-2",
    ]


def test_what_cannot_be_proven_stays(tmp_path, capsys):
    """Protects records from guesses: each of these has more than one explanation."""
    far = [[0, 0, 320, 180, 0], *([5, 5, 9, 9, i] for i in range(1, 15)), [300, 170, 40, 9, 15]]
    twice = record(1, category="hero")  # the same picture and trees, another category
    write(
        tmp_path,
        record(1),
        twice,
        record(2, html_boxes=far),
        record(3, layout_nodes=[*range(15), 99]),
        record(4, section_layout=None, layout_nodes=None),
        record(5, screenshot="shots/none.png"),
    )
    (tmp_path / "author.jsonl").write_text('{"id": "r1", "nodes": []}\n')
    before = (tmp_path / "records.jsonl").read_bytes()
    assert fix(tmp_path, capsys) == []
    assert (tmp_path / "records.jsonl").read_bytes() == before
    assert not (tmp_path / "before-fix").exists()


def test_users_records_are_repaired_where_it_is_safe(tmp_path, capsys):
    """Protects hand-written files: three can be repaired, all others keep every byte."""
    folder = tmp_path / "bad"
    shutil.copytree(USERS / "bad", folder)
    # utf16.json is one of the good records but for its encoding, and needs that one's picture.
    shutil.copy(USERS / "good" / "shots" / "gallery.png", folder / "shots")
    did = {line.split(":")[0]: line for line in fix(folder, capsys)}
    assert set(did) == {"used_elements_lie.json", "used_elements_short.json", "utf16.json"}
    for path in sorted((USERS / "bad").glob("*.json")):
        new = folder / path.name
        if path.name in did:
            backup = "before-fix" if path.name == "utf16.json" else "before-fix-2"
            assert (folder / backup / path.name).read_bytes() == path.read_bytes()
            parse_record(new.read_bytes())
        else:
            assert new.read_bytes() == path.read_bytes()


def test_a_json_file_that_repeats_another_is_set_aside(tmp_path, capsys):
    """Protects folders of one file a record: the copy goes, its text is kept as one line."""
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(record(1, id=None), indent=2))
    (tmp_path / "shots").mkdir()
    page(1).save(tmp_path / "shots" / "1.png")
    assert fix(tmp_path, capsys) == ["b.json: removed: the same as a.json"]
    assert not (tmp_path / "b.json").exists()
    assert json.loads((tmp_path / "removed.jsonl").read_text()) == record(1, id=None)
    assert (tmp_path / "before-fix" / "b.json").exists()


def test_a_link_is_not_written_through(tmp_path):
    """Protects files outside the folder."""
    folder = tmp_path / "raw"
    folder.mkdir()
    write(tmp_path, record(1, category="FAQs"))
    (folder / "records.jsonl").symlink_to(tmp_path / "records.jsonl")
    (folder / "shots").mkdir()
    page(1).save(folder / "shots" / "1.png")
    before = (tmp_path / "records.jsonl").read_bytes()
    with pytest.raises(BadUsage, match="is a link"):
        validate.main([str(folder), "--fix"])
    assert (tmp_path / "records.jsonl").read_bytes() == before


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(NAMES, VALUES, min_size=1, max_size=3),
    st.dictionaries(NAMES, VALUES, min_size=1, max_size=2),
    st.sampled_from([None, 1]),
)
def test_members_are_set_in_place(old, new, indent):
    """Protects a record's own text: only the named values change, and order stays."""
    text = json.dumps(old, indent=indent)
    told = set_members(text, new)
    assert json.loads(told) == {**old, **new}
    assert list(json.loads(told)) == list({**old, **new})
    assert set_members(text, {}) == text


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(CATEGORIES), st.sampled_from(["{}", " {} ", "{} section", "-{}-"]))
def test_a_category_in_other_letters_is_itself(category, form):
    """Protects spelling: case, spaces, dashes, a plural s and the word section say nothing."""
    for spelled in (category, category.upper(), category.title(), category.removesuffix("s")):
        assert known_category(form.format(spelled)) == category


def test_a_strange_category_is_left_alone():
    """Protects meaning: what is not a spelling of one category is not guessed."""
    for word in ("nav", "call to action", "heros journey", "", "section", "s", "価格"):
        assert known_category(word) is None
