"""Computed styles -> the short classes that a person would have written.

Values that CSS would have had anyway (initial, or inherited and equal to the parent's) are dropped;
css.toml says what those are. A variant (a smaller screen, the pointer over it) says only what it
changes: docs/capture.md gives the cascade.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from data_prep.trees.values import effective, says_nothing, written_value
from xojl_jax.xojl.codebook import Codebook

_HERE = Path(__file__).parent
_CSS = tomllib.loads((_HERE / "css.toml").read_text(encoding="utf-8"))
# Properties that are not written, but told where they say something: see decisions.toml.
COUNTED: dict[str, tuple[list[str], bool]] = {
    name: (silent, inherited)
    for inherited, table in ((False, "counted"), (True, "counted_inherited"))
    for name, silent in tomllib.loads((_HERE / "decisions.toml").read_text(encoding="utf-8"))[
        table
    ].items()
}
GROUPS: dict[str, list[str]] = _CSS["groups"]
INHERITED = frozenset(_CSS["inherited"])
_WRITTEN = _CSS["written"]
_INITIAL = _CSS["initial"]
_UNSET = _CSS["unset"]
_DISPLAY = {tag: tuple(kinds) for kinds, tags in _CSS["display"] for tag in tags}
_NEEDS = {css: (other, off) for other, off, needy in _CSS["needs"] for css in needy}
_REPLACED = frozenset(_CSS["replaced"])
_LINELESS = ("none", "hidden")
_LISTS = frozenset(_CSS["lists"])
# They are the color of the text where nobody says otherwise.
_COLOR_OF_TEXT = frozenset(
    ["text-decoration-color", "-webkit-text-fill-color", "outline-color", "column-rule-color"]
)
# A box has a size of its own only where one of these says so, and it is in question which one only
# where one of those takes up space in it.
_SIZES = tuple(f"{m}{side}" for m in ("", "min-", "max-") for side in ("width", "height"))
_PADDINGS = tuple(f"padding-{side}" for side in ("top", "right", "bottom", "left"))


def properties(codebook: Codebook) -> list[str]:
    """The longhand CSS properties that a page must be asked for."""
    known = set(codebook.properties.values())
    wanted = [name for name in _WRITTEN if name in known]
    wanted += [name for group in GROUPS.values() for name in group]
    return list(dict.fromkeys(["display", "position", "color", *wanted]))


class ClassWriter:
    """Classes of a node from its computed styles and its parent's."""

    def __init__(self, codebook: Codebook):
        self._code = {css: code for code, css in codebook.properties.items()}
        self._units = {css: code for code, css in codebook.units.items()}
        # In the order of the codebook, so that equal looks give equal keys.
        ours = {*_WRITTEN, *GROUPS, *(name for group in GROUPS.values() for name in group)}
        self._order = [css for css in codebook.properties.values() if css in ours]

        self.unwritten: set[str] = set()  # of the node that `said` was asked about last

    def said(self, node: Mapping, parent: Mapping | None) -> dict[str, str]:
        """CSS property (or group) -> written value, for what the node has to say."""
        return self._said(node["tag"], node["styles"], parent["styles"] if parent else None)

    def classes(self, said: Mapping[str, str], prefix: str = "") -> list[str]:
        """The classes of `said`, in the order of the codebook."""
        return [f"{prefix}{self._code[css]}_{value}" for css, value in said.items()]

    def changed(
        self, state: dict[str, str], tag: str, styles: Mapping, above: Mapping | None
    ) -> dict[str, str]:
        """What a variant has to say, given what holds without it; `state` takes it in.

        Args:
          state: single property -> written value of the classes that hold so far (`single_values`).
          styles: of the node in the variant.
          above: its parent's styles there.
        """
        said = self._said(tag, styles, above)
        now = single_values(said)
        different = {}
        for css in {**state, **now}:
            # A default is written, too, where another value held so far: else that would go on.
            value = now.get(css) or self._written(css, styles)
            if value is not None and value != state.get(css):
                different[css] = value
        state.update(different)
        out = {}
        for css in self._order:
            singles = [name for name in GROUPS.get(css, ()) if name in different]
            # One class for all sides only if all sides are equal now, changed or not.
            whole = _together(css, styles, dict.fromkeys(singles)) if singles else None
            if whole is not None:
                value = written_value(css, whole, self._units)
                out[css] = value
                for name in GROUPS[css]:
                    different.pop(name, None)
                    state[name] = value
            elif css in different:
                out[css] = different[css]
        return {css: value for css, value in out.items() if value is not None}

    def _written(self, css: str, styles: Mapping) -> str | None:
        if css in GROUPS:  # one that may be a list
            raw = _together(css, styles, dict.fromkeys(GROUPS[css]))
        else:
            raw = styles.get(css, "")
        return written_value(css, raw or "", self._units)

    def _said(self, tag: str, styles: Mapping, above: Mapping | None) -> dict[str, str]:
        """CSS property -> written value, for what this node says that it would not have anyway."""
        self.unwritten = set()
        # Longhands first: a side that has its default must not hide the three that do not.
        longs = {}
        for css, raw in styles.items():
            if not self._is_default(css, raw, tag, styles, above):
                longs[css] = raw
        said = {}
        for css in self._order:
            if css in GROUPS:
                raw = _together(css, styles, longs)
                if raw is None:
                    continue
                for name in GROUPS[css]:
                    longs.pop(name, None)
            elif css in longs:
                raw = longs[css]
            else:
                continue
            value = written_value(css, raw, self._units)
            if value is None and not says_nothing(css, raw):
                self.unwritten.add(css)
            if value is not None and not self._is_inherited(css, value, above):
                said[css] = value
        return said

    def _is_inherited(self, css: str, value: str, above: Mapping | None) -> bool:
        """Whether the parent's value is written alike: two lists of fonts of one kind are."""
        if css not in INHERITED or above is None or css not in above:
            return False
        return value == written_value(css, above[css], self._units)

    def _is_default(
        self, css: str, raw: str, tag: str, styles: Mapping, above: Mapping | None
    ) -> bool:
        if css in _NEEDS and styles.get(_NEEDS[css][0], "none") in _NEEDS[css][1]:
            return True
        # It is of tables, whose cells are that far apart anyway.
        if css == "border-spacing" and (tag != "table" or raw in ("2px", "2px 2px")):
            return True
        if css in INHERITED and above is not None:
            # Colors that are the text's go on being so, whatever that one is.
            own = css in _COLOR_OF_TEXT and raw == styles.get("color")
            return raw == above.get(css) or (own and above.get(css) == above.get("color"))
        if css == "display":
            return raw in _default_displays(tag, above)
        if css.startswith("border-") and css.endswith("-style"):
            return raw in ("none", "hidden", "solid")  # a width says that there is a line
        raw = effective(css, raw)
        if css in _COLOR_OF_TEXT and raw == styles.get("color"):
            return True
        if css == "text-align" and styles.get("direction") == "rtl":
            return raw in ("start", "right")
        if css == "box-sizing" and not _has_inner_size(styles):
            return True
        # Chromium's own style sheet clips pictures and videos; no author wrote that.
        if css in ("overflow-x", "overflow-y") and tag in _REPLACED:
            return True
        return raw in _INITIAL[css] if css in _INITIAL else raw in _UNSET


def _default_displays(tag: str, above: Mapping | None) -> tuple[str, ...]:
    if above and above.get("display", "").endswith(("flex", "grid")):
        return ("block", *_DISPLAY.get(tag, ()))  # a flex item is a block whatever it was
    if tag in _DISPLAY:
        return _DISPLAY[tag]
    return ("inline",)


def _together(group: str, styles: Mapping, longs: Mapping) -> str | None:
    """The raw value of a group, or None where its longhands have to speak for themselves."""
    names = GROUPS[group]
    if not any(name in longs for name in names):
        return None
    if group == "border-width":
        values = [_line_width(name, styles) for name in names]
    elif group == "border-style":  # of the sides that have a line
        values = [v for v in (styles.get(name, "") for name in names) if v not in _LINELESS]
    else:
        values = [styles.get(name, "") for name in names]
    if len(set(values)) == 1:
        return values[0]
    return " ".join(values) if group in _LISTS else None


def _line_width(name: str, styles: Mapping) -> str:
    """Of a border: a side without a line still has a computed width of 3px."""
    line = styles.get(name.replace("width", "style"), "none")
    return "0px" if line in _LINELESS else styles.get(name, "")


def _has_inner_size(styles: Mapping) -> bool:
    """Whether `box-sizing` makes a difference."""
    sized = any(styles.get(css, "") not in ("", "auto", "none") for css in (*_SIZES, "flex-basis"))
    padded = any(styles.get(css, "") not in ("", "0px", "0%") for css in _PADDINGS)
    return sized and (
        padded or any(_line_width(w, styles) not in ("", "0px") for w in GROUPS["border-width"])
    )


def single_values(said: Mapping[str, str]) -> dict[str, str]:
    """`said` with every group that has one value taken apart."""
    out = {}
    for css, value in said.items():
        if css in GROUPS and css not in _LISTS:
            out.update(dict.fromkeys(GROUPS[css], value))
        else:
            out[css] = value
    return out
