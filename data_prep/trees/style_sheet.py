"""The classes of a compact tree -> CSS: `pt_2r` becomes `.pt_2r{padding-top:2rem}`."""

import math
import re
from collections.abc import Sequence
from fractions import Fraction

from xojl_jax.xojl.codebook import ClassParts, Codebook

# The widths that a device's rules hold for, px: a tablet is 768 wide, a phone 375.
DEVICES = {"tablet": "(max-width: 1023px)", "mobile": "(max-width: 767px)"}
FONTS = {
    "sans": "sans-serif",
    "serif": "serif",
    "mono": "monospace",
    "hand": "cursive",
    "system": "system-ui",
}
_FUNCTIONS = frozenset(["transform", "filter", "backdrop-filter"])
_SHADOWS = frozenset(["box-shadow", "text-shadow"])
_UNPAINTED = frozenset(
    ["background-image", "background-position", "background-size", "background-repeat"]
)
_PLAIN = re.compile(r"-?(\d+\.?\d*|\.\d+)\Z")
_HEX = re.compile(r"(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})\Z")
_NAME = re.compile(r"[a-z][a-z0-9-]*\Z")


def style_sheet(classes: Sequence[str], codebook: Codebook) -> str:
    """A rule a class; desktop first, then narrower devices, then pseudo-classes.

    Within each, shorthands come before their longhands, as in the codebook. A class that the
    codebook does not know, or whose value has no CSS form, has no rule.
    """
    place = {code: i for i, code in enumerate(codebook.properties)}
    devices = [None, *codebook.devices]
    rules: list[tuple[tuple, str, str]] = []
    for name in classes:
        parts = codebook.split_class(name)
        declaration = declaration_of(parts, codebook)
        if declaration is None or not all(p in codebook.pseudo_classes for p in parts.pseudos):
            continue
        pseudos = "".join(_pseudo(codebook.pseudo_classes[p]) for p in parts.pseudos)
        layer, selector = (
            (devices.index(parts.device), len(parts.pseudos)),
            _escaped(name) + pseudos,
        )
        device = codebook.devices.get(parts.device, "")
        css = codebook.properties[parts.attribute]
        rules.append(((*layer, place[parts.attribute]), device, f".{selector}{{{declaration}}}"))
        if css.startswith("border-") and css.endswith("width"):  # a width says that there is a line
            line = f".{selector}{{{css.replace('width', 'style')}:solid}}"
            # -1: before all others of its layer, so that a class with another line style wins.
            rules.append(((*layer, -1), device, line))
    # Classes are equally specific (pseudo-classes aside), so of two rules the later one wins.
    lines = []
    for _, device, rule in sorted(rules, key=lambda entry: entry[0]):
        lines.append(f"@media {DEVICES[device]}{{{rule}}}" if device in DEVICES else rule)
    return "\n".join(lines) + "\n"


def declaration_of(parts: ClassParts, codebook: Codebook) -> str | None:
    """`padding-top:2rem` of a class, or None."""
    css = codebook.properties.get(parts.attribute)
    if css is None or parts.value is None or css in _UNPAINTED:
        return None
    value = css_value(css, parts.value, codebook)
    if not value:
        return None
    if css == "-webkit-line-clamp":  # it counts the lines of an old kind of box only
        return f"display:-webkit-box;-webkit-box-orient:vertical;{css}:{value}"
    drawn = {"before", "after"} & {codebook.pseudo_classes.get(p) for p in parts.pseudos}
    return f"{css}:{value}" + (';content:""' if drawn else "")


def css_value(css: str, written: str, codebook: Codebook) -> str | None:
    """The CSS text of a written value; None where there is none."""
    parts = written.split("+")
    if css == "font-family":
        # Kinds that are not known are one more `sans-serif`; once is enough.
        return ",".join(dict.fromkeys([FONTS.get(p, "sans-serif") for p in parts]))
    if css in _FUNCTIONS:
        return _calls(parts, codebook)
    if css in _SHADOWS:
        # Chromium computes a shadow with its color first, and so it is stored.
        first = _color(parts[0])
        rest = [_piece(p, codebook) for p in (parts[1:] if first else parts)]
        return " ".join([*rest, first] if first else rest)
    if css.endswith("color") or css in ("fill", "stroke"):
        return " ".join(_color(p) or p for p in parts)
    if css.startswith("grid-template-"):
        return _tracks(parts, codebook)
    pieces = [_piece(part, codebook) for part in parts]
    if css in ("grid-column", "grid-row"):
        return _lines(pieces)
    if css == "aspect-ratio" and len(pieces) >= 2:
        return " ".join([*pieces[:-2], f"{pieces[-2]} / {pieces[-1]}"])
    return " ".join(pieces)


def _color(part: str) -> str | None:
    if _HEX.match(part):
        return f"#{part}"
    return part if part in ("transparent", "currentcolor") else None


def _piece(part: str, codebook: Codebook) -> str:
    """`1.5r` -> `1.5rem`; a keyword is itself."""
    unit = codebook.units.get(part[-1:])
    if not unit or not _PLAIN.match(part[:-1]):
        return part
    return (_share(part[:-1]) if unit == "%" else part[:-1]) + unit


def _share(text: str) -> str:
    """`16.67`, of a hundred, was a sixth: six of them as they are written would not fit a row."""
    # Percentages are stored with two digits. A fraction with a small denominator that rounds to
    # the same digits is what the author meant; 24 covers grids of 12 and 24 columns.
    exact = Fraction(text) / 100
    simple = exact.limit_denominator(24)
    if abs(exact - simple) > Fraction(6, 100_000):
        return text
    # Cut off, not rounded: six sixths must not add up to more than the row.
    return f"{math.trunc(simple * 10**8) / 10**6:.6f}".rstrip("0").rstrip(".")


def _calls(parts: Sequence[str], codebook: Codebook) -> str | None:
    """`translate+-50p+-50p+rotate+45d` -> `translate(-50%,-50%) rotate(45deg)`."""
    calls: list[list[str]] = []
    for part in parts:
        if _NAME.match(part) and not _HEX.match(part):
            calls.append([part])
        elif calls:
            calls[-1].append(_piece(part, codebook))
        else:
            return None
    # A keyword here, and no function.
    if calls == [["none"]]:
        return "none"
    # A function of two dimensions takes two numbers: of `translate3d` the depth is not seen.
    return " ".join(f"{name}({','.join(numbers[:2])})" for name, *numbers in calls)


def _lines(pieces: Sequence[str]) -> str:
    """`1 span 2` -> `1 / span 2`."""
    lines: list[str] = []
    for piece in pieces:
        if lines and lines[-1] == "span":
            lines[-1] += f" {piece}"
        else:
            lines.append(piece)
    return " / ".join(lines)


def _tracks(parts: Sequence[str], codebook: Codebook) -> str | None:
    """`repeat+3+minmax+0+1f` and the like: functions by their names and numbers of arguments."""
    out: list[str] = []
    queue = list(parts)

    def track() -> str:
        part = queue.pop(0)
        if part == "minmax" and len(queue) >= 2:
            return f"minmax({track()},{track()})"
        if part == "fit-content" and queue:
            return f"fit-content({track()})"
        if part == "repeat" and len(queue) >= 2:
            count, inner = queue.pop(0), []
            # The stored form has no closing bracket: all that follows is repeated.
            while queue:
                inner.append(track())
            return f"repeat({count},{' '.join(inner)})"
        return _piece(part, codebook)

    while queue:
        out.append(track())
    return " ".join(out)


def _pseudo(name: str) -> str:
    return f"::{name}" if name in ("before", "after", "placeholder", "marker") else f":{name}"


def _escaped(name: str) -> str:
    """A class name, escaped for a selector."""
    return re.sub(r"[^A-Za-z0-9_-]", lambda m: f"\\{m[0]}", name)
