"""A trained model's probabilities beside the trees' of the learned labeler."""

import gzip
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.label import command as label
from data_prep.label.learned.model_answers import ModelAnswers
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.best_labels import NOTHING

LABELS = NOTHING + 1


def written(path, **rows):
    """A file of answers: by id the probabilities of its nodes; None where there are none."""
    lines = [
        {"record": f"records.jsonl:{n}", "id": name, "node_probabilities": each}
        if each is not None
        else {"record": f"records.jsonl:{n}", "nodes_left_out": 9}
        for n, (name, each) in enumerate(rows.items())
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def random_rows(seed, nodes):
    # None is below the least that counts.
    x = np.random.default_rng(seed).gamma(0.3, size=(nodes, LABELS)) + 1e-2
    return x / x.sum(1, keepdims=True)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.floats(0, 1))
def test_the_mean_is_a_distribution(tmp_path_factory, seed, nodes, weight):
    """Protects confidences: rows sum to 1; at weight 0 and 1 one of the two alone is told; and what
    both say is most probable stays so."""
    model, trees = random_rows(seed, nodes), random_rows(seed + 1, nodes)
    path = written(tmp_path_factory.mktemp("answers") / "a.jsonl", r=model.tolist())
    told = {w: np.exp(ModelAnswers(path, w).beside("r", np.log(trees))) for w in (0, weight, 1)}
    np.testing.assert_allclose(told[weight].sum(1), 1)
    np.testing.assert_allclose(told[0], trees, rtol=1e-6)
    np.testing.assert_allclose(told[1], model, rtol=1e-6)
    agreed = model.argmax(1) == trees.argmax(1)
    assert (told[weight].argmax(1) == model.argmax(1))[agreed].all()


def test_records_without_answers_are_counted(tmp_path):
    """Protects from labels by half of what was asked for: a record that is not there, or has other
    nodes, is by the trees alone, and the caller can tell how many are."""
    rows = random_rows(1, 3)
    answers = ModelAnswers(written(tmp_path / "a", there=rows.tolist(), cut=None))
    scores = np.log(random_rows(2, 3))
    assert answers.beside("there", scores) is not scores and answers.missing == 0
    assert answers.beside("cut", scores) is scores and answers.missing == 1
    assert answers.beside("there", scores[:2]).shape == (2, LABELS) and answers.missing == 2


def test_what_is_no_file_of_answers_is_named(tmp_path):
    """Protects people who name another file, or forgot the flag that writes probabilities."""
    with pytest.raises(BadInput, match="cannot read the answers"):
        ModelAnswers(tmp_path / "missing")
    with pytest.raises(BadInput, match=r"write it with .* --node-probabilities"):
        ModelAnswers(written(tmp_path / "plain", r=None))
    with pytest.raises(BadInput, match="odd:1: no answer"):
        ModelAnswers(written(tmp_path / "odd", r=[[0.5, 0.5]]))
    rows = np.full((2, LABELS), 1 / LABELS)
    rows[1, 3] = np.nan
    with pytest.raises(BadInput, match=r"nan:1: .* no probabilities"):
        ModelAnswers(written(tmp_path / "nan", r=rows.tolist()))
    (tmp_path / "binary").write_bytes(gzip.compress(b"{}"))
    with pytest.raises(BadInput, match="binary:1: no answer"):
        ModelAnswers(tmp_path / "binary")
    (tmp_path / "text").write_text("hello\n")
    with pytest.raises(BadInput, match="text:1: no answer"):
        ModelAnswers(tmp_path / "text")
    with pytest.raises(BadUsage, match="--model-answers FILE goes with --with learned"):
        label.main([str(tmp_path), "--model-answers=a"])
    learned = [str(tmp_path), "--with=learned"]
    with pytest.raises(BadUsage, match="--model-weight W goes with --model-answers FILE"):
        label.main([*learned, "--model-weight=0.5"])
    with pytest.raises(BadUsage, match="--model-weight 2: give 0 to 1"):
        label.main([*learned, "--model-answers=a", "--model-weight=2"])
