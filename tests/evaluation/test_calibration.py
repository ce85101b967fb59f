"""Calibrated probabilities, on made-up predictions whose truth is known."""

import numpy as np
import pytest

from xojl_jax.evaluation.calibration import (
    Platt,
    cross_fit,
    expected_calibration_error,
    fit_platt,
    least_for_precision,
    reliability,
    report,
    risk_coverage,
)

RNG = np.random.default_rng(0)


def test_the_map_that_made_the_data_is_found():
    """Protects the fit: raw logits twice too large and shifted come back as they were."""
    logit = RNG.normal(size=20_000) * 2
    right = RNG.random(20_000) < 1 / (1 + np.exp(-logit))
    raw = 1 / (1 + np.exp(-(2 * logit - 1)))
    platt = fit_platt(raw, right)
    np.testing.assert_allclose(platt, (0.5, 0.5), atol=0.05)
    assert expected_calibration_error(raw, right) > 0.05
    assert expected_calibration_error(platt(raw), right) < 0.02


def test_a_group_is_not_in_the_fit_that_it_is_judged_by():
    """Protects what is said of new sites: one whose truth is the other way round shows it, though
    a fit to all of them would hide it."""
    raw = np.tile([0.9, 0.8, 0.2, 0.1], 50)
    group = np.repeat(["a", "b"], 100)
    right = np.where(group == "a", raw > 0.5, raw < 0.5)
    assert expected_calibration_error(fit_platt(raw, right)(raw), right) < 0.05
    assert expected_calibration_error(cross_fit(raw, right, group), right) > 0.9


@pytest.mark.parametrize("right", [[True] * 4, [False] * 4, [True, True, False, False], []])
def test_a_fit_is_finite(right):
    """Protects small validation sets: all right, all wrong, separable, empty; and certainty."""
    raw = np.array([1.0, 0.9, 0.1, 0.0])[: len(right)]
    platt = fit_platt(raw, np.array(right, bool))
    assert np.isfinite(platt).all() and np.isfinite(platt(raw)).all()


def test_figures_are_those_counted_by_hand():
    """Protects the diagram's bins, the error's weights, and the order of the risk."""
    probability = np.array([0.95, 0.92, 0.55, 0.52, 1.0])
    right = np.array([True, False, True, True, True])
    bins = reliability(probability, right)
    assert [one["count"] for one in bins] == [2, 3]
    assert bins[0]["right"] == 1 and bins[1]["right"] == pytest.approx(2 / 3)
    wanted = (2 * abs(0.535 - 1) + 3 * abs(2.87 / 3 - 2 / 3)) / 5
    assert expected_calibration_error(probability, right) == pytest.approx(wanted)
    curve = risk_coverage(probability, right, points=5)
    assert [point["risk"] for point in curve] == pytest.approx([0, 0, 1 / 3, 1 / 4, 1 / 5])
    assert report(probability, right)["count"] == 5 and Platt()(probability[2]) == pytest.approx(
        0.55
    )
    assert report(np.zeros(0), np.zeros(0))["right"] is None


def test_the_lowest_threshold_that_is_precise_enough():
    """Protects what self-training learns from, against every threshold there is; equal
    probabilities stay together."""
    for _ in range(200):
        probability = RNG.integers(1, 6, RNG.integers(1, 9)) / 5
        right = RNG.random(len(probability)) < probability
        for precision in (0.0, 0.5, 0.8, 1.0):
            precise = [p for p in probability if right[probability >= p].mean() >= precision]
            wanted = min(precise, default=None)
            assert least_for_precision(probability, right, precision) == wanted
    assert least_for_precision(np.array([]), np.array([], bool), 0.0) is None
