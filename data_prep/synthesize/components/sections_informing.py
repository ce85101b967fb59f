"""Bands that inform and lead on: navigation, footer, questions, team, contact, forms, events."""

from data_prep.synthesize.components import words
from data_prep.synthesize.components.containers import (
    bar,
    beside,
    card,
    card_kit,
    person,
    signed,
    stack,
)
from data_prep.synthesize.components.draw_context import Kit
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


def navigation(k: Kit) -> El:
    k, style, behind = ground(k)
    if behind or "url(" in style.get("background", ""):
        style, behind = css(background="#15171f"), []
    menu = links(k, k.rng.randint(3, 7))
    if k.theme.responsive and k.chance(0.6):
        menu.mobile = css(display="none")
    end = k.pick("button", "button", "social", "icons", "none", "two")
    if end == "social":
        group = social(k, 3)
    elif end == "icons":
        group = El("div", css(display="flex", gap=k.size(14), align_items="center"))
        group.kids, group.mark = [icon(k, 22), icon(k, 22)], "grid"
    elif end == "two":
        group = El(
            "div",
            css(display="flex", gap=k.size(10)),
            [button(k, small=True), button(k, primary=False, small=True)],
            "grid",
        )
    else:
        group = button(k, small=True) if end == "button" else None
    shape = k.pick("bar", "bar", "bar", "nested", "over", "top")
    groups = [logo(k), menu] + ([group] if group else [])
    if shape == "nested" and group:
        right = El(
            "div", css(display="flex", gap=k.size(24), align_items="center"), [menu, group], "grid"
        )
        groups = [groups[0], right]
    line = bar(k, groups, gap=24, tag=k.tag("nav", "div"))
    if not group and k.chance(0.3):
        line.style["justify-content"] = "flex-start"
    kids: list[El | None] = [line]
    if shape == "over":
        kids += [divider(k), links(k, 5)]
    if shape == "top":
        strip = [label(k, words.sentence(k.text, 4, 7)), k.pick(social(k, 3), text_link(k))]
        kids = [bar(k, strip), divider(k) if k.chance(0.7) else None, line]
    root = band(
        k, "navigation", kids, (style, behind), pad=k.pick(12, 16, 20), gap=10, wide=k.chance(0.5)
    )
    root.style |= css(min_height="120px") if shape == "bar" else {}
    if k.theme.centred and shape == "bar" and k.chance(0.3):
        line.style["flex-direction"] = "column"
        line.mark = None
    return root


def footer(k: Kit) -> El:
    k, style, behind = ground(k)
    if behind:
        style, behind = css(background="#15171f"), []
    columns, cells = k.pick(3, 4, 4, 5), []
    left = [logo(k), paragraph(k, low=1, high=1), social(k) if k.chance(0.4) else None]
    cells.append(stack(k, left, 12))

    def link_column(_: int) -> El:
        title = heading(k, step=0.5, low=1, high=2)
        return stack(k, [title, links(k, k.text.choice((3, 4, 5)), row=False)], 10)

    cells += k.cells(columns - 1, link_column)
    if k.chance(0.2):
        cells[-1] = stack(k, [heading(k, step=0.5, low=1, high=2), qr(k, 96)], 10)
    elif k.chance(0.25):
        cells[-1] = form(k, ["Email"], action="Join")
    elif k.chance(0.25):
        cells[-1] = street_map(k, 150)
    for cell in cells:
        cell.style["text-align"] = "left"
    copyright_ = label(
        k, f"© {k.rng.randint(2015, 2026)} {k.text.choice(words.BRANDS)}. All rights reserved"
    )
    lines = [row(k, cells, ratios=[1.6] + [1] * (columns - 1) if k.chance(0.5) else None)]
    end = k.pick("strip", "band", "plain", "none")
    strip = bar(k, [copyright_, social(k) if k.chance(0.5) else links(k, 3)])
    if end == "strip":
        lines += [divider(k) if k.chance(0.7) else None, strip]
    elif end == "plain":
        lines += [divider(k) if k.chance(0.7) else None, copyright_]
    root = band(k, "footer", lines, (style, behind), pad=k.pick(32, 48))
    if end == "band":
        # A band inside a band: the copyright strip is a section of its own.
        colour = "#0b0c10"
        dark = k.on(colour)
        inner = bar(dark, [label(dark, "© 2026 " + k.text.choice(words.BRANDS)), links(dark, 3)])
        inner.style |= css(max_width=k.size(k.theme.container), margin="0 auto")
        last = El(
            k.pick("div", "section", "footer"),
            css(background=colour, padding="14px 24px"),
            [inner],
            "section",
        )
        root.style["padding"] = "0"
        body = root.kids[-1]
        body.style["padding"] = "36px 24px"
        root.kids.append(last)
    return root


def faq(k: Kit) -> El:
    k, *grounds = ground(k)
    shape, count = k.pick("plain", "plain", "split", "tabs", "open"), k.rng.randint(3, 6)
    if shape == "open":
        pairs = k.cells(
            4,
            lambda _: stack(
                k, [heading(k, step=0.8, low=3, high=6), paragraph(k, low=1, high=2)], 6
            ),
        )
        return band(k, "faq", [head(k, chance=1), row(k, pairs, columns=2)], grounds)
    folds = accordion(k, count, opened=k.pick(0, 0, 1, None))
    if shape == "split":
        words_ = stack(
            k, [heading(k, step=3), paragraph(k), button(k) if k.chance(0.5) else None], 12
        )
        return band(k, "faq", [row(k, [words_, folds], ratios=[2, 3], align="flex-start")], grounds)
    if shape == "tabs":
        panels = [El("div", {}, [folds])] + [El("div", {}, [paragraph(k)]) for _ in range(2)]
        return band(k, "faq", [head(k), tab(k, panels, ["General", "Billing", "Support"])], grounds)
    note = beside(k, icon(k, 24), paragraph(k, words.sentence(k.text))) if k.chance(0.25) else None
    return band(k, "faq", [head(k, chance=1), folds, note], grounds)


def team(k: Kit) -> El:
    k, *grounds = ground(k)
    columns, boxed = k.pick(2, 3, 3, 4), k.chance(0.5)
    inside = card_kit(k) if boxed else k
    network, side = k.chance(0.5), k.pick(96, 120, 150)
    across, wide = k.chance(0.2), k.chance(0.3)

    def member(_: int) -> El:
        if across:
            each = person(inside, 72, vertical=False)
        else:
            photo = image(inside, 170) if wide else photo_of_person(inside, side)
            kids = [
                photo,
                heading(inside, words.name(k.text), step=k.pick(0.6, 1)),
                label(inside, k.text.choice(words.ROLES)),
                paragraph(inside, words.sentence(k.text)) if k.chance(0.3) else None,
                social(inside, 3) if network else None,
            ]
            each = stack(inside, kids, 8)
        return card(k, [each], pad=18) if boxed else each

    cells = k.cells(columns * k.pick(1, 1, 1, 2), member)
    return band(k, "team", [head(k), row(k, cells, columns=columns)], grounds)


def contact(k: Kit) -> El:
    k, *grounds = ground(k)
    boxed = k.chance(0.5)
    inside = card_kit(k) if boxed else k
    fields = k.pick(
        ["Name", "Email", "Message"], ["Email", "Message"], ["Name", "Email", "Phone", "Message"]
    )
    ask = form(inside, fields, action=k.pick("Send", "Submit", "Contact us"), title=k.chance(0.6))
    ask = card(k, [ask]) if boxed else ask
    side = k.pick("map", "map", "facts", "qr", "image", "signs", "signs")
    if side == "map":
        other = street_map(k, k.pick(260, 320, 380))
    elif side == "image":
        other = visual(k, 320)
    elif side == "signs":
        other = stack(k, k.cells(3, lambda _: signed(k)), 18)
    else:
        kids = [heading(k, step=2), paragraph(k), facts(k), social(k) if k.chance(0.6) else None]
        other = stack(k, [*kids, qr(k) if side == "qr" else None], 14)
    kids = [head(k, chance=0.7), row(k, [ask, other][:: k.pick(1, -1)])]
    return band(k, "contact", kids, grounds)


def sign_in(k: Kit) -> El:
    """A form that is the band: sign in, book, ask for an offer."""
    k, *grounds = ground(k)
    inside = card_kit(k)
    fields = k.pick(["Email", "Password"], ["Name", "Email", "Date"], ["From", "To", "Guests"])
    ask = form(inside, fields, action=k.pick("Sign in", "Book", "Send request"))
    links_ = text_link(inside, "Forgot your password?") if k.chance(0.5) else None
    line = divider(inside) if k.chance(0.4) else None
    kids = [logo(inside) if k.chance(0.4) else None, ask, line, links_]
    box = card(k, [*kids, social(inside, 3) if k.chance(0.3) else None], pad=28)
    if k.chance(0.5):
        return band(
            k, "form", [row(k, [box, visual(k, 340)][:: k.pick(1, -1)], align="center")], grounds
        )
    box.style |= css(max_width=k.size(460), margin_left="auto", margin_right="auto")
    return band(k, "form", [head(k, chance=0.4), box], grounds)


def events(k: Kit) -> El:
    k, *grounds = ground(k)
    clock = countdown(k) if k.chance(0.45) else None
    boxed, lines = k.chance(0.5), k.chance(0.6)
    inside = card_kit(k) if boxed else k

    def entry(_: int) -> El:
        day = label(inside, words.date(k.text), white_space="nowrap")
        words_ = stack(
            inside, [heading(inside, step=1), paragraph(inside, words.sentence(k.text))], 4
        )
        words_.style |= css(text_align="left")
        line = row(
            inside, [day, words_, button(inside, small=True)], ratios=[1, 4, 1.3], align="center"
        )
        return card(k, [line], pad=16) if boxed else line

    entries = k.cells(k.pick(2, 3), entry)
    if lines and not boxed:
        between = k.cells(len(entries), lambda _: divider(k))
        entries = [node for pair in zip(entries, between, strict=True) for node in pair]
    ticket = beside(k, qr(k, 110), paragraph(k)) if k.chance(0.3) else None
    if ticket:
        ticket.mark = "grid"
    return band(k, "other", [head(k), clock, stack(k, entries, 14), ticket], grounds)


def location(k: Kit) -> El:
    k, *grounds = ground(k)
    plan = street_map(k, k.pick(240, 300, 380))
    shape = k.pick("beside", "beside", "over", "under")
    kids = [
        heading(k, step=2),
        facts(k),
        buttons(k) if k.chance(0.4) else None,
        qr(k) if k.chance(0.2) else None,
    ]
    if shape == "beside":
        body = [
            row(
                k,
                [stack(k, kids, 14), plan][:: k.pick(1, -1)],
                ratios=k.pick(None, [2, 3]),
                align="center",
            )
        ]
    elif shape == "over":
        inside = card_kit(k)
        note = card(k, [heading(inside, step=1), facts(inside, 3)])
        note.style |= css(position="absolute", left="32px", top="32px", background=inside.behind)
        body = [head(k, chance=0.6), El("div", css(position="relative"), [plan, note], "freedom")]
    else:
        places = k.cells(
            3, lambda _: stack(k, [heading(k, step=1), paragraph(k, words.sentence(k.text))], 6)
        )
        body = [head(k), plan, row(k, places)]
    return band(k, "contact", body, grounds)
