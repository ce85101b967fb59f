"""Pictures of pages as files: JPEG, PNG, WebP, and TIFF of many pages; and as bare pixels."""

import hashlib
import io

from PIL import Image, ImageFile

from data_prep.documents.document import Document
from data_prep.documents.page import LeftOut, Page, Words, fit_image

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF")
MOST_PIXELS = 100_000_000  # a page of A0 at 200 dpi has 62 million
_TOO_LARGE = f"a picture of more than {MOST_PIXELS // 10**6} million pixels"


class Pictures:
    """The pages of one picture file."""

    def __init__(self, data: bytes):
        Image.MAX_IMAGE_PIXELS = None  # ours is smaller, and refuses instead of warning
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        try:
            self._image = Image.open(io.BytesIO(data), formats=_FORMATS)
            self.count = getattr(self._image, "n_frames", 1)
        except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error
            raise LeftOut("a broken picture, or of a format that is not read") from error

    def size(self, number: int) -> tuple[int, int]:
        """(width, height) in px."""
        return self._frame(number).size

    def fitted(self, number: int, side: int) -> Image.Image:
        """One page, gray or RGB, shrunk into a square of `side`."""
        frame = self._frame(number)
        try:
            frame.load()
            return fit_image(frame, side)
        except MemoryError:
            raise
        except Exception as error:
            raise LeftOut("a broken or truncated picture") from error

    def _frame(self, number: int) -> Image.Image:
        try:
            self._image.seek(number)
        except Exception as error:
            raise LeftOut("a broken or truncated picture") from error
        width, height = self._image.size
        if width * height > MOST_PIXELS:
            raise LeftOut(_TOO_LARGE)
        return self._image


class PicturePages:
    """The pages of a picture of which nothing else is known: no words."""

    def __init__(self, document: Document, side: int):
        self._side = side
        (self._kind, blob), *_ = document.files.items()
        data = blob.read()
        self.document = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self._pictures = Pictures(data if self._kind != "pil" else _as_png(data))
        self.count = self._pictures.count

    def page(self, number: int) -> Page:
        return Page(self._pictures.fitted(number, self._side), Words())


def _as_png(data: bytes) -> bytes:
    """Bare pixels as litdata writes them: uint32 width, height and length of the mode's name, the
    name (Pillow's), the pixels."""
    width, height, length = (int.from_bytes(data[i : i + 4], "little") for i in (0, 4, 8))
    if width * height > MOST_PIXELS:
        raise LeftOut(_TOO_LARGE)
    try:
        mode = data[12 : 12 + length].decode("ascii")
        file = io.BytesIO()
        Image.frombytes(mode, (width, height), data[12 + length :]).save(file, "PNG")
    except (ValueError, OSError) as error:
        raise LeftOut("pixels that are no picture") from error
    return file.getvalue()
