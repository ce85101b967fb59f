"""Forms. Fields have no element: titles, captions, notes and buttons have."""

from data_prep.synthesize.components import words
from data_prep.synthesize.components.containers import stack
from data_prep.synthesize.components.draw_context import Kit
from data_prep.synthesize.components.leaves import button, heading, label, paragraph
from data_prep.synthesize.components.markup import El, css
from data_prep.synthesize.components.rows import row

NAMES = ("Name", "Email", "Phone", "Company", "Address", "City", "Password", "Website", "Country")


def form(k: Kit, fields: list[str], *, action: str, title: bool = True) -> El:
    """Title, captions, fields and button, set as this author sets them."""
    how = k.pick(*k.theme.manner.fields)
    kids: list[El | None] = [heading(k, step=1.5) if title else None]
    captions = k.chance(0.6)
    look = field_look(k)
    if len(fields) >= 4 and how == "groups" and k.chance(0.5):
        first = [_field(k, name, how, captions, look) for name in fields[:2]]
        kids.append(row(k, [El("div", {}, parts) for parts in first], gap=16))
        fields = fields[2:]
    for name in fields:
        parts = _field(k, name, how, captions, look)
        kids += [El("div", {}, parts)] if how in ("groups", "inside", "beside") else parts
        if how == "beside" and captions:
            _set_beside(k, kids[-1])
    if len(fields) == 1 and how != "stacked" and k.chance(0.5):
        # The one field and its button in a line.
        last = kids.pop()
        last.style |= css(flex="1 1 auto", text_align="left")
        line = El("div", css(display="flex", align_items="flex-end"), [last, button(k, action)])
        line.style["gap"] = k.size(k.pick(0, 8))
        kids.append(line)
    else:
        kids.append(button(k, action))
        if kids[-1].tag != "input" and k.chance(0.2):
            kids[-1].style |= css(display="block", width="100%")
    if len(fields) == 1 or k.chance(0.25):
        kids.append(paragraph(k, words.sentence(k.text, 5, 9), step=-0.7))
    return stack(k, kids, k.pick(8, 12, 16), tag=k.tag("form", "div"))


def _set_beside(k: Kit, group: El) -> None:
    """Caption and field in one line."""
    group.style |= css(display="flex", align_items="center", gap=k.size(12), text_align="left")
    group.kids[0].style |= css(width=k.pick("25%", "120px", "33%"), flex="none")
    for kid in group.kids[1:]:
        kid.style |= css(flex="1", width="auto")


def field_look(k: Kit) -> dict[str, str]:
    """How every field of a form looks."""
    look = css(display="block", width="100%", font_size=k.size(k.pick(14, 15, 16)))
    look |= css(padding=k.pick("6px 12px", "8px 12px", "10px", "12px 16px"), color="#495057")
    look |= css(background="#ffffff", font_family="inherit", line_height=k.pick("1.5", "1.2"))
    kind = k.pick("box", "box", "box", "line", "filled")
    if kind == "line":
        look |= css(border="0", border_bottom=f"1px solid {k.line}", background="transparent")
        look |= css(color=k.ink)
    elif kind == "filled":
        look |= css(border="1px solid transparent", background=k.line)
    else:
        look["border"] = f"1px solid {k.line}"
    look["border-radius"] = k.size(min(8, k.theme.radius))
    return look


def _field(k: Kit, name: str, how: str, captions: bool, look: dict[str, str]) -> list[El]:
    """A caption, if there is one, and the field."""
    attrs = {"type": "text", "placeholder": name}
    if captions and how != "inside" and k.chance(0.5):
        attrs.pop("placeholder")
        if k.chance(0.3):
            attrs["value"] = words.name(k.text)
    if name in ("Message", "Comment"):
        field = El("textarea", look | css(height=k.size(k.pick(70, 90, 120))), [], None, attrs)
    elif name in ("Country", "Guests", "Role"):
        options = [El("option", {}, [words.title(k.text, 1, 2)]) for _ in range(3)]
        field = El("select", dict(look), options)
    else:
        field = El("input", dict(look), [], None, attrs)
    if not captions or how == "inside":
        return [field]
    caption = label(k, name, text_align="left")
    caption.tag = k.pick("label", "label", "div", "span")
    caption.style |= css(display="block", margin_bottom=k.size(k.pick(2, 4, 8)))
    return [caption, field]


def choice(k: Kit, text: str | None = None) -> El:
    """A box to tick with its words: the words are a paragraph, the box is nothing."""
    box = El("input", css(margin="0 8px 0 0"), [], None, {"type": k.pick("checkbox", "radio")})
    if k.chance(0.5):
        box.attrs["checked"] = ""
    words_ = text or words.title(k.text, 2, 4)
    look = css(display="block", font_size=k.size(k.theme.body), color=k.ink, text_align="left")
    if k.chance(0.5):
        return El("label", look, [box, words_], "paragraph")
    caption = El("label", {}, [words_], "paragraph")
    return El("div", look, [box, caption])


def search(k: Kit, *, wide: bool = True) -> El:
    """A field to search with its button."""
    look = field_look(k) | css(flex="1", width="auto", min_width="0")
    field = El("input", look, [], None, {"type": "text", "placeholder": "Search"})
    made = El(k.tag("form", "div"), css(display="flex", gap=k.size(k.pick(0, 6))), [field])
    if k.chance(0.7):
        made.kids.append(button(k, "Search", small=True))
    if wide:
        made.style["max-width"] = k.size(k.pick(420, 560))
        made.style["margin"] = "0 auto" if k.theme.centred else "0"
    return made
