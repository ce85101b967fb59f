"""Pairs of vectors that find one another, against their definitions in numpy."""

import jax
import jax.numpy as jnp
import numpy as np

from xojl_jax.nn.contrast import contrastive_loss, recall_at_1

RNG = np.random.default_rng(0)


def test_contrastive_loss_is_symmetric_infonce():
    """Protects the loss (X068, R042) against its definition in float64; who has no partner counts
    nowhere."""
    one, other = RNG.normal(size=(2, 1, 4, 6))
    mask = np.array([[True, True, False, True]])
    unit = [x[0] / np.linalg.norm(x[0], axis=-1, keepdims=True) for x in (one, other)]
    score = (unit[0] @ unit[1].T / 0.07)[np.ix_(mask[0], mask[0])]
    rows = np.log(np.exp(score).sum(1)) - np.diag(score)
    columns = np.log(np.exp(score).sum(0)) - np.diag(score)
    arrays = jnp.asarray(one, jnp.float32), jnp.asarray(other, jnp.float32)
    loss = jax.jit(contrastive_loss)
    result = loss(*arrays, jnp.asarray(mask))
    np.testing.assert_allclose(result, (rows + columns).mean() / 2, rtol=1e-4)
    assert loss(*arrays, jnp.zeros((1, 4), bool)) == 0


def test_recall_at_1_both_ways():
    """Protects X109's retrieval: by cosine, within the group, only among complete pairs."""
    one = np.array([[[1, 0], [0, 1], [0.9, 0.1], [5, 5]]])
    other = np.array([[[9, 0], [1, 0.1], [0.1, 2], [1, 1]]])
    mask = jnp.array([[True, True, True, False]])
    found = recall_at_1(jnp.asarray(one, jnp.float32), jnp.asarray(other, jnp.float32), mask)
    # Of one, 0 finds 0; 1 finds 2; 2 finds 1. Of the other, 0 finds 0, 1 finds 2, 2 finds 1.
    np.testing.assert_allclose(found, [1 / 3, 1 / 3], rtol=1e-6)
