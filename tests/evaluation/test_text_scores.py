"""Texts are scored as the published programs score them."""

from functools import cache

import numpy as np
import pytest

from xojl_jax.evaluation.text_scores import rouge_l


def test_rouge_l_is_the_longest_common_subsequence():
    """Against a plain recursion."""

    @cache
    def common(a, b):
        if not a or not b:
            return 0
        if a[-1] == b[-1]:
            return common(a[:-1], b[:-1]) + 1
        return max(common(a[:-1], b), common(a, b[:-1]))

    rng = np.random.default_rng(1)
    for _ in range(50):
        a, b = (tuple(rng.choice(list("xyz"), rng.integers(1, 9))) for _ in range(2))
        assert rouge_l(a, b) == pytest.approx(2 * common(a, b) / (len(a) + len(b)))
    assert rouge_l([], []) == 1 and rouge_l([], ["x"]) == 0
