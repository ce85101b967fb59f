"""Tables of data: the table is a grid, and its cells are the grid's cells.

Rows, head and body have no label. A cell with words is one text; a cell with several labels is a
column.
"""

from collections.abc import Callable

from data_prep.synthesize.components import words
from data_prep.synthesize.components.draw_context import DrawContext
from data_prep.synthesize.components.leaves import button, icon, label, text_link
from data_prep.synthesize.components.markup import El, Raw, css
from data_prep.synthesize.components.media import photo_of_person

# The head of a column, and the function that draws one of its cells.
Column = tuple[str, Callable[[DrawContext], El | str]]


def _badge(ctx: DrawContext) -> El:
    word = ctx.text.choice(
        ("Active", "Paid", "Pending", "Open", "Closed", "Draft", "Failed", "New")
    )
    color = {"Active": "#1c8b4b", "Paid": "#1c8b4b", "Failed": "#c0392b", "Pending": "#a86b00"}
    tint = color.get(word, "#4a5568")
    style = css(
        display="inline-block", padding="2px 8px", font_size=ctx.size(12), line_height="1.4"
    )
    style |= css(background=tint, color="#ffffff", border_radius=ctx.size(4))
    return El("span", style, [word], "paragraph")


def _person(ctx: DrawContext) -> El:
    photo = photo_of_person(ctx, 32)
    photo.style |= css(margin="0")
    who = El("span", css(font_size=ctx.size(ctx.theme.body)), [words.name(ctx.text)], "paragraph")
    style = css(display="flex", gap=ctx.size(10), align_items="center")
    return El("div", style, [photo, who])


def _code(ctx: DrawContext) -> El:
    word = ctx.text.choice(words.NOUNS)
    style = css(font_family="'DejaVu Sans Mono'", font_size=ctx.size(13), white_space="nowrap")
    if ctx.theme.radius:
        style |= css(background=ctx.line + "80", padding="2px 6px", border_radius="3px")
    word += ctx.text.choice(("", "-size", "(value)", ".max"))
    return El("code", style, [Raw(word)], "paragraph")


def _bar(ctx: DrawContext) -> El:
    share = ctx.text.randint(5, 100)
    full = El("div", css(width=f"{share}%", height="8px", background=ctx.theme.accent))
    return El("div", css(background=ctx.line, height="8px", width="100%", min_width="80px"), [full])


def _actions(ctx: DrawContext) -> El:
    pair = [button(ctx, "Edit", small=True), button(ctx, "Delete", primary=False, small=True)]
    pair[0].style["margin-right"] = "6px"
    return El("div", css(white_space="nowrap"), pair)


def _tick(ctx: DrawContext) -> El:
    if ctx.text.random() < 0.7:
        return icon(ctx, 16, path="M4 12l6 6L20 6", glyph="✔")
    return icon(ctx, 16, path="M5 5l14 14M19 5L5 19", glyph="✘")


_COLUMNS: tuple[Column, ...] = (
    ("Name", lambda ctx: words.name(ctx.text)),
    ("Title", lambda ctx: words.title(ctx.text, 1, 3)),
    ("Date", lambda ctx: words.date(ctx.text)),
    ("Amount", lambda ctx: words.price(ctx.text)),
    ("Total", lambda ctx: f"{ctx.text.randint(1, 9999):,}"),
    ("Type", lambda ctx: ctx.text.choice(("String", "Number", "Boolean", "Length", "Object"))),
    ("Default", lambda ctx: ctx.text.choice(("true", "false", "0", "auto", "null", "''"))),
    ("Role", lambda ctx: ctx.text.choice(words.ROLES)),
    ("Status", _badge),
    ("Progress", _bar),
    ("Option", _code),
    ("Actions", _actions),
    ("Link", lambda ctx: text_link(ctx, words.title(ctx.text, 1, 2))),
    ("Included", _tick),
)
_LONG: Column = ("Description", lambda ctx: words.sentence(ctx.text, 4, 12))
_FIRST: tuple[Column, ...] = (*_COLUMNS[:2], ("User", _person), ("Option", _code))


def table(ctx: DrawContext, rows: int | None = None, columns: int | None = None) -> El:
    """A table with a head; the cells of one column have contents of one kind."""
    rows, columns = rows or ctx.rng.randint(3, 7), columns or ctx.rng.randint(3, 6)
    kinds = [ctx.pick(*_FIRST), *ctx.rng.sample(_COLUMNS, columns - 1)]
    if ctx.chance(0.4):
        kinds[-1] = _LONG
    return _lines(ctx, [head for head, _ in kinds], [[make for _, make in kinds]] * rows)


def comparison(ctx: DrawContext, plans: int, rows: int) -> El:
    """Features against plans: ticks and words."""
    heads = ["", *(words.title(ctx.text, 1, 1) for _ in range(plans))]
    feature: Callable = lambda ctx: words.title(ctx.text, 2, 3)  # noqa: E731
    cell: Callable = lambda ctx: _tick(ctx) if ctx.text.random() < 0.75 else "Unlimited"  # noqa: E731
    return _lines(ctx, heads, [[feature, *[cell] * plans]] * rows)


def _lines(ctx: DrawContext, heads: list[str], body: list[list[Callable]]) -> El:
    kind, px = ctx.pick("lines", "lines", "grid", "striped", "bare"), ctx.theme.body
    up, side = ctx.pick((6, 8), (10, 12), (12, 16), (16, 12))
    cell_style = css(
        padding=f"{ctx.size(up)} {ctx.size(side)}", text_align="left", font_size=ctx.size(px)
    )
    if kind == "grid":
        cell_style["border"] = f"1px solid {ctx.line}"
    middle = ctx.pick("middle", "top")

    def cell(tag: str, content: "El | str", style: dict[str, str], mark: str = "paragraph") -> El:
        if isinstance(content, str):
            return El(tag, dict(style), [content], mark) if content else El(tag, dict(style))
        # A cell is a leaf where all it has is one text; otherwise its labels are inside it.
        if content.mark == "paragraph":
            content.mark = None  # the cell is the text
            return El(tag, dict(style), [content], "paragraph")
        return El(tag, dict(style), [content])

    weight = ctx.pick(400, 600, 700)
    # Heavier than the text below it titles the column; of equal weight it is a label.
    title = "heading" if weight > 400 else "paragraph"
    top = cell_style | css(font_weight=weight, color=ctx.pick(ctx.ink, ctx.muted))
    if ctx.chance(0.4):
        top |= css(text_transform="uppercase", font_size=ctx.size(max(11, px - 2)))
    if kind != "bare":
        top["border-bottom"] = f"{ctx.pick(1, 2)}px solid {ctx.line}"
    header = El("tr", {}, [cell("th", text, top, title) for text in heads])
    lines = []
    for at, makers in enumerate(body):
        style = cell_style | css(vertical_align=middle)
        if kind in ("lines", "striped"):
            style["border-top"] = f"1px solid {ctx.line}"
        line = El("tr", {}, [cell("td", make(ctx), style) for make in makers])
        if kind == "striped" and at % 2 == 0:
            line.style["background"] = ctx.line + "55"
        if ctx.theme.hovers:
            line.hover = css(background=ctx.line + "99")
        lines.append(line)
    kids = [El("thead", {}, [header])] if ctx.chance(0.8) else []
    kids.append(El("tbody", {}, lines if kids else [header, *lines]))
    made = El("table", css(width="100%", border_collapse="collapse"), kids, "grid")
    if ctx.chance(0.25):
        made.style["border"] = f"1px solid {ctx.line}"
    return El("div", css(overflow_x="auto"), [made]) if ctx.chance(0.4) else made


def pairs(ctx: DrawContext, count: int) -> El:
    """Names and values: simple items of one kind, a list."""
    beside, kids = ctx.chance(0.6), []
    for _ in range(count):
        name = El("dt", css(font_weight=600, font_size=ctx.size(ctx.theme.body), color=ctx.ink))
        name.kids = [words.title(ctx.text, 1, 2)]
        what = El("dd", css(font_size=ctx.size(ctx.theme.body), color=ctx.muted), [label_text(ctx)])
        what.style["margin-bottom"] = ctx.size(8)
        kids += [name, what]
    style = css(text_align="left")
    if beside:
        tracks = ctx.pick("1fr 3fr", "140px 1fr", "auto 1fr")
        style |= css(display="grid", grid_template_columns=tracks, column_gap=ctx.size(16))
    return El("dl", style, kids, "list")


def label_text(ctx: DrawContext) -> str:
    return ctx.text.choice((words.date, words.price, words.figure, words.name))(ctx.text)


def badge(ctx: DrawContext) -> El:
    """A small painted word or a short line by itself."""
    return _badge(ctx) if ctx.chance(0.6) else label(ctx)
