"""Sections of applications: dashboards, settings, tables with tools, messages, boards, errors."""

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
from data_prep.synthesize.components.figures import counter
from data_prep.synthesize.components.forms import choice, form, search
from data_prep.synthesize.components.frame import band, ground, head
from data_prep.synthesize.components.leaves import (
    button,
    buttons,
    divider,
    heading,
    icon,
    label,
    paragraph,
    text_link,
)
from data_prep.synthesize.components.markup import El, css
from data_prep.synthesize.components.media import image, photo_of_person, street_map
from data_prep.synthesize.components.prose import chart, note
from data_prep.synthesize.components.rows import row
from data_prep.synthesize.components.runs import bullets, crumbs, links, pages, side_menu, tags
from data_prep.synthesize.components.tables import badge, pairs, table


def dashboard(ctx: DrawContext) -> El:
    """Cards with figures, diagrams, tables, progress."""
    ctx, *grounds = ground(ctx, plain=0.8)
    inside = card_context(ctx)
    columns = ctx.pick(3, 4, 4)
    kind, delta = ctx.pick("plain", "icon", "beside"), ctx.chance(0.4)

    def figure(_: int) -> El:
        each = counter(inside)
        change = (
            label(inside, f"{ctx.text.choice('+-')}{ctx.text.randint(1, 30)}%") if delta else None
        )
        if kind == "plain":
            return card(ctx, [each, change], pad=ctx.pick(14, 20), gap=6)
        if kind == "icon":
            return card(ctx, [icon(inside, 28), each, change], pad=18, gap=8)
        return card(
            ctx, [beside(inside, icon(inside, 30), stack(inside, [each, change], 4))], pad=16
        )

    figures = row(ctx, ctx.cells(columns, figure))
    shape = ctx.pick("figures", "figures", "panels", "panels", "both")
    kids: list[El | None] = [_title_bar(ctx) if ctx.chance(0.4) else None]
    if shape != "panels":
        kids.append(figures)
    if shape != "figures":
        panels = [_panel(ctx) for _ in range(ctx.pick(1, 2, 2))]
        ratios = ctx.pick([1, 1], [2, 1], [1, 2])[: len(panels)]
        kids.append(row(ctx, panels, ratios=ratios) if len(panels) > 1 else panels[0])
    return band(ctx, "stats", kids, grounds, pad=ctx.pick(8, 16, 32), gap=ctx.pick(16, 24))


def _title_bar(ctx: DrawContext) -> El:
    first = heading(ctx, step=ctx.pick(1.5, 2.5), low=1, high=2)
    if ctx.chance(0.4):
        first = stack(ctx, [first, crumbs(ctx)], 4)
    return bar(ctx, [first, ctx.pick(button, buttons, crumbs)(ctx)])


def _panel(ctx: DrawContext) -> El:
    """A card with a title and one block."""
    inside = card_context(ctx)
    title = heading(inside, step=ctx.pick(0.5, 1), low=1, high=3)
    kind = ctx.pick("chart", "chart", "table", "progress", "list", "people", "map", "tiles")
    body = {
        "chart": lambda: chart(inside, ctx.pick(140, 200, 240)),
        "table": lambda: table(inside, 3, ctx.pick(2, 3)),
        "progress": lambda: stack(inside, ctx.cells(4, lambda _: progress(inside)), 12),
        "list": lambda: bullets(inside, 5),
        "people": lambda: stack(inside, ctx.cells(3, lambda _: entry(inside)), 12),
        "map": lambda: street_map(inside, 200),
        "tiles": lambda: row(inside, ctx.cells(2, lambda _: counter(inside))),
    }[kind]()
    top = bar(inside, [title, text_link(inside, "More")]) if ctx.chance(0.3) else title
    return card(
        ctx, [top, divider(inside) if ctx.chance(0.2) else None, body], pad=ctx.pick(14, 20)
    )


def progress(ctx: DrawContext) -> El:
    """A name, a percentage and a progress bar, which has no label."""
    share = ctx.text.randint(10, 98)
    names = [label(ctx, words.title(ctx.text, 1, 2)), label(ctx, f"{share}%")]
    high = ctx.pick(6, 8, 10, 16)
    full = El("div", css(width=f"{share}%", height=f"{high}px", background=ctx.theme.accent))
    track = El("div", css(background=ctx.line, height=f"{high}px", overflow="hidden"), [full])
    track.style["border-radius"] = ctx.size(ctx.pick(0, 4, 8))
    return El("div", {}, [bar(ctx, names, gap=8), track])


def entry(ctx: DrawContext, *, deep: bool = True) -> El:
    """A person, what they did, and when."""
    lines = [heading(ctx, words.name(ctx.text), step=0), label(ctx, words.sentence(ctx.text, 4, 7))]
    first = photo_of_person(ctx, ctx.pick(32, 40))
    rest = stack(ctx, lines, 0) if deep else lines[0]
    if ctx.chance(0.4):
        end = ctx.pick(
            label(ctx, f"{ctx.text.randint(2, 59)} min"), badge(ctx), button(ctx, small=True)
        )
        made = row_of(ctx, first, rest)
        made.kids.append(end)
        end.style["flex"] = "none"
        return made
    return row_of(ctx, first, rest)


def records(ctx: DrawContext) -> El:
    """A table with its tools: search, filters, buttons, pagination."""
    ctx, *grounds = ground(ctx, plain=0.85)
    inside = card_context(ctx)
    tools = [search(inside, wide=False), buttons(inside)][:: ctx.pick(1, -1)]
    foot = bar(inside, [label(inside, f"1 to 10 of {ctx.text.randint(20, 900)}"), pages(inside)])
    body = table(inside, ctx.rng.randint(3, 6), ctx.rng.randint(4, 6))
    kids = [
        heading(inside, step=ctx.pick(1, 2), low=1, high=2) if ctx.chance(0.6) else None,
        bar(inside, tools) if ctx.chance(0.6) else tags(inside) if ctx.chance(0.3) else None,
        body,
        foot if ctx.chance(0.5) else pages(inside) if ctx.chance(0.3) else None,
    ]
    kids = [card(ctx, kids, pad=16)] if ctx.chance(0.6) else [kid for kid in kids if kid]
    return band(ctx, "content", kids, grounds, pad=ctx.pick(0, 12, 24))


def settings(ctx: DrawContext) -> El:
    """Fields, checkboxes, and a button to save."""
    ctx, *grounds = ground(ctx, plain=0.8)
    boxed = ctx.chance(0.6)
    inside = card_context(ctx) if boxed else ctx
    names = ctx.rng.sample(["Name", "Email", "Phone", "City", "Country", "Website", "Role"], 4)
    ask = form(inside, names, action=ctx.pick("Save", "Update", "Continue"), title=ctx.chance(0.7))
    ticks = [choice(inside) for _ in range(ctx.pick(0, 0, 2, 3))]
    if ticks:
        ask.kids[-1:-1] = ticks
    body = card(ctx, [ask]) if boxed else ask
    if ctx.chance(0.4):
        side = (
            stack(ctx, [heading(ctx, step=1.5), paragraph(ctx)], 10)
            if ctx.chance(0.5)
            else side_menu(ctx)
        )
        body = row(ctx, [side, body], ratios=[1, 2], align="flex-start", tag="div")
    return band(ctx, "form", [head(ctx, chance=0.3), body], grounds, pad=ctx.pick(8, 24, 40))


def notices(ctx: DrawContext) -> El:
    """Colored notes under one another."""
    ctx, *grounds = ground(ctx, plain=0.9)
    kids = [heading(ctx, step=ctx.pick(1, 2), low=1, high=2) if ctx.chance(0.6) else None]
    kids += [note(ctx) for _ in range(ctx.pick(1, 2, 3, 4))]
    return band(ctx, "content", kids, grounds, pad=ctx.pick(8, 16, 32), gap=ctx.pick(10, 16))


def buttons_shown(ctx: DrawContext) -> El:
    """Buttons as a style guide shows them: three or more of a kind are a list."""
    ctx, *grounds = ground(ctx, plain=0.9)

    def run(_: int) -> El:
        many = [button(ctx, primary=ctx.chance(0.6)) for _ in range(ctx.pick(3, 4, 5))]
        style = css(display="flex", flex_wrap="wrap", gap=ctx.size(ctx.pick(4, 8, 12)))
        return El(ctx.pick("div", "p"), style, many, "list")

    kids = [
        heading(ctx, step=ctx.pick(1, 2), low=1, high=2),
        paragraph(ctx) if ctx.chance(0.3) else None,
    ]
    for at in range(ctx.pick(1, 2)):
        kids += [run(at)] if at == 0 else [heading(ctx, step=1, low=1, high=2), buttons(ctx, 2)]
    return band(ctx, "content", kids, grounds, pad=ctx.pick(8, 16, 32), gap=14)


def lost(ctx: DrawContext) -> El:
    """An error page, an empty state, a thank-you."""
    ctx, *grounds = ground(ctx, plain=0.5)
    big = heading(ctx, ctx.pick("404", "401", "500", "503", "Oops"), step=ctx.pick(6, 7, 8))
    top = ctx.pick(big, big, icon(ctx, 64), image(ctx, 160, width=240))
    kids = [
        top,
        heading(ctx, step=ctx.pick(1.5, 2.5), low=2, high=5),
        paragraph(ctx, low=1, high=1),
        search(ctx) if ctx.chance(0.2) else buttons(ctx) if ctx.chance(0.8) else text_link(ctx),
    ]
    return band(ctx, "other", kids, grounds, pad=ctx.pick(40, 72, 96), gap=14)


def page_head(ctx: DrawContext) -> El:
    """The head of an inner page: breadcrumbs, title, actions."""
    ctx, *grounds = ground(ctx, plain=0.4)
    title = heading(ctx, step=ctx.pick(2, 3, 4), low=1, high=3)
    kids: list[El | None] = [crumbs(ctx) if ctx.chance(0.7) else None]
    if ctx.chance(0.5):
        kids.append(bar(ctx, [title, buttons(ctx)]))
    else:
        kids += [title, paragraph(ctx, low=1, high=1) if ctx.chance(0.5) else None]
    if ctx.chance(0.2):
        kids.append(links(ctx, 4))
    return band(ctx, "hero", kids, grounds, pad=ctx.pick(16, 24, 40, 72), gap=ctx.pick(6, 12))


def steering(ctx: DrawContext) -> El:
    """Navigation inside a page: steps of a wizard, pagination, breadcrumbs, chips, links."""
    ctx, *grounds = ground(ctx, plain=0.8)
    run = ctx.pick(pages, crumbs, crumbs, tags, links, _wizard)(ctx)
    kids = [heading(ctx, step=1, low=1, high=2) if ctx.chance(0.5) else None, run]
    if ctx.chance(0.3):
        kids.append(paragraph(ctx, low=1, high=1))
    return band(ctx, "navigation", kids, grounds, pad=ctx.pick(8, 16, 24), gap=12)


def _wizard(ctx: DrawContext) -> El:
    """The steps of a form in one row: simple items of one kind, a list."""
    items = []
    for at in range(ctx.pick(3, 4)):
        side, done = "30px", at == 0
        disc = css(width=side, height=side, border_radius="50%", line_height=side, flex="none")
        ground_ = ctx.theme.accent if done else ctx.line
        disc |= css(background=ground_, color=ctx.on(ground_).ink, text_align="center")
        name = El("span", css(font_size=ctx.size(14), color=ctx.ink), [words.title(ctx.text, 1, 2)])
        style = css(display="flex", gap="10px", align_items="center", flex="1")
        items.append(El("li", style, [El("span", disc, [str(at + 1)]), name]))
    return El(
        ctx.pick("ol", "ul"), css(display="flex", list_style="none", gap="16px"), items, "list"
    )


def chat(ctx: DrawContext) -> El:
    """Messages of two people, each in a bubble."""
    ctx, *grounds = ground(ctx, plain=0.8)

    def bubble(at: int) -> El:
        mine = at % 2 == 1
        color = ctx.theme.accent if mine else ctx.line
        text = paragraph(ctx.on(color), words.sentence(ctx.text, 4, 14), background=color)
        text.style |= css(padding="10px 14px", border_radius="14px", display="block")
        text.style |= css(color=ctx.on(color).ink, max_width="70%", text_align="left")
        if ctx.chance(0.5) and not mine:
            line = row_of(ctx, photo_of_person(ctx, 32), text, align="flex-end")
            text.style["flex"] = "0 1 auto"
            return line
        where = "flex-end" if mine else "flex-start"
        return El("div", css(display="flex", justify_content=where), [text])

    kids = [bubble(at) for at in range(ctx.pick(3, 4, 5))]
    return band(ctx, "other", [head(ctx, chance=0.3), stack(ctx, kids, 10)], grounds, pad=24)


def board(ctx: DrawContext) -> El:
    """A board: cards in columns."""
    ctx, *grounds = ground(ctx, plain=0.6)
    inside, count = card_context(ctx), ctx.pick(2, 3)

    def task(_: int) -> El:
        kids = [heading(inside, step=0.3, low=2, high=4), label(inside, words.date(ctx.text))]
        return card(ctx, kids, pad=12, gap=4)

    def column(_: int) -> El:
        return stack(ctx, [heading(ctx, step=0.8, low=1, high=1), *ctx.cells(count, task)], 10)

    body = row(ctx, ctx.cells(ctx.pick(3, 4), column), align="flex-start")
    return band(ctx, "content", [head(ctx, chance=0.3), body], grounds, pad=ctx.pick(16, 32))


def profile(ctx: DrawContext) -> El:
    """A person's page: photo, name, figures, actions."""
    ctx, *grounds = ground(ctx, plain=0.6)
    figures = row(ctx, ctx.cells(3, lambda _: counter(ctx)), gap=16, tag="div")
    lines = [
        heading(ctx, words.name(ctx.text), step=ctx.pick(2, 3)),
        label(ctx, ctx.text.choice(words.ROLES)),
        paragraph(ctx, low=1, high=2) if ctx.chance(0.6) else None,
        figures if ctx.chance(0.5) else pairs(ctx, 3) if ctx.chance(0.4) else None,
        buttons(ctx) if ctx.chance(0.6) else None,
    ]
    photo = photo_of_person(ctx, ctx.pick(96, 128, 160))
    if ctx.chance(0.5):
        kids = [row_of(ctx, photo, stack(ctx, lines, 10), gap=28, align="flex-start")]
    else:
        kids = [photo, *lines]
    return band(ctx, "about", kids, grounds, gap=12)


def pictograms(ctx: DrawContext) -> El:
    """Many pictograms with their names: simple items of one kind, a list."""
    ctx, *grounds = ground(ctx, plain=0.8)
    columns, px, bare = ctx.pick(4, 6, 8), ctx.pick(16, 20, 24, 32), ctx.chance(0.3)

    def cell(_: int) -> El:
        if bare:
            return icon(ctx, px)
        if ctx.theme.centered:
            return stack(ctx, [icon(ctx, px), label(ctx, words.title(ctx.text, 1, 1))], 4)
        return beside(ctx, icon(ctx, px), label(ctx, words.title(ctx.text, 1, 1)), gap=6)

    run = row(ctx, ctx.cells(columns * ctx.pick(1, 2), cell), columns=columns, gap=12)
    run.mark = "list"
    return band(ctx, "content", [heading(ctx, step=2, low=1, high=2), run], grounds, pad=24)
