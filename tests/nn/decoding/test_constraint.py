"""Log-probabilities among the legal tokens."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xojl_jax.nn.decoding import constraint


@pytest.mark.parametrize("fill", [0.0, np.nan, np.inf, -np.inf, 3e38, -3e38])
def test_log_probs_survive_any_logits(fill):
    """Legal tokens keep a finite log-probability, illegal ones -inf, and the sum is 1."""
    legal = np.arange(9) % 3 == 1
    for logits in (np.full(9, fill, np.float32), np.where(np.arange(9) == 4, fill, 0.0)):
        log_probs = np.asarray(constraint.legal_log_probs(jnp.asarray(logits, jnp.float32), legal))
        assert np.isfinite(log_probs[legal]).all()
        assert (log_probs[~legal] == -np.inf).all()
        np.testing.assert_allclose(np.exp(log_probs).sum(), 1, rtol=1e-5)


def test_log_probs_of_ordinary_logits_are_a_masked_softmax():
    """Clipping changes nothing where all is finite; bfloat16 logits are accepted."""
    logits = jax.random.normal(jax.random.key(0), (5, 40), jnp.bfloat16)
    legal = jax.random.bernoulli(jax.random.key(1), 0.5, (5, 40))
    expected = jax.nn.log_softmax(jnp.where(legal, logits.astype(jnp.float32), -jnp.inf))
    log_probs = constraint.legal_log_probs(logits, legal)
    assert log_probs.dtype == jnp.float32
    np.testing.assert_allclose(log_probs, expected, rtol=1e-6)
