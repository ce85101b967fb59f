"""What is hidden: the right share, in the right shapes, the same for the same draw."""

import numpy as np
import pytest

from xojl_jax.tasks.document.masks import all_seen, hide_patches, hide_words

RNG = np.random.default_rng


def test_words_are_hidden_whole_and_in_spans():
    """Protects R035: 30 % of the tokens, whole words, spans of three words on average."""
    word = np.repeat(np.arange(2000), RNG(0).integers(1, 4, 2000))
    hidden = hide_words(word, RNG(1), 0.3, 3.0)
    assert abs(hidden.mean() - 0.3) < 0.001
    by_word = np.array([hidden[word == number] for number in range(2000)], object)
    assert all(some.all() or not some.any() for some in by_word)
    starts = np.diff(np.r_[False, [some[0] for some in by_word]].astype(int)) == 1
    spans = sum(some[0] for some in by_word) / starts.sum()
    assert 3.0 < spans < 5.0  # neighbors that touch count as one
    assert (hide_words(word, RNG(1), 0.3, 3.0) == hidden).all()


def test_few_words_are_no_trouble():
    """Protects pages with a word or two: it ends, and hides what the share rounds to."""
    assert not hide_words(np.zeros(1, int), RNG(0), 0.3, 3.0).any()
    assert hide_words(np.zeros(5, int), RNG(0), 0.3, 3.0).all()


@pytest.mark.parametrize("seed", range(4))
def test_patches_are_hidden_in_blocks(seed):
    """Protects R013: exactly 40 % of the real patches, none in padding, and in blocks: a hidden
    patch has more hidden neighbors than chance would give it."""
    real = np.zeros((16, 16), bool)
    real[:, :12] = True
    hidden = hide_patches(real, RNG(seed), 0.4)
    assert hidden.sum() == round(0.4 * real.sum())
    assert not hidden[~real].any()
    beside = (hidden[:, 1:] & hidden[:, :-1]).sum() / hidden[:, 1:].sum()
    assert beside > 0.6


def test_a_word_is_seen_where_all_its_patches_are():
    """Protects R037: against counting patch by patch."""
    rng = RNG(0)
    hidden = rng.random((6, 5)) < 0.3
    corners = np.sort(rng.random((200, 2, 2)), axis=1)
    boxes = corners.reshape(200, 4)
    for box, seen in zip(boxes, all_seen(boxes, hidden), strict=True):
        x0, y0, x1, y1 = box * np.array([5, 6, 5, 6])
        touched = [
            hidden[r, c]
            for r in range(6)
            for c in range(5)
            if c < x1 and c + 1 > x0 and r < y1 and r + 1 > y0
        ]
        assert seen == (not any(touched))
