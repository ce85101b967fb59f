"""The tree type that every part shares, and its JSON form. Nothing here recurses.

HTML and layout are one type: a forest of nodes (element | None, tag | None, classes, content,
children). docs/record.md gives the exact domain of what can be written.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from xojl_jax.errors import BadUsage
from xojl_jax.xojl import jsontext, keys
from xojl_jax.xojl.faults import DEFAULT_CAPS, Caps, XojlError, shorten
from xojl_jax.xojl.keys import CONTAINERS, CONTENT_KINDS, ELEMENTS

__all__ = [
    "CONTAINERS",
    "CONTENT_KINDS",
    "DEFAULT_CAPS",
    "ELEMENTS",
    "Caps",
    "Content",
    "Forest",
    "Node",
    "TreeIndex",
    "Visit",
    "XojlError",
    "key_of",
    "members_in_order",
    "parse_html",
    "parse_layout",
    "preorder",
    "print_html",
    "print_layout",
    "to_semantic",
    "used_elements",
]


class Content(NamedTuple):
    """A placeholder for what a node shows: a text, a source address, a drawing."""

    kind: str  # "text" | "src" | "svg"
    value: str
    at: int = 0  # how many of the node's children come before it


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    element: str | None
    tag: str | None
    classes: tuple[str, ...] = ()
    content: tuple[Content, ...] = ()
    children: tuple["Node", ...] = ()

    # The generated == would recurse once a level; a tree may be deeper than Python's stack.
    def __eq__(self, other) -> bool:
        if not isinstance(other, Node):
            return NotImplemented
        pairs: list[tuple[Node, Node]] = [(self, other)]
        while pairs:
            one, two = pairs.pop()
            if one is two:
                continue
            if (
                one.tag != two.tag
                or one.classes != two.classes
                or one.element != two.element
                or one.content != two.content
                or len(one.children) != len(two.children)
            ):
                return False
            pairs.extend(zip(one.children, two.children, strict=True))
        return True

    def __hash__(self) -> int:
        return hash((self.element, self.tag, self.classes, self.content, len(self.children)))


Forest = tuple[Node, ...]


class Visit(NamedTuple):
    """A node met in depth-first pre-order, with its place in the forest."""

    node: Node
    index: int
    parent: int  # -1 for a root
    depth: int  # 0 for a root
    subtree_end: int  # j is a descendant iff index < j < subtree_end


def preorder(forest: Forest) -> list[Visit]:
    """Every node, parents before children, siblings in order."""
    nodes, parents, depths = [], [], []
    stack = [(node, -1, 0) for node in reversed(forest)]
    while stack:
        node, parent, depth = stack.pop()
        index = len(nodes)
        nodes.append(node)
        parents.append(parent)
        depths.append(depth)
        for child in reversed(node.children):
            stack.append((child, index, depth + 1))
    ends = list(range(1, len(nodes) + 1))
    for index in range(len(nodes) - 1, -1, -1):
        parent = parents[index]
        if parent >= 0 and ends[index] > ends[parent]:
            ends[parent] = ends[index]
    return [Visit(*v) for v in zip(nodes, range(len(nodes)), parents, depths, ends, strict=True)]


class TreeIndex:
    """A forest walked once, for everything that needs its nodes by number.

    Attributes:
      visits: every node, parents before children, siblings in order.
    """

    def __init__(self, forest: Forest):
        self.visits = preorder(forest)

    @staticmethod
    def of(tree: "Forest | TreeIndex") -> "TreeIndex":
        return tree if isinstance(tree, TreeIndex) else TreeIndex(tree)

    def __len__(self) -> int:
        return len(self.visits)


def to_semantic(forest: Forest) -> Forest:
    """The semantic view: elements and nesting only."""
    visits = preorder(forest)
    children: list[list[Node]] = [[] for _ in visits]
    roots: list[Node] = []
    for visit in reversed(visits):
        node = Node(visit.node.element, None, children=tuple(reversed(children[visit.index])))
        (children[visit.parent] if visit.parent >= 0 else roots).append(node)
    return tuple(reversed(roots))


def used_elements(forest: Forest) -> tuple[str, ...]:
    """The element names that occur, sorted, each once."""
    return tuple(sorted({v.node.element for v in preorder(forest) if v.node.element is not None}))


def key_of(node: Node, separator: str = "@") -> str:
    """The node's key without an ordinal, the element in front where there is one."""
    if node.element is None:
        return keys.write_html_key(node.tag, node.classes, separator)
    return keys.write_layout_key(node.element, node.tag, node.classes, separator)


# --- reading ---------------------------------------------------------------------------------


def parse_html(
    text, caps: Caps = DEFAULT_CAPS, *, place: str = "html", pairs: bool = True
) -> Forest:
    """The HTML tree of a JSON text (str or bytes), or of its decoded form.

    A decoded object is a dict or, so that keys may repeat, a list of pairs; with `pairs=False` a
    list is a fault, as it is in a text. `place` goes before the path in messages.
    """
    return _parse(text, keys.read_html_key, caps, place, pairs)


def parse_layout(
    text, caps: Caps = DEFAULT_CAPS, *, place: str = "layout", pairs: bool = True
) -> Forest:
    """The layout tree, detail or semantic form. The arguments are those of `parse_html`."""
    return _parse(text, keys.read_layout_key, caps, place, pairs)


# The form of a tree, for messages.
FORM = '{"section": {"h1@fs_3r": {"text": "…"}}}'


class _Open(NamedTuple):
    """An object that is being read."""

    key: keys.Key | None  # None for the document itself
    members: Iterator  # the (key, value) pairs still to come
    content: list[Content]
    children: list[Node]


def _parse(text, read_key, caps: Caps, place: str, pairs: bool) -> Forest:
    from_text = isinstance(text, str | bytes | bytearray)
    document = jsontext.decode(text, caps.document, place) if from_text else text
    kinds = (dict, list, tuple) if pairs and not from_text else (dict, jsontext.Pairs)
    if not isinstance(document, kinds):
        raise XojlError(jsontext.describe(document), place, f"an object of nodes, such as {FORM}")
    stack = [_Open(None, _members(document), [], [])]
    name, nodes = "", 0
    try:
        while True:
            inside, members, content, children = stack[-1]
            for name, value in members:
                kind = keys.content_kind(name) if isinstance(value, str) else None
                if kind is not None:
                    content.append(_read_content(kind, value, len(children), inside))
                    continue
                nodes += 1
                key = _read_node_key(name, read_key, len(stack), nodes, caps)
                if isinstance(value, kinds) and value:
                    stack.append(_Open(key, _members(value), [], []))
                    break
                if value != "" and not isinstance(value, kinds):
                    raise keys.KeyFault(jsontext.describe(value), _wanted_node(value))
                children.append(Node(key.element, key.tag, key.classes))
            else:
                stack.pop()
                if inside is None:
                    return tuple(children)
                node = Node(
                    inside.element, inside.tag, inside.classes, tuple(content), tuple(children)
                )
                stack[-1].children.append(node)
    except keys.KeyFault as fault:
        raise XojlError(fault.what, _path(stack, place, name), fault.expected) from None


def _wanted_node(value) -> str:
    """What should be in place of a value that is no node."""
    wanted = 'an object of nodes, or ""'
    if value is None:
        return f"{wanted}; leave out keys that are absent (tables of columns fill them with null)"
    if isinstance(value, list):
        return f'{wanted}; siblings are keys of one object, such as "p" and "p#2"'
    return wanted


def _members(value) -> Iterator:
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return iter(value.items())
    return _checked_pairs(value.items() if isinstance(value, dict) else value)


def _checked_pairs(value) -> Iterator:
    for pair in value:
        if not (isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str)):
            raise keys.KeyFault(jsontext.describe(pair), "a pair of a key and its value")
        yield pair


def _read_node_key(name: str, read_key, depth: int, nodes: int, caps: Caps) -> keys.Key:
    if len(name) > caps.key_length:  # before the cache of read_key can hold on to it
        keys.check_length(name, caps.key_length)
    key = read_key(name)
    if len(key.classes) > caps.classes:
        raise keys.KeyFault(f"{len(key.classes)} classes", f"at most {caps.classes} a node")
    if depth > caps.depth:
        raise keys.KeyFault("too deep a node", f"at most {caps.depth} levels")
    if nodes > caps.nodes:
        raise keys.KeyFault("one node too many", f"at most {caps.nodes:,} in a document")
    return key


def _read_content(kind: str, value: str, at: int, inside: keys.Key | None) -> Content:
    if inside is None:
        raise keys.KeyFault(f"{kind} outside every node", "content inside a node")
    if not value.isascii() and keys.has_surrogate(value):
        raise keys.KeyFault("a lone surrogate", "Unicode text")
    return Content(kind, value, at)


def _path(stack: list[_Open], place: str, name: str) -> str:
    """`place` and the way to the member that is being read, such as `wrapper[0]/heading[1]`."""
    steps = []
    for i, open_object in enumerate(stack):
        key = stack[i + 1].key if i + 1 < len(stack) else None
        label = (key.element or key.tag or "") if key else re.split("[@.]", name, maxsplit=1)[0]
        steps.append(f"{shorten(label).strip(chr(39))}[{len(open_object.children)}]")
    if len(steps) > 12:
        steps[6:-4] = ["…"]
    return f"{place} {'/'.join(steps)}"


# --- writing ---------------------------------------------------------------------------------


def print_html(forest: Forest, separator: str = "@", *, indent: int | None = None) -> str:
    """JSON text of an HTML forest. `separator` is `@`, `.` or `-`."""
    return _print(forest, separator, indent, element_wanted=False)


def print_layout(
    forest: Forest, *, semantic: bool = False, separator: str = "@", indent: int | None = None
) -> str:
    """JSON text of a layout forest: the detail form, or the semantic one."""
    forest = to_semantic(forest) if semantic else forest
    return _print(forest, separator, indent, element_wanted=True)


_quote = json.JSONEncoder(ensure_ascii=False).encode


def _print(forest: Forest, separator: str, indent: int | None, element_wanted: bool) -> str:
    if separator not in keys.SEPARATORS or len(separator) != 1:
        raise BadUsage(f"separator {separator!r} is not one of @ . -")
    colon = ":" if indent is None else ": "
    out = ["{"]
    stack: list[tuple[Iterator[Content | Node], dict[str, int]]] = [(iter(forest), {})]
    while stack:
        members, seen = stack[-1]
        for member in members:
            is_node = isinstance(member, Node)
            bare = _checked_key(member, separator, element_wanted) if is_node else member.kind
            count = seen[bare] = seen.get(bare, 0) + 1
            out.append("," if len(seen) > 1 or count > 1 else "")
            if indent is not None:
                out.append("\n" + " " * (indent * len(stack)))
            out.append(_quote(keys.with_ordinal(bare, count)))
            out.append(colon)
            if not is_node:
                out.append(_quote(member.value))
            elif member.content or member.children:
                out.append("{")
                stack.append((iter(members_in_order(member)), {}))
                break
            else:  # a string under a content key would be read as content
                out.append("{}" if bare in CONTENT_KINDS else '""')
        else:
            stack.pop()
            if indent is not None and seen:
                out.append("\n" + " " * (indent * len(stack)))
            out.append("}")
    return "".join(out)


def members_in_order(node: Node) -> Sequence[Content | Node]:
    """A node's content and children in the order in which they are written."""
    children = node.children
    if not node.content:
        return children
    members: list[Content | Node] = []
    placed = 0
    for item in node.content:
        if not placed <= item.at <= len(children):
            raise XojlError(
                f"content placed at {item.at}", "print", f"{placed} to {len(children)}, in order"
            )
        members.extend(children[placed : item.at])
        members.append(item)
        placed = item.at
    members.extend(children[placed:])
    return members


def _checked_key(node: Node, separator: str, element_wanted: bool) -> str:
    names = node.classes if node.tag is None else (node.tag, *node.classes)
    if (node.element in ELEMENTS) != element_wanted or (
        node.tag is None and (node.classes or not element_wanted)
    ):
        wanted = "an element, and a tag before classes" if element_wanted else "a tag, no element"
        raise XojlError(f"a node {node.element}.{node.tag}", "print", wanted)
    for name in names:
        if not keys.is_writable(name):
            raise XojlError(f"unwritable name {shorten(name)}", "print", "a name of docs/record.md")
    return key_of(node, separator)
