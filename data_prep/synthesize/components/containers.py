"""Containers: stacks, bars and cards, and the groups that recur in them."""

from data_prep.synthesize.components import words
from data_prep.synthesize.components.draw_context import DrawContext
from data_prep.synthesize.components.leaves import button, heading, icon, label, paragraph
from data_prep.synthesize.components.markup import El, css
from data_prep.synthesize.components.media import photo_of_person
from data_prep.synthesize.components.runs import bullets, links


def stack(
    ctx: DrawContext, kids: list[El | None], gap: int | None = None, *, tag: str = "div", **extra
) -> El:
    """`kids` under one another (None is skipped), each perhaps in more unstyled boxes."""
    gap = ctx.pick(8, 12, 16, 20) if gap is None else gap
    kids = [kid for kid in kids if kid is not None]
    style, how = css(**extra), ctx.pick(*ctx.theme.profile.spacing)
    if how == "gap":
        return _column(ctx, kids, gap, tag, style)
    placed = []
    for at, kid in enumerate(kids):
        inline = kid.style.get("display", "").startswith("inline")
        kid = ctx.add_wrapper_divs(kid)
        if inline and kid.tag != "div":
            kid = El(ctx.pick("div", "div", "p"), {}, [kid])
        if how == "top" and at:
            kid.style["margin-top"] = ctx.size(gap)
        # The base sheet has margins for texts, but none for these tags.
        wants = how == "margin" or (how == "base" and kid.tag in ("div", "span", "a", "label"))
        if wants and at < len(kids) - 1:
            kid.style["margin-bottom"] = ctx.size(gap)
        placed.append(kid)
    return El(tag, style, placed)


def _column(ctx: DrawContext, kids: list[El], gap: int, tag: str, style: dict[str, str]) -> El:
    style |= css(display="flex", flex_direction="column", gap=ctx.size(gap))
    style["align-items"] = "center" if ctx.theme.centered else "stretch"
    for kid in kids:
        # An inline element, such as a button, would be stretched to the full width.
        if kid.style.get("display", "").startswith("inline") and not ctx.theme.centered:
            kid.style["align-self"] = "flex-start"
        elif (
            ctx.theme.centered
            and kid.style.get("width") is None
            and kid.mark not in ("icon", "button")
        ):
            kid.style["width"] = "100%"
    return El(tag, style, kids)


def bar(ctx: DrawContext, cells: list[El], *, gap: int = 16, tag: str = "div") -> El:
    """Groups at the two ends of a row: a grid."""
    style = css(
        display="flex", justify_content="space-between", align_items="center", gap=ctx.size(gap)
    )
    return El(tag, style, cells, "grid")


def beside(ctx: DrawContext, sign: El, words_: El, *, gap: int = 12) -> El:
    """A pictogram beside its text: by the language's rules no grid, at most a wrapper."""
    words_.style["flex"] = "1"
    style = css(display="flex", gap=ctx.size(gap), align_items=ctx.pick("flex-start", "center"))
    return El(
        ctx.pick("div", "div", "li", "a"),
        style | css(text_align="left", list_style="none"),
        [sign, words_],
    )


def signed(ctx: DrawContext) -> El:
    """A pictogram beside a title and a text."""
    words_ = [heading(ctx, step=0.6, low=1, high=2), paragraph(ctx, words.sentence(ctx.text, 3, 6))]
    return beside(ctx, icon(ctx, ctx.pick(22, 28)), stack(ctx, words_, 4))


def card_context(ctx: DrawContext) -> DrawContext:
    """The context inside a card, with the card's colors."""
    if ctx.behind == ctx.theme.page or ctx.behind == ctx.theme.soft:
        if ctx.theme.dark:
            return ctx.on(ctx.theme.card)
        return ctx if ctx.theme.card_style == "border" else ctx.on(ctx.theme.card)
    return ctx.on(ctx.card)


def card(
    ctx: DrawContext, kids: list[El | None], *, pad: int | None = None, gap: int | None = None
) -> El:
    """A painted box. `kids` must have been made with `card_context(ctx)`."""
    inside, theme, profile = card_context(ctx), ctx.theme, ctx.theme.profile
    pad = ctx.pick(16, 20, 24, 28) if pad is None else pad
    kids = [kid for kid in kids if kid is not None]
    if profile.card == "flat" or len(kids) < 2:
        box = stack(inside, kids, gap)
        box.style["padding"] = ctx.size(pad)
        if theme.responsive and ctx.chance(0.4):
            box.mobile = css(padding=ctx.size(pad * 0.6))
    else:
        box = _parts(inside, kids, pad, gap)
    style = box.style
    style["border-radius"] = ctx.size(theme.radius)
    if inside.behind != ctx.behind:
        style["background"] = inside.behind
    if theme.card_style in ("border", "both") or inside.behind == ctx.behind:
        style["border"] = f"1px solid {ctx.line}"
    if theme.card_style in ("shadow", "both"):
        style["box-shadow"] = theme.shadow
    box.tag = ctx.tag("article", "div", "a", "div", "section", "div")
    if box.tag == "a":
        style |= css(display=style.get("display", "block"), text_decoration="none", color=ctx.ink)
    if theme.hovers:
        box.hover = css(box_shadow="0 10px 30px rgba(0,0,0,.2)")
        if ctx.chance(0.3):
            box.hover |= css(transform="translateY(-3px)")
    return box


def _parts(inside: DrawContext, kids: list[El], pad: int, gap: int | None) -> El:
    """A card as frameworks build it: a picture up to the edges, a body, perhaps a foot."""
    box = El("div", css(position="relative", display="flex", flex_direction="column"))
    if inside.chance(0.5):
        box.style["word-wrap"] = "break-word"
    # Only a bare picture can reach the edges: a frame around it would keep its own padding.
    if kids[0].mark in ("image", "video") and kids[0].tag in ("img", "div"):
        kids[0].style["border-radius"] = "0"
        box.kids.append(kids[0])
        kids = kids[1:]
        box.style["overflow"] = "hidden"
    foot = None
    if inside.theme.profile.card == "parts" and kids[-1].mark == "button" and len(kids) > 1:
        foot = El("div", css(padding=inside.size(pad)), [kids[-1]])
        foot.style["border-top"] = f"1px solid {inside.line}"
        kids = kids[:-1]
    body = stack(inside, kids, gap)
    body.style |= css(padding=inside.size(pad))
    if inside.chance(0.7):
        body.style["flex"] = "1 1 auto"
    box.kids += [body, foot] if foot else [body]
    return box


def person(ctx: DrawContext, px: int, *, vertical: bool) -> El:
    """A photo with name and role."""
    who = heading(ctx, words.name(ctx.text), step=ctx.pick(0, 0.6, 1))
    what = label(ctx, ctx.text.choice(words.ROLES))
    photo = photo_of_person(ctx, px)
    if vertical:
        return stack(ctx, [photo, who, what], ctx.pick(4, 8, 10))
    # Centered avatars have auto margins, which would take up the free space of a flex row.
    photo.style.pop("margin", None)
    lines = stack(ctx, [who, what], ctx.pick(0, 2, 4))
    lines.style |= css(flex="1", text_align="left")
    style = css(display="flex", gap=ctx.size(12), align_items="center", text_align="left")
    return El("div", style, [photo, lines], "grid")


def row_of(ctx: DrawContext, first: El, rest: El, *, gap: int = 12, align: str = "center") -> El:
    """`first` in its own width, and `rest` in what is left of the row: a grid of two."""
    first.style.pop("margin", None)
    first.style["flex"] = "none"
    rest.style["flex"] = "1"
    style = css(display="flex", gap=ctx.size(gap), align_items=align, text_align="left")
    return El("div", style, [first, rest], "grid")


def text_block(ctx: DrawContext, *, step: float = 3, points: float = 0.25) -> El:
    """Heading, text, perhaps a list and a button: the words beside a picture."""
    kids = [
        label(ctx) if ctx.chance(0.35) else None,
        heading(ctx, step=step),
        paragraph(ctx, low=1, high=3),
        bullets(ctx, ctx.pick(3, 4)) if ctx.chance(points) else None,
        button(ctx) if ctx.chance(0.5) else links(ctx, 3) if ctx.chance(0.1) else None,
    ]
    return stack(ctx, kids, ctx.pick(10, 14, 18))
