"""Sections of shops and portals: one product, the basket, offers, places, jobs, consent."""

from data_prep.synthesize.components import words
from data_prep.synthesize.components.containers import (
    bar,
    beside,
    card,
    card_context,
    row_of,
    stack,
)
from data_prep.synthesize.components.draw_context import DrawContext
from data_prep.synthesize.components.figures import countdown
from data_prep.synthesize.components.forms import form, search
from data_prep.synthesize.components.frame import band, ground, head, inner_width
from data_prep.synthesize.components.leaves import (
    amount,
    button,
    buttons,
    divider,
    heading,
    icon,
    label,
    logo,
    paragraph,
    text_link,
)
from data_prep.synthesize.components.markup import El, css
from data_prep.synthesize.components.media import gallery, image, qr, street_map, video
from data_prep.synthesize.components.rows import row
from data_prep.synthesize.components.runs import (
    bullets,
    facts,
    links,
    logo_strip,
    side_menu,
    social,
    tags,
)
from data_prep.synthesize.components.tables import badge, pairs


def product(ctx: DrawContext) -> El:
    """One product: pictures, price, options."""
    ctx, *grounds = ground(ctx, plain=0.7)
    shown = image(ctx, ctx.pick(240, 300, 360))
    if ctx.chance(0.6):
        small = gallery(ctx, inner_width(ctx) // 2, columns=ctx.pick(3, 4), height=110)
        shown = stack(ctx, [shown, small], 12)
    price = amount(ctx, words.price(ctx.text), ctx.pick(2, 3))
    kids = [
        badge(ctx) if ctx.chance(0.3) else None,
        heading(ctx, step=ctx.pick(2, 3), low=2, high=4),
        label(ctx, "★★★★☆", color="#d99a00") if ctx.chance(0.5) else None,
        price,
        paragraph(ctx, low=2, high=3),
        tags(ctx, 4) if ctx.chance(0.4) else None,
        buttons(ctx),
        pairs(ctx, 3) if ctx.chance(0.3) else bullets(ctx, 3) if ctx.chance(0.4) else None,
        qr(ctx, 96) if ctx.chance(0.15) else None,
    ]
    body = row(ctx, [shown, stack(ctx, kids, 12)][:: ctx.pick(1, 1, -1)], align="flex-start")
    return band(ctx, "products", [body], grounds)


def basket(ctx: DrawContext) -> El:
    """The basket, line by line, and the total."""
    ctx, *grounds = ground(ctx, plain=0.8)

    def line(_: int) -> El:
        words_ = [heading(ctx, step=0.3, low=1, high=3), label(ctx, words.title(ctx.text, 1, 2))]
        cells = [image(ctx, 64, width=64), stack(ctx, words_, 2), label(ctx, words.price(ctx.text))]
        cells[0].style |= css(flex="none", margin="0")
        cells[1].style |= css(flex="1", text_align="left")
        style = css(display="flex", gap=ctx.size(16), align_items="center")
        return El(ctx.pick("div", "li"), style | css(list_style="none"), cells, "grid")

    lines = ctx.cells(ctx.pick(2, 3, 4), line)
    if ctx.chance(0.5):
        between = ctx.cells(len(lines), lambda _: divider(ctx))
        lines = [node for pair in zip(lines, between, strict=True) for node in pair]
    inside = card_context(ctx)
    sums = [
        bar(inside, [label(inside, name), label(inside, words.price(ctx.text))])
        for name in ("Subtotal", "Delivery", "Total")
    ]
    total = card(ctx, [heading(inside, step=1, low=1, high=2), *sums, button(inside)])
    body = row(ctx, [stack(ctx, lines, 14), total], ratios=[2, 1], align="flex-start", tag="div")
    return band(ctx, "products", [head(ctx, chance=0.7), body], grounds)


def shelf(ctx: DrawContext) -> El:
    """Filters beside products."""
    ctx, *grounds = ground(ctx, plain=0.8)
    boxed = ctx.chance(0.5)
    inside, height = card_context(ctx) if boxed else ctx, ctx.pick(100, 130)

    def item(_: int) -> El:
        kids = [
            image(inside, height),
            heading(inside, step=0.4, low=1, high=2),
            label(inside, words.price(ctx.text)),
        ]
        return card(ctx, kids, pad=12) if boxed else stack(inside, kids, 6)

    items = row(ctx, ctx.cells(ctx.pick(3, 6), item), columns=3, gap=16)
    side = stack(ctx, [heading(ctx, step=0.8, low=1, high=2), side_menu(ctx, 5), tags(ctx, 4)], 12)
    body = row(ctx, [side, items], ratios=[1, 3], align="flex-start", tag="div")
    return band(ctx, "products", [head(ctx, chance=0.4), body], grounds)


def jobs(ctx: DrawContext) -> El:
    """Rows with a title and an action each: jobs, dates, files."""
    ctx, *grounds = ground(ctx, plain=0.6)
    boxed, signs = ctx.chance(0.5), ctx.chance(0.5)
    inside = card_context(ctx) if boxed else ctx

    def line(_: int) -> El:
        words_ = [heading(inside, step=0.6, low=2, high=4), label(inside, words.date(ctx.text))]
        first = stack(inside, words_, 4)
        if signs:
            first = beside(inside, icon(inside, 28), first)
        end = ctx.pick(text_link(inside), button(inside, small=True), badge(inside))
        made = bar(inside, [first, end])
        made.style["text-align"] = "left"
        return card(ctx, [made], pad=14) if boxed else made

    lines = ctx.cells(ctx.pick(3, 4, 5), line)
    kids = [head(ctx), search(ctx) if ctx.chance(0.2) else None, stack(ctx, lines, ctx.pick(8, 14))]
    return band(ctx, "other", kids, grounds)


def consent(ctx: DrawContext) -> El:
    """A bar with a request: consent to cookies, an offer that ends."""
    ctx, *grounds = ground(ctx)
    text = paragraph(ctx, low=1, high=2, text_align="left")
    text.style["flex"] = "1"
    cells = [text, countdown(ctx) if ctx.chance(0.35) else buttons(ctx)]
    if ctx.chance(0.25):
        cells.insert(0, icon(ctx, 28))
    return band(
        ctx, "cta", [bar(ctx, cells, gap=24)], grounds, pad=ctx.pick(12, 20), wide=ctx.chance(0.5)
    )


def mega_menu(ctx: DrawContext) -> El:
    """A bar with an open menu of links by topic."""
    ctx, *grounds = ground(ctx, plain=0.8)
    top = bar(ctx, [logo(ctx), links(ctx, 5), button(ctx, small=True)])

    def topic(_: int) -> El:
        return stack(ctx, [heading(ctx, step=0.4, low=1, high=2), links(ctx, 4, row=False)], 8)

    cells = ctx.cells(ctx.pick(3, 4), topic)
    if ctx.chance(0.4):
        cells[-1] = image(ctx, 140)
    for cell in cells:
        cell.style["text-align"] = "left"
    line = divider(ctx) if ctx.chance(0.4) else None
    return band(
        ctx, "navigation", [top, line, row(ctx, cells)], grounds, pad=16, wide=ctx.chance(0.5)
    )


def top_bars(ctx: DrawContext) -> El:
    """The head of a shop: logo, search and pictograms, with links under them."""
    ctx, *grounds = ground(ctx, plain=0.5)
    signs_ = El(
        "div", css(display="flex", gap=ctx.size(16)), [icon(ctx, 22), icon(ctx, 22)], "grid"
    )
    find = search(ctx, wide=False)
    find.style["flex"] = "1"
    first = bar(ctx, [logo(ctx), find, signs_], gap=24)
    kids = [first, divider(ctx) if ctx.chance(0.3) else None, links(ctx, ctx.rng.randint(4, 7))]
    if ctx.chance(0.4):
        strip = bar(
            ctx, [label(ctx, words.sentence(ctx.text, 4, 7)), ctx.pick(social, links)(ctx, 3)]
        )
        kids.insert(0, strip)
    return band(ctx, "navigation", kids, grounds, pad=ctx.pick(8, 14), gap=12, wide=ctx.chance(0.5))


def small_footer(ctx: DrawContext) -> El:
    """A footer of a few lines."""
    ctx, *grounds = ground(ctx, plain=0.5)
    year = ctx.rng.randint(2015, 2026)
    text = label(ctx, f"© {year} {ctx.text.choice(words.BRANDS)}. All rights reserved.")
    shape = ctx.pick("line", "line", "center", "center", "logos")
    if shape == "line":
        kids = [bar(ctx, [text, ctx.pick(links, social)(ctx, 3)])]
    elif shape == "logos":
        kids = [logo_strip(ctx, 4), divider(ctx), text]
    else:
        run = ctx.pick(links, social)(ctx)
        run.style["justify-content"] = "center"
        kids = [logo(ctx) if ctx.chance(0.4) else None, run, text]
    if ctx.chance(0.2):
        kids.insert(0, divider(ctx))
    return band(ctx, "footer", kids, grounds, pad=ctx.pick(12, 24, 40), gap=14)


def visit(ctx: DrawContext) -> El:
    """Places: a map of the full width, cards with a map each, or a map beside a QR code."""
    ctx, *grounds = ground(ctx, plain=0.5)
    shape, boxed = ctx.pick("wide", "cards", "code"), ctx.chance(0.5)
    inside = card_context(ctx) if boxed else ctx
    if shape == "wide":
        kids = [
            street_map(ctx, ctx.pick(240, 320)),
            stack(ctx, [heading(ctx, step=2), facts(ctx)], 12),
        ]
        return band(ctx, "contact", kids, grounds, wide=ctx.chance(0.6))
    if shape == "code":
        ask = [heading(ctx, step=2), paragraph(ctx, low=1, high=1), qr(ctx)]
        body = row(ctx, [street_map(ctx, 260), stack(ctx, ask, 12)], ratios=[2, 1], align="center")
        return band(ctx, "contact", [head(ctx, chance=0.5), body], grounds)

    def place(_: int) -> El:
        kids = [
            street_map(inside, 130),
            heading(inside, step=1, low=1, high=2),
            facts(inside, 3) if ctx.chance(0.6) else paragraph(inside, low=1, high=1),
        ]
        return card(ctx, kids, pad=16) if boxed else stack(inside, kids, 10)

    return band(ctx, "contact", [head(ctx), row(ctx, ctx.cells(ctx.pick(2, 3), place))], grounds)


def lessons(ctx: DrawContext) -> El:
    """A video beside the list of the next ones."""
    ctx, *grounds = ground(ctx, plain=0.5)

    def next_(_: int) -> El:
        film = video(ctx, 64)
        film.style |= css(width=ctx.size(110))
        lines = [
            heading(ctx, step=0.2, low=2, high=4),
            label(ctx, f"{ctx.text.randint(2, 59)} min"),
        ]
        return row_of(ctx, film, stack(ctx, lines, 2))

    side = stack(ctx, [heading(ctx, step=1, low=1, high=2), *ctx.cells(ctx.pick(2, 3), next_)], 12)
    body = row(ctx, [video(ctx, ctx.pick(240, 300)), side], ratios=[2, 1], align="flex-start")
    return band(ctx, "content", [head(ctx, chance=0.4), body], grounds)


def request(ctx: DrawContext) -> El:
    """A long form beside a text about it."""
    ctx, *grounds = ground(ctx, plain=0.4)
    boxed = ctx.chance(0.6)
    inside = card_context(ctx) if boxed else ctx
    names = ["Name", "Email", "Company", "Country", "Message"][: ctx.pick(3, 4, 5)]
    ask = form(
        inside, names, action=ctx.pick("Send", "Book a demo", "Request"), title=ctx.chance(0.5)
    )
    ask = card(ctx, [ask]) if boxed else ask
    kids = [heading(ctx, step=3), paragraph(ctx, low=1, high=2), bullets(ctx, 4)]
    if ctx.chance(0.3):
        kids.append(logo_strip(ctx, 3))
    body = row(ctx, [stack(ctx, kids, 14), ask], align="center")
    return band(ctx, "form", [body], grounds)
