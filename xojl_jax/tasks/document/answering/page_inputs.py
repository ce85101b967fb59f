"""A page, its words and a question from files, or from values of a request."""

import io
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from xojl_jax.data.images import ImageError, decode_image
from xojl_jax.documents.answers import Question
from xojl_jax.documents.json_fields import Box
from xojl_jax.documents.record import DocumentRecord, parse_record, read_directory
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.subcommand import run_data_prep
from xojl_jax.tasks.base import Limits
from xojl_jax.tasks.document.answering.shots import Shot
from xojl_jax.tasks.document.features import Prepared
from xojl_jax.tasks.document.record_files import picture_of

PDF = b"%PDF-"
PDF_SECONDS = 120  # to read one page; the reader itself stops earlier


class PageInputs(NamedTuple):
    """A page and a question about it.

    Attributes:
      name: of files that are written.
      image: uint8[h, w, 3].
      words, boxes: of the page; boxes float32[n, 4] in [0, 1] of it.
      question: its answer is not read.
      notes: what a person should know of how it was read.
      wants_picture: whether the answer shall come with the picture, for who gave a PDF.
      shots: examples before the prompt.
      prepared: the words in the model's pieces, once `fit_inputs` has made them.
    """

    name: str
    image: np.ndarray
    words: tuple[str, ...]
    boxes: np.ndarray
    question: Question
    notes: tuple[str, ...] = ()
    wants_picture: bool = False
    shots: tuple[Shot, ...] = ()
    prepared: Prepared | None = None

    @property
    def word(self) -> np.ndarray:
        """int32[n], the number of the word that each piece is of."""
        assert self.prepared is not None, "the inputs are not fitted to a model"
        return self.prepared.word


def from_record(
    record: DocumentRecord,
    image: np.ndarray,
    question: Question,
    name: str,
    shots: tuple[Shot, ...] = (),
) -> PageInputs:
    return PageInputs(name, image, record.words, record.boxes, question, shots=shots)


def make_page(
    content: bytes | np.ndarray, ocr: Any, number: int, place: str, limits: Limits
) -> tuple[np.ndarray, tuple[str, ...], np.ndarray, tuple[str, ...]]:
    """(picture, words, boxes, notes) of a page.

    Args:
      content: of a picture, or of a PDF; or a picture, uint8[h, w, 3].
      ocr: decoded JSON of the page's words, see `read_words`; None reads those of a PDF, or what
        Tesseract finds, where it is installed.
      number: of the page of a PDF, from 1.
      place: for messages.

    Raises:
      BadInput: it is neither, or the words are not of this form.
    """
    if isinstance(content, bytes) and content.startswith(PDF):
        image, words, boxes = read_pdf(content, number, place)
        return image, *((words, boxes) if ocr is None else read_words(ocr, image, place)), ()
    if number != 1:
        raise BadInput(f"{place}: page {number} of a picture, which has one page")
    image = _decode(content, place, limits) if isinstance(content, bytes) else content
    if ocr is not None:
        return image, *read_words(ocr, image, place), ()
    words, boxes = recognize(image, place)
    none = "no words: install Tesseract (apt install tesseract-ocr), or give those of an OCR"
    return image, words, boxes, () if words else (none,)


def _decode(content: bytes, place: str, limits: Limits) -> np.ndarray:
    try:
        return decode_image(content, max_pixels=limits.pixels)
    except ImageError as error:
        raise BadInput(f"{place}: neither a PDF nor a picture that can be read ({error})") from None


def read_pdf(
    content: bytes, number: int, place: str
) -> tuple[np.ndarray, tuple[str, ...], np.ndarray]:
    """(picture, words, boxes) of one page, by the command that reads documents, which bounds
    what a hostile file costs."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "page.pdf"
        source.write_bytes(content)
        out = Path(folder) / "pages"
        arguments = ["--out", str(out), "--workers=1", f"--pages={number}", str(source)]
        _, why = run_data_prep("documents", arguments, PDF_SECONDS)
        for _, record in read_directory(out) if (out / "records.jsonl").is_file() else ():
            if isinstance(record, DocumentRecord) and record.page == number - 1:
                return picture_of(out, record), record.words, record.boxes
    raise BadInput(f"{place}: no page {number} ({why})")


def recognize(image: np.ndarray, place: str) -> tuple[tuple[str, ...], np.ndarray]:
    """What Tesseract reads of a picture: (words, boxes); nothing where it is not installed, or
    finds none. The picture is made a page without a text layer, which is then read as any."""
    pdf = io.BytesIO()
    Image.fromarray(image).save(pdf, "PDF", resolution=150.0)
    try:
        _, words, boxes = read_pdf(pdf.getvalue(), 1, place)
    except BadInput:
        return (), np.zeros((0, 4), np.float32)
    return words, boxes


def read_words(ocr: Any, image: np.ndarray, place: str) -> tuple[tuple[str, ...], np.ndarray]:
    """(words, boxes) from the JSON of an OCR, as text or decoded.

    {"words": […], "boxes": [[x0, y0, x1, y1], …]}, or a list of {"text": …, "box": …} ("bbox" is
    the same). Boxes are in pixels of the picture, or in [0, 1] of the page where no number is above
    1. What sticks out is cut off.
    """
    if isinstance(ocr, str | bytes):
        ocr = _from_json(ocr, f"{place} ocr")
    if isinstance(ocr, list):
        if not all(isinstance(word, dict) for word in ocr):
            raise BadInput(f"{place} ocr: expected a list of objects with text and box")
        words = [word.get("text") for word in ocr]
        boxes = [word.get("box", word.get("bbox")) for word in ocr]
    elif isinstance(ocr, dict) and {"words", "boxes"} <= ocr.keys():
        words, boxes = ocr["words"], ocr["boxes"]
    else:
        raise BadInput(f"{place} ocr: expected an object with words and boxes, or a list of words")
    try:
        array = np.asarray(boxes, np.float64).reshape(-1, 4)
    except (TypeError, ValueError):
        raise BadInput(f"{place} ocr: each box must be four numbers, x0, y0, x1, y1") from None
    if array.size and array.max() > 1:
        array = array / np.tile(image.shape[1::-1], 2)
    fields = {
        "id": "page",
        "document": "page",
        "image": "page.png",
        "image_size": [image.shape[1], image.shape[0]],
        "words": words,
        "boxes": np.clip(array, 0, 1).tolist(),
    }
    record = parse_record(fields, where=f"{place} ocr:")
    return record.words, record.boxes


def make_question(prompt: Any, box: Any, place: str) -> Question:
    """The question of a prompt and of what it points at, [x, y] or [x0, y0, x1, y1] in [0, 1]."""
    if not isinstance(prompt, str) or not prompt.strip():
        raise BadInput(f'{place}: a prompt is a text, such as "What is the total?"')
    return Question("question", prompt, box=None if box is None else _read_box(box, place))


def _read_box(value: Any, place: str) -> Box:
    numbers = list(value) if isinstance(value, list | tuple) else []
    plain = all(type(number) in (int, float) and 0 <= number <= 1 for number in numbers)
    if len(numbers) == 2:
        numbers *= 2
    if not plain or len(numbers) != 4 or numbers[0] > numbers[2] or numbers[1] > numbers[3]:
        raise BadInput(
            f"{place}: a box is x0, y0, x1, y1 in [0, 1] of the page, a point x, y; given {value}"
        )
    x0, y0, x1, y1 = map(float, numbers)
    return x0, y0, x1, y1


def _from_json(text: str | bytes, place: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{place}: not JSON ({error})") from None


def read_file(path: str, flag: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BadUsage(f"{flag} {path}: {error.strerror}") from error


def from_values(values: Mapping[str, Any], name: str, limits: Limits) -> PageInputs:
    """Of a request: "page", the bytes of a picture or of a PDF, or uint8[h, w, 3]; "prompt"; and
    perhaps "ocr", "box", "page_number", and "picture", whether the answer shall come with one."""
    unknown = values.keys() - {"page", "ocr", "prompt", "box", "page_number", "picture"}
    if unknown or not isinstance(values.get("page"), bytes | np.ndarray):
        what = f"no field {sorted(unknown)[0]!r}" if unknown else "page is missing"
        raise BadInput(f"{name}: {what}: give page and prompt, and perhaps ocr, box, page_number")
    number = values.get("page_number", 1)
    if type(number) is not int or not 1 <= number <= 10_000:
        raise BadInput(f"{name}: page_number is a whole number from 1")
    question = make_question(values.get("prompt"), values.get("box"), name)
    page = make_page(values["page"], values.get("ocr"), number, name, limits)
    image, words, boxes, notes = page
    return PageInputs(
        name, image, words, boxes, question, notes, wants_picture=values.get("picture") is True
    )
