"""Nothing is lost on any way there and back: print and parse, tokenise and detokenise."""

import random

import pytest

from tests.xojl.random_trees import random_html, random_layout
from xojl_jax.xojl.tree import parse_html, parse_layout, print_html, print_layout, to_semantic
from xojl_jax.xojl.vocabulary import Vocabulary

TREES = 100_000
CHUNKS = 8


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_tree_survives_text_and_tokens(chunk):
    """10^5 random trees: parse(print(t)) == t and detokenise(tokenise(t)) == t."""
    vocabulary = Vocabulary.load()
    rng = random.Random(chunk)
    for _ in range(TREES // CHUNKS // 2):
        html = random_html(rng)
        assert parse_html(print_html(html, rng.choice("@.-"))) == html
        layout = random_layout(rng)
        assert parse_layout(print_layout(layout, separator=rng.choice("@.-"))) == layout
        assert vocabulary.detokenise(vocabulary.tokenise_detail(layout)) == layout
        if rng.random() < 0.1:
            semantic = to_semantic(layout)
            assert parse_layout(print_layout(layout, semantic=True, indent=1)) == semantic
            assert vocabulary.detokenise(vocabulary.tokenise_semantic(layout)) == semantic
