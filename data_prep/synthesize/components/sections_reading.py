"""Sections of text: documentation, articles, references, comments, code, long lists."""

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


def documentation(ctx: DrawContext) -> El:
    """A title and blocks of every kind, perhaps beside a menu of pages."""
    ctx, *grounds = ground(ctx, plain=0.85)
    kids = [
        crumbs(ctx) if ctx.chance(0.2) else None,
        heading(ctx, step=ctx.pick(2, 3, 4), low=1, high=4) if ctx.chance(0.9) else None,
        long_text(ctx, 1, 3) if ctx.chance(0.5) else None,
        *flow(ctx, ctx.rng.randint(1, 4)),
    ]
    if ctx.chance(0.3):
        main = stack(ctx, kids, 14)
        side = stack(ctx, [heading(ctx, step=0.5, low=1, high=2), side_menu(ctx)], 10)
        pair, ratios = [side, main], [1, ctx.pick(3, 4)]
        if ctx.chance(0.3):
            pair, ratios = pair[::-1], ratios[::-1]
        kids = [row(ctx, pair, ratios=ratios, align="flex-start", tag="div")]
    return band(ctx, "content", kids, grounds, pad=ctx.pick(0, 0, 16, 32), gap=16)


def reference(ctx: DrawContext) -> El:
    """A table under its title: options, methods, prices, people."""
    ctx, *grounds = ground(ctx, plain=0.85)
    kids = [
        heading(ctx, step=ctx.pick(1.5, 2, 3), low=1, high=3) if ctx.chance(0.75) else None,
        long_text(ctx, 1, 2) if ctx.chance(0.35) else None,
        table(ctx),
        code(ctx, ctx.rng.randint(1, 5)) if ctx.chance(0.15) else None,
        paragraph(ctx, step=-0.5, low=1, high=1) if ctx.chance(0.15) else None,
    ]
    return band(ctx, "content", kids, grounds, pad=ctx.pick(0, 8, 16, 32), gap=ctx.pick(12, 20))


def sample(ctx: DrawContext) -> El:
    """Code, perhaps with a word about it."""
    ctx, *grounds = ground(ctx, plain=0.9)
    kids = [
        heading(ctx, step=ctx.pick(1, 2), low=1, high=3) if ctx.chance(0.4) else None,
        long_text(ctx, 1, 2) if ctx.chance(0.4) else None,
        code(ctx),
        code(ctx, 3) if ctx.chance(0.2) else None,
    ]
    return band(ctx, "content", kids, grounds, pad=ctx.pick(0, 8, 16), gap=12)


def article(ctx: DrawContext) -> El:
    """A post, from its title to its tags."""
    ctx, *grounds = ground(ctx, plain=0.8)
    byline = label(ctx, f"{words.name(ctx.text)} · {words.date(ctx.text)}")
    if ctx.chance(0.4):
        lines = stack(ctx, [label(ctx, words.name(ctx.text)), label(ctx, words.date(ctx.text))], 2)
        byline = row_of(ctx, photo_of_person(ctx, 44), lines)
    kids = [
        kicker(ctx) if ctx.chance(0.2) else None,
        heading(ctx, step=ctx.pick(3, 4, 5), low=3, high=8),
        byline if ctx.chance(0.8) else None,
        image(ctx, ctx.pick(200, 260, 320)) if ctx.chance(0.4) else None,
        long_text(ctx, 3, 6),
        *[ctx.pick(long_text, quote, points, long_text)(ctx) for _ in range(ctx.pick(0, 1, 2))],
        divider(ctx) if ctx.chance(0.2) else None,
        tags(ctx) if ctx.chance(0.2) else button(ctx, "Read more") if ctx.chance(0.3) else None,
    ]
    if ctx.chance(0.25):
        side = stack(
            ctx,
            [heading(ctx, step=1, low=1, high=2), side_menu(ctx), heading(ctx, step=1), tags(ctx)],
            14,
        )
        kids = [
            row(ctx, [stack(ctx, kids, 16), side], ratios=[3, 1], align="flex-start", tag="div")
        ]
    return band(ctx, "blog", kids, grounds, pad=ctx.pick(0, 24, 48), gap=18)


def columns_of_text(ctx: DrawContext) -> El:
    """Texts side by side, with titles or bare."""
    ctx, *grounds = ground(ctx, plain=0.6)
    count, titled = ctx.pick(2, 2, 3, 4), ctx.chance(0.7)

    def cell(_: int) -> El:
        title = heading(ctx, step=ctx.pick(0.8, 1.5), low=1, high=3) if titled else None
        return stack(ctx, [title, long_text(ctx, 2, 4)], 10) if title else long_text(ctx, 2, 4)

    body = row(ctx, ctx.cells(count, cell))
    return band(ctx, "content", [head(ctx, chance=0.5), body], grounds, pad=ctx.pick(0, 24, 40))


def plain_text(ctx: DrawContext) -> El:
    """A title, a text and little more, as most sections of the web are."""
    ctx, *grounds = ground(ctx, plain=0.7)
    kids = [
        heading(ctx, step=ctx.pick(1, 2, 3, 5), low=1, high=5) if ctx.chance(0.8) else None,
        long_text(ctx, 1, 5),
        ctx.pick(long_text, points, note, links, buttons)(ctx) if ctx.chance(0.5) else None,
        text_link(ctx) if ctx.chance(0.15) else None,
    ]
    return band(ctx, "content", kids, grounds, pad=ctx.pick(0, 12, 24, 48), gap=ctx.pick(8, 14))


def comments(ctx: DrawContext) -> El:
    """Comments under a post, with answers indented."""
    ctx, *grounds = ground(ctx, plain=0.8)
    px, boxed = ctx.pick(32, 40, 48), ctx.chance(0.3)
    inside = card_context(ctx) if boxed else ctx
    answer = text_link(ctx, "Reply")

    def voice(_: int, depth: int = 0) -> El:
        top = bar(inside, [_name(inside), label(inside, words.date(ctx.text))], gap=8)
        top.style["justify-content"] = "flex-start"
        kids = [top, paragraph(inside, low=1, high=2)]
        if ctx.chance(0.5):
            kids.append(text_link(inside, answer.kids[0]))
        if depth == 0 and ctx.chance(0.4):
            kids.append(voice(0, 1))
        lines = stack(inside, kids, 4)
        lines.style |= css(flex="1", text_align="left")
        line = row_of(inside, photo_of_person(inside, px), lines, align="flex-start")
        return card(ctx, [line], pad=14) if boxed and depth == 0 else line

    title = heading(ctx, f"{ctx.text.randint(2, 40)} comments", step=1.5)
    kids = [title, stack(ctx, ctx.cells(ctx.pick(2, 3), voice), 18)]
    return band(ctx, "content", kids, grounds, pad=ctx.pick(0, 24))


def _name(ctx: DrawContext) -> El:
    return heading(ctx, words.name(ctx.text), step=0)


def timeline(ctx: DrawContext) -> El:
    """Dated events along a line."""
    ctx, *grounds = ground(ctx, plain=0.7)
    boxed, signs = ctx.chance(0.3), ctx.chance(0.4)
    inside = card_context(ctx) if boxed else ctx

    def entry(_: int) -> El:
        words_ = [
            label(inside, words.date(ctx.text)),
            heading(inside, step=1, low=2, high=4),
            paragraph(inside, low=1, high=2),
        ]
        body = card(ctx, words_, pad=16) if boxed else stack(inside, words_, 4)
        body.style |= css(text_align="left")
        if signs:
            return beside(ctx, icon(ctx, 24), body, gap=16)
        dot = css(position="absolute", left="-30px", top="4px", width="12px", height="12px")
        dot |= css(border_radius="50%", background=ctx.theme.accent)
        body.style["position"] = "relative"
        body.kids.insert(0, El(ctx.pick("span", "div", "i"), dot, [], backdrop=True))
        return body

    entries = stack(ctx, ctx.cells(ctx.pick(3, 4), entry), 22)
    if not signs:
        entries.style |= css(border_left=f"2px solid {ctx.line}", padding_left="24px")
        entries.style["margin-left"] = "8px"
    return band(ctx, "steps", [head(ctx), entries], grounds)


def compare(ctx: DrawContext) -> El:
    """A comparison table of plans."""
    ctx, *grounds = ground(ctx, plain=0.7)
    body = comparison(ctx, ctx.pick(2, 3, 3), ctx.pick(3, 4, 5))
    return band(ctx, "pricing", [head(ctx), body], grounds)


def sheet_of_facts(ctx: DrawContext) -> El:
    """Names and values: data of a product, a person, an order."""
    ctx, *grounds = ground(ctx, plain=0.8)
    halves = ctx.cells(
        ctx.pick(1, 2),
        lambda _: stack(ctx, [heading(ctx, step=1, low=1, high=2), pairs(ctx, 4)], 10),
    )
    body = row(ctx, halves, tag="div") if len(halves) > 1 else halves[0]
    return band(ctx, "content", [head(ctx, chance=0.4), body], grounds, pad=ctx.pick(0, 24, 40))


def indexes(ctx: DrawContext) -> El:
    """Many lists of links under titles: a site map, a list of topics."""
    ctx, *grounds = ground(ctx, plain=0.8)
    signs, plain, many = ctx.chance(0.3), ctx.chance(0.6), ctx.pick(3, 4, 4, 6)

    def cell(_: int) -> El:
        title = heading(ctx, step=ctx.pick(0.5, 1), low=1, high=2)
        top = beside(ctx, icon(ctx, 20), title, gap=8) if signs else title
        return stack(ctx, [top, links(ctx, 4, row=False) if plain else bullets(ctx, 4)], 8)

    body = row(ctx, ctx.cells(many, cell), columns=min(many, ctx.pick(3, 4)), align="flex-start")
    return band(ctx, "content", [head(ctx, chance=0.5), body], grounds)
