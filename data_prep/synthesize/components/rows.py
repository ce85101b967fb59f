"""Cells side by side, in as many ways as authors know: each way is mark-up and CSS of its own."""

from collections.abc import Sequence

from data_prep.synthesize.components.draw_context import Kit
from data_prep.synthesize.components.markup import El, css

Shares = list[float]  # of a row's width, one a cell of the row


def row(
    k: Kit,
    cells: list[El],
    *,
    columns: int | None = None,
    ratios: Sequence[float] | None = None,
    gap: int | None = None,
    align: str = "stretch",
    tag: str | None = None,
) -> El:
    """Cells side by side, `columns` in a row: a grid."""
    columns = columns or len(cells)
    gap = k.theme.gap if gap is None else gap
    ratios = list(ratios or [1] * columns)
    shares = [ratio / sum(ratios) for ratio in ratios]
    ways = [way for way in k.theme.manner.rows if way in WAYS]
    way = k.pick(*ways)
    even = len(set(shares)) == 1
    if (way in ("cells", "table", "equal") and len(cells) != columns) or (
        way == "inline" and not even
    ):
        way = "flex"
    tag = tag or k.tag("div", "div", "section", "ul")
    if way == "table":
        tag = "div"
    made = WAYS[way](k, _items(k, cells, tag, way), shares, gap, align)
    if made.tag == "div":
        made.tag = tag
    return made


def _items(k: Kit, cells: list[El], tag: str, way: str) -> list[El]:
    """The elements that are placed: the cells themselves, or a box around each."""
    if tag == "ul":
        return [_as_item(k, cell, own=way in _BOXED) for cell in cells]
    if way in _BOXED:
        return [El("div", {}, [k.soup(cell)]) for cell in cells]
    return [k.soup(cell) for cell in cells]


def _as_item(k: Kit, cell: El, *, own: bool) -> El:
    if not own and cell.tag in ("div", "article") and k.chance(0.5):
        cell.tag = "li"
        cell.style["list-style"] = "none"
        return cell
    return El("li", css(list_style="none"), [cell])


def _percent(share: float, digits: int = 6) -> str:
    return f"{100 * share:.{digits}g}%"


def _grid(k: Kit, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    even = len(set(shares)) == 1
    tracks = " ".join(f"{share / min(shares):.3g}fr" for share in shares)
    if even:
        tracks = f"repeat({len(shares)},{k.pick('1fr', 'minmax(0,1fr)')})"
    look = css(display="grid", grid_template_columns=tracks, gap=k.size(gap))
    if align != "stretch":
        look["align-items"] = align
    made = El("div", look, cells, "grid")
    if k.theme.responsive:
        made.mobile = css(grid_template_columns="1fr")
        if len(shares) > 2:
            made.tablet = css(grid_template_columns="repeat(2,1fr)")
    return made


def _flex(k: Kit, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    look = css(display="flex", flex_wrap="wrap", gap=k.size(gap))
    if align != "stretch":
        look["align-items"] = align
    for at, cell in enumerate(cells):
        share = shares[at % len(shares)]
        lost = gap * (len(shares) - 1) * share
        cell.style |= css(flex="none", width=f"calc({100 * share:.4g}% - {lost + 0.5:.4g}px)")
        if k.theme.responsive:
            cell.mobile |= css(width="100%")
            if len(shares) > 2:
                cell.tablet |= css(width=f"calc(50% - {gap / 2 + 0.5:.4g}px)")
    return El("div", look, cells, "grid")


def _twelve(k: Kit, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    """Twelfths between gutters: the row reaches out by half a gutter, each cell comes in by it."""
    half = k.pick(gap // 2, gap // 2, 15, 12)
    look = css(display="flex", flex_wrap="wrap")
    look |= css(margin_left=f"-{k.size(half)}", margin_right=f"-{k.size(half)}")
    if align != "stretch":
        look["align-items"] = align
    below = k.size(gap) if len(cells) > len(shares) or k.chance(0.3) else ""
    for at, cell in enumerate(cells):
        share = _percent(shares[at % len(shares)])
        cell.style |= css(flex=f"0 0 {share}", max_width=share)
        cell.style |= css(padding_left=k.size(half), padding_right=k.size(half))
        if k.theme.semantic > 0.2:
            cell.style |= css(position="relative", width="100%")
        if below:
            cell.style["margin-bottom"] = below
        if k.theme.responsive:
            cell.mobile |= css(flex="0 0 100%", max_width="100%")
            if len(shares) > 2:
                cell.tablet |= css(flex="0 0 50%", max_width="50%")
    return El("div", look, cells, "grid")


def _equal(k: Kit, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    """Cells that grow alike in one line."""
    half = max(4, gap // 2)
    look = css(display="flex", margin=f"0 -{k.size(half)}")
    if align != "stretch":
        look["align-items"] = align
    for cell, share in zip(cells, shares, strict=True):
        grow = f"{share / min(shares):.3g}"
        cell.style |= css(flex=f"{grow} {k.pick(0, 1)} 0", min_width="0")
        cell.style["padding"] = k.size(half) if k.theme.soup > 0.2 else f"0 {k.size(half)}"
    made = El("div", look, cells, "grid")
    if k.theme.responsive:
        made.mobile = css(display="block")
    return made


def _offset(k: Kit, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    """The whole gutter to the left of each cell, and above those of later lines."""
    look = css(display="flex", flex_wrap="wrap", margin_left=f"-{k.size(gap)}")
    look |= css(list_style="none", padding="0")
    if align != "stretch":
        look["align-items"] = align
    for at, cell in enumerate(cells):
        share = shares[at % len(shares)]
        cell.style |= css(width=_percent(share * 0.9999), padding_left=k.size(gap))
        if k.theme.semantic > 0.4:
            cell.style |= css(max_width="100%")
        if at >= len(shares):
            cell.style["margin-top"] = k.size(gap)
        if k.theme.responsive:
            cell.mobile |= css(width="100%", margin_top=k.size(gap))
    return El("div", look, cells, "grid")


def _padded(k: Kit, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    """Cells with room on all sides, in a row that takes the outer room back."""
    half = k.size(max(6, gap // 2))
    look = css(display="flex", flex_direction="row", flex_wrap="wrap", align_items=align)
    look |= css(margin=f"-{half}") if k.chance(0.7) else css(padding="0")
    for at, cell in enumerate(cells):
        share = shares[at % len(shares)]
        cell.style |= css(display="inline-block", width=_percent(share), padding=half)
        cell.style |= css(position="relative", vertical_align="top")
        if k.theme.responsive:
            cell.mobile |= css(width="100%")
    return El("div", look, cells, "grid")


def _floats(k: Kit, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    half = f"{gap // 2}px"
    look = css(overflow="hidden") if k.chance(0.5) else css(display="flow-root")
    for at, cell in enumerate(cells):
        share = shares[at % len(shares)]
        cell.style |= css(float="left", width=_percent(share), padding=f"0 {half}")
        if at % len(shares) == 0 and at:
            cell.style["clear"] = "left"
        if at + len(shares) < len(cells):
            cell.style["margin-bottom"] = f"{gap}px"
        if k.theme.responsive:
            cell.mobile |= css(float="none", width="100%")
    return El("div", look, cells, "grid")


def _inline(k: Kit, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    """Inline blocks, as they were written before flex."""
    columns = len(shares)
    for at, cell in enumerate(cells):
        cell.style |= css(display="inline-block", vertical_align="top")
        lost = gap * (columns - 1) / columns + 0.5
        cell.style["width"] = f"calc({100 / columns:.4g}% - {lost:.4g}px)"
        if at % columns < columns - 1:
            cell.style["margin-right"] = f"{gap}px"
        if at < len(cells) - columns:
            cell.style["margin-bottom"] = f"{gap}px"
    return El("div", {}, cells, "grid")


def _cells(k: Kit, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    """A table by display."""
    middle = "middle" if align == "center" else "top"
    for cell, share in zip(cells, shares, strict=True):
        cell.style |= css(display="table-cell", width=_percent(share, 4), vertical_align=middle)
        cell.style["padding"] = f"0 {gap // 2}px"
    return El("div", css(display="table", width="100%", table_layout="fixed"), cells, "grid")


def _table(k: Kit, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    """A table for layout, of one line."""
    line = El("tr")
    for cell, share in zip(cells, shares, strict=True):
        cell.tag = "td"
        cell.style |= css(width=_percent(share, 4), padding=f"0 {gap // 2}px")
        cell.style["vertical-align"] = "middle" if align == "center" else "top"
        line.kids.append(cell)
    return El("table", css(width="100%"), [El("tbody", {}, [line])], "grid")


WAYS = {
    "grid": _grid,
    "flex": _flex,
    "twelve": _twelve,
    "equal": _equal,
    "offset": _offset,
    "padded": _padded,
    "floats": _floats,
    "inline": _inline,
    "cells": _cells,
    "table": _table,
}
# Ways whose cells carry gutters or a tag of their own, so that a card inside keeps its own box.
_BOXED = frozenset({"twelve", "equal", "offset", "padded", "floats", "cells", "table"})
