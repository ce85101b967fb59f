"""Containers: stacks, rows and grids, cards, forms, and the groups that recur in them."""

from data_prep.synthesize.components import words
from data_prep.synthesize.components.draw_context import Kit
from data_prep.synthesize.components.leaves import button, heading, icon, label, paragraph
from data_prep.synthesize.components.markup import El, css
from data_prep.synthesize.components.media import photo_of_person
from data_prep.synthesize.components.runs import bullets, links


def stack(
    k: Kit, kids: list[El | None], gap: int | None = None, *, tag: str = "div", **style
) -> El:
    """`kids` under one another (None is skipped), each perhaps in more layers."""
    gap = k.pick(8, 12, 16, 20) if gap is None else gap
    kids = [kid for kid in kids if kid is not None]
    look, how = css(**style), k.pick(*k.theme.manner.spacing)
    if how == "gap":
        return _column(k, kids, gap, tag, look)
    placed = []
    for at, kid in enumerate(kids):
        inline = kid.style.get("display", "").startswith("inline")
        kid = k.soup(kid)
        if inline and kid.tag != "div":
            kid = El(k.pick("div", "div", "p"), {}, [kid])
        if how == "top" and at:
            kid.style["margin-top"] = k.size(gap)
        # The sheet's own margins do for texts; a box without any needs one.
        wants = how == "margin" or (how == "base" and kid.tag in ("div", "span", "a", "label"))
        if wants and at < len(kids) - 1:
            kid.style["margin-bottom"] = k.size(gap)
        placed.append(kid)
    return El(tag, look, placed)


def _column(k: Kit, kids: list[El], gap: int, tag: str, look: dict[str, str]) -> El:
    look |= css(display="flex", flex_direction="column", gap=k.size(gap))
    look["align-items"] = "center" if k.theme.centred else "stretch"
    for kid in kids:
        # A stretched button would no longer look like one.
        if kid.style.get("display", "").startswith("inline") and not k.theme.centred:
            kid.style["align-self"] = "flex-start"
        elif (
            k.theme.centred
            and kid.style.get("width") is None
            and kid.mark not in ("icon", "button")
        ):
            kid.style["width"] = "100%"
    return El(tag, look, kids)


def bar(k: Kit, cells: list[El], *, gap: int = 16, tag: str = "div") -> El:
    """Groups at the two ends of a line: a grid."""
    look = css(
        display="flex", justify_content="space-between", align_items="center", gap=k.size(gap)
    )
    return El(tag, look, cells, "grid")


def beside(k: Kit, sign: El, words_: El, *, gap: int = 12) -> El:
    """A pictogram beside its text: no grid, a wrapper if anything."""
    words_.style["flex"] = "1"
    look = css(display="flex", gap=k.size(gap), align_items=k.pick("flex-start", "center"))
    return El(
        k.pick("div", "div", "li", "a"),
        look | css(text_align="left", list_style="none"),
        [sign, words_],
    )


def signed(k: Kit) -> El:
    """A pictogram beside a title and a line."""
    words_ = [heading(k, step=0.6, low=1, high=2), paragraph(k, words.sentence(k.text, 3, 6))]
    return beside(k, icon(k, k.pick(22, 28)), stack(k, words_, 4))


def card_kit(k: Kit) -> Kit:
    """The kit inside a card: its colours."""
    if k.behind == k.theme.page or k.behind == k.theme.soft:
        if k.theme.dark:
            return k.on(k.theme.card)
        return k if k.theme.card_style == "border" else k.on(k.theme.card)
    return k.on(k.card)


def card(k: Kit, kids: list[El | None], *, pad: int | None = None, gap: int | None = None) -> El:
    """A box that is seen. `kids` were made with `card_kit(k)`."""
    inside, theme, manner = card_kit(k), k.theme, k.theme.manner
    pad = k.pick(16, 20, 24, 28) if pad is None else pad
    kids = [kid for kid in kids if kid is not None]
    if manner.card == "flat" or len(kids) < 2:
        box = stack(inside, kids, gap)
        box.style["padding"] = k.size(pad)
        if theme.responsive and k.chance(0.4):
            box.mobile = css(padding=k.size(pad * 0.6))
    else:
        box = _parts(inside, kids, pad, gap)
    style = box.style
    style["border-radius"] = k.size(theme.radius)
    if inside.behind != k.behind:
        style["background"] = inside.behind
    if theme.card_style in ("border", "both") or inside.behind == k.behind:
        style["border"] = f"1px solid {k.line}"
    if theme.card_style in ("shadow", "both"):
        style["box-shadow"] = theme.shadow
    box.tag = k.tag("article", "div", "a", "div", "section", "div")
    if box.tag == "a":
        style |= css(display=style.get("display", "block"), text_decoration="none", color=k.ink)
    if theme.hovers:
        box.hover = css(box_shadow="0 10px 30px rgba(0,0,0,.2)")
        if k.chance(0.3):
            box.hover |= css(transform="translateY(-3px)")
    return box


def _parts(inside: Kit, kids: list[El], pad: int, gap: int | None) -> El:
    """A card as frameworks build it: a picture to its edges, a body, perhaps a foot."""
    box = El("div", css(position="relative", display="flex", flex_direction="column"))
    if inside.chance(0.5):
        box.style["word-wrap"] = "break-word"
    if kids[0].mark in ("image", "video") and kids[0].tag in ("img", "div"):
        kids[0].style["border-radius"] = "0"
        box.kids.append(kids[0])
        kids = kids[1:]
        box.style["overflow"] = "hidden"
    foot = None
    if inside.theme.manner.card == "parts" and kids[-1].mark == "button" and len(kids) > 1:
        foot = El("div", css(padding=inside.size(pad)), [kids[-1]])
        foot.style["border-top"] = f"1px solid {inside.line}"
        kids = kids[:-1]
    body = stack(inside, kids, gap)
    body.style |= css(padding=inside.size(pad))
    if inside.chance(0.7):
        body.style["flex"] = "1 1 auto"
    box.kids += [body, foot] if foot else [body]
    return box


def person(k: Kit, px: int, *, vertical: bool) -> El:
    """A photo with name and role."""
    who = heading(k, words.name(k.text), step=k.pick(0, 0.6, 1))
    what = label(k, k.text.choice(words.ROLES))
    photo = photo_of_person(k, px)
    if vertical:
        return stack(k, [photo, who, what], k.pick(4, 8, 10))
    photo.style.pop("margin", None)
    lines = stack(k, [who, what], k.pick(0, 2, 4))
    lines.style |= css(flex="1", text_align="left")
    look = css(display="flex", gap=k.size(12), align_items="center", text_align="left")
    return El("div", look, [photo, lines], "grid")


def row_of(k: Kit, first: El, rest: El, *, gap: int = 12, align: str = "center") -> El:
    """Something of its own width, and what takes the rest of the line: a grid of two."""
    first.style.pop("margin", None)
    first.style["flex"] = "none"
    rest.style["flex"] = "1"
    look = css(display="flex", gap=k.size(gap), align_items=align, text_align="left")
    return El("div", look, [first, rest], "grid")


def text_block(k: Kit, *, step: float = 3, points: float = 0.25) -> El:
    """Heading, text, perhaps points and a button: what stands beside a picture."""
    kids = [
        label(k) if k.chance(0.35) else None,
        heading(k, step=step),
        paragraph(k, low=1, high=3),
        bullets(k, k.pick(3, 4)) if k.chance(points) else None,
        button(k) if k.chance(0.5) else links(k, 3) if k.chance(0.1) else None,
    ]
    return stack(k, kids, k.pick(10, 14, 18))
