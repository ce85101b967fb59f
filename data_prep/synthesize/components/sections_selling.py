"""Bands that sell: hero, features, pricing, testimonials, call to action, newsletter, download."""

from data_prep.synthesize.components import words
from data_prep.synthesize.components.containers import (
    bar,
    beside,
    card,
    card_kit,
    person,
    stack,
    text_block,
)
from data_prep.synthesize.components.draw_context import Kit
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


def visual(k: Kit, height: int) -> El:
    """Whatever stands on the picture side of a band."""
    maker = k.pick(image, image, image, video, free, free, "gallery", "masonry", "carousel")
    if maker == "gallery":
        return gallery(k, inner_width(k) // 2, columns=k.pick(3, 3), height=height // 3)
    if maker == "masonry":
        return masonry(k, inner_width(k) // 2)
    if maker == "carousel":
        return carousel(k, k.cells(k.pick(2, 3, 4), lambda _: image(k, height)))
    return maker(k, height)


def hero(k: Kit) -> El:
    k, *grounds = ground(k)
    step = k.pick(4, 5, 6)
    words_ = [
        kicker(k) if k.chance(0.4) else None,
        heading(k, step=step, low=3, high=8),
        paragraph(k, low=1, high=2, step=k.pick(0, 1)),
        buttons(k) if k.chance(0.85) else None,
        tags(k) if k.chance(0.12) else None,
        social(k) if k.chance(0.12) else None,
        countdown(k) if k.chance(0.08) else None,
        divider(k) if k.chance(0.08) else None,
    ]
    tall, top = k.pick(56, 72, 96, 120), []
    if k.chance(0.25):
        top = [bar(k, [logo(k), links(k), *([button(k, small=True)] if k.chance(0.5) else [])])]
    shape = k.pick("words", "words", "split", "split", "split", "under", "slider", "free")
    if shape == "words":
        return band(k, "hero", [*top, *words_], grounds, pad=tall, gap=k.pick(16, 20, 24))
    if shape == "slider":
        slides = [
            stack(k, list(words_[:4]) if at == 0 else [heading(k), paragraph(k)], 16)
            for at in range(3)
        ]
        return band(k, "hero", [*top, carousel(k, slides)], grounds, pad=tall // 2)
    if shape == "free":
        return band(
            k, "hero", [caption_over(k, k.pick(300, 360, 420))], grounds, pad=k.pick(24, 40)
        )
    if shape == "under":
        picture = visual(k, k.pick(240, 300, 360))
        return band(k, "hero", [*top, *words_[:4], picture], grounds, pad=48)
    sides = [stack(k, words_, k.pick(14, 18, 24)), visual(k, k.pick(260, 320, 380))]
    if k.chance(0.35):
        sides.reverse()
    ratios = k.pick([1, 1], [1, 1], [5, 4], [4, 5])
    both = row(k, sides, ratios=ratios, align=k.pick("center", "flex-start"))
    return band(k, "hero", [*top, both], grounds)


def features(k: Kit) -> El:
    k, *grounds = ground(k)
    shape = k.pick("cards", "cards", "cards", "media", "media", "tabs", "tabs", "sides")
    if shape == "tabs":
        count = k.pick(2, 3, 4)
        panel = row(k, [text_block(k, step=2), visual(k, 240)]) if k.chance(0.6) else text_block(k)
        panels = [panel if at == 0 else paragraph(k) for at in range(count)]
        panels[0] = El("div", {}, [panels[0]]) if panels[0].tag != "div" else panels[0]
        names = [words.title(k.text, 1, 2) for _ in range(count)]
        return band(k, "features", [head(k), tab(k, panels, names)], grounds)
    if shape == "sides":
        rows = []
        for at in range(k.pick(1, 2, 2)):
            pair = [text_block(k, step=2), visual(k, k.pick(200, 240))]
            rows.append(row(k, pair[:: -1 if at % 2 else 1], align="center"))
        return band(k, "features", [head(k), *rows], grounds)
    columns = k.pick(2, 3, 3, 4)
    lines = k.pick(1, 2, 2)
    boxed, centred = k.chance(0.6), k.theme.centred
    kind = k.pick("icon", "icon", "icon", "image", "none")
    inside = card_kit(k) if boxed else k
    link, titled = k.chance(0.3), k.chance(0.3)

    def cell_of(_: int) -> El:
        title = heading(inside, step=k.pick(1, 1.5), low=1, high=3)
        kids = [title, paragraph(inside, low=1, high=2), text_link(inside) if link else None]
        if shape == "media":
            cell = beside(inside, icon(inside, 28), stack(inside, kids, 8))
            return card(k, [cell]) if boxed else cell
        top = {
            "icon": icon(inside, k.pick(28, 36)),
            "image": image(inside, k.pick(110, 150)),
            "none": None,
        }[kind]
        if kind == "icon" and not centred and titled:
            kids = [beside(inside, top, title), *kids[1:]]
            top = None
        cell = [top, *kids]
        return card(k, cell) if boxed else stack(inside, cell, 10)

    cells = k.cells(columns * lines, cell_of)
    kids = [head(k), row(k, cells, columns=columns), buttons(k, 1) if k.chance(0.2) else None]
    return band(k, "features", kids, grounds)


def pricing(k: Kit) -> El:
    k, *grounds = ground(k)
    columns = k.pick(2, 3, 3, 4)
    best = k.rng.randrange(columns)
    lines, inside, flag = k.pick(3, 4, 5), card_kit(k), k.chance(0.6)

    def plan(at: int) -> El:
        price = amount(inside, words.price(k.text), k.pick(3, 4))
        if k.chance(0.5):
            price.kids.append(
                El(
                    k.pick("span", "small"),
                    css(font_size=k.size(14), font_weight=400),
                    [" / month"],
                )
            )
        kids = [
            label(inside, "Most popular") if at == best and flag else None,
            heading(inside, words.title(k.text, 1, 2), step=1),
            price,
            paragraph(inside, words.sentence(k.text)) if k.chance(0.4) else None,
            divider(inside) if k.chance(0.25) else None,
            bullets(inside, lines),
            button(inside, primary=at == best),
        ]
        return card(k, kids)

    body = row(k, k.cells(columns, plan))
    if k.chance(0.3):
        panel = El("div", {}, [body])
        body = tab(
            k,
            [panel, El("div", {}, [paragraph(k)])],
            k.pick(["Monthly", "Yearly"], ["Teams", "Single"]),
        )
    note = paragraph(k, words.sentence(k.text), step=-0.5) if k.chance(0.3) else None
    return band(k, "pricing", [head(k), body, note], grounds)


def testimonials(k: Kit) -> El:
    k, *grounds = ground(k)
    shape, boxed = k.pick("slider", "slider", "cards", "cards", "one"), k.chance(0.65)
    inside = card_kit(k) if boxed else k

    def voice(_: int, step: float = 0) -> El:
        quote = paragraph(inside, low=1, high=3, step=step)
        who = person(inside, k.pick(40, 48, 56), vertical=k.theme.centred)
        stars = label(inside, "★★★★★", color="#e8a50c") if k.chance(0.3) else None
        kids = [stars, quote, who] if k.chance(0.75) else [who, quote]
        return card(k, kids) if boxed else stack(inside, kids, 14)

    if shape == "one":
        return band(k, "testimonials", [head(k, chance=0.4), voice(0, k.pick(1, 2))], grounds)
    if shape == "slider" and k.chance(0.5):
        return band(
            k, "testimonials", [head(k), carousel(k, k.cells(3, lambda at: voice(at, 1)))], grounds
        )
    shown = k.pick(2, 3)
    if shape == "slider":
        body = carousel_of_cards(k, k.cells(shown + k.pick(1, 2), voice), shown)
    else:
        body = row(k, k.cells(shown * k.pick(1, 1, 2), voice), columns=shown)
    return band(k, "testimonials", [head(k), body], grounds)


def cta(k: Kit) -> El:
    k, *grounds = ground(k)
    shape = k.pick("words", "bar", "bar", "box", "form", "qr", "count")
    if shape == "bar":
        words_ = stack(k, [heading(k, step=2), paragraph(k, words.sentence(k.text))], 8)
        words_.style["text-align"] = "left"
        kids = [words_, button(k)]
        return band(
            k,
            "cta",
            [divider(k) if k.chance(0.3) else None, bar(k, kids)],
            grounds,
            pad=k.pick(28, 40, 56),
        )
    kids = [heading(k, step=3), paragraph(k, low=1, high=2), buttons(k)]
    if shape == "count":
        kids.insert(2, countdown(k))
    if shape == "qr":
        body = row(k, [stack(k, kids, 14), qr(k)], ratios=[3, 1], align="center")
        return band(k, "cta", [body], grounds)
    if shape == "form":
        kids = [stack(k, kids[:2], 12), form(k, ["Email"], action="Subscribe", title=False)]
        return band(k, "cta", [row(k, kids, align="center")], grounds)
    if shape == "box":
        inside = card_kit(k)
        kids = [heading(inside, step=3), paragraph(inside, low=1, high=2), buttons(inside)]
        return band(k, "cta", [card(k, kids, pad=40)], grounds)
    return band(k, "cta", kids, grounds, pad=k.pick(48, 72))


def newsletter(k: Kit) -> El:
    k, *grounds = ground(k)
    boxed = k.chance(0.5)
    inside = card_kit(k) if boxed else k
    words_ = [heading(inside, step=2), paragraph(inside, low=1, high=1)]
    ask = form(inside, ["Email"], action=k.pick("Subscribe", "Sign up", "Join"), title=False)
    extra = social(inside) if k.chance(0.5) else None
    if k.chance(0.5):
        kids = [row(inside, [stack(inside, [*words_, extra], 10), ask], align="center")]
    else:
        kids = [*words_, ask, extra]
    kids = [card(k, kids, pad=32)] if boxed else kids
    return band(k, "newsletter", kids, grounds)


def download(k: Kit) -> El:
    """An app and where to get it: a picture, two buttons, a code to scan."""
    k, *grounds = ground(k)
    code = qr(k)
    code.style.pop("margin", None)
    scan = (
        row(k, [code, label(k, "Scan to download")], ratios=[1, 2], align="center")
        if k.chance(0.4)
        else code
    )
    words_ = [heading(k, step=3), paragraph(k, low=1, high=2), buttons(k, 2), scan]
    if k.chance(0.4):
        words_.insert(2, bullets(k, 3))
    if k.chance(0.2):
        words_.append(divider(k))
    sides = [stack(k, words_, 16), visual(k, k.pick(300, 360))]
    if k.chance(0.3):
        inside = card_kit(k)
        sides[1] = card(k, [heading(inside, step=1), qr(inside), label(inside, "Scan me")])
        words_.remove(scan)
        sides[0] = stack(k, words_, 16)
    return band(k, "cta", [row(k, sides[:: k.pick(1, -1)], align="center")], grounds)
