"""Pictures for the report: which records are shown, and their thumbnails with labels drawn over."""

import base64
import io
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image

from data_prep.records.entries import Entry, Folder, Shards
from data_prep.validate.overview import Overview
from xojl_jax.data.images import decode_image
from xojl_jax.errors import BadInput
from xojl_jax.evaluation.drawing import element_color
from xojl_jax.xojl.record import Record, parse_record
from xojl_jax.xojl.tree import ELEMENTS, preorder, print_layout, to_semantic

WIDTH = 480  # px of a thumbnail
PROBLEM_EXAMPLES = 6  # pictures of one kind of problem
PAIR_EXAMPLES = 24
_ELEMENT_EXAMPLES = 4
_LONGEST_LAYOUT = 6000  # characters of a layout that are shown


class Shot(NamedTuple):
    """One record as the page shows it."""

    size: tuple[int, int]  # px of the screenshot
    picture: str  # data URI
    boxes: tuple[tuple[str, tuple[float, ...]], ...]  # element, (x, y, width, height) in its px
    layout: str  # the semantic view, indented


def choose(overview: Overview, most: int) -> tuple[list[int], list[int]]:
    """(numbers of the records shown, numbers of the pairs shown): problems, pairs, then a sample
    in which every category and every element has its place. The same data gives the same choice.
    """
    chosen: dict[int, None] = {}
    numbers = {id(finding): number for number, finding in enumerate(overview.findings)}

    def take(candidates) -> None:
        for number in candidates:
            if len(chosen) < most:
                chosen[number] = None

    for findings in overview.problems().values():
        take(numbers[id(finding)] for finding in findings[:PROBLEM_EXAMPLES])
    pairs = _interesting_pairs(overview)[:PAIR_EXAMPLES]
    for pair in pairs:
        take((overview.pairs[pair].other, overview.pairs[pair].one))
    for element in ELEMENTS:
        having = [i for i, f in enumerate(overview.findings) if element in f.elements and f.size]
        take(having[:: max(1, len(having) // _ELEMENT_EXAMPLES)][:_ELEMENT_EXAMPLES])
    take(_by_turns(overview))
    shown = [i for i in pairs if {overview.pairs[i].one, overview.pairs[i].other} <= set(chosen)]
    return sorted(chosen), shown


def _interesting_pairs(overview: Overview) -> list[int]:
    """All pairs, those to look at first: of two splits or sites, with other labels, a shared
    picture; and not a hundred times the same footer."""
    order = ("labels", "shared", "near", "duplicate")
    repeats: Counter[int] = Counter()
    keys = {}
    for number, pair in enumerate(overview.pairs):
        one, other = overview.findings[pair.one], overview.findings[pair.other]
        repeats[pair.other] += 1
        crossing = (one.split == other.split, one.site == other.site)
        keys[number] = (*crossing, order.index(pair.kind), repeats[pair.other], number)
    return sorted(keys, key=keys.get)


def _by_turns(overview: Overview) -> Iterator[int]:
    """One record of each category after the other, so that the rare ones are seen."""
    groups: dict[str, list[int]] = {}
    for number, finding in enumerate(overview.findings):
        if finding.size:
            groups.setdefault(finding.category, []).append(number)
    queues = [iter(_spread_out(group)) for group in groups.values()]
    while queues:
        for queue in list(queues):
            number = next(queue, None)
            if number is None:
                queues.remove(queue)
            else:
                yield number


def _spread_out(group: list[int]) -> Iterator[int]:
    """All of a list, from all over it first: neighbors come from one page."""
    step = 2 ** max(0, len(group).bit_length() - 1)
    seen = set()
    while step:
        for i in range(0, len(group), step):
            if i not in seen:
                seen.add(i)
                yield group[i]
        step //= 2


def take_shots(
    source: Folder | Shards, entries: list[Entry], numbers: list[int]
) -> dict[int, Shot]:
    """The shots of records by number; a record without a sound picture has none."""
    shots = {}
    for number in numbers:
        try:
            record = parse_record(source.text(entries[number]))
            data = source.picture(entries[number], record.screenshot)
            shots[number] = _shot(record, data)
        except (BadInput, OSError):
            continue  # the page names the problem in the picture's place
    return shots


def _shot(record: Record, data: bytes) -> Shot:
    pixels = decode_image(data)
    image = Image.fromarray(pixels)
    image.thumbnail((WIDTH, 2 * WIDTH), reducing_gap=2.0)
    out = io.BytesIO()
    image.save(out, "WEBP", quality=60)
    picture = f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}"
    boxes, layout = [], ""
    if record.layout is not None:
        layout = print_layout(to_semantic(record.layout), indent=1)[:_LONGEST_LAYOUT]
        if record.html_boxes is not None:
            for visit, index in zip(preorder(record.layout), record.alignment(), strict=True):
                if index is not None:
                    boxes.append((visit.node.element, record.html_boxes[index][:4]))
    return Shot((pixels.shape[1], pixels.shape[0]), picture, tuple(boxes), layout)


def color(element: str) -> str:
    """An element's color, as CSS."""
    return "rgb({} {} {})".format(*element_color(element))
