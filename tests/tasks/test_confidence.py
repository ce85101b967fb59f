"""The probability of each node: read off its tokens, judged by the label, kept in a checkpoint."""

import dataclasses
import json

import numpy as np
import pytest

from xojl_jax.engine import checkpoint_files
from xojl_jax.errors import BadInput
from xojl_jax.tasks.layout.answer import DecodedLayout, node_probabilities
from xojl_jax.tasks.layout.confidence import error_on_new_sites, pairs, right_nodes
from xojl_jax.tasks.layout.inference import _view_json
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import parse_html, parse_layout
from xojl_jax.xojl.vocabulary import END, EOS, Vocabulary

VOCABULARY = Vocabulary.load()
HTML = parse_html({"section": {"h1": {"text": "t1"}, "p": {"text": "t2"}}})
LAYOUT = parse_layout(
    {"section.section": {"heading.h1": {"text": "t1"}, "paragraph.p": {"text": "t2"}}}
)
RECORD = Record(screenshot="", html=HTML, layout=LAYOUT, layout_nodes=(0, 1, 2))


def answer(layout, nodes, probabilities=None):
    return DecodedLayout(parse_layout(layout), nodes, True, 0.0, probabilities)


def test_a_nodes_probability_is_of_its_element_and_its_pointer():
    """Protects the order of nodes, and that closing tokens and content do not count."""
    element = VOCABULARY.element_token
    tokens = [element("section"), VOCABULARY.size, element("heading"), END, EOS]
    gains = np.log([0.9, 0.5, 0.8, 0.1, 0.1]).tolist()
    found = node_probabilities(tokens, gains, VOCABULARY.size)
    np.testing.assert_allclose(found, [0.45, 0.8])


def test_a_node_is_right_on_its_html_node_or_as_one_more_of_its_kind():
    """Protects what probabilities are calibrated to."""
    placed = answer({"section.section": {"paragraph.h1": "", "paragraph.p": ""}}, (0, 1, 2))
    assert right_nodes(placed, RECORD) == [True, False, True]
    free = answer({"section.a": {"heading.b": "", "heading.c": "", "icon.i": ""}}, (None,) * 4)
    assert right_nodes(free, RECORD) == [True, True, False, False]
    unread = DecodedLayout(None, (), True, 0.0, ())
    probabilities, right = pairs(
        [placed._replace(probabilities=(0.9, 0.2, 0.7)), unread], [RECORD] * 2
    )
    assert probabilities.tolist() == [0.9, 0.2, 0.7] and right.tolist() == [True, False, True]


def test_sites_are_told_apart_and_one_alone_says_nothing():
    """Protects the error that `--calibrate` prints from being of the sites it was fitted to."""
    placed = answer({"section.section": {"heading.h1": ""}}, (0, 1), (0.9, 0.8))
    sites = [dataclasses.replace(RECORD, source={"site": site}) for site in "aab"]
    found = error_on_new_sites([placed] * 3, sites)
    assert found["sites"] == 2 and 0 < found["expected_calibration_error"] < 0.5
    alone = error_on_new_sites([placed] * 2, sites[:2])
    assert alone == {"sites": 1, "expected_calibration_error": None}


def test_the_answer_is_one_json_document():
    """Protects scripts that read `predict --confidence`, and those that do not ask for it."""
    plain = answer({"section.section": {"heading.h1": ""}}, (0, 1))
    sure = json.loads(_view_json("detail", plain._replace(probabilities=(0.98765, 0.5))))
    assert sure["confidence"] == [0.9877, 0.5]
    assert sure["layout"] == json.loads(_view_json("detail", plain))


def test_a_calibration_stays_with_its_checkpoint(tmp_path):
    """Protects checkpoints: it comes after the manifest, is no damage, and is checked."""
    (tmp_path / "metadata.json").write_text("{}")
    manifest = json.dumps(checkpoint_files.digests(tmp_path))
    (tmp_path / checkpoint_files.MANIFEST).write_text(manifest)
    assert checkpoint_files.read_calibration(tmp_path) is None
    checkpoint_files.write_calibration(tmp_path, {"detail": [0.5, 0.25]})
    checkpoint_files.verify(tmp_path)
    assert checkpoint_files.read_calibration(tmp_path) == {"detail": [0.5, 0.25]}
    path = tmp_path / checkpoint_files.CALIBRATION
    path.write_text(path.read_text().replace("0.25", "0.26"))
    with pytest.raises(BadInput, match=r"calibration\.json is damaged"):
        checkpoint_files.read_calibration(tmp_path)
