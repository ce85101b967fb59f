"""What the service asks of the layout task beside its model: tags, features, kept records."""

import json

import numpy as np
import pytest

from tests.tasks.conftest import small_config
from xojl_jax.serving import histograms
from xojl_jax.tasks.layout.answer import DecodedLayout, agreement
from xojl_jax.tasks.layout.inference import LayoutAnswer
from xojl_jax.tasks.layout.inputs import Inputs
from xojl_jax.tasks.layout.task import LayoutTask
from xojl_jax.xojl.tree import parse_html, parse_layout

HTML = {"section@d_flex": {"h1@fs_3r": {"text": "xv1"}, "p@zz_9x": {"text": "xv2"}}}
BOXES = ((0.0, 0.0, 30.0, 20.0, 0.0), (0.0, 0.0, 30.0, 10.0, 1.0), (0.0, 10.0, 30.0, 10.0, 1.0))


@pytest.fixture(scope="module")
def inference():
    return LayoutTask(small_config()).inference()


def test_tags_answer_whatever_has_a_tree(inference):
    """Protects the fallback: valid documents in every mode, in JSON; nothing without HTML."""
    dataset = inference.dataset("train")
    baseline = json.loads(json.dumps(inference.fit_baseline(dataset, range(12))))
    assert baseline["labels"]["h2"] in (None, "heading")
    answered = 0
    for index in range(12):
        record = dataset.record(index)
        inputs = Inputs("x", None, record.html, record.html_boxes)
        for mode in ("detail", "semantic", "dual"):
            answer = inference.guess(baseline, inputs, {"mode": mode})
            if answer is None:
                continue
            answered += 1
            told = inference.to_values(inputs, answer)
            json.dumps(told, allow_nan=False)
            layouts = told["layout"].values() if mode == "dual" else [told["layout"]]
            assert all(parse_layout(layout) for layout in layouts)
            assert inference.confidence(answer) is None
    assert answered > 18
    picture = Inputs("x", np.zeros((4, 4, 3), np.uint8), (), None)
    assert inference.guess(baseline, picture, {"mode": "detail"}) is None


def test_features_tell_what_an_input_is_like(inference):
    """Protects the figures of drift: sizes, colors, tags, and the share of unknown classes."""
    image = np.full((20, 30, 3), (255, 0, 0), np.uint8)
    found = inference.input_features(Inputs("x", image, parse_html(HTML), None, left_out=7))
    assert (found["width"], found["height"], found["nodes"]) == (30.0, 20.0, 10.0)
    assert found["saturation"] == pytest.approx(1) and found["contrast"] == pytest.approx(0)
    assert found["brightness"] == pytest.approx(0.299, abs=1e-3)
    assert found["unknown_classes"] == pytest.approx(1 / 3)
    assert found["tags"] == ["section", "h1", "p"] and found["inputs"] == ["screenshot+html"]
    alone = inference.input_features(Inputs("x", image, (), None))
    assert alone["inputs"] == ["screenshot"] and "tags" not in alone
    json.dumps(histograms.fit([found, alone]), allow_nan=False)


def test_kept_sections_are_records(inference, tmp_path):
    """Protects those who label them: read back by what reads every data set, layout included."""
    image = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)
    inputs = Inputs("x", image, parse_html(HTML), BOXES)
    layout = parse_layout({"section.section@d_flex": {"heading.h1@fs_3r": {"text": "xv1"}}})
    decoded = DecodedLayout(layout, (0, 1), True, -1.0, (0.2, 0.3))
    answer = LayoutAnswer({"detail": decoded}, "hero")
    assert inference.confidence(answer) == pytest.approx(0.25)
    written = inference.write_record(inputs, answer, tmp_path, "one")
    semantic = LayoutAnswer({"semantic": decoded._replace(nodes=())}, "hero")
    written += inference.write_record(inputs, semantic, tmp_path, "two")
    sizes = [path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()]
    assert written == sum(sizes)
    (_, first), (_, second) = inference.read_records(tmp_path)
    found = first()
    assert np.array_equal(found.image, image) and found.html == inputs.html
    assert found.html_boxes == BOXES and second().html == inputs.html
    lines = [json.loads(x) for x in (tmp_path / "records.jsonl").read_text().splitlines()]
    assert lines[0]["section_layout"] and lines[0]["layout_nodes"] == [0, 1]
    assert lines[0]["layout_confidence"] == [0.2, 0.3]
    assert lines[0]["labeled_by"] == "model" and "section_layout" not in lines[1]
    without = inputs._replace(image=None)
    assert inference.write_record(without, answer, tmp_path, "three") == 0


def test_agreement_is_one_for_the_same_alone():
    """Protects comparisons of versions: the same elements in another order are not the same."""

    def views(*layouts):
        names = ("detail", "semantic")[: len(layouts)]
        found = (DecodedLayout(parse_layout(layout), (), True, 0.0) for layout in layouts)
        return dict(zip(names, found, strict=True))

    one = {"section.div": {"heading.h1": "", "paragraph.p": ""}}
    other = {"section.div": {"paragraph.p": "", "heading.h1": ""}}
    assert agreement(views(one), views(one)) == 1
    assert agreement(views(one), views(other)) == 0.999
    assert agreement(views(one), views({"section.div": {"heading.h1": ""}})) == pytest.approx(0.8)
    assert agreement(views(one), views({"icon.i": ""})) == 0
    assert agreement(views(one, one), views(one)) == 1
