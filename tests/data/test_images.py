"""Screenshots are decoded whole or refused; fitting keeps boxes on what they mark."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xojl_jax.data import images
from xojl_jax.errors import BadInput

HEIGHT, WIDTH = 40, 60
ROOT = Path(__file__).parents[2]


def picture(height=HEIGHT, width=WIDTH):
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 4 % 256, y * 6 % 256, (x + y) * 2 % 256], -1).astype(np.uint8)


def encode(image, kind, **options):
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def bomb_png(width, height):
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + header + pixels + png_chunk(b"IEND", b"")


def bomb_webp(width, height):
    body = b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunks = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + body + b"VP8L" + struct.pack("<I", 0)
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def bomb_jpeg(width, height):
    data = bytearray(encode(picture(), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


ORDINARY = {
    "png": encode(picture(), "PNG"),
    "jpeg": encode(picture(), "JPEG", quality=90),
    "progressive": encode(picture(), "JPEG", quality=90, progressive=True),
    "webp": encode(picture(), "WEBP", quality=90),
    "lossless": encode(picture(), "WEBP", lossless=True),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_images_decode(name):
    """PNG and lossless WebP come back exactly, JPEG and WebP closely."""
    decoded = images.decode_image(ORDINARY[name])
    assert decoded.dtype == np.uint8 and decoded.shape == (HEIGHT, WIDTH, 3)
    difference = np.abs(decoded.astype(int) - picture()).mean()
    assert difference <= (0 if name in ("png", "lossless") else 12)


@pytest.mark.parametrize("name", ORDINARY)
def test_truncated_images_are_never_half_decoded(name):
    """Cut at any byte, an image is refused; nothing gray fills the missing rows."""
    data = ORDINARY[name]
    for cut in range(0, len(data), 1 + len(data) // 150):
        with pytest.raises(images.ImageError):
            images.decode_image(data[:cut])


def test_missing_rows_behind_sound_checksums_are_found():
    """A PNG whose pixel data ends early is refused although each of its chunks is whole."""
    for width, height in ((40, 40), (10, 33), (1000, 1)):
        with pytest.raises(images.ImageError, match="broken or truncated PNG"):
            images.decode_image(bomb_png(width, height))
    assert images.decode_image(bomb_png(10, 30)).shape == (30, 10, 3)


def test_a_flipped_byte_in_a_png_is_found():
    """Every chunk's checksum is verified."""
    data = bytearray(ORDINARY["png"])
    for at in range(len(data)):
        data[at] ^= 0x10
        with pytest.raises(images.ImageError):
            images.decode_image(bytes(data))
        data[at] ^= 0x10


# Pillow's memory is not Python's: only the process as a whole shows it.
FROM_OUTSIDE = """
import resource, sys
from xojl_jax.data import images

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10  # MiB

small, *bombs = [open(path, "rb").read() for path in sys.argv[1:]]
images.decode_image(small)
before = peak()
for data in bombs:
    try:
        images.decode_image(data)
    except images.ImageError as error:
        print(error)
print(peak() - before)
"""


def test_decompression_bombs_cost_nothing(tmp_path):
    """The size is read from the header: 60000 x 60000 pixels, 10 GB, are refused within a few
    megabytes of the process, Pillow's own memory included."""
    paths = [tmp_path / name for name in ("small", "png", "webp", "jpeg")]
    bombs = [make(60_000, 60_000) for make in (bomb_png, bomb_webp, bomb_jpeg)]
    for path, data in zip(paths, [ORDINARY["png"], *bombs], strict=True):
        path.write_bytes(data)
    command = [sys.executable, "-c", FROM_OUTSIDE, *map(str, paths)]
    printed = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    ).stdout.splitlines()
    assert all("60000 x 60000 pixels" in line for line in printed[:3]) and len(printed) == 4
    assert int(printed[3]) < 8


def test_the_pixel_cap_can_be_chosen():
    """One pixel too many is refused, the exact number is not."""
    images.decode_image(ORDINARY["png"], max_pixels=HEIGHT * WIDTH)
    with pytest.raises(images.ImageError, match="pixels"):
        images.decode_image(ORDINARY["png"], max_pixels=HEIGHT * WIDTH - 1)


def test_converted_kinds():
    """CMYK, 16-bit gray, palette, 1-bit, gray and transparent images become plain RGB."""
    gray = np.mgrid[:HEIGHT, :WIDTH][1].astype(np.uint16) * 1000
    as_rgb = images.decode_image(encode(gray, "PNG"))
    assert np.abs(as_rgb[..., 0] / 255 - gray / 65535).max() <= 0.5 / 255 + 1e-9
    assert (as_rgb[..., 0] == as_rgb[..., 2]).all()

    rgb = Image.fromarray(picture())
    cmyk = images.decode_image(encode(rgb.convert("CMYK"), "JPEG", quality=95))
    assert np.abs(cmyk.astype(int) - picture()).mean() < 6

    palette = rgb.quantize(64)
    exact = np.asarray(palette.convert("RGB"))
    np.testing.assert_array_equal(images.decode_image(encode(palette, "PNG")), exact)
    one_bit = rgb.convert("1")
    exact = np.asarray(one_bit.convert("RGB"))
    np.testing.assert_array_equal(images.decode_image(encode(one_bit, "PNG")), exact)
    assert images.decode_image(encode(rgb.convert("L"), "JPEG")).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparency_lies_on_white(kind):
    """A clear pixel is white, as a browser paints it, and half a black is gray."""
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[:4, :, 3] = 0
    rgba[4:, :, 3] = 128
    decoded = images.decode_image(encode(rgba, kind, lossless=True))
    assert (decoded[:4] == 255).all() and np.abs(decoded[4:].astype(int) - 127).max() <= 1


def test_transparent_palette_and_sixteen_bit_color():
    """A palette's or a color's clear entry is white too; 16-bit RGB keeps its high bytes."""
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 200, 0, 0])
    assert (images.decode_image(encode(palette, "PNG", transparency=1)) == 255).all()

    entries = encode(palette, "PNG", transparency=b"\xff\x80")
    assert np.abs(images.decode_image(entries)[0, 0].astype(int) - [227, 127, 127]).max() <= 1
    red = Image.new("RGB", (4, 4), (200, 0, 0))
    assert (images.decode_image(encode(red, "PNG", transparency=(200, 0, 0))) == 255).all()

    rows = b"".join(b"\0" + struct.pack(">HHH", 0x1234, 0x8000, 0xFFFF) * 2 for _ in range(2))
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(rows))
    decoded = images.decode_image(data + png_chunk(b"IEND", b""))
    assert decoded[0, 0].tolist() == [0x12, 0x80, 0xFF]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_exif_rotation_is_applied(kind, orientation):
    """A photographed screenshot is turned upright, in each format that can say so."""
    flat = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    flat[:10] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = images.decode_image(encode(flat, kind, exif=exif.tobytes()))
    turns = {3: 2, 6: 3, 8: 1}[orientation]
    assert np.abs(decoded.astype(int) - np.rot90(flat, turns)).mean() < 8


def test_unreadable_exif_is_ignored():
    """Metadata that cannot be read says nothing about the pixels."""
    data = encode(picture(), "JPEG", quality=90, exif=b"Exif\0\0nonsense")
    assert images.decode_image(data).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animated_images_are_refused(kind):
    """Which frame is the screenshot, nobody can say."""
    frames = [Image.fromarray(np.roll(picture(), k, 1)) for k in range(3)]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    with pytest.raises(images.ImageError, match="animated"):
        images.decode_image(data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "is empty"),
        (encode(picture(), "GIF"), "is a GIF"),
        (encode(picture(), "TIFF"), "is a TIFF"),
        (encode(picture(), "BMP"), "is a BMP"),
        (b"a plain text file named .png", "no image"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b"\0" * 100, "no image"),
        (b"RIFF\x04\0\0\0WEBP", "truncated WebP"),
    ],
)
def test_other_files_named_png_are_refused(data, expected):
    """The bytes decide, not the name; the error is the reader's mistake type."""
    with pytest.raises(BadInput, match=expected):
        images.decode_image(data)


def fitted(image, target):
    """uint8[h, w, 3] shrunk and padded to uint8[H, W, 3], and the `Fit`."""
    content, fit = images.shrink(image, target)
    return images.frame(content, fit), fit


def test_fit_shrinks_pads_and_never_enlarges():
    """Aspect is kept, the picture is at the top left, the rest is neutral gray."""
    framed, fit = fitted(picture(100, 200), (64, 64))
    assert framed.shape == (64, 64, 3) and fit.content == (32, 64)
    assert (framed[32:] == images.PAD_GRAY).all()
    framed, fit = fitted(picture(20, 30), (64, 64))
    np.testing.assert_array_equal(framed[:20, :30], picture(20, 30))
    assert fit.scale == (1.0, 1.0)
    assert images.fit_size((1, 5000), (64, 64)).content == (1, 64)


def test_boxes_follow_the_picture():
    """A box drawn in the source frames the same pixels in the target."""
    source = np.zeros((300, 500, 3), np.uint8)
    source[100:200, 50:250] = 255
    framed, fit = fitted(source, (128, 192))
    box = np.array([50.0, 100.0, 250.0, 200.0])
    x0, y0, x1, y1 = fit.boxes_to_target(box) * [192, 128, 192, 128]
    inside = framed[: fit.content[0], : fit.content[1], 0] > 127
    assert inside.any()
    rows, columns = np.nonzero(inside)
    edges = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose([x0, y0, x1, y1], edges, atol=1)


def test_patches_in_the_padding_are_marked():
    """A patch counts as soon as one pixel of it is picture; partial patches have their place."""
    fit = images.fit_size((17, 40), (64, 60))
    grid = fit.patch_mask(16).reshape(4, 4)
    np.testing.assert_array_equal(grid, [[1, 1, 1, 0], [1, 1, 1, 0], [0] * 4, [0] * 4])


def test_channel_statistics_are_exact_and_merge():
    """The histogram gives what numpy gives on all pixels at once."""
    parts = [picture(30, 20), 255 - picture(11, 70)]
    merged = images.ChannelStatistics()
    for part in parts:
        one = images.ChannelStatistics()
        one.add(part)
        merged += one
    pixels = np.concatenate([part.reshape(-1, 3) for part in parts]) / 255
    mean, std = merged.mean_std()
    np.testing.assert_allclose(mean, pixels.mean(0), atol=1e-12)
    np.testing.assert_allclose(std, pixels.std(0), atol=1e-12)
    assert images.ChannelStatistics().mean_std() == ([0.5] * 3, [0.25] * 3)
