"""What a layout is predicted from: a screenshot and an HTML tree, one of which may be missing.

Files come from anybody, so each is looked at before a model is loaded: what is not what it should
be is refused, and how the rest was taken is said.
"""

import argparse
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from xojl_jax.config_fields import split_names
from xojl_jax.data.images import MAX_BYTES, ImageError, decode_image
from xojl_jax.errors import BadInput
from xojl_jax.tasks.base import Limits
from xojl_jax.tasks.layout.picture_size import one_to_one, strip_warning
from xojl_jax.tasks.layout.tree_features import cut_html
from xojl_jax.xojl import jsontext
from xojl_jax.xojl.faults import DEFAULT_CAPS, Caps, XojlError
from xojl_jax.xojl.keys import read_html_key
from xojl_jax.xojl.mistaken import is_layout, is_whole_page
from xojl_jax.xojl.record import FIELDS, Record, parse_record, read_directory
from xojl_jax.xojl.screenshot_file import other_spelling, safe_screenshot_path
from xojl_jax.xojl.tree import FORM, Forest, parse_html, preorder

# A record may be twice as long as a document (docs/record.md).
_LONGEST = 2 * DEFAULT_CAPS.document
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"GIF8")


class Inputs(NamedTuple):
    """What is known of a section.

    Attributes:
      name: for the names of files.
      image: uint8[h, w, 3], or None without a screenshot.
      html: () without a tree.
      html_boxes: x, y, width, height, z of every HTML node in pixels of the screenshot, or None.
      left_out: HTML nodes that were cut off because the model reads no more.
      notes: how the files were taken, and warnings, a line each.
      hints: elements that are said to occur; () where nothing is said.
      label: the layout that a record of a folder has; () without one.
    """

    name: str
    image: np.ndarray | None
    html: Forest
    html_boxes: tuple[tuple[float, ...], ...] | None
    left_out: int = 0
    notes: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    label: Forest = ()


def read_inputs(flags: argparse.Namespace) -> Inputs:
    """Inputs from the files `flags.screenshot` and `flags.html`, either of which may be None.

    Raises:
      BadInput: a file is not what it should be; or there is nothing in the files.
    """
    notes: list[str] = []
    image = _read_picture(Path(flags.screenshot)) if flags.screenshot else None
    record = _read_html(Path(flags.html), notes) if flags.html else None
    if record is not None and image is None and record.screenshot:
        image = _picture_beside(Path(flags.html), record, notes)
    if image is None and (record is None or not record.html):
        raise BadInput(f"{flags.html}: an empty tree and no screenshot: nothing to predict from")
    boxes = None
    if record is not None:
        image, boxes = one_to_one(image, record, notes)
    return Inputs(
        name=Path(flags.screenshot or flags.html).stem,
        image=image,
        html=record.html if record else (),
        html_boxes=boxes,
        notes=tuple(notes),
        hints=split_names(getattr(flags, "hints", "")),
    )


def make_inputs(values: Mapping[str, Any], name: str, limits: Limits) -> Inputs:
    """Inputs from values in memory, any of which may be None or absent.

    Args:
      values: "screenshot", the bytes of a file or uint8[h, w, 3]; "html", a tree or a record, as
        JSON text or decoded; "html_boxes", a list of [x, y, width, height, z] for a tree's nodes.
        A record's own screenshot is not looked for.
      name: for messages, too.

    Raises:
      BadInput: a value is not what it should be; or there is nothing in the values.
    """
    notes: list[str] = []
    html, boxes = values.get("html"), values.get("html_boxes")
    image = _as_picture(values.get("screenshot"), f"{name} screenshot", limits)
    record = None
    if html is not None:
        record = _as_record(
            html, boxes, f"{name} html", notes, replace(DEFAULT_CAPS, nodes=limits.nodes)
        )
    elif boxes is not None:
        raise BadInput(f"{name}: html_boxes without html: whose boxes?")
    if image is None and (record is None or not record.html):
        raise BadInput(f"{name}: no screenshot and no nodes of html: nothing to predict from")
    boxes = None
    if record is not None:
        image, boxes = one_to_one(image, record, notes)
    return Inputs(name, image, record.html if record else (), boxes, notes=tuple(notes))


def count_records(folder: Path) -> int:
    """How many `read_records` gives, without reading what is in them."""
    lines, count = folder / "records.jsonl", 0
    if lines.is_file():
        with lines.open("rb") as stream:
            count = sum(1 for line in stream if line.strip())
    return count + sum(1 for path in folder.glob("*.json") if path.is_file())


def read_records(folder: Path) -> Iterator[tuple[str, Callable[[], Inputs]]]:
    """(place, a function that gives its inputs or raises BadInput) of every record of a folder.

    A screenshot is read when the function is called.
    """
    for where, record in read_directory(folder):
        yield where, functools.partial(_stored_inputs, folder, where, record)


def _stored_inputs(folder: Path, where: str, record: Record | BadInput) -> Inputs:
    if isinstance(record, BadInput):
        raise record
    picture = safe_screenshot_path(folder, record.screenshot, where=f"{where} screenshot")
    notes: list[str] = []
    image, boxes = one_to_one(_read_picture(picture), record, notes)
    name, label = record.id or where, record.layout or ()
    return Inputs(name, image, record.html, boxes, notes=tuple(notes), label=label)


def fit_to_model(inputs: Inputs, max_nodes: int, canvas: tuple[int, int]) -> Inputs:
    """Cuts a tree that is too large for the model, `left_out` says by how much; and warns of a
    screenshot of which too little is left on the canvas, (height, width) in pixels."""
    if inputs.image is not None:
        warning = strip_warning(inputs.image.shape[:2], canvas)
        inputs = inputs._replace(notes=(*inputs.notes, *warning))
    html, left_out = cut_html(inputs.html, max_nodes)
    if not left_out:
        return inputs
    return inputs._replace(html=html, html_boxes=None, left_out=inputs.left_out + left_out)


# --- files -----------------------------------------------------------------------------------


def _read_file(path: Path, limit: int) -> bytes:
    """The bytes of a file that has `limit` at most; never more than that in memory."""
    try:
        if not path.is_file():
            raise BadInput(f"{path} cannot be read: {_why_no_file(path)}")
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > limit:
        raise BadInput(f"{path} has more than the {limit >> 20} MiB that are read: one section?")
    return data


def _why_no_file(path: Path) -> str:
    if path.exists():
        return "it is no plain file"
    hint = other_spelling(path.parent, path.name)
    return f"there is no such file{f'; {hint}' if hint else ''}"


def _read_picture(path: Path) -> np.ndarray:
    try:
        return decode_image(_read_file(path, MAX_BYTES))
    except ImageError as error:
        raise BadInput(f"{path} {error}") from error


def _picture_beside(path: Path, record: Record, notes: list[str]) -> np.ndarray | None:
    """The screenshot that a record names, from the record's folder."""
    where = f"{path} screenshot"
    try:
        picture = safe_screenshot_path(path.parent, record.screenshot, where=where)
    except XojlError as error:
        if not error.what.startswith("no file"):
            raise
        notes.append(f"warning: {error}; the answer is made from the HTML alone")
        return None
    return _read_picture(picture)


def _read_html(path: Path, notes: list[str]) -> Record:
    """A record, or a bare tree as a record without a screenshot; `notes` says which."""
    text = _read_file(path, _LONGEST)
    if text.startswith(_PICTURES):
        raise BadInput(f"{path} is a picture: give it as --screenshot")
    return _as_record(text, None, str(path), notes, DEFAULT_CAPS)


def _as_picture(value, where: str, limits: Limits) -> np.ndarray | None:
    """The pixels of a value in memory."""
    if value is None:
        return None
    if isinstance(value, np.ndarray):
        if value.dtype != np.uint8 or value.ndim != 3 or value.shape[2] != 3 or not value.size:
            raise BadInput(
                f"{where} is {value.dtype}{list(value.shape)}: an array must be uint8[h, w, 3]"
            )
        if value.shape[0] * value.shape[1] > limits.pixels:
            raise BadInput(f"{where} has more than the {limits.pixels} pixels that are read")
        return value
    if not isinstance(value, bytes):
        raise BadInput(f"{where} is {jsontext.describe(value)}: give the bytes of a picture")
    try:
        return decode_image(value, max_pixels=limits.pixels)
    except ImageError as error:
        raise BadInput(f"{where} {error}") from error


def _as_record(value, boxes, where: str, notes: list[str], caps: Caps) -> Record:
    """A record, or a bare tree as a record without a screenshot; `notes` says which.

    Args:
      value: JSON text, or what it was decoded to.
      boxes: those of a bare tree, or None.
    """
    is_text = isinstance(value, str | bytes)
    try:
        document = jsontext.decode(value, _LONGEST, where) if is_text else value
    except XojlError as error:
        raise BadInput(f"{error}; the form of a tree is {FORM}") from error
    if boxes is not None:
        document, is_text = {"html": document, "html_boxes": boxes}, False
    if boxes is not None or _is_record(document):
        record = parse_record(
            value if is_text else document, where=where, caps=caps, needs_screenshot=False
        )
        boxed = "without boxes" if record.html_boxes is None else "with boxes"
        taken = f"a record, {len(preorder(record.html))} nodes {boxed}"
    else:
        html = parse_html(value if is_text else document, caps, place=where, pairs=False)
        record = Record(screenshot="", html=html)
        taken = f"an HTML tree of {len(preorder(record.html))} nodes"
    if is_layout(record.html):
        raise BadInput(
            f"{where} holds a layout (its keys begin with elements, as heading.h1@fs_3r does) "
            f"where an HTML tree is wanted: give the tree that it was made from, such as {FORM}"
        )
    notes.append(f"{where}: taken as {taken}")
    if is_whole_page(record.html):
        notes.append(
            f"warning: {where} begins with the root of a whole page; a model learns sections of "
            "pages: python -m data_prep.capture cuts a page into them"
        )
    return record


def _is_record(document) -> bool:
    """Whether a JSON value is a record rather than a tree, whose root may be `html`, too."""
    if not isinstance(document, dict):
        return False
    if "html" not in document:
        return "screenshot" in document or "section_layout" in document
    if any(name in document for name in FIELDS if name != "html"):
        return True
    inside = document["html"]
    if not isinstance(inside, dict) or len(document) > 1:
        return False
    return bool(inside) and not any(_tag(key) in ("head", "body", "frameset") for key in inside)


def _tag(key: str) -> str | None:
    try:
        return read_html_key(key).tag
    except ValueError:
        return None
