"""What each language says: labels, names, phrases, formats; languages/*.toml holds them."""

import functools
import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

FOLDER = Path(__file__).parent / "languages"


@dataclass(frozen=True)
class Language:
    code: str
    texts: dict[str, Any]  # of the TOML file

    def pick(self, rng: Random, name: str) -> str:
        """One of a list of the file: "first", or "phrases.opening"."""
        return rng.choice(self._list(name))

    def sample(self, rng: Random, name: str, count: int) -> list[str]:
        """Different ones of a list; all of them where there are fewer."""
        texts = self._list(name)
        return rng.sample(texts, min(count, len(texts)))

    def _list(self, name: str) -> list[str]:
        found: Any = self.texts
        for part in name.split("."):
            found = found[part]
        return found

    def person(self, rng: Random) -> str:
        return f"{self.pick(rng, 'first')} {self.pick(rng, 'last')}"

    def company(self, rng: Random) -> str:
        return self.pick(rng, "companies").format(
            brand=brand(rng), brand2=brand(rng), last=self.pick(rng, "last")
        )

    def street(self, rng: Random) -> str:
        return self.pick(rng, "streets").format(n=rng.randint(1, 148))

    def city(self, rng: Random) -> str:
        return self.pick(rng, "cities").format(p=rng.randint(10100, 98999))

    def item(self, rng: Random) -> str:
        """Goods as they are written within a sentence."""
        text = self.pick(rng, "items")
        keep = self.texts.get("nouns_are_capital", False) or text[:2].isupper()
        return text if keep else text[0].lower() + text[1:]

    def noun(self, rng: Random) -> str:
        return self.pick(rng, "phrases.noun")

    def write_number(self, cents: int, thousands: str) -> str:
        whole, rest = divmod(cents, 100)
        return f"{whole:,}".replace(",", thousands) + f"{self.texts['decimal']}{rest:02d}"

    def write_date(self, day: date, form: str) -> str:
        return form.format(
            d=day.day,
            dd=f"{day.day:02d}",
            mm=f"{day.month:02d}",
            y=day.year,
            month=self.texts["months"][day.month - 1],
        )


@functools.cache
def languages() -> dict[str, Language]:
    """All that there are, by code."""
    found = {}
    for path in sorted(FOLDER.glob("*.toml")):
        with path.open("rb") as stream:
            found[path.stem] = Language(path.stem, tomllib.load(stream))
    return found


def brand(rng: Random) -> str:
    """A name that is nobody's on purpose, of two or three syllables."""
    parts = _syllables()
    middle = rng.choice("bdklmnrstv") + rng.choice("aeiou") if rng.random() < 0.6 else ""
    return (
        rng.choice(parts["starts"])
        + rng.choice(parts["vowels"])
        + middle
        + rng.choice(parts["ends"])
    )


@functools.cache
def _syllables() -> dict[str, list[str]]:
    return tomllib.loads((Path(__file__).parent / "brands.toml").read_text(encoding="utf-8"))


def draw_day(rng: Random) -> date:
    return date(2015, 1, 1) + timedelta(days=rng.randrange(365 * 12))


def in_year(day: date, year: int) -> date:
    """The same day of another year; of 29 February the 28th, where that year has none."""
    day = day if (day.month, day.day) != (2, 29) else day.replace(day=28)
    return day.replace(year=year)
