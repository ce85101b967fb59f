"""Containers that show one part at a time: accordion, tab."""

from collections.abc import Callable

from data_prep.synthesize.components import pictures, words
from data_prep.synthesize.components.containers import card_context
from data_prep.synthesize.components.draw_context import DrawContext
from data_prep.synthesize.components.leaves import heading, paragraph, pictogram
from data_prep.synthesize.components.markup import El, css


def accordion(ctx: DrawContext, count: int, *, opened: int | None = 0) -> El:
    """Questions that fold; `opened` is the index of the open one.

    A question with its arrow is one leaf. A closed answer is hidden and has no label.
    """
    kind = ctx.pick("boxed", "lines", "lines", "details", "headed", "headed")
    boxed = kind in ("boxed", "headed") or (kind == "details" and ctx.chance(0.4))
    inside = card_context(ctx) if boxed else ctx
    gap = ctx.pick(0, 6, 10, 14) if boxed else 0
    drawn = _signs(inside)
    head_tag = ctx.pick("button", "div", "h3", "h4", "a", "dt")
    root_tag, item_tag = ctx.pick("div", "div", "ul", "section"), ctx.pick("div", "div", "article")
    if root_tag == "ul":
        item_tag = "li"
    padding, step = ctx.pick(8, 12, 16), ctx.pick(0, 0.5, 1)

    def fold(at: int) -> El:
        is_open = at == opened
        head = heading(inside, words.title(ctx.text, 3, 7), step=step)
        head.tag = "summary" if kind == "details" else head_tag
        head.kids = drawn(is_open, head.kids)
        head.style |= css(padding=f"{ctx.size(padding)} 0", width="100%", background="transparent")
        head.style |= css(display="flex", justify_content="space-between", text_align="left")
        head.style["cursor"] = "pointer"
        answer = paragraph(
            inside, low=1, high=2, padding=f"0 0 {ctx.size(padding)}", text_align="left"
        )
        body = El("div", {}, [answer]) if kind != "details" and ctx.chance(0.5) else answer
        if not is_open:
            body.hidden = True
            if kind != "details":
                # A text's own padding would still show at a height of 0, so only a box gets that.
                gone = css(height="0", overflow="hidden") if body is not answer else {}
                body.style |= ctx.pick(css(display="none"), gone or css(display="none"))
        top = head
        if kind == "headed":
            # A person takes the colored strip for the background of the title, not for a box.
            top = El(ctx.pick("div", "h5", "header"), css(padding="0 16px"), [head], backdrop=True)
            top.style["background"] = inside.line + "66"
            if head.tag in ("h3", "h4") or top.tag == "h5":
                head.tag, top.tag = "button", "div"
            answer.style["padding"] = ctx.size(14)
        item = El("details" if kind == "details" else item_tag, {}, [top, body])
        if kind == "details" and is_open:
            item.attrs["open"] = ""
        if boxed:
            item.style |= css(background=inside.behind, border=f"1px solid {ctx.line}")
            item.style["border-radius"] = ctx.size(min(10, ctx.theme.radius))
            if kind != "headed":
                item.style["padding"] = "0 16px"
            item.style["margin-bottom"] = ctx.size(gap) if at < count - 1 else "0"
            # Closed, the item is a thin strip around its title: no box of its own.
            item.backdrop = not is_open
        else:
            item.style["border-bottom"] = f"1px solid {ctx.line}"
        item.style["list-style"] = "none"
        return item

    return El(root_tag, {}, ctx.cells(count, fold), "accordion")


def _signs(ctx: DrawContext) -> Callable[[bool, list], list]:
    """Returns a function that adds an open or closed sign to the title of a fold."""
    kind, pair = ctx.pick("text", "text", "drawn", "drawn", "none"), ctx.pick("−+", "▴▾", "▼▶")
    before = ctx.chance(0.2)

    def add(is_open: bool, kids: list) -> list:
        words_ = El("span", {}, kids)
        if kind == "none":
            return kids
        if kind == "text":
            mark = El("span", css(font_weight=400), [pair[0 if is_open else 1]])
        else:
            path = "M5 15l7-7 7 7" if is_open else "M5 9l7 7 7-7"
            mark = pictogram(
                ctx, 14, ctx.ink, inline=True, path=path, glyph=pair[0 if is_open else 1]
            )
            mark.style["flex"] = "none"
        return [mark, words_] if before else [words_, mark]

    return add


def tab(ctx: DrawContext, panels: list[El], names: list[str]) -> El:
    """A bar of names, which is a list, and the panel that is shown."""
    vertical, framed = ctx.chance(0.15), ctx.chance(0.2)
    bar_ = _tab_bar(ctx, names, vertical=vertical)
    for panel in panels[1:]:
        panel.hidden = True
        panel.style["display"] = "none"
    holder = El("div", {}, panels) if framed or ctx.chance(0.5) else None
    if framed:
        holder.style |= css(border=f"1px solid {ctx.line}", padding=ctx.size(ctx.pick(14, 20)))
    kids = [bar_, holder] if holder else [bar_, *panels]
    if not vertical and ctx.chance(0.08):
        kids.reverse()
        bar_.style["margin-top"] = ctx.size(14)
    for kid in kids if vertical else ():
        if kid is not bar_:
            kid.style["flex"] = "1"
    style = css(display="flex", gap=ctx.size(24), align_items="flex-start") if vertical else {}
    return El(ctx.tag("div", "section", "div"), style, kids, "tab")


def _tab_bar(ctx: DrawContext, names: list[str], *, vertical: bool) -> El:
    kind = ctx.pick("line", "line", "pill", "folder", "blocks", "plain")
    bar_tag, item_tag = (
        ctx.pick("ul", "ul", "div", "nav"),
        ctx.pick("a", "a", "button", "span", "label"),
    )
    accent = ctx.theme.accent if ctx.behind != ctx.theme.accent else ctx.ink
    signs, even = ctx.chance(0.2), ctx.chance(0.2)
    padding = ctx.pick((6, 12), (9, 16), (12, 20), (16, 24))
    path, px, items = ctx.text.choice(pictures.PICTOGRAMS), ctx.pick(13, 14, 15, 16), []
    for at, name in enumerate(names):
        style = css(
            padding=f"{ctx.size(padding[0])} {ctx.size(padding[1])}",
            color=ctx.ink,
            cursor="pointer",
        )
        style |= css(background="transparent", text_decoration="none", font_size=ctx.size(px))
        style["display"] = "block"
        if at == 0:
            style |= _chosen(ctx, kind, accent)
        elif kind == "blocks":
            style["background"] = ctx.line + "66"
        elif kind == "folder":
            style["border"] = "1px solid transparent"
        kids = [name]
        if signs:
            kids = [pictogram(ctx, 15, "currentColor", inline=True, path=path), name]
        item = El(item_tag, style, kids, hover=css(color=accent) if ctx.theme.hovers else {})
        items.append(El("li", css(list_style="none"), [item]) if bar_tag == "ul" else item)
        if even:
            items[-1].style |= css(flex="1", text_align="center")
    style = css(display="flex", gap=ctx.size(ctx.pick(0, 0, 4, 10)))
    if vertical:
        style |= css(flex_direction="column", width=ctx.size(180), flex="none", text_align="left")
    else:
        style["justify-content"] = "center" if ctx.theme.centered else "flex-start"
        if kind in ("line", "folder"):
            style["border-bottom"] = f"1px solid {ctx.line}"
        style |= css(margin_bottom=ctx.size(ctx.pick(0, 16, 24)), flex_wrap="wrap")
    return El(bar_tag, style, items, "list")


def _chosen(ctx: DrawContext, kind: str, accent: str) -> dict[str, str]:
    """The additional style of the selected tab."""
    if kind == "line":
        return css(border_bottom=f"2px solid {accent}", color=accent)
    if kind == "folder":
        return css(border=f"1px solid {ctx.line}", border_bottom="0")
    if kind == "plain":
        return css(font_weight=700)
    return css(background=accent, color=ctx.on(accent).ink) | (
        css(border_radius="999px") if kind == "pill" else {}
    )
