"""How one section looks and how its author writes mark-up: drawn once, then obeyed throughout."""

from dataclasses import dataclass
from random import Random

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
# page, soft band, card, ink, muted ink, line
LIGHT = (
    ("#ffffff", "#f5f7fa", "#ffffff", "#1f2933", "#616e7c", "#dde3ea"),
    ("#ffffff", "#f8f5f0", "#fffdf9", "#2b2622", "#7a7068", "#e6ddd2"),
    ("#fafafa", "#eeeeee", "#ffffff", "#111111", "#666666", "#d4d4d4"),
    ("#ffffff", "#eef4ff", "#ffffff", "#152347", "#5d6b8a", "#d5e0f5"),
    ("#f6fbf7", "#e6f4ea", "#ffffff", "#16301f", "#567060", "#cfe5d6"),
    ("#fffaf5", "#ffeedd", "#ffffff", "#33231a", "#86705f", "#f3dcc6"),
)
DARK = (
    ("#101418", "#181e24", "#1f272f", "#f2f5f7", "#9aa7b2", "#323d47"),
    ("#14122b", "#1c1940", "#262255", "#f4f2ff", "#a9a3d6", "#3a3572"),
    ("#000000", "#121212", "#1c1c1c", "#fafafa", "#9e9e9e", "#333333"),
    ("#0d1f1a", "#132b24", "#1a382f", "#eafaf3", "#93b8aa", "#2b5044"),
)
# fmt: off
ACCENTS = (
    "#2563eb", "#7c3aed", "#db2777", "#dc2626", "#ea580c", "#16a34a",
    "#0d9488", "#0891b2", "#4f46e5", "#b45309", "#be123c", "#15803d",
)
# fmt: on
SHADOWS = (
    "0 1px 3px rgba(0,0,0,.18)",
    "0 8px 24px rgba(0,0,0,.12)",
    "0 2px 10px rgba(30,40,90,.16)",
    "6px 6px 0 rgba(0,0,0,.22)",
)


@dataclass(frozen=True)
class Theme:
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
    scale: float  # ratio of neighbouring text sizes
    head_weight: int
    uppercase: bool
    radius: int
    shadow: str
    card_style: str  # shadow | border | fill | both
    gap: int
    pad: int
    container: int
    centred: bool
    line_height: float
    rem: bool
    semantic: float  # chance that a tag says what the thing is
    soup: float  # chance of one more layer of divs
    hovers: bool
    responsive: bool
    grid_css: str  # grid | flex | inline
    icon_kind: str  # stroke | fill | glyph | picture
    icon_disc: float
    button_kind: str  # fill | outline | soft | gradient | raised
    pill: bool

    def size(self, px: float) -> str:
        """A length as this author writes it: rem or px."""
        if self.rem:
            return f"{px / 16:.4g}rem"
        return f"{round(px)}px"

    def text_px(self, step: float) -> int:
        """Text size `step` steps above running text."""
        return round(self.body * self.scale**step)


def draw_theme(rng: Random) -> Theme:
    dark = rng.random() < 0.22
    page, soft, card, ink, muted, line = rng.choice(DARK if dark else LIGHT)
    font = rng.choice(FONTS)
    return Theme(
        dark=dark,
        page=page,
        soft=soft,
        card=card,
        ink=ink,
        muted=muted,
        line=line,
        accent=rng.choice(ACCENTS),
        accent2=rng.choice(ACCENTS),
        font=font if rng.random() < 0.85 else rng.choice(HEAD_FONTS[:2]),
        head_font=font if rng.random() < 0.6 else rng.choice(HEAD_FONTS),
        body=rng.choice((13, 14, 14, 15, 15, 16, 16, 17)),
        scale=rng.choice((1.16, 1.2, 1.25, 1.3)),
        head_weight=rng.choice((400, 600, 700, 700, 700, 800)),
        uppercase=rng.random() < 0.12,
        radius=rng.choice((0, 0, 4, 6, 8, 12, 16, 24)),
        shadow=rng.choice(SHADOWS),
        card_style=rng.choice(("shadow", "border", "fill", "both")),
        gap=rng.choice((12, 16, 20, 24, 28, 32, 40)),
        pad=rng.choice((32, 40, 48, 56, 64, 72, 88)),
        container=rng.choice((860, 920, 960, 1040, 1100, 1140, 1200, 1280)),
        centred=rng.random() < 0.5,
        line_height=rng.choice((1.3, 1.4, 1.5, 1.6, 1.7)),
        rem=rng.random() < 0.5,
        semantic=rng.choice((0.1, 0.3, 0.5, 0.85)),
        soup=rng.choice((0.0, 0.1, 0.3, 0.6)),
        hovers=rng.random() < 0.5,
        responsive=rng.random() < 0.6,
        grid_css=rng.choice(("grid", "grid", "flex", "flex", "inline")),
        icon_kind=rng.choice(("stroke", "stroke", "fill", "glyph", "picture")),
        icon_disc=rng.choice((0.0, 0.3, 0.8)),
        button_kind=rng.choice(("fill", "fill", "outline", "soft", "gradient", "raised")),
        pill=rng.random() < 0.3,
    )
