"""Where a sequence stands in the HTML tree: all positions at once equals step by step."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xojl_jax.tasks.layout.alignment import (
    Track,
    advance,
    align_targets,
    depth_by_cursor,
    opened_depth,
)
from xojl_jax.tasks.layout.tree_prior import tree_prior
from xojl_jax.xojl.vocabulary import ELEMENT_BASE, END

FIRST = 700  # the first pointer
# A tree of six nodes in depth-first order:  0 ( 1 ( 2 3 ) 4 ( 5 ) ), of which 0, 2, 3, 4 are kept.
HTML_END = jnp.array([[6, 4, 3, 4, 6, 6]])
ANCESTORS = [set(), {0}, {0, 1}, {0, 1}, {0}, {0, 4}]
LABEL = jnp.array([[0, 22, 5, 6, 1, 22]])
A, B, C, D = (ELEMENT_BASE + i for i in (0, 5, 6, 1))
DETAIL = [1, A, FIRST, B, FIRST + 2, END, C, FIRST + 3, END, D, FIRST + 4, END, END]
SEMANTIC = [1, A, B, END, C, END, D, END, END]


def test_cursors_follow_the_pointers():
    """Protects the alignment that both views share, also past a node without a twin."""
    semantic, detail = align_targets(jnp.array([SEMANTIC]), jnp.array([DETAIL]), HTML_END, FIRST)
    assert detail.cursor[0].tolist() == [-1, -1, 0, 0, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    assert semantic.cursor[0].tolist() == [-1, 0, 2, 2, 3, 3, 4, 4, 4]
    assert semantic.element[0].tolist() == [0, 0, 5, 5, 6, 6, 1, 1, 1]
    assert detail.node_depth[0, 4, 3:].tolist() == [1, 1, 1]  # after node 2: 4 is not opened yet
    assert detail.node_depth[0, 10, 5:].tolist() == [2]
    assert detail.node_depth[0, 0].tolist() == [0] * 6  # nothing is opened yet
    spelled = jnp.array([[1, A, FIRST, B, 40, END, END]])
    semantic, detail = align_targets(jnp.array([[1, A, B, END, END]]), spelled, HTML_END, FIRST)
    assert detail.cursor[0].tolist() == [-1, -1, 0, 0, 0, 0, 0]
    assert semantic.cursor[0].tolist() == [-1, 0, 0, 0, 0]


@pytest.mark.parametrize("opened", [*itertools.product([False, True], repeat=6)][::5])
def test_depth_counts_opened_ancestors(opened):
    """Protects END: the depth of a node is the number of opened nodes it lies in."""
    depth = opened_depth(jnp.array([opened]), HTML_END)
    assert depth.tolist() == [[sum(opened[a] for a in ancestors) for ancestors in ANCESTORS]]
    by_cursor = depth_by_cursor(jnp.array([opened]), HTML_END)[0]
    for cursor in range(-1, 6):
        so_far = [on and i <= cursor for i, on in enumerate(opened)]
        wanted = opened_depth(jnp.array([so_far]), HTML_END)[0]
        assert by_cursor[cursor + 1, cursor + 1 :].tolist() == wanted[cursor + 1 :].tolist()


def test_decoding_keeps_the_same_track():
    """Protects decoding from another alignment than training's, in both views.

    The semantic view has no pointers, so a sure node head stands in for them.
    """
    prior = tree_prior(20.0 * jax.nn.one_hot(LABEL, 23), jnp.ones((1, 6), bool))
    wanted = align_targets(jnp.array([SEMANTIC]), jnp.array([DETAIL]), HTML_END, FIRST)
    for tokens, known, is_detail in zip((SEMANTIC, DETAIL), wanted, (False, True), strict=True):
        track, depth = Track.start(1, 6), 0
        for position, token in enumerate(tokens):
            depth += int(ELEMENT_BASE <= token < ELEMENT_BASE + 30) - int(token == END)
            track = advance(
                track,
                jnp.array([token]),
                depth=jnp.array([depth]),
                detail=jnp.array([is_detail]),
                prior=prior,
                html_end=HTML_END,
                first_pointer=FIRST,
            )
            assert track.cursor[0] == known.cursor[0, position], (tokens, position)
            assert track.element[0] == known.element[0, position]
            depths = [place.node_depth[0] for place in (track.alignment(HTML_END), known)]
            ahead = slice(int(track.cursor[0]) + 1, None)
            assert depths[0][0, ahead].tolist() == depths[1][position, ahead].tolist()
        assert np.flatnonzero(track.opened[0]).tolist() == [0, 2, 3, 4]
