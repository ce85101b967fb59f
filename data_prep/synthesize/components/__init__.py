"""Synthetic sections: `make_page(seed, index)` draws one, and is a pure function."""

from dataclasses import dataclass
from random import Random

from data_prep.synthesize.components import sections_informing as informing
from data_prep.synthesize.components import sections_reading as reading
from data_prep.synthesize.components import sections_selling as selling
from data_prep.synthesize.components import sections_showing as showing
from data_prep.synthesize.components import sections_trading as trading
from data_prep.synthesize.components import sections_working as working
from data_prep.synthesize.components.draw_context import make_context
from data_prep.synthesize.components.markup import El, css, derive_labels, keep_nesting
from data_prep.synthesize.components.style_profile import Sheet
from data_prep.synthesize.components.theme import draw_theme
from data_prep.synthesize.components.transliteration import transliterate_section

# (category, weight of the draw, generator)
SECTIONS = (
    ("hero", 3, selling.hero),
    ("features", 4, selling.features),
    ("pricing", 3, selling.pricing),
    ("testimonials", 3, selling.testimonials),
    ("cta", 1.5, selling.cta),
    ("cta", 2.5, selling.download),
    ("newsletter", 3, selling.newsletter),
    ("stats", 2, showing.stats),
    ("logos", 3, showing.logos),
    ("steps", 2.5, showing.steps),
    ("products", 1.5, showing.products),
    ("about", 2, showing.about),
    ("gallery", 5, showing.gallery),
    ("blog", 2, showing.blog),
    ("content", 3, showing.watch),
    ("content", 6, showing.composition),
    ("content", 13, showing.demonstration),
    ("navigation", 2.5, informing.navigation),
    ("footer", 2.5, informing.footer),
    ("faq", 5, informing.faq),
    ("team", 3, informing.team),
    ("contact", 2, informing.contact),
    ("contact", 3, informing.location),
    ("form", 2, informing.sign_in),
    ("other", 1.5, informing.events),
    ("content", 4, reading.documentation),
    ("content", 3, reading.reference),
    ("content", 4, reading.sample),
    ("blog", 2, reading.article),
    ("content", 2, reading.columns_of_text),
    ("content", 4, reading.plain_text),
    ("content", 1, reading.comments),
    ("steps", 1, reading.timeline),
    ("pricing", 0.7, reading.compare),
    ("content", 1, reading.sheet_of_facts),
    ("content", 1, reading.indexes),
    ("stats", 3, working.dashboard),
    ("content", 2, working.records),
    ("form", 1.5, working.settings),
    ("content", 1, working.notices),
    ("content", 1, working.buttons_shown),
    ("other", 1, working.lost),
    ("hero", 1.5, working.page_head),
    ("navigation", 1.5, working.steering),
    ("other", 0.7, working.chat),
    ("content", 0.7, working.board),
    ("about", 1, working.profile),
    ("content", 1, working.pictograms),
    ("products", 1.5, trading.product),
    ("products", 0.8, trading.basket),
    ("products", 0.8, trading.shelf),
    ("other", 1, trading.jobs),
    ("cta", 1, trading.consent),
    ("navigation", 0.7, trading.mega_menu),
    ("navigation", 1, trading.top_bars),
    ("footer", 1.5, trading.small_footer),
    ("contact", 1.5, trading.visit),
    ("content", 1, trading.lessons),
    ("form", 1, trading.request),
)
# Categories that always have the full width of the page.
BANDS = frozenset({"navigation", "footer", "hero"})
WIDTHS = (1024, 1280, 1280, 1280, 1280, 1366, 1440)
SITE = 8  # consecutive sections with one author, in one style


@dataclass(frozen=True)
class DrawnSection:
    """One section, drawn and labeled, not yet rendered.

    Attributes:
      name: seed, index and attempt.
      site: seed and author: sections of one site share theme, style profile and width.
      category: of the record.
      width: of the viewport, CSS px.
      root: the section's element, labels derived.
      place: the style of the box around the section.
      base: the author's style sheet: selector -> style.
      script: what the texts are written in, a name in `transliteration.SCRIPTS`.
    """

    name: str
    site: str
    category: str
    width: int
    root: El
    place: dict[str, str]
    base: Sheet
    script: str

    def shown(self) -> tuple[El, dict[str, str], Sheet]:
        """An argument of `markup.document`."""
        return self.root, self.place, self.base


def make_page(seed: int, index: int, attempt: int = 0) -> DrawnSection:
    """Section `index` of `seed`; `attempt` counts the draws that did not fit before."""
    name, site = f"{seed}/{index}/{attempt}", f"{seed}/s{index // SITE}"
    author = Random(site)
    # Seeded by the site alone, so that its sections share them.
    theme, width = draw_theme(author), author.choice(WIDTHS)
    rng = Random(name)
    category, _, make = rng.choices(SECTIONS, [weight for _, weight, _ in SECTIONS])[0]
    place = css(font_family=theme.font, background=theme.page)
    place |= css(width="100%", max_width=f"{width}px")
    if category not in BANDS and rng.random() < 0.3:
        # As beside a side bar, or on a page that is narrower than the window.
        margin = rng.choice((40, 80, 120, 200, 280))
        place |= css(padding=f"0 {rng.choice((margin, 0, 40))}px 0 {margin}px")
        width -= margin
    root = make(make_context(rng, theme, width))
    keep_nesting(root)
    derive_labels(root, theme.page)
    # The string seeds the draws: another one would change every record of a seed.
    transliterate_section(root, theme.script, Random(f"tongue of {name}"))
    width, base = int(place["max-width"][:-2]), theme.profile.base
    return DrawnSection(name, site, category, width, root, place, base, theme.script)
