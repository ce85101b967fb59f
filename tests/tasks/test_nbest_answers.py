"""A beam's hypotheses in answers."""

import numpy as np
import pytest

from xojl_jax import predict
from xojl_jax.errors import BadUsage
from xojl_jax.tasks.layout.answer import describe_layout, read_answers
from xojl_jax.tasks.layout.views import Prediction
from xojl_jax.xojl.tree import parse_html, parse_layout, print_layout
from xojl_jax.xojl.vocabulary import Vocabulary

HTML = parse_html({"section": {"h1": "", "p": ""}})
LAYOUTS = [
    {"section.section": {"heading.h1": "", "paragraph.p": ""}},
    {"section.section": {"paragraph.h1": ""}},
]


def prediction(vocabulary):
    """Two records, three hypotheses each; of the first only two were found, of the second all."""
    written = [vocabulary.tokenize_detail(parse_layout(layout), HTML)[1:] for layout in LAYOUTS]
    rows = [written[0], written[1], [], written[1], written[0], written[1]]
    tokens = np.zeros((6, 32), np.int32)
    for row, ids in enumerate(rows):
        tokens[row, : len(ids)] = ids
    lengths = np.array([len(ids) for ids in rows], np.int32)
    return Prediction(tokens, lengths, -np.arange(1.0, 7.0), np.zeros(2, np.int32))


def test_hypotheses_are_told_best_first_and_none_that_is_not_there():
    """Protects what ranking reads: the answer stays the first one, the others follow it."""
    vocabulary = Vocabulary.load()
    answers = read_answers(prediction(vocabulary), [HTML, HTML], vocabulary, "detail", 3)
    first, second = (answer["detail"] for answer in answers)
    assert [print_layout(each.layout) for each in (first, *first.others)] == [
        print_layout(parse_layout(layout)) for layout in LAYOUTS
    ]
    assert (first.nodes, first.others[0].nodes) == ((0, 1, 2), (0, 1))
    assert [each.score for each in (second, *second.others)] == [-4, -5, -6]
    told = describe_layout(first, "detail", None)
    assert told["layout"] == told["hypotheses"][0]["layout"]
    assert [each["log_probability"] for each in told["hypotheses"]] == [-1, -2]
    assert "hypotheses" not in describe_layout(first._replace(others=()), "detail", None)


@pytest.mark.parametrize("flags", [["--nbest=2"], ["--method=beam", "--beam=2", "--nbest=3"]])
def test_more_hypotheses_than_there_are_is_refused(flags):
    """Protects people: without a beam there is one answer, and of a beam no more than its width."""
    with pytest.raises(BadUsage, match="--nbest"):
        predict.parse(["--html=a.json", *flags])
