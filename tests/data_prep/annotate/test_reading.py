"""A reader's work: what is proposed, what is checked, what is on the disk after each decision."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_prep.annotate import command, store
from data_prep.annotate.reading import Stale
from data_prep.annotate.sections import Sections, name_of, read_list
from data_prep.annotate.store import Store
from data_prep.validate import command as validate
from tests.data_prep.annotate.conftest import Reader
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.record import parse_record, read_directory
from xojl_jax.xojl.tree import print_layout

ROOT = Path(__file__).parents[3]


def record_in(folder, name):
    return parse_record((folder / f"{name}.json").read_bytes())


def test_the_rules_propose_and_say_why(begin):
    """With their confidence, and the author's text: that is what a reader goes by."""
    shown = begin().show("hero")
    assert shown["labels"][2] == "heading"
    assert shown["labels"][4] == "button"
    told = shown["proposals"][2]
    assert 0 < told["confidence"] < 1
    assert told["rule"] and told["why"]
    assert shown["nodes"][2]["text"] == "Welcome to <us>"
    assert (shown["state"], shown["faults"], shown["undecided"]) == ("open", [], [])


def test_the_learned_labeler_proposes_its_probabilities(begin):
    """What people correct is what the labeler of tomorrow learns from."""
    shown = begin("ana", "--with=learned").show("hero")
    assert shown["labels"][2] == "heading"
    told = shown["proposals"][2]
    assert (told["rule"], shown["origin"]) == ("learned", "proposed by the learned labeler")
    assert 0.5 < told["confidence"] <= 1
    with pytest.raises(BadUsage, match="goes with --with learned"):
        begin("ana", "--labeler=x")


def test_without_authors_the_records_own_labels_are_proposed(begin, raw, tmp_path):
    """Also of users' records, which have no author.jsonl, and perhaps no labels."""
    told = begin().show("hero")
    Reader(begin(), "hero").do("finish")
    theirs = tmp_path / "theirs"
    shutil.copytree(tmp_path / "read" / "ana", theirs)
    again = begin("bo", records=theirs).show("hero")
    assert again["labels"] == told["labels"]
    assert again["proposals"] == {}
    assert "record" in again["origin"]
    (raw / "author.jsonl").unlink()
    assert begin("bo").show("hero")["labels"] == {}


def test_a_finished_section_is_a_record(begin, tmp_path, capsys):
    """Protects what people make: a record that keeps what was captured, says who read it, and
    passes the checks of data sets."""
    reader = Reader(begin(), "hero")
    reader.do("label", 2, element="paragraph")
    told = reader.do("finish")
    assert told["state"] == "finished"
    folder = tmp_path / "read" / "ana"
    record = record_in(folder, "hero")
    assert record.layout_nodes == tuple(sorted(told["labels"]))
    assert '"paragraph.h1"' in print_layout(record.layout)
    assert record.quality == {"capture": 0.9, "label": 0.9, "reader": 1.0}
    about = record.extra["reading"]
    assert (about["reader"], about["changed"], about["blank"]) == ("ana", 1, False)
    assert record.source["uri"] == "npm:x@1/hero.html"
    assert len(list(read_directory(folder))) == 1, "drafts are no records"
    assert not validate.main([str(folder)])


def test_what_the_rules_rejected_can_be_read(raw, begin, tmp_path):
    """Protects the sections that gain most: a person's record is no longer a rejected one."""
    lines = (raw / "records.jsonl").read_text().splitlines()
    rejected = json.loads(lines[1]) | {"rejected": "confidence below 0.9"}
    (raw / "rejected.jsonl").write_text(json.dumps(rejected) + "\n")
    (raw / "records.jsonl").write_text(lines[0] + "\n")
    assert begin().sections.names == ["hero"]
    reading = begin("ana", "--rejected")
    assert reading.sections.names == ["note"]
    Reader(reading, "note").do("finish")
    assert "rejected" not in record_in(tmp_path / "read" / "ana", "note").extra


def test_a_change_takes_a_finished_section_back(begin, tmp_path):
    """Protects the data set: a section that its reader changes is not in it."""
    reader = Reader(begin(), "hero")
    reader.do("finish")
    assert reader.do("unlabel", 3)["state"] == "begun"
    assert not (tmp_path / "read" / "ana" / "hero.json").exists()
    reader.do("undo")
    reader.do("finish")
    assert 3 in record_in(tmp_path / "read" / "ana", "hero").layout_nodes


def test_broken_rules_are_told_at_their_node_and_nothing_is_finished(begin, tmp_path):
    reader = Reader(begin(), "hero")
    reader.do("label", 1, element="image")
    told = reader.do("label", 3, element="paragraph")
    assert [(fault["node"], fault["rule"]) for fault in told["faults"]] == [
        (1, "a leaf with children")
    ]
    assert "make it a container" in told["faults"][0]["mend"]
    with pytest.raises(BadUsage, match="1 rules of the language are broken"):
        reader.do("finish")
    reader.do("unlabel", 0, inside=True)
    assert reader.told["faults"][0]["node"] == -1
    assert not (tmp_path / "read" / "ana" / "hero.json").exists()


def test_left_out_sections_need_a_reason_and_come_back(begin, tmp_path):
    reader = Reader(begin(), "hero")
    with pytest.raises(BadUsage, match="say why"):
        reader.do("leave out", why=" ")
    reader.do("finish")
    assert reader.do("leave out", why="the picture is torn")["state"] == "left out"
    assert not (tmp_path / "read" / "ana" / "hero.json").exists()
    again = begin()
    assert again.counts() == {"left out": 1, "open": 1}
    assert again.show("hero")["left_out"] == "the picture is torn"
    assert Reader(again, "hero").do("finish")["state"] == "finished"


def test_a_blank_start_proposes_nothing_and_wants_a_category(begin):
    """Protects a second reading from the first proposals: nothing sways the reader."""
    reader = Reader(begin("bo", "--blank"), "note")
    assert (reader.told["labels"], reader.told["category"]) == ({}, "")
    for node, element in ((0, "section"), (1, "heading"), (2, "paragraph")):
        reader.do("label", node, element=element)
    with pytest.raises(BadUsage, match="choose the category"):
        reader.do("finish")
    reader.do("category", category="content")
    assert reader.do("finish")["state"] == "finished"


def test_readers_do_not_see_one_another(begin):
    """Protects agreement: the second reader starts as the first one did."""
    first = begin("ana").show("hero")
    reader = Reader(begin("ana"), "hero")
    reader.do("label", 2, element="paragraph")
    reader.do("finish")
    second = begin("bo").show("hero")
    assert second["labels"] == first["labels"]
    assert second["state"] == "open"


def test_another_window_is_told(begin):
    """Protects decisions from a page that shows an older state."""
    reading = begin()
    one, two = Reader(reading, "hero"), Reader(reading, "hero")
    one.do("unlabel", 2)
    with pytest.raises(Stale, match="another window"):
        two.do("unlabel", 3)
    assert 3 in reading.show("hero")["labels"]


def test_two_processes_cannot_have_one_folder(begin, tmp_path):
    begin()
    with pytest.raises(BadUsage, match="open in another process"):
        Store(tmp_path / "read" / "ana")


@pytest.mark.parametrize("fails", ["write_bytes", "write_text", "replacing"])
def test_a_full_disk_changes_nothing(begin, monkeypatch, fails):
    """Protects work at the moment of failure: the page is told, and what was there is still."""
    reading = begin()
    reader = Reader(reading, "hero")
    reader.do("unlabel", 2)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store, fails, full)
        with pytest.raises(OSError, match="No space"):
            reader.do("finish") if fails != "replacing" else reader.do("unlabel", 3)
    shown = begin().show("hero")
    assert shown["state"] == "begun"
    assert sorted(shown["labels"]) == sorted(reader.told["labels"])
    assert Reader(begin(), "hero").do("finish")["state"] == "finished"


# Decides, and tells each decision once it is saved, until it is killed.
DECIDE = """
import sys
from data_prep.annotate import command
from data_prep.annotate.sections import Sections
from pathlib import Path
argv = sys.argv[1:]
reading, _ = command.read(command.parse_flags(argv), Sections(Path(argv[0].split("=")[1])))
version = 0
while True:
    do = ("finish" if version % 3 == 2 else "unlabel" if version % 2 else "label")
    asked = {"do": do, "node": 3, "element": "heading", "version": version}
    if do == "finish":
        reading.decide("hero", asked)
        asked |= {"do": "accept"}
    version = reading.decide("hero", asked)["version"]
    print(version, flush=True)
"""


def test_a_killed_process_loses_nothing(raw, tmp_path, begin):
    """Protects every decision that was told as saved: SIGKILL in the middle of writing leaves a
    whole file with it, or with the one after it, and the work goes on."""
    argv = [f"--records={raw}", f"--out={tmp_path / 'read'}", "--reader=ana"]
    process = subprocess.Popen(
        [sys.executable, "-c", DECIDE, *argv],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        told = int(process.stdout.readline())
        time.sleep(0.3)
        process.send_signal(signal.SIGKILL)
        told = max([told, *map(int, process.stdout.read().split())])
    assert told > 3
    reading = begin()
    shown = reading.show("hero")
    assert shown["version"] in (told, told + 1)
    if shown["state"] == "finished":
        assert record_in(tmp_path / "read" / "ana", "hero").layout is not None
    Reader(reading, "hero").do("accept", 2)


def test_another_tree_is_not_read_with_old_decisions(begin, raw):
    """Protects labels, which name nodes by number, from a folder that was captured again."""
    Reader(begin(), "note").do("unlabel", 1)
    text = (raw / "records.jsonl").read_text().replace('"h2"', '"h3"')
    (raw / "records.jsonl").write_text(text)
    with pytest.raises(BadInput, match=r"drafts/note\.json away"):
        begin().show("note")


def test_bad_records_are_told_when_they_are_opened(begin, raw):
    lines = (raw / "records.jsonl").read_text()
    (raw / "records.jsonl").write_text(
        lines + '{"id": "none", "screenshot": "hero.png", "html": {}}\n{\n'
        '{"id": "gone", "screenshot": "no.png", "html": {"p": ""}}\n'
    )
    (raw / "note.png").write_text("no picture")
    reading = begin()
    assert len(reading.sections.names) == 5
    broken = next(name for name in reading.sections.names if name.startswith("record-"))
    for name, said in (
        ("none", "no html"),
        (broken, r"records\.jsonl:4"),
        ("gone", r"no\.png"),
        ("note", "no PNG"),
        ("what", "no section is called"),
    ):
        with pytest.raises((BadInput, BadUsage), match=said):
            reading.show(name)
    (raw / "records.jsonl").write_text(lines + lines)
    with pytest.raises(BadInput, match=r"records\.jsonl:3 and records\.jsonl:1 have one id"):
        begin()
    (raw / "records.jsonl").write_text("")
    with pytest.raises(BadInput, match="nothing to read"):
        begin()


def test_names_of_files_are_safe_and_different():
    assert name_of("agency-index-html-1a2b-002") == "agency-index-html-1a2b-002"
    odd = ["../a", "..%2fa", ".hidden", "A", "a/b", "a b", "ä", "\ud800", "x" * 300, "con\0"]
    names = [name_of(each) for each in odd]
    assert len(set(names)) == len(odd)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-") for name in names)
    assert not any(name.startswith(".") or len(name) > 100 for name in names)


def test_a_list_says_what_is_read_and_in_which_order(raw, tmp_path):
    """The list of xojl_jax.active."""
    listed = tmp_path / "list.jsonl"
    listed.write_text('{"record": "records.jsonl:2", "worth": 0.9}\n')
    assert Sections(raw, read_list(listed)).names == ["note"]
    with pytest.raises(BadUsage, match=r"no record 'records\.jsonl:9'"):
        Sections(raw, ["records.jsonl:9"])
    listed.write_text("{}")
    with pytest.raises(BadUsage, match="not a list"):
        read_list(listed)


def test_the_sample_data_can_be_read():
    """Protects `--records xojl_jax/sample_data`, with which everybody can try it: shards, too."""
    sections = Sections(ROOT / "xojl_jax/sample_data")
    section = sections[sections.names[0]]
    assert section.kind == "webp"
    assert section.record.layout is not None


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--reader=final"], "--reader final"),
        (["--reader=a/b"], "--reader a/b"),
        (["--reader=cy", "--adjudicate=ana"], "two readers"),
        (["--reader=cy", "--adjudicate=ana,ana"], "two readers"),
        (["--reader=cy", "--adjudicate=ana,bo", "--blank"], "without --blank"),
        (["--reader=cy", "--adjudicate=ana,bo"], "no section in common"),
        (["--reader=cy", "--port=99999"], "--port=99999"),
        (["--reader=raw", "--out=."], "is where this writes to"),
        (["--reader=cy", "--records=nowhere"], "nowhere is not a directory"),
    ],
)
def test_wrong_flags_are_one_clear_line(raw, tmp_path, flags, said, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((BadUsage, BadInput), match=said):
        command.main([f"--records={raw}", f"--out={tmp_path / 'out'}", *flags])


def test_records_without_ids_get_one(raw, begin):
    lines = [json.loads(line) for line in (raw / "records.jsonl").read_text().splitlines()]
    del lines[0]["id"]
    (raw / "records.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    reading = begin()
    name = reading.sections.names[0]
    assert name.startswith("record-")
    reader = Reader(reading, name)
    for node, element in ((0, "section"), (2, "heading"), (3, "paragraph")):
        reader.do("label", node, element=element)
    reader.do("category", category="hero")
    assert reader.do("finish")["state"] == "finished"
    assert begin().counts() == {"finished": 1, "open": 1}
