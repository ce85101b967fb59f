"""Containers: stacks, rows and grids, cards, forms, and the groups that recur in them."""

from data_prep.components import words
from data_prep.components.kit import Kit
from data_prep.components.leaves import button, heading, icon, label, paragraph
from data_prep.components.markup import El, css
from data_prep.components.media import photo_of_person
from data_prep.components.runs import bullets, links


def stack(
    k: Kit, kids: list[El | None], gap: int | None = None, *, tag: str = "div", **style
) -> El:
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
            elif (
                k.theme.centred
                and kid.style.get("width") is None
                and kid.mark not in ("icon", "button")
            ):
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
    look = css(
        display="flex", justify_content="space-between", align_items="center", gap=k.size(gap)
    )
    return El(tag, look, cells, "grid")


def beside(k: Kit, sign: El, words_: El, *, gap: int = 12) -> El:
    """A pictogram beside its text: no grid, a wrapper if anything."""
    words_.style["flex"] = "1"
    look = css(display="flex", gap=k.size(gap), align_items=k.pick("flex-start", "center"))
    return El(
        k.pick("div", "div", "li", "a"),
        look | css(text_align="left", list_style="none"),
        [sign, words_],
    )


def signed(k: Kit) -> El:
    """A pictogram beside a title and a line."""
    words_ = [heading(k, step=0.6, low=1, high=2), paragraph(k, words.sentence(k.text, 3, 6))]
    return beside(k, icon(k, k.pick(22, 28)), stack(k, words_, 4))


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
        look |= css(
            border_radius=k.size(min(8, k.theme.radius)), background="#ffffff", color="#333333"
        )
        look |= css(font_size=k.size(14), font_family="inherit")
        if name == "Message":
            kids.append(
                El("textarea", look | css(height=k.size(90)), [], None, {"placeholder": name})
            )
        else:
            kids.append(El("input", look, [], None, {"placeholder": name, "type": "text"}))
    kids.append(button(k, action))
    if len(fields) == 1 or k.chance(0.3):
        kids.append(paragraph(k, words.sentence(k.text, 5, 9), step=-0.7))
    return stack(k, kids, k.pick(8, 12, 16), tag=k.tag("form", "div"))


def person(k: Kit, px: int, *, vertical: bool) -> El:
    """A photo with name and role."""
    who = heading(k, words.name(k.text), step=k.pick(0, 0.6, 1))
    what = label(k, k.text.choice(words.ROLES))
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
