"""Sections that sell: hero, features, pricing, testimonials, call to action, newsletter, app."""

from data_prep.synthesize.components import words
from data_prep.synthesize.components.containers import (
    bar,
    beside,
    card,
    card_context,
    person,
    stack,
    text_block,
)
from data_prep.synthesize.components.draw_context import DrawContext
from data_prep.synthesize.components.figures import countdown
from data_prep.synthesize.components.folding import tab
from data_prep.synthesize.components.forms import form
from data_prep.synthesize.components.frame import band, ground, head, inner_width
from data_prep.synthesize.components.leaves import (
    amount,
    button,
    buttons,
    divider,
    heading,
    icon,
    kicker,
    label,
    logo,
    paragraph,
    text_link,
)
from data_prep.synthesize.components.markup import El, css
from data_prep.synthesize.components.media import gallery, image, masonry, qr, video
from data_prep.synthesize.components.overlays import caption_over, free
from data_prep.synthesize.components.rows import row
from data_prep.synthesize.components.runs import bullets, links, social, tags
from data_prep.synthesize.components.slides import carousel, carousel_of_cards


def visual(ctx: DrawContext, height: int) -> El:
    """The picture side of a section: an image, a video, a gallery, a carousel …"""
    maker = ctx.pick(image, image, image, video, free, free, "gallery", "masonry", "carousel")
    if maker == "gallery":
        return gallery(ctx, inner_width(ctx) // 2, columns=ctx.pick(3, 3), height=height // 3)
    if maker == "masonry":
        return masonry(ctx, inner_width(ctx) // 2)
    if maker == "carousel":
        return carousel(ctx, ctx.cells(ctx.pick(2, 3, 4), lambda _: image(ctx, height)))
    return maker(ctx, height)


def hero(ctx: DrawContext) -> El:
    ctx, *grounds = ground(ctx)
    step = ctx.pick(4, 5, 6)
    words_ = [
        kicker(ctx) if ctx.chance(0.4) else None,
        heading(ctx, step=step, low=3, high=8),
        paragraph(ctx, low=1, high=2, step=ctx.pick(0, 1)),
        buttons(ctx) if ctx.chance(0.85) else None,
        tags(ctx) if ctx.chance(0.12) else None,
        social(ctx) if ctx.chance(0.12) else None,
        countdown(ctx) if ctx.chance(0.08) else None,
        divider(ctx) if ctx.chance(0.08) else None,
    ]
    tall, top = ctx.pick(56, 72, 96, 120), []
    if ctx.chance(0.25):
        top = [
            bar(
                ctx,
                [logo(ctx), links(ctx), *([button(ctx, small=True)] if ctx.chance(0.5) else [])],
            )
        ]
    shape = ctx.pick("words", "words", "split", "split", "split", "under", "slider", "free")
    if shape == "words":
        return band(ctx, "hero", [*top, *words_], grounds, pad=tall, gap=ctx.pick(16, 20, 24))
    if shape == "slider":
        slides = [
            stack(ctx, list(words_[:4]) if at == 0 else [heading(ctx), paragraph(ctx)], 16)
            for at in range(3)
        ]
        return band(ctx, "hero", [*top, carousel(ctx, slides)], grounds, pad=tall // 2)
    if shape == "free":
        return band(
            ctx, "hero", [caption_over(ctx, ctx.pick(300, 360, 420))], grounds, pad=ctx.pick(24, 40)
        )
    if shape == "under":
        picture = visual(ctx, ctx.pick(240, 300, 360))
        return band(ctx, "hero", [*top, *words_[:4], picture], grounds, pad=48)
    sides = [stack(ctx, words_, ctx.pick(14, 18, 24)), visual(ctx, ctx.pick(260, 320, 380))]
    if ctx.chance(0.35):
        sides.reverse()
    ratios = ctx.pick([1, 1], [1, 1], [5, 4], [4, 5])
    both = row(ctx, sides, ratios=ratios, align=ctx.pick("center", "flex-start"))
    return band(ctx, "hero", [*top, both], grounds)


def features(ctx: DrawContext) -> El:
    ctx, *grounds = ground(ctx)
    shape = ctx.pick("cards", "cards", "cards", "media", "media", "tabs", "tabs", "sides")
    if shape == "tabs":
        count = ctx.pick(2, 3, 4)
        panel = (
            row(ctx, [text_block(ctx, step=2), visual(ctx, 240)])
            if ctx.chance(0.6)
            else text_block(ctx)
        )
        panels = [panel if at == 0 else paragraph(ctx) for at in range(count)]
        panels[0] = El("div", {}, [panels[0]]) if panels[0].tag != "div" else panels[0]
        names = [words.title(ctx.text, 1, 2) for _ in range(count)]
        return band(ctx, "features", [head(ctx), tab(ctx, panels, names)], grounds)
    if shape == "sides":
        rows = []
        for at in range(ctx.pick(1, 2, 2)):
            pair = [text_block(ctx, step=2), visual(ctx, ctx.pick(200, 240))]
            rows.append(row(ctx, pair[:: -1 if at % 2 else 1], align="center"))
        return band(ctx, "features", [head(ctx), *rows], grounds)
    columns = ctx.pick(2, 3, 3, 4)
    lines = ctx.pick(1, 2, 2)
    boxed, centered = ctx.chance(0.6), ctx.theme.centered
    kind = ctx.pick("icon", "icon", "icon", "image", "none")
    inside = card_context(ctx) if boxed else ctx
    link, titled = ctx.chance(0.3), ctx.chance(0.3)

    def cell_of(_: int) -> El:
        title = heading(inside, step=ctx.pick(1, 1.5), low=1, high=3)
        kids = [title, paragraph(inside, low=1, high=2), text_link(inside) if link else None]
        if shape == "media":
            cell = beside(inside, icon(inside, 28), stack(inside, kids, 8))
            return card(ctx, [cell]) if boxed else cell
        top = {
            "icon": icon(inside, ctx.pick(28, 36)),
            "image": image(inside, ctx.pick(110, 150)),
            "none": None,
        }[kind]
        if kind == "icon" and not centered and titled:
            kids = [beside(inside, top, title), *kids[1:]]
            top = None
        cell = [top, *kids]
        return card(ctx, cell) if boxed else stack(inside, cell, 10)

    cells = ctx.cells(columns * lines, cell_of)
    kids = [
        head(ctx),
        row(ctx, cells, columns=columns),
        buttons(ctx, 1) if ctx.chance(0.2) else None,
    ]
    return band(ctx, "features", kids, grounds)


def pricing(ctx: DrawContext) -> El:
    ctx, *grounds = ground(ctx)
    columns = ctx.pick(2, 3, 3, 4)
    best = ctx.rng.randrange(columns)
    lines, inside, flag = ctx.pick(3, 4, 5), card_context(ctx), ctx.chance(0.6)

    def plan(at: int) -> El:
        price = amount(inside, words.price(ctx.text), ctx.pick(3, 4))
        if ctx.chance(0.5):
            price.kids.append(
                El(
                    ctx.pick("span", "small"),
                    css(font_size=ctx.size(14), font_weight=400),
                    [" / month"],
                )
            )
        kids = [
            label(inside, "Most popular") if at == best and flag else None,
            heading(inside, words.title(ctx.text, 1, 2), step=1),
            price,
            paragraph(inside, words.sentence(ctx.text)) if ctx.chance(0.4) else None,
            divider(inside) if ctx.chance(0.25) else None,
            bullets(inside, lines),
            button(inside, primary=at == best),
        ]
        return card(ctx, kids)

    body = row(ctx, ctx.cells(columns, plan))
    if ctx.chance(0.3):
        panel = El("div", {}, [body])
        body = tab(
            ctx,
            [panel, El("div", {}, [paragraph(ctx)])],
            ctx.pick(["Monthly", "Yearly"], ["Teams", "Single"]),
        )
    note = paragraph(ctx, words.sentence(ctx.text), step=-0.5) if ctx.chance(0.3) else None
    return band(ctx, "pricing", [head(ctx), body, note], grounds)


def testimonials(ctx: DrawContext) -> El:
    ctx, *grounds = ground(ctx)
    shape, boxed = ctx.pick("slider", "slider", "cards", "cards", "one"), ctx.chance(0.65)
    inside = card_context(ctx) if boxed else ctx

    def voice(_: int, step: float = 0) -> El:
        quote = paragraph(inside, low=1, high=3, step=step)
        who = person(inside, ctx.pick(40, 48, 56), vertical=ctx.theme.centered)
        stars = label(inside, "★★★★★", color="#e8a50c") if ctx.chance(0.3) else None
        kids = [stars, quote, who] if ctx.chance(0.75) else [who, quote]
        return card(ctx, kids) if boxed else stack(inside, kids, 14)

    if shape == "one":
        return band(ctx, "testimonials", [head(ctx, chance=0.4), voice(0, ctx.pick(1, 2))], grounds)
    if shape == "slider" and ctx.chance(0.5):
        return band(
            ctx,
            "testimonials",
            [head(ctx), carousel(ctx, ctx.cells(3, lambda at: voice(at, 1)))],
            grounds,
        )
    shown = ctx.pick(2, 3)
    if shape == "slider":
        body = carousel_of_cards(ctx, ctx.cells(shown + ctx.pick(1, 2), voice), shown)
    else:
        body = row(ctx, ctx.cells(shown * ctx.pick(1, 1, 2), voice), columns=shown)
    return band(ctx, "testimonials", [head(ctx), body], grounds)


def cta(ctx: DrawContext) -> El:
    ctx, *grounds = ground(ctx)
    shape = ctx.pick("words", "bar", "bar", "box", "form", "qr", "count")
    if shape == "bar":
        words_ = stack(ctx, [heading(ctx, step=2), paragraph(ctx, words.sentence(ctx.text))], 8)
        words_.style["text-align"] = "left"
        kids = [words_, button(ctx)]
        return band(
            ctx,
            "cta",
            [divider(ctx) if ctx.chance(0.3) else None, bar(ctx, kids)],
            grounds,
            pad=ctx.pick(28, 40, 56),
        )
    kids = [heading(ctx, step=3), paragraph(ctx, low=1, high=2), buttons(ctx)]
    if shape == "count":
        kids.insert(2, countdown(ctx))
    if shape == "qr":
        body = row(ctx, [stack(ctx, kids, 14), qr(ctx)], ratios=[3, 1], align="center")
        return band(ctx, "cta", [body], grounds)
    if shape == "form":
        kids = [stack(ctx, kids[:2], 12), form(ctx, ["Email"], action="Subscribe", title=False)]
        return band(ctx, "cta", [row(ctx, kids, align="center")], grounds)
    if shape == "box":
        inside = card_context(ctx)
        kids = [heading(inside, step=3), paragraph(inside, low=1, high=2), buttons(inside)]
        return band(ctx, "cta", [card(ctx, kids, pad=40)], grounds)
    return band(ctx, "cta", kids, grounds, pad=ctx.pick(48, 72))


def newsletter(ctx: DrawContext) -> El:
    ctx, *grounds = ground(ctx)
    boxed = ctx.chance(0.5)
    inside = card_context(ctx) if boxed else ctx
    words_ = [heading(inside, step=2), paragraph(inside, low=1, high=1)]
    ask = form(inside, ["Email"], action=ctx.pick("Subscribe", "Sign up", "Join"), title=False)
    extra = social(inside) if ctx.chance(0.5) else None
    if ctx.chance(0.5):
        kids = [row(inside, [stack(inside, [*words_, extra], 10), ask], align="center")]
    else:
        kids = [*words_, ask, extra]
    kids = [card(ctx, kids, pad=32)] if boxed else kids
    return band(ctx, "newsletter", kids, grounds)


def download(ctx: DrawContext) -> El:
    """An app with its download: a picture, two buttons, a QR code."""
    ctx, *grounds = ground(ctx)
    code = qr(ctx)
    code.style.pop("margin", None)
    scan = (
        row(ctx, [code, label(ctx, "Scan to download")], ratios=[1, 2], align="center")
        if ctx.chance(0.4)
        else code
    )
    words_ = [heading(ctx, step=3), paragraph(ctx, low=1, high=2), buttons(ctx, 2), scan]
    if ctx.chance(0.4):
        words_.insert(2, bullets(ctx, 3))
    if ctx.chance(0.2):
        words_.append(divider(ctx))
    sides = [stack(ctx, words_, 16), visual(ctx, ctx.pick(300, 360))]
    if ctx.chance(0.3):
        inside = card_context(ctx)
        sides[1] = card(ctx, [heading(inside, step=1), qr(inside), label(inside, "Scan me")])
        words_.remove(scan)
        sides[0] = stack(ctx, words_, 16)
    return band(ctx, "cta", [row(ctx, sides[:: ctx.pick(1, -1)], align="center")], grounds)
