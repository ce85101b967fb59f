"""Tables of data: the table is a grid, and its cells are the cells of it. Lines, head and body have
no label; a cell of words is one text, and one that holds more is a column."""

from collections.abc import Callable

from data_prep.synthesize.components import words
from data_prep.synthesize.components.draw_context import Kit
from data_prep.synthesize.components.leaves import button, icon, label, text_link
from data_prep.synthesize.components.markup import El, Raw, css
from data_prep.synthesize.components.media import photo_of_person

# What a column may hold: its head, and what draws one cell.
Column = tuple[str, Callable[[Kit], El | str]]


def _badge(k: Kit) -> El:
    word = k.text.choice(("Active", "Paid", "Pending", "Open", "Closed", "Draft", "Failed", "New"))
    colour = {"Active": "#1c8b4b", "Paid": "#1c8b4b", "Failed": "#c0392b", "Pending": "#a86b00"}
    tint = colour.get(word, "#4a5568")
    look = css(display="inline-block", padding="2px 8px", font_size=k.size(12), line_height="1.4")
    look |= css(background=tint, color="#ffffff", border_radius=k.size(4))
    return El("span", look, [word], "paragraph")


def _person(k: Kit) -> El:
    photo = photo_of_person(k, 32)
    photo.style |= css(margin="0")
    who = El("span", css(font_size=k.size(k.theme.body)), [words.name(k.text)], "paragraph")
    look = css(display="flex", gap=k.size(10), align_items="center")
    return El("div", look, [photo, who])


def _code(k: Kit) -> El:
    word = k.text.choice(words.NOUNS)
    look = css(font_family="'DejaVu Sans Mono'", font_size=k.size(13), white_space="nowrap")
    if k.theme.radius:
        look |= css(background=k.line + "80", padding="2px 6px", border_radius="3px")
    word += k.text.choice(("", "-size", "(value)", ".max"))
    return El("code", look, [Raw(word)], "paragraph")


def _bar(k: Kit) -> El:
    share = k.text.randint(5, 100)
    full = El("div", css(width=f"{share}%", height="8px", background=k.theme.accent))
    return El("div", css(background=k.line, height="8px", width="100%", min_width="80px"), [full])


def _actions(k: Kit) -> El:
    pair = [button(k, "Edit", small=True), button(k, "Delete", primary=False, small=True)]
    pair[0].style["margin-right"] = "6px"
    return El("div", css(white_space="nowrap"), pair)


def _tick(k: Kit) -> El:
    if k.text.random() < 0.7:
        return icon(k, 16, path="M4 12l6 6L20 6", glyph="✔")
    return icon(k, 16, path="M5 5l14 14M19 5L5 19", glyph="✘")


_COLUMNS: tuple[Column, ...] = (
    ("Name", lambda k: words.name(k.text)),
    ("Title", lambda k: words.title(k.text, 1, 3)),
    ("Date", lambda k: words.date(k.text)),
    ("Amount", lambda k: words.price(k.text)),
    ("Total", lambda k: f"{k.text.randint(1, 9999):,}"),
    ("Type", lambda k: k.text.choice(("String", "Number", "Boolean", "Length", "Object"))),
    ("Default", lambda k: k.text.choice(("true", "false", "0", "auto", "null", "''"))),
    ("Role", lambda k: k.text.choice(words.ROLES)),
    ("Status", _badge),
    ("Progress", _bar),
    ("Option", _code),
    ("Actions", _actions),
    ("Link", lambda k: text_link(k, words.title(k.text, 1, 2))),
    ("Included", _tick),
)
_LONG: Column = ("Description", lambda k: words.sentence(k.text, 4, 12))
_FIRST: tuple[Column, ...] = (*_COLUMNS[:2], ("User", _person), ("Option", _code))


def table(k: Kit, rows: int | None = None, columns: int | None = None) -> El:
    """A table with a head; cells of one column hold things of one kind."""
    rows, columns = rows or k.rng.randint(3, 7), columns or k.rng.randint(3, 6)
    kinds = [k.pick(*_FIRST), *k.rng.sample(_COLUMNS, columns - 1)]
    if k.chance(0.4):
        kinds[-1] = _LONG
    return _lines(k, [head for head, _ in kinds], [[make for _, make in kinds]] * rows)


def comparison(k: Kit, plans: int, rows: int) -> El:
    """Features against plans: ticks and words."""
    heads = ["", *(words.title(k.text, 1, 1) for _ in range(plans))]
    feature: Callable = lambda k: words.title(k.text, 2, 3)  # noqa: E731
    cell: Callable = lambda k: _tick(k) if k.text.random() < 0.75 else "Unlimited"  # noqa: E731
    return _lines(k, heads, [[feature, *[cell] * plans]] * rows)


def _lines(k: Kit, heads: list[str], body: list[list[Callable]]) -> El:
    style, px = k.pick("lines", "lines", "grid", "striped", "bare"), k.theme.body
    up, side = k.pick((6, 8), (10, 12), (12, 16), (16, 12))
    room = css(padding=f"{k.size(up)} {k.size(side)}", text_align="left", font_size=k.size(px))
    if style == "grid":
        room["border"] = f"1px solid {k.line}"
    middle = k.pick("middle", "top")

    def cell(tag: str, content: "El | str", look: dict[str, str], mark: str = "paragraph") -> El:
        if isinstance(content, str):
            return El(tag, dict(look), [content], mark) if content else El(tag, dict(look))
        if content.mark == "paragraph":
            content.mark = None  # the cell is the text
            return El(tag, dict(look), [content], "paragraph")
        return El(tag, dict(look), [content])

    weight = k.pick(400, 600, 700)
    # It titles its column; of the weight of the text below it is a label.
    title = "heading" if weight > 400 else "paragraph"
    top = room | css(font_weight=weight, color=k.pick(k.ink, k.muted))
    if k.chance(0.4):
        top |= css(text_transform="uppercase", font_size=k.size(max(11, px - 2)))
    if style != "bare":
        top["border-bottom"] = f"{k.pick(1, 2)}px solid {k.line}"
    header = El("tr", {}, [cell("th", text, top, title) for text in heads])
    lines = []
    for at, makers in enumerate(body):
        look = room | css(vertical_align=middle)
        if style in ("lines", "striped"):
            look["border-top"] = f"1px solid {k.line}"
        line = El("tr", {}, [cell("td", make(k), look) for make in makers])
        if style == "striped" and at % 2 == 0:
            line.style["background"] = k.line + "55"
        if k.theme.hovers:
            line.hover = css(background=k.line + "99")
        lines.append(line)
    kids = [El("thead", {}, [header])] if k.chance(0.8) else []
    kids.append(El("tbody", {}, lines if kids else [header, *lines]))
    made = El("table", css(width="100%", border_collapse="collapse"), kids, "grid")
    if k.chance(0.25):
        made.style["border"] = f"1px solid {k.line}"
    return El("div", css(overflow_x="auto"), [made]) if k.chance(0.4) else made


def pairs(k: Kit, count: int) -> El:
    """Names and what they stand for: simple items of one kind, a list."""
    beside, kids = k.chance(0.6), []
    for _ in range(count):
        name = El("dt", css(font_weight=600, font_size=k.size(k.theme.body), color=k.ink))
        name.kids = [words.title(k.text, 1, 2)]
        what = El("dd", css(font_size=k.size(k.theme.body), color=k.muted), [label_text(k)])
        what.style["margin-bottom"] = k.size(8)
        kids += [name, what]
    look = css(text_align="left")
    if beside:
        tracks = k.pick("1fr 3fr", "140px 1fr", "auto 1fr")
        look |= css(display="grid", grid_template_columns=tracks, column_gap=k.size(16))
    return El("dl", look, kids, "list")


def label_text(k: Kit) -> str:
    return k.text.choice((words.date, words.price, words.figure, words.name))(k.text)


def badge(k: Kit) -> El:
    """A small painted word that stands alone: a label of something."""
    return _badge(k) if k.chance(0.6) else label(k)
