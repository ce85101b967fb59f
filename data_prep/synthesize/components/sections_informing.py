"""Sections that inform: navigation, footer, questions, team, contact, forms, events."""

from data_prep.synthesize.components import words
from data_prep.synthesize.components.containers import (
    bar,
    beside,
    card,
    card_context,
    person,
    signed,
    stack,
)
from data_prep.synthesize.components.draw_context import DrawContext
from data_prep.synthesize.components.figures import countdown
from data_prep.synthesize.components.folding import accordion, tab
from data_prep.synthesize.components.forms import form
from data_prep.synthesize.components.frame import band, ground, head
from data_prep.synthesize.components.leaves import (
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
from data_prep.synthesize.components.media import image, photo_of_person, qr, street_map
from data_prep.synthesize.components.rows import row
from data_prep.synthesize.components.runs import facts, links, social
from data_prep.synthesize.components.sections_selling import visual


def navigation(ctx: DrawContext) -> El:
    ctx, style, behind = ground(ctx)
    if behind or "url(" in style.get("background", ""):
        style, behind = css(background="#15171f"), []
    menu = links(ctx, ctx.rng.randint(3, 7))
    if ctx.theme.responsive and ctx.chance(0.6):
        menu.mobile = css(display="none")
    end = ctx.pick("button", "button", "social", "icons", "none", "two")
    if end == "social":
        group = social(ctx, 3)
    elif end == "icons":
        group = El("div", css(display="flex", gap=ctx.size(14), align_items="center"))
        group.kids, group.mark = [icon(ctx, 22), icon(ctx, 22)], "grid"
    elif end == "two":
        group = El(
            "div",
            css(display="flex", gap=ctx.size(10)),
            [button(ctx, small=True), button(ctx, primary=False, small=True)],
            "grid",
        )
    else:
        group = button(ctx, small=True) if end == "button" else None
    shape = ctx.pick("bar", "bar", "bar", "nested", "over", "top")
    groups = [logo(ctx), menu] + ([group] if group else [])
    if shape == "nested" and group:
        right = El(
            "div",
            css(display="flex", gap=ctx.size(24), align_items="center"),
            [menu, group],
            "grid",
        )
        groups = [groups[0], right]
    line = bar(ctx, groups, gap=24, tag=ctx.tag("nav", "div"))
    if not group and ctx.chance(0.3):
        line.style["justify-content"] = "flex-start"
    kids: list[El | None] = [line]
    if shape == "over":
        kids += [divider(ctx), links(ctx, 5)]
    if shape == "top":
        strip = [
            label(ctx, words.sentence(ctx.text, 4, 7)),
            ctx.pick(social(ctx, 3), text_link(ctx)),
        ]
        kids = [bar(ctx, strip), divider(ctx) if ctx.chance(0.7) else None, line]
    root = band(
        ctx,
        "navigation",
        kids,
        (style, behind),
        pad=ctx.pick(12, 16, 20),
        gap=10,
        wide=ctx.chance(0.5),
    )
    root.style |= css(min_height="120px") if shape == "bar" else {}
    if ctx.theme.centered and shape == "bar" and ctx.chance(0.3):
        line.style["flex-direction"] = "column"
        line.mark = None
    return root


def footer(ctx: DrawContext) -> El:
    ctx, style, behind = ground(ctx)
    if behind:
        style, behind = css(background="#15171f"), []
    columns, cells = ctx.pick(3, 4, 4, 5), []
    left = [logo(ctx), paragraph(ctx, low=1, high=1), social(ctx) if ctx.chance(0.4) else None]
    cells.append(stack(ctx, left, 12))

    def link_column(_: int) -> El:
        title = heading(ctx, step=0.5, low=1, high=2)
        return stack(ctx, [title, links(ctx, ctx.text.choice((3, 4, 5)), row=False)], 10)

    cells += ctx.cells(columns - 1, link_column)
    if ctx.chance(0.2):
        cells[-1] = stack(ctx, [heading(ctx, step=0.5, low=1, high=2), qr(ctx, 96)], 10)
    elif ctx.chance(0.25):
        cells[-1] = form(ctx, ["Email"], action="Join")
    elif ctx.chance(0.25):
        cells[-1] = street_map(ctx, 150)
    for cell in cells:
        cell.style["text-align"] = "left"
    copyright_ = label(
        ctx, f"© {ctx.rng.randint(2015, 2026)} {ctx.text.choice(words.BRANDS)}. All rights reserved"
    )
    lines = [row(ctx, cells, ratios=[1.6] + [1] * (columns - 1) if ctx.chance(0.5) else None)]
    end = ctx.pick("strip", "band", "plain", "none")
    strip = bar(ctx, [copyright_, social(ctx) if ctx.chance(0.5) else links(ctx, 3)])
    if end == "strip":
        lines += [divider(ctx) if ctx.chance(0.7) else None, strip]
    elif end == "plain":
        lines += [divider(ctx) if ctx.chance(0.7) else None, copyright_]
    root = band(ctx, "footer", lines, (style, behind), pad=ctx.pick(32, 48))
    if end == "band":
        # The copyright strip is a section inside the section.
        color = "#0b0c10"
        dark = ctx.on(color)
        inner = bar(dark, [label(dark, "© 2026 " + ctx.text.choice(words.BRANDS)), links(dark, 3)])
        inner.style |= css(max_width=ctx.size(ctx.theme.container), margin="0 auto")
        last = El(
            ctx.pick("div", "section", "footer"),
            css(background=color, padding="14px 24px"),
            [inner],
            "section",
        )
        root.style["padding"] = "0"
        body = root.kids[-1]
        body.style["padding"] = "36px 24px"
        root.kids.append(last)
    return root


def faq(ctx: DrawContext) -> El:
    ctx, *grounds = ground(ctx)
    shape, count = ctx.pick("plain", "plain", "split", "tabs", "open"), ctx.rng.randint(3, 6)
    if shape == "open":
        pairs = ctx.cells(
            4,
            lambda _: stack(
                ctx, [heading(ctx, step=0.8, low=3, high=6), paragraph(ctx, low=1, high=2)], 6
            ),
        )
        return band(ctx, "faq", [head(ctx, chance=1), row(ctx, pairs, columns=2)], grounds)
    folds = accordion(ctx, count, opened=ctx.pick(0, 0, 1, None))
    if shape == "split":
        words_ = stack(
            ctx,
            [heading(ctx, step=3), paragraph(ctx), button(ctx) if ctx.chance(0.5) else None],
            12,
        )
        return band(
            ctx, "faq", [row(ctx, [words_, folds], ratios=[2, 3], align="flex-start")], grounds
        )
    if shape == "tabs":
        panels = [El("div", {}, [folds])] + [El("div", {}, [paragraph(ctx)]) for _ in range(2)]
        return band(
            ctx, "faq", [head(ctx), tab(ctx, panels, ["General", "Billing", "Support"])], grounds
        )
    note = (
        beside(ctx, icon(ctx, 24), paragraph(ctx, words.sentence(ctx.text)))
        if ctx.chance(0.25)
        else None
    )
    return band(ctx, "faq", [head(ctx, chance=1), folds, note], grounds)


def team(ctx: DrawContext) -> El:
    ctx, *grounds = ground(ctx)
    columns, boxed = ctx.pick(2, 3, 3, 4), ctx.chance(0.5)
    inside = card_context(ctx) if boxed else ctx
    network, side = ctx.chance(0.5), ctx.pick(96, 120, 150)
    across, wide = ctx.chance(0.2), ctx.chance(0.3)

    def member(_: int) -> El:
        if across:
            each = person(inside, 72, vertical=False)
        else:
            photo = image(inside, 170) if wide else photo_of_person(inside, side)
            kids = [
                photo,
                heading(inside, words.name(ctx.text), step=ctx.pick(0.6, 1)),
                label(inside, ctx.text.choice(words.ROLES)),
                paragraph(inside, words.sentence(ctx.text)) if ctx.chance(0.3) else None,
                social(inside, 3) if network else None,
            ]
            each = stack(inside, kids, 8)
        return card(ctx, [each], pad=18) if boxed else each

    cells = ctx.cells(columns * ctx.pick(1, 1, 1, 2), member)
    return band(ctx, "team", [head(ctx), row(ctx, cells, columns=columns)], grounds)


def contact(ctx: DrawContext) -> El:
    ctx, *grounds = ground(ctx)
    boxed = ctx.chance(0.5)
    inside = card_context(ctx) if boxed else ctx
    fields = ctx.pick(
        ["Name", "Email", "Message"], ["Email", "Message"], ["Name", "Email", "Phone", "Message"]
    )
    ask = form(
        inside, fields, action=ctx.pick("Send", "Submit", "Contact us"), title=ctx.chance(0.6)
    )
    ask = card(ctx, [ask]) if boxed else ask
    side = ctx.pick("map", "map", "facts", "qr", "image", "signs", "signs")
    if side == "map":
        other = street_map(ctx, ctx.pick(260, 320, 380))
    elif side == "image":
        other = visual(ctx, 320)
    elif side == "signs":
        other = stack(ctx, ctx.cells(3, lambda _: signed(ctx)), 18)
    else:
        kids = [
            heading(ctx, step=2),
            paragraph(ctx),
            facts(ctx),
            social(ctx) if ctx.chance(0.6) else None,
        ]
        other = stack(ctx, [*kids, qr(ctx) if side == "qr" else None], 14)
    kids = [head(ctx, chance=0.7), row(ctx, [ask, other][:: ctx.pick(1, -1)])]
    return band(ctx, "contact", kids, grounds)


def sign_in(ctx: DrawContext) -> El:
    """A form as the whole section: sign in, book, request an offer."""
    ctx, *grounds = ground(ctx)
    inside = card_context(ctx)
    fields = ctx.pick(["Email", "Password"], ["Name", "Email", "Date"], ["From", "To", "Guests"])
    ask = form(inside, fields, action=ctx.pick("Sign in", "Book", "Send request"))
    links_ = text_link(inside, "Forgot your password?") if ctx.chance(0.5) else None
    line = divider(inside) if ctx.chance(0.4) else None
    kids = [logo(inside) if ctx.chance(0.4) else None, ask, line, links_]
    box = card(ctx, [*kids, social(inside, 3) if ctx.chance(0.3) else None], pad=28)
    if ctx.chance(0.5):
        return band(
            ctx,
            "form",
            [row(ctx, [box, visual(ctx, 340)][:: ctx.pick(1, -1)], align="center")],
            grounds,
        )
    box.style |= css(max_width=ctx.size(460), margin_left="auto", margin_right="auto")
    return band(ctx, "form", [head(ctx, chance=0.4), box], grounds)


def events(ctx: DrawContext) -> El:
    ctx, *grounds = ground(ctx)
    clock = countdown(ctx) if ctx.chance(0.45) else None
    boxed, lines = ctx.chance(0.5), ctx.chance(0.6)
    inside = card_context(ctx) if boxed else ctx

    def entry(_: int) -> El:
        day = label(inside, words.date(ctx.text), white_space="nowrap")
        words_ = stack(
            inside, [heading(inside, step=1), paragraph(inside, words.sentence(ctx.text))], 4
        )
        words_.style |= css(text_align="left")
        line = row(
            inside, [day, words_, button(inside, small=True)], ratios=[1, 4, 1.3], align="center"
        )
        return card(ctx, [line], pad=16) if boxed else line

    entries = ctx.cells(ctx.pick(2, 3), entry)
    if lines and not boxed:
        between = ctx.cells(len(entries), lambda _: divider(ctx))
        entries = [node for pair in zip(entries, between, strict=True) for node in pair]
    ticket = beside(ctx, qr(ctx, 110), paragraph(ctx)) if ctx.chance(0.3) else None
    if ticket:
        ticket.mark = "grid"
    return band(ctx, "other", [head(ctx), clock, stack(ctx, entries, 14), ticket], grounds)


def location(ctx: DrawContext) -> El:
    ctx, *grounds = ground(ctx)
    plan = street_map(ctx, ctx.pick(240, 300, 380))
    shape = ctx.pick("beside", "beside", "over", "under")
    kids = [
        heading(ctx, step=2),
        facts(ctx),
        buttons(ctx) if ctx.chance(0.4) else None,
        qr(ctx) if ctx.chance(0.2) else None,
    ]
    if shape == "beside":
        body = [
            row(
                ctx,
                [stack(ctx, kids, 14), plan][:: ctx.pick(1, -1)],
                ratios=ctx.pick(None, [2, 3]),
                align="center",
            )
        ]
    elif shape == "over":
        inside = card_context(ctx)
        note = card(ctx, [heading(inside, step=1), facts(inside, 3)])
        note.style |= css(position="absolute", left="32px", top="32px", background=inside.behind)
        body = [head(ctx, chance=0.6), El("div", css(position="relative"), [plan, note], "freedom")]
    else:
        places = ctx.cells(
            3,
            lambda _: stack(
                ctx, [heading(ctx, step=1), paragraph(ctx, words.sentence(ctx.text))], 6
            ),
        )
        body = [head(ctx), plan, row(ctx, places)]
    return band(ctx, "contact", body, grounds)
