"""The characters of a PDF page, as PDFium gives them, to words and lines.

PDFium tells characters in reading order with a box each. It writes spaces and line ends that the
file does not have where it sees a gap, and U+FFFE or U+0002 for a hyphen that ends a line.
"""

import numpy as np

from data_prep.documents.page import Words, slices_of

_LINE_ENDS = (0xA, 0xD)
_HYPHENS = (0x2, 0xFFFE)
_UNKNOWN = "\ufffd"


def words_of(codes: list[int], boxes: np.ndarray) -> Words:
    """Groups characters into words and lines.

    Args:
      codes: UTF-16 or UTF-32 code of each character, n of them.
      boxes: float64[n, 4] in [0, 1] of the page, x0, y0, x1, y1. What reaches over the page's edge
        is cut; a word whose middle is outside is dropped.
    """
    slices, lines_of_slices = _slices(codes, _are_apart(boxes))
    texts = [_text_of(codes[start:end]) for start, end in slices]
    word_boxes = _unions(boxes, slices)
    middles = (word_boxes[:, :2] + word_boxes[:, 2:]) / 2
    on_page = ((middles >= 0) & (middles <= 1)).all(axis=1)
    kept = [i for i, text in enumerate(texts) if on_page[i] and text.strip()]
    return Words(
        [texts[i] for i in kept],
        np.clip(word_boxes[kept], 0, 1),
        slices_of([lines_of_slices[i] for i in kept]),
        come_from="text layer",
    )


def _slices(codes: list[int], apart: list[bool]) -> tuple[list[tuple[int, int]], list[int]]:
    """Slices of characters that are words, and the number of the line of each."""
    slices: list[tuple[int, int]] = []
    lines: list[int] = []
    start, line = 0, 0
    for i, code in enumerate(codes):
        ends_line = code in _LINE_ENDS
        hyphen = code in _HYPHENS
        separates = ends_line or (_separates(code) and not hyphen)
        if start < i and (separates or apart[i]):
            slices.append((start, i))
            lines.append(line)
            start = i
        if separates:
            start = i + 1
        elif hyphen:
            slices.append((start, i + 1))
            lines.append(line)
            start = i + 1
        line += ends_line or hyphen
    if start < len(codes):
        slices.append((start, len(codes)))
        lines.append(line)
    return slices, lines


def share_unknown(words: Words) -> float:
    """The share of characters that the file gives no Unicode for."""
    text = "".join(words.texts)
    return text.count(_UNKNOWN) / max(len(text), 1)


def _text_of(codes: list[int]) -> str:
    units = "".join(map(_character, codes))
    if units.isascii():
        return units
    # Halves of one character become one, and a half alone is unknown.
    return units.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(code: int) -> str:
    if code in _HYPHENS:
        return "-"
    return chr(code) if 0 < code <= 0x10FFFF else _UNKNOWN


def _separates(code: int) -> bool:
    return 0 < code <= 0x10FFFF and (chr(code).isspace() or 0 < code < 0x20 or code == 0x7F)


def _are_apart(boxes: np.ndarray) -> list[bool]:
    """Whether each character is too far from the one before to be of one word with it.

    Whichever way the line runs: the larger of the two gaps against the larger character.
    """
    if not len(boxes):
        return []
    before, box = boxes[:-1], boxes[1:]
    gap = np.maximum(box[:, :2] - before[:, 2:], before[:, :2] - box[:, 2:]).max(axis=1)
    size = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    return [False, *(gap > size[:-1] + size[1:]).tolist()]


def _unions(boxes: np.ndarray, slices: list[tuple[int, int]]) -> np.ndarray:
    """float64[k, 4]: the box around the characters of each of k slices."""
    if not slices:
        return np.zeros((0, 4))
    # A character without ink, such as a zero-width joiner, has an empty box somewhere: it counts
    # only where a word has no other.
    inked = np.any(boxes[:, 2:] > boxes[:, :2], axis=1, keepdims=True)
    ends = np.ravel(slices)
    # One row more, for a slice that ends with the last character.
    low = np.vstack([np.where(inked, boxes[:, :2], np.inf), [[np.inf] * 2]])
    high = np.vstack([np.where(inked, boxes[:, 2:], -np.inf), [[-np.inf] * 2]])
    unions = np.concatenate(
        [np.minimum.reduceat(low, ends)[::2], np.maximum.reduceat(high, ends)[::2]], axis=1
    )
    bare = ~np.isfinite(unions).all(axis=1)
    unions[bare] = boxes[np.asarray(slices)[bare, 0]]
    return unions
