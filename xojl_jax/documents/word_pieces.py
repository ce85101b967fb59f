"""Words in pieces: byte-pair encoding (Sennrich, Haddow and Birch 2016) with a fallback to bytes.

`data_prep.build` learns the pieces from the training split and writes `tokenizer.json` into the
folder of shards, in the form of Hugging Face's `tokenizers`. A word begins with `▁`; a character
that the pieces do not have becomes its UTF-8 bytes, `<0xC3>`, so that every word can be told.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from xojl_jax.errors import BadUsage
from xojl_jax.xojl.byte_pairs import merge_pairs

# Ids that every tokenizer has, in this order.
SPECIAL = ("[PAD]", "[MASK]", "[BOS]", "[EOS]")
PAD, MASK = 0, 1
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
START = "▁"  # of a word
NAME = "tokenizer.json"
FEWEST = len(SPECIAL) + len(BYTES) + 1
MOST = 1 << 17
_MAKE = "data_prep.build makes one of document records"


class WordPieces:
    """`encode("sincerely")` gives the ids of `▁since` and `rely`, say.

    Args:
      pieces: all, in the order of their ids: `SPECIAL`, `BYTES`, then those that are learned.
      merges: pairs of pieces that become one, the pair learned first first.
    """

    def __init__(self, pieces: Sequence[str], merges: Sequence[tuple[str, str]]):
        self.pieces, self.merges = tuple(pieces), tuple(merges)
        self._ids = {piece: i for i, piece in enumerate(self.pieces)}
        self._ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.encode = lru_cache(maxsize=65536)(self._encode)

    @property
    def size(self) -> int:
        """The number of ids."""
        return len(self.pieces)

    @staticmethod
    def load(path: str | Path) -> "WordPieces":
        """Reads a `tokenizer.json`. BadUsage where it cannot be read, or is of another kind."""
        try:
            text = Path(path).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadUsage(f"{path}: {error}; {_MAKE}") from None
        return WordPieces.from_json(text, str(path))

    @staticmethod
    def from_json(text: str, place: str = "tokenizer") -> "WordPieces":
        """Reads the text of a `tokenizer.json`; BadUsage where it is no such text."""
        try:
            model = json.loads(text)["model"]
            ids = {str(piece): int(i) for piece, i in model["vocab"].items()}
            merges = tuple((str(one), str(other)) for one, other in model["merges"])
            kind = (model["type"], model["byte_fallback"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise BadUsage(f"{place} is no tokenizer.json; {_MAKE}") from None
        pieces = tuple(sorted(ids, key=ids.__getitem__))
        first = (*SPECIAL, *BYTES)
        sound = kind == ("BPE", True) and sorted(ids.values()) == list(range(len(ids)))
        if not sound or pieces[: len(first)] != first or len(pieces) > MOST:
            raise BadUsage(
                f"{place} is no byte-pair encoding with byte fallback whose first pieces are "
                f"{', '.join(SPECIAL)} and the bytes, of at most {MOST:,} pieces; {_MAKE}"
            )
        return WordPieces(pieces, merges)

    def to_json(self) -> str:
        """What a checkpoint keeps; `from_json` reads it, and so does Hugging Face's library."""
        special = [
            {"id": i, "content": piece, "special": True}
            | dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
            for i, piece in enumerate(SPECIAL)
        ]
        start = {"type": "Metaspace", "replacement": START, "prepend_scheme": "always"}
        model = {
            "type": "BPE",
            "byte_fallback": True,
            "vocab": {piece: i for i, piece in enumerate(self.pieces)},
            "merges": self.merges,
        }
        fields = {"version": "1.0", "added_tokens": special, "pre_tokenizer": start, "model": model}
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))

    def decode(self, ids: Sequence[int]) -> str:
        """The text of pieces; words have a space between. Bytes that are no UTF-8 become `�`."""
        found = bytearray()
        for i in ids:
            if i < len(SPECIAL):
                continue
            byte = i - len(SPECIAL)
            found += bytes([byte]) if byte < len(BYTES) else self.pieces[i].encode()
        return found.decode("utf-8", "replace").replace(START, " ").strip()

    def _encode(self, word: str) -> tuple[int, ...]:
        parts = merge_pairs(START + word, self._ranks)
        ids: list[int] = []
        for part in parts:
            known = self._ids.get(part)
            ids += (len(SPECIAL) + byte for byte in part.encode()) if known is None else [known]
        return tuple(ids)
