"""The tokens, and the two views of a layout as token sequences.

    semantic:  BOS { ELEMENT … END } EOS
    detail:    BOS { ELEMENT [ident] {content | node} END } EOS
    ident    = COPY(i) [BARE]  |  (TAG | TAG_RAW byte…) class…
    class    = [DEVICE] {PSEUDO} (ATTR | ATTR_RAW byte…) (KEYWORD | byte)…
    content  = CONTENT byte…

Ids below V are vocabulary tokens; V + i is COPY(i), the tag, classes and content of HTML node i
(depth-first pre-order). BARE takes the content away. docs/record.md has the table.
"""

import json
from functools import lru_cache

import numpy as np

from xojl_jax.xojl.align import align
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.faults import DEFAULT_CAPS, Caps, XojlError, shorten
from xojl_jax.xojl.keys import is_writable
from xojl_jax.xojl.tree import (
    CONTENT_KINDS,
    ELEMENTS,
    Content,
    Forest,
    Node,
    TreeIndex,
    key_of,
    members_in_order,
    preorder,
    print_html,
)

PAD, BOS, EOS, END = range(4)
ELEMENT_BASE = 4
ELEMENT_WIDTH = 30  # 22 named, 8 reserved
# The kinds that begin a class, or go on with its prefix.
CLASS_KINDS = ("device", "pseudo", "attribute", "attribute_raw")
_ROUND_TO = 64  # so that the vocabulary axis divides over devices
_FORMAT = 1
# JSON bytes of a node that may be copied. A pointer costs one token whatever it points to; without
# this bound a document of copies could pass the document cap.
COPYABLE_BYTES = 4096
_LONGEST_ELEMENT = max(map(len, ELEMENTS))


class Vocabulary:
    """Token names, kinds and texts of one codebook.

    `kinds[i]` is special, element, tag, tag_raw, device, pseudo, attribute, attribute_raw,
    keyword, content, bare, byte or reserved; `texts[i]` the bytes that token i spells.
    """

    def __init__(self, codebook: Codebook):
        self.codebook = codebook
        rows = list(_rows(self.codebook))
        rows += [("reserved", str(i), b"") for i in range(-len(rows) % _ROUND_TO)]
        self.kinds = tuple(kind for kind, _, _ in rows)
        self.names = tuple(f"{kind}:{name}" for kind, name, _ in rows)
        self.texts = tuple(text for _, _, text in rows)
        self.size = len(rows)
        self._ids = {name: i for i, name in enumerate(self.names)}
        self.byte_base = self._ids["byte:00"]
        self._tag_raw = self._ids["tag_raw:"]
        self._attribute_raw = self._ids["attribute_raw:"]
        self._bare = self._ids["bare:"]
        self._contents = {kind: self._ids[f"content:{kind}"] for kind in CONTENT_KINDS}
        self._keywords = {word: self._ids[f"keyword:{word}"] for word in self.codebook.keywords}
        self._spell_class = lru_cache(maxsize=8192)(self._class_tokens)

    @staticmethod
    def load(codebook: Codebook | None = None) -> "Vocabulary":
        """The vocabulary of a codebook (the shipped one by default), built once a process."""
        return _load(codebook or Codebook.load())

    def id_of(self, name: str) -> int:
        """`element:grid`, `tag:div`, `keyword:auto`, `byte:2e`, … -> token id."""
        return self._ids[name]

    def element_token(self, element: str) -> int:
        return ELEMENT_BASE + ELEMENTS.index(element)

    def name_of(self, token: int) -> str:
        return self.names[token] if token < self.size else f"copy:{token - self.size}"

    def to_json(self) -> str:
        """What a checkpoint keeps: the codebook, and the token names as a check."""
        data = {"format": _FORMAT, "codebook": self.codebook.to_dict(), "tokens": self.names}
        return json.dumps(data, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> "Vocabulary":
        try:
            data = json.loads(text)
            vocabulary = Vocabulary.load(Codebook.from_dict(data["codebook"], "vocabulary"))
            same = tuple(data["tokens"]) == vocabulary.names and data["format"] == _FORMAT
        except (ValueError, KeyError, TypeError, RecursionError):
            raise XojlError("a damaged vocabulary", "vocabulary", "what to_json wrote") from None
        if not same:
            raise XojlError(
                "a vocabulary of another version", "vocabulary", "the tokens of this version"
            )
        return vocabulary

    # --- tree to tokens ----------------------------------------------------------------------

    def tokenize_semantic(self, layout: Forest) -> list[int]:
        """BOS { ELEMENT … END } EOS. Tags, classes and content are left out."""
        return self._tokenize(layout, lambda index, node: ((), node.children))

    def tokenize_detail(
        self,
        layout: Forest,
        html: Forest | TreeIndex = (),
        layout_nodes: tuple[int | None, ...] | None = None,
        caps: Caps = DEFAULT_CAPS,
    ) -> list[int]:
        """The detail view. A node's key is a COPY where its HTML twin has the same, else spelled.

        `layout_nodes` names the twins; without it they are recovered by `align`.
        """
        html = TreeIndex.of(html)
        twins = align(html, layout) if layout_nodes is None else layout_nodes
        allowed = copyable(html, caps)

        def describe(index: int, node: Node) -> tuple:
            twin = twins[index] if index < len(twins) else None
            if twin is not None and allowed[twin]:
                source = html.visits[twin].node
                if node.tag == source.tag and node.classes == source.classes:
                    copied = _moved_to_front(source.content)
                    if node.content == copied:
                        return (self.size + twin,), node.children
                    key = (self.size + twin, self._bare) if copied else (self.size + twin,)
                    return key, members_in_order(node)
            return self._spell_key(node), members_in_order(node)

        return self._tokenize(layout, describe)

    def _tokenize(self, layout: Forest, describe) -> list[int]:
        """`describe(index, node)` gives the ident's tokens and the members still to be written."""
        if not layout:
            raise XojlError("an empty layout", "tokenize", "at least one node")
        ids = [BOS]
        stack = [iter(layout)]
        index = 0
        while stack:
            for member in stack[-1]:
                if isinstance(member, Content):
                    ids.append(self._contents[member.kind])
                    ids += self._spell_bytes(member.value)
                    continue
                ids.append(_element_token(member.element))
                ident, members = describe(index, member)
                index += 1
                ids += ident
                if members:
                    stack.append(iter(members))
                    break
                ids.append(END)
            else:
                stack.pop()
                ids.append(END if stack else EOS)
        return ids

    def _spell_key(self, node: Node) -> list[int]:
        if node.tag is None:
            return []
        _check_name(node.tag)
        known = self._ids.get(f"tag:{node.tag}")
        ids = [known] if known else [self._tag_raw, *self._spell_bytes(node.tag)]
        for name in node.classes:
            ids += self._spell_class(name)
        return ids

    def _class_tokens(self, name: str) -> tuple[int, ...]:
        _check_name(name)
        device, pseudos, rest = self.codebook.split_prefix(name)
        ids = [] if device is None else [self._ids[f"device:{device}"]]
        ids += [self._ids[f"pseudo:{pseudo}"] for pseudo in pseudos]
        attribute, underscore, value = rest.partition("_")
        if attribute in self.codebook.properties and value:
            ids.append(self._ids[f"attribute:{attribute}"])
        else:
            ids += [self._attribute_raw, *self._spell_bytes(attribute + underscore)]
        for i, part in enumerate(value.split("+") if underscore else ()):
            ids += self._spell_bytes("+") if i else ()
            keyword = self._keywords.get(part)
            ids += self._spell_bytes(part) if keyword is None else (keyword,)
        return tuple(ids)

    def _spell_bytes(self, text: str) -> list[int]:
        base = self.byte_base
        return [base + byte for byte in text.encode()]

    # --- tokens to tree ----------------------------------------------------------------------

    def detokenize(self, ids, html: Forest = ()) -> Forest:
        """The forest of a token sequence of either view. `html` is what COPY points into.

        BOS may be missing; what follows EOS is not looked at. Raises XojlError for a sequence
        that is not closed or does not fit the form; every sequence of the automaton is fine.
        """
        sources = [visit.node for visit in preorder(html)]
        roots = _Draft(None)
        stack = [roots]
        for position, token in enumerate(ids):
            token = int(token)
            kind = self.kinds[token] if 0 <= token < self.size else "copy"
            top = stack[-1]
            if kind in ("byte", "keyword") and top.target is not None:
                top.text += self.texts[token]
            elif kind == "element" and token - ELEMENT_BASE < len(ELEMENTS):
                top.finish_text(position)
                stack.append(_Draft(ELEMENTS[token - ELEMENT_BASE]))
            elif top is roots:
                if token == EOS and roots.children:
                    return tuple(roots.children)
                if token != BOS or position > 0:
                    raise self._misfit(token, position)
            elif token == END:
                top.finish_text(position)
                stack.pop()
                stack[-1].children.append(top.node())
            elif kind in CLASS_KINDS:
                if not top.in_prefix:
                    top.finish_text(position)
                    top.target = "class"
                top.in_prefix = kind in ("device", "pseudo")
                top.text += self.texts[token]
            elif kind == "content":
                top.finish_text(position)
                top.target = self.names[token].removeprefix("content:")
            elif kind in ("tag", "tag_raw"):
                top.finish_text(position)
                top.target, top.text = "tag", self.texts[token]
            elif kind == "copy" and 0 <= token - self.size < len(sources):
                source = sources[token - self.size]
                top.tag, top.classes = source.tag, list(source.classes)
                top.content = list(_moved_to_front(source.content))
            elif kind == "bare":
                top.content = []
            else:
                raise self._misfit(token, position)
        raise XojlError("a sequence without EOS", f"token {len(ids)}", "EOS at the end")

    def _misfit(self, token: int, position: int) -> XojlError:
        name = self.name_of(token) if token >= 0 else str(token)
        return XojlError(name, f"token {position}", "a token that the grammar allows there")


@lru_cache(maxsize=8)
def _load(codebook: Codebook) -> Vocabulary:
    return Vocabulary(codebook)


class _Draft:
    """A node that is being read from tokens."""

    __slots__ = ("children", "classes", "content", "element", "in_prefix", "tag", "target", "text")

    def __init__(self, element: str | None):
        self.element = element
        self.tag: str | None = None
        self.classes: list[str] = []
        self.content: list[Content] = []
        self.children: list[Node] = []
        self.text = b""
        self.target: str | None = None  # what `text` will be: "tag", "class" or a content kind
        self.in_prefix = False

    def node(self) -> Node:
        return Node(
            self.element, self.tag, tuple(self.classes), tuple(self.content), tuple(self.children)
        )

    def finish_text(self, position: int) -> None:
        """Puts the bytes read since the last tag, class or content token where they belong."""
        target = self.target
        if target is None:
            return
        try:
            text = self.text.decode()
        except UnicodeDecodeError:
            raise XojlError("bytes that are not UTF-8", f"token {position}", "UTF-8") from None
        if target == "tag":
            self.tag = text
        elif target == "class":
            self.classes.append(text)
        else:
            self.content.append(Content(target, text, len(self.children)))
        self.text, self.target, self.in_prefix = b"", None, False


def copyable(html: Forest | TreeIndex, caps: Caps = DEFAULT_CAPS) -> np.ndarray:
    """bool[T]: the HTML nodes that any layout node may copy and stay within the caps."""
    allowed = []
    for visit in TreeIndex.of(html).visits:
        node = visit.node
        key = key_of(node)
        fits = len(key) + 1 + _LONGEST_ELEMENT <= caps.key_length
        fits = fits and len(node.classes) <= caps.classes
        # 6 bytes is the longest that JSON makes of one character.
        size = len(key) + sum(len(content.value) + 12 for content in node.content)
        if fits and size * 6 > COPYABLE_BYTES:
            alone = Node(None, node.tag, node.classes, _moved_to_front(node.content))
            fits = len(print_html((alone,)).encode()) <= COPYABLE_BYTES
        allowed.append(fits)
    return np.array(allowed, dtype=bool)


def _moved_to_front(content: tuple[Content, ...]) -> tuple[Content, ...]:
    """Content as a copy has it: a layout node's children are not those of its HTML twin."""
    return tuple(Content(item.kind, item.value, 0) for item in content)


def _element_token(element: str | None) -> int:
    token = _ELEMENT_TOKENS.get(element or "")
    if token is None:
        raise XojlError(f"a node without an element ({element})", "tokenize", "a layout tree")
    return token


def _check_name(name: str) -> None:
    if not is_writable(name):
        raise XojlError(f"unwritable name {shorten(name)}", "tokenize", "a name of docs/record.md")


def _rows(codebook: Codebook):
    """(kind, name, bytes spelled) of every token in the order of the ids."""
    yield from (("special", name, b"") for name in ("PAD", "BOS", "EOS", "END"))
    for i in range(ELEMENT_WIDTH):
        yield "element", ELEMENTS[i] if i < len(ELEMENTS) else f"reserved{i}", b""
    yield from (("tag", tag, tag.encode()) for tag in codebook.tags)
    yield "tag_raw", "", b""
    yield from (("device", code, f"{code}:".encode()) for code in codebook.devices)
    yield from (("pseudo", code, f"{code}:".encode()) for code in codebook.pseudo_classes)
    yield from (("attribute", code, f"{code}_".encode()) for code in codebook.properties)
    yield "attribute_raw", "", b""
    yield from (("keyword", word, word.encode()) for word in codebook.keywords)
    yield from (("content", kind, b"") for kind in CONTENT_KINDS)
    yield "bare", "", b""
    yield from (("byte", f"{byte:02x}", bytes((byte,))) for byte in range(256))


_ELEMENT_TOKENS = {name: ELEMENT_BASE + i for i, name in enumerate(ELEMENTS)}
