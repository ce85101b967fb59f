"""Harder questions for layouts: groups of records, and changed inputs (X077, X117).

`GROUPS` and `CHANGES` are the entries; `evaluate --suite` shows each as a row. What a browser would
have to draw again, such as missing fonts, is not here: capture the pages once more for that.
"""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from xojl_jax.tasks.layout.inputs import Inputs
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import used_elements

# Packages whose pages are written with another's framework, by the beginning of their names.
FRAMEWORKS = {
    "startbootstrap": "bootstrap",
    "soft-ui": "bootstrap",
    "gentelella": "bootstrap",
    "tabler": "bootstrap",
    "bulma": "bulma",
    "uikit": "uikit",
    "semantic-ui": "semantic-ui",
    "spectre": "spectre",
    "jquery-mobile": "jquery-mobile",
    "synth": "made",
}


# --- groups ----------------------------------------------------------------------------------


def _source(record: Record, name: str) -> str | None:
    value = (record.source or {}).get(name)
    return value if isinstance(value, str) and value else None


def _site(record: Record) -> str | None:
    """Made sections have hundreds of authors of a few sections each: they are one."""
    site = _source(record, "site")
    return "made" if site and site.startswith("synth:") else site


def _framework(record: Record) -> str | None:
    site = _source(record, "site") or ""
    known = (name for start, name in FRAMEWORKS.items() if site.startswith(start))
    return _source(record, "framework") or next(known, None)


# Kind -> the group of a record, None where nothing is known.
GROUPS: dict[str, Callable[[Record], str | None]] = {
    "site": _site,
    "framework": _framework,
    "language": lambda record: _source(record, "language"),
    "script": lambda record: _source(record, "script"),
}


def groups(references: Sequence[Record], training: Iterable[Record]) -> list[dict[str, str]]:
    """Of each record its groups by kind, and whether training had each of its elements in its
    category."""
    seen = {pair for record in training for pair in combinations(record)}
    found = []
    for record in references:
        named = {kind: group(record) for kind, group in GROUPS.items()}
        named["category and element"] = (
            "seen together" if combinations(record) <= seen else "never seen together"
        )
        found.append({kind: group for kind, group in named.items() if group is not None})
    return found


def combinations(record: Record) -> set[tuple[str, str]]:
    """(category, element) of every element of a layout; none of a record without one."""
    if record.layout is None:
        return set()
    return {(record.category, element) for element in used_elements(record.layout)}


# --- changes ---------------------------------------------------------------------------------


def on_picture(change: Callable[[Image.Image], Image.Image]) -> Callable[[Inputs], Inputs | None]:
    """A change of the screenshot's pixels; its size stays, since boxes are in its pixels."""

    def changed(inputs: Inputs) -> Inputs | None:
        if inputs.image is None:
            return None
        return inputs._replace(image=np.asarray(change(Image.fromarray(inputs.image))))

    return changed


def blur(picture: Image.Image) -> Image.Image:
    """A Gaussian of 2 pixels: text of the usual size can hardly be read."""
    return picture.filter(ImageFilter.GaussianBlur(2))


def jpeg(picture: Image.Image) -> Image.Image:
    """What JPEG leaves at quality 10."""
    stored = io.BytesIO()
    picture.save(stored, "JPEG", quality=10)
    return Image.open(stored).convert("RGB")


def half_scale(picture: Image.Image) -> Image.Image:
    """The detail of half as many pixels a side."""
    width, height = picture.size
    small = picture.resize((max(1, width // 2), max(1, height // 2)), Image.Resampling.BOX)
    return small.resize(picture.size, Image.Resampling.BILINEAR)


def _without_html(inputs: Inputs) -> Inputs | None:
    if inputs.image is None or not inputs.html:
        return None
    return inputs._replace(html=(), html_boxes=None)


def _without_screenshot(inputs: Inputs) -> Inputs | None:
    if inputs.image is None or not inputs.html:
        return None
    return inputs._replace(image=None)


def _without_boxes(inputs: Inputs) -> Inputs | None:
    return None if inputs.html_boxes is None else inputs._replace(html_boxes=None)


# Name -> inputs to harder ones, or None where they have not what is changed.
CHANGES: Mapping[str, Callable[[Inputs], Any]] = {
    "screenshot blurred, 2 px": on_picture(blur),
    "screenshot as JPEG, quality 10": on_picture(jpeg),
    "screenshot at half scale": on_picture(half_scale),
    # Of a dark mode the colors alone: pictures in it are inverted, too.
    "screenshot's colors inverted": on_picture(ImageOps.invert),
    "without screenshot": _without_screenshot,
    "without HTML": _without_html,
    "without boxes": _without_boxes,
}
