"""The command: what it writes, what it rejects, and what it says of mistakes."""

import json
from dataclasses import replace

import pytest
from PIL import Image

from data_prep.label import command as label
from data_prep.records.captured import read_records
from tests.data_prep.label.drafts import TABLE, Draft, card, record_of, write_folder
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.record import parse_record, record_to_json
from xojl_jax.xojl.tree import preorder, used_elements


def test_command_labels_a_folder_and_does_it_again_alike(tmp_path, capsys):
    """The layout copies tag, classes and content of its html nodes, so it aligns exactly."""
    row = Draft("div", (0, 100, 1200, 300), card(0), card(400), card(800))
    write_folder(tmp_path, Draft("section", (0, 0, 1200, 420), row))
    label.main([str(tmp_path)])
    once = (tmp_path / "records.jsonl").read_text()
    record = parse_record(once)
    html = preorder(record.html)
    for visit, index in zip(preorder(record.layout), record.layout_nodes, strict=True):
        assert (visit.node.tag, visit.node.classes) == (
            html[index].node.tag,
            html[index].node.classes,
        )
    assert record.used_elements == used_elements(record.layout)
    assert "1 of 1 records labeled" in capsys.readouterr().err
    label.main([str(tmp_path)])
    assert (tmp_path / "records.jsonl").read_text() == once


def test_command_mistakes_are_one_clear_line(tmp_path):
    with pytest.raises(BadInput, match=r"no author\.jsonl"):
        label.main([str(tmp_path)])
    (tmp_path / "author.jsonl").write_text("{}\n")
    with pytest.raises(BadInput, match=r"author\.jsonl:1"):
        label.main([str(tmp_path)])
    (tmp_path / "author.jsonl").write_text("")
    with pytest.raises(BadInput, match=r"no records\.jsonl"):
        label.main([str(tmp_path)])


def test_labels_say_which_rule_made_them_and_how_sure_it_is(tmp_path):
    """labels.jsonl has every label with its rule; quality.label is halfway between their mean
    confidence and the least one, all being labeled; less where there is a form field."""
    heading = Draft("h2", (0, 0, 900, 50), text="Title")
    write_folder(tmp_path, Draft("section", (0, 0, 1200, 420), heading))
    label.main([str(tmp_path)])
    entry = json.loads((tmp_path / "labels.jsonl").read_text())
    rules = {rule.name: rule for part in TABLE.parts.values() for rule in part}
    assert [node[:3] for node in entry["nodes"]] == [
        [0, "section", "band"],
        [1, "heading", "heading-tag"],
    ]
    assert all(node[3] == rules[node[2]].confidence for node in entry["nodes"])
    record = parse_record((tmp_path / "records.jsonl").read_text())
    sure = [node[3] for node in entry["nodes"]]
    trust = (sum(sure) / 2 + min(sure)) / 2
    assert record.quality["label"] == pytest.approx(trust, abs=1e-4)
    field = Draft("input", (0, 100, 300, 40))
    write_folder(tmp_path, Draft("section", (0, 0, 1200, 420), heading, field))
    label.main([str(tmp_path)])
    record = parse_record((tmp_path / "records.jsonl").read_text())
    assert record.quality["label"] == pytest.approx(0.9 * trust, abs=1e-4)
    assert entry["category"][0] == record.category


def test_unsure_records_are_rejected_and_come_back(tmp_path, capsys):
    """A rejected record says why, and returns to its place when it is good enough."""
    record, author = record_of(Draft("section", (0, 0, 900, 90), card(0)))
    names = ("one", "two", "three")
    lines = [record_to_json(replace(record, id=name)) for name in names]
    bad = [*author[:-1]]  # author.jsonl does not fit this one
    entries = [{"id": n, "nodes": bad if n == "two" else author} for n in names]
    (tmp_path / "records.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "author.jsonl").write_text("".join(json.dumps(e) + "\n" for e in entries))

    def ids(name):
        path = tmp_path / name
        return [r.id for r in read_records(path)] if path.exists() else []

    label.main([str(tmp_path)])
    assert (ids("records.jsonl"), ids("rejected.jsonl")) == (["one", "three"], ["two"])
    assert "1 rejected" in capsys.readouterr().err
    label.main([str(tmp_path), "--least-confidence", "1"])
    assert (ids("records.jsonl"), ids("rejected.jsonl")) == ([], ["one", "two", "three"])
    lines = (tmp_path / "rejected.jsonl").read_text().splitlines()
    unsure, fault = "confidence below 1", "author.jsonl does not fit the record"
    assert [json.loads(line)["rejected"] for line in lines] == [unsure, fault, unsure]
    entries[1]["nodes"] = author
    (tmp_path / "author.jsonl").write_text("".join(json.dumps(e) + "\n" for e in entries))
    label.main([str(tmp_path)])
    assert (ids("records.jsonl"), ids("rejected.jsonl")) == (["one", "two", "three"], [])
    assert '"rejected"' not in (tmp_path / "records.jsonl").read_text()


def test_records_in_a_side_file_of_version_0_1_are_kept(tmp_path):
    """Its records go where they belong today, their old reason goes, and so does the file."""
    record, author = record_of(Draft("section", (0, 0, 900, 90), card(0)))
    old = replace(record, id="old", extra={"aside": "confidence below 1"})
    (tmp_path / "records.jsonl").write_text(record_to_json(record) + "\n")
    (tmp_path / "aside.jsonl").write_text(record_to_json(old) + "\n")
    entries = [{"id": name, "nodes": author} for name in ("old", "r")]
    (tmp_path / "author.jsonl").write_text("".join(json.dumps(e) + "\n" for e in entries))
    label.main([str(tmp_path)])
    assert [r.id for r in read_records(tmp_path / "records.jsonl")] == ["old", "r"]
    assert "aside" not in (tmp_path / "records.jsonl").read_text()
    assert not (tmp_path / "aside.jsonl").exists()


def test_other_quality_numbers_stay(tmp_path):
    record, author = record_of(Draft("section", (0, 0, 900, 90), card(0)))
    record = replace(record, quality={"round_trip": 0.5, "label": 0.1})
    (tmp_path / "records.jsonl").write_text(record_to_json(record) + "\n")
    (tmp_path / "author.jsonl").write_text(json.dumps({"id": "r", "nodes": author}) + "\n")
    label.main([str(tmp_path)])
    quality = parse_record((tmp_path / "records.jsonl").read_text()).quality
    assert quality["round_trip"] == 0.5
    assert quality["label"] > 0.5


def test_explain_prints_and_draws_without_writing(tmp_path, capsys):
    """Each label with its rule, as text and in the picture; the records stay as they are."""
    write_folder(tmp_path, Draft("section", (0, 0, 900, 420), card(0)))
    Image.new("RGB", (900, 420), "white").save(tmp_path / "a.webp")
    before = (tmp_path / "records.jsonl").read_text()
    picture = tmp_path / "why.png"
    label.main([str(tmp_path), "--explain", "r", "--out", str(picture)])
    text = capsys.readouterr().out
    assert "heading-tag 0.9" in text
    assert "image" in text
    with Image.open(picture) as image:
        assert image.width > 900 and image.height >= 420
    assert (tmp_path / "records.jsonl").read_text() == before
    assert not (tmp_path / "labels.jsonl").exists()
    with pytest.raises(BadUsage, match="no such record"):
        label.main([str(tmp_path), "--explain", "nobody"])
    with pytest.raises(BadUsage, match="goes with --explain"):
        label.main([str(tmp_path), "--out", str(picture)])
