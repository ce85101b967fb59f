"""Layouts to be judged: those of a folder's own records, or a model's answers to them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from data_prep.roundtrip.layouts.rendering import PlacedLayout
from xojl_jax.errors import BadInput
from xojl_jax.xojl.record import Record, read_directory
from xojl_jax.xojl.tree import parse_layout, preorder


class Judgeable(NamedTuple):
    """What is judged of one record.

    Attributes:
      place: of the record in its folder, as answers name it.
      name: the record's id; its place in the folder where it has none.
      record: None where it cannot be read.
      layouts: its own layout, or the answer's hypotheses, the most probable first.
      failed: why there are none.
    """

    place: str
    name: str
    record: Record | None
    layouts: list[PlacedLayout]
    failed: str = ""


def read_judgeable(folder: Path, answers: Path | None) -> Iterator[Judgeable]:
    """One of each record that has an answer; without answers, of each record.

    Raises BadInput where a line of the answers is none, or is about no record of the folder.
    """
    told = None if answers is None else read_answers(answers)
    for place, record in read_directory(folder):
        line = None if told is None else told.pop(place, None)
        if told is not None and line is None:
            continue
        if isinstance(record, BadInput):
            yield Judgeable(place, place, None, [], "the record cannot be read")
            continue
        name = record.id or place
        try:
            layouts = _own_layout(record) if line is None else layouts_of(line)
            _check_nodes(layouts, len(preorder(record.html)))
        except BadInput as error:
            yield Judgeable(place, name, record, [], str(error))
        else:
            yield Judgeable(place, name, record, layouts)
    if told:
        place = next(iter(told))
        raise BadInput(f"{answers}: it answers {place}, which is no record of {folder}")


def read_answers(path: Path) -> dict[str, dict[str, Any]]:
    """Place of a record -> its line, of a file of `predict --records`."""
    found = {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read ({error})") from error
    for number, line in enumerate(text.splitlines(), 1):
        try:
            told = json.loads(line)
            found[told["record"]] = told
        except (ValueError, KeyError, TypeError) as error:
            wanted = "a line of python -m xojl_jax.predict --records"
            raise BadInput(f"{path}:{number}: expected {wanted}") from error
    return found


def layouts_of(line: dict[str, Any]) -> list[PlacedLayout]:
    """The hypotheses of an answer, the most probable first; BadInput where it has none."""
    if "error" in line:
        raise BadInput("there is no answer to it")
    detail = line.get("views", {}).get("detail", line)
    if "nodes" not in detail:
        raise BadInput("it names no html nodes: predict with --mode=detail or dual")
    told = detail.get("hypotheses", [detail])
    return [PlacedLayout(parse_layout(one["layout"]), tuple(one["nodes"])) for one in told]


def _own_layout(record: Record) -> list[PlacedLayout]:
    if record.layout is None:
        raise BadInput("no layout")
    return [PlacedLayout(record.layout, record.alignment())]


def _check_nodes(layouts: list[PlacedLayout], count: int) -> None:
    for layout in layouts:
        if all(node is None for node in layout.nodes):
            raise BadInput("no element names an html node")
        if len(layout.nodes) != len(preorder(layout.forest)):
            raise BadInput("another number of nodes than of elements")
        if any(node is not None and not 0 <= node < count for node in layout.nodes):
            raise BadInput("an element names a node that the record does not have")
