"""The decoder of trees: always a layout that keeps the rules, and none of them is better."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from xojl_jax.xojl.best_labels import NOTHING, UNCOVERED, best_labels
from xojl_jax.xojl.build import layout_from_labels
from xojl_jax.xojl.structure import violations
from xojl_jax.xojl.tree import ELEMENTS, Node

SECTION = ELEMENTS.index("section")


@st.composite
def trees(draw, most: int):
    """Parents of nodes in depth-first pre-order; -1 for the root."""
    parents, path = [-1], [0]
    for index in range(1, draw(st.integers(1, most))):
        del path[draw(st.integers(1, len(path))) :]
        parents.append(path[-1])
        path.append(index)
    return parents


def children_of(parents):
    return [[i for i, parent in enumerate(parents) if parent == at] for at in range(len(parents))]


def broken(parents, labels):
    """The rules of the language that labels break."""

    def node(index):
        inside = tuple(node(kid) for kid in children_of(parents)[index])
        return Node(None, "div", (), (), inside)

    layout, _ = layout_from_labels((node(0),), [-1 if x == NOTHING else x for x in labels])
    return list(violations(layout))


@settings(max_examples=150, deadline=None)
@given(trees(12), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 3.0, 30.0]))
def test_any_scores_give_labels_that_keep_the_rules(parents, seed, likes_containers):
    """Protects what data_prep.label promises: nothing that it writes breaks a rule."""
    scores = np.random.default_rng(seed).normal(size=(len(parents), NOTHING + 1)) * 3
    scores[:, :5] += likes_containers
    labels = best_labels(scores, children_of(parents), scores[:, 0] > 0)
    if len(parents) == 1:
        assert labels == [NOTHING]
    else:
        assert labels[0] == SECTION
        assert broken(parents, labels) == []


@settings(max_examples=25, deadline=None)
@given(trees(4), st.integers(0, 2**32 - 1))
def test_no_labels_that_keep_the_rules_score_better(parents, seed):
    """Against every labeling there is, of a few elements with all kinds of rule."""
    kinds = [ELEMENTS.index(n) for n in ("section", "grid", "column", "wrapper", "heading")]
    scores = np.full((len(parents), NOTHING + 1), -1e6)
    columns = [*kinds, NOTHING]
    scores[:, columns] = np.random.default_rng(seed).normal(size=(len(parents), len(columns))) * 3
    shows = np.random.default_rng(seed).random(len(parents)) > 0.5
    labels = best_labels(scores, children_of(parents), shows)
    every = [
        (SECTION, *rest)
        for rest in itertools.product(columns, repeat=len(parents) - 1)
        if any(label != NOTHING for label in rest)
    ]
    allowed = [one for one in every if not broken(parents, one)]
    if not allowed:
        assert len(parents) == 1
        return

    heading = ELEMENTS.index("heading")

    def in_leaf(i, one):
        return i >= 0 and (one[i] == heading or in_leaf(parents[i], one))

    def score(one):
        bare = sum(
            shows[i] and not in_leaf(i, one) for i in range(1, len(one)) if one[i] == NOTHING
        )
        return sum(scores[i, label] for i, label in enumerate(one) if i) + UNCOVERED * bare

    assert np.isclose(score(labels), max(map(score, allowed)))
