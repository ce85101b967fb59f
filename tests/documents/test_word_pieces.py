"""Words in pieces: every word can be spelled, and the tokenizer is a file that others read."""

import json
from collections import Counter

import pytest

from data_prep.build.pieces import learn
from xojl_jax.documents.word_pieces import BYTES, FEWEST, SPECIAL, WordPieces
from xojl_jax.errors import BadUsage

WORDS = Counter({"low": 5, "lower": 2, "newest": 6, "widest": 3})


def test_pieces_are_learned_by_count():
    """Protects the algorithm: the example of Sennrich, Haddow and Birch, first merges first."""
    pieces = learn(WORDS, 1000)
    assert pieces.merges[:3] == (("e", "s"), ("es", "t"), ("l", "o"))
    assert [pieces.pieces[i] for i in pieces.encode("newest")] == ["▁newest"]
    assert learn(WORDS, FEWEST + 12).size == FEWEST + 12


@pytest.mark.parametrize("word", ["lowest", "Zürich", "漢字", "a\u0301", "9.50€", "<0xC3>"])
def test_every_word_comes_back(word):
    """Protects words that training never saw: what has no piece is told by its bytes."""
    pieces = learn(WORDS, 300)
    assert pieces.decode(pieces.encode(word)) == word
    assert min(pieces.encode(word)) >= len(SPECIAL)


def test_it_survives_its_file():
    """Protects checkpoints, which keep the text; and refuses what is another tokenizer."""
    pieces = learn(WORDS, 290)
    again = WordPieces.from_json(pieces.to_json())
    assert (again.pieces, again.merges) == (pieces.pieces, pieces.merges)
    fields = json.loads(pieces.to_json())
    del fields["model"]["vocab"][BYTES[7]]
    for text in ("{", "{}", json.dumps(fields)):
        with pytest.raises(BadUsage, match=r"data_prep\.build"):
            WordPieces.from_json(text, "it")
