"""What is said of one page, as JSON and as a picture."""

import json
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from xojl_jax.documents.word_pieces import WordPieces
from xojl_jax.tasks.base import Sample
from xojl_jax.tasks.document.metrics import Told, Vectors

RIGHT, WRONG = (0, 120, 40), (190, 20, 20)
# Pictures are drawn this large, so that words can be written between the lines.
DRAWN_SIDE = 1400


class HiddenWord(NamedTuple):
    """A word of which something was hidden: what it is, what was guessed, whether all of it is
    right; `box` in [0, 1] of the page."""

    word: str
    guess: str
    right: bool
    box: tuple[float, float, float, float]


class DocumentAnswer(NamedTuple):
    """What is said of a page.

    Attributes:
      told: by objective.
      words: the hidden ones, in reading order.
      codes: int[k], the true codes of the hidden patches; empty without the objective "mim".
      vectors: of the page's text and picture; None without the objective "pairs".
    """

    told: dict[str, Told]
    words: tuple[HiddenWord, ...]
    codes: np.ndarray
    vectors: Vectors | None = None

    def to_fields(self) -> dict[str, Any]:
        """Ready for JSON."""
        shares = {
            name: round(float(t.right.mean()), 4) for name, t in self.told.items() if len(t.right)
        }
        words = [
            {**word._asdict(), "box": [round(value, 4) for value in word.box]}
            for word in self.words
        ]
        return {"right": shares, "words": words}

    def to_json(self) -> str:
        return json.dumps(self.to_fields(), ensure_ascii=False, indent=1)


def hidden_words(
    sample: Sample, guess: np.ndarray, boxes: np.ndarray, pieces: WordPieces
) -> tuple[HiddenWord, ...]:
    """The hidden words of a page with their guesses, int[T]; boxes float[words, 4] of the page."""
    found = []
    for number in np.unique(sample["word"][sample["hidden_tokens"]]):
        at = sample["word"] == number
        truth, told = sample["tokens"][at], guess[at]
        found.append(
            HiddenWord(
                pieces.decode(truth.tolist()),
                pieces.decode(told.tolist()),
                bool((truth == told).all()),
                tuple(boxes[number].tolist()),
            )
        )
    return tuple(found)


def draw_words(image: np.ndarray, words: tuple[HiddenWord, ...]) -> Image.Image:
    """The page with every hidden word covered: the guess in its place, green where it is right; red
    with the truth in small letters below where it is not."""
    picture = Image.fromarray(image).convert("RGB")
    scale = max(1.0, DRAWN_SIDE / max(picture.size))
    size = round(picture.width * scale), round(picture.height * scale)
    picture = picture.resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for word in words:
        x0, y0, x1, y1 = np.array(word.box) * np.tile(size, 2)
        color = RIGHT if word.right else WRONG
        tint = (224, 244, 228) if word.right else (250, 226, 222)
        draw.rectangle((x0 - 2, y0 - 3, x1 + 2, y1 + 3), fill=tint, outline=color)
        _write(draw, (x0, y0 - 1), word.guess, x1 - x0, 1.15 * (y1 - y0), color)
    for word in words:  # above all boxes: lines of text are close
        if not word.right:
            x0, y0, x1, y1 = np.array(word.box) * np.tile(size, 2)
            _write(draw, (x0, y1 + 4), word.word, 1.3 * (x1 - x0), 0.8 * (y1 - y0), (70, 70, 70))
    return picture


def _write(draw, place, text: str, width: float, height: float, color) -> None:
    """Text as large as the height, smaller where it is too long."""
    size = max(8.0, min(height, 40.0))
    length = draw.textlength(text, font=ImageFont.load_default(size))
    if length > width > 0:
        size = max(8.0, size * width / length)
    draw.text(place, text, fill=color, font=ImageFont.load_default(size))
