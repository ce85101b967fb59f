"""Texts are scored as the published programs score them."""

from functools import cache

import numpy as np
import pytest

from xojl_jax.evaluation.text_scores import (
    anls,
    meteor,
    rouge_l,
    sentence_words,
    squad_f1,
    squad_words,
)


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


def test_meteor_by_hand():
    """Equal words and equal stems match, synonyms do not; order costs (nltk's penalty)."""
    assert meteor(["dogs", "ran"], ["dog", "ran"]) == pytest.approx(1 - 0.5 * (1 / 2) ** 3)
    assert meteor(["car"], ["automobile"]) == 0
    # Precision 1/2, recall 1, weighted 10 to 1 → .909; one chunk of one word halves it.
    assert meteor(["a", "b"], ["a"]) == pytest.approx(0.5 * 10 * 0.5 / (1 + 9 * 0.5))
    assert meteor([], []) == 1 and meteor([], ["a"]) == meteor(["a"], []) == 0


def test_words_of_a_sentence():
    assert sentence_words("It's 12.50, OK?") == ["it's", "12.50", ",", "ok", "?"]


def test_short_answers_by_hand():
    """Articles and punctuation do not count; F1 is that of bags of words."""
    assert squad_words("The  Total, of an ACME.") == ["total", "of", "acme"]
    assert squad_f1("the big cat", "a big dog cat") == pytest.approx(2 * 2 / (2 + 3))
    assert squad_f1("", "") == squad_f1("the", "") == 1
    assert squad_f1("cat", "") == squad_f1("", "cat") == 0


def test_anls_by_hand():
    """The published example's form: one letter of five wrong; below one half nothing counts."""
    assert anls("Paris", "paris ") == 1
    assert anls("parus", "paris") == pytest.approx(0.8)
    assert anls("abcd", "abxy") == 0.5
    assert anls("abcde", "abxyz") == 0
    assert anls("", "") == 1 and anls("", "paris") == 0
