"""Colors of CSS Color 4 as the sRGB that a screen shows: `oklch(…)` -> `rgb(…)`.

The browser has already resolved what depends on others (`color-mix`, relative colors,
`light-dark`); what it prints is one of the functions below. Matrices and curves are those of the
CSS Color Module Level 4, https://www.w3.org/TR/css-color-4/#color-conversion-code. A color outside
of sRGB is cut off channel by channel, as Chromium paints it.
"""

import math
import re
from collections.abc import Mapping

_MODERN = re.compile(r"\b(oklch|oklab|lch|lab|color)\(([^()]*)\)")
_D50_TO_D65 = (
    (0.955473421488075, -0.02309845494876471, 0.06325924320057072),
    (-0.0283697093338637, 1.0099953980813041, 0.021041441191917323),
    (0.012314014864481998, -0.020507649298898964, 1.330365926242124),
)
_XYZ_TO_SRGB = (
    (12831 / 3959, -329 / 214, -1974 / 3959),
    (-851781 / 878810, 1648619 / 878810, 36519 / 878810),
    (705 / 12673, -2585 / 12673, 705 / 667),
)
_SRGB_TO_XYZ = (
    (506752 / 1228815, 87881 / 245763, 12673 / 70218),
    (87098 / 409605, 175762 / 245763, 12673 / 175545),
    (7918 / 409605, 87881 / 737289, 1001167 / 1053270),
)
_P3_TO_XYZ = (
    (608311 / 1250200, 189793 / 714400, 198249 / 1000160),
    (35783 / 156275, 247089 / 357200, 198249 / 2500400),
    (0, 32229 / 714400, 5220557 / 5000800),
)
_A98_TO_XYZ = (
    (573536 / 994567, 263643 / 1420810, 187206 / 994567),
    (591459 / 1989134, 6239551 / 9945670, 374412 / 4972835),
    (53769 / 1989134, 351524 / 4972835, 4929758 / 4972835),
)
_REC2020_TO_XYZ = (
    (63426534 / 99577255, 20160776 / 139408157, 47086771 / 278816314),
    (26158966 / 99577255, 472592308 / 697040785, 8267143 / 139408157),
    (0, 19567812 / 697040785, 295819943 / 278816314),
)
_PROPHOTO_TO_XYZ_D50 = (
    (0.7977666449006423, 0.13518129740053308, 0.0313477341283922),
    (0.2880748288194013, 0.711835234241873, 0.00008993693872564),
    (0.0, 0.0, 0.8251046025104602),
)
_OKLAB_TO_LMS = (
    (1.0, 0.3963377773761749, 0.2158037573099136),
    (1.0, -0.1055613458156586, -0.0638541728258133),
    (1.0, -0.0894841775298119, -1.2914855480194092),
)
_LMS_TO_XYZ = (
    (1.2268798758459243, -0.5578149944602171, 0.2813910456659647),
    (-0.0405757452148008, 1.1122868032803170, -0.0717110580655164),
    (-0.0763729366746601, -0.4214933324022432, 1.5869240198367816),
)
_WHITE_D50 = (0.3457 / 0.3585, 1.0, (1.0 - 0.3457 - 0.3585) / 0.3585)


def plain_colors(value: str) -> str:
    """A CSS value with every modern color in it written as `rgb(…)` or `rgba(…)`.

    One that cannot be read is left as it is.
    """
    return _MODERN.sub(lambda found: _plain(found) or found[0], value) if "(" in value else value


def plain_styles(styles: Mapping[str, str]) -> dict[str, str]:
    """Computed styles with plain colors."""
    return {name: plain_colors(value) for name, value in styles.items()}


def plain_changes(changes: list[dict | None]) -> list[dict | None]:
    """Changes per node, as of a variant, with plain colors."""
    return [None if change is None else plain_styles(change) for change in changes]


def _plain(found: re.Match) -> str | None:
    words, _, alpha = found[2].partition("/")
    parts = words.split()
    space = parts.pop(0) if found[1] == "color" and parts else found[1]
    try:
        numbers = [_number(word, space, place) for place, word in enumerate(parts)]
        opacity = 1.0 if not alpha.strip() else _number(alpha.strip(), "alpha", 0)
        linear = _linear_srgb(space, numbers)
    except (ValueError, KeyError):
        return None
    channels = [round(255 * min(1.0, max(0.0, _encoded(c)))) for c in linear]
    text = ", ".join(map(str, channels))
    opacity = min(1.0, max(0.0, opacity))
    return f"rgb({text})" if opacity >= 1 else f"rgba({text}, {opacity:.4g})"


def _number(word: str, space: str, place: int) -> float:
    """A channel; percentages are of 1, but of 100 or 125 in `lab`, of 0.4 in `oklab`."""
    if word == "none":
        return 0.0
    if not word.endswith("%"):
        return float(word.removesuffix("deg"))
    whole = 1.0
    if space in ("lab", "lch"):
        whole = (100.0, 150.0 if space == "lch" else 125.0, 125.0)[place]
    elif space in ("oklab", "oklch"):
        whole = (1.0, 0.4, 0.4)[place]
    return float(word[:-1]) / 100 * whole


def _linear_srgb(space: str, numbers: list[float]) -> tuple[float, ...]:
    """Linear-light sRGB of a color's three numbers; KeyError for a space that is not known."""
    one, two, three = numbers
    if space in ("lch", "oklch"):
        hue = math.radians(three)
        return _linear_srgb(space[:-2] + "ab", [one, two * math.cos(hue), two * math.sin(hue)])
    if space == "oklab":
        lms = _product(_OKLAB_TO_LMS, numbers)
        return _product(_XYZ_TO_SRGB, _product(_LMS_TO_XYZ, [v**3 for v in lms]))
    if space == "lab":
        return _product(_XYZ_TO_SRGB, _product(_D50_TO_D65, _lab_to_xyz(one, two, three)))
    if space == "srgb":
        return tuple(_decoded(v) for v in numbers)
    if space == "srgb-linear":
        return one, two, three
    if space == "xyz-d50":
        return _product(_XYZ_TO_SRGB, _product(_D50_TO_D65, numbers))
    if space == "prophoto-rgb":
        linear = [_power(v, 1.8, 16 / 512, 16) for v in numbers]
        xyz = _product(_D50_TO_D65, _product(_PROPHOTO_TO_XYZ_D50, linear))
        return _product(_XYZ_TO_SRGB, xyz)
    to_xyz, decode = {
        "xyz": (None, float),
        "xyz-d65": (None, float),
        "display-p3": (_P3_TO_XYZ, _decoded),
        "display-p3-linear": (_P3_TO_XYZ, float),
        "a98-rgb": (_A98_TO_XYZ, lambda v: math.copysign(abs(v) ** (563 / 256), v)),
        "rec2020": (_REC2020_TO_XYZ, _rec2020),
    }[space]
    linear = [decode(v) for v in numbers]
    return _product(_XYZ_TO_SRGB, _product(to_xyz, linear) if to_xyz else linear)


def _lab_to_xyz(lightness: float, a: float, b: float) -> list[float]:
    """CIE Lab, D50 white, to XYZ."""
    epsilon, kappa = 216 / 24389, 24389 / 27
    y = (lightness + 16) / 116
    x, z = y + a / 500, y - b / 200
    relative = (
        x**3 if x**3 > epsilon else (116 * x - 16) / kappa,
        y**3 if lightness > kappa * epsilon else lightness / kappa,
        z**3 if z**3 > epsilon else (116 * z - 16) / kappa,
    )
    return [r * w for r, w in zip(relative, _WHITE_D50, strict=True)]


def _product(matrix, vector) -> tuple[float, ...]:
    return tuple(sum(m * v for m, v in zip(row, vector, strict=True)) for row in matrix)


def _decoded(value: float) -> float:
    """An sRGB channel, 0 to 1, as linear light; negative ones mirrored."""
    size = abs(value)
    light = size / 12.92 if size <= 0.04045 else ((size + 0.055) / 1.055) ** 2.4
    return math.copysign(light, value)


def _encoded(light: float) -> float:
    size = abs(light)
    value = 1.055 * size ** (1 / 2.4) - 0.055 if size > 0.0031308 else 12.92 * size
    return math.copysign(value, light)


def _power(value: float, gamma: float, least: float, slope: float) -> float:
    size = abs(value)
    return math.copysign(size / slope if size <= least else size**gamma, value)


def _rec2020(value: float) -> float:
    alpha, beta = 1.09929682680944, 0.018053968510807
    size = abs(value)
    light = size / 4.5 if size < beta * 4.5 else ((size + alpha - 1) / alpha) ** (1 / 0.45)
    return math.copysign(light, value)
