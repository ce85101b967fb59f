"""The compact html tree -> a page that shows it: the inverse of compact.py.

A class of the tree becomes a rule of the style sheet (style_sheet.py), and what compact.py left out
because it goes without saying is said again: every property starts at its CSS initial value, and
only `display` depends on the tag. The page is XHTML: there a `p` may hold a `div` and an `a`
another, as in a document that scripts have put together.
"""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from data_prep.trees.style_sheet import style_sheet
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.tree import Content, Forest, Node, members_in_order, preorder

_CSS = tomllib.loads(Path(__file__).with_name("css.toml").read_text(encoding="utf-8"))
_DISPLAY = {tag: kinds[0] for kinds, tags in _CSS["display"] for tag in tags if tag != "body"}
# Drawn by the browser as one thing; a picture of the same size replaces each.
DRAWN = frozenset(["img", "svg", "math", "video", "audio", "canvas", "iframe", "embed", "object"])
_FIELDS = frozenset(["input", "textarea", "select"])
_PUSHED = frozenset(["button", "reset", "submit"])  # inputs that are buttons: their value shows
_PARTS = frozenset(tag for tag, kind in _DISPLAY.items() if kind.startswith("table-"))
# Follows the word before it without a space.
_CLOSING = (".", ",", ";", ":", "!", "?", ")")
_NOT_PLAIN = re.compile(r"[{};@\\<]|url\(", re.IGNORECASE)  # no value of a property
_GROUND = ("background-color", "box-shadow")
_NAME = re.compile(r"[a-z][a-z0-9-]*\Z")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_RESET = """*{all:unset;box-sizing:border-box;border-width:0}
html{display:block;background:%(backdrop)s;font-size:16px;font-family:serif;color:#000}
head,title,style{display:none}
body{display:block;margin:0;min-height:%(page)gpx}
#place{display:%(place)s;width:%(width)gpx;height:%(height)gpx}
.icon{display:inline-block}
table{border-spacing:2px}
"""


@dataclass(frozen=True)
class Setting:
    """The surroundings of a section, which its tree does not say.

    Attributes:
      width, height: of the section, CSS px.
      backdrop: CSS color of what shines through where the section paints nothing.
    """

    width: float
    height: float
    backdrop: str = "#fff"


@dataclass(frozen=True)
class Placeholder:
    """What a content placeholder holds.

    Attributes:
      text: of a text placeholder; "\\n" is a line break.
      size: natural (width, height) of a picture or drawing, px.
      color: CSS color that a picture is filled with.
    """

    text: str = ""
    size: tuple[float, float] = (0, 0)
    color: str = "#888"


@dataclass(frozen=True)
class PlaceholderContents:
    """All that a page shows and its tree does not hold.

    Attributes:
      placeholders: per node of the forest (pre-order), one for each of its content placeholders.
      fills: node -> CSS color of a background picture.
      kinds: node -> `type` of an input field.
      joined: nodes with no white space between them and the node before.
      fonts: node -> font families, in place of the kind that the tree tells.
      pseudo: node -> "before" or "after" -> CSS property -> value, of what is no node;
        `content` is the text, and `picture` says that it paints more than a flat color.
    """

    setting: Setting
    placeholders: Sequence[Sequence[Placeholder]]
    fills: Mapping[int, str] = field(default_factory=dict)
    kinds: Mapping[int, str] = field(default_factory=dict)
    joined: Collection[int] = ()
    fonts: Mapping[int, str] = field(default_factory=dict)
    pseudo: Mapping[int, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)


def page_of(forest: Forest, codebook: Codebook, given: PlaceholderContents) -> str:
    """XHTML of a page whose only content is the section. Its nodes carry `data-xojl="INDEX"`."""
    setting = given.setting
    visits = preorder(forest)
    classes = {name: None for visit in visits for name in visit.node.classes}
    sheet = style_sheet(list(classes), codebook)
    displays = "".join(f"{tag}{{display:{kind}}}" for tag, kind in _DISPLAY.items())
    if all(_holds_floats(root) for root in forest):
        displays += '[data-xojl="0"]::after{content:"";display:block;clear:both}'
    sheet += "".join(_pseudo_rules(given.pseudo))
    # `all:unset` gives every property its initial value (or the inherited one), which is what
    # compact.py leaves out, and not the browser's style for the tag.
    reset = _RESET % {
        "backdrop": setting.backdrop,
        "width": setting.width,
        "height": setting.height,
        "page": 2 * setting.height,
        "place": _place(forest),
    }
    body = "".join(_Writer(given).write(forest))
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>section</title><style>\n'
        f"{escape(reset + displays, quote=False)}\n{escape(sheet, quote=False)}"
        f"</style></head><body><div id='place'>{body}</div></body></html>\n"
    )


def _pseudo_rules(pseudo: Mapping[int, Mapping[str, Mapping[str, str]]]) -> Iterator[str]:
    """A rule for each pseudo-element; nothing in it ends the rule, or loads something."""
    for index, of_node in pseudo.items():
        for name, styles in of_node.items():
            told = {
                key: value
                for key, value in styles.items()
                if _NAME.match(key) and not _NOT_PLAIN.search(value)
            }
            # The color of what a mask or a picture shapes would fill a box.
            flat = "picture" not in styles
            letters = "".join(f"\\{ord(c):x} " for c in styles.get("content", ""))
            rules = "".join(
                f"{key}:{value};"
                for key, value in told.items()
                if key not in ("content", "picture") and (flat or key not in _GROUND)
            )
            yield f'[data-xojl="{index}"]::{name}{{content:"{letters}";{rules}}}\n'


def _place(forest: Forest) -> str:
    """`display` of what holds the section: a part of a table is one in a table only."""
    inside = any(c.startswith("d_table-") for root in forest for c in root.classes)
    return "table" if inside or any(root.tag in _PARTS for root in forest) else "flow-root"


def _holds_floats(root: Node) -> bool:
    """Whether it is a block: it was cut out together with all the floats that it held."""
    kinds = [c[2:] for c in root.classes if c.startswith("d_")]
    return _DISPLAY.get(root.tag, "inline") in ("block", "list-item") and kinds in ([], ["block"])


# --- the elements ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Writer:
    given: PlaceholderContents

    def write(self, forest: Forest) -> Iterator[str]:
        """Pieces of XHTML; without recursion, as trees may be deep."""
        index = 0
        stack: list[tuple[Iterator, str, Iterator[Placeholder], bool]] = [
            (iter(forest), "", iter(()), False)
        ]
        while stack:
            members, closing, placeholders, exact = stack[-1]
            for member in members:
                if isinstance(member, Content):
                    placeholder = next(placeholders)
                    alone = exact or not member.at or placeholder.text[:1] in _CLOSING
                    yield "" if alone else " "  # between an element and the text behind it
                    yield self._content(member, placeholder, exact)
                    continue
                # Authors break lines between elements; where they must not, white space is kept.
                yield "" if exact or index in self.given.joined else "\n"
                opened = self._open(member, index)
                yield opened[0]
                own = iter(self.given.placeholders[index])
                index += 1
                if opened[1]:
                    inner = exact or any(c.startswith("ws_pre") for c in member.classes)
                    stack.append((iter(members_in_order(member)), opened[1], own, inner))
                    break
            else:
                stack.pop()
                yield closing

    def _content(self, content: Content, placeholder: Placeholder, exact: bool) -> str:
        if content.kind == "text":
            return (
                _text(placeholder.text) if exact else _text(placeholder.text).replace("\n", "<br/>")
            )
        width, height = placeholder.size
        if not width:
            return ""
        return (
            f'<i class="icon" style="width:{width:g}px;height:{height:g}px;'
            f'background:{placeholder.color}"></i>'
        )

    def _open(self, node: Node, index: int) -> tuple[str, str]:
        """The start of a node, and its end; no end where nothing goes inside."""
        style = self._style(node, index)
        about = f' class="{_text(" ".join(node.classes))}" data-xojl="{index}"'
        about += f' style="{_text(style)}"' if style else ""
        placeholders = self.given.placeholders[index]
        if node.tag in DRAWN:
            placeholder = placeholders[0] if placeholders else Placeholder()
            return f'<img{about} src="{_picture(placeholder)}" alt=""/>', ""
        if node.tag in _FIELDS and not node.children:
            return self._field(node, index, about), ""
        tag = node.tag if node.tag and _NAME.match(node.tag) else "div"
        # What was captured was shown; closed, it would be hidden.
        opened = ' open=""' if tag in ("details", "dialog") else ""
        return f"<{tag}{about}{opened}>", f"</{tag}>"

    def _field(self, node: Node, index: int, about: str) -> str:
        text = _text(" ".join(placeholder.text for placeholder in self.given.placeholders[index]))
        # What a page shows in a field is nearly always what shall be written there.
        if node.tag == "input":
            kind = self.given.kinds.get(index, "text")
            holds = "value" if kind in _PUSHED else "placeholder"
            return f'<input{about} type="{_text(kind)}" {holds}="{text}"/>'
        if node.tag == "select":
            return f"<select{about}><option>{text}</option></select>"
        return f'<textarea{about} placeholder="{text}"></textarea>'

    def _style(self, node: Node, index: int) -> str:
        """What the tree does not say, or what it says about a place that is no longer there."""
        style = f"background-color:{self.given.fills[index]};" if index in self.given.fills else ""
        style += f"font-family:{self.given.fonts[index]};" if index in self.given.fonts else ""
        if index > 0:
            return style
        return style + (
            "position:relative;inset:auto;float:none;margin:0;transform:none;box-sizing:border-box;"
            f"width:{self.given.setting.width:g}px;min-width:0;max-width:none"
        )


def _picture(placeholder: Placeholder) -> str:
    width, height = (max(1, round(v)) for v in placeholder.size)
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' "
        f"preserveAspectRatio='none' viewBox='0 0 1 1'>"
        f"<rect width='1' height='1' fill='{placeholder.color}'/></svg>"
    )
    # In a data URL `#` would begin a fragment, and `<` is no character of an XML attribute.
    return "data:image/svg+xml," + svg.replace("#", "%23").replace("<", "%3C").replace(">", "%3E")


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("", text))
