"""Retrieval and the lie of vectors, against their definitions."""

import numpy as np
import pytest

from xojl_jax.evaluation import retrieval
from xojl_jax.evaluation.retrieval import (
    chance_scores,
    closeness,
    pair_scores,
    retrieval_scores,
)

RNG = np.random.default_rng(0)


def test_ranks_counted_by_hand():
    """Protects MRR and nDCG (R042): three pages, two of one document."""
    pictures = np.eye(3)
    texts = np.array([[0.9, 0.5, 0.0], [0.8, 0.7, 0.1], [0.5, 0.4, 0.1]])
    found = retrieval_scores(texts, pictures, ["a", "a", "b"])
    assert found["recall@1"].tolist() == [1, 0, 0]
    assert found["mrr"].tolist() == [1, 1 / 2, 1 / 3]
    half, third = 1 / np.log2(3), 1 / np.log2(4)
    best = 3 + half
    assert found["ndcg"] == pytest.approx([1, (1 + 3 * half) / best, third])


def test_equal_scores_are_chance():
    """Protects from a rank of 1 for a model that gives every page the same vector."""
    same = np.ones((5, 2))
    found = retrieval_scores(same, same, list("abcde"))
    assert found["recall@1"].sum() == 0
    assert found["mrr"] == pytest.approx(1 / 3)


def test_chance_is_what_random_vectors_score(monkeypatch):
    """Protects the baseline: random vectors, many times over, in chunks."""
    monkeypatch.setattr(retrieval, "CHUNK", 7)
    groups = [*"aaabbcdefghi"]
    told = [
        {
            name: values.mean()
            for name, values in retrieval_scores(*RNG.normal(size=(2, 12, 9)), groups).items()
        }
        for _ in range(400)
    ]
    for name, values in chance_scores(groups).items():
        assert np.mean([one[name] for one in told]) == pytest.approx(values.mean(), abs=0.02), name


def test_uniformity_and_alignment_are_their_definitions():
    """Protects R041's figures of vectors."""
    one, other = RNG.normal(size=(2, 6, 4))
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (one, other)]
    squared = ((unit[0][:, None] - unit[0]) ** 2).sum(-1)
    wanted = np.log(np.exp(-2 * squared[~np.eye(6, dtype=bool)]).mean())
    assert np.log(closeness(one).mean()) == pytest.approx(wanted)
    assert pair_scores(one, other)["alignment"] == pytest.approx(((unit[0] - unit[1]) ** 2).sum(1))
    assert closeness(np.ones((3, 2))) == pytest.approx(1)
    assert np.isnan(closeness(np.ones((1, 2))))
