"""Containers: stacks, rows and grids, cards, forms, carousels, accordions, tabs, free placement."""

from data_prep import pictures
from data_prep.components import words
from data_prep.components.kit import Kit
from data_prep.components.leaves import (
    bullets,
    button,
    heading,
    icon,
    label,
    links,
    paragraph,
)
from data_prep.components.markup import El, css
from data_prep.components.media import image, photo_of_person


def stack(k: Kit, kids: list[El | None], gap: int | None = None, *, tag: str = "div", **style) -> El:
    """`kids` under one another (None is skipped), each perhaps in one more layer."""
    gap = k.pick(8, 12, 16, 20) if gap is None else gap
    kids = [kid for kid in kids if kid is not None]
    look = css(**style)
    if k.chance(0.3):
        look |= css(display="flex", flex_direction="column", gap=k.size(gap))
        look["align-items"] = "center" if k.theme.centred else "stretch"
        for kid in kids:
            # A stretched button would no longer look like one.
            if kid.style.get("display", "").startswith("inline") and not k.theme.centred:
                kid.style["align-self"] = "flex-start"
            elif k.theme.centred and kid.style.get("width") is None and kid.mark not in ("icon", "button"):
                kid.style["width"] = "100%"
        return El(tag, look, kids)
    placed = []
    for at, kid in enumerate(kids):
        inline = kid.style.get("display", "").startswith("inline")
        kid = k.soup(kid)
        if inline and kid.tag != "div":
            kid = El("div", {}, [kid])
        if at < len(kids) - 1:
            kid.style["margin-bottom"] = k.size(gap)
        placed.append(kid)
    return El(tag, look, placed)


def row(
    k: Kit,
    cells: list[El],
    *,
    columns: int | None = None,
    ratios: list[float] | None = None,
    gap: int | None = None,
    align: str = "stretch",
    tag: str | None = None,
) -> El:
    """Cells side by side, `columns` in a row: a grid."""
    columns = columns or len(cells)
    gap = k.theme.gap if gap is None else gap
    tag = tag or k.tag("div", "div", "section", "ul")
    if tag == "ul":
        cells = [_as_item(k, cell) for cell in cells]
    else:
        cells = [k.soup(cell) for cell in cells]
    how = k.theme.grid_css if not ratios else k.pick("grid", "flex")
    if how == "grid":
        tracks = " ".join(f"{r:g}fr" for r in ratios) if ratios else f"repeat({columns},1fr)"
        look = css(display="grid", grid_template_columns=tracks, gap=k.size(gap), align_items=align)
        narrow = css(grid_template_columns="1fr") if k.theme.responsive else {}
        return El(tag, look, cells, "grid", mobile=narrow)
    if how == "flex":
        look = css(display="flex", flex_wrap="wrap", gap=k.size(gap), align_items=align)
        for at, cell in enumerate(cells):
            share = (ratios[at] / sum(ratios)) if ratios else 1 / columns
            lost = gap * (columns - 1) * share
            cell.style |= css(flex="none", width=f"calc({100 * share:.4g}% - {lost + 0.5:.4g}px)")
            if k.theme.responsive:
                cell.mobile = css(width="100%")
        return El(tag, look, cells, "grid")
    # Inline blocks, as they were written before flex.
    for at, cell in enumerate(cells):
        share = 100 / columns
        cell.style |= css(display="inline-block", vertical_align="top")
        cell.style["width"] = f"calc({share:.4g}% - {gap * (columns - 1) / columns + 0.5:.4g}px)"
        if at % columns < columns - 1:
            cell.style["margin-right"] = f"{gap}px"
        if at < len(cells) - columns:
            cell.style["margin-bottom"] = f"{gap}px"
    return El(tag, {}, cells, "grid")


def _as_item(k: Kit, cell: El) -> El:
    if cell.tag in ("div", "article") and k.chance(0.5):
        cell.tag = "li"
        cell.style["list-style"] = "none"
        return cell
    return El("li", css(list_style="none"), [cell])


def bar(k: Kit, cells: list[El], *, gap: int = 16, tag: str = "div") -> El:
    """Groups at the two ends of a line: a grid."""
    look = css(display="flex", justify_content="space-between", align_items="center", gap=k.size(gap))
    return El(tag, look, cells, "grid")


def beside(k: Kit, sign: El, words_: El, *, gap: int = 12) -> El:
    """A pictogram beside its text: no grid, a wrapper if anything."""
    words_.style["flex"] = "1"
    look = css(display="flex", gap=k.size(gap), align_items=k.pick("flex-start", "center"))
    return El(k.pick("div", "div", "li", "a"), look | css(text_align="left", list_style="none"), [sign, words_])


def card_kit(k: Kit) -> Kit:
    """The kit inside a card: its colours."""
    if k.behind == k.theme.page or k.behind == k.theme.soft:
        if k.theme.dark:
            return k.on(k.theme.card)
        return k if k.theme.card_style == "border" else k.on(k.theme.card)
    return k.on(k.card)


def card(k: Kit, kids: list[El | None], *, pad: int | None = None, gap: int | None = None) -> El:
    """A box that is seen. `kids` were made with `card_kit(k)`."""
    inside = card_kit(k)
    box = stack(inside, kids, gap)
    pad = k.pick(16, 20, 24, 28) if pad is None else pad
    style, theme = box.style, k.theme
    style |= css(padding=k.size(pad), border_radius=k.size(theme.radius))
    if inside.behind != k.behind:
        style["background"] = inside.behind
    if theme.card_style in ("border", "both") or inside.behind == k.behind:
        style["border"] = f"1px solid {k.line}"
    if theme.card_style in ("shadow", "both"):
        style["box-shadow"] = theme.shadow
    box.tag = k.tag("article", "div", "a", "div", "section", "div")
    if box.tag == "a":
        style |= css(display=style.get("display", "block"), text_decoration="none", color=k.ink)
    if theme.hovers:
        box.hover = css(box_shadow="0 10px 30px rgba(0,0,0,.2)")
    return box


def form(k: Kit, fields: list[str], *, action: str, title: bool = True) -> El:
    """Fields have no element: what is labelled is the title, the captions and the button."""
    kids: list[El | None] = [heading(k, step=1.5) if title else None]
    captions = k.chance(0.5)
    for name in fields:
        if captions:
            kids.append(label(k, name, text_align="left"))
            kids[-1].tag = k.pick("label", "div", "span")
            kids[-1].style["display"] = "block"
        look = css(display="block", width="100%", padding=k.size(10), border=f"1px solid {k.line}")
        look |= css(border_radius=k.size(min(8, k.theme.radius)), background="#ffffff", color="#333333")
        look |= css(font_size=k.size(14), font_family="inherit")
        if name == "Message":
            kids.append(El("textarea", look | css(height=k.size(90)), [], None, {"placeholder": name}))
        else:
            kids.append(El("input", look, [], None, {"placeholder": name, "type": "text"}))
    kids.append(button(k, action))
    if len(fields) == 1 or k.chance(0.3):
        kids.append(paragraph(k, words.sentence(k.rng, 5, 9), step=-0.7))
    return stack(k, kids, k.pick(8, 12, 16), tag=k.tag("form", "div"))


def carousel(k: Kit, slides: list[El]) -> El:
    """One slide shows; the others wait, hidden or beyond the edge. Dots and arrows belong to it."""
    beyond = k.chance(0.5)
    for at, slide in enumerate(slides):
        slide.slide = True
        if beyond:
            slide.style |= css(flex="none", width="100%")
        if at:
            slide.hidden = True
            if not beyond:
                slide.style["display"] = "none"
    track = El(k.tag("ul" if False else "div", "div"), css(display="flex") if beyond else {}, slides)
    window = El("div", css(overflow="hidden"), [track]) if beyond else track
    return _with_controls(k, window, len(slides))


def carousel_of_cards(k: Kit, cards: list[El], shown: int) -> El:
    """Several cards show side by side: a grid inside the carousel; the rest is beyond the edge."""
    gap = k.theme.gap
    for at, each in enumerate(cards):
        each.style |= css(flex="none", width=f"calc((100% - {gap * (shown - 1)}px)/{shown})")
        each.hidden = at >= shown
    track = El("div", css(display="flex", gap=f"{gap}px"), cards, "grid")
    window = El("div", css(overflow="hidden", padding="4px 0"), [track])
    return _with_controls(k, window, len(cards))


def _with_controls(k: Kit, window: El, count: int) -> El:
    root = El(k.tag("div", "section", "div"), css(position="relative"), [window], "carousel")
    arrows, dots = k.chance(0.75), k.chance(0.75)
    if arrows or not dots:
        side, tag = k.pick(32, 38, 44), k.pick("button", "a", "div", "span")
        outside = k.chance(0.4)
        if outside:
            root.style["padding"] = f"0 {side + 16}px"
        for edge, text in (("left", "‹"), ("right", "›")):
            look = css(position="absolute", top="50%", width=f"{side}px", height=f"{side}px")
            look |= css(margin_top=f"-{side // 2}px", line_height=f"{side}px", text_align="center")
            look |= css(background="#ffffff", color="#222222", font_size="22px", padding="0")
            look |= css(border_radius=k.theme.radius and "50%", box_shadow="0 1px 5px rgba(0,0,0,.3)")
            root.kids.append(El(tag, look | {edge: "0" if outside else "12px"}, [text]))
    if dots:
        tag, side = k.pick("span", "button", "div", "li"), k.pick(8, 10, 12)
        colour = k.theme.accent if k.behind != k.theme.accent else k.ink
        points = [
            El(tag, css(width=f"{side}px", height=f"{side}px", border_radius="50%", padding="0", display="block", background=colour if at == 0 else k.line))
            for at in range(count)
        ]
        look = css(display="flex", gap="8px", justify_content="center", margin_top=k.size(14))
        root.kids.append(El("ul" if tag == "li" else "div", look | css(list_style="none"), points))
    return root


def accordion(k: Kit, count: int, *, opened: int | None = 0) -> El:
    """Questions that fold. A question is a leaf with its sign; a closed answer is not there."""
    boxed, details = k.chance(0.5), k.chance(0.25)
    inside = card_kit(k) if boxed else k
    items, gap = [], k.pick(6, 10, 14) if boxed else 0
    for at in range(count):
        head = heading(inside, words.title(k.rng, 3, 7), step=k.pick(0, 0.5, 1))
        mark = ("−" if at == opened else "+") if k.chance(0.8) else ("▴" if at == opened else "▾")
        head.kids = [El("span", {}, head.kids), El("span", css(font_weight=400), [mark])]
        head.style |= css(display="flex", justify_content="space-between", text_align="left")
        head.style |= css(padding=f"{k.size(12)} 0", width="100%", background="transparent")
        head.tag = "summary" if details else k.pick("button", "div", "h3", "h4", "a", "dt")
        answer = paragraph(inside, low=1, high=2, padding=f"0 0 {k.size(12)}", text_align="left")
        if at != opened:
            answer.hidden = True
            if not details:
                answer.style["display"] = "none"
        item = El("details" if details else k.pick("div", "li", "article"), {}, [head, answer])
        if details and at == opened:
            item.attrs["open"] = ""
        if boxed:
            item.style |= css(background=inside.behind, border=f"1px solid {k.line}")
            item.style |= css(border_radius=k.size(min(10, k.theme.radius)), padding="0 16px")
            item.style["margin-bottom"] = k.size(gap) if at < count - 1 else "0"
        else:
            item.style["border-bottom"] = f"1px solid {k.line}"
        item.style["list-style"] = "none"
        items.append(item)
    return El(k.pick("div", "div", "ul", "dl", "section"), {}, items, "accordion")


def tab(k: Kit, panels: list[El], names: list[str]) -> El:
    """A bar of names, a list, and the panel that shows."""
    style, vertical = k.pick("line", "pill", "folder"), k.chance(0.2)
    bar_tag, items = k.pick("ul", "div", "nav", "div"), []
    accent = k.theme.accent if k.behind != k.theme.accent else k.ink
    for at, name in enumerate(names):
        look = css(padding=f"{k.size(9)} {k.size(16)}", color=k.ink, font_size=k.size(14))
        look |= css(background="transparent", text_decoration="none", cursor="pointer")
        if at == 0 and style == "line":
            look |= css(border_bottom=f"2px solid {accent}", color=accent)
        elif at == 0 and style == "pill":
            ink = "#ffffff" if accent != "#ffffff" else "#1d2430"
            look |= css(background=accent, color=ink, border_radius="999px")
        elif style == "folder":
            look |= css(border=f"1px solid {k.line if at == 0 else 'transparent'}")
        tag = k.pick("a", "button", "span") if at == 0 else items[0].tag if items[0].tag != "li" else "a"
        item = El(tag, look, [name])
        items.append(El("li", css(list_style="none"), [item]) if bar_tag == "ul" else item)
    look = css(display="flex", gap=k.size(k.pick(0, 4, 10)))
    if vertical:
        look |= css(flex_direction="column", width=k.size(180), flex="none", text_align="left")
    else:
        look["justify-content"] = "center" if k.theme.centred else "flex-start"
        if style == "line":
            look["border-bottom"] = f"1px solid {k.line}"
        look["margin-bottom"] = k.size(k.pick(16, 24))
    bar_ = El(bar_tag, look, items, "list")
    for panel in panels[1:]:
        panel.hidden = True
        panel.style["display"] = "none"
    holder = El("div", {}, panels) if k.chance(0.5) else None
    kids = [bar_, holder] if holder else [bar_, *panels]
    for kid in kids[1:] if vertical else ():
        kid.style["flex"] = "1"
    style_ = css(display="flex", gap=k.size(24), align_items="flex-start") if vertical else {}
    return El(k.tag("div", "section", "div"), style_, kids, "tab")


# --- free placement -------------------------------------------------------------------------------


def caption_over(k: Kit, height: int, source: str | None = None) -> El:
    """A picture that is content, with words placed on it."""
    place = k.pick("bottom", "box", "middle", "badge")
    on_photo = k.on("#202020")
    picture = image(k, height, source=source)
    if place == "box":
        inside = card_kit(k)
        over = card(k, [heading(inside, step=1.5), paragraph(inside, low=1, high=1)], pad=18)
        over.style |= css(position="absolute", left=k.size(24), bottom=k.size(24), width="60%")
    elif place == "badge":
        over = label(on_photo, k.pick("New", "Sale", "-30%", "Live", "Sold out"), font_weight=700)
        over.style |= css(position="absolute", top=k.size(14), left=k.size(14), padding="6px 12px")
        over.style |= css(background=k.theme.accent, color="#ffffff", display="block")
    else:
        kids = [heading(on_photo, step=k.pick(2, 3)), paragraph(on_photo, low=1, high=1)]
        if k.chance(0.4):
            kids.append(button(k))
        over = stack(on_photo, kids, 10)
        over.style |= css(position="absolute", left=k.size(24), right=k.size(24))
        over.style["bottom" if place == "bottom" else "top"] = k.size(24) if place == "bottom" else "30%"
        over.style["text-shadow"] = "0 1px 4px rgba(0,0,0,.7)"
    return El(k.pick("div", "figure", "div"), css(position="relative"), [picture, over], "freedom")


def collage(k: Kit, height: int) -> El:
    """Two or three pictures that lie over one another, perhaps with a card."""
    spots = [("0", "0", 66, 70), ("36%", "34%", 62, 64)]
    if k.chance(0.4):
        spots = [("0", "8%", 48, 60), ("30%", "0", 46, 64), ("54%", "34%", 44, 62)]
    kids = []
    for left, top, wide, tall in spots:
        source = pictures.photo(k.rng, 400, round(height * tall / 100))
        look = css(position="absolute", left=left, top=top, width=f"{wide}%", height=f"{tall}%")
        look |= css(object_fit="cover", border_radius=k.size(k.theme.radius))
        if k.chance(0.5):
            look |= css(border=f"6px solid {k.card}")
        kids.append(El("img", look, [], "image", {"src": source, "alt": ""}))
    if k.chance(0.5):
        inside = card_kit(k)
        note = card(k, [heading(inside, words.figure(k.rng), step=2), label(inside)], pad=16, gap=4)
        note.style |= css(position="absolute", right="4%", top=k.pick("6%", "70%"))
        kids.append(note)
    return El("div", css(position="relative", height=k.size(height)), kids, "freedom")


def spotted(k: Kit, height: int) -> El:
    """A picture with signs or short words pinned to places in it."""
    kids = [image(k, height)]
    for _ in range(k.rng.randint(2, 4)):
        place = css(position="absolute", left=f"{k.rng.randint(8, 80)}%", top=f"{k.rng.randint(10, 80)}%")
        if k.chance(0.5):
            pin = icon(k, 24)
            pin.style |= css(background="#ffffff", border_radius="50%", padding="6px", display="block")
            pin.style |= css(width="36px", height="36px", box_sizing="border-box")
        else:
            pin = label(k.on("#ffffff"), words.title(k.rng, 1, 2))
            pin.style |= css(background="#ffffff", padding="5px 10px", border_radius="6px", color="#222222")
        pin.style |= place
        kids.append(pin)
    return El(k.pick("div", "figure"), css(position="relative"), kids, "freedom")


def free(k: Kit, height: int) -> El:
    return k.pick(caption_over, collage, spotted)(k, height)


def person(k: Kit, px: int, *, vertical: bool) -> El:
    """A photo with name and role."""
    who = heading(k, words.name(k.rng), step=k.pick(0, 0.6, 1))
    what = label(k, k.pick(*words.ROLES))
    photo = photo_of_person(k, px)
    if vertical:
        return stack(k, [photo, who, what], k.pick(4, 8, 10))
    photo.style.pop("margin", None)
    lines = stack(k, [who, what], k.pick(0, 2, 4))
    lines.style |= css(flex="1", text_align="left")
    look = css(display="flex", gap=k.size(12), align_items="center", text_align="left")
    return El("div", look, [photo, lines], "grid")


def text_block(k: Kit, *, step: float = 3, points: float = 0.25) -> El:
    """Heading, text, perhaps points and a button: what stands beside a picture."""
    kids = [
        label(k) if k.chance(0.35) else None,
        heading(k, step=step),
        paragraph(k, low=1, high=3),
        bullets(k, k.pick(3, 4)) if k.chance(points) else None,
        button(k) if k.chance(0.5) else links(k, 3) if k.chance(0.1) else None,
    ]
    return stack(k, kids, k.pick(10, 14, 18))
