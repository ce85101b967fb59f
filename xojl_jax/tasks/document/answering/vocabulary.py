"""The tokens of an answer: its structure, corners of boxes, pieces of words, pointers to words.

Ids below `size` are tokens of the vocabulary; `size + t` is a pointer to the word of the page whose
first piece is at position t of the sample's tokens, so that a copied word is exact, box included.

    answer  := (TEXT word* | WORDS placed* | FIELDS field* | REGIONS region* | TABLE row*) EOS
    word    := pointer | piece+                  placed := pointer | piece+ box
    field   := FIELD word+ VALUE word*           region := REGION piece+ (box | span)
    box     := corner corner corner corner       (x0, y0, x1, y1)
    span    := pointer pointer                   (the first and the last of some words)
    row     := place+ ROW                        place  := (CELL | HEADER) word* | LEFT | UP | CROSS

The box of a region that is told by a span is the one around those words and all between them.

Tables are in the manner of OTSL (Lysak et al. 2023): every row has a token for every column; LEFT
continues the cell to the left, UP the one above, CROSS both.
"""

import enum

import numpy as np

from xojl_jax.documents.word_pieces import SPECIAL, START, WordPieces


class Kind(enum.IntEnum):
    """What a token is: the rules of the language know no more of it. The first ones, up to CROSS,
    are tokens themselves, with these ids."""

    PAD = 0
    BOS = 1
    EOS = 2
    TEXT = 3
    WORDS = 4
    FIELDS = 5
    REGIONS = 6
    TABLE = 7
    FIELD = 8
    VALUE = 9
    REGION = 10
    ROW = 11
    CELL = 12
    HEADER = 13
    LEFT = 14
    UP = 15
    CROSS = 16
    CORNER = 17  # one of a box's numbers
    BEGIN = 18  # a piece that begins a word
    CONTINUE = 19  # any other piece
    POINTER = 20


SINGLE = tuple(kind for kind in Kind if kind < Kind.CORNER)
FORMS = (Kind.TEXT, Kind.WORDS, Kind.FIELDS, Kind.REGIONS, Kind.TABLE)


class AnswerVocabulary:
    """Ids of structure, corners and pieces, in this order.

    Args:
      pieces: of the page's words.
      bins: numbers that a coordinate is rounded to.
    """

    def __init__(self, pieces: WordPieces, bins: int):
        self.pieces, self.bins = pieces, bins
        self.first_corner = len(SINGLE)
        self.first_piece = self.first_corner + bins
        self.size = self.first_piece + pieces.size - len(SPECIAL)

    def kinds(self) -> np.ndarray:
        """int8[size + 1]: the `Kind` of every token; the last one is that of all pointers."""
        told = self.pieces.pieces[len(SPECIAL) :]
        return np.array(
            [
                *SINGLE,
                *[Kind.CORNER] * self.bins,
                *(Kind.BEGIN if piece.startswith(START) else Kind.CONTINUE for piece in told),
                Kind.POINTER,
            ],
            np.int8,
        )

    def spell(self, word: str) -> list[int]:
        """The pieces of a word. The sign that begins pieces is not spelled: it becomes "_"."""
        ids = self.pieces.encode(word.replace(START, "_"))
        return [self.first_piece + i - len(SPECIAL) for i in ids]

    def read(self, tokens: list[int]) -> str:
        """The word that pieces spell; "�" where they spell nothing that can be seen."""
        ids = [token - self.first_piece + len(SPECIAL) for token in tokens]
        return "".join(self.pieces.decode(ids).split()) or "�"

    def corner(self, value: float) -> int:
        """The token of a coordinate in [0, 1]."""
        return self.first_corner + min(int(value * self.bins), self.bins - 1)

    def coordinate(self, token: int) -> float:
        """The middle of a corner's bin."""
        return (token - self.first_corner + 0.5) / self.bins
