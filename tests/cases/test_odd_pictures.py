"""Pictures that are not what they seem: read right, told, or refused; never a silent negative."""

import argparse
import io
import json

import numpy as np
import pytest
from PIL import Image

from xojl_jax.data.images import ImageError, decode_image
from xojl_jax.errors import BadInput
from xojl_jax.tasks.layout.inputs import fit_to_model, read_inputs

TREE = {"section": {"h1@fs_2r": {"text": "xv1"}, "img": {"src": "xv2"}}}
BOXES = [[0, 0, 160, 60, 0], [10, 8, 70, 11, 1], [110, 8, 40, 45, 1]]


def page(width=160, height=60) -> Image.Image:
    """A light section with a dark word and a blue picture."""
    pixels = np.full((height, width, 3), 238, np.uint8)
    sy, sx = height / 60, width / 160
    pixels[int(8 * sy) : int(19 * sy), int(10 * sx) : int(80 * sx)] = 30
    pixels[int(8 * sy) : int(53 * sy), int(110 * sx) : int(150 * sx)] = (20, 90, 200)
    return Image.fromarray(pixels)


def jpeg(image: Image.Image, marker: bool, inverted: bool) -> bytes:
    """A CMYK JPEG, with or without Adobe's marker, its inks inverted or not."""
    cmyk = image.convert("CMYK")
    buffer = io.BytesIO()
    cmyk.save(buffer, "JPEG", quality=95)  # Pillow inverts, and writes the marker
    data = buffer.getvalue()
    if not inverted:
        buffer = io.BytesIO()
        Image.fromarray(255 - np.asarray(cmyk), "CMYK").save(buffer, "JPEG", quality=95)
        data = buffer.getvalue()
    if not marker:
        at = data.index(b"\xff\xee")
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        data = data[:at] + data[at + 2 + length :]
    return data


def test_cmyk_is_read_with_the_marker_and_refused_without():
    """Protects from solid black: without the marker nothing tells whether inks are inverted."""
    plain = np.asarray(page()).astype(int)
    read = decode_image(jpeg(page(), marker=True, inverted=True)).astype(int)
    assert np.abs(read - plain).mean() < 12
    for inverted in (True, False):
        with pytest.raises(ImageError, match=r"CMYK JPEG without Adobe's marker.*save it as RGB"):
            decode_image(jpeg(page(), marker=False, inverted=inverted))


def test_sixteen_bits_of_gray_keep_their_levels():
    """Protects from white or black: full scale is scaled, a small scale stays dark as stored, and
    what is transparent is on white."""
    gray = np.asarray(page().convert("L"))
    for factor, wanted in ((257, gray), (16, gray.astype(int) * 16 // 257)):
        buffer = io.BytesIO()
        Image.fromarray(gray.astype(np.uint16) * factor).save(buffer, "PNG")
        read = decode_image(buffer.getvalue()).astype(int)
        assert np.abs(read[..., 0] - wanted.astype(int)).max() <= 1
    buffer = io.BytesIO()
    Image.fromarray(gray.astype(np.uint16) * 257).save(buffer, "PNG", transparency=30 * 257)
    assert decode_image(buffer.getvalue())[10, 20].tolist() == [255, 255, 255]


def read(tmp_path, screenshot, record=None, canvas=(384, 512)):
    path = tmp_path / "record.json"
    path.write_text(json.dumps(record or {"html": TREE}))
    flags = argparse.Namespace(html=str(path), screenshot=str(screenshot))
    return fit_to_model(read_inputs(flags), 128, canvas)


def test_refusals_name_the_file(tmp_path):
    """Protects whoever gives many files: the message has a subject."""
    frames = [page().convert("P"), page().rotate(180).convert("P")]
    files = {"moving.png": "is animated", "moving.webp": "is animated", "really.png": "is a GIF"}
    for name, kind in (("moving.png", "PNG"), ("moving.webp", "WEBP"), ("really.png", "GIF")):
        frames[0].save(tmp_path / name, kind, save_all=True, append_images=frames[1:])
    page().save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:-40])
    for name, words in (files | {"cut.png": "truncated"}).items():
        with pytest.raises(BadInput, match=words) as fault:
            read(tmp_path, tmp_path / name)
        assert str(fault.value).startswith(f"{tmp_path / name} ")


@pytest.mark.parametrize(
    ("size", "canvas", "warned"),
    [
        ((1280, 14000), (384, 512), True),
        ((1280, 14000), (720, 1280), True),
        ((14000, 120), (720, 1280), True),
        ((5120, 2880), (384, 512), True),
        ((1280, 720), (384, 512), False),
        ((1280, 1440), (384, 512), False),
        ((1280, 60), (384, 512), False),
        ((160, 60), (720, 1280), False),
    ],
)
def test_a_picture_that_shrinks_to_a_strip_is_told(tmp_path, size, canvas, warned):
    """Protects from an answer about 35 pixels in width, as if they were a page."""
    path = tmp_path / "tall.png"
    Image.new("1", size, 1).save(path)
    notes = " ".join(read(tmp_path, path, canvas=canvas).notes)
    assert ("little can be read" in notes) == warned
    assert not warned or f"{size[0]} x {size[1]} px" in notes


@pytest.mark.parametrize("factor", [1.25, 1.5, 2, 3])
def test_a_picture_of_a_high_density_screen_is_brought_to_the_boxes(tmp_path, factor):
    """Protects from boxes over the wrong half of the picture: it is shrunk to their size, and said
    to be."""
    path = tmp_path / "retina.png"
    page(round(160 * factor), round(60 * factor)).save(path)
    inputs = read(tmp_path, path, {"html": TREE, "html_boxes": BOXES})
    assert inputs.image.shape == (60, 160, 3) and list(map(list, inputs.html_boxes)) == BOXES
    assert f"device pixel ratio of {factor:g}" in " ".join(inputs.notes)


def test_boxes_that_are_larger_than_the_picture_are_scaled(tmp_path):
    """Protects the other way round: a picture that was made smaller after it was taken."""
    path = tmp_path / "half.png"
    page(80, 30).save(path)
    inputs = read(tmp_path, path, {"html": TREE, "html_boxes": BOXES})
    assert inputs.image.shape == (30, 80, 3) and inputs.html_boxes[2][:4] == (55, 4, 20, 22.5)
    assert "scaled by 0.5" in " ".join(inputs.notes)


def test_sizes_that_do_not_go_together_are_told(tmp_path):
    """Protects from another section's boxes, and from stored pixels of a turned photograph."""
    path = tmp_path / "turned.png"
    page(60, 160).save(path)
    record = {"html": TREE, "html_boxes": BOXES}
    assert "they do not fit" in " ".join(read(tmp_path, path, record).notes)
    page().save(path)
    assert not any("warning" in note for note in read(tmp_path, path, record).notes)
    record = {"html": TREE, "viewport": [80, 400]}
    assert "the viewport 80" in " ".join(read(tmp_path, path, record).notes)
