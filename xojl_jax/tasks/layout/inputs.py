"""What a layout is predicted from: a screenshot and an HTML tree, one of which may be missing."""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np

from xojl_jax.data.images import decode_image
from xojl_jax.errors import BadInput
from xojl_jax.tasks.layout.tree_features import cut_html
from xojl_jax.xojl.record import Record, parse_record
from xojl_jax.xojl.tree import Forest, parse_html


class Inputs(NamedTuple):
    """What is known of a section.

    Attributes:
      name: for the names of files.
      image: uint8[h, w, 3], or None without a screenshot.
      html: () without a tree.
      html_boxes: x, y, width, height, z of every HTML node in pixels of the screenshot, or None.
      left_out: HTML nodes that were cut off because the model reads no more.
    """

    name: str
    image: np.ndarray | None
    html: Forest
    html_boxes: tuple[tuple[float, ...], ...] | None
    left_out: int = 0


def read_inputs(flags: argparse.Namespace) -> Inputs:
    """Inputs from the files `flags.screenshot` and `flags.html`, either of which may be None."""
    image = decode_image(_read_file(flags.screenshot)) if flags.screenshot else None
    record = _read_html(flags.html) if flags.html else None
    if record is not None and image is None and record.screenshot:
        beside = Path(flags.html).parent / record.screenshot
        image = decode_image(beside.read_bytes()) if beside.is_file() else None
    return Inputs(
        name=Path(flags.screenshot or flags.html).stem,
        image=image,
        html=record.html if record else (),
        html_boxes=record.html_boxes if record else None,
    )


def fit_to_model(inputs: Inputs, max_nodes: int) -> Inputs:
    """Cuts a tree that is too large for the model; `left_out` says by how much."""
    html, left_out = cut_html(inputs.html, max_nodes)
    if not left_out:
        return inputs
    return inputs._replace(html=html, html_boxes=None, left_out=left_out)


def _read_file(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error


def _read_html(path: str) -> Record:
    """A record, or a bare tree as a record without a screenshot."""
    text = _read_file(path)
    if text.lstrip()[:1] == b"<":
        raise BadInput(
            f"{path} is HTML mark-up, not a compact tree: make records of the page with "
            "python -m data_prep.capture, and give one of them"
        )
    if b'"screenshot"' in text and b'"html"' in text:
        return parse_record(text, where=path)
    return Record(screenshot="", html=parse_html(text, place=path))
