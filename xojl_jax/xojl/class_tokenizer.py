"""Class strings in subword pieces: byte-pair encoding (Sennrich, Haddow and Birch 2016).

`data_prep.validate --write-tokenizer` trains the tokenizer with Hugging Face's `tokenizers`, and
writes what that library's `tokenizer.json` has. Reading and using it needs no library: a class is
one short word, and merging its characters takes a few lines (byte_pairs.py).
"""

import json
from functools import lru_cache
from pathlib import Path

from xojl_jax.errors import BadUsage
from xojl_jax.xojl.byte_pairs import merge_pairs

_MAKE = "make one with data_prep.validate --write-tokenizer"
# Ids that every tokenizer has, in this order: no piece, and a character that training never saw.
SPECIAL = ("[PAD]", "[UNK]")
UNKNOWN = 1
# Ids of pieces are kept in 16 bits.
MOST_PIECES = 1 << 14


class ClassTokenizer:
    """Pieces of classes: `t:pt_7r` may be `t:`, `pt_`, `7r`.

    Args:
      pieces: all pieces, in the order of their ids.
      merges: pairs of pieces that become one, the pair learned first first.
    """

    def __init__(self, pieces: tuple[str, ...], merges: tuple[tuple[str, str], ...]):
        self.pieces, self.merges = pieces, merges
        self._ids = {piece: i for i, piece in enumerate(pieces)}
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.encode = lru_cache(maxsize=32768)(self._encode)

    def __eq__(self, other) -> bool:
        same = isinstance(other, ClassTokenizer)
        return same and (self.pieces, self.merges) == (other.pieces, other.merges)

    def __hash__(self) -> int:
        return hash((len(self.pieces), self.merges[:8]))

    @property
    def size(self) -> int:
        """The number of ids, the special ones included."""
        return len(self.pieces)

    @staticmethod
    def load(path: str | Path) -> "ClassTokenizer":
        """Reads a `tokenizer.json`. BadUsage where it cannot be read, or is of another kind."""
        try:
            text = Path(path).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadUsage(f"{path}: {error}; {_MAKE}") from None
        return ClassTokenizer.from_json(text, str(path))

    @staticmethod
    def from_json(text: str, place: str = "class tokenizer") -> "ClassTokenizer":
        """Reads the text of a `tokenizer.json`: a BPE model without pre-tokenizer and normalizer.

        Raises:
          BadUsage: it is no such text, has other special tokens, or too many pieces.
        """
        try:
            data = json.loads(text)
            model = data["model"]
            ids = {str(piece): int(i) for piece, i in model["vocab"].items()}
            # Older versions of the library write a pair as one string.
            pairs = (p.split(" ") if isinstance(p, str) else p for p in model["merges"])
            merges = tuple((str(one), str(other)) for one, other in pairs)
            sound = model["type"] == "BPE"
            others = (data.get("pre_tokenizer"), data.get("normalizer"))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise BadUsage(f"{place} is no tokenizer.json; {_MAKE}") from None
        pieces = tuple(sorted(ids, key=ids.__getitem__))
        sound &= sorted(ids.values()) == list(range(len(pieces))) and pieces[:2] == SPECIAL
        if not sound or any(others) or len(pieces) > MOST_PIECES:
            raise BadUsage(
                f"{place} is no byte-pair encoding of classes with {', '.join(SPECIAL)} first and "
                f"at most {MOST_PIECES:,} pieces; {_MAKE}"
            )
        return ClassTokenizer(pieces, merges)

    def to_json(self) -> str:
        """What a checkpoint keeps; `from_json` reads it."""
        vocab = {piece: i for i, piece in enumerate(self.pieces)}
        model = {"type": "BPE", "vocab": vocab, "merges": self.merges}
        return json.dumps({"model": model}, ensure_ascii=False)

    def _encode(self, text: str) -> tuple[int, ...]:
        """The ids of a class's pieces. Characters that training never saw are `UNKNOWN`."""
        parts = merge_pairs(text, self._ranks)
        return tuple(self._ids.get(part, UNKNOWN) for part in parts)
