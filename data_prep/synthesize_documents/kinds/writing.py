"""Pages of prose: letters, notices, minutes."""

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


def notice(sheet: Sheet) -> str:
    """Rules for everybody, at a door."""
    rng, language = sheet.rng, sheet.language
    heading = parts.title(sheet, "notice")
    box = f'<div class="box">{sheet.paragraph(fill(sheet, "rule"))}</div>'
    templates = language.sample(rng, "phrases.rule", rng.randint(2, min(6, sheet.budget // 16)))
    rules = "".join(f"<li>{fill_text(sheet, template)}</li>" for template in templates)
    rules = sheet.region("list", rules, "ul")
    signed = ""
    if rng.random() < 0.7:
        name = sheet.field("signature", language.person(rng))
        role = escape(language.pick(rng, "roles"))
        signed = sheet.region("text", f"{name}<br>{role}", "div", 'class="right"')
    order = [box, rules] if rng.random() < 0.6 else [rules]
    drawing = parts.letterhead(sheet, address=False) if rng.random() < 0.4 else ""
    return f"{drawing}{heading}{''.join(order)}{signed}"


def minutes(sheet: Sheet) -> str:
    rng, language = sheet.rng, sheet.language
    heading = parts.title(sheet, "minutes")
    known = [
        ("date", some_date(sheet)),
        ("place", language.city(rng)),
        ("chair", language.person(rng)),
        ("present", ", ".join(language.person(rng) for _ in range(rng.randint(2, 3)))),
    ]
    facts = sheet.fields([known[0], *rng.sample(known[1:], rng.randint(1, 3))])
    topics = []
    count = max(1, min(6, (sheet.budget - 40) // 18))
    for number, topic in enumerate(language.sample(rng, "topics", rng.randint(1, count)), 1):
        topics.append(sheet.title(escape(f"{number}. {topic}"), "h2"))
        topics.append(sheet.paragraph(fill(sheet, "topic")))
    following = ""
    if rng.random() < 0.6:
        following = sheet.fields([("next_meeting", some_date(sheet))])
    return f"{heading}{facts}{''.join(topics)}{following}"
