"""What can be wrong with one record, and what to do about each kind of it."""

from collections.abc import Iterator
from typing import NamedTuple

from data_prep.records.entries import UTF16
from xojl_jax.xojl.align import align
from xojl_jax.xojl.faults import XojlError, shorten
from xojl_jax.xojl.keys import LAYOUT_ELEMENTS
from xojl_jax.xojl.mistaken import is_layout, is_whole_page
from xojl_jax.xojl.record import CATEGORIES, Record
from xojl_jax.xojl.structure import violations
from xojl_jax.xojl.tree import preorder, used_elements

SLACK = 1.5  # px by which a box may be outside its screenshot: rounding
_ENDINGS = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "webp": "WebP"}
# Below this share of layout nodes with an HTML twin, hardly anything can be copied.
_LEAST_ALIGNED = 0.5


class Kind(NamedTuple):
    """A kind of problem. `bad`: such a record is left out, or teaches something wrong."""

    bad: bool
    title: str
    advice: str


class Problem(NamedTuple):
    kind: str  # a key of KINDS
    text: str  # one line: what is wrong, where in the record


KINDS = {
    "text": Kind(
        True,
        "Not JSON in UTF-8",
        "Mend the text where the message points. One JSON object a line in records.jsonl, one a "
        "file elsewhere. --fix turns UTF-16 into UTF-8.",
    ),
    "fields": Kind(
        True,
        "A field is missing, given twice, or of the wrong kind",
        "docs/record.md lists the fields: screenshot and html are a must.",
    ),
    "tree": Kind(
        True,
        "html or section_layout cannot be read",
        "Follow the path in the message. Keys are tag@class in html, element.tag@class in "
        "section_layout; the elements are a closed list of 22.",
    ),
    "path": Kind(
        True,
        "The screenshot's path is refused, or leads to no file",
        "Put the picture beside the records and name it by a relative path with /, no links.",
    ),
    "picture": Kind(
        True,
        "The screenshot cannot be decoded whole",
        "Copy or take the picture again: one still PNG, JPEG or WebP.",
    ),
    "boxes": Kind(
        True,
        "Boxes, html and screenshot do not fit",
        "One box per node of html. The boxes are in px of the screenshot: take both in one go, "
        "one CSS px to one pixel. "
        "--fix clips what sticks out by less than 2 px.",
    ),
    "used_elements": Kind(
        True,
        "used_elements is no list of elements, or not that of the layout",
        "One of the two is out of date. If it is the list, --fix makes it again.",
    ),
    "layout_nodes": Kind(
        True,
        "layout_nodes and the trees do not fit",
        "Label again, or leave layout_nodes out: the alignment is then recovered.",
    ),
    "layout_confidence": Kind(
        True,
        "layout_confidence does not fit the layout",
        "One number from 0 to 1 per node. Label again, or leave it out: all nodes then count.",
    ),
    "id": Kind(True, "An id is used twice", "--fix gives the later record another one."),
    "leak": Kind(
        True,
        "Its like is in the training split, too",
        "Scores on this record flatter. Remove one of the two, or give both the same "
        "source.site and build again.",
    ),
    "structure": Kind(
        False,
        "The layout breaks a rule of what may hold what",
        "Label again, or correct the layout: containers hold something, leaves hold nothing, a "
        "column is a cell of a grid, a grid has two cells or more. Training takes the record as "
        "it is, and learns it so.",
    ),
    "used_style": Kind(
        False,
        "used_elements leaves out containers, or is not sorted",
        "Nothing breaks; --fix makes it again.",
    ),
    "category": Kind(
        False,
        "The category is not one that we know",
        f"It counts as other. --fix repairs case and spelling. Known: {', '.join(CATEGORIES)}.",
    ),
    "unaligned": Kind(
        False,
        "Most layout nodes have no HTML node",
        "Tag and classes in section_layout should be those of html. Such nodes are spelled, "
        "which is longer and harder than copying.",
    ),
    "large": Kind(
        False,
        "Too large even for preset base",
        "Training leaves it out. Cut the section in two, or raise max_nodes and max_target.",
    ),
    "page": Kind(
        False,
        "The tree is that of a whole page",
        "A record is a section of a page: data_prep.capture cuts pages into sections.",
    ),
    "blank": Kind(
        False,
        "The screenshot shows one color only",
        "Nothing can be seen in it: was it taken before the page was drawn?",
    ),
    "flaws": Kind(
        False,
        "The picture shows what the tree does not say",
        "Capture counted it: source.flaws names what, quality.capture how much of the section is "
        "free of it. Leave such records out with data_prep.build --least capture=0.9.",
    ),
    "scale": Kind(
        False,
        "The screenshot is wider than the viewport",
        "Take it with a device pixel ratio of 1: one CSS px to one pixel.",
    ),
    "ending": Kind(
        False,
        "The file's name says another format than its bytes",
        "It is read all the same. --fix puts a copy under the right name.",
    ),
    "duplicate": Kind(
        False, "The same record again", "It counts twice in training. --fix removes it."
    ),
    "near": Kind(
        False,
        "Hardly different from another record",
        "Look at the pair. One of the two is enough where they come from one template.",
    ),
    "labels": Kind(
        False,
        "The same picture and HTML as another record, other labels",
        "Decide which labels are right, and remove the other record.",
    ),
    "shared": Kind(
        False,
        "One screenshot, another HTML tree",
        "Has one of the records got the wrong picture?",
    ),
}


def text_problem(fault: XojlError, text: bytes) -> Problem:
    """A record that cannot be read: which part of it, by the path of the fault."""
    if text[:2] in UTF16:
        return Problem("text", "UTF-16 text: save it as UTF-8")
    message, path = str(fault), f"{fault.path} "
    if any(name in path for name in (" html ", " section_layout ")):
        return Problem("fields" if fault.what == "null" else "tree", message)
    for field, kind in _KIND_OF_FIELD.items():
        if f" {field} " in path.replace("[", " "):
            return Problem(kind, message)
    unread = fault.what.startswith(
        ("not JSON", "bytes that", "UTF-", "a number too long", "nesting")
    )
    unread = unread or "bytes or more" in fault.what
    return Problem("text" if unread else "fields", message)


# Faults in these fields are of one kind with what is found when the record can be read.
_KIND_OF_FIELD = {
    "screenshot": "path",
    "html_boxes": "boxes",
    "layout_nodes": "layout_nodes",
    "layout_confidence": "layout_confidence",
    "used_elements": "used_elements",
}


def ending_problems(record: Record, data: bytes) -> Iterator[Problem]:
    """The name's ending against the bytes of a picture that was decoded."""
    ending = record.screenshot.rpartition(".")[2].lower()
    kind = format_of(data)
    if _ENDINGS.get(ending) != kind:
        yield Problem("ending", f"{shorten(record.screenshot)} is a {kind}")


def format_of(data: bytes) -> str:
    """`PNG`, `JPEG` or `WebP`, of a picture that decode_image takes."""
    return {b"\x89P": "PNG", b"\xff\xd8": "JPEG"}.get(data[:2], "WebP")


def box_problems(record: Record, size: tuple[int, int]) -> Iterator[Problem]:
    """Every box inside the picture (height, width), and the root as large as it (1:1)."""
    height, width = size
    if record.viewport and width > record.viewport[0] * 1.01 + SLACK:
        yield Problem("scale", f"{width} px wide, the viewport {record.viewport[0]:g}")
    if record.source and record.source.get("box"):
        w, h = record.source["box"][2:4]
        if abs(w - width) > SLACK or abs(h - height) > SLACK:
            yield Problem(
                "boxes", f"the screenshot is {width} x {height}, source.box {w:g} x {h:g}"
            )
    boxes = record.html_boxes or ()
    for index, (x, y, w, h, _) in enumerate(boxes):
        if x < -SLACK or y < -SLACK or x + w > width + SLACK or y + h > height + SLACK:
            place = f"({x:g}, {y:g}, {w:g}, {h:g}) is outside {width} x {height}"
            yield Problem("boxes", f"html_boxes[{index}] {place}")
            return
    if len(record.html) == 1 and boxes:
        w, h = boxes[0][2:4]
        if abs(w - width) > SLACK or abs(h - height) > SLACK:
            root = f"its root {w:g} x {h:g}: not one to one"
            yield Problem("boxes", f"the screenshot is {width} x {height}, {root}")


def tree_problems(record: Record) -> Iterator[Problem]:
    """Trees that read, and yet are not the HTML of a section."""
    if is_layout(record.html):
        yield Problem("tree", "html holds a layout: its keys begin with elements")
    if is_whole_page(record.html):
        yield Problem("page", f"html begins with {record.html[0].tag}")


def flaw_problems(record: Record) -> Iterator[Problem]:
    """What capture says that the tree does not tell (`source.flaws`: kind -> nodes)."""
    flaws = (record.source or {}).get("flaws")
    if isinstance(flaws, dict) and flaws:
        kinds = [f"{shorten(str(kind))} ({count})" for kind, count in sorted(flaws.items())]
        yield Problem("flaws", ", ".join(kinds))


def label_problems(record: Record) -> Iterator[Problem]:
    """used_elements, category and alignment against the layout."""
    if record.category not in CATEGORIES:
        yield Problem("category", f"category {shorten(record.category)} counts as other")
    if record.layout is None:
        if record.used_elements:
            yield Problem("used_elements", "used_elements without section_layout")
        return
    truth = used_elements(record.layout)
    if record.used_elements != truth:
        yield _used_problem(record.used_elements, truth)
    # People's own records often begin with a wrapper, as the format's example does: that is style.
    if broken := [found for found in violations(record.layout) if found.index >= 0]:
        more = f", and {len(broken) - 1} more" if len(broken) > 1 else ""
        yield Problem("structure", f"section_layout, {broken[0]}{more}")
    if record.layout_nodes is not None:
        yield from _twin_problems(record)


def _used_problem(stored: tuple[str, ...], truth: tuple[str, ...]) -> Problem:
    """The users' own example leaves the containers out: that is style. The rest is wrong."""
    wrong = set(stored) - set(truth) or set(truth) - set(stored) - set(LAYOUT_ELEMENTS)
    text = f"used_elements {list(stored)}: the layout has {list(truth)}"
    return Problem("used_elements" if wrong else "used_style", text)


def _twin_problems(record: Record) -> Iterator[Problem]:
    """Stored twins: none taken twice, tags equal, each inside the twin of its parent."""
    html = preorder(record.html)
    taken: dict[int, int] = {}
    for visit, index in zip(preorder(record.layout), record.layout_nodes, strict=True):
        if index is None:
            continue
        name = f"layout node {visit.index} ({visit.node.element})"
        if index in taken:
            text = f"{name} and layout node {taken[index]} name one html node, {index}"
            yield Problem("layout_nodes", text)
            return
        taken[index] = visit.index
        twin = html[index].node
        if visit.node.tag is not None and visit.node.tag != twin.tag:
            text = f"{name} is a {visit.node.tag}, its html node {index} a {twin.tag}"
            yield Problem("layout_nodes", text)
            return
        above = record.layout_nodes[visit.parent] if visit.parent >= 0 else None
        if above is not None and not above < index < html[above].subtree_end:
            text = f"{name}: html node {index} is not inside its parent's, {above}"
            yield Problem("layout_nodes", text)
            return


class Alignment(NamedTuple):
    """How a layout is aligned with its HTML."""

    without: int  # layout nodes without an HTML node
    recovered: float | None  # share that comes out right without layout_nodes; None: not stored


def alignment_of(record: Record) -> Alignment:
    """Of a record with a layout whose twins are sound."""
    found = align(record.html, record.layout)
    stored = record.layout_nodes
    if stored is None:
        return Alignment(sum(index is None for index in found), None)
    same = sum(a == b for a, b in zip(found, stored, strict=True))
    return Alignment(sum(index is None for index in stored), same / len(stored))


def alignment_problems(record: Record, alignment: Alignment) -> Iterator[Problem]:
    """Layout nodes that name a tag, and yet are not found in the HTML."""
    named = sum(visit.node.tag is not None for visit in preorder(record.layout))
    total = len(preorder(record.layout))
    if record.html and named and total - alignment.without < _LEAST_ALIGNED * named:
        yield Problem("unaligned", f"{alignment.without} of {total} layout nodes")
