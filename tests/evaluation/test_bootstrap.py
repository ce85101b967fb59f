"""Intervals over records: what the weights are, and what is left out of a mean."""

import numpy as np
import pytest

from xojl_jax.evaluation.bootstrap import (
    ScoreTable,
    bootstrap_weights,
    interval,
    paired_difference,
)


def test_weights_draw_with_replacement():
    """Protects every interval: a resample has as many records as the data, some of them twice."""
    weights = bootstrap_weights(20, samples=400, seed=0)
    assert weights.shape == (400, 20) and (weights.sum(axis=1) == 20).all()
    assert weights.max() > 1 and weights.mean(axis=0) == pytest.approx(1, abs=0.25)
    np.testing.assert_array_equal(weights, bootstrap_weights(20, samples=400, seed=0))


def test_a_mean_leaves_unknown_values_out_and_counts_the_others():
    table = ScoreTable(4)
    table.add_mean("known", [1.0, float("nan"), 3.0, 2.0])
    table.add_mean("unknown", [float("nan")] * 4)
    assert table.scores["known"]["value"] == 2.0 and table.scores["known"]["records"] == 3
    assert 1 <= table.scores["known"]["low"] <= 2 <= table.scores["known"]["high"] <= 3
    assert table.scores["unknown"] == {"value": None, "low": None, "high": None, "records": 0}


def test_a_ratio_of_sums_is_no_mean_of_ratios():
    """Protects micro averages: a record counts by its size."""
    table = ScoreTable(2)
    table.add(np.array([[1, 1], [0, 9]]), lambda sums: {"hits": sums[..., 0] / sums[..., 1]})
    assert table.scores["hits"]["value"] == pytest.approx(0.1)
    assert (table.scores["hits"]["low"], table.scores["hits"]["high"]) == (0.0, 1.0)


def test_groups_are_drawn_whole():
    """Protects intervals over documents: forty alike pages of one document are one vote."""
    values = np.repeat([0.0, 1.0, 1.0, 0.0], 10)
    apart, together = ScoreTable(40), ScoreTable(40, groups=list(np.repeat([*"dacb"], 10)))
    for table in (apart, together):
        table.add_mean("value", list(values))
    assert apart.scores["value"]["value"] == together.scores["value"]["value"] == 0.5
    assert apart.scores["value"]["low"] > 0.3 and together.scores["value"]["low"] == 0
    weights = together.resamples.reshape(1000, 4, 10)
    assert (weights == weights[..., :1]).all() and weights[:, :, 0].std() > 0


def test_an_interval_holds_the_middle_of_the_scores():
    low, high = interval(np.append(np.linspace(0, 1, 1001), np.nan))
    assert (low, high) == pytest.approx((0.025, 0.975))
    assert np.isnan(interval(np.array([np.nan]))).all()


def test_a_paired_difference_draws_the_same_records_on_both_sides():
    """Protects comparisons: what is hard for both sides is no difference between them."""
    rng = np.random.default_rng(0)
    second = rng.integers(0, 9, size=(2, 40, 1))
    value, low, high = paired_difference(second + 1, second, lambda sums: sums[..., 0] / 80)
    assert (value, low, high) == pytest.approx((1, 1, 1))
    value, low, high = paired_difference(
        second, np.roll(second, 7, axis=1), lambda sums: sums[..., 0] / 80
    )
    assert value == pytest.approx(0) and low < 0 < high
