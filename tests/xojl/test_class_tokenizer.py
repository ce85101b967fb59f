"""Pieces of class strings, against merges made by hand and against the library."""

import json
from collections import Counter

import pytest

from data_prep.validate.vocabulary import train_tokenizer
from xojl_jax.errors import BadUsage
from xojl_jax.xojl.class_tokenizer import ClassTokenizer

PIECES = ("[PAD]", "[UNK]", "p", "t", "_", "7", "r", "pt", "pt_", "7r")
MERGES = (("p", "t"), ("pt", "_"), ("7", "r"))


def test_a_class_is_split_by_its_merges():
    """Protects X028: `pt_7r` in pieces; a character never seen is unknown, and nothing is lost."""
    tokenizer = ClassTokenizer(PIECES, MERGES)
    assert [PIECES[i] for i in tokenizer.encode("pt_7r")] == ["pt_", "7r"]
    assert [PIECES[i] for i in tokenizer.encode("tp7é")] == ["t", "p", "7", "[UNK]"]
    assert tokenizer.encode("") == ()
    assert ClassTokenizer.from_json(tokenizer.to_json()) == tokenizer


@pytest.mark.parametrize(
    "text", ["{", "[]", json.dumps({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}})]
)
def test_what_is_no_tokenizer_is_refused(text):
    """Protects from a traceback, and from ids that mean something else."""
    with pytest.raises(BadUsage, match="--write-tokenizer"):
        ClassTokenizer.from_json(text, "mine.json")


def test_pieces_are_those_of_the_library():
    """Protects against another reading of tokenizer.json than that of Hugging Face."""
    library = pytest.importorskip("tokenizers")
    counts = {
        f"{a}_{n}{u}": n for a in ("pt", "pb", "mr", "fs") for n in range(1, 20) for u in "rx"
    }
    counts |= {"d_flex": 90, "t:h:c_fff": 12, "mr_auto": 40}
    ours = train_tokenizer(Counter(counts), 64)
    data = json.loads(ours.to_json())
    data["model"]["unk_token"] = "[UNK]"
    theirs = library.Tokenizer.from_str(json.dumps(data))
    for text in [*counts, "pt_777r", "unseen", "zz"]:
        assert list(ours.encode(text)) == theirs.encode(text).ids, text
