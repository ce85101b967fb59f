"""Carousels, with the markup of several kinds of slider library."""

import copy

from data_prep.synthesize.components.draw_context import DrawContext
from data_prep.synthesize.components.leaves import pictogram
from data_prep.synthesize.components.markup import El, css
from data_prep.synthesize.components.photos import photo

_ARROWS = (("‹", "›"), ("←", "→"), ("❮", "❯"), ("«", "»"))
_PATHS = ("M15 5l-7 7 7 7", "M9 5l7 7-7 7")


def carousel(ctx: DrawContext, slides: list[El]) -> El:
    """One slide is visible, the others are hidden. Dots, arrows and clones have no label."""
    how = ctx.pick("track", "track", "clones", "fade", "gone", "scroll")
    for slide in slides:
        slide.slide = True
    # Only the first is in the screenshot, so the labels of the others are dropped.
    for slide in slides[1:]:
        slide.hidden = True
    if how in ("track", "clones", "scroll"):
        return _with_controls(ctx, _track(ctx, slides, "100%", 0, how), slides)
    holder = El("div", css(position="relative"), slides)
    for slide in slides[1:]:
        if how == "gone":
            slide.style["display"] = "none"
        else:
            slide.style |= css(position="absolute", left="0", top="0", width="100%", opacity="0")
    if how == "fade":
        holder.style["overflow"] = "hidden"
    return _with_controls(ctx, holder, slides)


def carousel_of_cards(ctx: DrawContext, cards: list[El], shown: int) -> El:
    """`shown` slides are visible side by side; the others are beyond the edge."""
    for at, each in enumerate(cards):
        each.slide, each.hidden = True, at >= shown
    gap = ctx.theme.gap
    wide = f"calc((100% - {gap * (shown - 1)}px)/{shown})"
    how = ctx.pick("track", "track", "scroll")
    return _with_controls(ctx, _track(ctx, cards, wide, gap, how, padding=4), cards)


def _track(
    ctx: DrawContext, slides: list[El], wide: str, gap: int, how: str, *, padding: int = 0
) -> El:
    """Slides in one row, clipped by a window around it."""
    placed = slides
    if ctx.chance(0.4):
        placed = [El("div", {}, [slide]) for slide in slides]
    for each in placed:
        each.style |= css(flex="none", width=wide)
        if how == "scroll":
            each.style["scroll-snap-align"] = "start"
    listed = ctx.chance(0.25)
    track = El("ul" if listed else "div", css(display="flex", list_style="none"), placed)
    if listed:
        for each in placed:
            each.tag = "li"
    if gap:
        track.style["gap"] = f"{gap}px"
    if how == "clones":
        last = copy.deepcopy(placed[-1])
        # A clone shows what another slide shows, and is no content of its own.
        for node in last.walk():
            node.mark, node.slide = None, False
        last.hidden = True
        placed.insert(0, last)
        track.style["transform"] = "translateX(-100%)"
    window = El("div", css(overflow="auto hidden" if how == "scroll" else "hidden"), [track])
    if how == "scroll":
        window.style |= css(scrollbar_width="none")
    if padding:
        # The window clips; without padding it would cut off the shadows of cards.
        window.style["padding"] = f"{padding}px 0"
    return ctx.add_wrapper_divs(window) if ctx.theme.profile.layers else window


def _with_controls(ctx: DrawContext, window: El, slides: list[El]) -> El:
    root = El(ctx.tag("div", "section", "div"), css(position="relative"), [window], "carousel")
    arrows, below = ctx.chance(0.7), ctx.pick("dots", "dots", "dots", "thumbs", "fraction", "none")
    if arrows or below == "none":
        _add_arrows(ctx, root)
    if below == "dots":
        root.kids.append(_dots(ctx, len(slides)))
    elif below == "thumbs":
        root.kids.append(_thumbs(ctx, len(slides)))
    elif below == "fraction":
        text = f"1 / {len(slides)}"
        style = css(font_size=ctx.size(13), color=ctx.muted, text_align="center", margin_top="10px")
        root.kids.append(El(ctx.pick("div", "p", "span"), style | css(display="block"), [text]))
    return root


def _add_arrows(ctx: DrawContext, root: El) -> None:
    side, tag = ctx.pick(28, 32, 38, 44), ctx.pick("button", "a", "div", "span")
    place, drawn = ctx.pick("over", "over", "outside", "below"), ctx.chance(0.4)
    bare, signs = ctx.chance(0.3), ctx.pick(*_ARROWS)
    ink = ctx.ink if bare and place != "over" else "#222222"
    made = []
    for edge, text, path in zip(("left", "right"), signs, _PATHS, strict=True):
        style = css(width=f"{side}px", height=f"{side}px", line_height=f"{side}px", padding="0")
        style |= css(text_align="center", color=ink, font_size="22px", text_decoration="none")
        style["background"] = "transparent" if bare else "#ffffff"
        if not bare:
            style["box-shadow"] = "0 1px 5px rgba(0,0,0,.3)"
            style["border-radius"] = ctx.theme.radius and "50%"
        if place == "below":
            style |= css(display="inline-block", margin="8px 4px 0 0")
        else:
            style |= css(position="absolute", top="50%", margin_top=f"-{side // 2}px")
            style[edge] = "0" if place == "outside" else "12px"
        kid = pictogram(ctx, side // 2, ink, path=path, glyph=text, inline=True) if drawn else text
        made.append(El(tag, style, [kid], hover=css(opacity=".7") if ctx.theme.hovers else {}))
    if place == "outside":
        root.style["padding"] = f"0 {side + 16}px"
    root.kids += [El("div", css(text_align="center"), made)] if place == "below" else made


def _dots(ctx: DrawContext, count: int) -> El:
    tag, side = ctx.pick("span", "button", "div", "li", "a"), ctx.pick(8, 10, 12)
    shape = ctx.pick("dot", "dot", "dot", "line", "ring")
    color = ctx.theme.accent if ctx.behind != ctx.theme.accent else ctx.ink
    points = []
    for at in range(count):
        style = css(width=f"{side}px", height=f"{side}px", padding="0", display="block")
        style |= css(border_radius="50%", background=color if at == 0 else ctx.line)
        if shape == "line":
            style |= css(width=f"{3 * side}px", height="4px", border_radius="0")
        elif shape == "ring" and at:
            style |= css(background="transparent", border=f"2px solid {color}")
        points.append(El(tag, style))
    style = css(display="flex", gap=f"{ctx.pick(4, 8, 12)}px", justify_content="center")
    style["margin-top"] = ctx.size(ctx.pick(8, 14, 20))
    if ctx.chance(0.15):  # over the slide, at its foot
        style |= css(position="absolute", left="0", right="0", bottom="10px")
    return El(
        ctx.pick("ul", "ol") if tag == "li" else "div", style | css(list_style="none"), points
    )


def _thumbs(ctx: DrawContext, count: int) -> El:
    """Thumbnails that select a slide."""
    kids = []
    for at in range(count):
        source = photo(ctx.text, 96, 64)
        style = css(
            width="96px", height="64px", object_fit="cover", opacity="1" if at == 0 else ".5"
        )
        kids.append(El("img", style, [], None, {"src": source, "alt": ""}))
    style = css(display="flex", gap="8px", margin_top="10px", justify_content="center")
    return El("div", style, kids)
