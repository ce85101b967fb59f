"""Bands that show what there is: figures, logos, steps, products, the house itself, pictures,
posts, films, and blocks of every kind together."""

from collections.abc import Callable

from data_prep.synthesize.components import words
from data_prep.synthesize.components.containers import beside, card, card_kit, stack, text_block
from data_prep.synthesize.components.draw_context import Kit
from data_prep.synthesize.components.figures import countdown, counter
from data_prep.synthesize.components.folding import accordion, tab
from data_prep.synthesize.components.frame import band, ground, head, inner_width
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
from data_prep.synthesize.components.media import gallery as picture_gallery
from data_prep.synthesize.components.media import image, qr, street_map, video
from data_prep.synthesize.components.media import masonry as picture_masonry
from data_prep.synthesize.components.overlays import collage, free
from data_prep.synthesize.components.prose import code
from data_prep.synthesize.components.rows import row
from data_prep.synthesize.components.runs import bullets, logo_strip, social, tags
from data_prep.synthesize.components.sections_selling import visual
from data_prep.synthesize.components.slides import carousel, carousel_of_cards


def stats(k: Kit) -> El:
    k, *grounds = ground(k)
    columns = k.pick(3, 4, 4, 5)
    boxed = k.chance(0.35)
    inside = card_kit(k) if boxed else k

    def figure(_: int) -> El:
        each = counter(inside)
        if k.chance(0.2) and not boxed:
            each = stack(inside, [icon(inside, 32), each], 8)
        return card(k, [each], pad=18) if boxed else each

    figures = k.cells(columns, figure)
    body = row(k, figures)
    if k.chance(0.25):
        body = row(
            k,
            [text_block(k, step=2, points=0), row(k, figures[:4], columns=2, gap=16)],
            align="center",
        )
    kids = [head(k, chance=0.6), divider(k) if k.chance(0.2) else None, body]
    if k.chance(0.2):
        kids.append(visual(k, 220))
    return band(k, "stats", kids, grounds)


def logos(k: Kit) -> El:
    """A line of customers' marks under a few words."""
    k, *grounds = ground(k)
    strip = logo_strip(k, k.pick(4, 5, 6))
    words_ = paragraph(k, words.sentence(k.text)) if k.chance(0.5) else heading(k, step=1.5)
    kids = [words_, divider(k) if k.chance(0.25) else None, strip]
    if k.chance(0.3):
        kids.append(carousel(k, k.cells(3, lambda _: paragraph(k, low=1, high=2, step=0.5))))
    return band(k, "logos", kids, grounds, pad=k.pick(32, 48))


def steps(k: Kit) -> El:
    """Steps in order: numbers, signs, or a line beside them."""
    k, *grounds = ground(k)
    count, vertical = k.pick(3, 3, 4), k.chance(0.35)

    def step_of(at: int) -> El:
        title = heading(k, step=1, low=1, high=3)
        text = paragraph(k, low=1, high=1 if count == 4 else 2)
        mark = (
            icon(k)
            if k.chance(0.6)
            else label(k, f"{at + 1:02d}", font_size=k.size(24), color=k.ink)
        )
        if vertical:
            return beside(k, icon(k, 28), stack(k, [title, text], 6))
        return stack(k, [mark, title, text], 10)

    cells = k.cells(count, step_of)
    if not vertical:
        return band(
            k, "steps", [head(k), row(k, cells), buttons(k, 1) if k.chance(0.3) else None], grounds
        )
    run = stack(k, cells, 20)
    if k.chance(0.6):
        return band(
            k,
            "steps",
            [row(k, [stack(k, [head(k, chance=1), run], 24), visual(k, 320)], align="center")],
            grounds,
        )
    return band(k, "steps", [head(k), run], grounds)


def products(k: Kit) -> El:
    k, *grounds = ground(k)
    shown, boxed = k.pick(3, 4, 4), k.chance(0.6)
    inside = card_kit(k) if boxed else k
    height, sale = k.pick(130, 160, 190), k.chance(0.35)

    def item(_: int) -> El:
        picture = image(inside, height)
        if sale and k.chance(0.6):
            flag = label(
                inside, k.pick("Sale", "New", "-20%"), position="absolute", top="8px", left="8px"
            )
            flag.style |= css(background=k.theme.accent, color="#ffffff", padding="4px 8px")
            picture = El("div", css(position="relative"), [picture, flag], "freedom")
        kids = [
            picture,
            heading(inside, step=0.5, low=1, high=3),
            label(inside, words.price(k.text), color=inside.ink),
            button(inside, "Add to cart", small=True) if k.chance(0.5) else None,
        ]
        return card(k, kids, pad=k.pick(12, 16)) if boxed else stack(inside, kids, 8)

    slider = k.chance(0.35)
    cells = k.cells(shown + 1 if slider else shown * k.pick(1, 1, 2), item)
    body = carousel_of_cards(k, cells, shown) if slider else row(k, cells, columns=shown)
    filters = tags(k) if k.chance(0.25) else None
    return band(k, "products", [head(k), filters, body], grounds)


def about(k: Kit) -> El:
    """Who we are: text with a picture, figures, a line, a fold or a map."""
    k, *grounds = ground(k)
    extra = k.pick("none", "counters", "accordion", "divider", "map", "list")
    words_ = [kicker(k) if k.chance(0.4) else None, heading(k, step=3), paragraph(k, low=2, high=4)]
    if extra == "counters":
        words_.append(row(k, k.cells(k.pick(2, 3), lambda _: counter(k)), gap=16))
    elif extra == "accordion":
        words_.append(accordion(k, 3))
    elif extra == "divider":
        words_ += [divider(k), paragraph(k, low=1, high=2)]
    elif extra == "list":
        words_.append(bullets(k))
    side = street_map(k, 300) if extra == "map" else visual(k, k.pick(280, 340))
    words_.append(button(k) if k.chance(0.4) else None)
    return band(
        k,
        "about",
        [row(k, [stack(k, words_, 14), side][:: k.pick(1, -1)], align="center")],
        grounds,
    )


def gallery(k: Kit) -> El:
    k, *grounds = ground(k)
    inner = inner_width(k)
    shape = k.pick(
        "even", "even", "even", "even", "uneven", "uneven", "slider", "tabs", "tabs", "collage"
    )
    if shape == "even":
        body = picture_gallery(k, inner)
    elif shape == "uneven":
        body = picture_masonry(k, inner)
    elif shape == "slider":
        body = carousel(k, k.cells(4, lambda _: image(k, k.pick(280, 340))))
    elif shape == "collage":
        body = row(k, [collage(k, 340), text_block(k, step=2)][:: k.pick(1, -1)], align="center")
    else:
        pictures_ = k.pick(picture_gallery, picture_masonry)(k, inner)
        panels = [El("div", {}, [pictures_])] + [El("div", {}, [paragraph(k)]) for _ in range(2)]
        body = tab(k, panels, ["All", "Rooms", "Garden"])
    filters = tags(k) if shape in ("even", "uneven") and k.chance(0.25) else None
    return band(
        k,
        "gallery",
        [head(k, chance=0.8), filters, body, button(k) if k.chance(0.2) else None],
        grounds,
    )


def blog(k: Kit) -> El:
    k, *grounds = ground(k)
    shown, boxed, across = k.pick(2, 3, 3), k.chance(0.6), k.chance(0.25)
    inside = card_kit(k) if boxed else k
    height, film = k.pick(120, 150, 180), k.chance(0.15)

    def post(_: int) -> El:
        top = video(inside, height) if film else image(inside, height)
        words_ = [
            label(inside, words.date(k.text)) if k.chance(0.7) else None,
            heading(inside, step=k.pick(0.8, 1.2), low=3, high=6),
            paragraph(inside, low=1, high=2) if k.chance(0.8) else None,
            text_link(inside) if k.chance(0.4) else None,
        ]
        if across:
            both = row(inside, [top, stack(inside, words_, 8)], ratios=[2, 3], align="center")
            return card(k, [both], pad=14) if boxed else both
        return (
            card(k, [top, *words_], pad=k.pick(14, 20))
            if boxed
            else stack(inside, [top, *words_], 10)
        )

    if across:
        posts = k.cells(k.pick(2, 4), post)
        return band(k, "blog", [head(k), row(k, posts, columns=2)], grounds)
    slider = k.chance(0.25)
    posts = k.cells(shown + 1 if slider else shown * k.pick(1, 1, 2), post)
    body = carousel_of_cards(k, posts, shown) if slider else row(k, posts, columns=shown)
    return band(k, "blog", [head(k), body, button(k) if k.chance(0.25) else None], grounds)


def watch(k: Kit) -> El:
    """A film, with words over, under or beside it."""
    k, *grounds = ground(k)
    film = video(k, k.pick(260, 320, 380))
    shape = k.pick("under", "beside", "beside", "run")
    if shape == "under":
        return band(
            k, "content", [head(k, chance=1), film, divider(k) if k.chance(0.2) else None], grounds
        )
    if shape == "run":
        films = k.cells(
            3, lambda _: stack(k, [video(k, 150), heading(k, step=0.8, low=2, high=4)], 8)
        )
        return band(k, "content", [head(k), row(k, films)], grounds)
    return band(
        k, "content", [row(k, [text_block(k), film][:: k.pick(1, -1)], align="center")], grounds
    )


def _blocks(k: Kit, inner: int) -> dict[str, Callable[[], El]]:
    """What makes each kind of block, the rare ones among them; `inner` px wide at most."""
    second = ["First", "Second", "Third"]
    return {
        "qr": lambda: qr(k),
        "map": lambda: street_map(k, k.pick(180, 220, 300)),
        "masonry": lambda: picture_masonry(k, inner),
        "gallery": lambda: picture_gallery(k, inner, columns=3, height=k.pick(90, 130)),
        "video": lambda: video(k, k.pick(200, 240, 320)),
        "carousel": lambda: carousel(k, k.cells(3, lambda _: text_block(k, step=2))),
        "accordion": lambda: accordion(k, k.rng.randint(3, 5)),
        "tab": lambda: tab(
            k,
            [stack(k, [heading(k, step=1), paragraph(k)], 8), El("div", {}, [paragraph(k)])],
            second[: k.pick(2, 3)],
        ),
        "counter": lambda: counter(k),
        "countdown": lambda: countdown(k),
        "social": lambda: social(k),
        "free": lambda: free(k, 260),
        "icon": lambda: beside(k, icon(k), paragraph(k)),
        "list": lambda: bullets(k),
        "words": lambda: text_block(k, step=2),
    }


def composition(k: Kit) -> El:
    """Blocks of any kind together, as landing pages end up: rare elements meet here."""
    k, *grounds = ground(k)
    blocks = _blocks(k, inner_width(k) // 2)
    names = k.rng.sample(sorted(blocks), 4)
    made = [_as_block(blocks[name]()) for name in names]
    kids: list[El | None] = [head(k, chance=0.7)]
    kids.append(row(k, made[:2], align=k.pick("center", "flex-start")))
    if k.chance(0.4):
        kids.append(divider(k))
    if k.chance(0.6):
        kids.append(row(k, made[2:], align="flex-start"))
    return band(k, "content", kids, grounds)


def demonstration(k: Kit) -> El:
    """One widget under its name, as the pages of a library show it."""
    k, *grounds = ground(k, plain=0.85)
    blocks = _blocks(k, inner_width(k))
    rare = ("map", "masonry", "gallery", "video", "carousel", "accordion", "tab", "free", "qr")
    more = ("masonry", "masonry", "tab", "accordion", "accordion", "map", "free", "countdown")
    name = k.pick(*rare, *more)
    kids = [
        heading(k, name.capitalize(), step=k.pick(1, 2, 3)) if k.chance(0.75) else None,
        paragraph(k, low=1, high=2) if k.chance(0.3) else None,
        blocks[name](),
        code(k, 3) if k.chance(0.1) else None,
    ]
    if k.chance(0.15):
        kids.append(blocks[k.pick(*rare)]())
    return band(k, "content", kids, grounds, pad=k.pick(0, 12, 24, 40), gap=16)


def _as_block(node: El) -> El:
    if node.style.get("display", "").startswith("inline"):
        return El("div", {}, [node])
    return node
