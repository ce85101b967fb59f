"""What is asked of the decoder, and what it gives."""

from typing import NamedTuple

import jax

Array = jax.Array

# The views that each mode writes; a record's views are neighboring rows of the decoder.
VIEWS = {"semantic": ("semantic",), "detail": ("detail",), "dual": ("semantic", "detail")}


class NodePrediction(NamedTuple):
    """What one pass of the encoders gives, without the decoder. B records, T HTML nodes.

    Attributes:
      labels: float32[B, T, elements + 1], log probabilities of each node's element; the last
        column is of "merged into its parent".
      category, weights, overlap: as `Prediction` has them.
    """

    labels: Array
    category: Array
    weights: Array | None = None
    overlap: dict[str, Array] | None = None


class Prediction(NamedTuple):
    """What one decode gives. R rows: the views of the first record, of the second, and so on; of
    each view so many hypotheses as were asked for, the best one first.

    Attributes:
      tokens: int32[R, L], documents without BOS, EOS last, then PAD.
      length: int32[R], tokens of each document, EOS included; 0 of a hypothesis that a beam did
        not find.
      score: float32[R], its log probability.
      category: int32[B], the most probable category.
      gains: float32[R, L], the log probability of each token; None unless it was asked for.
      weights: float32[B, 2], how much HTML and screenshot counted; None where the model does not
        weight them.
      overlap: float32[B] by name, how far attention overlaps with boxes (attention_overlap.py);
        None unless it was asked for.
    """

    tokens: Array
    length: Array
    score: Array
    category: Array
    weights: Array | None = None
    gains: Array | None = None
    overlap: dict[str, Array] | None = None
