"""Pages that report: of a company, of science. They have charts."""

from html import escape

from data_prep.synthesize_documents.kinds import parts
from data_prep.synthesize_documents.sheet import Sheet, fill, fill_text, money, plain


def report(sheet: Sheet) -> str:
    rng, language = sheet.rng, sheet.language
    roomy = sheet.budget > 120
    head = parts.letterhead(sheet, address=False)
    heading = parts.title(sheet, "report")
    used: set[str] = set()
    blocks = [_section(sheet, "topic", 3 if roomy else 1, used)]
    if roomy:
        blocks.append(_section(sheet, "topic", 3, used))
    chart = _chart(sheet) if rng.random() < 0.6 else ""
    year = rng.randint(2014, 2026)
    rows = [
        [
            topic,
            money(sheet, rng.randint(40, 9000) * 100),
            money(sheet, rng.randint(40, 9000) * 100),
        ]
        for topic in language.sample(rng, "topics", rng.randint(2, 6 if roomy else 3))
    ]
    columns = ["item", f"column {year - 1}", f"column {year}"]
    heads = [language.pick(rng, "labels.item"), str(year - 1), str(year)]
    blocks.append(sheet.table(columns, rows, heads=heads))
    rng.shuffle(blocks)
    return f"{head}{heading}{''.join(blocks)}{chart}"


def paper(sheet: Sheet) -> str:
    """The first page of an article: title, authors, abstract, sections, a figure."""
    rng, language = sheet.rng, sheet.language
    roomy = sheet.budget > 120
    heading = parts.title(sheet, "paper")
    author = sheet.field("author", language.person(rng))
    others = "".join(f", {sheet.entity('person', language.person(rng))}" for _ in range(roomy * 2))
    city = sheet.field("place", language.city(rng))
    by = sheet.region("text", f"{author}{others}<br>{city}", "div", 'style="margin:0 0 12px"')
    templates = language.sample(rng, "phrases.abstract", 4 if roomy else 2)
    abstract = sheet.region(
        "text",
        " ".join(fill_text(sheet, template) for template in templates),
        "p",
        'style="margin:0 24px 12px;font-style:italic"' if rng.random() < 0.5 else "",
    )
    count = max(1, min(7, (sheet.budget - 50) // 38))
    used: set[str] = set()
    blocks = [_section(sheet, "abstract", 4 if roomy else 1, used) for _ in range(count)]
    if rng.random() < 0.75:
        blocks.insert(rng.randint(0, len(blocks)), f"<div>{_chart(sheet)}</div>")
    body = "".join(blocks)
    if roomy and rng.random() < 0.7:
        body = f'<div class="text-columns">{body}</div>'
    if rng.random() < 0.5:
        body += sheet.region("footer", str(rng.randint(1, 480)), "div", 'class="small"')
    return f"{heading}{by}{abstract}{body}"


def _section(sheet: Sheet, phrases: str, most: int, used: set[str]) -> str:
    """A heading that is not in `used`, where there is another one, and a paragraph."""
    for _ in range(8):
        name = sheet.language.pick(sheet.rng, "phrases.section")
        if name not in used:
            break
    used.add(name)
    heading = sheet.title(escape(name), "h2")
    templates = sheet.language.sample(sheet.rng, f"phrases.{phrases}", sheet.rng.randint(1, most))
    return heading + sheet.paragraph(" ".join(fill_text(sheet, text) for text in templates))


def _chart(sheet: Sheet) -> str:
    """Bars or a line without letters, and the text below it."""
    rng, color = sheet.rng, sheet.design.color
    count = rng.randint(5, 12)
    heights = [rng.randint(8, 86) for _ in range(count)]
    step = 220 / count
    if rng.random() < 0.5:
        marks = "".join(
            f'<rect x="{20 + i * step:.1f}" y="{96 - high}" width="{step * 0.7:.1f}"'
            f' height="{high}" fill="{color}"/>'
            for i, high in enumerate(heights)
        )
    else:
        points = " ".join(f"{24 + i * step:.1f},{96 - high}" for i, high in enumerate(heights))
        marks = f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2.5"/>'
    axes = '<path d="M16 4 V97 H246" stroke="#333" fill="none" stroke-width="1.5"/>'
    drawing = f'<svg width="250" height="104" viewBox="0 0 250 104">{axes}{marks}</svg>'
    figure = sheet.region("figure", drawing, "div", 'class="logo"')
    caption = escape(plain(fill(sheet, "figure")))
    return figure + sheet.region("caption", caption, "div", 'class="small" style="margin:0 0 10px"')
