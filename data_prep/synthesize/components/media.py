"""Leaves that are pictures: image, video, map, qr, gallery, masonry."""

from data_prep.synthesize.components import pictures, words
from data_prep.synthesize.components.draw_context import DrawContext
from data_prep.synthesize.components.leaves import label, pictogram
from data_prep.synthesize.components.markup import El, Raw, css
from data_prep.synthesize.components.photos import photo


def image(
    ctx: DrawContext, height: int, *, width: int | None = None, source: str | None = None
) -> El:
    """A picture that is content. The label is on the element that shows it, not on its frame."""
    wide = width or round(height * ctx.pick(1.2, 1.5, 1.8))
    source = source or photo(ctx.text, wide, height)
    radius = ctx.pick("0", ctx.size(ctx.theme.radius), ctx.size(ctx.theme.radius))
    style = css(
        width=ctx.size(width) if width else "100%", height=ctx.size(height), border_radius=radius
    )
    # `text-align` does not center a block.
    if width and ctx.theme.centered:
        style |= css(margin="0 auto", display="block")
    kind = ctx.pick("img", "img", "img", "figure", "picture", "link", "div", "div")
    if kind == "div":
        back = f"url({source!r}) {ctx.pick('center', '50% 30%')}/cover no-repeat"
        return El(
            ctx.tag("div", "div", "span", "a"),
            {"display": "block", **style, "background": back},
            [],
            "image",
        )
    picture = El("img", style | css(object_fit="cover"), [], "image", {"src": source, "alt": ""})
    if kind == "img":
        return picture
    outer = {"figure": "figure", "picture": "picture", "link": "a"}[kind]
    kids = [picture]
    if kind == "figure" and ctx.chance(0.4):
        kids.append(label(ctx, words.title(ctx.text, 2, 5), margin_top=ctx.size(6)))
        kids[1].tag = ctx.pick("figcaption", "p", "div")
    return El(outer, css(display="block"), kids)


def photo_of_person(ctx: DrawContext, px: int) -> El:
    """An avatar. A photo is an image at any size, never an icon."""
    source = pictures.portrait(ctx.text, px)
    style = css(width=ctx.size(px), height=ctx.size(px), flex="none")
    style["border-radius"] = ctx.pick("50%", "50%", ctx.size(ctx.theme.radius))
    if ctx.theme.centered:
        style["margin"] = "0 auto"
    if ctx.chance(0.75):
        return El("img", style, [], "image", {"src": source, "alt": ""})
    back = f'url("{source}") center/cover'
    return El(
        ctx.pick("div", "span"), {"display": "block", **style, "background": back}, [], "image"
    )


def _play(ctx: DrawContext, side: int) -> El:
    """The play button in the middle of a poster."""
    style = css(position="absolute", left="50%", top="50%", width=f"{side}px", height=f"{side}px")
    style["margin"] = f"-{side // 2}px 0 0 -{side // 2}px"
    ground = ctx.pick("#ffffff", ctx.theme.accent, "#000000")
    style |= css(
        background=ground + ctx.pick("e6", "cc", "ff"), border_radius=ctx.pick("50%", "50%", "14px")
    )
    # The triangle must contrast with its disc.
    ink = ctx.theme.accent if ground == "#ffffff" else "#ffffff"
    if ctx.chance(0.3):
        style |= css(
            color=ink, font_size=f"{side // 2}px", line_height=f"{side}px", text_align="center"
        )
        return El(ctx.pick("span", "div", "button"), style, ["▶"])
    triangle = El(
        "svg", css(display="block", width="100%", height="100%"), [], None, {"viewBox": "0 0 24 24"}
    )
    triangle.kids = [Raw(f'<path fill="{ink}" d="M9 7l8 5-8 5z"></path>')]
    return El(ctx.pick("span", "div", "a", "button"), style | css(padding="0"), [triangle])


def video(ctx: DrawContext, height: int) -> El:
    """A player, or a poster with a play button."""
    poster = photo(ctx.text, round(height * 1.7), height)
    radius = ctx.size(ctx.pick(0, ctx.theme.radius))
    frame = css(
        position="relative", height=ctx.size(height), overflow="hidden", border_radius=radius
    )
    kind = ctx.pick("tag", "tag", "poster", "poster", "div", "div", "iframe")
    if kind == "iframe":
        return _frame(
            ctx, poster, height, "video", f"<b style='background:{ctx.theme.accent}'>▶</b>"
        )
    if kind == "tag":
        style = css(width="100%", height=ctx.size(height), object_fit="cover", display="block")
        style |= css(border_radius=radius, background="#000")
        attrs = {"poster": poster}
        player = El("video", style, [], None, attrs)
        if ctx.chance(0.35):
            player.mark, player.attrs["controls"] = "video", ""
            return player
        return El("div", frame, [player, _play(ctx, ctx.pick(56, 64, 80))], "video")
    if kind == "poster":
        style = css(width="100%", height="100%", object_fit="cover")
        kids = [El("img", style, [], None, {"src": poster, "alt": ""})]
    else:
        frame["background"] = f'url("{poster}") center/cover'
        kids = []
    kids.append(_play(ctx, ctx.pick(48, 60, 76, 90)))
    if ctx.chance(0.4):
        kids.append(_player_bar(ctx))
    return El(ctx.pick("div", "a", "figure", "span"), {"display": "block", **frame}, kids, "video")


def _player_bar(ctx: DrawContext) -> El:
    """The bar at the foot of a player: progress and time."""
    style = css(position="absolute", left="0", right="0", bottom="0", height="34px", display="flex")
    style |= css(background="rgba(0,0,0,.6)", align_items="center", gap="10px", padding="0 12px")
    share = ctx.rng.randint(0, 80)
    track = El("div", css(flex="1", height="4px", background="rgba(255,255,255,.4)"))
    track.kids = [El("div", css(width=f"{share}%", height="4px", background=ctx.theme.accent))]
    time = El(
        "span",
        css(color="#fff", font_size="12px"),
        [f"{ctx.rng.randint(0, 9)}:{ctx.rng.randint(10, 59)}"],
    )
    return El(
        "div",
        style,
        [pictogram(ctx, 14, "#ffffff", path="M8 5l10 7-10 7z", glyph="▶"), track, time],
    )


def street_map(ctx: DrawContext, height: int) -> El:
    """A map with its pin and buttons: one leaf."""
    pin_inside = ctx.chance(0.6)
    art = pictures.street_map(ctx.text, 640, max(160, height), pin=pin_inside)
    radius = ctx.size(ctx.pick(0, ctx.theme.radius))
    style = css(display="block", width="100%", height=ctx.size(height), border_radius=radius)
    kind = ctx.pick("img", "div", "frame", "svg", "iframe")
    if kind == "iframe":
        return _frame(ctx, pictures.data_uri(art), height, "map")
    if kind == "img":
        style["object-fit"] = "cover"
        return El("img", style, [], "map", {"src": pictures.data_uri(art), "alt": ""})
    if kind == "svg":
        # The element is ours to style, so only what is inside the drawing's own `svg` is printed.
        inside = art[art.index(">") + 1 : -len("</svg>")]
        attrs = {"viewBox": f"0 0 640 {max(160, height)}", "preserveAspectRatio": "xMidYMid slice"}
        return El("svg", style, [Raw(inside)], "map", attrs)
    kids = []
    if not pin_inside or kind == "frame":
        place = css(position="absolute", left="48%", top="40%", width="30px", height="30px")
        kids.append(
            El(
                "div",
                place,
                [pictogram(ctx, 30, "#d93025", path="M12 22l-7-11a7 7 0 1 1 14 0z", glyph="▼")],
            )
        )
    if kind == "frame" or ctx.chance(0.5):
        kids.append(_map_buttons(ctx))
    if kind == "frame":
        fill = css(width="100%", height="100%", object_fit="cover")
        kids.insert(0, El("img", fill, [], None, {"src": pictures.data_uri(art), "alt": ""}))
    else:
        style["background"] = f'url("{pictures.data_uri(art)}") center/cover'
    style |= css(position="relative", overflow="hidden")
    return El(ctx.pick("div", "figure", "a"), style, kids, "map")


def _map_buttons(ctx: DrawContext) -> El:
    style = css(position="absolute", right="12px", top="12px", background="#fff", width="30px")
    style |= css(
        box_shadow="0 1px 4px rgba(0,0,0,.3)", text_align="center", color="#333", font_size="18px"
    )
    return El(
        "div",
        style,
        [
            El(
                ctx.pick("div", "button"),
                css(width="30px", height="28px", background="#fff", padding="0"),
                [t],
            )
            for t in "+−"
        ],
    )


def qr(ctx: DrawContext, px: int | None = None) -> El:
    px = px or ctx.pick(88, 110, 130, 150, 180)
    art = pictures.qr(ctx.text, ink=ctx.pick("#000", "#000", "#1d2430", "#123a6b"))
    style = css(display="block", width=ctx.size(px), height=ctx.size(px), flex="none")
    if ctx.theme.centered:
        style["margin"] = "0 auto"
    kind = ctx.pick("img", "img", "svg", "div")
    if kind == "svg":
        inside = art[art.index(">") + 1 : -len("</svg>")]
        box = art.split("viewBox='")[1].split("'")[0]
        return El(
            "svg", style, [Raw(inside)], "qr", {"viewBox": box, "shape-rendering": "crispEdges"}
        )
    if kind == "img":
        return El("img", style, [], "qr", {"src": pictures.data_uri(art), "alt": ""})
    style["background"] = f'url("{pictures.data_uri(art)}") center/contain no-repeat'
    return El(ctx.pick("div", "span"), style, [], "qr")


def _tile(ctx: DrawContext, height: int, width: int) -> El:
    """One picture of a gallery: bare, in a frame, in a link, or as a background."""
    source = photo(ctx.text, width, height)
    radius = ctx.size(ctx.pick(0, ctx.theme.radius))
    style = css(width="100%", height=ctx.size(height), display="block", border_radius=radius)
    kind = ctx.pick("img", "img", "link", "div", "li")
    if kind == "div":
        return El("div", style | {"background": f'url("{source}") center/cover'})
    picture = El("img", style | css(object_fit="cover"), [], None, {"src": source, "alt": ""})
    if kind == "img":
        return picture
    return El("a" if kind == "link" else "figure", css(display="block"), [picture])


def gallery(
    ctx: DrawContext, inner: int, *, columns: int | None = None, height: int | None = None
) -> El:
    """Three or more even pictures."""
    columns = columns or ctx.pick(3, 3, 4, 5)
    rows = ctx.pick(1, 1, 2)
    height, gap = height or ctx.pick(110, 140, 170, 200), ctx.pick(0, 4, 8, 12, 16)
    tiles, listed, captions = [], ctx.chance(0.25), ctx.chance(0.15)
    for tile in ctx.cells(columns * rows, lambda _: _tile(ctx, height, max(60, inner // columns))):
        if captions:
            words_under = El(
                "span", css(display="block", font_size="12px", color=ctx.muted, padding="4px 0")
            )
            words_under.kids = [words.title(ctx.text, 1, 3)]
            tile = El("div", {}, [tile, words_under])
        tiles.append(El("li", css(list_style="none"), [tile]) if listed else tile)
    if "grid" in ctx.theme.profile.rows:
        style = css(display="grid", grid_template_columns=f"repeat({columns},1fr)", gap=f"{gap}px")
    else:
        style = css(display="flex", flex_wrap="wrap", gap=f"{gap}px")
        for tile in tiles:
            tile.style["width"] = f"calc((100% - {gap * (columns - 1)}px)/{columns})"
    return El("ul" if listed else ctx.pick("div", "div", "section"), style, tiles, "gallery")


def masonry(ctx: DrawContext, inner: int) -> El:
    """Pictures of uneven heights in columns."""
    columns, gap = ctx.pick(3, 3, 4), ctx.pick(4, 8, 12, 16)
    kind = ctx.pick("columns", "flex", "placed")
    heights = [
        ctx.rng.choice((80, 105, 130, 160, 190, 220)) for _ in range(columns * ctx.pick(2, 3))
    ]
    if kind == "columns":
        tiles = ctx.cells(len(heights), lambda at: _tile(ctx, heights[at], inner // columns))
        for tile in tiles:
            tile.style |= css(margin_bottom=f"{gap}px", break_inside="avoid")
        style = css(columns=columns, column_gap=f"{gap}px")
        return El(ctx.pick("div", "section"), style, tiles, "masonry")
    if kind == "placed":
        return _placed_masonry(ctx, inner, columns, gap, heights)
    stacks, every = (
        [],
        ctx.cells(len(heights), lambda at: _tile(ctx, heights[at], inner // columns)),
    )
    # Dealt out in turn, so that reading order runs along the rows, as such scripts do.
    for column in range(columns):
        tiles = every[column::columns]
        style = css(display="flex", flex_direction="column", gap=f"{gap}px", flex="1")
        stacks.append(El("div", style, tiles))
    return El(
        "div", css(display="flex", gap=f"{gap}px", align_items="flex-start"), stacks, "masonry"
    )


def _placed_masonry(ctx: DrawContext, inner: int, columns: int, gap: int, heights: list[int]) -> El:
    """Absolutely placed tiles, each in the column that is shortest so far."""
    tiles = ctx.cells(len(heights), lambda at: _tile(ctx, heights[at], inner // columns))
    ends = [0] * columns
    for tile, high in zip(tiles, heights, strict=True):
        column = ends.index(min(ends))
        tile.style |= css(position="absolute", top=f"{ends[column]}px", height=f"{high}px")
        tile.style["left"] = f"calc({100 * column / columns:.4g}% + {gap // 2}px)"
        tile.style["width"] = f"calc({100 / columns:.4g}% - {gap}px)"
        ends[column] += high + gap
    style = css(position="relative", height=f"{max(ends)}px")
    return El(ctx.pick("div", "ul") if tiles[0].tag == "li" else "div", style, tiles, "masonry")


def _frame(ctx: DrawContext, source: str, height: int, mark: str, over: str = "") -> El:
    """An iframe, as players and maps of other sites are embedded."""
    page = (
        "<style>html,body{margin:0;height:100%;overflow:hidden}img{width:100%;height:100%;"
        "object-fit:cover}b{position:absolute;left:50%;top:50%;width:68px;height:48px;"
        "margin:-24px -34px;border-radius:12px;color:#fff;font:24px/48px sans-serif;"
        f'text-align:center}}</style><img src="{source}">{over}'
    )
    style = css(display="block", width="100%", height=ctx.size(height), border="0")
    return El("iframe", style, [], mark, {"srcdoc": page})
