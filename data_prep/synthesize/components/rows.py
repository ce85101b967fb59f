"""Cells side by side: each of `WAYS` is one technique with its own markup and CSS."""

from collections.abc import Sequence

from data_prep.synthesize.components.draw_context import DrawContext
from data_prep.synthesize.components.markup import El, css

Shares = list[float]  # of the row's width, one per column


def row(
    ctx: DrawContext,
    cells: list[El],
    *,
    columns: int | None = None,
    ratios: Sequence[float] | None = None,
    gap: int | None = None,
    align: str = "stretch",
    tag: str | None = None,
) -> El:
    """Cells side by side, `columns` in a row: a grid.

    The technique is one of the author's (`StyleProfile.rows`), or flex where that one cannot hold
    several lines or uneven columns.
    """
    columns = columns or len(cells)
    gap = ctx.theme.gap if gap is None else gap
    ratios = list(ratios or [1] * columns)
    shares = [ratio / sum(ratios) for ratio in ratios]
    ways = [way for way in ctx.theme.profile.rows if way in WAYS]
    way = ctx.pick(*ways)
    even = len(set(shares)) == 1
    if (way in ("cells", "table", "equal") and len(cells) != columns) or (
        way == "inline" and not even
    ):
        way = "flex"
    tag = tag or ctx.tag("div", "div", "section", "ul")
    if way == "table":
        tag = "div"
    made = WAYS[way](ctx, _items(ctx, cells, tag, way), shares, gap, align)
    if made.tag == "div":
        made.tag = tag
    return made


def _items(ctx: DrawContext, cells: list[El], tag: str, way: str) -> list[El]:
    """The elements that are placed: the cells, or a box around each."""
    if tag == "ul":
        return [_as_item(ctx, cell, own=way in _BOXED) for cell in cells]
    if way in _BOXED:
        return [El("div", {}, [ctx.add_wrapper_divs(cell)]) for cell in cells]
    return [ctx.add_wrapper_divs(cell) for cell in cells]


def _as_item(ctx: DrawContext, cell: El, *, own: bool) -> El:
    if not own and cell.tag in ("div", "article") and ctx.chance(0.5):
        cell.tag = "li"
        cell.style["list-style"] = "none"
        return cell
    return El("li", css(list_style="none"), [cell])


def _percent(share: float, digits: int = 6) -> str:
    return f"{100 * share:.{digits}g}%"


def _grid(ctx: DrawContext, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    even = len(set(shares)) == 1
    tracks = " ".join(f"{share / min(shares):.3g}fr" for share in shares)
    if even:
        tracks = f"repeat({len(shares)},{ctx.pick('1fr', 'minmax(0,1fr)')})"
    style = css(display="grid", grid_template_columns=tracks, gap=ctx.size(gap))
    if align != "stretch":
        style["align-items"] = align
    made = El("div", style, cells, "grid")
    if ctx.theme.responsive:
        made.mobile = css(grid_template_columns="1fr")
        if len(shares) > 2:
            made.tablet = css(grid_template_columns="repeat(2,1fr)")
    return made


def _flex(ctx: DrawContext, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    style = css(display="flex", flex_wrap="wrap", gap=ctx.size(gap))
    if align != "stretch":
        style["align-items"] = align
    for at, cell in enumerate(cells):
        share = shares[at % len(shares)]
        # The gaps of a line are taken from its cells in proportion; 0.5 px more, or rounding could
        # push the last cell to the next line.
        lost = gap * (len(shares) - 1) * share
        cell.style |= css(flex="none", width=f"calc({100 * share:.4g}% - {lost + 0.5:.4g}px)")
        if ctx.theme.responsive:
            cell.mobile |= css(width="100%")
            if len(shares) > 2:
                cell.tablet |= css(width=f"calc(50% - {gap / 2 + 0.5:.4g}px)")
    return El("div", style, cells, "grid")


def _twelve(ctx: DrawContext, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    """A twelve-column framework: each cell is padded by half a gutter, and negative margins of the
    row compensate for the outer two."""
    # Half a gutter: frameworks have fixed ones of 30 or 24 px.
    half = ctx.pick(gap // 2, gap // 2, 15, 12)
    style = css(display="flex", flex_wrap="wrap")
    style |= css(margin_left=f"-{ctx.size(half)}", margin_right=f"-{ctx.size(half)}")
    if align != "stretch":
        style["align-items"] = align
    below = ctx.size(gap) if len(cells) > len(shares) or ctx.chance(0.3) else ""
    for at, cell in enumerate(cells):
        share = _percent(shares[at % len(shares)])
        cell.style |= css(flex=f"0 0 {share}", max_width=share)
        cell.style |= css(padding_left=ctx.size(half), padding_right=ctx.size(half))
        if ctx.theme.semantic > 0.2:
            cell.style |= css(position="relative", width="100%")
        if below:
            cell.style["margin-bottom"] = below
        if ctx.theme.responsive:
            cell.mobile |= css(flex="0 0 100%", max_width="100%")
            if len(shares) > 2:
                cell.tablet |= css(flex="0 0 50%", max_width="50%")
    return El("div", style, cells, "grid")


def _equal(ctx: DrawContext, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    """Cells that grow in proportion to their shares, in one line."""
    half = max(4, gap // 2)
    style = css(display="flex", margin=f"0 -{ctx.size(half)}")
    if align != "stretch":
        style["align-items"] = align
    for cell, share in zip(cells, shares, strict=True):
        grow = f"{share / min(shares):.3g}"
        cell.style |= css(flex=f"{grow} {ctx.pick(0, 1)} 0", min_width="0")
        cell.style["padding"] = (
            ctx.size(half) if ctx.theme.wrapper_chance > 0.2 else f"0 {ctx.size(half)}"
        )
    made = El("div", style, cells, "grid")
    if ctx.theme.responsive:
        made.mobile = css(display="block")
    return made


def _offset(ctx: DrawContext, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    """The whole gutter is to the left of each cell, and above those of later lines."""
    style = css(display="flex", flex_wrap="wrap", margin_left=f"-{ctx.size(gap)}")
    style |= css(list_style="none", padding="0")
    if align != "stretch":
        style["align-items"] = align
    for at, cell in enumerate(cells):
        share = shares[at % len(shares)]
        # A little less, or rounding could push the last cell of a line to the next.
        cell.style |= css(width=_percent(share * 0.9999), padding_left=ctx.size(gap))
        if ctx.theme.semantic > 0.4:
            cell.style |= css(max_width="100%")
        if at >= len(shares):
            cell.style["margin-top"] = ctx.size(gap)
        if ctx.theme.responsive:
            cell.mobile |= css(width="100%", margin_top=ctx.size(gap))
    return El("div", style, cells, "grid")


def _padded(ctx: DrawContext, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    """Cells padded on all sides; a negative margin of the row compensates at its edges."""
    half = ctx.size(max(6, gap // 2))
    style = css(display="flex", flex_direction="row", flex_wrap="wrap", align_items=align)
    style |= css(margin=f"-{half}") if ctx.chance(0.7) else css(padding="0")
    for at, cell in enumerate(cells):
        share = shares[at % len(shares)]
        cell.style |= css(display="inline-block", width=_percent(share), padding=half)
        cell.style |= css(position="relative", vertical_align="top")
        if ctx.theme.responsive:
            cell.mobile |= css(width="100%")
    return El("div", style, cells, "grid")


def _floats(ctx: DrawContext, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    half = f"{gap // 2}px"
    style = css(overflow="hidden") if ctx.chance(0.5) else css(display="flow-root")
    for at, cell in enumerate(cells):
        share = shares[at % len(shares)]
        cell.style |= css(float="left", width=_percent(share), padding=f"0 {half}")
        # Heights differ: without `clear` a cell would float beside a higher one of the line above.
        if at % len(shares) == 0 and at:
            cell.style["clear"] = "left"
        if at + len(shares) < len(cells):
            cell.style["margin-bottom"] = f"{gap}px"
        if ctx.theme.responsive:
            cell.mobile |= css(float="none", width="100%")
    return El("div", style, cells, "grid")


def _inline(ctx: DrawContext, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    """Inline blocks."""
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


def _cells(ctx: DrawContext, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    """`display: table`."""
    middle = "middle" if align == "center" else "top"
    for cell, share in zip(cells, shares, strict=True):
        cell.style |= css(display="table-cell", width=_percent(share, 4), vertical_align=middle)
        cell.style["padding"] = f"0 {gap // 2}px"
    return El("div", css(display="table", width="100%", table_layout="fixed"), cells, "grid")


def _table(ctx: DrawContext, cells: list[El], shares: Shares, gap: int, align: str) -> El:
    """A `table` for layout, of one line."""
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
# Techniques whose cells have padding or a tag of their own: each cell needs a box around it, or the
# padding would become part of a card.
_BOXED = frozenset({"twelve", "equal", "offset", "padded", "floats", "cells", "table"})
