"""Sections of our own making: `make_page(seed, index)` draws one, and is a pure function."""

from dataclasses import dataclass
from random import Random

from data_prep.components import sections_informing as informing
from data_prep.components import sections_selling as selling
from data_prep.components import sections_showing as showing
from data_prep.components.kit import make_kit
from data_prep.components.markup import El, css, derive_labels, keep_nesting
from data_prep.components.theme import draw_theme

# (category, weight, what makes it)
SECTIONS = (
    ("hero", 3, selling.hero),
    ("features", 4, selling.features),
    ("pricing", 2, selling.pricing),
    ("testimonials", 2, selling.testimonials),
    ("cta", 1, selling.cta),
    ("cta", 2, selling.download),
    ("stats", 2, showing.stats),
    ("logos", 1.5, showing.logos),
    ("steps", 1.5, showing.steps),
    ("products", 2, showing.products),
    ("newsletter", 1.5, selling.newsletter),
    ("about", 2, showing.about),
    ("navigation", 2, informing.navigation),
    ("footer", 3, informing.footer),
    ("faq", 2, informing.faq),
    ("team", 2, informing.team),
    ("contact", 2, informing.contact),
    ("contact", 2, informing.location),
    ("form", 1.5, informing.sign_in),
    ("gallery", 3, showing.gallery),
    ("blog", 2, showing.blog),
    ("content", 2, showing.watch),
    ("content", 4, showing.composition),
    ("other", 2, informing.events),
)
WIDTHS = (1024, 1024, 1280, 1280, 1280, 1440)


@dataclass(frozen=True)
class Page:
    """One section, drawn and labelled, not yet rendered.

    Attributes:
      name: seed, index and attempt.
      category: what kind of section.
      width: of the viewport, CSS px.
      root: the section's element, labels derived.
      place: the style of what the section stands in.
    """

    name: str
    category: str
    width: int
    root: El
    place: dict[str, str]


def make_page(seed: int, index: int, attempt: int = 0) -> Page:
    """Section `index` of `seed`; `attempt` counts the draws that did not fit before."""
    name = f"{seed}/{index}/{attempt}"
    rng = Random(name)
    category, _, make = rng.choices(SECTIONS, [weight for _, weight, _ in SECTIONS])[0]
    width = rng.choice(WIDTHS)
    theme = draw_theme(rng)
    root = make(make_kit(rng, theme, width))
    keep_nesting(root)
    derive_labels(root, theme.page)
    place = css(font_family=theme.font, background=theme.page, width=f"{width}px")
    return Page(name, category, width, root, place)
