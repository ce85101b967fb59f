"""Forms. Fields have no label; titles, captions, notes and buttons have one."""

from data_prep.synthesize.components import words
from data_prep.synthesize.components.containers import stack
from data_prep.synthesize.components.draw_context import DrawContext
from data_prep.synthesize.components.leaves import button, heading, label, paragraph
from data_prep.synthesize.components.markup import El, css
from data_prep.synthesize.components.rows import row

NAMES = ("Name", "Email", "Phone", "Company", "Address", "City", "Password", "Website", "Country")


def form(ctx: DrawContext, fields: list[str], *, action: str, title: bool = True) -> El:
    """Title, captions, fields and button, in the layout of the author's profile."""
    how = ctx.pick(*ctx.theme.profile.fields)
    kids: list[El | None] = [heading(ctx, step=1.5) if title else None]
    captions = ctx.chance(0.6)
    style = field_style(ctx)
    if len(fields) >= 4 and how == "groups" and ctx.chance(0.5):
        first = [_field(ctx, name, how, captions, style) for name in fields[:2]]
        kids.append(row(ctx, [El("div", {}, parts) for parts in first], gap=16))
        fields = fields[2:]
    for name in fields:
        parts = _field(ctx, name, how, captions, style)
        kids += [El("div", {}, parts)] if how in ("groups", "inside", "beside") else parts
        if how == "beside" and captions:
            _set_beside(ctx, kids[-1])
    if len(fields) == 1 and how != "stacked" and ctx.chance(0.5):
        # A single field with its button in one line.
        last = kids.pop()
        last.style |= css(flex="1 1 auto", text_align="left")
        line = El("div", css(display="flex", align_items="flex-end"), [last, button(ctx, action)])
        line.style["gap"] = ctx.size(ctx.pick(0, 8))
        kids.append(line)
    else:
        kids.append(button(ctx, action))
        if kids[-1].tag != "input" and ctx.chance(0.2):
            kids[-1].style |= css(display="block", width="100%")
    if len(fields) == 1 or ctx.chance(0.25):
        kids.append(paragraph(ctx, words.sentence(ctx.text, 5, 9), step=-0.7))
    return stack(ctx, kids, ctx.pick(8, 12, 16), tag=ctx.tag("form", "div"))


def _set_beside(ctx: DrawContext, group: El) -> None:
    """Caption and field in one line."""
    group.style |= css(display="flex", align_items="center", gap=ctx.size(12), text_align="left")
    group.kids[0].style |= css(width=ctx.pick("25%", "120px", "33%"), flex="none")
    for kid in group.kids[1:]:
        kid.style |= css(flex="1", width="auto")


def field_style(ctx: DrawContext) -> dict[str, str]:
    """The style that all fields of a form share."""
    style = css(display="block", width="100%", font_size=ctx.size(ctx.pick(14, 15, 16)))
    style |= css(padding=ctx.pick("6px 12px", "8px 12px", "10px", "12px 16px"), color="#495057")
    style |= css(background="#ffffff", font_family="inherit", line_height=ctx.pick("1.5", "1.2"))
    kind = ctx.pick("box", "box", "box", "line", "filled")
    if kind == "line":
        style |= css(border="0", border_bottom=f"1px solid {ctx.line}", background="transparent")
        style |= css(color=ctx.ink)
    elif kind == "filled":
        style |= css(border="1px solid transparent", background=ctx.line)
    else:
        style["border"] = f"1px solid {ctx.line}"
    style["border-radius"] = ctx.size(min(8, ctx.theme.radius))
    return style


def _field(
    ctx: DrawContext, name: str, how: str, captions: bool, style: dict[str, str]
) -> list[El]:
    """The field, after its caption if it has one."""
    attrs = {"type": "text", "placeholder": name}
    if captions and how != "inside" and ctx.chance(0.5):
        attrs.pop("placeholder")
        if ctx.chance(0.3):
            attrs["value"] = words.name(ctx.text)
    if name in ("Message", "Comment"):
        field = El("textarea", style | css(height=ctx.size(ctx.pick(70, 90, 120))), [], None, attrs)
    elif name in ("Country", "Guests", "Role"):
        options = [El("option", {}, [words.title(ctx.text, 1, 2)]) for _ in range(3)]
        field = El("select", dict(style), options)
    else:
        field = El("input", dict(style), [], None, attrs)
    if not captions or how == "inside":
        return [field]
    caption = label(ctx, name, text_align="left")
    caption.tag = ctx.pick("label", "label", "div", "span")
    caption.style |= css(display="block", margin_bottom=ctx.size(ctx.pick(2, 4, 8)))
    return [caption, field]


def choice(ctx: DrawContext, text: str | None = None) -> El:
    """A checkbox or radio button with its words: only the words have a label, a paragraph."""
    box = El("input", css(margin="0 8px 0 0"), [], None, {"type": ctx.pick("checkbox", "radio")})
    if ctx.chance(0.5):
        box.attrs["checked"] = ""
    words_ = text or words.title(ctx.text, 2, 4)
    style = css(
        display="block", font_size=ctx.size(ctx.theme.body), color=ctx.ink, text_align="left"
    )
    if ctx.chance(0.5):
        return El("label", style, [box, words_], "paragraph")
    caption = El("label", {}, [words_], "paragraph")
    return El("div", style, [box, caption])


def search(ctx: DrawContext, *, wide: bool = True) -> El:
    """A search field with its button."""
    style = field_style(ctx) | css(flex="1", width="auto", min_width="0")
    field = El("input", style, [], None, {"type": "text", "placeholder": "Search"})
    made = El(ctx.tag("form", "div"), css(display="flex", gap=ctx.size(ctx.pick(0, 6))), [field])
    if ctx.chance(0.7):
        made.kids.append(button(ctx, "Search", small=True))
    if wide:
        made.style["max-width"] = ctx.size(ctx.pick(420, 560))
        made.style["margin"] = "0 auto" if ctx.theme.centered else "0"
    return made
