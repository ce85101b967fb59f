"""Values of JSON that documents are made of: strings, boxes, regions; checked as they are read.

A fault is an XojlError that names the place and what belongs there.
"""

from dataclasses import dataclass

from xojl_jax.xojl import jsontext
from xojl_jax.xojl.faults import XojlError
from xojl_jax.xojl.keys import has_surrogate

Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in [0, 1] of the page, y downwards
BOX_DECIMALS = 4  # kept in writing: a twentieth of a pixel on a side of 1024, at most


@dataclass(frozen=True)
class Region:
    """A marked part of a page: a table, a title, a table's row."""

    label: str
    box: Box


def read_string(value, where: str) -> str:
    if not isinstance(value, str) or has_surrogate(value) or not value:
        raise XojlError(jsontext.describe(value), where, "a string of Unicode text, not empty")
    return value


def read_box(value, where: str) -> Box:
    x0, y0, x1, y1 = read_numbers(value, 4, where)
    if not (0 <= x0 <= x1 <= 1 and 0 <= y0 <= y1 <= 1):
        wanted = "x0, y0, x1, y1 in [0, 1] of the page, x0 <= x1 and y0 <= y1"
        raise XojlError(f"{[x0, y0, x1, y1]}", where, wanted)
    return x0, y0, x1, y1


def read_regions(value, where: str) -> tuple[Region, ...]:
    if not isinstance(value, list):
        raise XojlError(jsontext.describe(value), where, "a list of objects (label, box)")
    regions = []
    for i, region in enumerate(value):
        if not isinstance(region, dict) or region.keys() != {"label", "box"}:
            wanted = "an object with label and box, and nothing else"
            raise XojlError(jsontext.describe(region), f"{where}[{i}]", wanted)
        label = read_string(region["label"], f"{where}[{i}] label")
        regions.append(Region(label, read_box(region["box"], f"{where}[{i}] box")))
    return tuple(regions)


def read_numbers(value, count: int, where: str) -> tuple:
    def fine(number) -> bool:  # NaN fails both comparisons
        return type(number) in (int, float) and -1e9 < number < 1e9

    if not isinstance(value, list | tuple) or len(value) != count or not all(map(fine, value)):
        raise XojlError(jsontext.describe(value), where, f"{count} ordinary numbers")
    return tuple(value)


def read_list(value, what: str, where: str) -> list:
    """A list; `what` says of what, in plural."""
    if not isinstance(value, list):
        raise XojlError(jsontext.describe(value), where, f"a list of {what}")
    return value


def round_box(box) -> list[float]:
    """A box as it is written."""
    return [round(float(value), BOX_DECIMALS) for value in box]
