"""Sections as files, for readers who work without the page: a model that looks, or another tool.

    DIR/GUIDE.txt        the elements, the categories, and how an answer is written
    DIR/NAME.png         the screenshot
    DIR/NAME.txt         the html nodes: number, tag, box, classes, text, proposed label, and in
                         adjudication what each reader said where they differ
    DIR/NAME.labels      the answer, by the reader: `category: hero`, then lines such as `3 heading`

Answers become decisions of a `Reading`, as if they had been made in the page: checked by the same
rules, saved in the same files, and open to be corrected there.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from data_prep.annotate.guide import read_guide
from data_prep.annotate.reading import Reading
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.files import replacing, write_text
from xojl_jax.xojl.record import CATEGORIES
from xojl_jax.xojl.tree import CONTAINERS, ELEMENTS

_FORM = """An answer is a file NAME.labels beside NAME.txt:

category: hero
0 section
3 heading
4 paragraph

One label a line: the number of the html node in NAME.txt, and the element. Nodes without a label
are not named. What is inside a leaf is merged into it and must have no label. A section that cannot
be read has the one line

leave out: WHY

"""
_CLASSES = 160  # characters of a node's classes that are shown
_LABEL = re.compile(r"(\d+)\s+([a-z]+)")


def write_sheets(reading: Reading, folder: Path) -> int:
    """Writes sheets of the sections that are not finished; returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "GUIDE.txt", _guide())
    work = reading.overview()
    states = zip(work["names"], work["states"], strict=True)
    todo = [name for name, state in states if state in ("open", "begun")]
    for name in todo:
        write_text(folder / f"{name}.txt", _sheet(reading.show(name)))
        data, _ = reading.picture(name)
        with replacing(folder / f"{name}.png") as temporary:
            Image.open(io.BytesIO(data)).convert("RGB").save(temporary, "PNG")
    return len(todo)


def read_sheets(reading: Reading, folder: Path) -> Iterator[tuple[str, str]]:
    """Takes the answers over, and finishes the sections of which all is said.

    Yields:
      name, and "" or what keeps the section from being finished: a rule of the language that is
      broken, a line that cannot be read. What was understood of it is saved.

    Raises BadUsage where there is no answer at all.
    """
    answers = sorted(folder.glob("*.labels"))
    if not answers:
        raise BadUsage(f"--read-sheets {folder}: no answer (NAME.labels) is there")
    for path in answers:
        try:
            yield path.stem, _take_over(reading, path)
        except (BadInput, BadUsage) as error:
            yield path.stem, str(error)


def _take_over(reading: Reading, path: Path) -> str:
    name = path.stem
    labels, category, left_out = _answer(path)
    if left_out:
        reading.leave_out(name, left_out)
        return ""
    return reading.decide_all(name, labels, category)


def _answer(path: Path) -> tuple[dict[int, str], str, str]:
    """The labels by html node, the category, and why the section is left out ("" if it is not)."""
    labels: dict[int, str] = {}
    category = ""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeError as error:
        raise BadInput(f"{path.name}: not a text in UTF-8 ({error})") from error
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        key, _, value = (part.strip() for part in line.partition(":"))
        if key == "leave out" and value:
            return {}, "", value
        if key == "category" and value in CATEGORIES:
            category = value
        elif (found := _LABEL.fullmatch(line)) and found[2] in ELEMENTS:
            if labels.setdefault(int(found[1]), found[2]) != found[2]:
                raise BadInput(f"{path.name}:{number}: node {found[1]} has a label already")
        elif line:
            raise BadInput(
                f"{path.name}:{number}: {line[:60]!r} is no label: write `3 heading`, "
                "`category: hero` or `leave out: WHY`, as GUIDE.txt says"
            )
    if not category:
        raise BadInput(f"{path.name}: no line `category: …` ({', '.join(CATEGORIES)})")
    return labels, category, ""


def _guide() -> str:
    lines = []
    for element, about in read_guide().items():
        kind = "container" if element in CONTAINERS else "leaf"
        lines.append(f"{element} ({kind}): {' '.join([about['is'], *about['mind']])}")
    return f"{_FORM}Categories: {', '.join(CATEGORIES)}\n\nElements:\n" + "\n".join(lines) + "\n"


def _sheet(shown: dict[str, Any]) -> str:
    nodes, depth = shown["nodes"], {-1: -1}
    sides = shown["sides"]
    lines = [f"{shown['name']}: number, tag, [x y width height] px, classes, text"]
    categories = {reader: side["category"] for reader, side in sides.items()}
    lines += [f"category: {shown['category']}"] if shown["category"] else []
    lines += _differing("category ", categories)
    for index, node in enumerate(nodes):
        depth[index] = depth[node["parent"]] + 1
        box = "[{:.0f} {:.0f} {:.0f} {:.0f}]".format(*node["box"]) if node["box"] else ""
        desktop = [one for one in node["classes"].split(" ") if ":" not in one]
        parts = [f"{index}{'  ' * depth[index]} {node['tag']}", box, " ".join(desktop)[:_CLASSES]]
        parts += [kind for kind in node["holds"] if kind != "text"]
        parts += [repr(node["text"])] if node["text"] else []
        if index in shown["labels"]:
            sure = shown["proposals"].get(index, {}).get("confidence")
            parts.append(f"= {shown['labels'][index]}" + (f" {sure:.2f}" if sure else ""))
        said = {reader: side["labels"].get(index, "nothing") for reader, side in sides.items()}
        parts += _differing("", said)
        lines.append(" ".join(filter(None, parts)))
    return "\n".join(lines) + "\n"


def _differing(what: str, said: dict[str, str]) -> list[str]:
    """`(ana: heading, bo: paragraph)` where readers differ; nothing where they do not."""
    if len(set(said.values())) < 2:
        return []
    return [f"{what}({', '.join(f'{reader}: {label}' for reader, label in said.items())})"]
