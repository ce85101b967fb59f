"""Screenshots: decoded whole or refused, fitted into the model's frame, and their statistics.

docs/images.md lists what is converted and what is refused, and why.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from xojl_jax.data.sharpen import SHARPEN_SCALES, sharpen_text
from xojl_jax.errors import BadInput

# A full-page capture of 1280 x 30000 still passes; 120 MB of pixels is what a worker may hold.
MAX_PIXELS = 40_000_000
# No picture of so many pixels needs more bytes; a file is not read beyond them.
MAX_BYTES = 256 << 20
# Padding is masked out of attention; a gray keeps the convolution-like patch window calm beside it.
PAD_GRAY = 128

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_OTHER_MAGIC = {
    b"GIF8": "a GIF",
    b"II*\0": "a TIFF",
    b"MM\0*": "a TIFF",
    b"BM": "a BMP",
    b"%PDF": "a PDF",
    b"<svg": "an SVG",
    b"<?xml": "XML text",
    b"<!DOCTYPE": "HTML text",
    b"version https://git-lfs": "a Git LFS pointer",
}
_ORIENTATION_TAG = 0x0112


class ImageError(BadInput):
    """An image that cannot be decoded whole. The message starts with a verb: "is truncated …"."""


def decode_image(data: bytes, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decodes a PNG, JPEG or WebP to uint8[H, W, 3], upright, on white where it is transparent.

    The size is read from the header first, so an image that is too large costs nothing. Raises
    `ImageError` on anything that is not one whole still picture; never returns half of one.
    """
    kind = _kind(data)
    if kind == "PNG":
        size = _check_png(data)
    elif kind == "WebP":
        size = _check_webp(data)
    else:
        size = None  # Pillow reads a JPEG's header without allocating pixels
    try:
        if size is not None:
            _check_pixels(size, max_pixels)
        # The plugin classes, not Image.open: that warns about large images instead of refusing.
        image = _PLUGINS[kind](io.BytesIO(data))
        _check_pixels(image.size, max_pixels)
        if getattr(image, "n_frames", 1) > 1:
            raise ImageError(f"is animated ({image.n_frames} frames): keep one frame")
        if image.mode == "CMYK" and "adobe" not in image.info:
            raise ImageError(
                "is a CMYK JPEG without Adobe's marker, which alone tells whether its inks are "
                "inverted: save it as RGB"
            )
        image.load()  # before the orientation, whose reader would swallow a failure to load
        if _orientation(image) != 1:
            image = ImageOps.exif_transpose(image)
        return _to_rgb(image)
    except ImageError:
        raise
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error, …
        raise ImageError(f"is a broken or truncated {kind} ({_one_line(error)})") from error


def image_size(data: bytes) -> tuple[int, int]:
    """(height, width) in pixels of what `decode_image` gives, from the headers alone.

    Raises `ImageError`, but not for everything that `decode_image` refuses.
    """
    kind = _kind(data)
    try:
        image = _PLUGINS[kind](io.BytesIO(data))
        turned = _orientation(image) > 4  # by a quarter
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error, …
        raise ImageError(f"is a broken or truncated {kind} ({_one_line(error)})") from error
    width, height = image.size
    return (width, height) if turned else (height, width)


_PLUGINS = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
}


def _kind(data: bytes) -> str:
    if data.startswith(_PNG_MAGIC):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if not data:
        raise ImageError("is empty: only PNG, JPEG and WebP are read")
    for magic, name in _OTHER_MAGIC.items():
        if data.startswith(magic):
            raise ImageError(f"is {name}, whatever its name says: only PNG, JPEG and WebP are read")
    raise ImageError("is no image that we know: only PNG, JPEG and WebP are read")


def _check_pixels(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise ImageError(f"has {width} x {height} pixels: at most {max_pixels} in all are read")
    if width < 1 or height < 1:
        raise ImageError(f"has {width} x {height} pixels: it is empty")


def _check_png(data: bytes) -> tuple[int, int]:
    """Walks the chunks, returns (width, height). Pillow itself verifies no pixel checksums."""
    size = None
    for name, body in _png_chunks(data):
        if name == b"IHDR" and len(body) == 13:
            size = struct.unpack(">II", body[:8])
        if name == b"acTL":
            raise ImageError("is animated (APNG): keep one frame")
    if size is None:
        raise ImageError("is a broken PNG (no header)")
    return size


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    view, at = memoryview(data), len(_PNG_MAGIC)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 12 + length
        if end > len(data):
            break
        (checksum,) = struct.unpack_from(">I", data, end - 4)
        if zlib.crc32(view[at + 4 : end - 4]) != checksum:
            raise ImageError(f"is a broken PNG (wrong checksum at byte {at})")
        name = data[at + 4 : at + 8]
        yield name, view[at + 8 : end - 4]
        if name == b"IEND":
            return
        at = end
    raise ImageError(f"is a truncated PNG ({len(data)} bytes, no end)")


def _check_webp(data: bytes) -> tuple[int, int]:
    """Returns (width, height) from the header: the decoder allocates its canvas when it opens."""
    (length,) = struct.unpack_from("<I", data, 4)
    if len(data) < length + 8 or len(data) < 30:
        raise ImageError(f"is a truncated WebP ({len(data)} of {length + 8} bytes)")
    chunk = data[12:16]
    if chunk == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
    elif chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif chunk == b"VP8 ":
        width = int.from_bytes(data[26:28], "little") & 0x3FFF
        height = int.from_bytes(data[28:30], "little") & 0x3FFF
    else:
        raise ImageError("is a broken WebP (no picture chunk)")
    return width, height


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # unreadable EXIF says nothing about the pixels: leave them as stored
        return 1


def _to_rgb(image: Image.Image) -> np.ndarray:
    if image.mode == "RGB" and "transparency" not in image.info:
        return np.asarray(image)
    if image.mode.startswith("I"):  # 16-bit gray
        levels = np.asarray(image).astype(np.int64)
        gray = (levels + 128) // 257
        gray[levels == image.info.get("transparency", -1)] = 255  # on white, as below
        return np.repeat(gray.astype(np.uint8)[..., None], 3, axis=-1)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        clear = image.info.get("transparency")
        if (
            isinstance(clear, tuple) and max(clear) > 255
        ):  # of 16 bits, of which the high byte is read
            image.info["transparency"] = tuple(level >> 8 for level in clear)
        # A browser paints a page on white.
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return np.asarray(image.convert("RGB"))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


# --- fitting ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fit:
    """Where a source image is in its target frame: at the top left, scaled, padded to the rest.

    All sizes are (height, width) in pixels.
    """

    source: tuple[int, int]
    content: tuple[int, int]
    target: tuple[int, int]

    @property
    def scale(self) -> tuple[float, float]:
        """Target pixels per source pixel, (vertical, horizontal): equal but for rounding."""
        return self.content[0] / self.source[0], self.content[1] / self.source[1]

    def _factors(self) -> np.ndarray:
        vertical, horizontal = self.scale
        x, y = horizontal / self.target[1], vertical / self.target[0]
        return np.array([x, y, x, y])

    def boxes_to_target(self, boxes: np.ndarray) -> np.ndarray:
        """float64[..., 4] (x0, y0, x1, y1) in source pixels to fractions of the target; no clip."""
        return np.asarray(boxes, np.float64) * self._factors()

    def patch_mask(self, patch: int) -> np.ndarray:
        """bool[N]: False where a patch (row by row, partial last ones included) is all padding."""
        rows = np.arange(-(-self.target[0] // patch)) * patch < self.content[0]
        columns = np.arange(-(-self.target[1] // patch)) * patch < self.content[1]
        return (rows[:, None] & columns[None, :]).reshape(-1)


def fit_size(source: tuple[int, int], target: tuple[int, int]) -> Fit:
    """Shrinks `source` into `target`, aspect kept. It never enlarges: a pixel stays a CSS px."""
    scale = min(1.0, target[0] / source[0], target[1] / source[1])
    rows, columns = (min(t, max(1, round(s * scale))) for s, t in zip(source, target, strict=True))
    return Fit(source, (rows, columns), target)


def shrink(
    image: np.ndarray, target: tuple[int, int], *, sharpen: bool = False
) -> tuple[np.ndarray, Fit]:
    """The first half of fitting: uint8[h, w, 3] scaled to the size of `Fit.content`, no padding.

    With `sharpen`, text is made sharper first where that helps (X021).
    """
    fit = fit_size(image.shape[:2], target)
    if fit.content == fit.source:
        return image, fit
    if sharpen and SHARPEN_SCALES[0] <= min(fit.scale) < SHARPEN_SCALES[1]:
        image = sharpen_text(image)
    # Hamming: as sharp as bicubic when shrinking, at half the price. reducing_gap: a cheap
    # integer reduction first where the image is much too large.
    small = Image.fromarray(image).resize(
        (fit.content[1], fit.content[0]), Image.Resampling.HAMMING, reducing_gap=3.0
    )
    return np.asarray(small), fit


def frame(content: np.ndarray, fit: Fit) -> np.ndarray:
    """The second half of fitting: the shrunk image at the top left of uint8[H, W, 3]."""
    height, width = fit.content
    framed = np.empty((*fit.target, 3), np.uint8)
    framed[:height, :width] = content
    framed[height:] = PAD_GRAY
    framed[:height, width:] = PAD_GRAY
    return framed


# --- statistics ------------------------------------------------------------------------------


class ChannelStatistics:
    """Mean and standard deviation per channel in [0, 1], exact and mergeable (a histogram)."""

    def __init__(self, histogram: np.ndarray | None = None):
        self.histogram = np.zeros((3, 256), np.int64) if histogram is None else histogram

    def add(self, image: np.ndarray) -> None:
        """Counts the pixels of uint8[H, W, 3]."""
        self.histogram += np.array(Image.fromarray(image).histogram(), np.int64).reshape(3, 256)

    def __add__(self, other: "ChannelStatistics") -> "ChannelStatistics":
        return ChannelStatistics(self.histogram + other.histogram)

    def mean_std(self) -> tuple[list[float], list[float]]:
        """([r, g, b] means, [r, g, b] standard deviations); (0.5, 0.25) where no pixel was seen."""
        count = self.histogram.sum(axis=1)
        if not count.all():
            return [0.5] * 3, [0.25] * 3
        levels = np.arange(256) / 255.0
        mean = self.histogram @ levels / count
        variance = self.histogram @ levels**2 / count - mean**2
        # A data set of one flat color must not divide by zero on the device.
        std = np.sqrt(np.maximum(variance, 1e-6))
        return [float(v) for v in mean], [float(v) for v in std]
