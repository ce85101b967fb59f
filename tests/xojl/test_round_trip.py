"""Nothing is lost on any way there and back: print and parse, tokenize and detokenize."""

import random

import pytest

from tests.xojl.random_trees import random_html, random_layout
from xojl_jax.xojl.tree import parse_html, parse_layout, print_html, print_layout, to_semantic
from xojl_jax.xojl.vocabulary import Vocabulary

TREES = 10_000
# Together they are 10^5 trees, for the slow tier: the first has found what the others would.
CHUNKS = [0, *(pytest.param(chunk, marks=pytest.mark.slow) for chunk in range(1, 10))]


@pytest.mark.parametrize("chunk", CHUNKS)
def test_every_tree_survives_text_and_tokens(chunk):
    """Random trees, half of them HTML: parse(print(t)) == t and detokenize(tokenize(t)) == t."""
    vocabulary = Vocabulary.load()
    rng = random.Random(chunk)
    for _ in range(TREES // 2):
        html = random_html(rng)
        assert parse_html(print_html(html, rng.choice("@.-"))) == html
        layout = random_layout(rng)
        assert parse_layout(print_layout(layout, separator=rng.choice("@.-"))) == layout
        assert vocabulary.detokenize(vocabulary.tokenize_detail(layout)) == layout
        if rng.random() < 0.1:
            semantic = to_semantic(layout)
            assert parse_layout(print_layout(layout, semantic=True, indent=1)) == semantic
            assert vocabulary.detokenize(vocabulary.tokenize_semantic(layout)) == semantic
