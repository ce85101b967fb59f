"""Bands of shops and portals: one product, the basket, offers, places, jobs, consent."""

from data_prep.synthesize.components import words
from data_prep.synthesize.components.containers import bar, beside, card, card_kit, row_of, stack
from data_prep.synthesize.components.draw_context import Kit
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


def product(k: Kit) -> El:
    """One thing to buy: its pictures, its price, what one may choose."""
    k, *grounds = ground(k, plain=0.7)
    shown = image(k, k.pick(240, 300, 360))
    if k.chance(0.6):
        small = gallery(k, inner_width(k) // 2, columns=k.pick(3, 4), height=110)
        shown = stack(k, [shown, small], 12)
    price = amount(k, words.price(k.text), k.pick(2, 3))
    kids = [
        badge(k) if k.chance(0.3) else None,
        heading(k, step=k.pick(2, 3), low=2, high=4),
        label(k, "★★★★☆", color="#d99a00") if k.chance(0.5) else None,
        price,
        paragraph(k, low=2, high=3),
        tags(k, 4) if k.chance(0.4) else None,
        buttons(k),
        pairs(k, 3) if k.chance(0.3) else bullets(k, 3) if k.chance(0.4) else None,
        qr(k, 96) if k.chance(0.15) else None,
    ]
    body = row(k, [shown, stack(k, kids, 12)][:: k.pick(1, 1, -1)], align="flex-start")
    return band(k, "products", [body], grounds)


def basket(k: Kit) -> El:
    """What was chosen, line by line, and what it costs together."""
    k, *grounds = ground(k, plain=0.8)

    def line(_: int) -> El:
        words_ = [heading(k, step=0.3, low=1, high=3), label(k, words.title(k.text, 1, 2))]
        cells = [image(k, 64, width=64), stack(k, words_, 2), label(k, words.price(k.text))]
        cells[0].style |= css(flex="none", margin="0")
        cells[1].style |= css(flex="1", text_align="left")
        look = css(display="flex", gap=k.size(16), align_items="center")
        return El(k.pick("div", "li"), look | css(list_style="none"), cells, "grid")

    lines = k.cells(k.pick(2, 3, 4), line)
    if k.chance(0.5):
        between = k.cells(len(lines), lambda _: divider(k))
        lines = [node for pair in zip(lines, between, strict=True) for node in pair]
    inside = card_kit(k)
    sums = [
        bar(inside, [label(inside, name), label(inside, words.price(k.text))])
        for name in ("Subtotal", "Delivery", "Total")
    ]
    total = card(k, [heading(inside, step=1, low=1, high=2), *sums, button(inside)])
    body = row(k, [stack(k, lines, 14), total], ratios=[2, 1], align="flex-start", tag="div")
    return band(k, "products", [head(k, chance=0.7), body], grounds)


def shelf(k: Kit) -> El:
    """Filters beside products."""
    k, *grounds = ground(k, plain=0.8)
    boxed = k.chance(0.5)
    inside, height = card_kit(k) if boxed else k, k.pick(100, 130)

    def item(_: int) -> El:
        kids = [
            image(inside, height),
            heading(inside, step=0.4, low=1, high=2),
            label(inside, words.price(k.text)),
        ]
        return card(k, kids, pad=12) if boxed else stack(inside, kids, 6)

    items = row(k, k.cells(k.pick(3, 6), item), columns=3, gap=16)
    side = stack(k, [heading(k, step=0.8, low=1, high=2), side_menu(k, 5), tags(k, 4)], 12)
    body = row(k, [side, items], ratios=[1, 3], align="flex-start", tag="div")
    return band(k, "products", [head(k, chance=0.4), body], grounds)


def jobs(k: Kit) -> El:
    """Rich lines of one kind: jobs, dates, files."""
    k, *grounds = ground(k, plain=0.6)
    boxed, signs = k.chance(0.5), k.chance(0.5)
    inside = card_kit(k) if boxed else k

    def line(_: int) -> El:
        words_ = [heading(inside, step=0.6, low=2, high=4), label(inside, words.date(k.text))]
        first = stack(inside, words_, 4)
        if signs:
            first = beside(inside, icon(inside, 28), first)
        end = k.pick(text_link(inside), button(inside, small=True), badge(inside))
        made = bar(inside, [first, end])
        made.style["text-align"] = "left"
        return card(k, [made], pad=14) if boxed else made

    lines = k.cells(k.pick(3, 4, 5), line)
    kids = [head(k), search(k) if k.chance(0.2) else None, stack(k, lines, k.pick(8, 14))]
    return band(k, "other", kids, grounds)


def consent(k: Kit) -> El:
    """A bar that asks for something: cookies, an offer that ends."""
    k, *grounds = ground(k)
    text = paragraph(k, low=1, high=2, text_align="left")
    text.style["flex"] = "1"
    cells = [text, countdown(k) if k.chance(0.35) else buttons(k)]
    if k.chance(0.25):
        cells.insert(0, icon(k, 28))
    return band(k, "cta", [bar(k, cells, gap=24)], grounds, pad=k.pick(12, 20), wide=k.chance(0.5))


def mega_menu(k: Kit) -> El:
    """A bar whose open menu shows links by topic."""
    k, *grounds = ground(k, plain=0.8)
    top = bar(k, [logo(k), links(k, 5), button(k, small=True)])

    def topic(_: int) -> El:
        return stack(k, [heading(k, step=0.4, low=1, high=2), links(k, 4, row=False)], 8)

    cells = k.cells(k.pick(3, 4), topic)
    if k.chance(0.4):
        cells[-1] = image(k, 140)
    for cell in cells:
        cell.style["text-align"] = "left"
    line = divider(k) if k.chance(0.4) else None
    return band(k, "navigation", [top, line, row(k, cells)], grounds, pad=16, wide=k.chance(0.5))


def top_bars(k: Kit) -> El:
    """A shop's head: logo, search, signs; links under them."""
    k, *grounds = ground(k, plain=0.5)
    signs_ = El("div", css(display="flex", gap=k.size(16)), [icon(k, 22), icon(k, 22)], "grid")
    find = search(k, wide=False)
    find.style["flex"] = "1"
    first = bar(k, [logo(k), find, signs_], gap=24)
    kids = [first, divider(k) if k.chance(0.3) else None, links(k, k.rng.randint(4, 7))]
    if k.chance(0.4):
        strip = bar(k, [label(k, words.sentence(k.text, 4, 7)), k.pick(social, links)(k, 3)])
        kids.insert(0, strip)
    return band(k, "navigation", kids, grounds, pad=k.pick(8, 14), gap=12, wide=k.chance(0.5))


def small_footer(k: Kit) -> El:
    """The last lines of a page."""
    k, *grounds = ground(k, plain=0.5)
    year = k.rng.randint(2015, 2026)
    text = label(k, f"© {year} {k.text.choice(words.BRANDS)}. All rights reserved.")
    shape = k.pick("line", "line", "centre", "centre", "logos")
    if shape == "line":
        kids = [bar(k, [text, k.pick(links, social)(k, 3)])]
    elif shape == "logos":
        kids = [logo_strip(k, 4), divider(k), text]
    else:
        run = k.pick(links, social)(k)
        run.style["justify-content"] = "center"
        kids = [logo(k) if k.chance(0.4) else None, run, text]
    if k.chance(0.2):
        kids.insert(0, divider(k))
    return band(k, "footer", kids, grounds, pad=k.pick(12, 24, 40), gap=14)


def visit(k: Kit) -> El:
    """Where we are: a map over the whole width or a place's card, hours, a code for the way."""
    k, *grounds = ground(k, plain=0.5)
    shape, boxed = k.pick("wide", "cards", "code"), k.chance(0.5)
    inside = card_kit(k) if boxed else k
    if shape == "wide":
        kids = [street_map(k, k.pick(240, 320)), stack(k, [heading(k, step=2), facts(k)], 12)]
        return band(k, "contact", kids, grounds, wide=k.chance(0.6))
    if shape == "code":
        ask = [heading(k, step=2), paragraph(k, low=1, high=1), qr(k)]
        body = row(k, [street_map(k, 260), stack(k, ask, 12)], ratios=[2, 1], align="center")
        return band(k, "contact", [head(k, chance=0.5), body], grounds)

    def place(_: int) -> El:
        kids = [
            street_map(inside, 130),
            heading(inside, step=1, low=1, high=2),
            facts(inside, 3) if k.chance(0.6) else paragraph(inside, low=1, high=1),
        ]
        return card(k, kids, pad=16) if boxed else stack(inside, kids, 10)

    return band(k, "contact", [head(k), row(k, k.cells(k.pick(2, 3), place))], grounds)


def lessons(k: Kit) -> El:
    """A film beside what comes next."""
    k, *grounds = ground(k, plain=0.5)

    def next_(_: int) -> El:
        film = video(k, 64)
        film.style |= css(width=k.size(110))
        lines = [heading(k, step=0.2, low=2, high=4), label(k, f"{k.text.randint(2, 59)} min")]
        return row_of(k, film, stack(k, lines, 2))

    side = stack(k, [heading(k, step=1, low=1, high=2), *k.cells(k.pick(2, 3), next_)], 12)
    body = row(k, [video(k, k.pick(240, 300)), side], ratios=[2, 1], align="flex-start")
    return band(k, "content", [head(k, chance=0.4), body], grounds)


def request(k: Kit) -> El:
    """A long form beside what it is for."""
    k, *grounds = ground(k, plain=0.4)
    boxed = k.chance(0.6)
    inside = card_kit(k) if boxed else k
    names = ["Name", "Email", "Company", "Country", "Message"][: k.pick(3, 4, 5)]
    ask = form(inside, names, action=k.pick("Send", "Book a demo", "Request"), title=k.chance(0.5))
    ask = card(k, [ask]) if boxed else ask
    kids = [heading(k, step=3), paragraph(k, low=1, high=2), bullets(k, 4)]
    if k.chance(0.3):
        kids.append(logo_strip(k, 3))
    body = row(k, [stack(k, kids, 14), ask], align="center")
    return band(k, "form", [body], grounds)
