"""The argument of every component: random generators, theme, and the colors behind it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from data_prep.synthesize.components.markup import El, css
from data_prep.synthesize.components.theme import Theme


@dataclass(frozen=True)
class DrawContext:
    """What a component needs to draw itself.

    There are two generators because siblings are usually built alike (`cells` rewinds `rng`) but
    have different words and pictures (`text` goes on).
    """

    rng: Random  # decides on style and structure
    text: Random  # draws words and pictures
    theme: Theme
    width: int  # of the viewport, CSS px
    ink: str
    muted: str
    behind: str  # the color that this component is painted over
    card: str
    line: str

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def pick(self, *options):
        return self.rng.choice(options)

    def size(self, px: float) -> str:
        return self.theme.size(px)

    def tag(self, telling: str, *others: str) -> str:
        """`telling`, the tag that says what the element is, or one of `others`, by the theme."""
        return telling if self.chance(self.theme.semantic) else self.rng.choice(others or ("div",))

    def on(self, behind: str) -> "DrawContext":
        """The context on another background color, with ink that is legible on it."""
        if _luminance(behind) < 0.4:
            return replace(
                self, behind=behind, ink="#ffffff", muted="#e3e3ea", line="#8a8a99", card="#2a2f3a"
            )
        return replace(
            self, behind=behind, ink="#1d2430", muted="#404a59", line="#d5d9e0", card="#ffffff"
        )

    def cells(self, count: int, make: Callable[[int], El]) -> list[El]:
        """`count` siblings: 85 % of the time of one structure, with different words."""
        state = self.rng.getstate() if self.chance(0.85) else None
        made = []
        for at in range(count):
            if state is not None:
                self.rng.setstate(state)
            made.append(make(at))
        return made

    def add_wrapper_divs(self, node: El) -> El:
        """`node`, perhaps inside more unstyled boxes, as page builders and frameworks add them."""
        for _ in range(max(1, self.theme.profile.layers)):
            if self.chance(self.theme.wrapper_chance):
                node = self._layer(node)
        return node

    def _layer(self, node: El) -> El:
        outer = El(self.pick("div", "div", "div", "span"), {}, [node])
        if outer.tag == "span":
            outer.style["display"] = "block"
        # Properties that place a box inside its parent move to the new box, now the parent's child.
        for key in ("flex", "margin-bottom", "margin-top", "grid-column"):
            if key in node.style:
                outer.style[key] = node.style.pop(key)
        if node.style.get("position") == "absolute":
            for key in ("position", "left", "right", "top", "bottom"):
                if key in node.style:
                    outer.style[key] = node.style.pop(key)
        if self.theme.profile.layers and self.chance(0.4):
            outer.style |= self.pick(
                css(position="relative"), css(width="100%"), css(max_width="100%")
            )
        return outer


def make_context(rng: Random, theme: Theme, width: int) -> DrawContext:
    text = Random(rng.random())
    return DrawContext(
        rng, text, theme, width, theme.ink, theme.muted, theme.page, theme.card, theme.line
    )


def _luminance(color: str) -> float:
    value = color.lstrip("#")
    red, green, blue = (int(value[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return 0.3 * red + 0.59 * green + 0.11 * blue


def block(tag: str, style: dict[str, str]) -> dict[str, str]:
    """`style`, with `display: block` where the tag is inline by default."""
    if tag in ("span", "a", "strong", "em", "small", "b", "label", "i") and "display" not in style:
        return {**css(display="block"), **style}
    return style
