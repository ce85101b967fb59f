"""The band itself: its ground, its inner width, its head, and the noise that real pages carry."""

from data_prep.synthesize.components import words
from data_prep.synthesize.components.draw_context import Kit
from data_prep.synthesize.components.extras import extras
from data_prep.synthesize.components.leaves import divider, heading, kicker, paragraph
from data_prep.synthesize.components.markup import El, css
from data_prep.synthesize.components.photos import photo

TELLING = {"navigation": "nav", "footer": "footer", "hero": "header", "blog": "main"}


def ground(k: Kit, plain: float = 0.0) -> tuple[Kit, dict[str, str], list[El]]:
    """The kit on the band's ground, the style that paints it, and backdrop elements behind.

    `plain` is the chance that the band has no ground of its own.

    A picture behind the words of a band is its backdrop, never an image.
    """
    theme, roll = k.theme, 0.0 if k.chance(plain) else k.rng.random()
    if roll < 0.36:
        return k, {}, []  # the page itself
    if roll < 0.58:
        return k, css(background=theme.page), []
    if roll < 0.76:
        on = Kit(k.rng, k.text, theme, k.width, k.ink, k.muted, theme.soft, theme.card, theme.line)
        return on, css(background=theme.soft), []
    if roll < 0.84:
        return k.on(theme.accent), css(background=theme.accent), []
    if roll < 0.88:
        style = css(background=f"linear-gradient(120deg,{theme.accent},{theme.accent2})")
        return k.on(theme.accent), style, []
    dim = k.pick("rgba(10,12,20,.6)", "rgba(20,20,60,.7)", "rgba(0,0,0,.5)")
    source = photo(k.text, 800, 500)
    on = k.on("#15171f")
    if roll < 0.95:
        return on, css(background=f'linear-gradient({dim},{dim}),url("{source}") center/cover'), []
    cover = css(position="absolute", left="0", top="0", width="100%", height="100%")
    behind = El("img", cover | css(object_fit="cover"), [], None, {"src": source, "alt": ""})
    veil = El("div", cover | css(background=dim), [], backdrop=True)
    return on, css(position="relative", background="#15171f"), [behind, veil]


def band(
    k: Kit,
    category: str,
    kids: list[El | None],
    grounds: tuple[dict[str, str], list[El]],
    *,
    pad: int | None = None,
    gap: int | None = None,
    wide: bool = False,
) -> El:
    """The root of a record: the whole width, its content in a container of the theme's width."""
    style, behind = grounds
    kids = [kid for kid in kids if kid is not None]
    if category not in ("navigation", "footer"):
        kids += extras(k)
    gap = k.theme.gap if gap is None else gap
    inner = El("div", {}, [])
    for at, kid in enumerate(kids):
        if kid.style.get("display", "").startswith("inline"):
            kid = El("div", {}, [kid])
        if at < len(kids) - 1:
            kid.style["margin-bottom"] = k.size(gap)
        inner.kids.append(kid)
    content = inner
    if not wide:
        inner, content = _container(k, inner)
    if behind:
        inner.style["position"] = "relative"
    pad = k.theme.pad if pad is None else pad
    root = El(
        k.tag(TELLING.get(category, "section"), "div", "section", "div", "article"),
        dict(style),
        [*behind, inner],
        "section",
    )
    root.style |= css(padding=f"{k.size(pad)} {k.size(k.pick(16, 24, 32, 48))}")
    root.style |= css(color=k.ink, font_size=k.size(k.theme.body), line_height=k.theme.line_height)
    if k.theme.responsive:
        root.tablet = css(padding=f"{k.size(pad * 0.8)} {k.size(20)}")
        root.mobile = css(padding=f"{k.size(pad * 0.6)} {k.size(16)}")
    if k.theme.centred:
        root.style["text-align"] = "center"
    _noise(k, root, inner, content)
    return root


def _container(k: Kit, inner: El) -> tuple[El, El]:
    """(what stands in the band, what holds its kids): the theme's width, as the author sets it."""
    wide, kind = k.size(k.theme.container), k.theme.manner.container
    if kind == "max":
        inner.style |= css(max_width=wide, margin="0 auto")
        return inner, inner
    if kind == "padded":
        room = k.size(k.pick(12, 15, 15, 40))
        inner.style |= css(max_width=wide, margin_left="auto", margin_right="auto")
        inner.style |= css(padding_left=room, padding_right=room)
        if k.chance(0.7):
            inner.style["width"] = "100%"
        if k.theme.responsive:
            inner.tablet = css(max_width=k.size(720))
            inner.mobile = css(max_width="100%")
        return inner, inner
    outer = inner
    for style in (
        css(width="100%", display="flex", position="relative"),
        css(display="flex", max_width=wide, margin="0 auto", width="100%"),
    )[:: k.pick(1, -1)]:
        inner_ = El("div", {}, [outer])
        outer.style |= css(width="100%")
        inner_.style |= style
        outer = inner_
    outer.style |= css(margin_left="auto", margin_right="auto")
    return outer, inner


def inner_width(k: Kit) -> int:
    return min(k.theme.container, k.width - 64)


def head(k: Kit, *, step: float = 3, chance: float = 0.9) -> El | None:
    """The band's own title, with kicker, text and line as the author likes."""
    if not k.chance(chance):
        return None
    kids = [
        kicker(k) if k.chance(0.35) else None,
        heading(k, step=step),
        divider(k) if k.chance(0.16) else None,
        paragraph(k, low=1, high=2) if k.chance(0.55) else None,
    ]
    kids = [kid for kid in kids if kid]
    for kid in kids[:-1]:
        kid.style["margin-bottom"] = k.size(k.pick(8, 12))
    if k.theme.centred:
        for kid in kids:
            if kid.mark == "paragraph" and k.chance(0.5):
                kid.style |= css(max_width=k.size(640), margin_left="auto", margin_right="auto")
            if kid.mark == "divider" and kid.style["width"] != "100%":
                kid.style |= css(margin_left="auto", margin_right="auto")
    return El(k.tag("header", "div"), {}, kids)


def _noise(k: Kit, root: El, inner: El, content: El) -> None:
    """What a reader does not see and a scraper finds: shapes, empty boxes, hidden things."""
    if k.chance(0.12):
        side = k.pick(120, 180, 260)
        look = css(position="absolute", width=f"{side}px", height=f"{side}px", border_radius="50%")
        look |= css(
            background=k.theme.accent2,
            opacity=".12",
            right=k.pick("0", "5%"),
            top=k.pick("0", "30%"),
        )
        look |= css(pointer_events="none")
        root.style |= css(position="relative", overflow="hidden")
        inner.style["position"] = "relative"
        root.kids.insert(0, El(k.pick("div", "span", "i"), look, [], backdrop=True))
    if k.chance(0.15):
        content.kids.append(El("div", css(clear="both")))
    if k.chance(0.15):
        words_ = El("div", css(display="none"), [words.sentence(k.text)], hidden=True)
        content.kids.insert(k.pick(0, len(content.kids)), words_)
