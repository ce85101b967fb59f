"""Layouts rendered as pages of our own: a right one scores high, wrong ones lower."""

import json

import numpy as np
import pytest
from PIL import Image

from data_prep.capture import command as capture
from data_prep.records.captured import RECORDS, Authors, read_records
from data_prep.roundtrip import command as roundtrip
from data_prep.roundtrip.layouts.flow import place
from data_prep.roundtrip.layouts.rendering import PlacedLayout, layout_likenesses, render_layouts
from data_prep.roundtrip.rendering import read_screenshot
from tests.data_prep.roundtrip.pages import CARDS
from xojl_jax.errors import BadInput
from xojl_jax.xojl.build import layout_from_labels
from xojl_jax.xojl.record import record_to_json
from xojl_jax.xojl.tree import ELEMENTS, preorder, print_layout

PAGE = f"""{CARDS}<section><h2>What we do for you</h2><div class="row">
<div class="card"><h3>Plan</h3><p>We look at what is there, and say what could be.</p>
<a>More</a></div>
<div class="card"><h3>Build</h3><p>Small steps, shown every week, until it stands.</p></div>
</div><form><label>Your address</label><input placeholder="jane@example.com"></form></section>"""
RIGHT = {
    "section": "section",
    "h2": "heading",
    "h3": "heading",
    "p": "paragraph",
    "a": "button",
    "label": "paragraph",
}
HIGH = 0.9


@pytest.fixture(scope="module")
def captured(chromium, tmp_path_factory):
    """A folder as data_prep.capture leaves it: one section, labeled, its texts in author.jsonl."""
    folder = tmp_path_factory.mktemp("captured")
    (folder / "page.html").write_text(PAGE, encoding="utf-8")
    capture.main(["--out", str(folder / "raw"), str(folder / "page.html")])
    return folder / "raw"


def labels_of(record):
    """HTML index -> element, of the right layout: cards are columns of a grid, a form a wrapper."""
    labels = {}
    for visit in preorder(record.html):
        inside = [child.tag for child in visit.node.children]
        element = RIGHT.get(visit.node.tag)
        if visit.node.tag in ("div", "form"):
            element = "column" if "h3" in inside else "grid" if "div" in inside else "wrapper"
        labels[visit.index] = element
    return labels


def layout_of(record, labels):
    ids = [ELEMENTS.index(e) if e else -1 for e in labels.values()]
    return PlacedLayout(*layout_from_labels(record.html, ids))


def relabeled(record, tag, element):
    """The right layout but for the first node of a tag."""
    labels = labels_of(record)
    first = next(visit.index for visit in preorder(record.html) if visit.node.tag == tag)
    return layout_of(record, labels | {first: element})


def test_a_right_layout_scores_high_and_each_wrong_one_lower(chromium, captured):
    """Protects what the score is for. A beam's hypotheses are rendered on one page: a layout's
    score must not depend on the others there."""
    [record] = read_records(captured / RECORDS)
    author, pixels = Authors(captured).get(record.id), read_screenshot(captured, record)
    right = layout_of(record, labels_of(record))
    wrong = {
        "grid": relabeled(record, "div", "wrapper"),
        "heading": relabeled(record, "h2", "paragraph"),
        "paragraph": relabeled(record, "p", "heading"),
        "dropped": relabeled(record, "p", None),
        "button": relabeled(record, "a", "paragraph"),
        "list": relabeled(record, "p", "list"),
        "image": relabeled(record, "p", "image"),
    }
    layouts = [right, *wrong.values()]
    best, *others = layout_likenesses(chromium, record, author, pixels, layouts)
    assert best.score > HIGH, best
    for name, other in zip(wrong, others, strict=True):
        assert other.score < best.score - 0.004, (name, other)
    assert others[0].position < best.position - 0.1
    assert others[3].edges < best.edges - 0.02
    [alone] = layout_likenesses(chromium, record, author, pixels, layouts[-1:])
    assert alone.rounded() == others[-1].rounded()
    # Without the author's texts other words fill the boxes, and the right one is still best.
    bare = layout_likenesses(chromium, record, [], pixels, layouts[:2])
    assert bare[0].score > bare[1].score + 0.02


def test_a_form_shows_its_fields_and_nothing_is_drawn_twice(chromium, captured):
    """Fields have no element: they are there in every layout. Equal pages are rendered once."""
    [record] = read_records(captured / RECORDS)
    author, pixels = Authors(captured).get(record.id), read_screenshot(captured, record)
    right = layout_of(record, labels_of(record))
    nameless = right._replace(nodes=(*right.nodes[:-1], None))
    one, same, other = render_layouts(chromium, record, author, pixels, [right, right, nameless])
    assert same is one
    assert len(one.names) == len(one.blocks.first) and not np.isnan(one.blocks.second).any()
    field = next(visit.index for visit in preorder(record.html) if visit.node.tag == "input")
    x, y, width, height = (round(side) for side in record.html_boxes[field][:4])
    inside = (slice(y + 3, y + height - 3), slice(x + 3, x + width - 3))  # its border is browser's
    assert (one.picture[inside] == 255).mean() > 0.5
    assert np.abs(one.picture[inside].astype(int) - pixels[inside]).mean() < 8
    assert len(other.names) < len(one.names)  # an element without a node is left out


@pytest.fixture
def answered(captured, tmp_path):
    """(folder, answers) with three records: two hypotheses, the worse one first; none; no nodes."""
    [record] = read_records(captured / RECORDS)
    right, wrong = layout_of(record, labels_of(record)), relabeled(record, "div", "wrapper")
    told = [
        {
            "layout": json.loads(print_layout(layout.forest)),
            "nodes": layout.nodes,
            "log_probability": probability,
        }
        for layout, probability in ((wrong, -1.0), (right, -2.0))
    ]
    about = {"model": "m", "options": {}}
    lines = [
        {"record": f"{RECORDS}:1", **about, **told[0], "elements": 9, "hypotheses": told},
        {"record": f"{RECORDS}:2", **about, "error": "broken"},
        {"record": f"{RECORDS}:3", **about, "layout": {"section": ""}},
    ]
    folder = tmp_path / "raw"
    folder.mkdir()
    for file in captured.rglob("*"):
        if file.is_file():
            target = folder / file.relative_to(captured)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(file.read_bytes())
    (folder / RECORDS).write_text((record_to_json(record) + "\n") * 3, encoding="utf-8")
    answers = tmp_path / "answers.jsonl"
    answers.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder, answers, told


def test_answers_are_judged_once_and_ranked_again(answered, capsys):
    """The command on a file of predict: what has no score is counted with its reason, a second run
    judges nothing again, and --rerank takes the hypothesis that looks like the screenshot."""
    folder, answers, told = answered
    out = answers.with_name("reranked.jsonl")
    flags = [str(folder), "--workers", "1", "--layouts", str(answers)]
    assert roundtrip.main(flags) is None
    printed = capsys.readouterr().out
    assert "1 layouts judged, 2 without a score" in printed
    assert "1 without a score: there is no answer to it" in printed
    assert "it names no html nodes" in printed
    [verdict] = map(json.loads, answers.with_suffix(".judged.jsonl").read_text().splitlines())
    assert verdict["score"] == verdict["scores"][0] < verdict["scores"][1]
    assert roundtrip.main([*flags, "--rerank", str(out)]) is None
    told_again = capsys.readouterr()
    assert "1 layouts were judged before" in told_again.err
    assert "1 of 3 answers are other hypotheses now" in told_again.out
    chosen, *others = map(json.loads, out.read_text().splitlines())
    assert chosen["layout"] == told[1]["layout"] and chosen["nodes"] == list(told[1]["nodes"])
    assert others == [json.loads(line) for line in answers.read_text().splitlines()[1:]]


def test_one_layout_is_drawn_and_strange_answers_are_refused(answered, tmp_path, capsys):
    """--explain draws the screenshot, the page of our own and the differences."""
    folder, answers, _ = answered
    [record_id] = {record.id for record in read_records(folder / RECORDS)}
    flags = [str(folder), "--layouts", str(answers)]
    roundtrip.main([*flags, "--explain", record_id, "--out", str(tmp_path / "why.png")])
    assert record_id in capsys.readouterr().out
    with Image.open(tmp_path / "why.png") as sheet:
        assert sheet.width > 1900
    answers.write_text('{"record": "records.jsonl:9"}\n')
    with pytest.raises(BadInput, match="no record of"):
        roundtrip.main(flags)
    answers.write_text("[]\n")
    with pytest.raises(BadInput, match=r"answers.jsonl:1: expected a line of"):
        roundtrip.main(flags)


def test_containers_place_their_children():
    """The margins say it: beside or below, by the element; a grid has two in a row at least."""
    outer = (0.0, 0.0, 400.0, 300.0)
    beside = [(0.0, 0.0, 190.0, 100.0), (210.0, 0.0, 190.0, 100.0)]
    below = [(0.0, 0.0, 400.0, 100.0), (0.0, 120.0, 400.0, 100.0)]

    def margins(element, boxes, kinds=("paragraph", "paragraph")):
        sides = [
            dict(name.split("_") for name in each) for each in place(element, outer, boxes, kinds)
        ]
        return [(each["w"], each["ml"], each["mt"], each["mr"]) for each in sides]

    assert margins("grid", beside) == [("190x", "0x", "0x", "0x"), ("190x", "20x", "0x", "0x")]
    assert margins("wrapper", beside)[1] == ("190x", "210x", "0x", "0x")
    assert margins("wrapper", beside)[0][3] == "210x"  # nothing has room beside it
    assert margins("wrapper", below)[1] == ("400x", "0x", "20x", "0x")
    assert [each[0] for each in margins("grid", below)] == ["200x", "200x"]
    assert margins("wrapper", beside, ("icon", "paragraph")) == margins("grid", beside)
    assert place("freedom", outer, beside, ("image", "heading"))[1] == (
        "pos_absolute",
        "l_210x",
        "t_0x",
        "w_190x",
    )
