"""Bands of programs: dashboards, settings, tables with tools, messages, boards, empty states."""

from data_prep.synthesize.components import words
from data_prep.synthesize.components.containers import bar, beside, card, card_kit, row_of, stack
from data_prep.synthesize.components.draw_context import Kit
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


def dashboard(k: Kit) -> El:
    """Cards with figures, diagrams, tables, progress."""
    k, *grounds = ground(k, plain=0.8)
    inside = card_kit(k)
    columns = k.pick(3, 4, 4)
    look, delta = k.pick("plain", "icon", "beside"), k.chance(0.4)

    def figure(_: int) -> El:
        each = counter(inside)
        change = label(inside, f"{k.text.choice('+-')}{k.text.randint(1, 30)}%") if delta else None
        if look == "plain":
            return card(k, [each, change], pad=k.pick(14, 20), gap=6)
        if look == "icon":
            return card(k, [icon(inside, 28), each, change], pad=18, gap=8)
        return card(k, [beside(inside, icon(inside, 30), stack(inside, [each, change], 4))], pad=16)

    figures = row(k, k.cells(columns, figure))
    shape = k.pick("figures", "figures", "panels", "panels", "both")
    kids: list[El | None] = [_title_bar(k) if k.chance(0.4) else None]
    if shape != "panels":
        kids.append(figures)
    if shape != "figures":
        panels = [_panel(k) for _ in range(k.pick(1, 2, 2))]
        ratios = k.pick([1, 1], [2, 1], [1, 2])[: len(panels)]
        kids.append(row(k, panels, ratios=ratios) if len(panels) > 1 else panels[0])
    return band(k, "stats", kids, grounds, pad=k.pick(8, 16, 32), gap=k.pick(16, 24))


def _title_bar(k: Kit) -> El:
    first = heading(k, step=k.pick(1.5, 2.5), low=1, high=2)
    if k.chance(0.4):
        first = stack(k, [first, crumbs(k)], 4)
    return bar(k, [first, k.pick(button, buttons, crumbs)(k)])


def _panel(k: Kit) -> El:
    """A card with a title and one thing to look at."""
    inside = card_kit(k)
    title = heading(inside, step=k.pick(0.5, 1), low=1, high=3)
    kind = k.pick("chart", "chart", "table", "progress", "list", "people", "map", "tiles")
    body = {
        "chart": lambda: chart(inside, k.pick(140, 200, 240)),
        "table": lambda: table(inside, 3, k.pick(2, 3)),
        "progress": lambda: stack(inside, k.cells(4, lambda _: progress(inside)), 12),
        "list": lambda: bullets(inside, 5),
        "people": lambda: stack(inside, k.cells(3, lambda _: entry(inside)), 12),
        "map": lambda: street_map(inside, 200),
        "tiles": lambda: row(inside, k.cells(2, lambda _: counter(inside))),
    }[kind]()
    top = bar(inside, [title, text_link(inside, "More")]) if k.chance(0.3) else title
    return card(k, [top, divider(inside) if k.chance(0.2) else None, body], pad=k.pick(14, 20))


def progress(k: Kit) -> El:
    """A name, a share, and a bar that shows it; the bar is no element."""
    share = k.text.randint(10, 98)
    names = [label(k, words.title(k.text, 1, 2)), label(k, f"{share}%")]
    high = k.pick(6, 8, 10, 16)
    full = El("div", css(width=f"{share}%", height=f"{high}px", background=k.theme.accent))
    track = El("div", css(background=k.line, height=f"{high}px", overflow="hidden"), [full])
    track.style["border-radius"] = k.size(k.pick(0, 4, 8))
    return El("div", {}, [bar(k, names, gap=8), track])


def entry(k: Kit, *, deep: bool = True) -> El:
    """Somebody, what they did, and when."""
    lines = [heading(k, words.name(k.text), step=0), label(k, words.sentence(k.text, 4, 7))]
    first = photo_of_person(k, k.pick(32, 40))
    rest = stack(k, lines, 0) if deep else lines[0]
    if k.chance(0.4):
        end = k.pick(label(k, f"{k.text.randint(2, 59)} min"), badge(k), button(k, small=True))
        made = row_of(k, first, rest)
        made.kids.append(end)
        end.style["flex"] = "none"
        return made
    return row_of(k, first, rest)


def records(k: Kit) -> El:
    """A table with what works on it: search, filters, buttons, pages."""
    k, *grounds = ground(k, plain=0.85)
    inside = card_kit(k)
    tools = [search(inside, wide=False), buttons(inside)][:: k.pick(1, -1)]
    foot = bar(inside, [label(inside, f"1 to 10 of {k.text.randint(20, 900)}"), pages(inside)])
    body = table(inside, k.rng.randint(3, 6), k.rng.randint(4, 6))
    kids = [
        heading(inside, step=k.pick(1, 2), low=1, high=2) if k.chance(0.6) else None,
        bar(inside, tools) if k.chance(0.6) else tags(inside) if k.chance(0.3) else None,
        body,
        foot if k.chance(0.5) else pages(inside) if k.chance(0.3) else None,
    ]
    kids = [card(k, kids, pad=16)] if k.chance(0.6) else [kid for kid in kids if kid]
    return band(k, "content", kids, grounds, pad=k.pick(0, 12, 24))


def settings(k: Kit) -> El:
    """Fields, boxes to tick, and a button to save."""
    k, *grounds = ground(k, plain=0.8)
    boxed = k.chance(0.6)
    inside = card_kit(k) if boxed else k
    names = k.rng.sample(["Name", "Email", "Phone", "City", "Country", "Website", "Role"], 4)
    ask = form(inside, names, action=k.pick("Save", "Update", "Continue"), title=k.chance(0.7))
    ticks = [choice(inside) for _ in range(k.pick(0, 0, 2, 3))]
    if ticks:
        ask.kids[-1:-1] = ticks
    body = card(k, [ask]) if boxed else ask
    if k.chance(0.4):
        side = stack(k, [heading(k, step=1.5), paragraph(k)], 10) if k.chance(0.5) else side_menu(k)
        body = row(k, [side, body], ratios=[1, 2], align="flex-start", tag="div")
    return band(k, "form", [head(k, chance=0.3), body], grounds, pad=k.pick(8, 24, 40))


def notices(k: Kit) -> El:
    """Notes in colours under one another."""
    k, *grounds = ground(k, plain=0.9)
    kids = [heading(k, step=k.pick(1, 2), low=1, high=2) if k.chance(0.6) else None]
    kids += [note(k) for _ in range(k.pick(1, 2, 3, 4))]
    return band(k, "content", kids, grounds, pad=k.pick(8, 16, 32), gap=k.pick(10, 16))


def buttons_shown(k: Kit) -> El:
    """Buttons as a style guide shows them: three or more of a kind are a list."""
    k, *grounds = ground(k, plain=0.9)

    def run(_: int) -> El:
        many = [button(k, primary=k.chance(0.6)) for _ in range(k.pick(3, 4, 5))]
        look = css(display="flex", flex_wrap="wrap", gap=k.size(k.pick(4, 8, 12)))
        return El(k.pick("div", "p"), look, many, "list")

    kids = [heading(k, step=k.pick(1, 2), low=1, high=2), paragraph(k) if k.chance(0.3) else None]
    for at in range(k.pick(1, 2)):
        kids += [run(at)] if at == 0 else [heading(k, step=1, low=1, high=2), buttons(k, 2)]
    return band(k, "content", kids, grounds, pad=k.pick(8, 16, 32), gap=14)


def lost(k: Kit) -> El:
    """Nothing here: an error, an empty box, a thank-you."""
    k, *grounds = ground(k, plain=0.5)
    big = heading(k, k.pick("404", "401", "500", "503", "Oops"), step=k.pick(6, 7, 8))
    top = k.pick(big, big, icon(k, 64), image(k, 160, width=240))
    kids = [
        top,
        heading(k, step=k.pick(1.5, 2.5), low=2, high=5),
        paragraph(k, low=1, high=1),
        search(k) if k.chance(0.2) else buttons(k) if k.chance(0.8) else text_link(k),
    ]
    return band(k, "other", kids, grounds, pad=k.pick(40, 72, 96), gap=14)


def page_head(k: Kit) -> El:
    """The top of an inner page: where one is, its title, what one can do."""
    k, *grounds = ground(k, plain=0.4)
    title = heading(k, step=k.pick(2, 3, 4), low=1, high=3)
    kids: list[El | None] = [crumbs(k) if k.chance(0.7) else None]
    if k.chance(0.5):
        kids.append(bar(k, [title, buttons(k)]))
    else:
        kids += [title, paragraph(k, low=1, high=1) if k.chance(0.5) else None]
    if k.chance(0.2):
        kids.append(links(k, 4))
    return band(k, "hero", kids, grounds, pad=k.pick(16, 24, 40, 72), gap=k.pick(6, 12))


def steering(k: Kit) -> El:
    """What one steers with: steps of a wizard, pages, crumbs, tabs without panels."""
    k, *grounds = ground(k, plain=0.8)
    run = k.pick(pages, crumbs, crumbs, tags, links, _wizard)(k)
    kids = [heading(k, step=1, low=1, high=2) if k.chance(0.5) else None, run]
    if k.chance(0.3):
        kids.append(paragraph(k, low=1, high=1))
    return band(k, "navigation", kids, grounds, pad=k.pick(8, 16, 24), gap=12)


def _wizard(k: Kit) -> El:
    """The steps of a form, in a line: simple items of one kind, a list."""
    items = []
    for at in range(k.pick(3, 4)):
        side, done = "30px", at == 0
        disc = css(width=side, height=side, border_radius="50%", line_height=side, flex="none")
        ground_ = k.theme.accent if done else k.line
        disc |= css(background=ground_, color=k.on(ground_).ink, text_align="center")
        name = El("span", css(font_size=k.size(14), color=k.ink), [words.title(k.text, 1, 2)])
        look = css(display="flex", gap="10px", align_items="center", flex="1")
        items.append(El("li", look, [El("span", disc, [str(at + 1)]), name]))
    return El(k.pick("ol", "ul"), css(display="flex", list_style="none", gap="16px"), items, "list")


def chat(k: Kit) -> El:
    """Messages to and fro, each in its bubble."""
    k, *grounds = ground(k, plain=0.8)

    def bubble(at: int) -> El:
        mine = at % 2 == 1
        colour = k.theme.accent if mine else k.line
        text = paragraph(k.on(colour), words.sentence(k.text, 4, 14), background=colour)
        text.style |= css(padding="10px 14px", border_radius="14px", display="block")
        text.style |= css(color=k.on(colour).ink, max_width="70%", text_align="left")
        if k.chance(0.5) and not mine:
            line = row_of(k, photo_of_person(k, 32), text, align="flex-end")
            text.style["flex"] = "0 1 auto"
            return line
        where = "flex-end" if mine else "flex-start"
        return El("div", css(display="flex", justify_content=where), [text])

    kids = [bubble(at) for at in range(k.pick(3, 4, 5))]
    return band(k, "other", [head(k, chance=0.3), stack(k, kids, 10)], grounds, pad=24)


def board(k: Kit) -> El:
    """Cards in columns by state."""
    k, *grounds = ground(k, plain=0.6)
    inside, count = card_kit(k), k.pick(2, 3)

    def task(_: int) -> El:
        kids = [heading(inside, step=0.3, low=2, high=4), label(inside, words.date(k.text))]
        return card(k, kids, pad=12, gap=4)

    def column(_: int) -> El:
        return stack(k, [heading(k, step=0.8, low=1, high=1), *k.cells(count, task)], 10)

    body = row(k, k.cells(k.pick(3, 4), column), align="flex-start")
    return band(k, "content", [head(k, chance=0.3), body], grounds, pad=k.pick(16, 32))


def profile(k: Kit) -> El:
    """Somebody's page: photo, name, figures, what to do."""
    k, *grounds = ground(k, plain=0.6)
    figures = row(k, k.cells(3, lambda _: counter(k)), gap=16, tag="div")
    lines = [
        heading(k, words.name(k.text), step=k.pick(2, 3)),
        label(k, k.text.choice(words.ROLES)),
        paragraph(k, low=1, high=2) if k.chance(0.6) else None,
        figures if k.chance(0.5) else pairs(k, 3) if k.chance(0.4) else None,
        buttons(k) if k.chance(0.6) else None,
    ]
    photo = photo_of_person(k, k.pick(96, 128, 160))
    if k.chance(0.5):
        kids = [row_of(k, photo, stack(k, lines, 10), gap=28, align="flex-start")]
    else:
        kids = [photo, *lines]
    return band(k, "about", kids, grounds, gap=12)


def signs(k: Kit) -> El:
    """Pictograms with their names, many of them: simple items of one kind, a list."""
    k, *grounds = ground(k, plain=0.8)
    columns, px, bare = k.pick(4, 6, 8), k.pick(16, 20, 24, 32), k.chance(0.3)

    def cell(_: int) -> El:
        if bare:
            return icon(k, px)
        if k.theme.centred:
            return stack(k, [icon(k, px), label(k, words.title(k.text, 1, 1))], 4)
        return beside(k, icon(k, px), label(k, words.title(k.text, 1, 1)), gap=6)

    run = row(k, k.cells(columns * k.pick(1, 2), cell), columns=columns, gap=12)
    run.mark = "list"
    return band(k, "content", [heading(k, step=2, low=1, high=2), run], grounds, pad=24)
