"""Texts in other scripts, so that a model cannot rely on English words.

A text is transliterated letter by letter: it resembles a language in shape and length, and has no
meaning. Only scripts that the DejaVu and Liberation fonts contain are here.
"""

import re
import unicodedata
from random import Random

from data_prep.synthesize.components.markup import El, Raw, css

_LATIN = "abcdefghijklmnopqrstuvwxyz"
_CYRILLIC = "абцдефгхийклмнопкрстуввыжз"
_GREEK = "αβκδεφγηιξκλμνοπθρστυβωχψζ"
_HEBREW = "אבגדהוזחטיכלמנסעפצקרשתבלמנ"
_ARABIC = "ابجدهوزحطيكلمنسعفصقرشتبلمن"
# A letter of _BARE becomes, one time in five, the accented letter at the same position.
_ACCENTS = {"french": "éèêàçùôî", "northern": "äöüßåæøé", "eastern": "čšžěřůłąę"}
_BARE = {"french": "eeeacuoi", "northern": "aousaaoe", "eastern": "cszeruelae"}
_TABLES = {
    name: str.maketrans(_LATIN + _LATIN.upper(), letters + letters.upper())
    for name, letters in (
        ("cyrillic", _CYRILLIC),
        ("greek", _GREEK),
        ("hebrew", _HEBREW),
        ("arabic", _ARABIC),
    )
}
SCRIPTS = (
    ("english", 14),
    ("lorem", 6),
    ("french", 2),
    ("northern", 2),
    ("eastern", 2),
    ("cyrillic", 2),
    ("greek", 1),
    ("hebrew", 0.5),
    ("arabic", 0.5),
)
_LOREM = tuple(
    re.findall(
        "[a-z]+",
        "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut"
        " labore et dolore magna aliqua enim ad minim veniam quis nostrud exercitation ullamco"
        " laboris nisi aliquip ex ea commodo consequat duis aute irure in reprehenderit voluptate",
    )
)


def draw_script(rng: Random) -> str:
    return rng.choices([name for name, _ in SCRIPTS], [weight for _, weight in SCRIPTS])[0]


def transliterate_section(root: El, script: str, rng: Random) -> None:
    """Writes every text of the tree in `script`; right-to-left scripts mirror the section."""
    for node in root.walk():
        node.kids = [
            transliterate(kid, script, rng)
            if isinstance(kid, str) and not isinstance(kid, Raw)
            else kid
            for kid in node.kids
        ]
        for name in ("placeholder", "value"):
            if name in node.attrs:
                node.attrs[name] = transliterate(node.attrs[name], script, rng)
    if script in ("hebrew", "arabic"):
        root.style |= css(direction="rtl")


def transliterate(text: str, script: str, rng: Random) -> str:
    """`text` in the letters of `script`; digits and punctuation stay."""
    if script == "english":
        return text
    if script in _TABLES:
        return text.translate(_TABLES[script])
    if script == "lorem":
        return " ".join(_lorem(word, rng) for word in text.split(" "))
    bare, accents = _BARE[script], _ACCENTS[script]
    out = []
    for letter in text:
        at = bare.find(letter.lower())
        if at >= 0 and rng.random() < 0.2:
            accent = accents[at % len(accents)]
            letter = accent.upper() if letter.isupper() and accent != "ß" else accent
        out.append(letter)
    return unicodedata.normalize("NFC", "".join(out))


def _lorem(word: str, rng: Random) -> str:
    if not word.isalpha() and not (word[:-1].isalpha() and word[-1:] in ".,:!?"):
        return word
    mark = "" if word.isalpha() else word[-1]
    made = rng.choice(_LOREM)
    return (made.capitalize() if word[0].isupper() else made) + mark
