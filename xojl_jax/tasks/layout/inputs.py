"""What a layout is predicted from: a screenshot and an HTML tree, one of which may be missing.

Files come from anybody, so each is looked at before a model is loaded: what is not what it should
be is refused, and how the rest was taken is said.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np

from xojl_jax.data.images import MAX_BYTES, ImageError, decode_image
from xojl_jax.errors import BadInput
from xojl_jax.tasks.layout.picture_size import one_to_one, strip_warning
from xojl_jax.tasks.layout.tree_features import cut_html
from xojl_jax.xojl import jsontext
from xojl_jax.xojl.faults import DEFAULT_CAPS, XojlError
from xojl_jax.xojl.keys import read_html_key
from xojl_jax.xojl.mistaken import is_layout, is_whole_page
from xojl_jax.xojl.record import FIELDS, Record, parse_record
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
    """

    name: str
    image: np.ndarray | None
    html: Forest
    html_boxes: tuple[tuple[float, ...], ...] | None
    left_out: int = 0
    notes: tuple[str, ...] = ()


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
    )


def fit_to_model(inputs: Inputs, max_nodes: int, canvas: tuple[int, int]) -> Inputs:
    """Cuts a tree that is too large for the model, `left_out` says by how much; and warns of a
    screenshot of which too little is left on the canvas, (height, width) in pixels."""
    if inputs.image is not None:
        warning = strip_warning(inputs.image.shape[:2], canvas)
        inputs = inputs._replace(notes=(*inputs.notes, *warning))
    html, left_out = cut_html(inputs.html, max_nodes)
    if not left_out:
        return inputs
    return inputs._replace(html=html, html_boxes=None, left_out=left_out)


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
    try:
        document = jsontext.decode(text, _LONGEST, str(path))
    except XojlError as error:
        raise BadInput(f"{error}; the form of a tree is {FORM}") from error
    if _is_record(document):
        record = parse_record(text, where=str(path), needs_screenshot=False)
        boxes = "without boxes" if record.html_boxes is None else "with boxes"
        taken = f"a record, {len(preorder(record.html))} nodes {boxes}"
    else:
        record = Record(screenshot="", html=parse_html(text, place=str(path)))
        taken = f"an HTML tree of {len(preorder(record.html))} nodes"
    if is_layout(record.html):
        raise BadInput(
            f"{path} holds a layout (its keys begin with elements, as heading.h1@fs_3r does) where "
            f"an HTML tree is wanted: give the tree that it was made from, such as {FORM}"
        )
    notes.append(f"{path}: taken as {taken}")
    if is_whole_page(record.html):
        notes.append(
            f"warning: {path} begins with the root of a whole page; a model learns sections of "
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
