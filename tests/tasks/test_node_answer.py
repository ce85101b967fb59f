"""Answers by the labels of HTML nodes: layouts of the language, whatever the labels' scores."""

import argparse
import functools
import random

import jax
import numpy as np
import pytest
from flax import linen as nn
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tasks.conftest import small_config
from tests.xojl.random_trees import random_html
from xojl_jax import evaluate, predict
from xojl_jax.errors import BadUsage
from xojl_jax.tasks.layout.node_answer import label_probabilities, read_node_answers
from xojl_jax.tasks.layout.task import LayoutTask
from xojl_jax.tasks.layout.views import NodePrediction
from xojl_jax.xojl.structure import violations
from xojl_jax.xojl.tree import ELEMENTS, parse_html, parse_layout, preorder, print_layout
from xojl_jax.xojl.vocabulary import Vocabulary

VOCABULARY = Vocabulary.load()
HTML = parse_html({"section": {"div": {"h1@fs_3r": {"text": "xv1"}, "p": {"text": "xv2"}}}})


def prediction(*scores):
    """Of one record each: scores [nodes, elements + 1], padded with rows that must not be read."""
    padded = [np.concatenate([each, np.full((3, len(ELEMENTS) + 1), 9.0)]) for each in scores]
    return NodePrediction(np.stack(padded), np.zeros(len(scores), np.int32))


def scores_of(*names):
    """Log probabilities that favor one element a node, or none."""
    scores = np.full((len(names), len(ELEMENTS) + 1), np.log(0.01))
    columns = [ELEMENTS.index(name) if name else len(ELEMENTS) for name in names]
    scores[np.arange(len(names)), columns] = np.log(0.9)
    return scores


def test_the_labels_become_a_layout_with_the_nodes_that_they_are_of():
    """Protects the answer: elements, classes and content of the labeled nodes, in both views, and
    of each node the probability of its label."""
    found = prediction(scores_of("section", None, "heading", "paragraph"))
    (views,) = read_node_answers(found, [HTML], "dual", confidence=True)
    wanted = {
        "section.section": {"heading.h1@fs_3r": {"text": "xv1"}, "paragraph.p": {"text": "xv2"}}
    }
    assert print_layout(views["detail"].layout) == print_layout(parse_layout(wanted))
    assert views["detail"].nodes == (0, 2, 3)
    np.testing.assert_allclose(views["detail"].probabilities, [0.9] * 3)
    assert views["detail"].score == pytest.approx(4 * np.log(0.9))
    semantic = print_layout(views["semantic"].layout, semantic=True)
    assert semantic == print_layout(parse_layout(wanted), semantic=True)
    assert views["semantic"].nodes == (None,) * 3
    (plain,) = read_node_answers(found, [HTML], "detail", confidence=False)
    assert plain.keys() == {"detail"} and plain["detail"].probabilities is None


def test_a_label_inside_a_leaf_gives_way():
    """Protects the language's rules from labels that break them: the better sum wins."""
    html = parse_html({"section": {"p": {"span": {"text": "xv1"}}}})
    scores = scores_of("section", "paragraph", "button")
    scores[1, ELEMENTS.index("paragraph")] += 1
    (views,) = read_node_answers(prediction(scores), [html], "detail", confidence=False)
    assert print_layout(views["detail"].layout) == '{"section.section":{"paragraph.p":""}}'


def test_the_probabilities_of_all_labels_are_of_the_tree_s_nodes(tmp_path):
    """Protects the labeler that reads them: padding is left out; the flag goes with nodes alone."""
    scores = scores_of("section", None, "heading", "paragraph")
    (rows,) = label_probabilities(prediction(scores), [HTML])
    np.testing.assert_allclose(rows, np.exp(scores), rtol=1e-6)
    flags = [f"--records={tmp_path}", f"--out={tmp_path / 'a'}", "--node-probabilities"]
    with pytest.raises(BadUsage, match="--node-probabilities goes with --method=nodes"):
        predict.parse(flags)
    predict.parse([*flags, "--method=nodes"])
    with pytest.raises(BadUsage, match="--node-probabilities goes with --records or --page"):
        predict.parse(["--html=a.json", "--method=nodes", "--node-probabilities"])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.3, 3.0, 30.0]))
def test_any_scores_give_an_answer_that_parses_and_can_be_written(seed, spread):
    """Protects users from output that does not parse, as the grammar does for the decoder."""
    html = random_html(random.Random(seed))
    nodes = len(preorder(html))
    scores = np.random.default_rng(seed).normal(size=(nodes, len(ELEMENTS) + 1)) * spread
    (views,) = read_node_answers(prediction(scores), [html], "detail", confidence=True)
    answer = views["detail"]
    text = print_layout(answer.layout)
    assert print_layout(parse_layout(text)) == text
    assert len(answer.nodes) == len(answer.probabilities) == len(preorder(answer.layout))
    if len(answer.nodes) > 1:
        assert list(violations(answer.layout)) == []
    if nodes:
        VOCABULARY.tokenize_detail(answer.layout, html)


@pytest.mark.parametrize("stage", [2, 3])
def test_a_stage_without_a_decoder_answers_by_nodes_alone(stage):
    """Protects people who train the HTML encoder first: its answers are there to be scored and
    calibrated, and token by token it says what to do instead."""
    task = LayoutTask(small_config(stage=stage))
    flags = argparse.Namespace(method="nodes", calibrate=True)
    inference = task.inference(flags)
    assert [each.method for each in inference.to_calibrate(flags)] == ["nodes"]
    params = nn.meta.unbox(jax.eval_shape(task.init, jax.random.key(0)))
    predict = functools.partial(inference.predict, mode="detail", method="nodes")
    found = jax.eval_shape(predict, params, task.batch_spec())
    assert found.labels.shape[1:] == (task.spec.max_nodes, len(ELEMENTS) + 1)
    with pytest.raises(BadUsage, match="answers with --method=nodes alone"):
        task.inference(argparse.Namespace(method="greedy"))


def test_without_a_tree_there_is_nothing_to_label():
    """Protects people from an empty answer to a screenshot alone."""
    with pytest.raises(BadUsage, match="give --html"):
        predict.parse(["--screenshot=a.png", "--method=nodes"])
    scores = np.zeros((0, len(ELEMENTS) + 1))
    (views,) = read_node_answers(prediction(scores), [()], "detail", confidence=True)
    assert views["detail"].layout == () and not views["detail"].completed
    predict.parse(["--html=a.json", "--method=nodes", "--confidence"])
    evaluate.parse(["--workdir=xojl_jax/shipped_model", "--method=nodes", "--calibrate"])
