"""Parts of articles and documentation: long texts, code, notes, quotes."""

from html import escape

from data_prep.synthesize.components import pictures, words
from data_prep.synthesize.components.containers import beside, stack
from data_prep.synthesize.components.draw_context import DrawContext
from data_prep.synthesize.components.leaves import heading, icon, label, paragraph
from data_prep.synthesize.components.markup import El, Raw, css
from data_prep.synthesize.components.media import image
from data_prep.synthesize.components.tables import pairs, table

_LINES = (
    "import {a} from '{b}';",
    "const {a} = {b}({n});",
    "  return {a}.{b}('{c}');",
    "<div class=\"{a}\">{b}</div>",
    "  <a href=\"#{a}\">{b} {c}</a>",
    ".{a} {{ {b}: {n}px; }}",
    "  {a}: {n},",
    "npm install {a} --{b}",
    "def {a}({b}, {c}={n}):",
    "    # {a} {b} {c}",
    "{{\"{a}\": \"{b}\", \"{c}\": {n}}}",
    "$ {a} {b} --{c} {n}",
    "}});",
)  # fmt: skip
_LIGHT_INKS = ("#d73a49", "#005cc5", "#22863a", "#6f42c1", "#b08800", "#a31515")
_DARK_INKS = ("#ff7b72", "#79c0ff", "#7ee787", "#d2a8ff", "#f2cc60", "#a5d6ff")


def code(ctx: DrawContext, lines: int | None = None) -> El:
    """A block of code: one paragraph, however many colored elements are in it."""
    lines = lines or ctx.rng.randint(2, 12)
    dark = ctx.chance(0.35) or ctx.theme.dark
    inks = _DARK_INKS if dark else _LIGHT_INKS
    colored, parts = ctx.chance(0.7), []
    tag = ctx.pick("span", "span", "span", "b", "i")
    for at in range(lines):
        a, b, c = (ctx.text.choice(words.NOUNS) for _ in range(3))
        text = ctx.text.choice(_LINES).format(a=a, b=b, c=c, n=ctx.text.randint(1, 99))
        pieces = text.split(" ")
        for to, piece in enumerate(pieces):
            space = " " if to < len(pieces) - 1 else ""
            if colored and piece.strip() and ctx.text.random() < 0.45:
                ink = ctx.text.choice(inks)
                parts += [El(tag, css(color=ink), [Raw(escape(piece))]), Raw(space)]
            else:
                parts.append(Raw(escape(piece) + space))
        if at < lines - 1:
            parts.append(Raw("\n"))
    style = css(font_family="'DejaVu Sans Mono'", font_size=ctx.size(ctx.pick(12, 13, 14)))
    style |= css(text_align="left", direction="ltr", line_height=ctx.pick("1.4", "1.5", "1.6"))
    if tag in ("b", "i"):
        style |= css(font_style="normal", font_weight="400")
    inner = El("code", {}, parts, "paragraph")
    outer = El(
        "pre", style | css(white_space=ctx.pick("pre", "pre-wrap"), overflow="auto"), [inner]
    )
    if dark and not ctx.theme.dark:
        outer.style |= css(background="#1f2430", color="#e6e6e6")
    elif ctx.chance(0.7):
        outer.style |= css(background=ctx.line + "66", color=ctx.ink)
    else:
        outer.style["color"] = ctx.ink
    outer.style |= css(
        padding=ctx.size(ctx.pick(8, 12, 16, 20)), border_radius=ctx.size(ctx.pick(0, 4, 8))
    )
    if ctx.chance(0.25):  # without `code`: the block itself is the text
        outer.kids, outer.mark = inner.kids, "paragraph"
    return outer


def note(ctx: DrawContext) -> El:
    """A colored box with a note, perhaps below a title or beside a pictogram."""
    tint = ctx.pick("#2f7de1", "#c98a00", "#c0392b", "#1c8b4b")
    pale = {"#2f7de1": "#e8f1fc", "#c98a00": "#fdf4dd", "#c0392b": "#fbe6e3", "#1c8b4b": "#e4f5ea"}
    ground = tint if ctx.chance(0.2) else pale[tint]
    inside = ctx.on(ground)
    text = paragraph(inside, low=1, high=2, text_align="left")
    text.style["color"] = inside.ink
    shape = ctx.pick("text", "bare", "titled", "sign", "sign")
    if shape == "bare":
        text.style |= css(
            background=ground, padding=f"{ctx.size(12)} {ctx.size(18)}", display="block"
        )
        return text
    box = El("div", {}, [text])
    if shape == "titled":
        box = stack(inside, [heading(inside, step=0.6, low=1, high=2), text], 6)
    elif shape == "sign":
        box = beside(inside, icon(inside, 20), text)
    box.tag = ctx.tag("aside", "div")
    box.style |= css(background=ground, padding=f"{ctx.size(12)} {ctx.size(18)}", text_align="left")
    if ctx.chance(0.4):
        box.style["border-left"] = f"4px solid {tint}"
    else:
        box.style |= css(border=f"1px solid {tint}40", border_radius=ctx.size(ctx.theme.radius))
    return box


def quote(ctx: DrawContext) -> El:
    text = paragraph(ctx, low=1, high=2, step=ctx.pick(0, 0.5, 1))
    text.style["font-style"] = ctx.pick("italic", "normal")
    outer = El("blockquote", css(padding=f"{ctx.size(4)} {ctx.size(20)}"), [text])
    outer.style["border-left"] = (
        f"{ctx.pick(2, 4, 5)}px solid {ctx.pick(ctx.line, ctx.theme.accent)}"
    )
    if ctx.chance(0.5):
        outer.kids.append(label(ctx, "— " + words.name(ctx.text)))
        outer.kids[-1].tag = ctx.pick("cite", "footer", "small")
        outer.kids[-1].style["display"] = "block"
    return outer


def points(ctx: DrawContext) -> El:
    """A list of sentences, with the browser's own bullets or numbers."""
    tag, items = ctx.pick("ul", "ul", "ol"), []
    for _ in range(ctx.rng.randint(3, 6)):
        item = El("li", {}, [words.sentence(ctx.text, 3, 10)])
        if ctx.chance(0.3):
            item.kids = [El("strong", {}, [words.title(ctx.text, 1, 2)]), ": " + item.kids[0]]
        items.append(item)
    style = css(padding_left=ctx.pick("40px", "2rem", "20px", "1.2em"), text_align="left")
    return El(tag, style | css(font_size=ctx.size(ctx.theme.body), color=ctx.ink), items, "list")


def long_text(ctx: DrawContext, low: int = 3, high: int = 6) -> El:
    """A paragraph as in an article."""
    return paragraph(ctx, low=low, high=high)


_BLOCKS = (long_text, long_text, long_text, points, code, table, note, quote, "pairs", "figure")


def flow(ctx: DrawContext, count: int) -> list[El]:
    """`count` blocks of an article, some of them below a heading."""
    out: list[El] = []
    for at in range(count):
        if at and ctx.chance(0.45):
            out.append(heading(ctx, step=ctx.pick(1, 1.5, 2, 2.5), low=1, high=4))
        make = ctx.pick(*_BLOCKS)
        if make == "pairs":
            out.append(pairs(ctx, ctx.rng.randint(2, 4)))
        elif make == "figure":
            out.append(image(ctx, ctx.pick(160, 220, 280)))
        elif make is code:
            out.append(code(ctx, ctx.rng.randint(2, 7)))
        elif make is table:
            out.append(table(ctx, ctx.rng.randint(2, 4), ctx.rng.randint(3, 4)))
        else:
            out.append(make(ctx))
        if out[-1].mark == "paragraph" and ctx.chance(0.15):
            out.append(long_text(ctx, 1, 3))
    return out


def chart(ctx: DrawContext, height: int) -> El:
    """A diagram: an image, as a file or as inline SVG."""
    art = pictures.chart(
        ctx.text, 480, max(80, height), ctx.theme.accent, ctx.theme.accent2, ctx.muted
    )
    style = css(width="100%", height=ctx.size(height), display="block")
    if ctx.chance(0.3):
        return El("img", style, [], "image", {"src": pictures.data_uri(art), "alt": ""})
    inside = art[art.index(">") + 1 : -len("</svg>")]
    attrs = {"viewBox": f"0 0 480 {max(80, height)}", "preserveAspectRatio": "none"}
    return El("svg", style, [Raw(inside)], "image", attrs)
