"""Text in the word pieces of document shards, so that a document model can begin with the model."""

from collections.abc import Sequence

from xojl_jax.documents.word_pieces import SPECIAL, WordPieces


class PieceTokens:
    """Ids of word pieces; a text begins with `bos`. The methods are those of
    `pretrained.tokenizer.PublishedTokenizer`."""

    pad, mask, bos, eos = range(len(SPECIAL))

    def __init__(self, pieces: WordPieces):
        self.pieces = pieces

    @property
    def size(self) -> int:
        return self.pieces.size

    def encode(
        self, texts: Sequence[str], max_length: int, special: bool = True
    ) -> list[list[int]]:
        begin = [self.bos] if special else []
        rows = (
            begin + [i for word in text.split() for i in self.pieces.encode(word)] for text in texts
        )
        return [row[:max_length] for row in rows]
