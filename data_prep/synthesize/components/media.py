"""Leaves that are pictures: image, video, map, qr, gallery, masonry."""

from data_prep.synthesize.components import pictures, words
from data_prep.synthesize.components.draw_context import Kit
from data_prep.synthesize.components.leaves import label, sign
from data_prep.synthesize.components.markup import El, Raw, css
from data_prep.synthesize.components.photos import photo


def image(k: Kit, height: int, *, width: int | None = None, source: str | None = None) -> El:
    """A picture that is content. `mark` sits on the element that shows it, not on its frame."""
    wide = width or round(height * k.pick(1.2, 1.5, 1.8))
    source = source or photo(k.text, wide, height)
    radius = k.pick("0", k.size(k.theme.radius), k.size(k.theme.radius))
    look = css(
        width=k.size(width) if width else "100%", height=k.size(height), border_radius=radius
    )
    if width and k.theme.centred:
        look |= css(margin="0 auto", display="block")
    kind = k.pick("img", "img", "img", "figure", "picture", "link", "div", "div")
    if kind == "div":
        back = f"url({source!r}) {k.pick('center', '50% 30%')}/cover no-repeat"
        return El(
            k.tag("div", "div", "span", "a"),
            {"display": "block", **look, "background": back},
            [],
            "image",
        )
    picture = El("img", look | css(object_fit="cover"), [], "image", {"src": source, "alt": ""})
    if kind == "img":
        return picture
    outer = {"figure": "figure", "picture": "picture", "link": "a"}[kind]
    kids = [picture]
    if kind == "figure" and k.chance(0.4):
        kids.append(label(k, words.title(k.text, 2, 5), margin_top=k.size(6)))
        kids[1].tag = k.pick("figcaption", "p", "div")
    return El(outer, css(display="block"), kids)


def photo_of_person(k: Kit, px: int) -> El:
    """An avatar: a photo is an image at any size."""
    source = pictures.portrait(k.text, px)
    look = css(width=k.size(px), height=k.size(px), flex="none")
    look["border-radius"] = k.pick("50%", "50%", k.size(k.theme.radius))
    if k.theme.centred:
        look["margin"] = "0 auto"
    if k.chance(0.75):
        return El("img", look, [], "image", {"src": source, "alt": ""})
    back = f'url("{source}") center/cover'
    return El(k.pick("div", "span"), {"display": "block", **look, "background": back}, [], "image")


def _play(k: Kit, side: int) -> El:
    """The round sign in the middle of a poster."""
    look = css(position="absolute", left="50%", top="50%", width=f"{side}px", height=f"{side}px")
    look["margin"] = f"-{side // 2}px 0 0 -{side // 2}px"
    ground = k.pick("#ffffff", k.theme.accent, "#000000")
    look |= css(
        background=ground + k.pick("e6", "cc", "ff"), border_radius=k.pick("50%", "50%", "14px")
    )
    ink = k.theme.accent if ground == "#ffffff" else "#ffffff"
    if k.chance(0.3):
        look |= css(
            color=ink, font_size=f"{side // 2}px", line_height=f"{side}px", text_align="center"
        )
        return El(k.pick("span", "div", "button"), look, ["▶"])
    triangle = El(
        "svg", css(display="block", width="100%", height="100%"), [], None, {"viewBox": "0 0 24 24"}
    )
    triangle.kids = [Raw(f'<path fill="{ink}" d="M9 7l8 5-8 5z"></path>')]
    return El(k.pick("span", "div", "a", "button"), look | css(padding="0"), [triangle])


def video(k: Kit, height: int) -> El:
    """A player, or a poster with a play sign."""
    poster = photo(k.text, round(height * 1.7), height)
    radius = k.size(k.pick(0, k.theme.radius))
    frame = css(position="relative", height=k.size(height), overflow="hidden", border_radius=radius)
    kind = k.pick("tag", "tag", "poster", "poster", "div", "div", "iframe")
    if kind == "iframe":
        return _frame(k, poster, height, "video", f"<b style='background:{k.theme.accent}'>▶</b>")
    if kind == "tag":
        look = css(width="100%", height=k.size(height), object_fit="cover", display="block")
        look |= css(border_radius=radius, background="#000")
        attrs = {"poster": poster}
        player = El("video", look, [], None, attrs)
        if k.chance(0.35):
            player.mark, player.attrs["controls"] = "video", ""
            return player
        return El("div", frame, [player, _play(k, k.pick(56, 64, 80))], "video")
    if kind == "poster":
        look = css(width="100%", height="100%", object_fit="cover")
        kids = [El("img", look, [], None, {"src": poster, "alt": ""})]
    else:
        frame["background"] = f'url("{poster}") center/cover'
        kids = []
    kids.append(_play(k, k.pick(48, 60, 76, 90)))
    if k.chance(0.4):
        kids.append(_player_bar(k))
    return El(k.pick("div", "a", "figure", "span"), {"display": "block", **frame}, kids, "video")


def _player_bar(k: Kit) -> El:
    """What stands at the foot of a player: progress and time."""
    look = css(position="absolute", left="0", right="0", bottom="0", height="34px", display="flex")
    look |= css(background="rgba(0,0,0,.6)", align_items="center", gap="10px", padding="0 12px")
    share = k.rng.randint(0, 80)
    track = El("div", css(flex="1", height="4px", background="rgba(255,255,255,.4)"))
    track.kids = [El("div", css(width=f"{share}%", height="4px", background=k.theme.accent))]
    time = El(
        "span",
        css(color="#fff", font_size="12px"),
        [f"{k.rng.randint(0, 9)}:{k.rng.randint(10, 59)}"],
    )
    return El("div", look, [sign(k, 14, "#ffffff", path="M8 5l10 7-10 7z", glyph="▶"), track, time])


def street_map(k: Kit, height: int) -> El:
    """A map with its pin and buttons; one leaf."""
    pin_inside = k.chance(0.6)
    art = pictures.street_map(k.text, 640, max(160, height), pin=pin_inside)
    radius = k.size(k.pick(0, k.theme.radius))
    look = css(display="block", width="100%", height=k.size(height), border_radius=radius)
    kind = k.pick("img", "div", "frame", "svg", "iframe")
    if kind == "iframe":
        return _frame(k, pictures.data_uri(art), height, "map")
    if kind == "img":
        look["object-fit"] = "cover"
        return El("img", look, [], "map", {"src": pictures.data_uri(art), "alt": ""})
    if kind == "svg":
        inside = art[art.index(">") + 1 : -len("</svg>")]
        attrs = {"viewBox": f"0 0 640 {max(160, height)}", "preserveAspectRatio": "xMidYMid slice"}
        return El("svg", look, [Raw(inside)], "map", attrs)
    kids = []
    if not pin_inside or kind == "frame":
        place = css(position="absolute", left="48%", top="40%", width="30px", height="30px")
        kids.append(
            El(
                "div",
                place,
                [sign(k, 30, "#d93025", path="M12 22l-7-11a7 7 0 1 1 14 0z", glyph="▼")],
            )
        )
    if kind == "frame" or k.chance(0.5):
        kids.append(_map_buttons(k))
    if kind == "frame":
        fill = css(width="100%", height="100%", object_fit="cover")
        kids.insert(0, El("img", fill, [], None, {"src": pictures.data_uri(art), "alt": ""}))
    else:
        look["background"] = f'url("{pictures.data_uri(art)}") center/cover'
    look |= css(position="relative", overflow="hidden")
    return El(k.pick("div", "figure", "a"), look, kids, "map")


def _map_buttons(k: Kit) -> El:
    look = css(position="absolute", right="12px", top="12px", background="#fff", width="30px")
    look |= css(
        box_shadow="0 1px 4px rgba(0,0,0,.3)", text_align="center", color="#333", font_size="18px"
    )
    return El(
        "div",
        look,
        [
            El(
                k.pick("div", "button"),
                css(width="30px", height="28px", background="#fff", padding="0"),
                [t],
            )
            for t in "+−"
        ],
    )


def qr(k: Kit, px: int | None = None) -> El:
    px = px or k.pick(88, 110, 130, 150, 180)
    art = pictures.qr(k.text, ink=k.pick("#000", "#000", "#1d2430", "#123a6b"))
    look = css(display="block", width=k.size(px), height=k.size(px), flex="none")
    if k.theme.centred:
        look["margin"] = "0 auto"
    kind = k.pick("img", "img", "svg", "div")
    if kind == "svg":
        inside = art[art.index(">") + 1 : -len("</svg>")]
        box = art.split("viewBox='")[1].split("'")[0]
        return El(
            "svg", look, [Raw(inside)], "qr", {"viewBox": box, "shape-rendering": "crispEdges"}
        )
    if kind == "img":
        return El("img", look, [], "qr", {"src": pictures.data_uri(art), "alt": ""})
    look["background"] = f'url("{pictures.data_uri(art)}") center/contain no-repeat'
    return El(k.pick("div", "span"), look, [], "qr")


def _tile(k: Kit, height: int, width: int) -> El:
    """One picture of a gallery: bare, in a frame, in a link, or as a background."""
    source = photo(k.text, width, height)
    radius = k.size(k.pick(0, k.theme.radius))
    look = css(width="100%", height=k.size(height), display="block", border_radius=radius)
    kind = k.pick("img", "img", "link", "div", "li")
    if kind == "div":
        return El("div", look | {"background": f'url("{source}") center/cover'})
    picture = El("img", look | css(object_fit="cover"), [], None, {"src": source, "alt": ""})
    if kind == "img":
        return picture
    return El("a" if kind == "link" else "figure", css(display="block"), [picture])


def gallery(k: Kit, inner: int, *, columns: int | None = None, height: int | None = None) -> El:
    """Three or more even pictures."""
    columns = columns or k.pick(3, 3, 4, 5)
    rows = k.pick(1, 1, 2)
    height, gap = height or k.pick(110, 140, 170, 200), k.pick(0, 4, 8, 12, 16)
    tiles, listed, captions = [], k.chance(0.25), k.chance(0.15)
    for tile in k.cells(columns * rows, lambda _: _tile(k, height, max(60, inner // columns))):
        if captions:
            words_under = El(
                "span", css(display="block", font_size="12px", color=k.muted, padding="4px 0")
            )
            words_under.kids = [words.title(k.text, 1, 3)]
            tile = El("div", {}, [tile, words_under])
        tiles.append(El("li", css(list_style="none"), [tile]) if listed else tile)
    if "grid" in k.theme.manner.rows:
        look = css(display="grid", grid_template_columns=f"repeat({columns},1fr)", gap=f"{gap}px")
    else:
        look = css(display="flex", flex_wrap="wrap", gap=f"{gap}px")
        for tile in tiles:
            tile.style["width"] = f"calc((100% - {gap * (columns - 1)}px)/{columns})"
    return El("ul" if listed else k.pick("div", "div", "section"), look, tiles, "gallery")


def masonry(k: Kit, inner: int) -> El:
    """Pictures in columns whose rows do not meet."""
    columns, gap = k.pick(3, 3, 4), k.pick(4, 8, 12, 16)
    kind = k.pick("columns", "flex", "placed")
    heights = [k.rng.choice((80, 105, 130, 160, 190, 220)) for _ in range(columns * k.pick(2, 3))]
    if kind == "columns":
        tiles = k.cells(len(heights), lambda at: _tile(k, heights[at], inner // columns))
        for tile in tiles:
            tile.style |= css(margin_bottom=f"{gap}px", break_inside="avoid")
        look = css(columns=columns, column_gap=f"{gap}px")
        return El(k.pick("div", "section"), look, tiles, "masonry")
    if kind == "placed":
        return _placed_masonry(k, inner, columns, gap, heights)
    stacks, every = [], k.cells(len(heights), lambda at: _tile(k, heights[at], inner // columns))
    for column in range(columns):
        tiles = every[column::columns]
        look = css(display="flex", flex_direction="column", gap=f"{gap}px", flex="1")
        stacks.append(El("div", look, tiles))
    return El(
        "div", css(display="flex", gap=f"{gap}px", align_items="flex-start"), stacks, "masonry"
    )


def _placed_masonry(k: Kit, inner: int, columns: int, gap: int, heights: list[int]) -> El:
    """Tiles that a script has placed, each where there was most room."""
    tiles = k.cells(len(heights), lambda at: _tile(k, heights[at], inner // columns))
    ends = [0] * columns
    for tile, high in zip(tiles, heights, strict=True):
        column = ends.index(min(ends))
        tile.style |= css(position="absolute", top=f"{ends[column]}px", height=f"{high}px")
        tile.style["left"] = f"calc({100 * column / columns:.4g}% + {gap // 2}px)"
        tile.style["width"] = f"calc({100 / columns:.4g}% - {gap}px)"
        ends[column] += high + gap
    look = css(position="relative", height=f"{max(ends)}px")
    return El(k.pick("div", "ul") if tiles[0].tag == "li" else "div", look, tiles, "masonry")


def _frame(k: Kit, source: str, height: int, mark: str, over: str = "") -> El:
    """A document in the document, as players and maps of others are put in."""
    page = (
        "<style>html,body{margin:0;height:100%;overflow:hidden}img{width:100%;height:100%;"
        "object-fit:cover}b{position:absolute;left:50%;top:50%;width:68px;height:48px;"
        "margin:-24px -34px;border-radius:12px;color:#fff;font:24px/48px sans-serif;"
        f'text-align:center}}</style><img src="{source}">{over}'
    )
    look = css(display="block", width="100%", height=k.size(height), border="0")
    return El("iframe", look, [], mark, {"srcdoc": page})
