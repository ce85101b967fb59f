"""The style of one author: colors, type, spacing and habits, drawn once for all their sections."""

import colorsys
from dataclasses import dataclass
from random import Random

from data_prep.synthesize.components.style_profile import StyleProfile, draw_style_profile
from data_prep.synthesize.components.transliteration import draw_script

FONTS = (
    "'DejaVu Sans'",
    "'DejaVu Sans'",
    "'Liberation Sans'",
    "'Liberation Sans'",
    "'Liberation Sans'",
    "'Liberation Sans Narrow'",
    "'DejaVu Sans Condensed','DejaVu Sans'",
)
HEAD_FONTS = ("'DejaVu Serif'", "'Liberation Serif'", "'Liberation Mono'", "'DejaVu Sans Mono'")
SHADOWS = (
    "0 1px 3px rgba(0,0,0,.18)",
    "0 8px 24px rgba(0,0,0,.12)",
    "0 2px 10px rgba(30,40,90,.16)",
    "6px 6px 0 rgba(0,0,0,.22)",
)


@dataclass(frozen=True)
class Theme:
    profile: StyleProfile
    script: str  # of the texts (transliteration.py)
    dark: bool
    page: str
    soft: str
    card: str
    ink: str
    muted: str
    line: str
    accent: str
    accent2: str
    font: str
    head_font: str
    body: int  # px of running text
    scale: float  # ratio of neighboring text sizes
    head_weight: int
    uppercase: bool
    radius: int
    shadow: str
    card_style: str  # shadow | border | fill | both
    gap: int
    pad: int
    container: int
    centered: bool
    line_height: float
    rem: bool
    semantic: float  # probability that a tag says what the element is
    wrapper_chance: float  # probability of each additional layer of divs
    hovers: bool
    responsive: bool
    icon_kind: str  # stroke | fill | glyph | picture | font
    icon_disc: float
    button_kind: str  # fill | outline | soft | gradient | raised
    pill: bool

    def size(self, px: float) -> str:
        """A CSS length as this author writes it: rem or px."""
        if self.rem:
            return f"{px / 16:.4g}rem"
        return f"{round(px)}px"

    def text_px(self, step: float) -> int:
        """The font size, px, `step` steps above running text."""
        return round(self.body * self.scale**step)


def draw_theme(rng: Random) -> Theme:
    profile = draw_style_profile(rng)
    dark = rng.random() < 0.18
    page, soft, card, ink, muted, line = _palette(rng, dark)
    accent = _accent(rng)
    font = rng.choice(FONTS)
    body = rng.choice((12, 13, 14, 14, 15, 15, 16, 16, 16, 17, 18))
    return Theme(
        profile=profile,
        script=draw_script(rng),
        dark=dark,
        page=page,
        soft=soft,
        card=card,
        ink=ink,
        muted=muted,
        line=line,
        accent=accent,
        accent2=_accent(rng),
        font=font if rng.random() < 0.85 else rng.choice(HEAD_FONTS[:2]),
        head_font=font if rng.random() < 0.65 else rng.choice(HEAD_FONTS),
        body=body,
        scale=rng.choice((1.12, 1.16, 1.2, 1.25, 1.3)),
        head_weight=rng.choice((300, 400, 500, 500, 600, 700, 700, 700, 800)),
        uppercase=rng.random() < 0.12,
        radius=rng.choice((0, 0, 3, 4, 6, 8, 12, 16, 24)),
        shadow=rng.choice(SHADOWS),
        card_style=rng.choice(("shadow", "border", "border", "fill", "both")),
        gap=rng.choice((8, 12, 16, 20, 24, 28, 30, 32, 40)),
        pad=rng.choice((16, 24, 32, 40, 48, 56, 64, 72, 88)),
        container=rng.choice((720, 860, 920, 960, 1040, 1100, 1140, 1140, 1200, 1280)),
        centered=rng.random() < 0.35,
        line_height=rng.choice((1.3, 1.4, 1.43, 1.5, 1.5, 1.5, 1.6, 1.7, 1.8)),
        rem=rng.random() < 0.5,
        semantic=0.9 if profile.name == "plain" else rng.choice((0.1, 0.3, 0.5, 0.7, 0.9)),
        wrapper_chance=rng.choice((0.0, 0.1, 0.3, 0.6))
        if profile.layers < 2
        else rng.choice((0.6, 0.85)),
        hovers=rng.random() < 0.6,
        responsive=rng.random() < 0.8,
        icon_kind=rng.choice(("stroke", "stroke", "fill", "glyph", "picture", "font", "font")),
        icon_disc=rng.choice((0.0, 0.0, 0.3, 0.8)),
        button_kind=rng.choice(("fill", "fill", "fill", "outline", "soft", "gradient", "raised")),
        pill=rng.random() < 0.25,
    )


def _hex(hue: float, light: float, full: float) -> str:
    parts = colorsys.hls_to_rgb(hue % 1, light, full)
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)


def _palette(rng: Random, dark: bool) -> tuple[str, str, str, str, str, str]:
    """Page, soft band, card, ink, muted ink, line: grays tinted with one hue."""
    hue, full = rng.random(), rng.choice((0.0, 0.0, 0.1, 0.25, 0.5))
    if dark:
        ground = rng.choice((0.0, 0.06, 0.09, 0.13))
        steps = (ground, ground + 0.03, ground + 0.06, 0.96, rng.uniform(0.66, 0.75), 0.26)
        return tuple(_hex(hue, light, full * 0.7) for light in steps)
    page = "#ffffff" if rng.random() < 0.7 else _hex(hue, rng.uniform(0.955, 0.99), full)
    soft = _hex(hue, rng.uniform(0.93, 0.972), max(full, 0.08))
    card = "#ffffff" if rng.random() < 0.8 else _hex(hue, 0.99, full)
    ink = _hex(hue, rng.uniform(0.04, 0.2), full)
    muted = _hex(hue, rng.uniform(0.34, 0.47), full * 0.6)
    return page, soft, card, ink, muted, _hex(hue, rng.uniform(0.83, 0.91), full)


def _accent(rng: Random) -> str:
    if rng.random() < 0.1:
        return _hex(rng.random(), rng.uniform(0.1, 0.35), rng.uniform(0, 0.3))
    hue = rng.random()
    # At equal HLS lightness yellow and green appear lighter than blue.
    light = rng.uniform(0.3, 0.44) if 0.1 < hue < 0.5 else rng.uniform(0.4, 0.56)
    return _hex(hue, light, rng.uniform(0.55, 1.0))
