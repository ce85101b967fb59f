"""Leaves of words and pictograms: heading, paragraph, button, icon, divider.

Tags are drawn at random, so that a model must infer the element from style, position and context.
"""

from data_prep.synthesize.components import pictures, words
from data_prep.synthesize.components.draw_context import DrawContext, block
from data_prep.synthesize.components.markup import El, Raw, css

GLYPHS = "★✓✔♥☎✉⚙☀♫⌂✎⚡☁☂✈♦●▲"


def heading(
    ctx: DrawContext, text: str | None = None, *, step: float = 2.5, low: int = 2, high: int = 6
) -> El:
    """Text that titles something, `step` steps (`Theme.text_px`) larger than running text."""
    text = text or words.title(ctx.text, low, high)
    level = max(1, min(6, round(5.2 - step)))
    tag = ctx.tag(f"h{level}", "div", "p", "span", "h1", "h3", "h6", "strong", "a", "div")
    # Hardly larger than running text, only its weight makes it a heading.
    weight = max(600, ctx.theme.head_weight) if step < 1.2 else ctx.theme.head_weight
    style = css(
        font_size=ctx.size(max(ctx.theme.body, ctx.theme.text_px(step))), font_weight=weight
    )
    if ctx.theme.head_font != ctx.theme.font:
        style["font-family"] = ctx.theme.head_font
    style |= css(line_height=ctx.pick("1.1", "1.2", "1.25"), color=ctx.ink)
    if ctx.theme.uppercase:
        style |= css(text_transform="uppercase", letter_spacing=ctx.size(1))
    if tag == "a":
        style["text-decoration"] = "none"
    made = El(tag, block(tag, style), _inline(ctx, text, 0.1), "heading")
    if ctx.theme.responsive and step >= 2:
        made.mobile = css(font_size=ctx.size(ctx.theme.text_px(step * 0.7)))
        if step >= 3:
            made.tablet = css(font_size=ctx.size(ctx.theme.text_px(step * 0.85)))
    return made


def paragraph(
    ctx: DrawContext,
    text: str | None = None,
    *,
    step: float = 0.0,
    low: int = 1,
    high: int = 2,
    **extra,
) -> El:
    """Running text, a caption, a label: any text that is no title."""
    text = text or words.sentences(ctx.text, low, high)
    telling = "p" if ctx.chance(0.85) else "blockquote"
    tag = ctx.tag(telling, "div", "span", "h5", "h6", "h4", "div", "p", "small", "h3")
    style = css(font_size=ctx.size(ctx.theme.text_px(step)), line_height=ctx.theme.line_height)
    style |= css(color=ctx.muted if ctx.chance(0.7) else ctx.ink)
    # A heading by tag with the weight of text: that it is no heading must be visible.
    if tag in ("h3", "h4", "h5", "h6"):
        style["font-weight"] = "400"
    return El(tag, block(tag, style | css(**extra)), _inline(ctx, text, 0.14), "paragraph")


def label(ctx: DrawContext, text: str | None = None, **extra) -> El:
    """A short line: a kicker, a caption, a role, a date."""
    text = text or ctx.text.choice(words.LABELS)
    tag = ctx.tag("p", "span", "div", "small", "h6", "h4", "label")
    style = css(font_size=ctx.size(max(11, ctx.theme.body - ctx.pick(0, 1, 2, 3))), font_weight=400)
    style |= css(
        color=ctx.theme.accent if ctx.chance(0.2) and ctx.behind != ctx.theme.accent else ctx.muted
    )
    return El(tag, block(tag, style | css(**extra)), [text], "paragraph")


def amount(ctx: DrawContext, text: str, step: float) -> El:
    """A price: a paragraph at any size, because it titles nothing."""
    tag = ctx.pick("div", "span", "strong", "p", "h2", "h3")
    style = css(font_size=ctx.size(ctx.theme.text_px(step)), line_height="1.2", color=ctx.ink)
    return El(
        tag, block(tag, style | css(font_weight=ctx.pick(400, 600, 700))), [text], "paragraph"
    )


def kicker(ctx: DrawContext) -> El:
    spread = ctx.size(ctx.pick(0, 1, 2))
    return label(ctx, letter_spacing=spread, text_transform=ctx.pick("uppercase", "none"))


def text_link(ctx: DrawContext, text: str | None = None) -> El:
    tag = ctx.tag("a", "span", "div", "button")
    style = css(color=ctx.theme.accent if ctx.behind != ctx.theme.accent else ctx.ink)
    style |= css(font_size=ctx.size(ctx.theme.body), text_decoration=ctx.pick("none", "underline"))
    style |= css(display="inline-block", background="transparent", padding=0)
    text = (text or words.action(ctx.text)) + ctx.pick("", " →", " ›")
    hover = css(text_decoration="underline", color=ctx.ink) if ctx.theme.hovers else {}
    return El(tag, style, [text], "paragraph", hover=hover)


def _inline(ctx: DrawContext, text: str, probability: float) -> list:
    """Text, perhaps with one word in an inline element, or with a line break."""
    parts = text.split(" ")
    if len(parts) < 4 or ctx.text.random() > probability:
        return [text]
    at = ctx.text.randint(1, len(parts) - 2)
    before, after = " ".join(parts[:at]), " ".join(parts[at + 1 :])
    kind = ctx.text.randrange(4)
    if kind == 0:
        return [before, El("br"), " ".join(parts[at:])]
    tag = ("strong", "em", "span", "a")[kind]
    style = css(color=ctx.theme.accent) if ctx.behind != ctx.theme.accent else {}
    return [before + " ", El(tag, style, [parts[at]]), " " + after]


def logo(ctx: DrawContext) -> El:
    """A brand: a picture or a name, one leaf."""
    brand = ctx.text.choice(words.BRANDS)
    if ctx.chance(0.4):
        source = pictures.logo(ctx.text, brand, ctx.ink)
        image = El("img", css(height=ctx.size(ctx.pick(22, 28, 32, 40))), [], None, {"src": source})
        if ctx.chance(0.5):
            image.mark = "image"
            return image
        return El("a", css(display="inline-block"), [image], "image", {"href": "#"})
    kids = [brand]
    if ctx.chance(0.3):
        kids = [pictogram(ctx, 20, ctx.theme.accent), " " + brand]
    tag = ctx.tag("a", "div", "span", "strong", "h2", "p")
    style = css(font_size=ctx.size(ctx.pick(18, 20, 22, 26)), font_weight=ctx.pick(600, 700, 800))
    style |= css(
        color=ctx.ink, text_decoration="none", display="inline-block", white_space="nowrap"
    )
    return El(tag, style, kids, "paragraph")


# --- buttons --------------------------------------------------------------------------------------


def _button_size(ctx: DrawContext, small: bool) -> dict[str, str]:
    """Padding, type and corners of a button, by the author's profile."""
    theme, kind = ctx.theme, ctx.theme.profile.button
    px, round_ = theme.body - (1 if small else 0), ctx.size(min(theme.radius, 14))
    style = css(display="inline-block", text_align="center", cursor="pointer")
    style["text-decoration"] = "none"
    if kind == "tight":
        up, side = (4, 8) if small else ctx.pick((6, 12), (8, 16), (8, 20))
        style |= css(
            padding=f"{ctx.size(up)} {ctx.size(side)}", font_size=ctx.size(px), line_height="1.5"
        )
        style |= css(
            font_weight=ctx.pick(400, 400, 600), vertical_align="middle", user_select="none"
        )
        style["border"] = "1px solid transparent"
    elif kind == "em":
        style |= css(
            padding=".8em 1.5em", min_height="1em", font_size=ctx.size(px), line_height="1em"
        )
        style |= css(font_weight=700, vertical_align="baseline")
    elif kind == "caps":
        high = 30 if small else ctx.pick(38, 40, 54)
        style |= css(padding=f"0 {ctx.size(high * 0.75)}", line_height=f"{high - 2}px")
        style |= css(
            font_size=ctx.size(px - 1), text_transform="uppercase", vertical_align="middle"
        )
        style["border"] = "1px solid transparent"
    elif kind == "lifted":
        style |= css(display="inline-flex", align_items="center", justify_content="center")
        style |= css(min_width="64px", height=ctx.size(30 if small else 36), padding="0 16px")
        style |= css(font_size=ctx.size(14), font_weight=500, letter_spacing=".06em")
        style |= css(text_transform=ctx.pick("uppercase", "none"), position="relative")
    elif kind == "square":
        up = 8 if small else ctx.pick(12, 14)
        style |= css(padding=f"{ctx.size(up * 0.85)} {ctx.size(up)}", font_size=ctx.size(px * 0.95))
        style |= css(line_height="1", vertical_align="middle", border="1px solid transparent")
    else:
        up = ctx.pick(6, 8) if small else ctx.pick(9, 11, 13, 16)
        style |= css(
            padding=f"{ctx.size(up)} {ctx.size(up * ctx.pick(1.6, 2, 2.6))}", line_height="1.2"
        )
        style |= css(
            font_size=ctx.size(px), font_weight=ctx.pick(400, 600, 700), white_space="nowrap"
        )
    style["border-radius"] = "999px" if theme.pill else round_
    return style


def button(
    ctx: DrawContext, text: str | None = None, *, primary: bool = True, small: bool = False
) -> El:
    theme, accent = ctx.theme, ctx.theme.accent
    if ctx.behind == accent:
        accent = "#ffffff" if ctx.ink == "#ffffff" else "#1d2430"
    kind = theme.button_kind if primary else ctx.pick("outline", "soft", "outline", "gray")
    # Legible on the button, whose color may be light or dark.
    label_ink = ctx.on(accent).ink
    style = _button_size(ctx, small)
    if kind == "outline":
        style |= css(border=f"{ctx.pick(1, 1, 2)}px solid {accent}", color=accent)
        style["background"] = "transparent"
    elif kind == "soft":
        # "26" is the alpha channel, 15 %.
        style |= css(background=accent + "26", color=ctx.ink)
    elif kind == "gray":
        style |= css(background=ctx.line, color=ctx.on(ctx.line).ink)
    elif kind == "gradient":
        style |= css(background=f"linear-gradient(90deg,{accent},{theme.accent2})", color=label_ink)
        if accent in ("#ffffff", "#1d2430"):
            style["background"] = accent
    else:
        style |= css(background=accent, color=label_ink)
    if kind == "raised" or (primary and theme.profile.button == "lifted" and kind == "fill"):
        style["box-shadow"] = theme.shadow
    kids = [text or words.action(ctx.text)]
    if ctx.chance(0.2):
        kids.insert(ctx.pick(0, 1), pictogram(ctx, 14, "currentColor", inline=True))
    elif ctx.chance(0.2 + 0.15 * theme.profile.layers):
        kids = [El("span", ctx.pick({}, css(position="relative")), kids)]
    tag = ctx.pick("a", "a", "button", "button", ctx.tag("a", "div", "span"), "input")
    hover = {}
    if theme.hovers:
        hover = ctx.pick(css(opacity=".85"), css(background=theme.accent2), css(color=accent))
    if tag == "input":
        if isinstance(kids[0], El) or len(kids) > 1:
            tag = "button"
        else:
            attrs = {"type": ctx.pick("submit", "button"), "value": kids[0]}
            # An input has a border and a font of its own by default.
            style = css(border="0", font_family="inherit") | style
            return El("input", style, [], "button", attrs, hover)
    return El(tag, style, kids, "button", {"href": "#"} if tag == "a" else {}, hover)


def buttons(ctx: DrawContext, count: int | None = None) -> El:
    """One button, or two side by side (then their row is a grid)."""
    if (count or ctx.pick(1, 1, 2)) == 1:
        return button(ctx)
    first, second = button(ctx), button(ctx, primary=False)
    gap = ctx.size(ctx.pick(8, 12, 16))
    if ctx.chance(0.6):
        justify = "center" if ctx.theme.centered else "flex-start"
        row = El("div", css(display="flex", gap=gap, justify_content=justify, align_items="center"))
    else:
        row = El(ctx.pick("div", "p"))
        first.style["margin-right"] = gap
    row.kids, row.mark = [first, second], "grid"
    return row


# --- pictograms -----------------------------------------------------------------------------------


def pictogram(
    ctx: DrawContext,
    px: int,
    ink: str,
    *,
    inline: bool = False,
    path: str | None = None,
    glyph: str | None = None,
) -> El:
    """A pictogram without a label; `path` (SVG) and `glyph` (text) choose which, if it matters."""
    glyph = glyph or ctx.text.choice(GLYPHS)
    path = path or ctx.text.choice(pictures.PICTOGRAMS)
    kind = ctx.theme.icon_kind
    place = css(display="inline-block", vertical_align="middle") if inline else {}
    if inline:
        place["margin"] = f"0 {ctx.size(4)}"
    if kind == "glyph":
        tag = ctx.pick("i", "span", "div") if not inline else ctx.pick("i", "span")
        style = css(font_size=ctx.size(px), line_height="1", color=ink, font_style="normal")
        return El(tag, block(tag, style) | place, [glyph])
    if kind == "font":
        tag = ctx.pick("i", "i", "span", "em")
        style = css(font_size=ctx.size(px), line_height="1", color=ink, font_style="normal")
        style["display"] = "inline-block"
        if ctx.chance(0.4):
            style |= css(width="1.25em", text_align="center")
        return El(tag, style | place, [], None, before=glyph)
    filled = kind == "fill"
    if kind == "picture" and ink != "currentColor":
        source = pictures.data_uri(pictures.pictogram(path, ink, filled=filled))
        style = css(width=ctx.size(px), height=ctx.size(px))
        return El("img", style | place, [], None, {"src": source, "alt": ""})
    paint = {"fill": ink, "stroke": "none"} if filled else {"fill": "none", "stroke": ink}
    attrs = {"viewBox": "0 0 24 24", "stroke-width": "2", **paint}
    style = css(width=ctx.size(px), height=ctx.size(px))
    if not inline:
        style["display"] = "block"
    return El("svg", style | place, [Raw(f'<path d="{path}"></path>')], None, attrs)


def icon(
    ctx: DrawContext, px: int | None = None, *, path: str | None = None, glyph: str | None = None
) -> El:
    """A pictogram, perhaps on a disc, which is a part of the leaf."""
    px = px or ctx.pick(18, 22, 26, 32, 40)
    if px <= 40 and ctx.chance(ctx.theme.icon_disc):
        inner = pictogram(ctx, px, ctx.pick(ctx.theme.accent, "#ffffff"), path=path, glyph=glyph)
        side = round(px * ctx.pick(1.7, 2))
        style = css(width=ctx.size(side), height=ctx.size(side), display="inline-flex")
        style |= css(align_items="center", justify_content="center", flex="none")
        style["border-radius"] = ctx.pick("50%", ctx.size(ctx.theme.radius))
        style["background"] = ctx.theme.accent + "2e" if ctx.chance(0.6) else ctx.theme.accent2
        return El(ctx.pick("div", "span"), style, [inner], "icon")
    ink = ctx.theme.accent if ctx.behind != ctx.theme.accent else ctx.ink
    node = pictogram(ctx, px, ink, path=path, glyph=glyph)
    if ctx.chance(0.35):
        node = El(
            ctx.pick("span", "div", "i"), css(display="inline-block", line_height="0"), [node]
        )
    node.mark = "icon"
    node.style["flex"] = "none"
    if node.style.get("display") != "inline-block":
        node.style["display"] = "inline-block"
    return node


def divider(ctx: DrawContext) -> El:
    """A separating line in an element of its own."""
    thick, short = ctx.pick(1, 1, 2, 3), ctx.chance(0.35)
    tag = ctx.tag("hr", "div", "span", "div")
    color = ctx.theme.accent if short and ctx.behind != ctx.theme.accent else ctx.line
    style = css(display="block", height=f"{thick}px", background=color, border="0")
    style["width"] = ctx.size(ctx.pick(40, 64, 90, 140)) if short else "100%"
    style["margin"] = "0 auto" if short and ctx.theme.centered else "0"
    return El(tag, style, [], "divider")
