"""Pages of prose: letters."""

from html import escape

from data_prep.synthesize_documents.kinds import parts
from data_prep.synthesize_documents.sheet import Sheet, fill, fill_text, plain, some_date


def letter(sheet: Sheet) -> str:
    rng, language = sheet.rng, sheet.language
    roomy = sheet.budget > 120
    head = parts.letterhead(sheet, "sender", address=roomy or rng.random() < 0.5)
    person = language.person(rng)
    to = sheet.field("recipient", person)
    if roomy or rng.random() < 0.5:
        to += f"<br>{sheet.field('recipient_address', language.street(rng))}"
    to = sheet.region("text", to, "div", 'style="margin:0 0 12px"')
    day = sheet.region("text", sheet.field("date", some_date(sheet)), "div", 'class="right"')
    facts = ""
    if roomy or rng.random() < 0.3:
        facts = sheet.fields([("reference", parts.code(sheet))])
    subject = ""
    if rng.random() < 0.7:
        text = plain(fill_text(sheet, language.pick(rng, "subjects")))
        subject = sheet.title(sheet.field("subject", text), "h2")
    greeting = language.pick(rng, "phrases.greeting").format(recipient=person)
    greeting = sheet.region("text", escape(greeting), "p")
    room = sheet.budget - 45
    paragraphs = [[fill(sheet, "opening")]]
    templates = language.sample(rng, "phrases.middle", 10)
    count = max(1, min(len(templates), rng.randint(room // 24, max(1, room // 12))))
    for template in templates[:count]:
        if len(paragraphs[-1]) > rng.randint(1, 3):
            paragraphs.append([])
        paragraphs[-1].append(fill_text(sheet, template))
    body = "".join(sheet.paragraph(" ".join(sentences)) for sentences in paragraphs)
    close = escape(language.pick(rng, "phrases.closing"))
    name = sheet.field("signature", language.person(rng))
    if roomy or rng.random() < 0.5:
        name += f"<br>{escape(language.pick(rng, 'roles'))}"
    gap = rng.randint(6, 30)
    close = sheet.region("text", f'{close},<div style="height:{gap}px"></div>{name}', "div")
    foot = parts.footer(sheet) if roomy and rng.random() < 0.6 else ""
    blocks = [to, day] if rng.random() < 0.5 else [day, to]
    return (
        f"{head}{''.join(blocks)}{facts}{subject}{greeting}{body}{close}"
        f"<div class='space'></div>{foot}"
    )
