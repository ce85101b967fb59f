"""The section itself: background, container, head, and the invisible clutter of real pages."""

from data_prep.synthesize.components import words
from data_prep.synthesize.components.draw_context import DrawContext
from data_prep.synthesize.components.extras import extras
from data_prep.synthesize.components.leaves import divider, heading, kicker, paragraph
from data_prep.synthesize.components.markup import El, css
from data_prep.synthesize.components.photos import photo

# The tag that names a category.
TELLING = {"navigation": "nav", "footer": "footer", "hero": "header", "blog": "main"}


def ground(ctx: DrawContext, plain: float = 0.0) -> tuple[DrawContext, dict[str, str], list[El]]:
    """Draws the background of a section.

    A picture behind the words is a backdrop: an element without a label, never an image.

    Args:
      ctx: on the page.
      plain: the probability that the section has no background of its own.

    Returns:
      The context on the background, the style that paints it, and the elements behind the content.
    """
    theme, roll = ctx.theme, 0.0 if ctx.chance(plain) else ctx.rng.random()
    if roll < 0.36:
        return ctx, {}, []  # the page itself
    if roll < 0.58:
        return ctx, css(background=theme.page), []
    if roll < 0.76:
        on = DrawContext(
            ctx.rng,
            ctx.text,
            theme,
            ctx.width,
            ctx.ink,
            ctx.muted,
            theme.soft,
            theme.card,
            theme.line,
        )
        return on, css(background=theme.soft), []
    if roll < 0.84:
        return ctx.on(theme.accent), css(background=theme.accent), []
    if roll < 0.88:
        style = css(background=f"linear-gradient(120deg,{theme.accent},{theme.accent2})")
        return ctx.on(theme.accent), style, []
    dim = ctx.pick("rgba(10,12,20,.6)", "rgba(20,20,60,.7)", "rgba(0,0,0,.5)")
    source = photo(ctx.text, 800, 500)
    on = ctx.on("#15171f")
    if roll < 0.95:
        return on, css(background=f'linear-gradient({dim},{dim}),url("{source}") center/cover'), []
    cover = css(position="absolute", left="0", top="0", width="100%", height="100%")
    behind = El("img", cover | css(object_fit="cover"), [], None, {"src": source, "alt": ""})
    veil = El("div", cover | css(background=dim), [], backdrop=True)
    return on, css(position="relative", background="#15171f"), [behind, veil]


def band(
    ctx: DrawContext,
    category: str,
    kids: list[El | None],
    grounds: tuple[dict[str, str], list[El]],
    *,
    pad: int | None = None,
    gap: int | None = None,
    wide: bool = False,
) -> El:
    """The root of a record, full width, with `kids` in a container of the theme's width (or, if
    `wide`, without one)."""
    style, behind = grounds
    kids = [kid for kid in kids if kid is not None]
    if category not in ("navigation", "footer"):
        kids += extras(ctx)
    gap = ctx.theme.gap if gap is None else gap
    inner = El("div", {}, [])
    for at, kid in enumerate(kids):
        if kid.style.get("display", "").startswith("inline"):
            kid = El("div", {}, [kid])  # or neighbors would share its line
        if at < len(kids) - 1:
            kid.style["margin-bottom"] = ctx.size(gap)
        inner.kids.append(kid)
    content = inner
    if not wide:
        inner, content = _container(ctx, inner)
    # Positioned elements are painted above others, so the content must be positioned as well.
    if behind:
        inner.style["position"] = "relative"
    pad = ctx.theme.pad if pad is None else pad
    root = El(
        ctx.tag(TELLING.get(category, "section"), "div", "section", "div", "article"),
        dict(style),
        [*behind, inner],
        "section",
    )
    root.style |= css(padding=f"{ctx.size(pad)} {ctx.size(ctx.pick(16, 24, 32, 48))}")
    root.style |= css(
        color=ctx.ink, font_size=ctx.size(ctx.theme.body), line_height=ctx.theme.line_height
    )
    if ctx.theme.responsive:
        root.tablet = css(padding=f"{ctx.size(pad * 0.8)} {ctx.size(20)}")
        root.mobile = css(padding=f"{ctx.size(pad * 0.6)} {ctx.size(16)}")
    if ctx.theme.centered:
        root.style["text-align"] = "center"
    _noise(ctx, root, inner, content)
    return root


def _container(ctx: DrawContext, inner: El) -> tuple[El, El]:
    """(the outermost box in the section, the box that holds its kids), of the theme's width."""
    wide, kind = ctx.size(ctx.theme.container), ctx.theme.profile.container
    if kind == "max":
        inner.style |= css(max_width=wide, margin="0 auto")
        return inner, inner
    if kind == "padded":
        padding = ctx.size(ctx.pick(12, 15, 15, 40))
        inner.style |= css(max_width=wide, margin_left="auto", margin_right="auto")
        inner.style |= css(padding_left=padding, padding_right=padding)
        if ctx.chance(0.7):
            inner.style["width"] = "100%"
        if ctx.theme.responsive:
            inner.tablet = css(max_width=ctx.size(720))
            inner.mobile = css(max_width="100%")
        return inner, inner
    outer = inner
    for style in (
        css(width="100%", display="flex", position="relative"),
        css(display="flex", max_width=wide, margin="0 auto", width="100%"),
    )[:: ctx.pick(1, -1)]:
        inner_ = El("div", {}, [outer])
        outer.style |= css(width="100%")
        inner_.style |= style
        outer = inner_
    outer.style |= css(margin_left="auto", margin_right="auto")
    return outer, inner


def inner_width(ctx: DrawContext) -> int:
    return min(ctx.theme.container, ctx.width - 64)


def head(ctx: DrawContext, *, step: float = 3, chance: float = 0.9) -> El | None:
    """The title of the section, perhaps with a kicker, a divider and a text."""
    if not ctx.chance(chance):
        return None
    kids = [
        kicker(ctx) if ctx.chance(0.35) else None,
        heading(ctx, step=step),
        divider(ctx) if ctx.chance(0.16) else None,
        paragraph(ctx, low=1, high=2) if ctx.chance(0.55) else None,
    ]
    kids = [kid for kid in kids if kid]
    for kid in kids[:-1]:
        kid.style["margin-bottom"] = ctx.size(ctx.pick(8, 12))
    # A narrower box is not centered by `text-align`, so it needs auto margins.
    if ctx.theme.centered:
        for kid in kids:
            if kid.mark == "paragraph" and ctx.chance(0.5):
                kid.style |= css(max_width=ctx.size(640), margin_left="auto", margin_right="auto")
            if kid.mark == "divider" and kid.style["width"] != "100%":
                kid.style |= css(margin_left="auto", margin_right="auto")
    return El(ctx.tag("header", "div"), {}, kids)


def _noise(ctx: DrawContext, root: El, inner: El, content: El) -> None:
    """Adds elements without a label: decorative shapes, clearing boxes, hidden text."""
    if ctx.chance(0.12):
        side = ctx.pick(120, 180, 260)
        style = css(position="absolute", width=f"{side}px", height=f"{side}px", border_radius="50%")
        style |= css(
            background=ctx.theme.accent2,
            opacity=".12",
            right=ctx.pick("0", "5%"),
            top=ctx.pick("0", "30%"),
        )
        style |= css(pointer_events="none")
        root.style |= css(position="relative", overflow="hidden")
        inner.style["position"] = "relative"
        root.kids.insert(0, El(ctx.pick("div", "span", "i"), style, [], backdrop=True))
    if ctx.chance(0.15):
        content.kids.append(El("div", css(clear="both")))
    if ctx.chance(0.15):
        words_ = El("div", css(display="none"), [words.sentence(ctx.text)], hidden=True)
        content.kids.insert(ctx.pick(0, len(content.kids)), words_)
