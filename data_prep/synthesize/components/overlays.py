"""The `freedom` element: overlapping pictures, words and pictograms placed on a picture."""

from data_prep.synthesize.components import words
from data_prep.synthesize.components.containers import card, card_context, stack
from data_prep.synthesize.components.draw_context import DrawContext
from data_prep.synthesize.components.leaves import button, heading, icon, label, paragraph
from data_prep.synthesize.components.markup import El, css
from data_prep.synthesize.components.media import image
from data_prep.synthesize.components.photos import photo


def caption_over(ctx: DrawContext, height: int, source: str | None = None) -> El:
    """A picture that is content, with words placed on it."""
    place = ctx.pick("bottom", "box", "middle", "badge")
    on_photo = ctx.on("#202020")
    picture = image(ctx, height, source=source)
    if place == "box":
        inside = card_context(ctx)
        over = card(ctx, [heading(inside, step=1.5), paragraph(inside, low=1, high=1)], pad=18)
        over.style |= css(position="absolute", left=ctx.size(24), bottom=ctx.size(24), width="60%")
    elif place == "badge":
        over = label(on_photo, ctx.pick("New", "Sale", "-30%", "Live", "Sold out"), font_weight=700)
        over.style |= css(
            position="absolute", top=ctx.size(14), left=ctx.size(14), padding="6px 12px"
        )
        over.style |= css(background=ctx.theme.accent, color="#ffffff", display="block")
    else:
        kids = [heading(on_photo, step=ctx.pick(2, 3)), paragraph(on_photo, low=1, high=1)]
        if ctx.chance(0.4):
            kids.append(button(ctx))
        over = stack(on_photo, kids, 10)
        over.style |= css(position="absolute", left=ctx.size(24), right=ctx.size(24))
        over.style["bottom" if place == "bottom" else "top"] = (
            ctx.size(24) if place == "bottom" else "30%"
        )
        # Photos vary in brightness, and the text must be legible on all.
        over.style["text-shadow"] = "0 1px 4px rgba(0,0,0,.7)"
    return El(
        ctx.pick("div", "figure", "div"), css(position="relative"), [picture, over], "freedom"
    )


def collage(ctx: DrawContext, height: int) -> El:
    """Two or three overlapping pictures, perhaps with a card."""
    places = [("0", "0", 66, 70), ("36%", "34%", 62, 64)]
    if ctx.chance(0.4):
        places = [("0", "8%", 48, 60), ("30%", "0", 46, 64), ("54%", "34%", 44, 62)]
    kids = []
    for left, top, wide, tall in places:
        source = photo(ctx.text, 400, round(height * tall / 100))
        style = css(position="absolute", left=left, top=top, width=f"{wide}%", height=f"{tall}%")
        style |= css(object_fit="cover", border_radius=ctx.size(ctx.theme.radius))
        if ctx.chance(0.5):
            style |= css(border=f"6px solid {ctx.card}")
        kids.append(El("img", style, [], "image", {"src": source, "alt": ""}))
    if ctx.chance(0.5):
        inside = card_context(ctx)
        note = card(
            ctx, [heading(inside, words.figure(ctx.text), step=2), label(inside)], pad=16, gap=4
        )
        note.style |= css(position="absolute", right="4%", top=ctx.pick("6%", "70%"))
        kids.append(note)
    return El("div", css(position="relative", height=ctx.size(height)), kids, "freedom")


def spotted(ctx: DrawContext, height: int) -> El:
    """A picture with pictograms or short texts at places in it."""
    kids = [image(ctx, height)]
    for _ in range(ctx.rng.randint(2, 4)):
        place = css(
            position="absolute",
            left=f"{ctx.rng.randint(8, 80)}%",
            top=f"{ctx.rng.randint(10, 80)}%",
        )
        if ctx.chance(0.5):
            pin = icon(ctx, 24)
            pin.style |= css(
                background="#ffffff", border_radius="50%", padding="6px", display="block"
            )
            pin.style |= css(width="36px", height="36px", box_sizing="border-box")
        else:
            pin = label(ctx.on("#ffffff"), words.title(ctx.text, 1, 2))
            pin.style |= css(
                background="#ffffff", padding="5px 10px", border_radius="6px", color="#222222"
            )
        pin.style |= place
        kids.append(pin)
    return El(ctx.pick("div", "figure"), css(position="relative"), kids, "freedom")


def free(ctx: DrawContext, height: int) -> El:
    return ctx.pick(caption_over, collage, spotted)(ctx, height)
