"""The linear classifier of probes."""

import numpy as np
import pytest

from xojl_jax.evaluation.linear_probe import PENALTIES, fit, fit_best, in_top

RNG = np.random.default_rng(0)


def loss(probe, x, labels, penalty):
    logits = probe.scores(x)
    log_prob = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    own = log_prob[np.arange(len(labels)), labels]
    return -own.mean() + penalty * (probe.kernel**2).sum() / 2


def test_the_fit_is_a_minimum():
    """Protects the gradient: no small change of the parameters has a lower loss."""
    x, labels = RNG.normal(size=(60, 4)) * [1, 5, 0.1, 1] + 3, RNG.integers(0, 3, 60)
    probe = fit(x, labels, 3, 0.01)
    least = loss(probe, x, labels, 0.01)
    for _ in range(20):
        moved = probe._replace(
            kernel=probe.kernel + 1e-2 * RNG.normal(size=(4, 3)),
            bias=probe.bias + 1e-2 * RNG.normal(size=3),
        )
        assert loss(moved, x, labels, 0.01) > least


def test_the_penalty_is_chosen_on_what_was_left_out():
    """Protects held-out figures: the best penalty is that of examples which the fit did not see,
    and those are fitted to in the end."""
    labels = RNG.integers(0, 2, 80)
    signal = labels[:, None] + 0.7 * RNG.normal(size=(80, 1))
    x = np.concatenate([signal, RNG.normal(size=(80, 60))], axis=1)
    held_out = np.arange(80) % 2 == 0
    probe, penalty = fit_best(x, labels, 2, held_out)
    right = {
        one: in_top(
            fit(x[~held_out], labels[~held_out], 2, one).scores(x[held_out]), labels[held_out], 1
        ).mean()
        for one in PENALTIES
    }
    assert len(set(right.values())) > 1 and right[penalty] == max(right.values())
    np.testing.assert_array_equal(probe.kernel, fit(x, labels, 2, penalty).kernel)


def test_top_k_counts_what_is_better():
    scores, labels = np.array([[3.0, 2.0, 1.0], [1.0, 1.0, 0.0]]), np.array([2, 1])
    assert [in_top(scores, labels, k).tolist() for k in (1, 3)] == [[False, True], [True, True]]
    assert in_top(scores, labels, 2).mean() == pytest.approx(0.5)
