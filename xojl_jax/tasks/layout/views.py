"""What is asked of the decoder, and what it gives."""

from typing import NamedTuple

import jax

Array = jax.Array

# The views that each mode writes; a record's views are neighboring rows of the decoder.
VIEWS = {"semantic": ("semantic",), "detail": ("detail",), "dual": ("semantic", "detail")}


class Prediction(NamedTuple):
    """What one decode gives. R rows: the views of the first record, of the second, and so on.

    Attributes:
      tokens: int32[R, L], documents without BOS, EOS last, then PAD.
      length: int32[R], tokens of each document, EOS included.
      score: float32[R], its log probability.
      category: int32[B], the most probable category.
    """

    tokens: Array
    length: Array
    score: Array
    category: Array
