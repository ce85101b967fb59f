"""Where a sequence stands in the HTML tree: all positions at once equals step by step."""

import jax
import jax.numpy as jnp
import numpy as np

from xojl_jax.tasks.layout.alignment import Track, advance, align_targets
from xojl_jax.tasks.layout.tree_prior import tree_prior
from xojl_jax.xojl.vocabulary import ELEMENT_BASE, END

FIRST = 700  # the first pointer
# A tree of six nodes in depth-first order:  0 ( 1 ( 2 3 ) 4 ( 5 ) ), of which 0, 2, 3, 4 are kept.
HTML_END = jnp.array([[6, 4, 3, 4, 6, 6]])
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
    assert detail.node_depth[0].tolist() == [0, 1, 1, 1, 1, 2]
    spelled = jnp.array([[1, A, FIRST, B, 40, END, END]])
    semantic, detail = align_targets(jnp.array([[1, A, B, END, END]]), spelled, HTML_END, FIRST)
    assert detail.cursor[0].tolist() == [-1, -1, 0, 0, 0, 0, 0]
    assert semantic.cursor[0].tolist() == [-1, 0, 0, 0, 0]


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
        assert np.flatnonzero(track.opened[0]).tolist() == [0, 2, 3, 4]
        np.testing.assert_array_equal(track.alignment(HTML_END).node_depth, known.node_depth)
