"""The tree prior against brute force over all subsets of kept nodes."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xojl_jax.tasks.layout import tree_prior
from xojl_jax.tasks.layout.html_cursor import opened_depth

# A tree of six nodes in depth-first order:  0 ( 1 ( 2 3 ) 4 ( 5 ) )
END = jnp.array([[6, 4, 3, 4, 6, 6]])


@pytest.fixture
def logits():
    return jax.random.normal(jax.random.key(0), (1, 6, 23)) * 2


def keep_probability(logits):
    return 1 - np.asarray(jax.nn.softmax(logits[0], axis=-1))[:, 22]


@pytest.mark.parametrize("cursor", [-1, 0, 2, 5])
def test_next_node_is_the_sum_over_all_layouts(logits, cursor):
    """Protects the closed form: it equals the enumeration of every set of kept nodes."""
    keep = keep_probability(logits)
    expected, none = np.zeros(6), 0.0
    for kept in itertools.product([0, 1], repeat=6):
        weight = np.prod([k if on else 1 - k for k, on in zip(keep, kept, strict=True)])
        after = [i for i in range(cursor + 1, 6) if kept[i]]
        if after:
            expected[after[0]] += weight
        else:
            none += weight

    @jax.jit
    def after_cursor(logits, cursor):
        prior = tree_prior.tree_prior(logits, jnp.ones((1, 6), bool))
        return tree_prior.next_node(prior, cursor)

    log_next, log_none = after_cursor(logits, jnp.array([[cursor]]))
    np.testing.assert_allclose(np.exp(log_next[0, 0]), expected, atol=1e-6)
    np.testing.assert_allclose(np.exp(log_none[0, 0]), none, atol=1e-6)


def test_a_sure_head_writes_the_layout():
    """Protects the point of the prior: where the node head is sure, so is the next token."""
    label = jnp.array([[0, 22, 5, 6, 1, 22]])  # section( heading paragraph grid )

    @jax.jit
    def step(label, position):
        logits = 20.0 * jax.nn.one_hot(label, 23)
        prior = tree_prior.tree_prior(logits, jnp.ones((1, 6), bool))
        node_depth = opened_depth(label < 22, END)[:, None]
        return tree_prior.step_prior(prior, node_depth=node_depth, **position)

    def at(cursor, depth, element=0):
        position = {"cursor": cursor, "depth": depth, "element": element}
        arrays = {name: jnp.array([[value]]) for name, value in position.items()}
        return jax.device_get(step(label, arrays))

    start = at(cursor=-1, depth=0)
    assert start.elements[0, 0].argmax() == 0 and start.elements[0, 0, 0] > -0.01
    assert start.close[0, 0] < -8
    pointer = at(cursor=0, depth=2, element=5)  # the heading is announced, hence depth 2
    assert pointer.copy[0, 0].argmax() == 2 and pointer.copy[0, 0, 2] > -0.01
    assert at(cursor=2, depth=2).close[0, 0] > -0.01  # node 3 is not inside the heading
    assert at(cursor=2, depth=1).elements[0, 0].argmax() == 6
    assert at(cursor=4, depth=1).close[0, 0] > -0.01  # nothing is left


def test_padding_and_missing_html_give_no_nan(logits):
    """Protects records without HTML: probabilities and gradients stay finite."""

    def total(logits, mask):
        prior = tree_prior.tree_prior(logits, mask)
        zeros, node_depth = jnp.zeros((1, 2), jnp.int32), jnp.zeros((1, 2, 6), jnp.int32)
        step = tree_prior.step_prior(
            prior, cursor=zeros - 1, depth=zeros, node_depth=node_depth, element=zeros
        )
        return sum(part.sum() for part in step)

    for mask in (jnp.zeros((1, 6), bool), jnp.arange(6)[None] < 3):
        value, gradient = jax.jit(jax.value_and_grad(total))(logits, mask)
        assert jnp.isfinite(value) and jnp.isfinite(gradient).all()
