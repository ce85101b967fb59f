"""Agreement with labels made by hand: what counts as the same, and what the figures say."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.agreement import command as agreement
from data_prep.agreement.matching import SAME, iou, match
from data_prep.label import command as label
from data_prep.records.gold import BoxLabel, read_gold
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.record import Record, record_to_json
from xojl_jax.xojl.tree import ELEMENTS, parse_html, parse_layout

GOLD = Path(__file__).parents[1] / "gold"
BOXES = st.tuples(*[st.integers(0, 60)] * 2, *[st.integers(1, 60)] * 2)
LABELS = st.lists(
    st.builds(BoxLabel, st.sampled_from(["button", "image", "list"]), BOXES), max_size=8
)


@given(BOXES, BOXES)
def test_overlap_is_symmetric_and_one_for_equals(one, two):
    assert iou(one, two) == iou(two, one)
    assert 0 <= iou(one, two) <= 1
    assert iou(one, one) == 1


@given(LABELS, LABELS)
@settings(deadline=None)  # a busy machine is no fault
def test_matching_is_one_to_one_and_leaves_nobody_out(gold, made):
    """Each label is right, confused, missed or extra, once; right ones are equal and overlap."""
    found = match(gold, made)
    assert sorted([g for g, _ in found.right + found.confused] + found.missed) == [
        *range(len(gold))
    ]
    assert sorted([m for _, m in found.right + found.confused] + found.extra) == [*range(len(made))]
    for g, m in found.right:
        assert gold[g].element == made[m].element
        assert iou(gold[g].box, made[m].box) >= SAME
    assert len(match(gold, gold).right) == len(gold)


def write_folder(folder, layout='{"section.div":{"heading.h2":"","paragraph.p":""}}'):
    """One page with one section: a heading, a text, and a box that nobody labels."""
    record = Record(
        "a.png",
        parse_html('{"div":{"h2":"","p":"","div":""}}'),
        layout=parse_layout(layout) if layout else None,
        layout_nodes=(0, 1, 2) if layout else None,
        id="r",
        source={"uri": "npm:x@1/a.html", "box": [10, 20, 900, 400]},
        html_boxes=(
            (0, 0, 900, 400, 0),
            (0, 0, 900, 50, 1),
            (0, 60, 900, 50, 2),
            (0, 200, 9, 9, 3),
        ),
    )
    (folder / "records.jsonl").write_text(record_to_json(record) + "\n")


def write_gold(folder, labels, uri="npm:x@1/a.html", section=(11, 19, 900, 400)):
    entry = {"uri": uri, "section": section, "split": "tuned-1", "labels": labels}
    path = folder / "gold.jsonl"
    path.write_text(json.dumps(entry) + "\n")
    return path


ROOT = ["section", [0, 0, 900, 400]]
HEADING, TEXT = ["heading", [0, 2, 900, 50]], ["paragraph", [0, 60, 900, 50]]


def scores(capsys, *argv):
    agreement.main([*map(str, argv), "--json"])
    return json.loads(capsys.readouterr().out)


def test_scores_of_a_folder(tmp_path, capsys):
    """Sections are found within 2 px; the root does not count; boxes may differ a little."""
    write_folder(tmp_path)
    icon = ["icon", [0, 200, 9, 9]]
    wrapper = ["wrapper", [0, 0, 900, 110]]
    gold = write_gold(tmp_path, [ROOT, HEADING, ["button", TEXT[1]], icon, wrapper])
    made = scores(capsys, "--gold", gold, tmp_path)
    leaves = made["elements"]["leaves + advanced"]
    assert (leaves["gold"], leaves["made"]) == (3, 2)
    assert leaves["f1"] == pytest.approx(2 * 1 / 5)
    assert made["elements"]["containers"]["f1"] == 0
    assert "section" not in made["elements"]
    assert ["button", "paragraph", 1] in made["confusions"]
    assert ["icon", "-", 1] in made["confusions"]


def test_roots_count_where_that_is_asked(tmp_path, capsys):
    """Every record has a root, so a score with roots is higher than what the labels deserve."""
    write_folder(tmp_path)
    gold = write_gold(tmp_path, [ROOT, HEADING, ["wrapper", [0, 0, 900, 110]]])
    made = scores(capsys, "--gold", gold, "--roots", tmp_path)["elements"]
    assert made["section"]["f1"] == 1
    assert made["containers"]["f1"] == pytest.approx(2 / 3, abs=1e-3)


def test_a_record_without_labels_has_missed_them(tmp_path, capsys):
    write_folder(tmp_path, layout=None)
    (tmp_path / "records.jsonl").rename(tmp_path / "rejected.jsonl")
    (tmp_path / "records.jsonl").write_text("")
    gold = write_gold(tmp_path, [ROOT, HEADING, TEXT])
    assert scores(capsys, "--gold", gold, tmp_path)["elements"]["heading"]["recall"] == 0
    with pytest.raises(BadInput, match="none of the 1 sections"):
        agreement.main(["--gold", str(gold), "--kept", str(tmp_path)])


def test_the_baseline_learns_tags_from_the_first_part(tmp_path, capsys):
    """h2 is a heading and p a paragraph in this gold, so the baseline is perfect on it."""
    write_folder(tmp_path)
    gold = write_gold(tmp_path, [ROOT, HEADING, TEXT])
    made = scores(capsys, "--gold", gold, tmp_path)
    assert made["elements"]["leaves + advanced"]["f1_per_tag"] == 1
    with pytest.raises(BadUsage, match="--split tuned-2"):
        agreement.main(["--gold", str(gold), "--split", "tuned-2", str(tmp_path)])


def test_rules_are_scored_too(tmp_path, capsys):
    """Precision per rule, also of rules that take nodes away: right where no gold label is lost."""
    write_folder(tmp_path)
    nodes = [
        [0, "section", "band", 1],
        [1, "heading", "by-tag", 0.9],
        [2, "paragraph", "text", 0.9],
    ]
    lines = {"id": "r", "nodes": nodes, "nothing": [[3, "too-small"]]}
    (tmp_path / "labels.jsonl").write_text(json.dumps(lines) + "\n")
    gold = write_gold(tmp_path, [ROOT, HEADING, ["icon", [0, 200, 9, 9]]])
    rules = scores(capsys, "--gold", gold, tmp_path)["rules"]
    assert rules["by-tag"] == {"element": "heading", "labels": 1, "precision": 1.0}
    assert rules["text"]["precision"] == 0
    assert rules["too-small"] == {"element": "nothing", "labels": 1, "precision": 0.0}
    agreement.main(["--gold", str(gold), "--markdown", str(tmp_path)])
    assert "| by-tag | heading | 1 | 100% |" in capsys.readouterr().out


def test_labels_by_node_become_labels_by_box(tmp_path, capsys):
    write_folder(tmp_path)
    hand = tmp_path / "hand.txt"
    hand.write_text('{"id": "r", "labels": [[0, "section"], [1, "heading"]], "note": "sure"}\n')
    agreement.main(["--from-nodes", str(hand), "--split", "tuned-1", str(tmp_path)])
    out = json.loads(capsys.readouterr().out)
    assert out["labels"] == [ROOT, ["heading", [0, 0, 900, 50]]]
    assert (out["section"], out["split"]) == ([10, 20, 900, 400], "tuned-1")
    hand.write_text('{"id": "nobody", "labels": []}\n')
    with pytest.raises(BadInput, match="nobody"):
        agreement.main(["--from-nodes", str(hand), str(tmp_path)])


@pytest.mark.parametrize("line", ["{", '{"uri": "a"}', '{"uri":"a","section":[1,2,3],"labels":[]}'])
def test_bad_gold_is_one_clear_line(tmp_path, line):
    path = tmp_path / "gold.jsonl"
    path.write_text(line)
    with pytest.raises(BadInput, match=r"gold\.jsonl:1"):
        read_gold([path])
    with pytest.raises(BadUsage, match="--gold"):
        agreement.main([str(tmp_path)])


@pytest.mark.parametrize("split", ["tuned-1", "tuned-2", "tuned-3", "tuned-4"])
def test_the_gold_that_is_shipped_holds_no_text(split):
    """Elements and boxes inside their section, and nothing of the pages but their names."""
    path = GOLD / f"{split}.jsonl"
    for line in path.read_text().splitlines():
        assert set(json.loads(line)) == {"uri", "section", "split", "category", "labels"}
    sections = read_gold([path])
    assert {section.split for section in sections} == {split}
    for section in sections:
        assert section.labels[0].element == "section"
        assert all(label.element in ELEMENTS for label in section.labels)
        width, height = section.box[2:]
        assert all(
            x >= -40 and y >= -40 and x + w <= width + 40 and y + h <= height + 40
            for _, (x, y, w, h), _ in section.labels
        )


def test_rules_agree_with_people(tmp_path, capsys):
    """On captures of the gold pages (docs/labels.md says how to make the folder that
    XOJL_GOLD_RECORDS names) the rules keep what they reached."""
    source = os.environ.get("XOJL_GOLD_RECORDS")
    if not source:
        pytest.skip("XOJL_GOLD_RECORDS names no folder of captured gold pages")
    for name in ("records.jsonl", "author.jsonl"):
        (tmp_path / name).write_text((Path(source) / name).read_text())
    label.main([str(tmp_path)])
    floors = {
        "tuned-1": (0.97, 0.97),
        "tuned-2": (0.96, 0.90),
        "tuned-3": (0.94, 0.89),
        "tuned-4": (0.90, 0.86),
    }
    gold = [f"--gold={GOLD / name}.jsonl" for name in floors]
    for split, (leaves, containers) in floors.items():
        made = scores(capsys, *gold, "--split", split, tmp_path)["elements"]
        assert made["leaves + advanced"]["f1"] >= leaves
        assert made["containers"]["f1"] >= containers
