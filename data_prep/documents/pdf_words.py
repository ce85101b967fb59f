"""The characters of a PDF page, as PDFium gives them, to words and lines.

PDFium tells characters in reading order with a box each. It writes spaces and line ends that the
file does not have where it sees a gap, and U+FFFE or U+0002 for a hyphen that ends a line.
"""

import numpy as np

from data_prep.documents.page import Words

_HYPHENS = (0x2, 0xFFFE)
_UNKNOWN = "\ufffd"


def words_of(codes: list[int], boxes: np.ndarray) -> Words:
    """Groups characters into words and lines.

    Args:
      codes: UTF-16 or UTF-32 code of each character, n of them.
      boxes: float64[n, 4] in [0, 1] of the page, x0, y0, x1, y1. What reaches over the page's edge
        is cut; a word whose middle is outside is dropped.
    """
    texts: list[str] = []
    word_boxes: list[np.ndarray] = []
    lines: list[tuple[int, int]] = []
    members: list[int] = []
    line_start = 0

    def end_word() -> None:
        text = _text_of([codes[i] for i in members])
        if text.strip():
            box = _union(boxes[members])
            middle = (box[:2] + box[2:]) / 2
            if np.all((middle >= 0) & (middle <= 1)):
                texts.append(text)
                word_boxes.append(np.clip(box, 0, 1))
        members.clear()

    def end_line() -> None:
        nonlocal line_start
        end_word()
        if len(texts) > line_start:
            lines.append((line_start, len(texts)))
            line_start = len(texts)

    for i, code in enumerate(codes):
        if code in (0xA, 0xD):
            end_line()
        elif code in _HYPHENS:
            members.append(i)
            end_line()
        elif _separates(code):
            end_word()
        else:
            if members and _is_apart(boxes[members[-1]], boxes[i]):
                end_word()
            members.append(i)
    end_line()
    return Words(texts, np.array(word_boxes).reshape(-1, 4), lines, come_from="text layer")


def share_unknown(words: Words) -> float:
    """The share of characters that the file gives no Unicode for."""
    text = "".join(words.texts)
    return text.count(_UNKNOWN) / max(len(text), 1)


def _text_of(codes: list[int]) -> str:
    units = "".join(
        "-" if code in _HYPHENS else chr(code) if 0 < code <= 0x10FFFF else _UNKNOWN
        for code in codes
    )
    # Halves of one character become one, and a half alone is unknown.
    return units.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _separates(code: int) -> bool:
    return 0 < code <= 0x10FFFF and (chr(code).isspace() or 0 < code < 0x20 or code == 0x7F)


def _is_apart(before: np.ndarray, box: np.ndarray) -> bool:
    """Whether two neighboring characters are too far from each other to be of one word.

    Whichever way the line runs: the larger of the two gaps against the larger character.
    """
    gap = max(box[0] - before[2], before[0] - box[2], box[1] - before[3], before[1] - box[3])
    return gap > max(before[2:] - before[:2]) + max(box[2:] - box[:2])


def _union(boxes: np.ndarray) -> np.ndarray:
    # A character without ink, such as a zero-width joiner, has an empty box somewhere.
    inked = boxes[np.any(boxes[:, 2:] > boxes[:, :2], axis=1)]
    boxes = inked if len(inked) else boxes
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])
