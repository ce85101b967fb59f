"""Which rule gave which label: as a text, and drawn beside the section."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from data_prep.label.layout import in_order
from data_prep.label.node_context import Item
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.evaluation.drawing import DrawnBox, draw_boxes, element_box, element_color
from xojl_jax.xojl.record import safe_screenshot_path
from xojl_jax.xojl.tree import CONTAINERS

MOST_WIDTH, LEGEND, LINE = 1280, 560, 19  # px


def explain(labeled, folder: Path, out: str | None) -> str:
    """The labels of a record (`command.LabeledRecord`) as an indented tree; drawn into `out`."""
    record, root = labeled.record, labeled.labeler.root if labeled.labeler else None
    rule, confidence = labeled.category
    lines = [
        f"{record.id}",
        f"category {record.category} ({rule or 'no rule'} {confidence:.2f}), "
        f"confidence {(record.quality or {}).get('label', 0):.2f}",
    ]
    if labeled.fault:
        lines.append(f"rejected: {labeled.fault}")
    if root is None:
        return "\n".join(lines)
    depths = _depths(root)
    for number, item in enumerate(in_order(root)):
        box = " ".join(f"{v:.0f}" for v in labeled.tree.box[item.index])
        text = labeled.tree.text[item.index][:40] if item.element not in CONTAINERS else ""
        name = f"{number:3d} {'  ' * depths[number]}{item.element}"
        why = f"{item.rule} {item.confidence:.2f}"
        tag = labeled.tree.tag[item.index]
        lines.append(f"{name:34} {why:28} {tag}[{item.index}] {box:22} {text}".rstrip())
    if out:
        _draw(labeled, root, depths, folder, out, lines[:3] if labeled.fault else lines[:2])
    return "\n".join(lines)


def _depths(root: Item) -> list[int]:
    out, stack = [], [(root, 0)]
    while stack:
        item, depth = stack.pop()
        out.append(depth)
        stack.extend((child, depth + 1) for child in reversed(item.children))
    return out


def _draw(labeled, root: Item, depths: list[int], folder: Path, out: str, head: list[str]) -> None:
    """The section with numbered boxes, and beside it what the numbers mean."""
    record = labeled.record
    path = safe_screenshot_path(folder, record.screenshot, where=f"{record.id} screenshot")
    try:
        section = Image.open(path).convert("RGB")
    except OSError as error:
        raise BadInput(f"{path}: cannot read the picture ({error})") from error
    # Double size where the section is narrow: small labels need the space.
    scale = min(2.0, MOST_WIDTH / section.width)
    size = (round(section.width * scale), max(1, round(section.height * scale)))
    # Blended with white, so that boxes and numbers are legible.
    section = Image.blend(section.resize(size), Image.new("RGB", size, "white"), 0.35)
    items = in_order(root)
    height = max(size[1], LINE * (len(items) + len(head) + 2))
    sheet = Image.new("RGB", (size[0] + LEGEND, height), "white")
    boxes = _numbered_boxes(items, depths, labeled.tree.box, scale)
    sheet.paste(draw_boxes(np.asarray(section), boxes))
    _draw_legend(ImageDraw.Draw(sheet), items, depths, size[0] + 16, head)
    try:
        sheet.save(out)
    except (OSError, ValueError) as error:
        raise BadUsage(f"--out {out}: cannot write the picture ({error})") from error


def _numbered_boxes(items: list[Item], depths: list[int], boxes, scale: float) -> list[DrawnBox]:
    """The boxes of all items, in pixels of the section scaled by `scale`."""
    drawn = []
    for number, item in enumerate(items):
        x, y, width, height = (value * scale for value in boxes[item.index])
        box = (x, y, x + width - 1, y + height - 1)
        drawn.append(element_box(item.element, box, min(depths[number], 5), str(number)))
    return drawn


def _draw_legend(pen, items: list[Item], depths: list[int], left: int, head: list[str]) -> None:
    bold, font = ImageFont.load_default(14), ImageFont.load_default(13)
    for row, text in enumerate(head):
        pen.text((left, 6 + row * LINE), text[:80], fill="black", font=bold)
    for number, item in enumerate(items):
        y = 12 + (len(head) + number) * LINE
        color = element_color(item.element)
        x = left + 14 * depths[number]
        wide = 8 + 8 * len(str(number))
        pen.rectangle((x, y + 1, x + wide, y + 16), fill=color)
        pen.text((x + 4, y), str(number), fill="white", font=font)
        pen.text((x + wide + 6, y), item.element, fill=color, font=bold)
        pen.text((left + 290, y), f"{item.rule}  {item.confidence:.2f}", fill="#334155", font=font)
