"""CSS values as XOJL writes them: `1.5r`, `50p`, `fff`, `0+4x+8x+00000033`, `linear+gradient`."""

import math
import re
from collections.abc import Mapping

MAX_PARTS = 8
MAX_LENGTH = 48
REM = 16  # px of `1r`, whatever the page calls a rem: a reader of the tree sees no root

_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)([a-z%]*)\Z", re.IGNORECASE)
_COLOR = re.compile(r"rgba?\(([^()]*)\)\Z")
_KEYWORD = re.compile(r"[a-z][a-z-]*\Z", re.IGNORECASE)
_FUNCTION = re.compile(r"([a-z-]+)\((.*)\)\Z", re.DOTALL | re.IGNORECASE)
# Of list-style-type: what a page calls a counter style of its own may be any word.
_MARKERS = re.compile(
    r"(disc|circle|square|none|decimal(-leading-zero)?|(lower|upper)-(roman|alpha|latin)"
    r"|lower-greek|disclosure-(open|closed))\Z"
)
# Of grid-column and grid-row: lines and areas may have names.
_LINES = re.compile(r"((auto|span|-?\d+)( |\Z))+\Z")
# Their arguments have no bounded short form (paths, matrices) or no value of their own (var, calc).
_UNWRITTEN_FUNCTIONS = frozenset({"calc", "var", "url", "path", "polygon", "matrix", "matrix3d"})
_MATRIX = re.compile(r"matrix\(([^()]*)\)")
_FAR = re.compile(r"calc\(100% - (-?[\d.]+px)\)\Z")
# Of will-change: what makes a box the place of what is placed absolutely in it.
_PLACE = re.compile(r"transform|translate|rotate|scale|perspective|filter|contain")
_FAMILIES = (
    ("mono", re.compile(r"mono|courier|consol|menlo|code", re.IGNORECASE)),
    ("sans", re.compile(r"sans|arial|helvetica|roboto|inter|verdana|system|segoe", re.IGNORECASE)),
    (
        "serif",
        re.compile(r"serif|times|georgia|garamond|slab|merriweather|playfair", re.IGNORECASE),
    ),
    ("hand", re.compile(r"script|cursive|hand|brush|comic", re.IGNORECASE)),
)


def written_value(css: str, raw: str, units: Mapping[str, str]) -> str | None:
    """The value after the `_` of a class; None where it has no short form and is left out.

    Args:
      css: the property.
      raw: the computed value as the browser prints it.
      units: CSS unit -> code of the codebook.
    """
    if css == "font-family":
        # Which font it was could name the theme; what kind it is shows in the picture.
        return next((kind for kind, pattern in _FAMILIES if pattern.search(raw)), "system")
    if css == "list-style-type" and not _MARKERS.match(raw):
        return None
    if css.startswith(("grid-column", "grid-row")) and not _LINES.match(raw):
        return None
    if css == "background-image":
        return _image(raw)
    raw = effective(css, raw)
    parts = [part for piece in split_value(raw) for part in _written(piece, units)]
    if None in parts or len(parts) > MAX_PARTS:
        return None
    # Themes write 2147483647 for "on top": any large number says the same.
    if css == "z-index" and parts and parts[0].lstrip("-").isdigit():
        parts = [str(max(-9999, min(9999, int(parts[0]))))]
    value = "+".join(parts)
    return value if 0 < len(value) <= MAX_LENGTH else None


def effective(css: str, raw: str) -> str:
    """What a computed value comes to: of several shadows the one on top, of a matrix its parts."""
    # Of several shadows the first that shows is painted on top; the others would not fit.
    if css in ("box-shadow", "text-shadow"):
        return _shadow(raw)
    if css == "transform":
        return _without_matrix(raw) or "none"
    if css == "background-position":
        return _from_the_far_side(raw)
    if css == "will-change":
        return "transform" if _PLACE.search(raw) else "auto"
    return raw


def says_nothing(css: str, raw: str) -> bool:
    """Whether a value without a written form is no loss: something else tells it."""
    # Names of counters show as some marker; `-webkit-box` is a block whose lines are counted.
    return css == "list-style-type" or (css, raw) == ("display", "-webkit-box")


def split_value(raw: str) -> list[str]:
    """Splits at spaces, commas and slashes outside parentheses."""
    parts, depth, start = [], 0, 0
    for i, char in enumerate(raw + " "):
        depth += (char == "(") - (char == ")")
        if depth == 0 and char in " ,/\t\n":
            if i > start:
                parts.append(raw[start:i])
            start = i + 1
    return parts


def color(raw: str) -> str | None:
    """`rgb(255, 0, 0)` -> `f00`; alpha adds a byte; None for what is no color."""
    match = _COLOR.match(raw)
    if not match:
        return None
    numbers = [float(n.rstrip("%")) for n in re.split(r"[,/\s]+", match[1].strip()) if n]
    if len(numbers) not in (3, 4):
        return None
    alpha = numbers[3] if len(numbers) == 4 else 1.0
    # Chromium prints `transparent` as rgba(0, 0, 0, 0); what color it would have is not seen.
    if alpha == 0:
        return "transparent"
    channels = [*numbers[:3], *([alpha * 255] if alpha < 1 else [])]
    text = "".join(f"{max(0, min(255, round(n))):02x}" for n in channels)
    pairs = [text[i : i + 2] for i in range(0, len(text), 2)]
    return "".join(p[0] for p in pairs) if all(p[0] == p[1] for p in pairs) else text


def length(px: float, units: Mapping[str, str]) -> str:
    """px in rem or px, whichever takes fewer digits; rem where they tie (24px -> `1.5r`)."""
    px = round(px, 2)
    if px == 0:
        return "0"
    # Computed values are px whatever the author wrote: the shorter spelling is the likelier one.
    rem = round(px / REM, 4)
    exact = abs(rem * REM - px) < 0.006
    if exact and "rem" in units and _digits(rem) <= min(_digits(px), 3):
        return _plain(rem) + units["rem"]
    return _plain(round(px, 1) if _digits(px) > 4 else px) + units["px"]


def _written(piece: str, units: Mapping[str, str]) -> list[str | None]:
    number = _NUMBER.match(piece)
    if number:
        value, unit = float(number[1]), number[2].lower()
        if unit == "px":
            return [length(value, units)]
        if unit and unit not in units:
            return [None]
        rounded = _plain(round(value, 2))
        return [rounded + (units[unit] if unit and rounded != "0" else "")]
    if (made := color(piece)) is not None:
        return [made]
    if _KEYWORD.match(piece):
        return [piece.lower()]
    function = _FUNCTION.match(piece)
    if function and function[1] == "repeat":
        count, *what = split_value(function[2])
        if count.isdigit() and int(count) * len(what) <= MAX_PARTS:
            return [p for w in what * int(count) for p in _written(w, units)]
    if function and function[1] not in _UNWRITTEN_FUNCTIONS:
        inner = [p for w in split_value(function[2]) for p in _written(w, units)]
        return _call(function[1].lower(), inner)
    return [None]


def _call(name: str, numbers: list[str | None]) -> list[str | None]:
    """`translatey(8px)` as a function of both axes: `translate+0+8x`."""
    if name == "scale" and len(numbers) == 2 and numbers[0] == numbers[1]:
        numbers = numbers[:1]  # Chromium prints `scale(2)` either way
    axis = re.fullmatch(r"(translate|scale|skew|rotate)(x|y|z|3d)", name)
    if not axis:
        return [name, *numbers]
    if axis[1] == "rotate":  # what turns in depth has no short form
        return ["rotate", *numbers] if axis[2] == "z" else [None]
    still = "1" if axis[1] == "scale" else "0"
    if axis[2] == "x":
        return [axis[1], *numbers, *([still] if axis[1] == "scale" else [])]
    if axis[2] == "y":
        return [axis[1], still, *numbers]
    return [axis[1], *numbers[:2]] if axis[2] == "3d" else []


def _image(raw: str) -> str | None:
    kinds = []
    for item in re.findall(r"url\(|image-set\(|(?:linear|radial|conic)-gradient\(", raw):
        kinds += ["url"] if item in ("url(", "image-set(") else [item.split("-")[0], "gradient"]
    return "+".join(dict.fromkeys(kinds)) or None


def _shadow(raw: str) -> str:
    """The first shadow of a list that shows: themes stack rings of no width before the real one."""
    for item in _items(raw):
        parts = split_value(item)
        lengths = [part for part in parts if _NUMBER.match(part)]
        clear = any(color(part) == "transparent" for part in parts)
        if item != "none" and not clear and any(float(_NUMBER.match(n)[1]) for n in lengths):
            return item
    return "none"


def _from_the_far_side(raw: str) -> str:
    """`calc(100% - 12px) 50%`, which the browser makes of `right 12px center`, as it was."""
    items = []
    for item in _items(raw):
        parts = split_value(item)
        for i, side in enumerate(("right", "bottom")[: len(parts)]):
            parts[i] = _FAR.sub(rf"{side} \1", parts[i])
        items.append(" ".join(parts))
    return ", ".join(items)


def _items(raw: str) -> list[str]:
    """Splits at commas outside parentheses."""
    items, depth, start = [], 0, 0
    for i, char in enumerate(raw + ","):
        depth += (char == "(") - (char == ")")
        if depth == 0 and char == ",":
            items.append(raw[start:i].strip())
            start = i + 1
    return items


def _without_matrix(raw: str) -> str:
    """A transform with every matrix of the plane as what makes it; "" where it does nothing."""
    return _MATRIX.sub(lambda found: _parts_of_matrix(found) or found[0], raw).strip()


def _parts_of_matrix(found: re.Match) -> str | None:
    """`matrix(0, 1, -1, 0, 5, 0)` -> `translate(5px, 0px) rotate(90deg)`; " " for that of rest."""
    try:
        a, b, c, d, x, y = (float(n) for n in found[1].split(","))
    except ValueError:
        return None
    wide, tall = math.hypot(a, b), math.hypot(c, d)
    # Sides that are not at right angles are skewed, which has no short form.
    if abs(a * c + b * d) > 1e-3 * max(wide * tall, 1e-9):
        return None
    if a * d - b * c < 0:
        tall = -tall
    out = []
    if abs(x) > 0.005 or abs(y) > 0.005:
        out.append(f"translate({x:.2f}px, {y:.2f}px)")
    turned = math.degrees(math.atan2(b, a))
    if abs(turned) > 0.005:
        out.append(f"rotate({turned:.2f}deg)")
    if abs(wide - 1) > 5e-4 or abs(tall - 1) > 5e-4:
        same = abs(wide - tall) < 5e-4
        out.append(f"scale({wide:.3f})" if same else f"scale({wide:.3f}, {tall:.3f})")
    return " ".join(out) or " "


def _digits(value: float) -> int:
    """Significant digits: 1.125 has four, 40 one."""
    return len(_plain(abs(value)).replace(".", "").strip("0")) or 1


def _plain(value: float) -> str:
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
