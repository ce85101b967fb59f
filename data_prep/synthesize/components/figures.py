"""Large figures: what is counted, and what is left of the time."""

from data_prep.synthesize.components import words
from data_prep.synthesize.components.draw_context import Kit
from data_prep.synthesize.components.leaves import label
from data_prep.synthesize.components.markup import El, css


def counter(k: Kit) -> El:
    """A large figure over its label."""
    px = k.theme.text_px(k.pick(2, 3, 3.5, 4, 5))
    number = El(
        k.pick("div", "span", "strong", "h2", "h3", "p"),
        css(display="block", font_size=k.size(px), font_weight=k.pick(400, 700, 800)),
        _figure(k),
    )
    number.style |= css(
        color=k.ink if k.chance(0.5) or k.behind == k.theme.accent else k.theme.accent
    )
    number.style |= css(line_height="1.15")
    under = label(k, words.title(k.text, 1, 2), margin_top=k.size(k.pick(0, 4, 8)))
    kids = [number, under] if k.chance(0.85) else [under, number]
    return El(
        k.tag("div", "li", "p", "span", "article"),
        css(display="block", list_style="none"),
        kids,
        "counter",
    )


def _figure(k: Kit) -> list:
    """The figure as one text, with its unit apart, or digit by digit."""
    text, how = words.figure(k.text), k.pick("text", "text", "text", "unit", "digits")
    if how == "unit" and not text[-1].isdigit():
        small = css(font_size=".6em", color=k.theme.accent if k.behind != k.theme.accent else k.ink)
        return [text[:-1], El(k.pick("span", "small", "sup"), small, [text[-1]])]
    if how == "digits":
        return [El("span", css(display="inline-block"), [digit]) for digit in text]
    return [text]


def countdown(k: Kit) -> El:
    """Days, hours, minutes and seconds: one counter."""
    boxes, filled = [], k.chance(0.5)
    colons, round_ = k.chance(0.2), k.chance(0.15)
    units = ("Days", "Hours", "Minutes", "Seconds")[: k.pick(3, 4, 4)]
    px, item = k.pick(28, 36, 44), k.pick("div", "li")
    for unit in units:
        number = El("div", css(font_size=k.size(px), font_weight=700, color=k.ink))
        number.kids = [f"{k.text.randint(0, 59):02d}"]
        under = El("span", css(font_size=k.size(12), color=k.muted), [unit])
        look = css(text_align="center", padding=f"{k.size(10)} {k.size(16)}")
        if filled:
            look |= css(
                background=k.card, border_radius=k.size(k.theme.radius), color=k.on(k.card).ink
            )
            number.style["color"], under.style["color"] = k.on(k.card).ink, k.on(k.card).muted
        if round_:
            look |= css(width="110px", height="110px", border_radius="50%", padding="26px 0 0")
            look["border"] = f"4px solid {k.theme.accent}"
        if colons and boxes:
            boxes.append(El(item, css(font_size=k.size(px), color=k.ink), [":"]))
        boxes.append(El(item, look, [number, under]))
    look = css(display="flex", gap=k.size(k.pick(8, 16, 24)), list_style="none")
    look["justify-content"] = "center" if k.theme.centred else "flex-start"
    return El("ul" if boxes[0].tag == "li" else "div", look, boxes, "counter")
