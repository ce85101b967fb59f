"""Labels without their pages: whoever captures the same pages has what was read."""

import json
from dataclasses import replace

import pytest

from data_prep.agreement import command as agreement
from data_prep.annotate import command
from tests.data_prep.annotate.test_sheets import HERO, answer
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.record import parse_record, record_to_json


@pytest.fixture
def labels(raw, tmp_path):
    """A file with what m1, a model, said of "hero"; nobody has finished "note"."""
    (tmp_path / "sheets").mkdir()
    answer(tmp_path / "sheets", "hero", HERO)
    flags = [f"--records={raw}", f"--out={tmp_path / 'first'}", "--reader=m1", "--blank", "--model"]
    assert not command.main([*flags, f"--read-sheets={tmp_path / 'sheets'}"])
    path = tmp_path / "given" / "held_out.jsonl"
    assert not command.main([*flags, f"--write-labels={path}"])
    return path


def take_over(records, labels, out, *flags):
    return command.main(
        [
            f"--records={records}",
            f"--out={out}",
            "--reader=given",
            "--blank",
            f"--read-labels={labels}",
            *flags,
        ]
    )


def change(folder, name, how):
    """Changes the record `name` of a captured folder."""
    path = folder / "records.jsonl"
    records = [parse_record(line) for line in path.read_bytes().splitlines()]
    changed = [how(record) if record.id == name else record for record in records]
    path.write_text("".join(record_to_json(record) + "\n" for record in changed))


def test_labels_come_back_as_they_were_read(raw, labels, tmp_path, capsys):
    """The same nodes and category, read by a model; and they are gold as they stand."""
    assert not take_over(raw, labels, tmp_path / "second", "--model")
    told = capsys.readouterr().err
    assert "1 labeled sections, 0 not finished: 1 finished, 1 open" in told
    first, second = (
        parse_record((tmp_path / out / reader / "hero.json").read_bytes())
        for out, reader in (("first", "m1"), ("second", "given"))
    )
    assert second.elements_by_node() == first.elements_by_node()
    assert (second.layout, second.category) == (first.layout, "hero")
    assert second.quality["reader"] == 1
    assert second.extra["reading"]["kind"] == "model"
    agreement.main(["--gold", str(labels), "--json", str(tmp_path / "second" / "given")])
    assert json.loads(capsys.readouterr().out)["elements"]["heading"]["f1"] == 1


def test_the_file_has_nothing_of_the_page_but_boxes(raw, labels):
    """No text, class, tag or picture: they are others'."""
    (line,) = labels.read_text().splitlines()
    assert list(json.loads(line)) == [
        "uri",
        "section",
        "split",
        "category",
        "labels",
        "nodes",
        "tree",
        "kind",
    ]
    assert json.loads(line)["split"] == "held_out"
    assert not any(word in line for word in ("Welcome", "Begin", "h1", "bg_", "btn", "png"))


def test_labels_find_their_nodes_in_another_tree(raw, labels, tmp_path, capsys):
    """A capture that numbers nodes anew: by box, and among equal boxes the nearest in order."""

    def wrapped(record):
        html = json.loads(record_to_json(record))["html"]
        x, y, width, height, z = record.html_boxes[0]
        boxes = [[x, y, width, height, z], *map(list, record.html_boxes)]
        values = json.loads(record_to_json(record)) | {"html": {"body": html}}
        values |= {"html_boxes": boxes}
        return parse_record(json.dumps(values))

    change(raw, "hero", wrapped)
    assert not take_over(raw, labels, tmp_path / "second", "--model")
    assert "1 have another tree by now: nodes found by box" in capsys.readouterr().err
    first, second = (
        parse_record((tmp_path / out / reader / "hero.json").read_bytes()).elements_by_node()
        for out, reader in (("first", "m1"), ("second", "given"))
    )
    assert list(second) == [0, *(node + 1 for node in list(first)[1:])]
    assert list(second.values()) == list(first.values())


def test_a_page_that_has_changed_is_told_and_not_guessed(raw, labels, tmp_path, capsys):
    def moved(record):
        boxes = [list(box) for box in record.html_boxes]
        boxes[2][1] += 30  # the heading
        values = json.loads(record_to_json(record)) | {"html_boxes": boxes}
        return parse_record(json.dumps(values))

    change(raw, "hero", moved)
    entry = json.loads(labels.read_text()) | {"tree": "another"}
    labels.write_text(json.dumps(entry) + "\n")
    assert take_over(raw, labels, tmp_path / "second", "--model") == BadInput.exit_code
    told = capsys.readouterr().err
    assert "hero: no node has the box of heading 2: the page has changed" in told
    assert not (tmp_path / "second" / "given" / "hero.json").exists()


def test_what_is_not_there_is_counted(raw, labels, tmp_path, capsys):
    """A folder with some of the pages is no mistake; whoever expected more must see it."""
    change(raw, "hero", lambda record: replace(record, source={**record.source, "uri": "npm:y"}))
    assert not take_over(raw, labels, tmp_path / "second", "--model")
    told = capsys.readouterr().err
    assert "1 are not in" in told and "npm:x@1/hero.html" in told
    assert "0 labeled sections" in told


def test_who_read_them_is_not_lost(raw, labels, tmp_path):
    """Labels of a model never become a person's."""
    with pytest.raises(BadUsage, match="a model read them: give --model"):
        take_over(raw, labels, tmp_path / "second")


@pytest.mark.parametrize("field", ["nodes", "category"])
def test_labels_by_box_alone_are_for_agreement(raw, labels, tmp_path, field):
    entry = json.loads(labels.read_text())
    del entry[field]
    labels.write_text(json.dumps(entry) + "\n")
    with pytest.raises(BadInput, match="without `nodes` or `category`"):
        take_over(raw, labels, tmp_path / "second", "--model")


def test_as_many_nodes_as_labels(raw, labels, tmp_path):
    entry = json.loads(labels.read_text())
    entry["nodes"].pop()
    labels.write_text(json.dumps(entry) + "\n")
    with pytest.raises(BadInput, match=r"held_out.jsonl:1: .*6 labels, but 5 nodes"):
        take_over(raw, labels, tmp_path / "second", "--model")


def test_nothing_finished_is_no_file(raw, tmp_path):
    flags = [f"--records={raw}", f"--out={tmp_path / 'first'}", "--reader=m1", "--blank"]
    with pytest.raises(BadUsage, match="no finished section"):
        command.main([*flags, f"--write-labels={tmp_path / 'none.jsonl'}"])
