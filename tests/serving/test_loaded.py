"""The interface from Python."""

import io
import json

import numpy as np
import pytest
from PIL import Image

import xojl_jax
from data_prep.label.learned.model_answers import ModelAnswers
from xojl_jax import active, predict
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.tasks.base import Limits
from xojl_jax.xojl.tree import parse_layout

TREE = {"section@d_flex": {"h1@fs_3r": {"text": "xv1"}, "p": {"text": "xv2"}}}


def picture(width: int = 120, height: int = 80) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), 200, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def test_one_call_answers_whatever_is_there(model, tmp_path):
    """Protects the three lines of the README: both inputs, either alone, in every form."""
    shot = tmp_path / "shot.png"
    shot.write_bytes(picture())
    tree = tmp_path / "tree.json"
    tree.write_text(json.dumps(TREE))
    layout = model(shot, TREE)
    assert parse_layout(layout)
    assert model(str(shot), str(tree)) == model(picture(), json.dumps(TREE)) == layout
    assert model(Image.open(shot), html=TREE) == model(np.asarray(Image.open(shot)), TREE) == layout
    assert parse_layout(model(html=TREE)) and parse_layout(model(shot))


def test_a_batch_answers_in_order_as_one_by_one(model):
    """Protects batches: padding of the last one is nobody's answer."""
    sections = [(picture(), TREE), {"html": TREE}, (None, {"div": {"img": ""}})]
    told = model.describe(sections, batch_size=2)
    single = [model.describe([section], batch_size=2)[0] for section in sections]
    assert [each["layout"] for each in told] == [each["layout"] for each in single]
    assert model.batch(sections, batch_size=2) == [each["layout"] for each in told]
    assert told[0]["used"] == ["screenshot", "html"] and told[1]["used"] == ["html"]


def test_all_that_is_known_is_told(model):
    """Protects the service's answers: boxes of the nodes that the layout points at, both views."""
    boxes = [[0, 0, 120, 80, 0], [0, 0, 60, 20, 1], [0, 20, 60, 20, 1]]
    section = {"screenshot": picture(), "html": TREE, "html_boxes": boxes}
    (told,) = model.describe([section])
    assert told["elements"] == len(told["nodes"]) == len(told["confidence"])
    assert all(0 <= each <= 1 for each in told["confidence"])
    assert len(told["boxes"]) == sum(node is not None for node in told["nodes"])
    json.dumps(told)
    (dual,) = model.describe([section], program="dual")
    assert len(dual["views"]["semantic"]["confidence"]) == dual["views"]["semantic"]["elements"]
    assert dual["views"]["detail"]["layout"] == told["layout"] == dual["layout"]["detail"]


def test_what_is_wrong_is_named(model):
    """Protects people who call it: one line of what is wrong, and a type to catch."""
    for values, words in (
        ({"screenshot": b"no picture"}, "section 0 screenshot is no image that we know"),
        ({"screenshot": np.zeros((4, 4), np.float32)}, "an array must be uint8"),
        ({"html": {"div": 7}}, "section 0 html"),
        ({"html": {}}, "nothing to predict from"),
        ({"picture": b""}, "'picture' is not known: give screenshot, html, html_boxes"),
        ({"html_boxes": [[0, 0, 1, 1, 0]]}, "whose boxes"),
        ({"screenshot": "missing.png"}, "screenshot: missing.png cannot be read"),
    ):
        with pytest.raises(BadInput, match=words):
            model(**values)
    with pytest.raises(BadUsage, match="choose detail, dual"):
        model(html=TREE, program="haiku")
    with pytest.raises(BadInput, match="at most 4"):
        model.inputs({"screenshot": picture(3, 2)}, "request", Limits(pixels=4))
    with pytest.raises(BadInput, match="at most 2 in a document"):
        model.inputs({"html": TREE}, "request", Limits(nodes=2))


def test_load_reads_a_folder(folder, model):
    """Protects `xojl_jax.load`."""
    found = xojl_jax.load(folder, cache="off")
    assert (found.name, found.version) == (model.name, model.version)


def test_active_ranks_a_folder_of_records(folder, tmp_path, capsys):
    """Protects the list of what to read: labeled records tell how far the answer contradicts them,
    and each sound record is listed once."""
    records_in, out = tmp_path / "records", tmp_path / "list.jsonl"
    records_in.mkdir()
    (records_in / "shot.png").write_bytes(picture())
    records = [{"id": f"r{i}", "screenshot": "shot.png", "html": {"p": ""}} for i in range(3)]
    records[1]["section_layout"] = {"section.p": ""}
    (records_in / "records.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    flags = [f"--workdir={folder}", f"--records={records_in}", f"--out={out}", "--batch-size=2"]
    assert active.main(flags) == 0
    told = {line["record"]: line for line in map(json.loads, out.read_text().splitlines())}
    assert sorted(told) == [f"records.jsonl:{n}" for n in range(1, 4)]
    assert all(0 <= line["worth"] <= 1 for line in told.values())
    assert [name for name, line in told.items() if line["disagreement"] is not None] == [
        "records.jsonl:2"
    ]
    assert "3 of 3 records to read" in capsys.readouterr().err


def test_a_labeler_reads_the_probabilities_of_a_folder_of_records(folder, tmp_path):
    """Protects the file between model and labeler: what `predict` writes of every HTML node is what
    `data_prep.label --model-answers` takes; a tree that was cut has none, nor has no tree."""
    records_in, out = tmp_path / "records", tmp_path / "answers.jsonl"
    records_in.mkdir()
    (records_in / "shot.png").write_bytes(picture())
    large = {"div": {f"p#{number}": "" for number in range(1, 400)}}
    records = [
        {"id": name, "screenshot": "shot.png", "html": html}
        for name, html in (("small", TREE), ("large", large), ("none", {}))
    ]
    (records_in / "records.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    flags = [f"--workdir={folder}", f"--records={records_in}", f"--out={out}", "--batch-size=2"]
    assert predict.main([*flags, "--method=nodes", "--node-probabilities"]) == 0
    small, cut, bare = (json.loads(line) for line in out.read_text().splitlines())
    rows = np.array(small["node_probabilities"])
    np.testing.assert_allclose(rows.sum(1), 1, atol=2e-4)
    assert cut["nodes_left_out"] and "node_probabilities" not in {**cut, **bare}
    uniform = np.full(rows.shape, -np.log(rows.shape[1]))
    answers = ModelAnswers(out, weight=1.0)
    told = np.exp(answers.beside("small", uniform))
    np.testing.assert_allclose(told, rows, atol=2e-3)
    assert answers.beside("large", uniform) is uniform and answers.missing == 1
