"""Passages of text as rows of tokens, with the tokens that are masked.

A source is a text file, one passage a line, or a folder of document records or of their shards,
one page a passage. Its passages are cut into rows of at most `length` tokens. Shards have splits;
else a passage is in one split only, by a hash of it, or of its document.

Letters: T tokens of a row.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from xojl_jax.data.manifest import MANIFEST
from xojl_jax.data.shards import ShardSource
from xojl_jax.documents.record import DocumentRecord, parse_record, read_directory
from xojl_jax.errors import BadInput
from xojl_jax.tasks.base import Sample

# Of twenty passages, so many are for validation and for the test.
HELD_OUT = {"val": (0, 1), "test": (2, 3)}
WAYS = 20
MOST_TOKENS = 1 << 20  # of a passage


class Tokenizer(Protocol):
    """What is asked of a tokenizer; ids that it may lack are None."""

    @property
    def bos(self) -> int | None: ...

    @property
    def pad(self) -> int | None: ...

    @property
    def mask(self) -> int | None: ...

    def encode(
        self, texts: list[str], max_length: int, special: bool = True
    ) -> list[list[int]]: ...


class Passages:
    """Rows of a split. `dataset[i]` gives "tokens" int32[T], "token_mask" bool[T], and "masked"
    bool[T], the tokens that training hides, drawn from i alone; `augment` draws others.

    Args:
      source: a text file, or a folder of document records or of their shards.
      split: "train", "val" or "test".
      length: T.
      mask_share: of the tokens, how many are masked.

    Raises:
      BadInput: the source cannot be read, or the split has no passages.
    """

    def __init__(
        self, source: Path, split: str, tokenizer: Tokenizer, length: int, mask_share: float
    ):
        self.length, self.mask_share = length, mask_share
        self.pad, self.bos = tokenizer.pad or 0, tokenizer.bos
        self.rows = list(self._cut(_passages(source, split), tokenizer))
        if not self.rows:
            raise BadInput(f"{source}: the split {split!r} has no text: give it more passages")

    def _cut(self, passages: Iterator[str], tokenizer: Tokenizer) -> Iterator[np.ndarray]:
        begin = [] if self.bos is None else [self.bos]
        room = self.length - len(begin)
        for passage in passages:
            [ids] = tokenizer.encode([passage], MOST_TOKENS, special=False)
            for start in range(0, len(ids), room):
                # A last row of a few tokens teaches little.
                if start == 0 or len(ids) - start > room // 4:
                    yield np.asarray(begin + ids[start : start + room], np.int32)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:
        row = self.rows[index]
        tokens = np.full(self.length, self.pad, np.int32)
        tokens[: len(row)] = row
        mask = np.arange(self.length) < len(row)
        sample = {"tokens": tokens, "token_mask": mask}
        return self.augment(sample, np.random.default_rng(index))

    def augment(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample with masked tokens of its own: each with the same probability, at least one
        of a row; never what begins it."""
        able = sample["token_mask"].copy()
        able[0] = False
        draws = np.where(able, rng.random(self.length), 2.0)
        masked = (draws < self.mask_share) | (draws == draws.min())
        return sample | {"masked": masked & able}


def _passages(source: Path, split: str) -> Iterator[str]:
    if (source / MANIFEST).is_file():
        yield from _pages(ShardSource(source, split), f"{source} ({split})")
        return
    for group, passage in _grouped(source):
        way = zlib.crc32(group.encode()) % WAYS
        held_out = next((name for name, ways in HELD_OUT.items() if way in ways), "train")
        if held_out == split and passage.strip():
            yield passage


def _pages(shards: ShardSource, name: str) -> Iterator[str]:
    for i in range(len(shards)):
        yield " ".join(parse_record(shards[i].record, where=f"{name} record {i}").words)


def _grouped(source: Path) -> Iterator[tuple[str, str]]:
    """(What must stay in one split, passage)."""
    if source.is_dir():
        for _, record in read_directory(source):
            if isinstance(record, DocumentRecord):
                yield record.split_group(), " ".join(record.words)
        return
    try:
        text = source.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{source}: {error}: give a UTF-8 text or a folder of records") from None
    yield from ((line, line) for line in text.splitlines())
