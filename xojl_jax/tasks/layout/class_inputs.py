"""What some embeddings read of a class string beside its five fields. Nothing unless they are on.

T HTML nodes, C classes per node.
"""

import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from xojl_jax.xojl.class_tokenizer import ClassTokenizer

# Subword pieces of a class that the model looks at.
MAX_PIECES = 8


class ClassInputs(NamedTuple):
    """Which arrays there are.

    Attributes:
      hash: `html_class_hash` int32[T, C], a hash of the class string.
      tokenizer: `html_class_pieces` int32[T, C, MAX_PIECES], ids of its pieces, 0 where there are
        fewer.
    """

    hash: bool = False
    tokenizer: ClassTokenizer | None = None

    def shapes(self, nodes: int, classes: int) -> dict[str, tuple[tuple[int, ...], type]]:
        """Name -> (shape, dtype) of the arrays that are asked for."""
        shapes = {}
        if self.hash:
            shapes["html_class_hash"] = ((nodes, classes), np.int32)
        if self.tokenizer is not None:
            shapes["html_class_pieces"] = ((nodes, classes, MAX_PIECES), np.int32)
        return shapes

    def read(self, classes: Sequence[Sequence[str]], width: int) -> dict[str, np.ndarray]:
        """The arrays of nodes with these class strings, of which `width` fit."""
        shapes = self.shapes(len(classes), width)
        arrays = {name: np.zeros(*shape) for name, shape in shapes.items()}
        for node, texts in enumerate(classes):
            for at, text in enumerate(texts[:width]):
                if self.hash:
                    arrays["html_class_hash"][node, at] = class_hash(text)
                if self.tokenizer is not None:
                    pieces = self.tokenizer.encode(text)[:MAX_PIECES]
                    arrays["html_class_pieces"][node, at, : len(pieces)] = pieces
        return arrays


NO_MORE = ClassInputs()


@lru_cache(maxsize=32768)
def class_hash(text: str) -> int:
    """CRC-32 of a class string, as a signed number of 32 bits."""
    return int(np.uint32(zlib.crc32(text.encode("utf-8", "surrogatepass"))).astype(np.int32))
