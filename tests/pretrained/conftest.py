"""What the reference libraries computed, and a tokenizer that needs no library."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.pretrained import checkpoints
from xojl_jax.pretrained.tokenizer import FILES


@pytest.fixture(scope="session")
def golden():
    """Arrays by name, recorded by record_golden.py."""
    with np.load(Path(__file__).parent / "golden.npz") as file:
        return dict(file)


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """A function: form -> its folder."""
    root = tmp_path_factory.mktemp("published")

    def folder(form: str, shards: int = 1) -> Path:
        path = root / f"{form}-{shards}"
        return path if path.exists() else checkpoints.write_checkpoint(path, form, shards)

    return folder


class WordTokenizer:
    """What `PublishedTokenizer` does with the tokenizer of checkpoints.py."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.bos, self.eos, self.mask, self.pad = 1, 2, 3, 2
        self.size = len(checkpoints.WORDS)

    def encode(self, texts, max_length, special=True):
        known = {word: i for i, word in enumerate(checkpoints.WORDS)}
        rows = ([known.get(word, 0) for word in text.split()] for text in texts)
        return [([1] if special else []) + row[: max_length - special] for row in rows]

    def save(self, folder):
        for name in FILES:
            if (self.folder / name).is_file():
                shutil.copyfile(self.folder / name, folder / name)


@pytest.fixture
def word_tokenizer(monkeypatch):
    """Tests of the encoder need no library for tokenizers."""
    from xojl_jax.pretrained import text_encoder

    monkeypatch.setattr(text_encoder, "PublishedTokenizer", WordTokenizer)
    return WordTokenizer
