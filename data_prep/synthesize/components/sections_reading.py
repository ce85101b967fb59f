"""Bands that are read: documentation, articles, references, comments, code, long lists."""

from data_prep.synthesize.components import words
from data_prep.synthesize.components.containers import bar, beside, card, card_kit, row_of, stack
from data_prep.synthesize.components.draw_context import Kit
from data_prep.synthesize.components.frame import band, ground, head
from data_prep.synthesize.components.leaves import (
    button,
    buttons,
    divider,
    heading,
    icon,
    kicker,
    label,
    paragraph,
    text_link,
)
from data_prep.synthesize.components.markup import El, css
from data_prep.synthesize.components.media import image, photo_of_person
from data_prep.synthesize.components.prose import code, flow, long_text, note, points, quote
from data_prep.synthesize.components.rows import row
from data_prep.synthesize.components.runs import bullets, crumbs, links, side_menu, tags
from data_prep.synthesize.components.tables import comparison, pairs, table


def documentation(k: Kit) -> El:
    """A title and blocks of every kind, perhaps beside a menu of pages."""
    k, *grounds = ground(k, plain=0.85)
    kids = [
        crumbs(k) if k.chance(0.2) else None,
        heading(k, step=k.pick(2, 3, 4), low=1, high=4) if k.chance(0.9) else None,
        long_text(k, 1, 3) if k.chance(0.5) else None,
        *flow(k, k.rng.randint(1, 4)),
    ]
    if k.chance(0.3):
        main = stack(k, kids, 14)
        side = stack(k, [heading(k, step=0.5, low=1, high=2), side_menu(k)], 10)
        pair, ratios = [side, main], [1, k.pick(3, 4)]
        if k.chance(0.3):
            pair, ratios = pair[::-1], ratios[::-1]
        kids = [row(k, pair, ratios=ratios, align="flex-start", tag="div")]
    return band(k, "content", kids, grounds, pad=k.pick(0, 0, 16, 32), gap=16)


def reference(k: Kit) -> El:
    """A table under its title: options, methods, prices, people."""
    k, *grounds = ground(k, plain=0.85)
    kids = [
        heading(k, step=k.pick(1.5, 2, 3), low=1, high=3) if k.chance(0.75) else None,
        long_text(k, 1, 2) if k.chance(0.35) else None,
        table(k),
        code(k, k.rng.randint(1, 5)) if k.chance(0.15) else None,
        paragraph(k, step=-0.5, low=1, high=1) if k.chance(0.15) else None,
    ]
    return band(k, "content", kids, grounds, pad=k.pick(0, 8, 16, 32), gap=k.pick(12, 20))


def sample(k: Kit) -> El:
    """Code, perhaps with a word about it."""
    k, *grounds = ground(k, plain=0.9)
    kids = [
        heading(k, step=k.pick(1, 2), low=1, high=3) if k.chance(0.4) else None,
        long_text(k, 1, 2) if k.chance(0.4) else None,
        code(k),
        code(k, 3) if k.chance(0.2) else None,
    ]
    return band(k, "content", kids, grounds, pad=k.pick(0, 8, 16), gap=12)


def article(k: Kit) -> El:
    """A post as it is read, from its title to its tags."""
    k, *grounds = ground(k, plain=0.8)
    byline = label(k, f"{words.name(k.text)} · {words.date(k.text)}")
    if k.chance(0.4):
        lines = stack(k, [label(k, words.name(k.text)), label(k, words.date(k.text))], 2)
        byline = row_of(k, photo_of_person(k, 44), lines)
    kids = [
        kicker(k) if k.chance(0.2) else None,
        heading(k, step=k.pick(3, 4, 5), low=3, high=8),
        byline if k.chance(0.8) else None,
        image(k, k.pick(200, 260, 320)) if k.chance(0.4) else None,
        long_text(k, 3, 6),
        *[k.pick(long_text, quote, points, long_text)(k) for _ in range(k.pick(0, 1, 2))],
        divider(k) if k.chance(0.2) else None,
        tags(k) if k.chance(0.2) else button(k, "Read more") if k.chance(0.3) else None,
    ]
    if k.chance(0.25):
        side = stack(
            k,
            [heading(k, step=1, low=1, high=2), side_menu(k), heading(k, step=1), tags(k)],
            14,
        )
        kids = [row(k, [stack(k, kids, 16), side], ratios=[3, 1], align="flex-start", tag="div")]
    return band(k, "blog", kids, grounds, pad=k.pick(0, 24, 48), gap=18)


def columns_of_text(k: Kit) -> El:
    """Texts side by side, with titles or bare."""
    k, *grounds = ground(k, plain=0.6)
    count, titled = k.pick(2, 2, 3, 4), k.chance(0.7)

    def cell(_: int) -> El:
        title = heading(k, step=k.pick(0.8, 1.5), low=1, high=3) if titled else None
        return stack(k, [title, long_text(k, 2, 4)], 10) if title else long_text(k, 2, 4)

    body = row(k, k.cells(count, cell))
    return band(k, "content", [head(k, chance=0.5), body], grounds, pad=k.pick(0, 24, 40))


def plain_text(k: Kit) -> El:
    """A title and text, and little more: what most bands of the web are."""
    k, *grounds = ground(k, plain=0.7)
    kids = [
        heading(k, step=k.pick(1, 2, 3, 5), low=1, high=5) if k.chance(0.8) else None,
        long_text(k, 1, 5),
        k.pick(long_text, points, note, links, buttons)(k) if k.chance(0.5) else None,
        text_link(k) if k.chance(0.15) else None,
    ]
    return band(k, "content", kids, grounds, pad=k.pick(0, 12, 24, 48), gap=k.pick(8, 14))


def comments(k: Kit) -> El:
    """Voices under a post, answers further in."""
    k, *grounds = ground(k, plain=0.8)
    px, boxed = k.pick(32, 40, 48), k.chance(0.3)
    inside = card_kit(k) if boxed else k
    answer = text_link(k, "Reply")

    def voice(_: int, depth: int = 0) -> El:
        top = bar(inside, [_name(inside), label(inside, words.date(k.text))], gap=8)
        top.style["justify-content"] = "flex-start"
        kids = [top, paragraph(inside, low=1, high=2)]
        if k.chance(0.5):
            kids.append(text_link(inside, answer.kids[0]))
        if depth == 0 and k.chance(0.4):
            kids.append(voice(0, 1))
        lines = stack(inside, kids, 4)
        lines.style |= css(flex="1", text_align="left")
        line = row_of(inside, photo_of_person(inside, px), lines, align="flex-start")
        return card(k, [line], pad=14) if boxed and depth == 0 else line

    title = heading(k, f"{k.text.randint(2, 40)} comments", step=1.5)
    kids = [title, stack(k, k.cells(k.pick(2, 3), voice), 18)]
    return band(k, "content", kids, grounds, pad=k.pick(0, 24))


def _name(k: Kit) -> El:
    return heading(k, words.name(k.text), step=0)


def timeline(k: Kit) -> El:
    """What happened when, along a line."""
    k, *grounds = ground(k, plain=0.7)
    boxed, signs = k.chance(0.3), k.chance(0.4)
    inside = card_kit(k) if boxed else k

    def entry(_: int) -> El:
        words_ = [
            label(inside, words.date(k.text)),
            heading(inside, step=1, low=2, high=4),
            paragraph(inside, low=1, high=2),
        ]
        body = card(k, words_, pad=16) if boxed else stack(inside, words_, 4)
        body.style |= css(text_align="left")
        if signs:
            return beside(k, icon(k, 24), body, gap=16)
        dot = css(position="absolute", left="-30px", top="4px", width="12px", height="12px")
        dot |= css(border_radius="50%", background=k.theme.accent)
        body.style["position"] = "relative"
        body.kids.insert(0, El(k.pick("span", "div", "i"), dot, [], backdrop=True))
        return body

    entries = stack(k, k.cells(k.pick(3, 4), entry), 22)
    if not signs:
        entries.style |= css(border_left=f"2px solid {k.line}", padding_left="24px")
        entries.style["margin-left"] = "8px"
    return band(k, "steps", [head(k), entries], grounds)


def compare(k: Kit) -> El:
    """Plans in a table of ticks."""
    k, *grounds = ground(k, plain=0.7)
    body = comparison(k, k.pick(2, 3, 3), k.pick(3, 4, 5))
    return band(k, "pricing", [head(k), body], grounds)


def sheet_of_facts(k: Kit) -> El:
    """Names and values: a product's data, a person's, an order's."""
    k, *grounds = ground(k, plain=0.8)
    halves = k.cells(
        k.pick(1, 2), lambda _: stack(k, [heading(k, step=1, low=1, high=2), pairs(k, 4)], 10)
    )
    body = row(k, halves, tag="div") if len(halves) > 1 else halves[0]
    return band(k, "content", [head(k, chance=0.4), body], grounds, pad=k.pick(0, 24, 40))


def indexes(k: Kit) -> El:
    """Lists of links under titles, many of them: a site map, a list of topics."""
    k, *grounds = ground(k, plain=0.8)
    signs, plain, many = k.chance(0.3), k.chance(0.6), k.pick(3, 4, 4, 6)

    def cell(_: int) -> El:
        title = heading(k, step=k.pick(0.5, 1), low=1, high=2)
        top = beside(k, icon(k, 20), title, gap=8) if signs else title
        return stack(k, [top, links(k, 4, row=False) if plain else bullets(k, 4)], 8)

    body = row(k, k.cells(many, cell), columns=min(many, k.pick(3, 4)), align="flex-start")
    return band(k, "content", [head(k, chance=0.5), body], grounds)
