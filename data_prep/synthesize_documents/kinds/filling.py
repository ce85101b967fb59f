"""Pages that are filled in for one person: forms, identity cards, certificates."""

from html import escape
from random import Random

from data_prep.synthesize_documents.design import logo
from data_prep.synthesize_documents.kinds import parts
from data_prep.synthesize_documents.language import draw_day, in_year
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
        "birth_date": sheet.design.write_date(language, in_year(birth, birth.year - 40)),
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


def identity(sheet: Sheet) -> str:
    """A card with a portrait: of staff, of members, of visitors."""
    rng, language, design = sheet.rng, sheet.language, sheet.design
    day = draw_day(rng)
    maker = sheet.region("header", sheet.field("seller", language.company(rng)))
    heading = parts.title(sheet, "identity")
    if rng.random() < 0.5:
        names = [("name", language.person(rng))]
    else:
        names = [
            ("last_name", language.pick(rng, "last")),
            ("first_name", language.pick(rng, "first")),
        ]
    others = [
        ("card_number", parts.code(sheet)),
        ("expiry", design.write_date(language, in_year(day, day.year + 5))),
        ("birth_date", design.write_date(language, in_year(draw_day(rng), 1979))),
        ("role", language.pick(rng, "roles")),
        ("nationality", language.pick(rng, "nations")),
    ]
    facts = sheet.fields([*names, *rng.sample(others, rng.randint(2, 4))])
    picture = sheet.region("figure", _portrait(rng), "div", 'class="logo"')
    sides = [picture, f'<div style="flex:1;min-width:180px">{facts}</div>']
    if rng.random() < 0.3:
        sides.reverse()
    return (
        f'{maker}{heading}<div style="display:flex;flex-wrap:wrap;gap:18px">{"".join(sides)}</div>'
    )


def _portrait(rng: Random) -> str:
    """A head and shoulders, nobody's."""
    skin = rng.choice(("#e8c39e", "#c68e64", "#8d5a3b", "#f1d3b8"))
    hair = rng.choice(("#2b1d14", "#6b4423", "#b98d4f", "#777", "#111"))
    coat = rng.choice(("#34495e", "#7a2e2e", "#2e6b4f", "#444"))
    high = rng.randint(14, 24)
    return (
        '<svg width="84" height="104" viewBox="0 0 84 104"><rect width="84" height="104"'
        f' fill="{rng.choice(("#d7dde4", "#e6e0d4", "#cfd8d2"))}"/>'
        f'<ellipse cx="42" cy="104" rx="36" ry="30" fill="{coat}"/>'
        f'<ellipse cx="42" cy="{high + 20}" rx="21" ry="24" fill="{hair}"/>'
        f'<ellipse cx="42" cy="{high + 26}" rx="17" ry="21" fill="{skin}"/></svg>'
    )


def certificate(sheet: Sheet) -> str:
    """An award in a frame, in the middle of the page."""
    rng, language = sheet.rng, sheet.language
    heading = parts.title(sheet, "certificate")
    size = sheet.design.size
    name = sheet.field("name", language.person(rng))
    name = sheet.region(
        "text", name, "div", f'style="font-size:{round(size * 1.5)}px;margin:8px 0"'
    )
    award = escape(language.pick(rng, "phrases.award"))
    course = sheet.region(
        "text", f"{award} <b>{sheet.field('course', language.pick(rng, 'phrases.course'))}</b>"
    )
    maker = sheet.region("header", sheet.field("seller", language.company(rng)))
    ends = [
        sheet.region("text", sheet.field("date", some_date(sheet))),
        sheet.region(
            "text",
            f"{sheet.field('signature', language.person(rng))}<br>"
            f'<span class="small">{escape(language.pick(rng, "roles"))}</span>',
            "div",
            'style="border-top:1px solid #555;padding-top:4px"',
        ),
    ]
    seal = sheet.region("figure", logo(sheet.design, 56), "div", 'class="logo"')
    seal = f'<div style="display:flex;justify-content:center;margin:8px 0">{seal}</div>'
    frame = f"border:{rng.choice(('3px double', '2px solid', '6px ridge'))} {sheet.design.color}"
    return (
        f'<div style="{frame};padding:22px;text-align:center;flex:1;display:flex;'
        f'flex-direction:column;justify-content:space-around">{maker}{heading}{name}{course}'
        f'{seal if rng.random() < 0.6 else ""}<div class="columns">{"".join(ends)}</div></div>'
    )
