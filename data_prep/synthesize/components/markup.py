"""Elements in memory, their labels, and the HTML text of a page.

A generator marks leaves, and the containers that cannot be derived (section, grid, freedom,
carousel, accordion, tab). `derive_labels` decides the others (wrapper, column, or no label) by the
rules of the language, from what is painted and what is labeled.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from xojl_jax.xojl.tree import CONTAINERS, ELEMENTS

LEAVES = frozenset(ELEMENTS) - CONTAINERS
# The containers that a generator marks; wrapper and column are derived.
DECLARED = CONTAINERS - {"wrapper", "column"}
VOID = frozenset({"img", "br", "hr", "input", "source"})


@dataclass(eq=False)
class El:
    """One HTML element.

    `kids` holds elements and plain texts; `style`, and those of other states (`hover`) and smaller
    screens (`tablet`, `mobile`), map CSS properties to values; `mark` is the label.
    """

    tag: str
    style: dict[str, str] = field(default_factory=dict)
    kids: list = field(default_factory=list)
    mark: str | None = None
    attrs: dict[str, str] = field(default_factory=dict)
    hover: dict[str, str] = field(default_factory=dict)
    tablet: dict[str, str] = field(default_factory=dict)
    mobile: dict[str, str] = field(default_factory=dict)
    before: str = ""  # a character of an icon font, drawn by a pseudo-element
    backdrop: bool = False  # painted, but as part of its section or card: never a wrapper
    slide: bool = False  # of a carousel: labeled only with two labeled children or more
    hidden: bool = False  # not visible: labels inside are dropped

    def elements(self):
        return (kid for kid in self.kids if isinstance(kid, El))

    def walk(self):
        """Every element of the subtree, in document order."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed([kid for kid in node.kids if isinstance(kid, El)]))


class Raw(str):
    """Markup that is printed without escaping (the inside of an `svg`)."""

    __slots__ = ()


def css(**properties: str | int | float) -> dict[str, str]:
    """`css(font_size="2rem")` is `{"font-size": "2rem"}`."""
    return {key.replace("_", "-"): str(value) for key, value in properties.items()}


# --- nesting that the HTML parser keeps -------------------------------------------------------

_BLOCKS = frozenset(
    re.findall(
        "[a-z0-9]+",
        "div p ul ol li h1 h2 h3 h4 h5 h6 section article header footer nav main figure blockquote"
        " dl dt dd form hr details",
    )
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


def keep_nesting(root: El) -> None:
    """Replaces, in place, tags whose nesting the HTML parser would break up: a `p` around a block,
    a link in a link, a button in a button, an `li` in an `li`, a heading in a heading."""
    stack: list[tuple[El, tuple[El, ...]]] = [(root, ())]
    while stack:
        node, above = stack.pop()
        for outer in above if node.tag in _BLOCKS else ():
            if outer.tag == "p":
                outer.tag = "div"
        for outer in above:
            if node.tag == outer.tag and node.tag in ("a", "button"):
                outer.tag = "div"
        if above and node.tag in _HEADINGS and above[-1].tag in _HEADINGS:
            above[-1].tag = "div"
        if node.tag == "li" and (not above or above[-1].tag not in ("ul", "ol")):
            # It would close an `li` further up, unless a list is in between.
            for outer in reversed(above):
                if outer.tag in ("ul", "ol"):
                    break
                if outer.tag == "li":
                    node.tag = "div"
                    break
        stack.extend((kid, (*above, node)) for kid in node.elements())


# Parts of a table between it and its cells: without a label, whatever they group.
_TABLE_PARTS = frozenset({"tr", "tbody", "thead", "tfoot"})

# --- labels -------------------------------------------------------------------------------------


def derive_labels(root: El, behind: str) -> None:
    """Marks, in place, the elements that are a wrapper or a column by the language's rules.

    Args:
      root: the section; its generator has marked leaves and declared containers.
      behind: the color of the page behind it, as written in its style.
    """
    _derive(root, behind)
    # Top down: a grid that becomes a column is no longer a grid to its own cells.
    for node in root.walk():
        if node.mark == "grid":
            for cell in _labeled_children(node):
                if cell.mark in ("wrapper", "grid"):
                    cell.mark = "column"


def _derive(node: El, behind: str) -> list[El]:
    """Marks the subtree; returns its topmost labeled elements.

    A returned element may be marked "pending": it groups two labeled children or more, and is a
    wrapper if and only if it has a labeled sibling, which its parent knows (`_settle`).
    """
    if node.hidden:
        for inner in node.walk():
            inner.mark = None
        return []
    if node.mark in LEAVES:
        for inner in node.walk():
            if inner is not node:
                inner.mark = None
        return [node]
    paint = background(node) or behind
    items = [item for kid in node.elements() for item in _derive(kid, paint)]
    if node.mark == "grid" and len(items) < 2:
        node.mark = None
    if node.mark in DECLARED:
        _settle(items)
        return [node]
    if node.tag in _TABLE_PARTS:
        return items
    if node.slide:
        items = _settle(items)
        if len(items) < 2:
            return items
        node.mark = "wrapper"
        return [node]
    if not items:
        return []
    if is_painted(node, behind):
        _settle(items)
        node.mark = "wrapper"
        return [node]
    if len(items) == 1:
        return items
    _settle(items)
    node.mark = "pending"
    return [node]


def _settle(items: list[El]) -> list[El]:
    """Decides on pending containers: a single one is replaced by its children."""
    if len(items) == 1 and items[0].mark == "pending":
        items[0].mark = None
        return _labeled_children(items[0])
    for item in items:
        if item.mark == "pending":
            item.mark = "wrapper"
    return items


def _labeled_children(node: El) -> list[El]:
    found, stack = [], list(node.elements())[::-1]
    while stack:
        kid = stack.pop()
        if kid.mark:
            found.append(kid)
        else:
            stack.extend(list(kid.elements())[::-1])
    return found


def background(node: El) -> str | None:
    value = node.style.get("background") or node.style.get("background-color")
    return None if value in (None, "none", "transparent") else value


def labeled_tree(root: El) -> list[tuple[str, int]]:
    """(element, depth) of each labeled node in depth-first pre-order."""
    found, stack = [], [(root, 0)]
    while stack:
        node, depth = stack.pop()
        if node.mark:
            found.append((node.mark, depth))
            depth += 1
        stack.extend((kid, depth) for kid in reversed(list(node.elements())))
    return found


def is_painted(node: El, behind: str) -> bool:
    """Whether a person sees a box: another color than the one behind, a border, or a shadow."""
    if node.backdrop:
        return False
    color = background(node)
    framed = "border" in node.style and not node.style["border"].startswith(("0", "none"))
    return (color is not None and color != behind) or framed or "box-shadow" in node.style


# --- text ---------------------------------------------------------------------------------------


RESET = (
    "*{box-sizing:border-box}body{margin:0}p,h1,h2,h3,h4,h5,h6,ul,ol,figure,blockquote,dl,dd,pre"
    "{margin:0}ul,ol{padding:0}button{border:0;font:inherit}img{display:block}"
    "fieldset{margin:0;padding:0;border:0}table{border-spacing:0}th,td{padding:0}"
)
# The family name tells the class of the element; the characters are from an ordinary font.
ICON_FONT = "'Drawn Icons','DejaVu Sans'"


def document(
    sections: Sequence[tuple[El, dict[str, str], dict[str, dict[str, str]]]], *, pitch: int = 0
) -> str:
    """A page of one or more sections as HTML text, with labels in `data-xojl`.

    Args:
      sections: each with the style of the box around it (`width`, fonts) and the style sheet for
        what is in that box (selector -> style).
      pitch: px from the top of one such box to the next, so that no section moves another; 0 for a
        single section.
    """
    sheet, body = [RESET], []
    for number, (root, place, base) in enumerate(sections):
        for selector, style in base.items():
            # `:where` has no specificity, so any class overrides these.
            inside = ",".join(f":where(#s{number}) {one}" for one in selector.split(","))
            sheet.append(f"{inside}{{{_declarations(style)}}}")
        place = {**place, "position": "absolute", "left": "0", "top": f"{number * pitch}px"}
        if pitch:
            place |= {"height": f"{pitch}px", "overflow": "hidden"}
        written = _print(root, sheet, {}, f"s{number}k")
        body.append(f'<div id="s{number}" style="{escape(_declarations(place))}">{written}</div>')
    head = f"<meta charset=utf-8><title>section</title><style>{chr(10).join(sheet)}</style>"
    return f"<!doctype html><html><head>{head}</head><body>{''.join(body)}</body></html>"


def _print(node: El, sheet: list[str], seen: dict[tuple, str], prefix: str) -> str:
    attrs = dict(node.attrs)
    styles = tuple(
        tuple(rules.items()) for rules in (node.style, node.hover, node.tablet, node.mobile)
    ) + tuple(node.before)
    if any(styles):
        # One class per distinct style, as an author would write it.
        if styles not in seen:
            seen[styles] = name = f"{prefix}{len(seen)}"
            sheet.append(f".{name}{{{_declarations(node.style)}}}")
            if node.before:
                sheet.append(f'.{name}::before{{content:"{node.before}";font-family:{ICON_FONT}}}')
            if node.hover:
                sheet.append(f".{name}:hover{{{_declarations(node.hover)}}}")
            if node.tablet:
                sheet.append(f"@media(max-width:900px){{.{name}{{{_declarations(node.tablet)}}}}}")
            if node.mobile:
                sheet.append(f"@media(max-width:600px){{.{name}{{{_declarations(node.mobile)}}}}}")
        attrs["class"] = seen[styles]
    if node.mark:
        attrs["data-xojl"] = node.mark
    if node.hidden:
        attrs["data-xojl-skip"] = ""
    written = "".join(f' {key}="{escape(value)}"' for key, value in attrs.items())
    if node.tag in VOID:
        return f"<{node.tag}{written}>"
    inner = "".join(_print_kid(kid, sheet, seen, prefix) for kid in node.kids)
    return f"<{node.tag}{written}>{inner}</{node.tag}>"


def _print_kid(kid: "El | str", sheet: list[str], seen: dict[tuple, str], prefix: str) -> str:
    if isinstance(kid, El):
        return _print(kid, sheet, seen, prefix)
    return kid if isinstance(kid, Raw) else escape(kid, quote=False)


def _declarations(style: dict[str, str]) -> str:
    return ";".join(f"{key}:{value}" for key, value in style.items())
