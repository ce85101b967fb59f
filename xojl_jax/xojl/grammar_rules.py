"""The grammar as rules: the states of the automaton and what leads from one to another.

A name (tag or class) runs through states that hold a name's three rules (docs/record.md), so that
what a separator would cut is never written. The state of a name is a context and a detail:

    free   `_` may come;  dash   inside `-…` without `_` so far, where `_` would make a class of it
    digit  a `.` may follow;  point  a digit must follow;  part  a keyword may follow

Names are bytes, and a character beyond ASCII runs through the states of well-formed UTF-8.
"""

from collections.abc import Iterator

from xojl_jax.xojl.keys import ELEMENTS
from xojl_jax.xojl.vocabulary import ELEMENT_BASE, END, EOS, PAD, Vocabulary

# (state, token or byte, next state)
Edge = tuple[str, int, str]

_DIGITS = b"0123456789"
_UTF8 = {  # lead bytes -> (the bytes that may follow, how many plain continuations after that)
    range(0xC2, 0xE0): (range(0x80, 0xC0), 0),
    range(0xE0, 0xE1): (range(0xA0, 0xC0), 1),
    range(0xE1, 0xED): (range(0x80, 0xC0), 1),
    range(0xED, 0xEE): (range(0x80, 0xA0), 1),  # beyond are the surrogates
    range(0xEE, 0xF0): (range(0x80, 0xC0), 1),
    range(0xF0, 0xF1): (range(0x90, 0xC0), 2),
    range(0xF1, 0xF4): (range(0x80, 0xC0), 2),
    range(0xF4, 0xF5): (range(0x80, 0x90), 2),
}
# States in which the name so far is a whole name: a class, content, a child or END may follow.
WHOLE = (
    "known",
    "leading dash",
    "free",
    "free digit",
    "free part",
    "free keyword",
    "dash",
    "dash plain",
    "dash digit",
    "dash part",
    "dash keyword",
)

_BETWEEN_KEYS = ("semantic start", "semantic", "detail start", "open", "body", "copied", "done")


def in_a_key(state: str) -> bool:
    """Whether the node's key is being written in this state."""
    return state not in _BETWEEN_KEYS and not state.startswith("content")


def _name_edges() -> Iterator[Edge]:
    """(state, byte, next state) of every ASCII byte inside a name."""
    starts = ("name", "leading dash")
    free = ("name", "after prefix", "value", "leading dash", "free", "free digit", "free part")
    dashed = ("dash", "dash plain", "dash digit", "dash part")
    for context, states in (("free", free), ("dash", dashed)):
        plain = "free" if context == "free" else "dash plain"
        for state in states:
            for byte in range(0x80):
                char = chr(byte)
                if char == "-":
                    yield state, byte, "leading dash" if state in starts else "dash"
                elif char == "_":
                    if context == "free":
                        yield state, byte, "free part"
                    elif state == "dash":
                        yield state, byte, "free"
                elif char == "+":
                    yield state, byte, f"{context} part"
                elif char == ".":
                    if state.endswith("digit"):
                        yield state, byte, f"{context} point"
                elif byte in _DIGITS:
                    yield state, byte, f"{context} digit"
                elif char != "@":
                    yield state, byte, plain
        for byte in _DIGITS:
            yield f"{context} point", byte, f"{context} digit"
        yield f"{context} keyword", ord("+"), f"{context} part"


def _utf8_edges() -> Iterator[Edge]:
    """(state, byte, next state) of every byte of a character beyond ASCII."""
    homes = {
        "free": (
            "name",
            "after prefix",
            "value",
            "leading dash",
            "free",
            "free digit",
            "free part",
        ),
        "dash plain": ("dash", "dash plain", "dash digit", "dash part"),
        "content": ("content",),
    }
    for home, states in homes.items():
        for leads, (follow, rest) in _UTF8.items():
            second = f"{home} after {leads[0]:02x}"
            for lead in leads:
                for state in states:
                    yield state, lead, second
            for byte in follow:
                yield second, byte, f"{home} {rest} more" if rest else home
        for rest in (1, 2):
            for byte in range(0x80, 0xC0):
                yield f"{home} {rest} more", byte, f"{home} {rest - 1} more" if rest > 1 else home


def edges(vocabulary: Vocabulary) -> Iterator[Edge]:
    """(state, token, next state) of the whole automaton."""
    by_kind: dict[str, list[int]] = {}
    for token, kind in enumerate(vocabulary.kinds):
        by_kind.setdefault(kind, []).append(token)
    named_elements = range(ELEMENT_BASE, ELEMENT_BASE + len(ELEMENTS))
    copy = vocabulary.size

    for element in named_elements:
        yield "semantic start", element, "semantic"
        yield "semantic", element, "semantic"
        yield "detail start", element, "open"
    yield "semantic", END, "semantic"
    yield "semantic", EOS, "done"
    yield "body", EOS, "done"
    yield "done", PAD, "done"

    yield "open", copy, "copied"
    yield "copied", vocabulary.id_of("bare:"), "body"
    for token in by_kind["tag"]:
        yield "open", token, "known"
    yield "open", vocabulary.id_of("tag_raw:"), "name"
    for state in ("open", "body", "copied", "content", *WHOLE):
        yield state, END, "body"
        for element in named_elements:
            yield state, element, "open"
        for token in by_kind["content"]:
            yield state, token, "content"
    for state in (*WHOLE, "prefix device", "prefix pseudo"):
        for token in by_kind["device"] if state in WHOLE else ():
            yield state, token, "prefix device"
        for token in by_kind["pseudo"]:
            yield state, token, "prefix pseudo"
        for token in by_kind["attribute"]:
            yield state, token, "value"
        raw = "name" if state in WHOLE else "after prefix"
        yield state, vocabulary.id_of("attribute_raw:"), raw

    for token in by_kind["keyword"]:
        dashed = b"-" in vocabulary.texts[token]
        for state in ("value", "free part"):
            yield state, token, "dash keyword" if dashed else "free keyword"
        yield "dash part", token, "dash keyword"
    for byte in range(0x80):
        yield "content", vocabulary.byte_base + byte, "content"
    for state, byte, following in (*_name_edges(), *_utf8_edges()):
        yield state, vocabulary.byte_base + byte, following
