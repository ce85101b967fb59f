"""The automaton that makes every decoded document valid: tables, and their numpy reference.

A *carry* is what decoding knows besides the model: (state, depth, chars, classes), where depth is
the number of open nodes, chars the length of the newest node's key, classes the number of its
classes. With `left` tokens still allowed, the next one included, token x (or COPY, column V) is
legal iff all of these hold, in int32 arithmetic:

    need[state, x] + depth <= left
    lowest_depth[x] <= depth <= highest_depth[x]
    chars + room[state, x] <= max_key
    classes < max_classes   where opens_class[state, x]
    copyable[i]             for COPY(i)

and it leads to (next_state[state, x], depth + depth_step[x], chars', classes'): an ELEMENT sets
chars' = chars[x] and classes' = 0, any other token adds chars[x] and opens_class[state, x].

Why that always ends well: `need` and `room` count the same shortest way out (an own `byte` or two),
so a token that leaves enough of both leaves a successor that does, down to EOS.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from xojl_jax.errors import BadUsage
from xojl_jax.xojl.faults import DEFAULT_CAPS, Caps
from xojl_jax.xojl.vocabulary import (
    BOS,
    ELEMENT_BASE,
    ELEMENT_WIDTH,
    ELEMENTS,
    END,
    EOS,
    PAD,
    Vocabulary,
)

ILLEGAL = 32767
# Where no key is being written, no length can be exceeded; 16 bits hold this plus any `chars`.
ANY_LENGTH = -16384


@dataclass(frozen=True, eq=False)
class Automaton:
    """The tables. S states, V vocabulary tokens; column V stands for every COPY(i)."""

    start_semantic: int  # states right after BOS
    start_detail: int
    need: np.ndarray  # int16[S, V+1] tokens to EOS from depth 0, x included; ILLEGAL if never
    next_state: np.ndarray  # int16[S, V+1]
    room: np.ndarray  # int16[S, V+1] key characters to the end of the name, those of x included
    opens_class: np.ndarray  # bool[S, V+1] x begins a class
    depth_step: np.ndarray  # int8[V+1] +1 ELEMENT, -1 END
    lowest_depth: np.ndarray  # int16[V+1] open nodes that x asks for
    highest_depth: np.ndarray  # int16[V+1]
    chars: np.ndarray  # int16[V+1] characters that x adds to the key
    is_element: np.ndarray  # bool[V+1] x begins a node: sets chars and classes
    max_depth: int
    max_key: int
    max_classes: int
    max_length: int  # tokens after BOS; past this a document could pass the cap on nodes
    state_names: tuple[str, ...]

    @staticmethod
    def load(vocabulary: Vocabulary | None = None, caps: Caps = DEFAULT_CAPS) -> "Automaton":
        """The automaton of a vocabulary (the shipped one by default), built once a process."""
        return _build(vocabulary or Vocabulary.load(), caps)

    @property
    def vocabulary_size(self) -> int:
        return self.need.shape[1] - 1

    def tables(self) -> dict[str, np.ndarray]:
        """The arrays by name, for lifting to a device."""
        names = "need next_state room opens_class depth_step lowest_depth highest_depth chars"
        return {name: getattr(self, name) for name in (*names.split(), "is_element")}

    def start(self, view: str) -> tuple[int, int, int, int]:
        """The carry right after BOS; `view` is "semantic" or "detail"."""
        return {"semantic": self.start_semantic, "detail": self.start_detail}[view], 0, 0, 0

    def shortest(self, view: str, copyable_any: bool = False) -> int:
        """Tokens after BOS of the shortest legal document. A key may be left out, so both views
        need ELEMENT END EOS, with or without anything to copy."""
        state = self.start(view)[0]
        return int(self.need[state].min())

    def legal(self, carry, left: int, copyable: np.ndarray) -> np.ndarray:
        """bool[V+T]: which tokens may come next. `copyable` is bool[T]."""
        state, depth, chars, classes = carry
        allowed = self.need[state].astype(np.int32) + depth <= left
        allowed &= (self.lowest_depth <= depth) & (depth <= self.highest_depth)
        allowed &= chars + self.room[state].astype(np.int32) <= self.max_key
        allowed &= ~self.opens_class[state] | (classes < self.max_classes)
        return np.concatenate([allowed[:-1], allowed[-1] & np.asarray(copyable, dtype=bool)])

    def advance(self, carry, token: int) -> tuple[int, int, int, int]:
        """The carry after a token, which must be legal."""
        state, depth, chars, classes = carry
        x = min(int(token), self.vocabulary_size)
        if self.is_element[x]:
            chars, classes = 0, 0
        return (
            int(self.next_state[state, x]),
            depth + int(self.depth_step[x]),
            chars + int(self.chars[x]),
            classes + int(self.opens_class[state, x]),
        )

    def carries(self, tokens, view: str) -> np.ndarray:
        """int32[L, 4]: the carry before each target of a teacher-forced sequence.

        `tokens` is int[L+1], BOS first, PAD after EOS if need be; row i belongs to tokens[i + 1].
        """
        x = np.minimum(np.asarray(tokens, dtype=np.int64)[1:], self.vocabulary_size)
        states, state = [], self.start(view)[0]
        rows = self._successors
        for token in x.tolist():
            states.append(state)
            state = rows[state][token]
        carries = np.zeros((len(x), 4), np.int32)
        carries[:, 0] = states
        opened = self.opens_class[carries[:, 0], x]
        for column, added in ((1, self.depth_step[x]), (2, self.chars[x]), (3, opened)):
            total = np.cumsum(added, dtype=np.int32)
            if column > 1:
                # Sums start afresh at every ELEMENT: take off what stood before the newest one.
                before = np.where(self.is_element[x], total - added, np.iinfo(np.int32).min)
                total -= np.maximum(np.maximum.accumulate(before), 0)
            carries[1:, column] = total[:-1]
        return carries

    @property
    def _successors(self) -> list[list[int]]:
        return _rows_of(self)


@lru_cache(maxsize=4)
def _rows_of(automaton: Automaton) -> list[list[int]]:
    return automaton.next_state.tolist()


# --- construction ----------------------------------------------------------------------------
#
# A name (tag or class) runs through states that hold a name's three rules (docs/record.md): what
# the separators would cut is never written. A name's state is two letters of context and a detail:
#   free: `_` may come; dash: inside `-…` without `_` so far, where a `_` would make a class of it
# and the last character: plain, digit (a `.` may follow), point (a digit must follow).

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
_WHOLE = (
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


def _name_edges():
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


def _utf8_edges():
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


def _edges(vocabulary: Vocabulary):
    """(state, token, next state) of the whole automaton."""
    by_kind: dict[str, list[int]] = {}
    for token, kind in enumerate(vocabulary.kinds):
        by_kind.setdefault(kind, []).append(token)
    elements = range(ELEMENT_BASE, ELEMENT_BASE + len(ELEMENTS))
    copy = vocabulary.size

    for element in elements:
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
    for state in ("open", "body", "copied", "content", *_WHOLE):
        yield state, END, "body"
        for element in elements:
            yield state, element, "open"
        for token in by_kind["content"]:
            yield state, token, "content"
    for state in (*_WHOLE, "prefix device", "prefix pseudo"):
        for token in by_kind["device"] if state in _WHOLE else ():
            yield state, token, "prefix device"
        for token in by_kind["pseudo"]:
            yield state, token, "prefix pseudo"
        for token in by_kind["attribute"]:
            yield state, token, "value"
        raw = "name" if state in _WHOLE else "after prefix"
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


@lru_cache(maxsize=16)
def _build(vocabulary: Vocabulary, caps: Caps) -> Automaton:
    if caps.key_length < max(map(len, ELEMENTS)):
        raise BadUsage(f"key_length {caps.key_length} is less than an element's name; raise it")
    edges = list(_edges(vocabulary))
    names = tuple(dict.fromkeys(name for edge in edges for name in (edge[0], edge[2])))
    number = {name: i for i, name in enumerate(names)}
    sources, tokens, targets = (
        np.array(column)
        for column in zip(*((number[s], x, number[t]) for s, x, t in edges), strict=True)
    )
    columns = vocabulary.size + 1
    next_state = np.zeros((len(names), columns), np.int16)
    next_state[sources, tokens] = targets

    chars, is_element = _key_characters(vocabulary), np.zeros(columns, bool)
    is_element[ELEMENT_BASE : ELEMENT_BASE + ELEMENT_WIDTH] = True
    depth_step = is_element.astype(np.int8)
    depth_step[END] = -1

    # Inside a node, the way out is to reach a state in which END is legal.
    ends = number["semantic"], *(number[s] for s in ("open", "body", "copied", "content", *_WHOLE))
    tokens_out = _distances(len(names), ends, sources, targets, np.ones(len(edges), np.int64))
    chars_out = _distances(len(names), ends, sources, targets, chars[tokens].astype(np.int64))

    need = np.full((len(names), columns), ILLEGAL, np.int16)
    # x itself, then to an END, that END of every open node, then EOS.
    need[sources, tokens] = 2 + tokens_out[targets] + depth_step[tokens]
    need[:, EOS] = np.where(need[:, EOS] == ILLEGAL, ILLEGAL, 1)
    need[number["done"], PAD] = 0

    in_key = np.array([not name.startswith("content") for name in names])
    extends = in_key[targets] & ~np.isin(targets, [number[s] for s in _OUTSIDE_KEYS])
    room = np.full((len(names), columns), ANY_LENGTH, np.int16)
    room[sources, tokens] = np.where(extends, chars[tokens] + chars_out[targets], ANY_LENGTH)

    kinds = np.array([*vocabulary.kinds, "copy"])
    classish = np.isin(kinds, ["device", "pseudo", "attribute", "attribute_raw"])
    opens_class = np.zeros((len(names), columns), bool)
    opens_class[[number[s] for s in _WHOLE]] = classish

    lowest = np.ones(columns, np.int16)
    lowest[[PAD, BOS, EOS]] = 0
    lowest[is_element] = 0
    highest = np.full(columns, caps.depth, np.int16)
    highest[is_element] = caps.depth - 1
    highest[[PAD, BOS, EOS]] = 0
    return Automaton(
        start_semantic=number["semantic start"],
        start_detail=number["detail start"],
        need=need,
        next_state=next_state,
        room=room,
        opens_class=opens_class,
        depth_step=depth_step,
        lowest_depth=lowest,
        highest_depth=highest,
        chars=chars,
        is_element=is_element,
        max_depth=caps.depth,
        max_key=caps.key_length,
        max_classes=caps.classes,
        max_length=2 * caps.nodes + 1,
        state_names=names,
    )


_OUTSIDE_KEYS = ("semantic", "open", "body", "copied", "done")


def _key_characters(vocabulary: Vocabulary) -> np.ndarray:
    """int16[V+1]: what a token adds to the key's length, its separator included."""
    chars = np.zeros(vocabulary.size + 1, np.int16)
    for token, (kind, text) in enumerate(zip(vocabulary.kinds, vocabulary.texts, strict=True)):
        if kind == "byte":  # the lead byte stands for its character
            chars[token] = not 0x80 <= text[0] < 0xC0
        elif kind == "element" and token - ELEMENT_BASE < len(ELEMENTS):
            chars[token] = len(ELEMENTS[token - ELEMENT_BASE])
        else:
            # Every tag and every class has exactly one of these four, so they pay for the
            # `.` or `@` in front.
            starts = kind in ("tag", "tag_raw", "attribute", "attribute_raw")
            chars[token] = len(text) + starts
    return chars


def _distances(states: int, ends, sources, targets, costs) -> np.ndarray:
    """int64[S]: the cheapest way from each state to one of `ends`."""
    distance = np.full(states, 1000, np.int64)
    distance[list(ends)] = 0
    while True:
        better = distance.copy()
        np.minimum.at(better, sources, distance[targets] + costs)
        if (better == distance).all():
            return distance
        distance = better
