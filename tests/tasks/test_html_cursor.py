"""Where in the HTML tree a sequence is: all positions at once equals step by step."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xojl_jax.tasks.layout.html_cursor import (
    CursorState,
    advance,
    cursors_of_targets,
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


@functools.partial(jax.jit, static_argnums=3)
def known_cursors(*arguments):
    *cursors, depths = cursors_of_targets(*arguments)
    return [cursor.at(depths) for cursor in cursors]


def test_cursors_follow_the_pointers():
    """Protects the cursor that both views share, also past a node without a twin."""
    semantic, detail = known_cursors(jnp.array([SEMANTIC]), jnp.array([DETAIL]), HTML_END, FIRST)
    assert detail.node[0].tolist() == [-1, -1, 0, 0, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    assert semantic.node[0].tolist() == [-1, 0, 2, 2, 3, 3, 4, 4, 4]
    assert semantic.element[0].tolist() == [0, 0, 5, 5, 6, 6, 1, 1, 1]
    assert detail.node_depth[0, 4, 3:].tolist() == [1, 1, 1]  # after node 2: 4 is not opened yet
    assert detail.node_depth[0, 10, 5:].tolist() == [2]
    assert detail.node_depth[0, 0].tolist() == [0] * 6  # nothing is opened yet
    spelled = jnp.array([[1, A, FIRST, B, 40, END, END]])
    semantic, detail = known_cursors(jnp.array([[1, A, B, END, END]]), spelled, HTML_END, FIRST)
    assert detail.node[0].tolist() == [-1, -1, 0, 0, 0, 0, 0]
    assert semantic.node[0].tolist() == [-1, 0, 0, 0, 0]


@pytest.mark.parametrize("opened", [*itertools.product([False, True], repeat=6)][::5])
def test_depth_counts_opened_ancestors(opened):
    """Protects END: the depth of a node is the number of opened nodes around it."""
    depth = opened_depth(jnp.array([opened]), HTML_END)
    assert depth.tolist() == [[sum(opened[a] for a in ancestors) for ancestors in ANCESTORS]]
    by_cursor = depth_by_cursor(jnp.array([opened]), HTML_END)[0]
    for cursor in range(-1, 6):
        so_far = [on and i <= cursor for i, on in enumerate(opened)]
        wanted = opened_depth(jnp.array([so_far]), HTML_END)[0]
        assert by_cursor[cursor + 1, cursor + 1 :].tolist() == wanted[cursor + 1 :].tolist()


def test_decoding_keeps_the_same_cursor():
    """Protects decoding from another cursor than training's, in both views.

    The semantic view has no pointers, so a sure node head takes their place.
    """
    prior = tree_prior(20.0 * jax.nn.one_hot(LABEL, 23), jnp.ones((1, 6), bool))
    wanted = known_cursors(jnp.array([SEMANTIC]), jnp.array([DETAIL]), HTML_END, FIRST)
    for tokens, known, is_detail in zip((SEMANTIC, DETAIL), wanted, (False, True), strict=True):
        state, depth = CursorState.start(1, 6), 0
        for position, token in enumerate(tokens):
            depth += int(ELEMENT_BASE <= token < ELEMENT_BASE + 30) - int(token == END)
            state = advance(
                state,
                jnp.array([token]),
                depth=jnp.array([depth]),
                detail=jnp.array([is_detail]),
                prior=prior,
                html_end=HTML_END,
                first_pointer=FIRST,
            )
            assert state.node[0] == known.node[0, position], (tokens, position)
            assert state.element[0] == known.element[0, position]
            depths = [cursor.node_depth[0] for cursor in (state.cursor(HTML_END), known)]
            ahead = slice(int(state.node[0]) + 1, None)
            assert depths[0][0, ahead].tolist() == depths[1][position, ahead].tolist()
        assert np.flatnonzero(state.opened[0]).tolist() == [0, 2, 3, 4]
