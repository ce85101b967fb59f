"""Runs of equal simple things: lists of every kind, links to social networks."""

from data_prep.synthesize.components import pictures, words
from data_prep.synthesize.components.draw_context import Kit
from data_prep.synthesize.components.leaves import sign
from data_prep.synthesize.components.markup import El, css


def social(k: Kit, count: int | None = None) -> El:
    """A row of links to social networks."""
    count = count or k.rng.randint(3, 6)
    paths = k.text.sample(pictures.SOCIAL_SIGNS, count)
    px, kind = k.pick(16, 18, 20, 24), k.pick("bare", "disc", "disc", "text")
    tag = k.pick("ul", "div", "div", "p")
    gap = k.size(k.pick(8, 12, 16))
    look = css(display="flex", gap=gap, align_items="center")
    if k.theme.centred:
        look["justify-content"] = "center"
    links = []
    names = k.text.sample(
        ["Facebook", "X", "Instagram", "LinkedIn", "YouTube", "GitHub", "Mastodon", "TikTok"], count
    )
    for path, network in zip(paths, names, strict=True):
        ink = "#ffffff" if kind == "disc" else k.ink
        kids = (
            [sign(k, px, ink, path=path, glyph=network[0].lower())]
            if k.theme.icon_kind != "glyph"
            else [network[0].lower()]
        )
        link = El("a", css(display="inline-flex", color=ink), kids, None, {"href": "#"})
        if kind == "disc":
            side = k.size(px + k.pick(14, 16, 20))
            link.style |= css(
                width=side, height=side, align_items="center", justify_content="center"
            )
            colour = k.theme.accent if k.behind != k.theme.accent else "#1d2430"
            link.style |= css(background=colour, border_radius=k.pick("50%", "6px"))
        elif kind == "text":
            link.kids.append(" " + network)
            link.style |= css(gap="4px", align_items="center", font_size=k.size(13), color=k.muted)
        links.append(El("li", css(list_style="none"), [link]) if tag == "ul" else link)
    return El(tag, look, links, "social")


def bullets(k: Kit, count: int | None = None) -> El:
    """Points under one another: bullets, ticks, or plain lines."""
    count, kind = count or k.rng.randint(3, 6), k.pick("bullet", "tick", "plain", "lines")
    tag, item_tag = k.tag("ul", "ul", "div", "ol", "div"), "li"
    if tag == "div":
        item_tag = k.pick("div", "p", "span")
    ink, items = k.muted if k.chance(0.6) else k.ink, []
    path, high = k.text.choice(pictures.PICTOGRAMS), k.pick(3, 4, 6)
    for _ in range(count):
        text = words.title(k.text, 2, 5)
        item = El(item_tag, css(font_size=k.size(k.theme.body), color=ink), [text])
        item.style["padding"] = f"{k.size(high)} 0"
        if kind == "tick":
            item.kids = [sign(k, 16, k.theme.accent, inline=True, path=path), " " + text]
        elif kind == "lines":
            item.style["border-bottom"] = f"1px solid {k.line}"
        if item_tag == "span":
            item.style["display"] = "block"
        items.append(item)
    look = css(text_align="left")
    if kind == "bullet" and item_tag == "li":
        look["padding-left"] = k.size(20)
    elif item_tag == "li":
        look["list-style"] = "none"
    return El(tag, look, items, "list")


def links(k: Kit, count: int | None = None, *, row: bool = True, ink: str | None = None) -> El:
    """A menu, a footer's links, a trail of crumbs."""
    count = count or k.rng.randint(3, 6)
    tag = k.pick("ul", "nav", "div") if k.chance(k.theme.semantic) else k.pick("div", "p", "ol")
    gap, items = k.size(k.pick(14, 18, 24, 30) if row else k.pick(5, 8, 10)), []
    kind = k.pick("plain", "plain", "plain", "pill", "boxed") if row else "plain"
    px, item_tag = k.pick(13, 14, 15), k.tag("a", "span", "a")
    for text in words.menu(k.text, count):
        look = css(font_size=k.size(px), color=ink or k.ink, text_decoration="none")
        if kind != "plain":
            look |= css(padding=f"{k.size(6)} {k.size(12)}", border_radius=k.size(k.theme.radius))
            look["background" if kind == "pill" else "border"] = (
                k.theme.accent + "22" if kind == "pill" else f"1px solid {k.line}"
            )
        link = El(item_tag, look, [text], None)
        link.hover = css(color=k.theme.accent) if k.theme.hovers else {}
        if not row:
            link.style["display"] = "block"
        items.append(El("li", css(list_style="none"), [link]) if tag in ("ul", "ol") else link)
    look = css(display="flex", gap=gap)
    look |= css(flex_wrap="wrap", align_items="center") if row else css(flex_direction="column")
    if row and k.theme.responsive:
        return El(tag, look, items, "list", mobile=css(flex_direction="column"))
    return El(tag, look, items, "list")


def crumbs(k: Kit) -> El:
    """The way to this page, with signs between the steps."""
    tag, between, px = k.pick("ol", "ul", "nav", "div"), k.pick(*"/›»•"), k.pick(12, 13, 14)
    names, items = words.menu(k.text, k.pick(3, 3, 4)), []
    for at, name in enumerate(names):
        last = at == len(names) - 1
        look = css(font_size=k.size(px), color=k.muted if last else k.theme.accent)
        item = El("span" if last else "a", look | css(text_decoration="none"), [name])
        if not last:
            sign_ = El("span", css(padding="0 8px", color=k.muted), [between])
            item = El("li" if tag in ("ol", "ul") else "span", {}, [item, sign_])
        elif tag in ("ol", "ul"):
            item = El("li", {}, [item])
        items.append(item)
    look = css(display="flex", flex_wrap="wrap", list_style="none")
    if k.chance(0.25):
        look |= css(background=k.line + "66", padding="8px 16px", border_radius="4px")
    return El(tag, look, items, "list")


def side_menu(k: Kit, count: int | None = None) -> El:
    """Pages under one another, one of them chosen, some further in."""
    count, tag = count or k.rng.randint(4, 8), k.pick("ul", "ul", "nav", "div")
    chosen, kind = k.rng.randrange(count), k.pick("bold", "filled", "edge")
    signs, px, items = k.chance(0.3), k.pick(13, 14, 15), []
    path = k.text.choice(pictures.PICTOGRAMS)
    for at in range(count):
        look = css(display="block", padding=f"{k.size(5)} {k.size(10)}", font_size=k.size(px))
        look |= css(color=k.muted, text_decoration="none")
        if at == chosen:
            look |= css(color=k.ink, font_weight=600)
            if kind == "filled":
                look |= css(background=k.theme.accent, color=k.on(k.theme.accent).ink)
            elif kind == "edge":
                look["border-left"] = f"3px solid {k.theme.accent}"
        elif k.text.random() < 0.2:
            look["padding-left"] = k.size(26)
        item = El("a", look, [words.title(k.text, 1, 2)], hover=css(color=k.theme.accent))
        if signs:
            item.kids.insert(0, sign(k, 15, "currentColor", inline=True, path=path))
        items.append(El("li", css(list_style="none"), [item]) if tag == "ul" else item)
    return El(tag, css(text_align="left"), items, "list")


def pages(k: Kit) -> El:
    """Numbers of pages, and the ways back and on."""
    names = [k.pick("«", "‹", "Previous"), *(str(n) for n in range(1, k.pick(4, 5, 6))), "›"]
    tag, kind = k.pick("ul", "ul", "nav", "div"), k.pick("boxed", "boxed", "bare", "round")
    items = []
    for at, name in enumerate(names):
        look = css(display="inline-block", padding="6px 12px", font_size=k.size(14))
        look |= css(color=k.ink, text_decoration="none", text_align="center")
        if kind == "boxed":
            look |= css(border=f"1px solid {k.line}", margin_left="-1px" if at else "0")
        elif kind == "round":
            look |= css(border_radius="50%", margin="0 2px")
        if at == 2:
            look |= css(background=k.theme.accent, color=k.on(k.theme.accent).ink)
        item = El(k.pick("a", "a", "span") if at == 2 else "a", look, [name])
        items.append(El("li", css(list_style="none"), [item]) if tag == "ul" else item)
    look = css(display="flex", justify_content=k.pick("center", "flex-start"))
    return El(tag, look, items, "list")


def tags(k: Kit, count: int | None = None) -> El:
    """Three or more equal small things, which may look like buttons: a list."""
    items = []
    filled, side = k.chance(0.6), k.pick("span", "a", "button", "li")
    for text in k.text.sample(words.ADJECTIVES, count or k.rng.randint(3, 6)):
        look = css(display="inline-block", padding=f"{k.size(5)} {k.size(12)}", color=k.ink)
        look |= css(font_size=k.size(13), border_radius=k.pick("999px", k.size(k.theme.radius)))
        if filled:
            look["background"] = k.theme.accent + "26"
        else:
            look |= css(background="transparent", border=f"1px solid {k.line}")
        items.append(El(side, look, [text]))
    justify = "center" if k.theme.centred else "flex-start"
    look = css(display="flex", flex_wrap="wrap", gap=k.size(8), justify_content=justify)
    return El(
        "ul" if side == "li" else "div",
        look | (css(list_style="none") if side == "li" else {}),
        items,
        "list",
    )


def facts(k: Kit, count: int | None = None) -> El:
    """Short lines with a sign in front: an address, a telephone number, opening hours."""
    items = []
    for text in (
        f"{k.text.randint(1, 99)} {k.text.choice(words.STREETS)}",
        f"+{k.text.randint(20, 60)} {k.text.randint(100, 999)} {k.text.randint(1000, 9999)}",
        "hello@" + k.text.choice(words.BRANDS).lower() + ".example",
        f"Mon to Fri, {k.rng.randint(7, 10)} to {k.rng.randint(16, 20)}",
    )[: count or k.pick(3, 4)]:
        row = [
            sign(k, 16, k.theme.accent),
            El("span", css(font_size=k.size(k.theme.body), color=k.muted), [text]),
        ]
        items.append(
            El(
                "li",
                css(display="flex", gap=k.size(10), align_items="center", padding="4px 0"),
                row,
            )
        )
    tag = k.pick("ul", "div")
    if tag == "div":
        for item in items:
            item.tag = "div"
    return El(tag, css(list_style="none"), items, "list")


def logo_strip(k: Kit, count: int) -> El:
    """Customers' marks in a row: small pictures of one kind and no photos, so they are a list."""
    height, wrapped = k.pick(22, 28, 34), k.chance(0.5)
    item = k.pick("div", "a", "li")
    marks = []
    for brand in k.text.sample(words.BRANDS, count):
        source = pictures.logo(k.text, brand, k.muted)
        picture = El("img", css(height=k.size(height)), [], None, {"src": source, "alt": ""})
        marks.append(El(item, css(list_style="none"), [picture]) if wrapped else picture)
    look = css(display="flex", flex_wrap="wrap", gap=k.size(k.pick(24, 36)), align_items="center")
    look["justify-content"] = k.pick("center", "space-between")
    tag = "ul" if wrapped and item == "li" else k.pick("div", "div", "section")
    return El(tag, look, marks, "list")
