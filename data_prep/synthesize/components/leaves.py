"""Leaves that are words or small signs: heading, paragraph, button, icon, divider, counter.

Tags are drawn so that the element must be read from look, place and context.
"""

from data_prep.synthesize.components import pictures, words
from data_prep.synthesize.components.draw_context import Kit, block
from data_prep.synthesize.components.markup import El, Raw, css

GLYPHS = "★✓✔♥☎✉⚙☀♫⌂✎⚡☁☂✈♦●▲"


def heading(
    k: Kit, text: str | None = None, *, step: float = 2.5, low: int = 2, high: int = 6
) -> El:
    """Text that titles something; `step` is its size above running text."""
    text = text or words.title(k.text, low, high)
    level = max(1, min(6, round(5.2 - step)))
    tag = k.tag(f"h{level}", "div", "p", "span", "h1", "h3", "h6", "strong", "a", "div")
    weight = max(600, k.theme.head_weight) if step < 1.2 else k.theme.head_weight
    style = css(font_size=k.size(max(k.theme.body, k.theme.text_px(step))), font_weight=weight)
    if k.theme.head_font != k.theme.font:
        style["font-family"] = k.theme.head_font
    style |= css(line_height=k.pick("1.1", "1.2", "1.25"), color=k.ink)
    if k.theme.uppercase:
        style |= css(text_transform="uppercase", letter_spacing=k.size(1))
    if tag == "a":
        style["text-decoration"] = "none"
    made = El(tag, block(tag, style), _inline(k, text, 0.1), "heading")
    if k.theme.responsive and step >= 2:
        made.mobile = css(font_size=k.size(k.theme.text_px(step * 0.7)))
        if step >= 3:
            made.tablet = css(font_size=k.size(k.theme.text_px(step * 0.85)))
    return made


def paragraph(
    k: Kit, text: str | None = None, *, step: float = 0.0, low: int = 1, high: int = 2, **style
) -> El:
    """Running text, a caption, a label: anything read that titles nothing."""
    text = text or words.sentences(k.text, low, high)
    telling = "p" if k.chance(0.85) else "blockquote"
    tag = k.tag(telling, "div", "span", "h5", "h6", "h4", "div", "p", "small", "h3")
    look = css(font_size=k.size(k.theme.text_px(step)), line_height=k.theme.line_height)
    look |= css(color=k.muted if k.chance(0.7) else k.ink)
    if tag in ("h3", "h4", "h5", "h6"):
        look["font-weight"] = "400"
    return El(tag, block(tag, look | css(**style)), _inline(k, text, 0.14), "paragraph")


def label(k: Kit, text: str | None = None, **style) -> El:
    """A short line: a kicker, a caption, a role, a date."""
    text = text or k.text.choice(words.LABELS)
    tag = k.tag("p", "span", "div", "small", "h6", "h4", "label")
    look = css(font_size=k.size(max(11, k.theme.body - k.pick(0, 1, 2, 3))), font_weight=400)
    look |= css(color=k.theme.accent if k.chance(0.2) and k.behind != k.theme.accent else k.muted)
    return El(tag, block(tag, look | css(**style)), [text], "paragraph")


def amount(k: Kit, text: str, step: float) -> El:
    """A price, large as it may be: it titles nothing."""
    tag = k.pick("div", "span", "strong", "p", "h2", "h3")
    look = css(font_size=k.size(k.theme.text_px(step)), line_height="1.2", color=k.ink)
    return El(tag, block(tag, look | css(font_weight=k.pick(400, 600, 700))), [text], "paragraph")


def kicker(k: Kit) -> El:
    spread = k.size(k.pick(0, 1, 2))
    return label(k, letter_spacing=spread, text_transform=k.pick("uppercase", "none"))


def text_link(k: Kit, text: str | None = None) -> El:
    tag = k.tag("a", "span", "div", "button")
    look = css(color=k.theme.accent if k.behind != k.theme.accent else k.ink)
    look |= css(font_size=k.size(k.theme.body), text_decoration=k.pick("none", "underline"))
    look |= css(display="inline-block", background="transparent", padding=0)
    text = (text or words.action(k.text)) + k.pick("", " →", " ›")
    hover = css(text_decoration="underline", color=k.ink) if k.theme.hovers else {}
    return El(tag, look, [text], "paragraph", hover=hover)


def _inline(k: Kit, text: str, probability: float) -> list:
    """Text, perhaps with a run in another element or a line break, as authors write it."""
    parts = text.split(" ")
    if len(parts) < 4 or k.text.random() > probability:
        return [text]
    at = k.text.randint(1, len(parts) - 2)
    before, after = " ".join(parts[:at]), " ".join(parts[at + 1 :])
    kind = k.text.randrange(4)
    if kind == 0:
        return [before, El("br"), " ".join(parts[at:])]
    tag = ("strong", "em", "span", "a")[kind]
    style = css(color=k.theme.accent) if k.behind != k.theme.accent else {}
    return [before + " ", El(tag, style, [parts[at]]), " " + after]


def logo(k: Kit) -> El:
    """A brand: a picture or words; one leaf."""
    brand = k.text.choice(words.BRANDS)
    if k.chance(0.4):
        source = pictures.logo(k.text, brand, k.ink)
        image = El("img", css(height=k.size(k.pick(22, 28, 32, 40))), [], None, {"src": source})
        if k.chance(0.5):
            image.mark = "image"
            return image
        return El("a", css(display="inline-block"), [image], "image", {"href": "#"})
    kids = [brand]
    if k.chance(0.3):
        kids = [sign(k, 20, k.theme.accent), " " + brand]
    tag = k.tag("a", "div", "span", "strong", "h2", "p")
    look = css(font_size=k.size(k.pick(18, 20, 22, 26)), font_weight=k.pick(600, 700, 800))
    look |= css(color=k.ink, text_decoration="none", display="inline-block", white_space="nowrap")
    return El(tag, look, kids, "paragraph")


# --- buttons --------------------------------------------------------------------------------------


def _button_size(k: Kit, small: bool) -> dict[str, str]:
    """Room, type and corners of a button, as the author's framework has them."""
    theme, kind = k.theme, k.theme.manner.button
    px, round_ = theme.body - (1 if small else 0), k.size(min(theme.radius, 14))
    look = css(display="inline-block", text_align="center", cursor="pointer")
    look["text-decoration"] = "none"
    if kind == "tight":
        up, side = (4, 8) if small else k.pick((6, 12), (8, 16), (8, 20))
        look |= css(padding=f"{k.size(up)} {k.size(side)}", font_size=k.size(px), line_height="1.5")
        look |= css(font_weight=k.pick(400, 400, 600), vertical_align="middle", user_select="none")
        look["border"] = "1px solid transparent"
    elif kind == "em":
        look |= css(padding=".8em 1.5em", min_height="1em", font_size=k.size(px), line_height="1em")
        look |= css(font_weight=700, vertical_align="baseline")
    elif kind == "caps":
        high = 30 if small else k.pick(38, 40, 54)
        look |= css(padding=f"0 {k.size(high * 0.75)}", line_height=f"{high - 2}px")
        look |= css(font_size=k.size(px - 1), text_transform="uppercase", vertical_align="middle")
        look["border"] = "1px solid transparent"
    elif kind == "lifted":
        look |= css(display="inline-flex", align_items="center", justify_content="center")
        look |= css(min_width="64px", height=k.size(30 if small else 36), padding="0 16px")
        look |= css(font_size=k.size(14), font_weight=500, letter_spacing=".06em")
        look |= css(text_transform=k.pick("uppercase", "none"), position="relative")
    elif kind == "square":
        up = 8 if small else k.pick(12, 14)
        look |= css(padding=f"{k.size(up * 0.85)} {k.size(up)}", font_size=k.size(px * 0.95))
        look |= css(line_height="1", vertical_align="middle", border="1px solid transparent")
    else:
        up = k.pick(6, 8) if small else k.pick(9, 11, 13, 16)
        look |= css(padding=f"{k.size(up)} {k.size(up * k.pick(1.6, 2, 2.6))}", line_height="1.2")
        look |= css(font_size=k.size(px), font_weight=k.pick(400, 600, 700), white_space="nowrap")
    look["border-radius"] = "999px" if theme.pill else round_
    return look


def button(k: Kit, text: str | None = None, *, primary: bool = True, small: bool = False) -> El:
    theme, accent = k.theme, k.theme.accent
    if k.behind == accent:
        accent = "#ffffff" if k.ink == "#ffffff" else "#1d2430"
    kind = theme.button_kind if primary else k.pick("outline", "soft", "outline", "grey")
    label_ink = k.on(accent).ink
    look = _button_size(k, small)
    if kind == "outline":
        look |= css(border=f"{k.pick(1, 1, 2)}px solid {accent}", color=accent)
        look["background"] = "transparent"
    elif kind == "soft":
        look |= css(background=accent + "26", color=k.ink)
    elif kind == "grey":
        look |= css(background=k.line, color=k.on(k.line).ink)
    elif kind == "gradient":
        look |= css(background=f"linear-gradient(90deg,{accent},{theme.accent2})", color=label_ink)
        if accent in ("#ffffff", "#1d2430"):
            look["background"] = accent
    else:
        look |= css(background=accent, color=label_ink)
    if kind == "raised" or (primary and theme.manner.button == "lifted" and kind == "fill"):
        look["box-shadow"] = theme.shadow
    kids = [text or words.action(k.text)]
    if k.chance(0.2):
        kids.insert(k.pick(0, 1), sign(k, 14, "currentColor", inline=True))
    elif k.chance(0.2 + 0.15 * theme.manner.layers):
        kids = [El("span", k.pick({}, css(position="relative")), kids)]
    tag = k.pick("a", "a", "button", "button", k.tag("a", "div", "span"), "input")
    hover = {}
    if theme.hovers:
        hover = k.pick(css(opacity=".85"), css(background=theme.accent2), css(color=accent))
    if tag == "input":
        if isinstance(kids[0], El) or len(kids) > 1:
            tag = "button"
        else:
            attrs = {"type": k.pick("submit", "button"), "value": kids[0]}
            # A field has a frame and a font of its own, unless told otherwise.
            look = css(border="0", font_family="inherit") | look
            return El("input", look, [], "button", attrs, hover)
    return El(tag, look, kids, "button", {"href": "#"} if tag == "a" else {}, hover)


def buttons(k: Kit, count: int | None = None) -> El:
    """One button, or two side by side (then their row is a grid)."""
    if (count or k.pick(1, 1, 2)) == 1:
        return button(k)
    first, second = button(k), button(k, primary=False)
    gap = k.size(k.pick(8, 12, 16))
    if k.chance(0.6):
        justify = "center" if k.theme.centred else "flex-start"
        row = El("div", css(display="flex", gap=gap, justify_content=justify, align_items="center"))
    else:
        row = El(k.pick("div", "p"))
        first.style["margin-right"] = gap
    row.kids, row.mark = [first, second], "grid"
    return row


# --- signs ----------------------------------------------------------------------------------------


def sign(
    k: Kit,
    px: int,
    ink: str,
    *,
    inline: bool = False,
    path: str | None = None,
    glyph: str | None = None,
) -> El:
    """A pictogram as an element without a label; `path` or `glyph` say which, if it matters."""
    glyph = glyph or k.text.choice(GLYPHS)
    path = path or k.text.choice(pictures.PICTOGRAMS)
    kind = k.theme.icon_kind
    place = css(display="inline-block", vertical_align="middle") if inline else {}
    if inline:
        place["margin"] = f"0 {k.size(4)}"
    if kind == "glyph":
        tag = k.pick("i", "span", "div") if not inline else k.pick("i", "span")
        look = css(font_size=k.size(px), line_height="1", color=ink, font_style="normal")
        return El(tag, block(tag, look) | place, [glyph])
    if kind == "font":
        tag = k.pick("i", "i", "span", "em")
        look = css(font_size=k.size(px), line_height="1", color=ink, font_style="normal")
        look["display"] = "inline-block"
        if k.chance(0.4):
            look |= css(width="1.25em", text_align="center")
        return El(tag, look | place, [], None, before=glyph)
    filled = kind == "fill"
    if kind == "picture" and ink != "currentColor":
        source = pictures.data_uri(pictures.pictogram(path, ink, filled=filled))
        look = css(width=k.size(px), height=k.size(px))
        return El("img", look | place, [], None, {"src": source, "alt": ""})
    paint = {"fill": ink, "stroke": "none"} if filled else {"fill": "none", "stroke": ink}
    attrs = {"viewBox": "0 0 24 24", "stroke-width": "2", **paint}
    look = css(width=k.size(px), height=k.size(px))
    if not inline:
        look["display"] = "block"
    return El("svg", look | place, [Raw(f'<path d="{path}"></path>')], None, attrs)


def icon(k: Kit, px: int | None = None, *, path: str | None = None, glyph: str | None = None) -> El:
    """A pictogram with its disc, if it has one: the disc is a part of the sign."""
    px = px or k.pick(18, 22, 26, 32, 40)
    if px <= 40 and k.chance(k.theme.icon_disc):
        inner = sign(k, px, k.pick(k.theme.accent, "#ffffff"), path=path, glyph=glyph)
        side = round(px * k.pick(1.7, 2))
        look = css(width=k.size(side), height=k.size(side), display="inline-flex")
        look |= css(align_items="center", justify_content="center", flex="none")
        look["border-radius"] = k.pick("50%", k.size(k.theme.radius))
        look["background"] = k.theme.accent + "2e" if k.chance(0.6) else k.theme.accent2
        return El(k.pick("div", "span"), look, [inner], "icon")
    ink = k.theme.accent if k.behind != k.theme.accent else k.ink
    node = sign(k, px, ink, path=path, glyph=glyph)
    if k.chance(0.35):
        node = El(k.pick("span", "div", "i"), css(display="inline-block", line_height="0"), [node])
    node.mark = "icon"
    node.style["flex"] = "none"
    if node.style.get("display") != "inline-block":
        node.style["display"] = "inline-block"
    return node


def divider(k: Kit) -> El:
    """A line that separates: an element of its own."""
    thick, short = k.pick(1, 1, 2, 3), k.chance(0.35)
    tag = k.tag("hr", "div", "span", "div")
    colour = k.theme.accent if short and k.behind != k.theme.accent else k.line
    look = css(display="block", height=f"{thick}px", background=colour, border="0")
    look["width"] = k.size(k.pick(40, 64, 90, 140)) if short else "100%"
    look["margin"] = "0 auto" if short and k.theme.centred else "0"
    return El(tag, look, [], "divider")
