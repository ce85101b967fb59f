"""What pages of several kinds share: the maker's head, its foot, and lists of goods."""

from html import escape

from data_prep.synthesize_documents.design import logo
from data_prep.synthesize_documents.sheet import Sheet, fill_text


def letterhead(sheet: Sheet, field: str = "seller", *, address: bool = True) -> str:
    """The maker's name, perhaps with a drawing and an address."""
    rng, language = sheet.rng, sheet.language
    drawing = ""
    if rng.random() < 0.7:
        drawing = sheet.region("figure", logo(sheet.design), "div", 'class="logo"')
    name = f"<b>{sheet.field(field, language.company(rng))}</b>"
    if address:
        name += f'<br><span class="small">{_where(sheet, field)}</span>'
    text = sheet.region("header", name, "div")
    return f'<div class="head letterhead">{drawing}{text}</div>'


def _where(sheet: Sheet, field: str) -> str:
    """The maker's address in a line, or in several with how to reach it."""
    language, design = sheet.language, sheet.design
    street, city = language.street(sheet.rng), language.city(sheet.rng)
    if design.labels % 7 < 4:
        return sheet.field(f"{field}_address", f"{street}, {city}")
    lines = [sheet.lines(f"{field}_address", [street, city])]
    names = ("phone", "email", "tax_number")[: 1 + design.labels % 3]
    return "<br>".join(lines + [_contact(sheet, name) for name in names])


def _contact(sheet: Sheet, name: str) -> str:
    """A way to reach the maker, with its label or without, as this maker does."""
    value = sheet.field(name, CONTACTS[name](sheet))
    if name == "email" and sheet.design.labels % 2:
        return value
    return f"{sheet.label(name, ':' if sheet.design.colon else '')} {value}"


def footer(sheet: Sheet) -> str:
    """A line at the page's end: how to reach the maker, unless its head says so."""
    told = {mark.name for mark in sheet.marks if mark.role == "field"}
    left = [name for name in CONTACTS if name not in told]
    chosen = sheet.rng.sample(left, min(len(left), 2 if sheet.budget > 120 else 1))
    text = " ".join(
        f"{sheet.label(name)} {sheet.field(name, CONTACTS[name](sheet))}" for name in chosen
    )
    return sheet.region("footer", text, "div", 'class="small foot-line"')


def phone(sheet: Sheet) -> str:
    rng = sheet.rng
    return f"+{rng.randint(30, 59)} {rng.randint(20, 989)} {rng.randint(100000, 9999999)}"


def email(sheet: Sheet) -> str:
    rng, language = sheet.rng, sheet.language
    name = rng.choice(("info", "office", "mail", "contact", language.pick(rng, "last").lower()))
    host = "".join(c for c in language.pick(rng, "last").lower() if c.isalnum())
    return f"{name}@{host}.example"


def iban(sheet: Sheet) -> str:
    rng = sheet.rng
    return f"{rng.choice(('XX', 'ZZ'))}{rng.randint(10, 99)} " + " ".join(
        f"{rng.randint(0, 9999):04d}" for _ in range(3)
    )


def tax_number(sheet: Sheet) -> str:
    rng = sheet.rng
    digits = f"{rng.randint(10**8, 10**9 - 1)}"
    return rng.choice((f"XX{digits}", f"XX {digits[:3]} {digits[3:6]} {digits[6:]}", digits))


# Ways to reach a maker and to pay it, by the field's name.
CONTACTS = {"phone": phone, "email": email, "iban": iban, "tax_number": tax_number}


def code(sheet: Sheet) -> str:
    """The number of an invoice, an order, a customer."""
    rng = sheet.rng
    return rng.choice(
        (
            f"{rng.randint(1000, 99999)}",
            f"{rng.randint(2015, 2026)}-{rng.randint(1, 999):03d}",
            f"{rng.choice('ABCDEKLRST')}{rng.choice('ABCDEKLRST')}-{rng.randint(100, 99999)}",
            f"{rng.randint(10, 26)}/{rng.randint(1000, 9999)}",
        )
    )


def title(sheet: Sheet, kind: str) -> str:
    text = sheet.language.pick(sheet.rng, f"titles.{kind}")
    year = str(sheet.rng.randint(2012, 2027))
    text = text.format(
        year=year, noun=sheet.language.noun(sheet.rng), noun2=sheet.language.noun(sheet.rng)
    )
    return sheet.title(sheet.field("title", text[0].upper() + text[1:]))


def note(sheet: Sheet, html: str) -> str:
    return sheet.region("text", html, "p", 'class="small"')


def terms(sheet: Sheet) -> str:
    """Small print: what a maker says on all its pages, in a draw of its own."""
    texts = sheet.language.texts["phrases"]
    said = [*texts["payment"], *texts["note"], *texts["consent"]]
    chosen = sheet.rng.sample(said, min(len(said), sheet.rng.randint(3, 7)))
    return note(sheet, " ".join(fill_text(sheet, text) for text in chosen))


def bold(text: str) -> str:
    return f"<b>{escape(text)}</b>"
