"""`python -m data_prep.validate`: checks every record of a folder, and says what is in it."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from data_prep.gallery import Gallery
from data_prep.progress import Progress
from xojl_jax import command
from xojl_jax.data.images import decode_image
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.record import CATEGORIES, Record, align, read_directory, safe_screenshot_path
from xojl_jax.xojl.tree import preorder, used_elements

USAGE = """Checks every record of a folder: trees, screenshots, boxes, labels. Prints statistics.

  python -m data_prep.validate data/raw
  python -m data_prep.validate data/raw --report check.html

Exit code 0 when every record is sound, 1 when any is not (each with what and where)."""
SLACK = 1.5  # px by which a box may stand outside its screenshot: rounding
SHOWN = 50  # bad records that are listed


@dataclass
class Statistics:
    records: int = 0
    labelled: int = 0
    bad: list[tuple[str, str]] = field(default_factory=list)
    nodes: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    unaligned: int = 0
    recovered: list[float] = field(default_factory=list)
    elements: Counter = field(default_factory=Counter)
    categories: Counter = field(default_factory=Counter)
    sites: Counter = field(default_factory=Counter)
    sizes: Counter = field(default_factory=Counter)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        "python -m data_prep.validate",
        description=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", help="records.jsonl (or *.json) and screenshots")
    parser.add_argument("--report", metavar="FILE.html", help="write a page with pictures, too")
    options = parser.parse_args(argv)
    folder, found = Path(options.folder), Statistics()
    entries = list(read_directory(folder))
    with open_gallery(options.report) as gallery:
        ids: dict[str, str] = {}
        for where, record in Progress(entries, "records"):
            pixels, problems = None, [str(record)] if isinstance(record, BadInput) else []
            if not problems:
                pixels, problems = check(folder, record)
                if record.id is not None and ids.setdefault(record.id, where) != where:
                    problems.append(f"id {record.id!r} is that of {ids[record.id]}, too")
                tell(found, record, problems)
            found.records += 1
            found.bad += [(where, problem) for problem in problems]
            if gallery:
                gallery.add(where, record, pixels, problems)
        print(summary(found))
        if gallery:
            gallery.close(summary(found))
            print(f"report: {options.report}", file=sys.stderr)
    return 1 if found.bad else 0


def open_gallery(path: str | None):
    """The report's page; BadUsage now rather than after the work when it cannot be written."""
    try:
        return Gallery(Path(path) if path else None)
    except OSError as error:
        raise BadUsage(f"--report {path}: cannot write there ({error.strerror})") from error


def check(folder: Path, record: Record):
    """(the screenshot as uint8[H, W, 3] or None, what is wrong with the record)."""
    try:
        path = safe_screenshot_path(folder, record.screenshot)
        pixels = decode_image(path.read_bytes())
    except BadInput as error:
        return None, [f"screenshot: {error}", *label_problems(record)]
    except OSError as error:
        return None, [f"screenshot {record.screenshot}: {error.strerror}", *label_problems(record)]
    return pixels, [*box_problems(record, pixels.shape[:2]), *label_problems(record)]


def box_problems(record: Record, size: tuple[int, int]) -> Iterator[str]:
    """Every box inside the picture (height, width), and the root as large as it (1:1)."""
    boxes = record.html_boxes
    if boxes is None:
        return
    height, width = size
    for index, (x, y, w, h, _) in enumerate(boxes):
        if x < -SLACK or y < -SLACK or x + w > width + SLACK or y + h > height + SLACK:
            yield f"html_boxes[{index}] ({x:g}, {y:g}, {w:g}, {h:g}) is outside {width} x {height}"
            return
    if len(record.html) == 1 and boxes:
        w, h = boxes[0][2:4]
        if abs(w - width) > SLACK or abs(h - height) > SLACK:
            yield f"the screenshot is {width} x {height}, its root {w:g} x {h:g}: not one to one"
    if record.source and record.source.get("box"):
        w, h = record.source["box"][2:4]
        if abs(w - width) > SLACK or abs(h - height) > SLACK:
            yield f"the screenshot is {width} x {height}, source.box {w:g} x {h:g}"


def label_problems(record: Record) -> Iterator[str]:
    """used_elements, category and alignment against the layout."""
    if record.layout is None:
        if record.used_elements:
            yield "used_elements without section_layout"
        return
    truth = used_elements(record.layout)
    if tuple(record.used_elements) != truth:
        yield f"used_elements {list(record.used_elements)}: the layout has {list(truth)}"
    if record.layout_nodes is None:
        return
    html = preorder(record.html)
    taken: dict[int, int] = {}
    layout = preorder(record.layout)
    for visit, index in zip(layout, record.layout_nodes, strict=True):
        if index is None:
            continue
        name = f"layout node {visit.index} ({visit.node.element})"
        if index in taken:
            yield f"{name} and layout node {taken[index]} name one html node, {index}"
            return
        taken[index] = visit.index
        twin = html[index].node
        if visit.node.tag is not None and visit.node.tag != twin.tag:
            yield f"{name} is a {visit.node.tag}, its html node {index} a {twin.tag}"
            return
        above = record.layout_nodes[visit.parent] if visit.parent >= 0 else None
        if above is not None and not above < index < html[above].subtree_end:
            yield f"{name}: html node {index} is not inside its parent's, {above}"
            return


def tell(found: Statistics, record: Record, problems: list[str]) -> None:
    """Adds one readable record to the statistics."""
    found.nodes.append(len(preorder(record.html)))
    site = (record.source or {}).get("site") or (record.source or {}).get("uri", "unknown")
    found.sites[str(site).split("/")[0]] += 1
    if record.layout is None:
        return
    found.labelled += 1
    layout = preorder(record.layout)
    found.labels.append(len(layout))
    found.elements.update(used_elements(record.layout))
    known = record.category in CATEGORIES
    found.categories[record.category if known else f"other ({record.category})"] += 1
    stored = record.alignment()
    found.unaligned += sum(index is None for index in stored)
    if record.layout_nodes is not None and not problems:
        again = align(record.html, record.layout)
        same = sum(a == b for a, b in zip(again, stored, strict=True))
        found.recovered.append(same / max(1, len(stored)))


def summary(found: Statistics) -> str:
    """The statistics as lines for a person."""

    def spread(values: list[int]) -> str:
        return f"median {median(values):g}, most {max(values)}" if values else "none"

    def listed(counts: Counter) -> str:
        return ", ".join(f"{name} {count}" for name, count in counts.most_common()) or "none"

    wrong = len({where for where, _ in found.bad})
    lines = [
        f"{found.records} records, {found.labelled} labelled, {wrong} bad",
        f"html nodes: {spread(found.nodes)}; layout nodes: {spread(found.labels)}",
        f"sites: {listed(found.sites)}",
        f"categories: {listed(found.categories)}",
        f"records with: {listed(found.elements)}",
        f"layout nodes without an html node: {found.unaligned}",
    ]
    if found.recovered:
        share = sum(found.recovered) / len(found.recovered)
        lines.append(f"alignment that would be recovered without layout_nodes: {share:.1%}")
    lines += [f"BAD {where}: {problem}" for where, problem in found.bad[:SHOWN]]
    if len(found.bad) > SHOWN:
        lines.append(f"… and {len(found.bad) - SHOWN} more")
    return "\n".join(lines)


if __name__ == "__main__":
    command.run(main)
