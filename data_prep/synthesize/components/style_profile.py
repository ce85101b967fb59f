"""How an author writes markup: habits of well-known frameworks, page builders and older pages,
imitated by rules of our own. One profile is drawn per site and holds for all its sections."""

from dataclasses import dataclass
from random import Random

Sheet = dict[str, dict[str, str]]  # selector -> property -> value


@dataclass(frozen=True)
class StyleProfile:
    """The habits that all sections of a site share.

    Attributes:
      name: of the profile; it is not written into the HTML.
      rows: layouts of cells side by side (keys of `rows.WAYS`).
      layers: the largest number of unstyled boxes around a block.
      spacing: how blocks are separated: margin | top | gap | base (the sheet's own margins).
      card: flat | body | parts: one box, or with a body, or with head, body and foot.
      button: the proportions of buttons (`leaves._button_size`).
      container: max | padded | builder: the boxes around the content of a band.
      fields: layouts of form fields: stacked | groups | beside | inside.
      base: the style sheet of the site, before any class.
    """

    name: str
    rows: tuple[str, ...]
    layers: int
    spacing: tuple[str, ...]
    card: str
    button: str
    container: str
    fields: tuple[str, ...]
    base: Sheet


_HEADS = "h1,h2,h3,h4,h5,h6"


def _reboot(rng: Random) -> Sheet:
    """Margins below every block; pictures aligned to the middle of their line."""
    below = rng.choice(("1rem", "1rem", "15px", "10px"))
    return {
        _HEADS: {
            "margin-bottom": rng.choice((".5rem", "10px")),
            "line-height": rng.choice(("1.1", "1.2")),
            "font-weight": "500",
        },
        "p,ul,ol,dl,table,blockquote,figure": {"margin-bottom": below},
        "img,svg": {"vertical-align": "middle"},
        "table": {"width": "100%"},
        "label": {"display": "inline-block", "margin-bottom": rng.choice((".5rem", "5px"))},
        "th": {"text-align": "left"},
        "hr": {"margin": "1rem 0"},
        "pre": {"margin-bottom": below, "overflow": "auto"},
    }


def _preflight(_: Random) -> Sheet:
    """A reset: no margins, and pictures are blocks no wider than their box."""
    return {
        "img,svg,video,canvas": {"display": "block", "vertical-align": "middle"},
        "img,video": {"max-width": "100%", "height": "auto"},
        "table": {"border-collapse": "collapse", "text-indent": "0", "width": "100%"},
        "th": {"text-align": "left"},
        _HEADS: {"font-size": "inherit", "font-weight": "inherit"},
    }


def _stacked(rng: Random) -> Sheet:
    """Margins above every block but the first; pictures no wider than their box."""
    space = rng.choice(("20px", "16px", "1.5rem"))
    return {
        "p,ul,ol,dl,pre,figure,blockquote,table": {"margin-bottom": space},
        f"*+p,*+ul,*+ol,*+pre,*+figure,*+table{'' if rng.random() < 0.5 else ',*+hr'}": {
            "margin-top": space
        },
        "*+h2,*+h3,*+h4": {"margin-top": rng.choice(("40px", "30px", "2rem"))},
        "img,svg,video": {"max-width": "100%", "vertical-align": "middle"},
        "img": {"height": "auto"},
        "table": {"width": "100%", "border-collapse": "collapse"},
        "th,td": {"padding": "1rem .75rem", "text-align": "left", "vertical-align": "top"},
        "th": {"vertical-align": "bottom"},
    }


def _browser(rng: Random) -> Sheet:
    """The browser's own default margins, which `markup.RESET` takes away."""
    sheet = {
        "p,ul,ol,dl,pre,figure": {"margin": "1em 0"},
        _HEADS: {"margin": rng.choice(("0.67em 0", "1em 0 .5em", "1.2em 0 .6em"))},
        "blockquote": {"margin": "1em 40px"},
        "th": {"text-align": "left"},
        "td,th": {"padding": rng.choice(("4px", "6px 13px", "1px"))},
    }
    if rng.random() < 0.5:
        sheet["img"] = {"max-width": "100%"}
    return sheet


def _segments(rng: Random) -> Sheet:
    return {
        _HEADS: {"margin": "calc(2rem - .14em) 0 1rem", "line-height": "1.28em"},
        "p": {"margin": "0 0 1em", "line-height": "1.4285em"},
        "ul,ol,dl": {"margin": "1em 0"},
        "table": {"width": "100%", "text-align": "left", "border-collapse": "separate"},
        "td": {"padding": ".78571429em", "text-align": "inherit"},
        "th": {"padding": ".92857143em .78571429em", "vertical-align": "inherit"},
        "img": {"vertical-align": "middle", "max-width": "100%"},
    }


def _nothing(rng: Random) -> Sheet:
    return {"img": {"max-width": "100%"}} if rng.random() < 0.5 else {}


# `layers` and the base sheet are drawn per site. Repeated entries are drawn more often.
# name, weight, rows, layers, spacing, card, button, container, fields, base
_PROFILES = (
    ("twelve", 5, ("twelve", "twelve", "flex"), (0, 1), ("margin", "base"), "body", "tight",
     "padded", ("groups", "beside"), _reboot),
    ("gutters", 3, ("twelve", "equal", "grid"), (0, 1), ("margin", "gap", "base"), "body", "tight",
     "padded", ("groups", "inside"), _reboot),
    ("utility", 4, ("grid", "grid", "flex"), (0, 0, 1), ("gap", "top", "margin"), "flat", "roomy",
     "max", ("stacked", "groups"), _preflight),
    ("segments", 2, ("padded", "padded", "equal"), (0, 1), ("base", "margin"), "parts", "em",
     "max", ("groups", "beside"), _segments),
    ("offset", 3, ("offset", "offset", "flex"), (0, 1), ("base", "top"), "body", "caps",
     "padded", ("stacked", "beside"), _stacked),
    ("paper", 2, ("grid", "flex", "twelve"), (1, 2), ("margin", "gap"), "parts", "lifted",
     "max", ("inside", "stacked"), _nothing),
    ("blocks", 2, ("equal", "padded", "floats"), (0, 1), ("margin", "base"), "body", "square",
     "padded", ("groups", "stacked"), _reboot),
    ("plain", 4, ("grid", "flex", "inline"), (0,), ("base", "margin"), "flat", "roomy",
     "max", ("stacked", "groups"), _browser),
    ("builder", 4, ("equal", "flex", "twelve"), (2, 3), ("margin", "gap"), "flat", "roomy",
     "builder", ("stacked",), _nothing),
    ("floats", 2, ("floats", "floats", "inline"), (0, 1), ("margin", "base"), "parts", "square",
     "max", ("beside", "stacked"), _browser),
    ("cells", 1, ("cells", "table", "inline"), (0, 1), ("margin", "base"), "flat", "square",
     "max", ("beside",), _browser),
    ("ours", 4, ("grid", "flex", "inline"), (0, 1), ("margin", "gap"), "flat", "roomy",
     "max", ("stacked",), _nothing),
)  # fmt: skip


def draw_style_profile(rng: Random) -> StyleProfile:
    weights = [weight for _, weight, *_ in _PROFILES]
    name, _, rows, layers, spacing, card, button, container, fields, base = rng.choices(
        _PROFILES, weights
    )[0]
    return StyleProfile(
        name, rows, rng.choice(layers), spacing, card, button, container, fields, base(rng)
    )
