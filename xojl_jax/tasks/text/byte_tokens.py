"""Text as bytes: a vocabulary that needs no file, for models trained from scratch."""

from collections.abc import Sequence

SPECIAL = ("pad", "bos", "eos", "mask")


class ByteTokens:
    """Ids of UTF-8 bytes after those of `SPECIAL`; a text begins with `bos`. The methods are those
    of `pretrained.tokenizer.PublishedTokenizer`."""

    pad, bos, eos, mask = range(len(SPECIAL))
    size = len(SPECIAL) + 256

    def encode(
        self, texts: Sequence[str], max_length: int, special: bool = True
    ) -> list[list[int]]:
        begin = [self.bos] if special else []
        rows = (begin + [len(SPECIAL) + byte for byte in text.encode()] for text in texts)
        return [row[:max_length] for row in rows]
