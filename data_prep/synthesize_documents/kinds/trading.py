"""Pages of buying and selling: invoices, price lists, tables of figures, receipts."""

from datetime import timedelta

from data_prep.synthesize_documents.kinds import parts
from data_prep.synthesize_documents.language import draw_day
from data_prep.synthesize_documents.sheet import Sheet, fill, money, some_date


def invoice(sheet: Sheet) -> str:
    rng, language, design = sheet.rng, sheet.language, sheet.design
    day = draw_day(rng)
    roomy = sheet.budget > 120
    head = parts.letterhead(sheet, address=roomy or rng.random() < 0.4)
    known = [("invoice_number", parts.code(sheet)), ("date", design.write_date(language, day))]
    more = [
        ("due_date", design.write_date(language, day + timedelta(rng.choice((7, 14, 30))))),
        ("order_number", parts.code(sheet)),
        ("customer_number", parts.code(sheet)),
    ]
    known += rng.sample(more, rng.randint(1, 3 if roomy else 2))
    rng.shuffle(known)
    person = language.company(rng) if rng.random() < 0.4 else language.person(rng)
    to = f"{sheet.label('customer')}<br>{sheet.field('customer', person)}"
    if roomy:
        to += "<br>" + sheet.lines("customer_address", [language.street(rng), language.city(rng)])
        if rng.random() < 0.4:
            to += f"<br>{sheet.field('customer_email', parts.email(sheet))}"
    elif rng.random() < 0.6:
        to += f"<br>{sheet.field('customer_address', language.street(rng))}"
    facts = sheet.fields(known)
    to = sheet.region("text", to, "div")
    sides = [to, facts] if rng.random() < 0.7 else [facts, to]
    top = "".join(f'<div class="side">{side}</div>' for side in sides)
    top = f'<div class="columns">{top}</div>' if design.labels % 4 else "".join(sides)
    heading = parts.title(sheet, "invoice")
    order = [heading, top] if design.labels % 5 else [top, heading]
    body = _goods(sheet)
    note = parts.note(sheet, fill(sheet, "payment")) if roomy or rng.random() < 0.35 else ""
    terms = parts.terms(sheet) if sheet.budget > 180 and design.labels % 3 == 0 else ""
    foot = parts.footer(sheet) if roomy or rng.random() < 0.25 else ""
    return f"{head}{''.join(order)}{body}{note}{terms}<div class='space'></div>{foot}"


def _goods(sheet: Sheet) -> str:
    """What was bought; the sums are right."""
    rng, language, design = sheet.rng, sheet.language, sheet.design
    most = max(2, min(24, (sheet.budget - 52) // 9))
    columns = rng.choice(
        (
            ["item", "quantity", "unit_price", "amount"],
            ["quantity", "item", "amount"],
            ["item", "quantity", "amount"],
            ["number", "item", "quantity", "amount"],
            ["item", "amount"],
            ["number", "item", "quantity", "unit_price", "amount"],
        )
    )
    rows, total = [], 0
    for item in language.sample(rng, "items", rng.randint(min(2, most), most)):
        count, each = rng.randint(1, 12), rng.randint(50, 24_000)
        each = each // 50 * 50 if rng.random() < 0.6 else each
        total += count * each
        texts = {
            "item": item,
            "quantity": str(count),
            "unit_price": money(sheet, each),
            "amount": money(sheet, count * each),
            "number": f"{rng.randint(100, 9999)}",
        }
        rows.append([texts[name] for name in columns])
    span = len(columns) - 1
    with_tax = rng.random() < 0.55
    tax = (total * design.rate + 50) // 100 if with_tax else 0
    sums = [("subtotal", total), ("tax", tax)] if with_tax else []
    sums = [(name, money(sheet, cents)) for name, cents in [*sums, ("total", total + tax)]]
    if design.labels % 11 < 6:
        foot = [(sheet.label(name), sheet.field(name, text), span) for name, text in sums]
        return sheet.table(columns, rows, foot=foot)
    return f'{sheet.table(columns, rows)}<div class="sums">{sheet.fields(sums)}</div>'


def price_list(sheet: Sheet) -> str:
    rng, language, design = sheet.rng, sheet.language, sheet.design
    roomy = sheet.budget > 120
    head = parts.letterhead(sheet, address=roomy) if rng.random() < 0.8 else ""
    heading = parts.title(sheet, "price_list")
    facts = ""
    if rng.random() < 0.6:
        facts = sheet.fields([("valid_from", design.write_date(language, draw_day(rng)))])
    most = max(3, min(30, (sheet.budget - 25) // 8))
    columns = rng.choice(
        (
            ["item", "unit_price"],
            ["number", "item", "unit_price"],
            ["item", "unit", "unit_price"],
            ["item", "stock", "unit_price"],
            ["number", "item", "stock", "unit_price"],
        )
    )
    rows = [
        [_good(sheet, name, item) for name in columns]
        for item in language.sample(rng, "items", rng.randint(3, most))
    ]
    note = parts.note(sheet, fill(sheet, "note")) if rng.random() < 0.6 else ""
    foot = parts.footer(sheet) if roomy and rng.random() < 0.6 else ""
    table = sheet.table(columns, rows)
    return f"{head}{heading}{facts}{table}{note}<div class='space'></div>{foot}"


def _good(sheet: Sheet, column: str, item: str) -> str:
    rng = sheet.rng
    return {
        "item": lambda: item,
        "unit_price": lambda: money(sheet, rng.randint(20, 19_999) // 5 * 5),
        "unit": lambda: sheet.language.pick(rng, "units"),
        "stock": lambda: str(rng.randint(0, 480)),
        "number": lambda: f"{rng.randint(100, 9999)}",
    }[column]()


def figures(sheet: Sheet) -> str:
    """Figures by year or month, perhaps with a row of groups above the header."""
    rng, language = sheet.rng, sheet.language
    heading = parts.title(sheet, "table")
    maker = ""
    if rng.random() < 0.5:
        maker = parts.letterhead(sheet, address=sheet.budget > 120)
    roomy = sheet.budget > 120
    count = rng.randint(2, 5 if roomy else 4)
    if rng.random() < 0.5:
        year = rng.randint(2012, 2026 - count)
        heads = [str(year + i) for i in range(count)]
    else:
        start = rng.randrange(12 - count)
        heads = [month[:3] for month in language.texts["months"][start : start + count]]
    groups = ()
    names = rng.sample(language.texts["topics"], 4)
    if count == 4 and rng.random() < 0.7:
        groups = (("", 1), (names[0], 2), (names[1], 2))
    top = rng.choice((90, 980, 9800))
    most = max(3, min(24, (sheet.budget - 20) // (count + 2)))
    rows = [
        [item, *(str(rng.randint(1, top)) for _ in heads)]
        for item in language.sample(rng, "items", rng.randint(3, most))
    ]
    bands = ()
    if not groups and len(rows) >= 4 and rng.random() < 0.5:
        first = rng.randint(2, len(rows) - 2)
        bands = ((names[2], first), (names[3], len(rows) - first))
    columns = ["item", *(f"column {head}" for head in heads)]
    item = sheet.design.label(language, "item")
    table = sheet.table(columns, rows, heads=[item, *heads], groups=groups, bands=bands)
    note = parts.note(sheet, fill(sheet, "note")) if rng.random() < 0.4 else ""
    return f"{maker}{heading}{table}{note}"


def receipt(sheet: Sheet) -> str:
    """What a till prints: narrow, the money and its change at the end."""
    rng, language = sheet.rng, sheet.language
    store = sheet.region("header", f"<b>{sheet.field('seller', language.company(rng))}</b>")
    if rng.random() < 0.7:
        store += sheet.region("text", sheet.field("seller_address", language.street(rng)))
    heading = parts.title(sheet, "receipt") if rng.random() < 0.6 else ""
    time = f"{rng.randint(7, 21):02d}:{rng.randint(0, 59):02d}"
    known = [("date", some_date(sheet)), ("time", time)]
    if rng.random() < 0.5:
        known.append(("cashier", language.pick(rng, "first")))
    facts = sheet.fields(known[: rng.randint(1, 3)])
    with_count = rng.random() < 0.6
    rows, total = [], 0
    most = max(3, min(24, (sheet.budget - 30) // 6))
    for item in language.sample(rng, "items", rng.randint(2, most)):
        count, each = rng.randint(1, 4) if with_count else 1, rng.randint(40, 4_999)
        total += count * each
        row = [item, str(count), money(sheet, count * each)]
        rows.append(row if with_count else [row[0], row[2]])
    columns = ["item", "quantity", "amount"] if with_count else ["item", "amount"]
    note = 500 * rng.randint(1, 3)
    paid = -(-total // note) * note
    span = len(columns) - 1
    foot = [("total", total), *([("paid", paid), ("change", paid - total)] * (rng.random() < 0.7))]
    table = sheet.table(
        columns,
        rows,
        foot=[(sheet.label(name), sheet.field(name, money(sheet, c)), span) for name, c in foot],
    )
    thanks = sheet.region("footer", fill(sheet, "thanks"), "div")
    return (
        f'<div style="text-align:center">{store}{heading}</div>{facts}{table}'
        f'<div style="text-align:center">{thanks}</div>'
    )
