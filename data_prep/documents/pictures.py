"""Pictures of pages as files: JPEG, PNG, WebP, and TIFF of many pages."""

import io

from PIL import Image, ImageFile

from data_prep.documents.page import LeftOut, fit_image

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF")
MOST_PIXELS = 100_000_000  # a page of A0 at 200 dpi has 62 million


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
            raise LeftOut(f"a picture of more than {MOST_PIXELS // 10**6} million pixels")
        return self._image
