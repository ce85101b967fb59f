"""Answers for people: JSON with the words and boxes that they name, and a picture."""

import base64
import colorsys
import functools
import io
import json
import zlib
from typing import Any

import numpy as np
from PIL import Image

from xojl_jax.documents.answers import (
    Answer,
    FieldsAnswer,
    RegionsAnswer,
    TableAnswer,
    TextAnswer,
    Words,
    WordsAnswer,
    box_of,
    text_of,
)
from xojl_jax.documents.json_fields import Box, round_box
from xojl_jax.evaluation.drawing import DrawnBox, draw_boxes

# Pictures of small pages are drawn this large, so that labels can be read.
DRAWN_SIDE = 1200


def to_values(answer: Answer, words: tuple[str, ...], boxes: np.ndarray) -> dict[str, Any]:
    """Ready for JSON. A box is that of words of the page, in [0, 1]; null where there are none.

    Args:
      words, boxes: of the page; boxes float[n, 4].
    """

    def told(some: Words) -> dict[str, Any]:
        box = box_of(some, boxes)
        return {"text": text_of(some, words), "box": None if box is None else round_box(box)}

    match answer:
        case TextAnswer(some):
            return {**told(some), "words": [told((word,)) for word in some]}
        case WordsAnswer(placed):
            return {
                "words": [
                    told((word,))
                    if isinstance(word, int)
                    else {"text": word[0], "box": round_box(word[1])}
                    for word in placed
                ]
            }
        case FieldsAnswer(fields):
            return {
                "fields": [
                    {"label": text_of(f.label, words), "value": text_of(f.value, words)}
                    | {"box": told(f.value)["box"]}
                    for f in fields
                ]
            }
        case RegionsAnswer(regions):
            return {"regions": [{"label": r.label, "box": round_box(r.box)} for r in regions]}
        case TableAnswer(rows):
            return {
                "table": [
                    [
                        {
                            **told(cell.words),
                            "rows": cell.rows,
                            "columns": cell.columns,
                            "header": cell.header,
                        }
                        for cell in row
                    ]
                    for row in rows
                ]
            }


def to_json(answer: Answer, words: tuple[str, ...], boxes: np.ndarray) -> str:
    """The same as JSON text, a line for each word, field, region or row."""

    def show(value: Any) -> str:
        text = functools.partial(json.dumps, ensure_ascii=False)
        if not isinstance(value, list) or not value or not isinstance(value[0], dict | list):
            return text(value)
        return "[\n  " + ",\n  ".join(map(text, value)) + "\n ]"

    values = to_values(answer, words, boxes)
    return (
        "{\n " + ",\n ".join(f'"{name}": {show(value)}' for name, value in values.items()) + "\n}"
    )


def data_url(image: np.ndarray) -> str:
    """A picture, uint8[h, w, 3], as a `data:` address that a browser shows."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "WEBP", quality=80)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode()


def draw(image: np.ndarray, answer: Answer, boxes: np.ndarray, words: tuple[str, ...]):
    """The page with the boxes of an answer; None where it has none."""
    found = _boxes(answer, boxes, words)
    if not found:
        return None
    picture = Image.fromarray(image).convert("RGB")
    scale = max(1.0, DRAWN_SIDE / max(picture.size))
    size = round(picture.width * scale), round(picture.height * scale)
    picture = picture.resize(size, Image.Resampling.LANCZOS)
    sides = np.tile(size, 2)
    return draw_boxes(
        np.asarray(picture),
        [
            DrawnBox(_around(np.array(box) * sides), _color(label), label, filled=True)
            for label, box in found
        ],
    )


def _boxes(answer: Answer, boxes: np.ndarray, words: tuple[str, ...]) -> list[tuple[str, Box]]:
    """(label, box) of everything in the answer that lies somewhere."""
    match answer:
        case TextAnswer(some):
            found = [("", box_of((word,), boxes)) for word in some]
        case WordsAnswer(placed):
            found = [
                ("", box_of((word,), boxes)) if isinstance(word, int) else word for word in placed
            ]
        case FieldsAnswer(fields):
            found = [(text_of(f.label, words), box_of(f.value, boxes)) for f in fields]
        case RegionsAnswer(regions):
            found = [(region.label, region.box) for region in regions]
        case TableAnswer(rows):
            cells = [cell for row in rows for cell in row]
            names = ("cell", "header")
            found = [(names[cell.header], box_of(cell.words, boxes)) for cell in cells]
    return [(label, box) for label, box in found if box is not None]


def _around(box: np.ndarray) -> Box:
    """A little larger, so that the frame is beside the letters."""
    left, top, right, bottom = np.add(box, [-3, -2, 3, 2]).tolist()
    return left, top, right, bottom


def _color(label: str) -> tuple[int, int, int]:
    """Equal labels have equal colors, whatever else is on the page."""
    hue = zlib.crc32(label.encode()) % 360 / 360
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.9, 0.7)
    return round(255 * red), round(255 * green), round(255 * blue)
