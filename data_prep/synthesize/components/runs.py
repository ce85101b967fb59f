"""Runs of simple items of one kind: lists, and links to social networks."""

from data_prep.synthesize.components import pictures, words
from data_prep.synthesize.components.draw_context import DrawContext
from data_prep.synthesize.components.leaves import pictogram
from data_prep.synthesize.components.markup import El, css


def social(ctx: DrawContext, count: int | None = None) -> El:
    """A row of links to social networks."""
    count = count or ctx.rng.randint(3, 6)
    paths = ctx.text.sample(pictures.SOCIAL_SIGNS, count)
    px, kind = ctx.pick(16, 18, 20, 24), ctx.pick("bare", "disc", "disc", "text")
    tag = ctx.pick("ul", "div", "div", "p")
    gap = ctx.size(ctx.pick(8, 12, 16))
    style = css(display="flex", gap=gap, align_items="center")
    if ctx.theme.centered:
        style["justify-content"] = "center"
    links = []
    names = ctx.text.sample(
        ["Facebook", "X", "Instagram", "LinkedIn", "YouTube", "GitHub", "Mastodon", "TikTok"], count
    )
    for path, network in zip(paths, names, strict=True):
        ink = "#ffffff" if kind == "disc" else ctx.ink
        kids = (
            [pictogram(ctx, px, ink, path=path, glyph=network[0].lower())]
            if ctx.theme.icon_kind != "glyph"
            else [network[0].lower()]
        )
        link = El("a", css(display="inline-flex", color=ink), kids, None, {"href": "#"})
        if kind == "disc":
            side = ctx.size(px + ctx.pick(14, 16, 20))
            link.style |= css(
                width=side, height=side, align_items="center", justify_content="center"
            )
            color = ctx.theme.accent if ctx.behind != ctx.theme.accent else "#1d2430"
            link.style |= css(background=color, border_radius=ctx.pick("50%", "6px"))
        elif kind == "text":
            link.kids.append(" " + network)
            link.style |= css(
                gap="4px", align_items="center", font_size=ctx.size(13), color=ctx.muted
            )
        links.append(El("li", css(list_style="none"), [link]) if tag == "ul" else link)
    return El(tag, style, links, "social")


def bullets(ctx: DrawContext, count: int | None = None) -> El:
    """Short items under one another: with bullets, ticks, lines between them, or plain."""
    count, kind = count or ctx.rng.randint(3, 6), ctx.pick("bullet", "tick", "plain", "lines")
    tag, item_tag = ctx.tag("ul", "ul", "div", "ol", "div"), "li"
    if tag == "div":
        item_tag = ctx.pick("div", "p", "span")
    ink, items = ctx.muted if ctx.chance(0.6) else ctx.ink, []
    path, high = ctx.text.choice(pictures.PICTOGRAMS), ctx.pick(3, 4, 6)
    for _ in range(count):
        text = words.title(ctx.text, 2, 5)
        item = El(item_tag, css(font_size=ctx.size(ctx.theme.body), color=ink), [text])
        item.style["padding"] = f"{ctx.size(high)} 0"
        if kind == "tick":
            item.kids = [pictogram(ctx, 16, ctx.theme.accent, inline=True, path=path), " " + text]
        elif kind == "lines":
            item.style["border-bottom"] = f"1px solid {ctx.line}"
        if item_tag == "span":
            item.style["display"] = "block"
        items.append(item)
    style = css(text_align="left")
    if kind == "bullet" and item_tag == "li":
        style["padding-left"] = ctx.size(20)
    elif item_tag == "li":
        style["list-style"] = "none"
    return El(tag, style, items, "list")


def links(
    ctx: DrawContext, count: int | None = None, *, row: bool = True, ink: str | None = None
) -> El:
    """A menu or a column of links."""
    count = count or ctx.rng.randint(3, 6)
    tag = (
        ctx.pick("ul", "nav", "div")
        if ctx.chance(ctx.theme.semantic)
        else ctx.pick("div", "p", "ol")
    )
    gap, items = ctx.size(ctx.pick(14, 18, 24, 30) if row else ctx.pick(5, 8, 10)), []
    kind = ctx.pick("plain", "plain", "plain", "pill", "boxed") if row else "plain"
    px, item_tag = ctx.pick(13, 14, 15), ctx.tag("a", "span", "a")
    for text in words.menu(ctx.text, count):
        style = css(font_size=ctx.size(px), color=ink or ctx.ink, text_decoration="none")
        if kind != "plain":
            style |= css(
                padding=f"{ctx.size(6)} {ctx.size(12)}", border_radius=ctx.size(ctx.theme.radius)
            )
            style["background" if kind == "pill" else "border"] = (
                ctx.theme.accent + "22" if kind == "pill" else f"1px solid {ctx.line}"
            )
        link = El(item_tag, style, [text], None)
        link.hover = css(color=ctx.theme.accent) if ctx.theme.hovers else {}
        if not row:
            link.style["display"] = "block"
        items.append(El("li", css(list_style="none"), [link]) if tag in ("ul", "ol") else link)
    style = css(display="flex", gap=gap)
    style |= css(flex_wrap="wrap", align_items="center") if row else css(flex_direction="column")
    if row and ctx.theme.responsive:
        return El(tag, style, items, "list", mobile=css(flex_direction="column"))
    return El(tag, style, items, "list")


def crumbs(ctx: DrawContext) -> El:
    """Breadcrumbs, with separators between the links."""
    tag, between, px = ctx.pick("ol", "ul", "nav", "div"), ctx.pick(*"/›»•"), ctx.pick(12, 13, 14)
    names, items = words.menu(ctx.text, ctx.pick(3, 3, 4)), []
    for at, name in enumerate(names):
        last = at == len(names) - 1
        style = css(font_size=ctx.size(px), color=ctx.muted if last else ctx.theme.accent)
        item = El("span" if last else "a", style | css(text_decoration="none"), [name])
        if not last:
            separator = El("span", css(padding="0 8px", color=ctx.muted), [between])
            item = El("li" if tag in ("ol", "ul") else "span", {}, [item, separator])
        elif tag in ("ol", "ul"):
            item = El("li", {}, [item])
        items.append(item)
    style = css(display="flex", flex_wrap="wrap", list_style="none")
    if ctx.chance(0.25):
        style |= css(background=ctx.line + "66", padding="8px 16px", border_radius="4px")
    return El(tag, style, items, "list")


def side_menu(ctx: DrawContext, count: int | None = None) -> El:
    """Pages under one another, one of them chosen, some further in."""
    count, tag = count or ctx.rng.randint(4, 8), ctx.pick("ul", "ul", "nav", "div")
    chosen, kind = ctx.rng.randrange(count), ctx.pick("bold", "filled", "edge")
    signs, px, items = ctx.chance(0.3), ctx.pick(13, 14, 15), []
    path = ctx.text.choice(pictures.PICTOGRAMS)
    for at in range(count):
        style = css(
            display="block", padding=f"{ctx.size(5)} {ctx.size(10)}", font_size=ctx.size(px)
        )
        style |= css(color=ctx.muted, text_decoration="none")
        if at == chosen:
            style |= css(color=ctx.ink, font_weight=600)
            if kind == "filled":
                style |= css(background=ctx.theme.accent, color=ctx.on(ctx.theme.accent).ink)
            elif kind == "edge":
                style["border-left"] = f"3px solid {ctx.theme.accent}"
        elif ctx.text.random() < 0.2:
            style["padding-left"] = ctx.size(26)
        item = El("a", style, [words.title(ctx.text, 1, 2)], hover=css(color=ctx.theme.accent))
        if signs:
            item.kids.insert(0, pictogram(ctx, 15, "currentColor", inline=True, path=path))
        items.append(El("li", css(list_style="none"), [item]) if tag == "ul" else item)
    return El(tag, css(text_align="left"), items, "list")


def pages(ctx: DrawContext) -> El:
    """Pagination: page numbers, previous and next."""
    names = [ctx.pick("«", "‹", "Previous"), *(str(n) for n in range(1, ctx.pick(4, 5, 6))), "›"]
    tag, kind = ctx.pick("ul", "ul", "nav", "div"), ctx.pick("boxed", "boxed", "bare", "round")
    items = []
    for at, name in enumerate(names):
        style = css(display="inline-block", padding="6px 12px", font_size=ctx.size(14))
        style |= css(color=ctx.ink, text_decoration="none", text_align="center")
        if kind == "boxed":
            style |= css(border=f"1px solid {ctx.line}", margin_left="-1px" if at else "0")
        elif kind == "round":
            style |= css(border_radius="50%", margin="0 2px")
        if at == 2:
            style |= css(background=ctx.theme.accent, color=ctx.on(ctx.theme.accent).ink)
        item = El(ctx.pick("a", "a", "span") if at == 2 else "a", style, [name])
        items.append(El("li", css(list_style="none"), [item]) if tag == "ul" else item)
    style = css(display="flex", justify_content=ctx.pick("center", "flex-start"))
    return El(tag, style, items, "list")


def tags(ctx: DrawContext, count: int | None = None) -> El:
    """Three or more chips, which may look like buttons: a list."""
    items = []
    filled, side = ctx.chance(0.6), ctx.pick("span", "a", "button", "li")
    for text in ctx.text.sample(words.ADJECTIVES, count or ctx.rng.randint(3, 6)):
        style = css(display="inline-block", padding=f"{ctx.size(5)} {ctx.size(12)}", color=ctx.ink)
        style |= css(
            font_size=ctx.size(13), border_radius=ctx.pick("999px", ctx.size(ctx.theme.radius))
        )
        if filled:
            style["background"] = ctx.theme.accent + "26"
        else:
            style |= css(background="transparent", border=f"1px solid {ctx.line}")
        items.append(El(side, style, [text]))
    justify = "center" if ctx.theme.centered else "flex-start"
    style = css(display="flex", flex_wrap="wrap", gap=ctx.size(8), justify_content=justify)
    return El(
        "ul" if side == "li" else "div",
        style | (css(list_style="none") if side == "li" else {}),
        items,
        "list",
    )


def facts(ctx: DrawContext, count: int | None = None) -> El:
    """Short lines with a pictogram each: address, telephone number, opening hours."""
    items = []
    for text in (
        f"{ctx.text.randint(1, 99)} {ctx.text.choice(words.STREETS)}",
        f"+{ctx.text.randint(20, 60)} {ctx.text.randint(100, 999)} {ctx.text.randint(1000, 9999)}",
        "hello@" + ctx.text.choice(words.BRANDS).lower() + ".example",
        f"Mon to Fri, {ctx.rng.randint(7, 10)} to {ctx.rng.randint(16, 20)}",
    )[: count or ctx.pick(3, 4)]:
        row = [
            pictogram(ctx, 16, ctx.theme.accent),
            El("span", css(font_size=ctx.size(ctx.theme.body), color=ctx.muted), [text]),
        ]
        items.append(
            El(
                "li",
                css(display="flex", gap=ctx.size(10), align_items="center", padding="4px 0"),
                row,
            )
        )
    tag = ctx.pick("ul", "div")
    if tag == "div":
        for item in items:
            item.tag = "div"
    return El(tag, css(list_style="none"), items, "list")


def logo_strip(ctx: DrawContext, count: int) -> El:
    """Logos in a row: small pictures of one kind and no photos, so a list."""
    height, wrapped = ctx.pick(22, 28, 34), ctx.chance(0.5)
    item = ctx.pick("div", "a", "li")
    marks = []
    for brand in ctx.text.sample(words.BRANDS, count):
        source = pictures.logo(ctx.text, brand, ctx.muted)
        picture = El("img", css(height=ctx.size(height)), [], None, {"src": source, "alt": ""})
        marks.append(El(item, css(list_style="none"), [picture]) if wrapped else picture)
    style = css(
        display="flex", flex_wrap="wrap", gap=ctx.size(ctx.pick(24, 36)), align_items="center"
    )
    style["justify-content"] = ctx.pick("center", "space-between")
    tag = "ul" if wrapped and item == "li" else ctx.pick("div", "div", "section")
    return El(tag, style, marks, "list")
