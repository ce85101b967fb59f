"""How one maker's pages look: fonts, colors, labels, formats. All its pages share it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from random import Random

from data_prep.synthesize_documents.language import Language, languages

# All of them hold Latin letters; the first four hold Cyrillic and Greek, too.
FONTS = (
    "DejaVu Sans",
    "DejaVu Serif",
    "Liberation Sans",
    "Liberation Serif",
    "Liberation Sans Narrow",
    "DejaVu Sans Mono",
    "Nimbus Roman",
    "Nimbus Sans",
    "P052",
    "C059",
    "URW Bookman",
    "URW Gothic",
)
COLORS = (
    "#1f3a5f", "#7a1f2b", "#1e5b3a", "#5b3a8c", "#8a5a12", "#0f6b74", "#333333", "#000000",
    "#a33b12", "#2b4a9b", "#4a4a4a", "#8c2f6b",
)  # fmt: skip
PAIRS = ("beside", "inline", "above", "boxed", "ruled", "spread")
TABLES = ("rules", "grid", "zebra", "boxed-head", "bare", "double")
HEADS = ("plain", "bar", "centered", "split", "split-right")


@dataclass(frozen=True)
class Design:
    """Of one maker.

    Attributes:
      pairs, table, head: layouts of labels with values, of tables, of the top of a page.
      colon: whether labels end in one.
      labels: a number that picks this maker's word for each label.
      money, date, thousands: formats.
    """

    language: str
    font: str
    title_font: str
    size: int
    leading: float
    color: str
    paper: str
    pairs: str
    table: str
    head: str
    colon: bool
    labels: int
    money: str
    date: str
    thousands: str
    margin: int
    logo: int
    dense: bool
    upper: bool

    def label(self, language: Language, name: str) -> str:
        """This maker's word for a field, in its language."""
        texts = language.texts["labels"][name]
        text = texts[Random(f"{self.labels} {name}").randrange(len(texts))]
        text = text.format(rate=self.rate)
        return text.upper() if self.upper else text

    @property
    def rate(self) -> int:
        """Its rate of tax, in percent."""
        return (7, 19, 20, 21, 23, 10)[self.labels % 6]

    def write_money(self, language: Language, cents: int) -> str:
        return self.money.format(amount=language.write_number(cents, self.thousands))

    def write_date(self, language: Language, day: date) -> str:
        return language.write_date(day, self.date)


def draw_design(seed: int, maker: int, among: Collection[str] = ()) -> Design:
    """The design of a maker of a seed. `among`: codes of languages that it may have; () for all."""
    rng = Random(f"maker {seed}/{maker}")
    codes = [code for code in languages() if not among or code in among]
    weights = [languages()[code].texts["weight"] for code in codes]
    code = rng.choices(codes, weights)[0]
    texts = languages()[code].texts
    fonts = FONTS[: texts.get("fonts", len(FONTS))]
    font = rng.choice(fonts)
    color = rng.choice(COLORS)
    return Design(
        language=code,
        font=font,
        title_font=font if rng.random() < 0.6 else rng.choice(fonts),
        size=rng.choice((12, 13, 13, 14, 15)),
        leading=rng.choice((1.25, 1.35, 1.45, 1.55)),
        color=color,
        paper=rng.choice(("#ffffff",) * 5 + ("#fdfbf4", "#f6f8fb")),
        pairs=rng.choice(PAIRS),
        table=rng.choice(TABLES),
        head=rng.choice(HEADS),
        colon=rng.random() < 0.5,
        labels=rng.randrange(1 << 30),
        money=rng.choice(texts["money"]),
        date=rng.choice(texts["dates"]),
        thousands=rng.choice(texts["thousands"]),
        margin=rng.randint(22, 48),
        logo=rng.randrange(8),
        dense=rng.random() < 0.4,
        upper=rng.random() < 0.12,
    )


def style(design: Design) -> str:
    """The rules of a page in this design, to be nested in the page's own selector."""
    d = design
    gap = 2 if d.dense else 5
    return (
        f"""
  background: {d.paper}; color: #1a1a1a; padding: {d.margin}px;
  font: {d.size}px/{d.leading} '{d.font}';
  h1, h2 {{ font: bold {d.size + 2}px/1.3 '{d.title_font}'; color: {d.color}; margin: 10px 0 3px }}
  h1 {{ font-size: {round(d.size * 1.7)}px; line-height: 1.2; margin: 0 0 12px }}
  p {{ margin: 0 0 {gap + 4}px }}
  table {{ width: 100%; border-collapse: collapse; margin: 8px 0 12px }}
  td, th {{ padding: {gap}px 6px; text-align: left; vertical-align: top }}
  .right {{ text-align: right; white-space: nowrap }}
  .group th {{ text-align: center }}
  .sums {{ margin-left: {45 + d.labels % 15}%; .pair:last-child {{ font-weight: bold }} }}
  .foot td {{ text-align: right }}
  .foot:last-child td {{ font-weight: bold }}
  .label {{ color: {d.color if d.labels % 3 else "#555"} }}
  .label {{ font-weight: {"bold" if d.labels % 2 else "normal"}; white-space: nowrap }}
  .pairs {{ margin: 0 0 12px }}
  .head {{ margin: 0 0 14px }}
  .space {{ flex: 1 }}
  .small {{ font-size: {d.size - 2}px; color: #555 }}
  .columns {{ display: flex; gap: 24px; justify-content: space-between }}
  .box {{ border: 1.5px solid {d.color}; padding: 8px 10px; margin: 0 0 10px }}
  .foot-line {{ border-top: 1px solid #999; padding-top: 5px }}
  ul {{ list-style: none; margin: 0 0 10px; padding: 0 }}
  li {{ margin: 0 0 {gap}px; padding: 0 0 0 18px; position: relative }}
  li::before {{ content: ""; position: absolute; left: 3px; top: {d.size * d.leading / 2 - 3}px;
    width: 6px; height: 6px; border-radius: {3 * (d.labels % 2)}px; background: {d.color} }}
  .text-columns {{ column-count: 2; column-gap: 22px }}
  .text-columns > * {{ break-inside: avoid }}
  h2 {{ break-after: avoid }}
  svg {{ display: block }}
  .logo {{ width: fit-content }}
"""
        + _PAIR_STYLES[d.pairs]
        + _TABLE_STYLES[d.table].format(color=d.color)
        + _HEAD_STYLES[d.head].format(color=d.color, margin=d.margin)
    )


_PAIR_STYLES = {
    "beside": (
        "  .pairs { display: grid; grid-template-columns: auto 1fr; gap: 0 14px }"
        " .pair { display: contents }\n"
    ),
    "inline": "",
    "above": "  .pair { margin: 0 0 5px } .pair .label { display: block; font-size: 85% }\n",
    "boxed": (
        "  .pair { border: 1px solid #777; padding: 2px 7px 3px; margin: 0 0 -1px }"
        " .pair .label { display: block; font-size: 82% }\n"
    ),
    "ruled": (
        "  .pair { display: grid; grid-template-columns: minmax(max-content, 42%) 1fr; gap: 0 14px;"
        " border-bottom: 1px solid #aaa; padding: 2px 0 }\n"
    ),
    "spread": (
        "  .pair { display: flex; justify-content: space-between; gap: 12px }"
        " .pair .value { text-align: right }\n"
    ),
}
_TABLE_STYLES = {
    "rules": "  td, th {{ border-bottom: 1px solid #999 }}\n",
    "grid": "  td, th {{ border: 1px solid #555 }}\n",
    "zebra": (
        "  tr:nth-child(even) td {{ background: #eef1f5 }}"
        " th {{ border-bottom: 2px solid {color} }}\n"
    ),
    "boxed-head": (
        "  th {{ background: {color}; color: #fff }} table {{ border: 1px solid {color} }}\n"
    ),
    "bare": "  th {{ font-weight: normal; color: #666; font-size: 90% }}\n",
    "double": (
        "  .head th {{ border-top: 2px solid #222; border-bottom: 1px solid #222 }}"
        " tr:last-child td {{ border-bottom: 2px solid #222 }}\n"
    ),
}
_HEAD_STYLES = {
    "plain": "",
    "bar": (
        "  .letterhead {{ background: {color}; color: #fff; margin: -{margin}px -{margin}px 16px;"
        " padding: 14px {margin}px; .small {{ color: #eee }} }}\n"
    ),
    "centered": (
        "  .letterhead {{ text-align: center; .logo {{ margin: 0 auto }} }}"
        " h1 {{ text-align: center }}\n"
    ),
    "split": "  .letterhead {{ display: flex; justify-content: space-between; gap: 16px }}\n",
    "split-right": (
        "  .letterhead {{ display: flex; flex-direction: row-reverse;"
        " justify-content: space-between; gap: 16px }} h1 {{ text-align: right }}\n"
    ),
}


def logo(design: Design, width: int = 44) -> str:
    """A drawing of the maker's own; no letters."""
    c = design.color if design.head != "bar" else "#ffffff"
    shapes = (
        f'<circle cx="20" cy="20" r="17" fill="{c}"/><circle cx="20" cy="20" r="8" fill="#999"/>',
        f'<rect x="3" y="3" width="15" height="34" fill="{c}"/>'
        f'<rect x="21" y="12" width="15" height="25" fill="#aaa"/>',
        f'<path d="M20 2 L38 37 L2 37 Z" fill="{c}"/>',
        f'<path d="M2 30 Q20 -18 38 30" stroke="{c}" stroke-width="6" fill="none"/>',
        f'<path d="M20 2 L37 14 L31 36 L9 36 L3 14 Z" fill="none" stroke="{c}" stroke-width="4"/>',
        f'<rect x="4" y="4" width="32" height="32" rx="9" fill="{c}"/>'
        '<path d="M12 28 L20 10 L28 28" stroke="#bbb" stroke-width="4" fill="none"/>',
        f'<path d="M4 20 H36 M20 4 V36" stroke="{c}" stroke-width="8"/>',
        f'<circle cx="13" cy="20" r="11" fill="{c}"/><circle cx="27" cy="20" r="11" fill="#99a"'
        ' fill-opacity="0.7"/>',
    )
    return f'<svg width="{width}" height="{width}" viewBox="0 0 40 40">{shapes[design.logo]}</svg>'
