"""Pages of documents of our own making, as PDF files: letters, invoices, notices, minutes, reports.

Every text is drawn from the word lists of `components/words.py` and the phrases below; numbers add
up as on real invoices. `data_prep.documents` reads the files like anybody's.
"""

from html import escape
from pathlib import Path
from random import Random

from data_prep.browser.chromium import Browser
from data_prep.synthesize.components import words

# Smaller than A4, so that the text stays legible in small pictures, and little of it is empty.
PAPER = ("148mm", "180mm")
FONTS = ("DejaVu Sans", "DejaVu Serif", "Liberation Sans", "Liberation Serif")
OPENINGS = (
    "Thank you for your letter of {date} about the {noun}.",
    "We are writing to tell you about a change to your {noun}.",
    "Please find enclosed the {noun} that you asked for on {date}.",
    "We have received your order of {date} and will send it soon.",
)
MIDDLES = (
    "The {adjective} {noun} will be ready on {date}.",
    "Please send the {noun} back to us before {date}.",
    "If you have any questions, please call our office between nine and five.",
    "The price of the {noun} is {price} and includes all taxes.",
    "We would like to invite you to visit our {noun} in {street}.",
    "Our {role} will contact you within two weeks.",
)
CLOSINGS = ("Yours sincerely", "With kind regards", "Yours faithfully", "Best wishes")
TOPICS = (
    "The {noun} was discussed. {name} will report on {date}.",
    "It was agreed to {verb} the {noun} before {date}.",
    "{name} presented the {adjective} {noun}. There were no objections.",
    "The costs of the {noun} are {price}. The budget was approved.",
)
RULES = (
    "Please keep the {noun} clean.",
    "Do not leave the {noun} open after six.",
    "Ask our {role} before you use the {noun}.",
    "Children must be accompanied by an adult.",
    "The {noun} is closed on public holidays.",
)


def make_pdfs(browser: Browser, out: Path, seed: int, first: int, count: int) -> list[Path]:
    """Writes `count` files of one page each; page I of a seed is the same whatever `count` is."""
    paths = []
    for index in range(first, first + count):
        path = out / f"made-{seed}-{index:05d}.pdf"
        with browser.open_html(make_page(seed, index)) as tab:
            path.write_bytes(tab.pdf(*PAPER))
        paths.append(path)
    return paths


def make_page(seed: int, index: int) -> str:
    """The HTML of one page."""
    rng = Random(f"document {seed}/{index}")
    body = KINDS[index % len(KINDS)](rng)
    size, font = rng.choice((11, 12, 13)), rng.choice(FONTS)
    return f"""<!DOCTYPE html><html lang="en"><meta charset="utf-8"><style>
@page {{ margin: 0 }} body {{ margin: {rng.randint(24, 44)}px; font: {size}px/1.45 '{font}' }}
h1 {{ font-size: {size + rng.randint(5, 11)}px; margin: 0 0 14px }}
h2 {{ font-size: {size + 2}px; margin: 12px 0 4px }} p {{ margin: 0 0 8px }}
table {{ width: 100%; border-collapse: collapse; margin: 10px 0 }}
td, th {{ border-bottom: 1px solid #999; padding: 3px 4px; text-align: left }}
td + td, th + th {{ text-align: right }} .right {{ text-align: right }}
.box {{ border: 2px solid #333; padding: 10px; margin: 10px 0 }}
.bar {{ background: #2b4a6b; height: {rng.randint(10, 26)}px; margin-bottom: 14px }}
</style><body>{body}</body></html>"""


def _fill(rng: Random, phrases: tuple[str, ...]) -> str:
    text = rng.choice(phrases).format(
        noun=rng.choice(words.NOUNS),
        adjective=rng.choice(words.ADJECTIVES),
        verb=rng.choice(words.VERBS),
        date=words.date(rng),
        price=_money(rng.randint(5, 900)),
        street=_street(rng),
        role=rng.choice(words.ROLES).lower(),
        name=words.name(rng),
    )
    return escape(text)


def _money(amount: int) -> str:
    return f"{amount}.00 EUR"


def _street(rng: Random) -> str:
    return f"{rng.randint(1, 90)} {rng.choice(words.STREETS)}"


def _letterhead(rng: Random) -> str:
    bar = '<div class="bar"></div>' if rng.random() < 0.5 else ""
    return (
        f"{bar}<p><b>{rng.choice(words.BRANDS)}</b><br>{_street(rng)}</p>"
        f'<p class="right">{words.date(rng)}</p>'
    )


def letter(rng: Random) -> str:
    paragraphs = [_fill(rng, OPENINGS)]
    for _ in range(rng.randint(1, 3)):
        paragraphs.append(" ".join(_fill(rng, MIDDLES) for _ in range(rng.randint(2, 3))))
    body = "".join(f"<p>{text}</p>" for text in paragraphs)
    return (
        f"{_letterhead(rng)}<p>Dear {words.name(rng)},</p>{body}"
        f"<p>{rng.choice(CLOSINGS)},</p><br><p>{words.name(rng)}<br>{rng.choice(words.ROLES)}</p>"
    )


def invoice(rng: Random) -> str:
    rows, total = [], 0
    for _ in range(rng.randint(3, 7)):
        each, quantity = rng.randint(5, 200), rng.randint(1, 9)
        total += each * quantity
        what = f"{rng.choice(words.ADJECTIVES)} {rng.choice(words.NOUNS)}".capitalize()
        rows.append((what, str(quantity), _money(each), _money(each * quantity)))
    head = ("Description", "Quantity", "Unit price", "Amount")
    return (
        f"{_letterhead(rng)}<h1>Invoice</h1><p>Invoice number {rng.randint(1000, 9999)}<br>"
        f"Customer: {words.name(rng)}<br>Date of invoice: {words.date(rng)}</p>"
        f"{_table(head, rows)}<p class='right'><b>Total amount {_money(total)}</b></p>"
        f"<p>Please pay the total amount before {words.date(rng)}. Thank you for your order.</p>"
    )


def notice(rng: Random) -> str:
    rules = "".join(f"<li>{_fill(rng, RULES)}</li>" for _ in range(rng.randint(3, 6)))
    return (
        f"<h1>Notice to all visitors</h1><div class='box'><p>{_fill(rng, RULES)}</p></div>"
        f"<h2>Rules of the {rng.choice(words.NOUNS)}</h2><ul>{rules}</ul>"
        f"<p>Thank you for your help.</p><p class='right'>{words.name(rng)}, "
        f"{rng.choice(words.ROLES)}</p>"
    )


def minutes(rng: Random) -> str:
    items = "".join(
        f"<h2>{number}. {rng.choice(words.NOUNS).capitalize()}</h2><p>{_fill(rng, TOPICS)}</p>"
        for number in range(1, rng.randint(4, 6))
    )
    present = ", ".join(words.name(rng) for _ in range(rng.randint(2, 4)))
    return (
        f"<h1>Minutes of the meeting</h1><p>Date: {words.date(rng)}<br>Present: {present}<br>"
        f"Place: {_street(rng)}</p>{items}<p>The next meeting is on {words.date(rng)}.</p>"
    )


def report(rng: Random) -> str:
    rows = [
        (rng.choice(words.NOUNS).capitalize(), *(str(rng.randint(10, 990)) for _ in range(2)))
        for _ in range(rng.randint(3, 6))
    ]
    year = rng.randint(2017, 2025)
    parts = "".join(
        f"<h2>{title}</h2><p>{_fill(rng, MIDDLES)} {_fill(rng, TOPICS)}</p>"
        for title in rng.sample(("Summary", "Results", "Costs", "Outlook"), 2)
    )
    return (
        f"<h1>Annual report {year}</h1><p>{rng.choice(words.BRANDS)}, {_street(rng)}</p>{parts}"
        f"{_table(('Product', str(year - 1), str(year)), rows)}"
        f"<p>All figures are in thousands of euros.</p>"
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    def line(cells: tuple[str, ...], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return f"<table>{line(head, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"


KINDS = (letter, invoice, notice, minutes, report)
