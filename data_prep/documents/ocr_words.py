"""Words as data sets publish them: nobody vouches for texts, boxes or the order of lines."""

from collections.abc import Sequence

import numpy as np

from data_prep.documents.page import LeftOut, Words, slices_of


def clean_words(
    texts: Sequence, boxes: Sequence, places: Sequence, come_from: str, scores: Sequence = ()
) -> Words:
    """The words that can be kept.

    Dropped are words without letters to see, and those whose middle is outside the page. Boxes are
    cut at its edge. `kept` tells which of the texts are left. Arrays that are not parallel raise
    `LeftOut`.

    Args:
      texts, boxes: parallel; boxes are x0, y0, x1, y1 in [0, 1] of the page.
      places: parallel; equal for neighbors that are on one line.
      scores: parallel, in [0, 1] or in percent; or empty.
    """
    if not len(texts) == len(boxes) == len(places) or (scores and len(scores) != len(texts)):
        raise LeftOut("words and boxes that are not parallel")
    try:
        corners = np.asarray(boxes, np.float64).reshape(-1, 4)
        sure = np.asarray(scores, np.float64)
    except (TypeError, ValueError) as error:
        raise LeftOut("boxes that are not numbers") from error
    middle = (corners[:, :2] + corners[:, 2:]) / 2
    fine = np.isfinite(corners).all(axis=1) & (corners[:, :2] <= corners[:, 2:]).all(axis=1)
    fine &= ((middle >= 0) & (middle <= 1)).all(axis=1)
    words = [as_unicode(text) if isinstance(text, str) else "" for text in texts]
    kept = [i for i, word in enumerate(words) if fine[i] and word]
    if len(sure) and np.nanmax(sure, initial=0) > 1:
        sure = sure / 100
    return Words(
        [words[i] for i in kept],
        np.clip(corners[kept], 0, 1),
        slices_of([places[i] for i in kept]),
        [round(float(np.clip(np.nan_to_num(sure[i]), 0, 1)), 3) for i in kept] if scores else None,
        come_from,
        kept,
    )


def as_unicode(text: str) -> str:
    """A text without halves of characters, and without space around it."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()


def split_line(text: str, box: Sequence[float]) -> tuple[list[str], list[tuple]]:
    """Words of a line of which only the line's box is known, x0, y0, x1, y1.

    Each takes the part of the line's width that its letters take of the line's letters.
    """
    x0, y0, x1, y1 = box
    words, boxes, at = text.split(), [], 0
    step = (x1 - x0) / max(len(text), 1)
    for word in words:
        start = text.index(word, at)
        at = start + len(word)
        boxes.append((x0 + start * step, y0, x0 + at * step, y1))
    return words, boxes
