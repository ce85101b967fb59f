"""Short English marketing texts, drawn from word lists, never copied from anybody's page.

The lists (their order and spelling as well) are part of every seed: a change changes all records.
"""

from random import Random


def _several(text: str, separator: str = " ") -> tuple[str, ...]:
    return tuple(text.split(separator))


NOUNS = _several(
    "team studio garden market library kitchen harbour workshop journey product service"
    " platform report calendar guide account project support design delivery budget energy"
    " window bridge network lesson recipe travel holiday museum clinic insurance invoice payment"
    " inbox dashboard community programme season collection delivery warehouse laptop camera"
    " bicycle coffee"
)
ADJECTIVES = _several(
    "simple quiet modern fresh local honest bright careful fast open secure flexible friendly"
    " bold clear warm handmade shared lasting smart trusted playful complete affordable daily"
    " natural"
)
VERBS = _several(
    "build grow plan share discover launch manage explore design deliver connect protect"
    " measure improve create track learn travel cook repair book compare invite"
)
GLUE = _several("for with without beyond behind across inside")
FIRST = _several(
    "Ada Ben Clara Dario Elif Farah Goran Hana Ivo Jonas Kira Lena Milo Nora Omar Petra"
)
LAST = _several("Abel Berg Costa Dahl Evers Ferro Gruber Holt Ito Jansen Keller Lind Moreau Novak")
ROLES = _several(
    "Head of design;Engineer;Founder;Product lead;Customer;Photographer;Marketing;Chef;Architect",
    ";",
)
BRANDS = _several("Nordlys Kestrel Ambra Fjord Lumen Tessel Quarry Velo Mistral Pollen Onda Ravel")
LABELS = _several(
    "New;About us;Our work;Features;Why us;How it works;Popular;Since 2009;Open"
    " source;Beta;Journal",
    ";",
)
ACTIONS = _several(
    "Get started;Learn more;Sign up;Book a demo;Contact us;Buy now;Read more;Try it"
    " free;Subscribe;Download;See plans;Join us;Watch;Order;View all;Start free trial;Send;Apply",
    ";",
)
MENU = _several(
    "Home About Services Work Pricing Blog Contact Team Careers Docs Shop Events News Support Press"
)
MONTHS = _several("January February March April May June July August September October November")
STREETS = ["Mill Lane", "Harbour Street", "Oak Avenue", "Station Road", "North Quay"]


def title(rng: Random, low: int = 2, high: int = 6) -> str:
    """A headline without a full stop."""
    parts = []
    while len(parts) < rng.randint(low, high):
        shape = rng.randrange(4)
        if shape == 0:
            parts += [rng.choice(VERBS), rng.choice(ADJECTIVES), rng.choice(NOUNS)]
        elif shape == 1:
            parts += [rng.choice(ADJECTIVES), rng.choice(NOUNS)]
        elif shape == 2 and parts:
            parts += [rng.choice(GLUE), rng.choice(NOUNS)]
        else:
            parts += [rng.choice(VERBS), "your", rng.choice(NOUNS)]
    parts = parts[: high + 1]
    while parts[-1] in GLUE or parts[-1] in ("your", "and"):
        parts.pop()
    text = " ".join(parts)
    return text[0].upper() + text[1:]


def sentence(rng: Random, low: int = 7, high: int = 16) -> str:
    count, parts = rng.randint(low, high), ["we" if rng.random() < 0.3 else "the"]
    while len(parts) < count:
        parts += rng.choice(
            (
                [rng.choice(ADJECTIVES), rng.choice(NOUNS)],
                [rng.choice(VERBS), "the", rng.choice(NOUNS)],
                [rng.choice(GLUE), "every", rng.choice(NOUNS)],
                ["and", rng.choice(VERBS), rng.choice(ADJECTIVES), rng.choice(NOUNS)],
            )
        )
    text = " ".join(parts)
    return text[0].upper() + text[1:] + "."


def sentences(rng: Random, low: int = 1, high: int = 3) -> str:
    return " ".join(sentence(rng) for _ in range(rng.randint(low, high)))


def name(rng: Random) -> str:
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"


def date(rng: Random) -> str:
    return f"{rng.randint(1, 28)} {rng.choice(MONTHS)} {rng.randint(2016, 2026)}"


def figure(rng: Random) -> str:
    """A large number as people print it."""
    return rng.choice(
        (
            f"{rng.randint(2, 99)}%",
            f"{rng.randint(1, 900)}k",
            f"{rng.randint(1, 99)},{rng.randint(100, 999)}",
            f"{rng.randint(10, 999)}+",
            f"{rng.randint(1, 9)}.{rng.randint(1, 9)}M",
            f"{rng.randint(2, 48)}",
            f"${rng.randint(2, 90)}M",
        )
    )


def price(rng: Random) -> str:
    return f"{rng.choice('$€£')}{rng.choice((0, 5, 9, 12, 19, 24, 29, 39, 49, 79, 99, 120, 249))}"


def menu(rng: Random, count: int) -> list[str]:
    return rng.sample(MENU, count)


def action(rng: Random) -> str:
    return rng.choice(ACTIONS)
