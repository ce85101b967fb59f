"""One page, read: its picture, its words, and how it becomes a record."""

import hashlib
import io
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from xojl_jax.documents.answers import Question
from xojl_jax.documents.json_fields import Region
from xojl_jax.documents.record import DocumentRecord, record_to_json

# How a picture is written: its suffix, and what Pillow is told. Level 3 takes half the time of
# Pillow's own 6 for a few percent more bytes.
IMAGE_FORMATS = {
    "png": ("PNG", {"compress_level": 3}),
    "webp": ("WEBP", {"quality": 90, "method": 2}),
    "jpeg": ("JPEG", {"quality": 90}),
}


class LeftOut(Exception):
    """A page or document that becomes no record; the message is the reason, which is counted."""


class Broken(LeftOut):
    """A page that the file tells of and does not have."""


@dataclass
class Words:
    """The words of a page; boxes float64[n, 4] in [0, 1] of the page, y downwards."""

    texts: list[str] = field(default_factory=list)
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    lines: list[tuple[int, int]] = field(default_factory=list)
    scores: list[float] | None = None
    come_from: str = "none"
    kept: list[int] = field(default_factory=list)  # numbers before cleaning: see `clean_words`


@dataclass
class Page:
    """What a reader gives for one page. The image shows the whole page, at the size to be kept."""

    image: Image.Image
    words: Words
    regions: Sequence[Region] = ()
    texts: dict[str, str] = field(default_factory=dict)
    questions: Sequence[Question] = ()
    size: tuple[float, float] | None = None  # width, height in points


class Pages(Protocol):
    """An opened document."""

    document: str  # its id
    count: int  # of its pages

    def page(self, number: int) -> Page:
        """Reads a page; raises `LeftOut`."""
        ...


def slices_of(places: list) -> list[tuple[int, int]]:
    """Slices of equal neighbors: the lines of words that tell which line they are in."""
    starts = [i for i, place in enumerate(places) if i == 0 or place != places[i - 1]]
    return list(zip(starts, [*starts[1:], len(places)], strict=True)) if places else []


def fitted_size(width: float, height: float, side: int) -> tuple[int, int]:
    """(width, height) in px of a page fitted into a square, its aspect kept."""
    scale = side / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def fit_image(image: Image.Image, side: int) -> Image.Image:
    """An image as gray or RGB on white, shrunk into a square of `side`; never enlarged."""
    if image.mode == "1":  # of one bit: gray appears when it is shrunk
        image = image.convert("L")
    elif image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    elif image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    if max(image.size) > side:
        image = image.resize(fitted_size(*image.size, side), Image.Resampling.LANCZOS)
    return image


def drop_color(image: Image.Image) -> Image.Image:
    """An RGB image without color as gray, a third of the bytes; another one as it is."""
    pixels = np.asarray(image)
    gray = pixels.ndim == 2 or (
        np.array_equal(pixels[..., 0], pixels[..., 1])
        and np.array_equal(pixels[..., 1], pixels[..., 2])
    )
    return Image.fromarray(pixels[..., 0]) if gray and pixels.ndim == 3 else image


def is_blank(image: Image.Image) -> bool:
    """Whether all pixels are the same."""
    return all(low == high for low, high in np.atleast_2d(image.getextrema()))


def write_page(
    page: Page, pages: Pages, number: int, *, folder: Path, image_format: str, source: dict
) -> str:
    """Writes the picture into the folder; returns the record's line."""
    name = f"images/{_folder_of(pages.document)}/{number:05d}.{image_format}"
    image = drop_color(page.image)
    buffer = io.BytesIO()
    kind, options = IMAGE_FORMATS[image_format]
    image.save(buffer, kind, **options)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two copies of one document may be at work at once. No fsync, which would cost more than the
    # page: records.jsonl is not synced either.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    temporary.write_bytes(buffer.getvalue())
    temporary.replace(path)
    words = page.words
    record = DocumentRecord(
        id=f"{pages.document}/{number}",
        document=pages.document,
        page=number,
        pages=pages.count,
        image=name,
        image_size=image.size,
        page_size=page.size,
        words_from=words.come_from,
        words=tuple(words.texts),
        boxes=words.boxes,
        lines=tuple(words.lines),
        scores=None if words.scores is None else tuple(words.scores),
        regions=tuple(page.regions),
        questions=tuple(page.questions),
        texts=page.texts,
        source=source,
    )
    return record_to_json(record)


def _folder_of(document: str) -> str:
    """A folder per document, in at most 256 folders above them."""
    name = document.removeprefix("sha256:")
    if name == document:
        name = hashlib.sha256(document.encode()).hexdigest()
    return f"{name[:2]}/{name[:20]}"
