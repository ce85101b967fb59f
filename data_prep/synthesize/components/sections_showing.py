"""Sections that show: figures, logos, steps, products, the company, pictures, posts, videos, and
mixed blocks."""

from collections.abc import Callable

from data_prep.synthesize.components import words
from data_prep.synthesize.components.containers import beside, card, card_context, stack, text_block
from data_prep.synthesize.components.draw_context import DrawContext
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


def stats(ctx: DrawContext) -> El:
    ctx, *grounds = ground(ctx)
    columns = ctx.pick(3, 4, 4, 5)
    boxed = ctx.chance(0.35)
    inside = card_context(ctx) if boxed else ctx

    def figure(_: int) -> El:
        each = counter(inside)
        if ctx.chance(0.2) and not boxed:
            each = stack(inside, [icon(inside, 32), each], 8)
        return card(ctx, [each], pad=18) if boxed else each

    figures = ctx.cells(columns, figure)
    body = row(ctx, figures)
    if ctx.chance(0.25):
        body = row(
            ctx,
            [text_block(ctx, step=2, points=0), row(ctx, figures[:4], columns=2, gap=16)],
            align="center",
        )
    kids = [head(ctx, chance=0.6), divider(ctx) if ctx.chance(0.2) else None, body]
    if ctx.chance(0.2):
        kids.append(visual(ctx, 220))
    return band(ctx, "stats", kids, grounds)


def logos(ctx: DrawContext) -> El:
    """A row of customers' logos under a few words."""
    ctx, *grounds = ground(ctx)
    strip = logo_strip(ctx, ctx.pick(4, 5, 6))
    words_ = paragraph(ctx, words.sentence(ctx.text)) if ctx.chance(0.5) else heading(ctx, step=1.5)
    kids = [words_, divider(ctx) if ctx.chance(0.25) else None, strip]
    if ctx.chance(0.3):
        kids.append(carousel(ctx, ctx.cells(3, lambda _: paragraph(ctx, low=1, high=2, step=0.5))))
    return band(ctx, "logos", kids, grounds, pad=ctx.pick(32, 48))


def steps(ctx: DrawContext) -> El:
    """Steps in order, with numbers or pictograms."""
    ctx, *grounds = ground(ctx)
    count, vertical = ctx.pick(3, 3, 4), ctx.chance(0.35)

    def step_of(at: int) -> El:
        title = heading(ctx, step=1, low=1, high=3)
        text = paragraph(ctx, low=1, high=1 if count == 4 else 2)
        mark = (
            icon(ctx)
            if ctx.chance(0.6)
            else label(ctx, f"{at + 1:02d}", font_size=ctx.size(24), color=ctx.ink)
        )
        if vertical:
            return beside(ctx, icon(ctx, 28), stack(ctx, [title, text], 6))
        return stack(ctx, [mark, title, text], 10)

    cells = ctx.cells(count, step_of)
    if not vertical:
        return band(
            ctx,
            "steps",
            [head(ctx), row(ctx, cells), buttons(ctx, 1) if ctx.chance(0.3) else None],
            grounds,
        )
    run = stack(ctx, cells, 20)
    if ctx.chance(0.6):
        return band(
            ctx,
            "steps",
            [
                row(
                    ctx,
                    [stack(ctx, [head(ctx, chance=1), run], 24), visual(ctx, 320)],
                    align="center",
                )
            ],
            grounds,
        )
    return band(ctx, "steps", [head(ctx), run], grounds)


def products(ctx: DrawContext) -> El:
    ctx, *grounds = ground(ctx)
    shown, boxed = ctx.pick(3, 4, 4), ctx.chance(0.6)
    inside = card_context(ctx) if boxed else ctx
    height, sale = ctx.pick(130, 160, 190), ctx.chance(0.35)

    def item(_: int) -> El:
        picture = image(inside, height)
        if sale and ctx.chance(0.6):
            flag = label(
                inside, ctx.pick("Sale", "New", "-20%"), position="absolute", top="8px", left="8px"
            )
            flag.style |= css(background=ctx.theme.accent, color="#ffffff", padding="4px 8px")
            picture = El("div", css(position="relative"), [picture, flag], "freedom")
        kids = [
            picture,
            heading(inside, step=0.5, low=1, high=3),
            label(inside, words.price(ctx.text), color=inside.ink),
            button(inside, "Add to cart", small=True) if ctx.chance(0.5) else None,
        ]
        return card(ctx, kids, pad=ctx.pick(12, 16)) if boxed else stack(inside, kids, 8)

    slider = ctx.chance(0.35)
    cells = ctx.cells(shown + 1 if slider else shown * ctx.pick(1, 1, 2), item)
    body = carousel_of_cards(ctx, cells, shown) if slider else row(ctx, cells, columns=shown)
    filters = tags(ctx) if ctx.chance(0.25) else None
    return band(ctx, "products", [head(ctx), filters, body], grounds)


def about(ctx: DrawContext) -> El:
    """About the company: text with a picture, figures, a timeline, an accordion or a map."""
    ctx, *grounds = ground(ctx)
    extra = ctx.pick("none", "counters", "accordion", "divider", "map", "list")
    words_ = [
        kicker(ctx) if ctx.chance(0.4) else None,
        heading(ctx, step=3),
        paragraph(ctx, low=2, high=4),
    ]
    if extra == "counters":
        words_.append(row(ctx, ctx.cells(ctx.pick(2, 3), lambda _: counter(ctx)), gap=16))
    elif extra == "accordion":
        words_.append(accordion(ctx, 3))
    elif extra == "divider":
        words_ += [divider(ctx), paragraph(ctx, low=1, high=2)]
    elif extra == "list":
        words_.append(bullets(ctx))
    side = street_map(ctx, 300) if extra == "map" else visual(ctx, ctx.pick(280, 340))
    words_.append(button(ctx) if ctx.chance(0.4) else None)
    return band(
        ctx,
        "about",
        [row(ctx, [stack(ctx, words_, 14), side][:: ctx.pick(1, -1)], align="center")],
        grounds,
    )


def gallery(ctx: DrawContext) -> El:
    ctx, *grounds = ground(ctx)
    inner = inner_width(ctx)
    shape = ctx.pick(
        "even", "even", "even", "even", "uneven", "uneven", "slider", "tabs", "tabs", "collage"
    )
    if shape == "even":
        body = picture_gallery(ctx, inner)
    elif shape == "uneven":
        body = picture_masonry(ctx, inner)
    elif shape == "slider":
        body = carousel(ctx, ctx.cells(4, lambda _: image(ctx, ctx.pick(280, 340))))
    elif shape == "collage":
        body = row(
            ctx, [collage(ctx, 340), text_block(ctx, step=2)][:: ctx.pick(1, -1)], align="center"
        )
    else:
        pictures_ = ctx.pick(picture_gallery, picture_masonry)(ctx, inner)
        panels = [El("div", {}, [pictures_])] + [El("div", {}, [paragraph(ctx)]) for _ in range(2)]
        body = tab(ctx, panels, ["All", "Rooms", "Garden"])
    filters = tags(ctx) if shape in ("even", "uneven") and ctx.chance(0.25) else None
    return band(
        ctx,
        "gallery",
        [head(ctx, chance=0.8), filters, body, button(ctx) if ctx.chance(0.2) else None],
        grounds,
    )


def blog(ctx: DrawContext) -> El:
    ctx, *grounds = ground(ctx)
    shown, boxed, across = ctx.pick(2, 3, 3), ctx.chance(0.6), ctx.chance(0.25)
    inside = card_context(ctx) if boxed else ctx
    height, film = ctx.pick(120, 150, 180), ctx.chance(0.15)

    def post(_: int) -> El:
        top = video(inside, height) if film else image(inside, height)
        words_ = [
            label(inside, words.date(ctx.text)) if ctx.chance(0.7) else None,
            heading(inside, step=ctx.pick(0.8, 1.2), low=3, high=6),
            paragraph(inside, low=1, high=2) if ctx.chance(0.8) else None,
            text_link(inside) if ctx.chance(0.4) else None,
        ]
        if across:
            both = row(inside, [top, stack(inside, words_, 8)], ratios=[2, 3], align="center")
            return card(ctx, [both], pad=14) if boxed else both
        return (
            card(ctx, [top, *words_], pad=ctx.pick(14, 20))
            if boxed
            else stack(inside, [top, *words_], 10)
        )

    if across:
        posts = ctx.cells(ctx.pick(2, 4), post)
        return band(ctx, "blog", [head(ctx), row(ctx, posts, columns=2)], grounds)
    slider = ctx.chance(0.25)
    posts = ctx.cells(shown + 1 if slider else shown * ctx.pick(1, 1, 2), post)
    body = carousel_of_cards(ctx, posts, shown) if slider else row(ctx, posts, columns=shown)
    return band(ctx, "blog", [head(ctx), body, button(ctx) if ctx.chance(0.25) else None], grounds)


def watch(ctx: DrawContext) -> El:
    """A video with words above or beside it."""
    ctx, *grounds = ground(ctx)
    film = video(ctx, ctx.pick(260, 320, 380))
    shape = ctx.pick("under", "beside", "beside", "run")
    if shape == "under":
        return band(
            ctx,
            "content",
            [head(ctx, chance=1), film, divider(ctx) if ctx.chance(0.2) else None],
            grounds,
        )
    if shape == "run":
        films = ctx.cells(
            3, lambda _: stack(ctx, [video(ctx, 150), heading(ctx, step=0.8, low=2, high=4)], 8)
        )
        return band(ctx, "content", [head(ctx), row(ctx, films)], grounds)
    return band(
        ctx,
        "content",
        [row(ctx, [text_block(ctx), film][:: ctx.pick(1, -1)], align="center")],
        grounds,
    )


def _blocks(ctx: DrawContext, inner: int) -> dict[str, Callable[[], El]]:
    """The generator of each kind of block; a block may be `inner` px wide at most."""
    second = ["First", "Second", "Third"]
    return {
        "qr": lambda: qr(ctx),
        "map": lambda: street_map(ctx, ctx.pick(180, 220, 300)),
        "masonry": lambda: picture_masonry(ctx, inner),
        "gallery": lambda: picture_gallery(ctx, inner, columns=3, height=ctx.pick(90, 130)),
        "video": lambda: video(ctx, ctx.pick(200, 240, 320)),
        "carousel": lambda: carousel(ctx, ctx.cells(3, lambda _: text_block(ctx, step=2))),
        "accordion": lambda: accordion(ctx, ctx.rng.randint(3, 5)),
        "tab": lambda: tab(
            ctx,
            [
                stack(ctx, [heading(ctx, step=1), paragraph(ctx)], 8),
                El("div", {}, [paragraph(ctx)]),
            ],
            second[: ctx.pick(2, 3)],
        ),
        "counter": lambda: counter(ctx),
        "countdown": lambda: countdown(ctx),
        "social": lambda: social(ctx),
        "free": lambda: free(ctx, 260),
        "icon": lambda: beside(ctx, icon(ctx), paragraph(ctx)),
        "list": lambda: bullets(ctx),
        "words": lambda: text_block(ctx, step=2),
    }


def composition(ctx: DrawContext) -> El:
    """Mixed blocks, as on landing pages: here rare elements are combined."""
    ctx, *grounds = ground(ctx)
    blocks = _blocks(ctx, inner_width(ctx) // 2)
    names = ctx.rng.sample(sorted(blocks), 4)
    made = [_as_block(blocks[name]()) for name in names]
    kids: list[El | None] = [head(ctx, chance=0.7)]
    kids.append(row(ctx, made[:2], align=ctx.pick("center", "flex-start")))
    if ctx.chance(0.4):
        kids.append(divider(ctx))
    if ctx.chance(0.6):
        kids.append(row(ctx, made[2:], align="flex-start"))
    return band(ctx, "content", kids, grounds)


def demonstration(ctx: DrawContext) -> El:
    """One widget under its name, as on the demonstration pages of a library."""
    ctx, *grounds = ground(ctx, plain=0.85)
    blocks = _blocks(ctx, inner_width(ctx))
    rare = ("map", "masonry", "gallery", "video", "carousel", "accordion", "tab", "free", "qr")
    more = ("masonry", "masonry", "tab", "accordion", "accordion", "map", "free", "countdown")
    name = ctx.pick(*rare, *more)
    kids = [
        heading(ctx, name.capitalize(), step=ctx.pick(1, 2, 3)) if ctx.chance(0.75) else None,
        paragraph(ctx, low=1, high=2) if ctx.chance(0.3) else None,
        blocks[name](),
        code(ctx, 3) if ctx.chance(0.1) else None,
    ]
    if ctx.chance(0.15):
        kids.append(blocks[ctx.pick(*rare)]())
    return band(ctx, "content", kids, grounds, pad=ctx.pick(0, 12, 24, 40), gap=16)


def _as_block(node: El) -> El:
    if node.style.get("display", "").startswith("inline"):
        return El("div", {}, [node])
    return node
