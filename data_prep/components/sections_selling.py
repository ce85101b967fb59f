"""Bands that sell: hero, features, pricing, testimonials, call to action, figures, logos, steps,
products, newsletter, download."""

from data_prep import pictures
from data_prep.components import words
from data_prep.components.containers import (
    accordion,
    bar,
    beside,
    card,
    card_kit,
    carousel,
    carousel_of_cards,
    caption_over,
    form,
    free,
    person,
    row,
    stack,
    tab,
    text_block,
)
from data_prep.components.frame import band, ground, head, inner_width
from data_prep.components.kit import Kit
from data_prep.components.leaves import (
    bullets,
    button,
    buttons,
    countdown,
    counter,
    divider,
    heading,
    icon,
    kicker,
    label,
    paragraph,
    social,
    tags,
    text_link,
)
from data_prep.components.markup import El, css
from data_prep.components.media import gallery, image, masonry, qr, street_map, video


def visual(k: Kit, height: int) -> El:
    """Whatever stands on the picture side of a band."""
    maker = k.pick(image, image, image, video, free, free, "gallery", "masonry", "carousel")
    if maker == "gallery":
        return gallery(k, inner_width(k) // 2, columns=k.pick(3, 3), height=height // 3)
    if maker == "masonry":
        return masonry(k, inner_width(k) // 2)
    if maker == "carousel":
        return carousel(k, [image(k, height) for _ in range(k.rng.randint(2, 4))])
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
    tall = k.pick(56, 72, 96, 120)
    shape = k.pick("words", "words", "split", "split", "split", "under", "slider", "free")
    if shape == "words":
        return band(k, "hero", words_, grounds, pad=tall, gap=k.pick(16, 20, 24))
    if shape == "slider":
        slides = [stack(k, list(words_[:4]) if at == 0 else [heading(k), paragraph(k)], 16) for at in range(3)]
        return band(k, "hero", [carousel(k, slides)], grounds, pad=tall // 2)
    if shape == "free":
        return band(k, "hero", [caption_over(k, k.pick(300, 360, 420))], grounds, pad=k.pick(24, 40))
    if shape == "under":
        return band(k, "hero", [*words_[:4], visual(k, k.pick(240, 300, 360))], grounds, pad=48)
    sides = [stack(k, words_, k.pick(14, 18, 24)), visual(k, k.pick(260, 320, 380))]
    if k.chance(0.35):
        sides.reverse()
    ratios = k.pick([1, 1], [1, 1], [5, 4], [4, 5])
    return band(k, "hero", [row(k, sides, ratios=ratios, align=k.pick("center", "flex-start"))], grounds)


def features(k: Kit) -> El:
    k, *grounds = ground(k)
    shape = k.pick("cards", "cards", "cards", "media", "media", "tabs", "tabs", "sides")
    if shape == "tabs":
        count = k.pick(2, 3, 4)
        panel = row(k, [text_block(k, step=2), visual(k, 240)]) if k.chance(0.6) else text_block(k)
        panels = [panel if at == 0 else paragraph(k) for at in range(count)]
        panels[0] = El("div", {}, [panels[0]]) if panels[0].tag != "div" else panels[0]
        names = [words.title(k.rng, 1, 2) for _ in range(count)]
        return band(k, "features", [head(k), tab(k, panels, names)], grounds)
    if shape == "sides":
        rows = []
        for at in range(k.pick(1, 2, 2)):
            pair = [text_block(k, step=2), visual(k, k.pick(200, 240))]
            rows.append(row(k, pair[:: -1 if at % 2 else 1], align="center"))
        return band(k, "features", [head(k), *rows], grounds)
    columns = k.pick(2, 3, 3, 4)
    lines = k.pick(1, 1, 2)
    boxed, kind, centred = k.chance(0.6), k.pick("icon", "icon", "image", "none"), k.theme.centred
    inside = card_kit(k) if boxed else k
    link, cells = k.chance(0.3), []
    for _ in range(columns * lines):
        title = heading(inside, step=k.pick(1, 1.5), low=1, high=3)
        kids = [title, paragraph(inside, low=1, high=2), text_link(inside) if link else None]
        if shape == "media":
            cell = beside(inside, icon(inside, 28), stack(inside, kids, 8))
            cells.append(card(k, [cell]) if boxed else cell)
            continue
        top = {"icon": icon(inside, k.pick(28, 36)), "image": image(inside, k.pick(110, 150)), "none": None}[kind]
        if kind == "icon" and not centred and k.chance(0.3):
            kids = [beside(inside, top, title), *kids[1:]]
            top = None
        cell = [top, *kids]
        cells.append(card(k, cell) if boxed else stack(inside, cell, 10))
    kids = [head(k), row(k, cells, columns=columns), buttons(k, 1) if k.chance(0.2) else None]
    return band(k, "features", kids, grounds)


def pricing(k: Kit) -> El:
    k, *grounds = ground(k)
    columns, plans = k.pick(2, 3, 3, 4), []
    best = k.rng.randrange(columns)
    lines, inside = k.pick(3, 4, 5), card_kit(k)
    for at in range(columns):
        price = heading(inside, words.price(k.rng), step=k.pick(3, 4))
        if k.chance(0.5):
            price.kids.append(El(k.pick("span", "small"), css(font_size=k.size(14), font_weight=400), [" / month"]))
        kids = [
            label(inside, "Most popular") if at == best and k.chance(0.6) else None,
            heading(inside, words.title(k.rng, 1, 2), step=1),
            price,
            paragraph(inside, words.sentence(k.rng)) if k.chance(0.4) else None,
            divider(inside) if k.chance(0.25) else None,
            bullets(inside, lines),
            button(inside, primary=at == best),
        ]
        plans.append(card(k, kids))
    body = row(k, plans)
    if k.chance(0.3):
        panel = El("div", {}, [body])
        body = tab(k, [panel, El("div", {}, [paragraph(k)])], k.pick(["Monthly", "Yearly"], ["Teams", "Single"]))
    note = paragraph(k, words.sentence(k.rng), step=-0.5) if k.chance(0.3) else None
    return band(k, "pricing", [head(k), body, note], grounds)


def testimonials(k: Kit) -> El:
    k, *grounds = ground(k)
    shape, boxed = k.pick("slider", "slider", "cards", "cards", "one"), k.chance(0.65)
    inside = card_kit(k) if boxed else k

    def voice(step: float = 0) -> El:
        quote = paragraph(inside, low=1, high=3, step=step)
        who = person(inside, k.pick(40, 48, 56), vertical=k.theme.centred)
        stars = label(inside, "★★★★★", color="#e8a50c") if k.chance(0.3) else None
        kids = [stars, quote, who] if k.chance(0.75) else [who, quote]
        return card(k, kids) if boxed else stack(inside, kids, 14)

    if shape == "one":
        return band(k, "testimonials", [head(k, chance=0.4), voice(k.pick(1, 2))], grounds)
    if shape == "slider" and k.chance(0.5):
        return band(k, "testimonials", [head(k), carousel(k, [voice(1) for _ in range(3)])], grounds)
    shown = k.pick(2, 3)
    if shape == "slider":
        body = carousel_of_cards(k, [voice() for _ in range(shown + k.pick(1, 2))], shown)
    else:
        body = row(k, [voice() for _ in range(shown * k.pick(1, 1, 2))], columns=shown)
    return band(k, "testimonials", [head(k), body], grounds)


def cta(k: Kit) -> El:
    k, *grounds = ground(k)
    shape = k.pick("words", "bar", "bar", "box", "form", "qr", "count")
    if shape == "bar":
        words_ = stack(k, [heading(k, step=2), paragraph(k, words.sentence(k.rng))], 8)
        words_.style["text-align"] = "left"
        kids = [words_, button(k)]
        return band(k, "cta", [divider(k) if k.chance(0.3) else None, bar(k, kids)], grounds, pad=k.pick(28, 40, 56))
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


def stats(k: Kit) -> El:
    k, *grounds = ground(k)
    columns = k.pick(3, 4, 4, 5)
    figures = []
    boxed = k.chance(0.35)
    inside = card_kit(k) if boxed else k
    for _ in range(columns):
        each = counter(inside)
        if k.chance(0.2) and not boxed:
            each = stack(inside, [icon(inside, 32), each], 8)
        figures.append(card(k, [each], pad=18) if boxed else each)
    body = row(k, figures)
    if k.chance(0.25):
        body = row(k, [text_block(k, step=2, points=0), row(k, figures[:4], columns=2, gap=16)], align="center")
    kids = [head(k, chance=0.6), divider(k) if k.chance(0.2) else None, body]
    if k.chance(0.2):
        kids.append(visual(k, 220))
    return band(k, "stats", kids, grounds)


def logos(k: Kit) -> El:
    """A line of customers' marks: pictures in a row, not photos, so an even run is a list."""
    k, *grounds = ground(k)
    marks = []
    height = k.pick(22, 28, 34)
    for brand in k.rng.sample(words.BRANDS, k.pick(4, 5, 6)):
        source = pictures.logo(k.rng, brand, k.muted)
        picture = El("img", css(height=k.size(height)), [], None, {"src": source, "alt": ""})
        marks.append(picture if k.chance(0.5) else El(k.pick("div", "a", "li"), css(list_style="none"), [picture]))
    look = css(display="flex", flex_wrap="wrap", gap=k.size(k.pick(24, 36)), align_items="center")
    look["justify-content"] = k.pick("center", "space-between")
    strip = El(k.pick("div", "ul", "div"), look, marks, "list")
    words_ = paragraph(k, words.sentence(k.rng)) if k.chance(0.5) else heading(k, step=1.5)
    kids = [words_, divider(k) if k.chance(0.25) else None, strip]
    if k.chance(0.3):
        kids.append(carousel(k, [paragraph(k, low=1, high=2, step=0.5) for _ in range(3)]))
    return band(k, "logos", kids, grounds, pad=k.pick(32, 48))


def steps(k: Kit) -> El:
    """Steps in order: numbers, signs, or a line beside them."""
    k, *grounds = ground(k)
    count, vertical = k.pick(3, 3, 4), k.chance(0.35)
    cells = []
    for at in range(count):
        title = heading(k, step=1, low=1, high=3)
        text = paragraph(k, low=1, high=1 if count == 4 else 2)
        mark = icon(k) if k.chance(0.4) else label(k, f"{at + 1:02d}", font_size=k.size(24), color=k.ink)
        if vertical:
            cells.append(beside(k, icon(k, 28), stack(k, [title, text], 6)))
        else:
            cells.append(stack(k, [mark, title, text], 10))
    if not vertical:
        return band(k, "steps", [head(k), row(k, cells), buttons(k, 1) if k.chance(0.3) else None], grounds)
    run = stack(k, cells, 20)
    if k.chance(0.6):
        return band(k, "steps", [row(k, [stack(k, [head(k, chance=1), run], 24), visual(k, 320)], align="center")], grounds)
    return band(k, "steps", [head(k), run], grounds)


def products(k: Kit) -> El:
    k, *grounds = ground(k)
    shown, boxed = k.pick(3, 4, 4), k.chance(0.6)
    inside = card_kit(k) if boxed else k
    height, sale = k.pick(130, 160, 190), k.chance(0.35)

    def item() -> El:
        picture = image(inside, height)
        if sale and k.chance(0.6):
            flag = label(inside, k.pick("Sale", "New", "-20%"), position="absolute", top="8px", left="8px")
            flag.style |= css(background=k.theme.accent, color="#ffffff", padding="4px 8px")
            picture = El("div", css(position="relative"), [picture, flag], "freedom")
        kids = [
            picture,
            heading(inside, step=0.5, low=1, high=3),
            label(inside, words.price(k.rng), color=inside.ink),
            button(inside, "Add to cart", small=True) if k.chance(0.5) else None,
        ]
        return card(k, kids, pad=k.pick(12, 16)) if boxed else stack(inside, kids, 8)

    slider = k.chance(0.35)
    cells = [item() for _ in range(shown + (1 if slider else 0))]
    body = carousel_of_cards(k, cells, shown) if slider else row(k, cells, columns=shown)
    filters = tags(k) if k.chance(0.25) else None
    return band(k, "products", [head(k), filters, body], grounds)


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
    scan = row(k, [code, label(k, "Scan to download")], ratios=[1, 2], align="center") if k.chance(0.4) else code
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


def about(k: Kit) -> El:
    """Who we are: text with a picture, figures, a line, a fold or a map."""
    k, *grounds = ground(k)
    extra = k.pick("none", "counters", "accordion", "divider", "map", "list")
    words_ = [kicker(k) if k.chance(0.4) else None, heading(k, step=3), paragraph(k, low=2, high=4)]
    if extra == "counters":
        words_.append(row(k, [counter(k) for _ in range(k.pick(2, 3))], gap=16))
    elif extra == "accordion":
        words_.append(accordion(k, 3))
    elif extra == "divider":
        words_ += [divider(k), paragraph(k, low=1, high=2)]
    elif extra == "list":
        words_.append(bullets(k))
    side = street_map(k, 300) if extra == "map" else visual(k, k.pick(280, 340))
    words_.append(button(k) if k.chance(0.4) else None)
    return band(k, "about", [row(k, [stack(k, words_, 14), side][:: k.pick(1, -1)], align="center")], grounds)
