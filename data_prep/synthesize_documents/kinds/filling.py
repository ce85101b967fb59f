"""Pages that are filled in: forms."""

from html import escape

from data_prep.synthesize_documents.kinds import parts
from data_prep.synthesize_documents.language import draw_day
from data_prep.synthesize_documents.sheet import Sheet, fill, some_date


def form(sheet: Sheet) -> str:
    rng, language = sheet.rng, sheet.language
    roomy = sheet.budget > 120
    head = parts.letterhead(sheet, address=roomy) if rng.random() < 0.5 else ""
    heading = parts.title(sheet, "form")
    intro = sheet.paragraph(fill(sheet, "consent")) if roomy or rng.random() < 0.3 else ""
    if rng.random() < 0.6:
        names = {"first_name": language.pick(rng, "first"), "last_name": language.pick(rng, "last")}
    else:
        names = {"name": language.person(rng)}
    birth = draw_day(rng)
    others = {
        "birth_date": sheet.design.write_date(language, birth.replace(year=birth.year - 40)),
        "street": language.street(rng),
        "city": language.city(rng),
        "phone": parts.phone(sheet),
        "email": parts.email(sheet),
        "occupation": language.pick(rng, "roles"),
        "member_number": parts.code(sheet),
        "nationality": language.pick(rng, "nations"),
        "iban": parts.iban(sheet),
    }
    count = rng.randint(3, min(len(others), 6 if not roomy else 9))
    chosen = [name for name in others if name in rng.sample(list(others), count)]
    pairs = [*names.items(), *((name, others[name]) for name in chosen)]
    if roomy and rng.random() < 0.5:
        half = (len(pairs) + 1) // 2
        body = "".join(
            f'<div style="flex:1">{sheet.fields(p)}</div>' for p in (pairs[:half], pairs[half:])
        )
        body = f'<div class="columns">{body}</div>'
    else:
        body = sheet.fields(pairs)
    choice = _choice(sheet) if rng.random() < 0.7 else ""
    signed = ""
    if rng.random() < 0.5:
        signed = sheet.fields([("date", some_date(sheet))])
    return f"{head}{heading}{intro}{body}{choice}{signed}"


def _choice(sheet: Sheet) -> str:
    """Boxes to tick, one of them ticked: its words are the field's value."""
    rng, language = sheet.rng, sheet.language
    options = language.sample(rng, "options", rng.randint(2, 4))
    ticked = rng.choice(options)
    parts_ = []
    for text in options:
        drawing = _tick(sheet, text == ticked)
        words = sheet.field("choice", text) if text == ticked else escape(text)
        parts_.append(f'<span class="option">{drawing} {words}</span>')
    style = "display:flex;gap:6px 16px;flex-wrap:wrap"
    html = f'<div>{sheet.label("choice")}</div><div style="{style}">{" ".join(parts_)}</div>'
    return sheet.region("list", html, "div", 'style="margin:0 0 12px"')


def _tick(sheet: Sheet, ticked: bool) -> str:
    """A box, perhaps with a cross in it: a drawing, no letters."""
    size, color = sheet.design.size, sheet.design.color
    cross = f'<path d="M3 3 L13 13 M13 3 L3 13" stroke="{color}" stroke-width="2.5"/>'
    return (
        f'<svg style="display:inline-block;vertical-align:-2px" width="{size}" height="{size}"'
        f' viewBox="0 0 16 16"><rect x="1" y="1" width="14" height="14" fill="#fff" stroke="#333"'
        f' stroke-width="1.5"/>{cross if ticked else ""}</svg>'
    )
