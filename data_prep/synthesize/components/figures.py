"""Counters: large figures with a label, and countdowns."""

from data_prep.synthesize.components import words
from data_prep.synthesize.components.draw_context import DrawContext
from data_prep.synthesize.components.leaves import label
from data_prep.synthesize.components.markup import El, css


def counter(ctx: DrawContext) -> El:
    """A large figure over its label."""
    px = ctx.theme.text_px(ctx.pick(2, 3, 3.5, 4, 5))
    number = El(
        ctx.pick("div", "span", "strong", "h2", "h3", "p"),
        css(display="block", font_size=ctx.size(px), font_weight=ctx.pick(400, 700, 800)),
        _figure(ctx),
    )
    number.style |= css(
        color=ctx.ink if ctx.chance(0.5) or ctx.behind == ctx.theme.accent else ctx.theme.accent
    )
    number.style |= css(line_height="1.15")
    under = label(ctx, words.title(ctx.text, 1, 2), margin_top=ctx.size(ctx.pick(0, 4, 8)))
    kids = [number, under] if ctx.chance(0.85) else [under, number]
    return El(
        ctx.tag("div", "li", "p", "span", "article"),
        css(display="block", list_style="none"),
        kids,
        "counter",
    )


def _figure(ctx: DrawContext) -> list:
    """The figure as one text, with its unit in an element, or with each digit in one."""
    text, how = words.figure(ctx.text), ctx.pick("text", "text", "text", "unit", "digits")
    if how == "unit" and not text[-1].isdigit():
        small = css(
            font_size=".6em", color=ctx.theme.accent if ctx.behind != ctx.theme.accent else ctx.ink
        )
        return [text[:-1], El(ctx.pick("span", "small", "sup"), small, [text[-1]])]
    if how == "digits":
        return [El("span", css(display="inline-block"), [digit]) for digit in text]
    return [text]


def countdown(ctx: DrawContext) -> El:
    """Days, hours, minutes and seconds: one counter."""
    boxes, filled = [], ctx.chance(0.5)
    colons, round_ = ctx.chance(0.2), ctx.chance(0.15)
    units = ("Days", "Hours", "Minutes", "Seconds")[: ctx.pick(3, 4, 4)]
    px, item = ctx.pick(28, 36, 44), ctx.pick("div", "li")
    for unit in units:
        number = El("div", css(font_size=ctx.size(px), font_weight=700, color=ctx.ink))
        number.kids = [f"{ctx.text.randint(0, 59):02d}"]
        under = El("span", css(font_size=ctx.size(12), color=ctx.muted), [unit])
        style = css(text_align="center", padding=f"{ctx.size(10)} {ctx.size(16)}")
        if filled:
            style |= css(
                background=ctx.card,
                border_radius=ctx.size(ctx.theme.radius),
                color=ctx.on(ctx.card).ink,
            )
            number.style["color"], under.style["color"] = (
                ctx.on(ctx.card).ink,
                ctx.on(ctx.card).muted,
            )
        if round_:
            style |= css(width="110px", height="110px", border_radius="50%", padding="26px 0 0")
            style["border"] = f"4px solid {ctx.theme.accent}"
        if colons and boxes:
            boxes.append(El(item, css(font_size=ctx.size(px), color=ctx.ink), [":"]))
        boxes.append(El(item, style, [number, under]))
    style = css(display="flex", gap=ctx.size(ctx.pick(8, 16, 24)), list_style="none")
    style["justify-content"] = "center" if ctx.theme.centered else "flex-start"
    return El("ul" if boxes[0].tag == "li" else "div", style, boxes, "counter")
