"""Document records and their pictures from files that people name."""

from pathlib import Path

import numpy as np

from xojl_jax.data.images import decode_image
from xojl_jax.documents.record import DocumentRecord, parse_record
from xojl_jax.errors import BadUsage
from xojl_jax.xojl.screenshot_file import safe_screenshot_path


def read_record(path: Path) -> tuple[DocumentRecord, np.ndarray]:
    """The first record of a file, of the flag --document, and its picture, which lies beside it."""
    try:
        with path.open("rb") as stream:
            text = stream.readline()
    except OSError as error:
        raise BadUsage(f"--document {path}: {error.strerror}") from error
    record = parse_record(text, where=str(path))
    return record, picture_of(path.parent, record)


def picture_of(folder: Path, record: DocumentRecord) -> np.ndarray:
    """uint8[h, w, 3]."""
    return decode_image(safe_screenshot_path(folder, record.image, where="image").read_bytes())
