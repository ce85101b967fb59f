"""Containers of which a part shows at a time: carousel, accordion, tab."""

from data_prep.components import words
from data_prep.components.containers import card_kit
from data_prep.components.kit import Kit
from data_prep.components.leaves import heading, paragraph
from data_prep.components.markup import El, css


def carousel(k: Kit, slides: list[El]) -> El:
    """One slide shows; the others wait, hidden or beyond the edge. Dots and arrows belong to it."""
    beyond = k.chance(0.5)
    for at, slide in enumerate(slides):
        slide.slide = True
        if beyond:
            slide.style |= css(flex="none", width="100%")
        if at:
            slide.hidden = True
            if not beyond:
                slide.style["display"] = "none"
    track = El("div", css(display="flex") if beyond else {}, slides)
    window = El("div", css(overflow="hidden"), [track]) if beyond else track
    return _with_controls(k, window, len(slides))


def carousel_of_cards(k: Kit, cards: list[El], shown: int) -> El:
    """Several slides show side by side; the rest is beyond the edge."""
    gap = k.theme.gap
    for at, each in enumerate(cards):
        each.style |= css(flex="none", width=f"calc((100% - {gap * (shown - 1)}px)/{shown})")
        each.slide, each.hidden = True, at >= shown
    track = El(k.pick("div", "div", "ul"), css(display="flex", gap=f"{gap}px"), cards)
    window = El("div", css(overflow="hidden", padding="4px 0"), [track])
    return _with_controls(k, window, len(cards))


def _with_controls(k: Kit, window: El, count: int) -> El:
    root = El(k.tag("div", "section", "div"), css(position="relative"), [window], "carousel")
    arrows, dots = k.chance(0.75), k.chance(0.75)
    if arrows or not dots:
        side, tag = k.pick(32, 38, 44), k.pick("button", "a", "div", "span")
        outside = k.chance(0.4)
        if outside:
            root.style["padding"] = f"0 {side + 16}px"
        for edge, text in (("left", "‹"), ("right", "›")):
            look = css(position="absolute", top="50%", width=f"{side}px", height=f"{side}px")
            look |= css(margin_top=f"-{side // 2}px", line_height=f"{side}px", text_align="center")
            look |= css(background="#ffffff", color="#222222", font_size="22px", padding="0")
            look |= css(
                border_radius=k.theme.radius and "50%", box_shadow="0 1px 5px rgba(0,0,0,.3)"
            )
            root.kids.append(El(tag, look | {edge: "0" if outside else "12px"}, [text]))
    if dots:
        tag, side = k.pick("span", "button", "div", "li"), k.pick(8, 10, 12)
        colour = k.theme.accent if k.behind != k.theme.accent else k.ink
        points = [
            El(
                tag,
                css(
                    width=f"{side}px",
                    height=f"{side}px",
                    border_radius="50%",
                    padding="0",
                    display="block",
                    background=colour if at == 0 else k.line,
                ),
            )
            for at in range(count)
        ]
        look = css(display="flex", gap="8px", justify_content="center", margin_top=k.size(14))
        root.kids.append(El("ul" if tag == "li" else "div", look | css(list_style="none"), points))
    return root


def accordion(k: Kit, count: int, *, opened: int | None = 0) -> El:
    """Questions that fold. A question is a leaf with its sign; a closed answer is not there."""
    boxed, details = k.chance(0.5), k.chance(0.25)
    inside = card_kit(k) if boxed else k
    gap, signs = k.pick(6, 10, 14) if boxed else 0, k.pick("+−", "+−", "▾▴", "")

    def fold(at: int) -> El:
        head = heading(inside, words.title(k.text, 3, 7), step=k.pick(0, 0.5, 1))
        if signs:
            sign_ = El("span", css(font_weight=400), [signs[at == opened]])
            head.kids = [El("span", {}, head.kids), sign_]
        head.style |= css(display="flex", justify_content="space-between", text_align="left")
        head.style |= css(padding=f"{k.size(12)} 0", width="100%", background="transparent")
        head.tag = "summary" if details else k.pick("button", "div", "h3", "h4", "a", "dt")
        answer = paragraph(inside, low=1, high=2, padding=f"0 0 {k.size(12)}", text_align="left")
        if at != opened:
            answer.hidden = True
            if not details:
                answer.style["display"] = "none"
        item = El("details" if details else k.pick("div", "li", "article"), {}, [head, answer])
        if details and at == opened:
            item.attrs["open"] = ""
        if boxed:
            item.style |= css(background=inside.behind, border=f"1px solid {k.line}")
            item.style |= css(border_radius=k.size(min(10, k.theme.radius)), padding="0 16px")
            item.style["margin-bottom"] = k.size(gap) if at < count - 1 else "0"
            # Closed, it is a thin strip around its title: a person sees the title alone.
            item.backdrop = at != opened
        else:
            item.style["border-bottom"] = f"1px solid {k.line}"
        item.style["list-style"] = "none"
        return item

    return El(k.pick("div", "div", "ul", "dl", "section"), {}, k.cells(count, fold), "accordion")


def tab(k: Kit, panels: list[El], names: list[str]) -> El:
    """A bar of names, a list, and the panel that shows."""
    style, vertical = k.pick("line", "pill", "folder"), k.chance(0.2)
    bar_tag, items = k.pick("ul", "div", "nav", "div"), []
    accent = k.theme.accent if k.behind != k.theme.accent else k.ink
    for at, name in enumerate(names):
        look = css(padding=f"{k.size(9)} {k.size(16)}", color=k.ink, font_size=k.size(14))
        look |= css(background="transparent", text_decoration="none", cursor="pointer")
        if at == 0 and style == "line":
            look |= css(border_bottom=f"2px solid {accent}", color=accent)
        elif at == 0 and style == "pill":
            ink = "#ffffff" if accent != "#ffffff" else "#1d2430"
            look |= css(background=accent, color=ink, border_radius="999px")
        elif style == "folder":
            look |= css(border=f"1px solid {k.line if at == 0 else 'transparent'}")
        tag = (
            k.pick("a", "button", "span")
            if at == 0
            else items[0].tag
            if items[0].tag != "li"
            else "a"
        )
        item = El(tag, look, [name])
        items.append(El("li", css(list_style="none"), [item]) if bar_tag == "ul" else item)
    look = css(display="flex", gap=k.size(k.pick(0, 4, 10)))
    if vertical:
        look |= css(flex_direction="column", width=k.size(180), flex="none", text_align="left")
    else:
        look["justify-content"] = "center" if k.theme.centred else "flex-start"
        if style == "line":
            look["border-bottom"] = f"1px solid {k.line}"
        look["margin-bottom"] = k.size(k.pick(16, 24))
    bar_ = El(bar_tag, look, items, "list")
    for panel in panels[1:]:
        panel.hidden = True
        panel.style["display"] = "none"
    holder = El("div", {}, panels) if k.chance(0.5) else None
    kids = [bar_, holder] if holder else [bar_, *panels]
    for kid in kids[1:] if vertical else ():
        kid.style["flex"] = "1"
    style_ = css(display="flex", gap=k.size(24), align_items="flex-start") if vertical else {}
    return El(k.tag("div", "section", "div"), style_, kids, "tab")
