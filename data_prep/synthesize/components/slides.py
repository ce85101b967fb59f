"""Slides that are shown in turn, as sliders of every kind build them."""

import copy

from data_prep.synthesize.components.draw_context import Kit
from data_prep.synthesize.components.leaves import sign
from data_prep.synthesize.components.markup import El, css
from data_prep.synthesize.components.photos import photo

_ARROWS = (("‹", "›"), ("←", "→"), ("❮", "❯"), ("«", "»"))
_PATHS = ("M15 5l-7 7 7 7", "M9 5l7 7-7 7")


def carousel(k: Kit, slides: list[El]) -> El:
    """One slide shows; the others wait. Dots, arrows and clones belong to the carousel."""
    how = k.pick("track", "track", "clones", "fade", "gone", "scroll")
    for slide in slides:
        slide.slide = True
    for slide in slides[1:]:
        slide.hidden = True
    if how in ("track", "clones", "scroll"):
        return _with_controls(k, _track(k, slides, "100%", 0, how), slides)
    holder = El("div", css(position="relative"), slides)
    for slide in slides[1:]:
        if how == "gone":
            slide.style["display"] = "none"
        else:
            slide.style |= css(position="absolute", left="0", top="0", width="100%", opacity="0")
    if how == "fade":
        holder.style["overflow"] = "hidden"
    return _with_controls(k, holder, slides)


def carousel_of_cards(k: Kit, cards: list[El], shown: int) -> El:
    """Several slides show side by side; the rest is beyond the edge."""
    for at, each in enumerate(cards):
        each.slide, each.hidden = True, at >= shown
    gap = k.theme.gap
    wide = f"calc((100% - {gap * (shown - 1)}px)/{shown})"
    how = k.pick("track", "track", "scroll")
    return _with_controls(k, _track(k, cards, wide, gap, how, room=4), cards)


def _track(k: Kit, slides: list[El], wide: str, gap: int, how: str, *, room: int = 0) -> El:
    """Slides in one long row behind a window."""
    placed = slides
    if k.chance(0.4):
        placed = [El("div", {}, [slide]) for slide in slides]
    for each in placed:
        each.style |= css(flex="none", width=wide)
        if how == "scroll":
            each.style["scroll-snap-align"] = "start"
    listed = k.chance(0.25)
    track = El("ul" if listed else "div", css(display="flex", list_style="none"), placed)
    if listed:
        for each in placed:
            each.tag = "li"
    if gap:
        track.style["gap"] = f"{gap}px"
    if how == "clones":
        last = copy.deepcopy(placed[-1])
        for node in last.walk():
            node.mark, node.slide = None, False
        last.hidden = True
        placed.insert(0, last)
        track.style["transform"] = "translateX(-100%)"
    window = El("div", css(overflow="auto hidden" if how == "scroll" else "hidden"), [track])
    if how == "scroll":
        window.style |= css(scrollbar_width="none")
    if room:
        window.style["padding"] = f"{room}px 0"
    return k.soup(window) if k.theme.manner.layers else window


def _with_controls(k: Kit, window: El, slides: list[El]) -> El:
    root = El(k.tag("div", "section", "div"), css(position="relative"), [window], "carousel")
    arrows, below = k.chance(0.7), k.pick("dots", "dots", "dots", "thumbs", "fraction", "none")
    if arrows or below == "none":
        _add_arrows(k, root)
    if below == "dots":
        root.kids.append(_dots(k, len(slides)))
    elif below == "thumbs":
        root.kids.append(_thumbs(k, len(slides)))
    elif below == "fraction":
        text = f"1 / {len(slides)}"
        look = css(font_size=k.size(13), color=k.muted, text_align="center", margin_top="10px")
        root.kids.append(El(k.pick("div", "p", "span"), look | css(display="block"), [text]))
    return root


def _add_arrows(k: Kit, root: El) -> None:
    side, tag = k.pick(28, 32, 38, 44), k.pick("button", "a", "div", "span")
    place, drawn = k.pick("over", "over", "outside", "below"), k.chance(0.4)
    bare, signs = k.chance(0.3), k.pick(*_ARROWS)
    ink = k.ink if bare and place != "over" else "#222222"
    made = []
    for edge, text, path in zip(("left", "right"), signs, _PATHS, strict=True):
        look = css(width=f"{side}px", height=f"{side}px", line_height=f"{side}px", padding="0")
        look |= css(text_align="center", color=ink, font_size="22px", text_decoration="none")
        look["background"] = "transparent" if bare else "#ffffff"
        if not bare:
            look["box-shadow"] = "0 1px 5px rgba(0,0,0,.3)"
            look["border-radius"] = k.theme.radius and "50%"
        if place == "below":
            look |= css(display="inline-block", margin="8px 4px 0 0")
        else:
            look |= css(position="absolute", top="50%", margin_top=f"-{side // 2}px")
            look[edge] = "0" if place == "outside" else "12px"
        kid = sign(k, side // 2, ink, path=path, glyph=text, inline=True) if drawn else text
        made.append(El(tag, look, [kid], hover=css(opacity=".7") if k.theme.hovers else {}))
    if place == "outside":
        root.style["padding"] = f"0 {side + 16}px"
    root.kids += [El("div", css(text_align="center"), made)] if place == "below" else made


def _dots(k: Kit, count: int) -> El:
    tag, side = k.pick("span", "button", "div", "li", "a"), k.pick(8, 10, 12)
    shape = k.pick("dot", "dot", "dot", "line", "ring")
    colour = k.theme.accent if k.behind != k.theme.accent else k.ink
    points = []
    for at in range(count):
        look = css(width=f"{side}px", height=f"{side}px", padding="0", display="block")
        look |= css(border_radius="50%", background=colour if at == 0 else k.line)
        if shape == "line":
            look |= css(width=f"{3 * side}px", height="4px", border_radius="0")
        elif shape == "ring" and at:
            look |= css(background="transparent", border=f"2px solid {colour}")
        points.append(El(tag, look))
    look = css(display="flex", gap=f"{k.pick(4, 8, 12)}px", justify_content="center")
    look["margin-top"] = k.size(k.pick(8, 14, 20))
    if k.chance(0.15):  # over the slide, at its foot
        look |= css(position="absolute", left="0", right="0", bottom="10px")
    return El(k.pick("ul", "ol") if tag == "li" else "div", look | css(list_style="none"), points)


def _thumbs(k: Kit, count: int) -> El:
    """Small pictures to choose by."""
    kids = []
    for at in range(count):
        source = photo(k.text, 96, 64)
        look = css(
            width="96px", height="64px", object_fit="cover", opacity="1" if at == 0 else ".5"
        )
        kids.append(El("img", look, [], None, {"src": source, "alt": ""}))
    look = css(display="flex", gap="8px", margin_top="10px", justify_content="center")
    return El("div", look, kids)
