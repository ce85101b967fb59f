"""The automaton that makes every decoded document valid: tables, and their numpy reference.

A *carry* is what decoding knows besides the model: (state, depth, chars, classes), where depth is
the number of open nodes, chars the length of the newest node's key, classes the number of its
classes. With `left` tokens still allowed, the next one included, token x (or COPY, column V) is
legal iff all of these hold, in int32 arithmetic:

    min_tokens_to_close[state, x] + depth <= left
    lowest_depth[x] <= depth <= highest_depth[x]
    chars + min_chars_to_close[state, x] <= max_key
    classes < max_classes   where opens_class[state, x]
    copyable[i]             for COPY(i)

and it leads to (next_state[state, x], depth + depth_step[x], chars', classes'): an ELEMENT sets
chars' = chars[x] and classes' = 0, any other token adds chars[x] and opens_class[state, x].

Why that always ends well: `min_tokens_to_close` and `min_chars_to_close` count the same shortest
way out (an own `byte` or two), so a token that leaves enough of both leaves a successor that does,
down to EOS.
"""

from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from xojl_jax.errors import BadUsage
from xojl_jax.xojl.faults import DEFAULT_CAPS, Caps
from xojl_jax.xojl.grammar_rules import WHOLE, edges, in_a_key
from xojl_jax.xojl.keys import ELEMENTS
from xojl_jax.xojl.vocabulary import (
    BOS,
    CLASS_KINDS,
    ELEMENT_BASE,
    ELEMENT_WIDTH,
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
    """The tables. S states, V vocabulary tokens; column V is for every COPY(i)."""

    start_semantic: int  # states right after BOS
    start_detail: int
    # int16[S, V+1]: tokens to EOS from depth 0, x included; ILLEGAL if never
    min_tokens_to_close: np.ndarray
    next_state: np.ndarray  # int16[S, V+1]
    # int16[S, V+1]: key characters to the end of the name, those of x included
    min_chars_to_close: np.ndarray
    opens_class: np.ndarray  # bool[S, V+1] x begins a class
    depth_step: np.ndarray  # int8[V+1] +1 ELEMENT, -1 END
    lowest_depth: np.ndarray  # int16[V+1] open nodes that x needs
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
        return self.min_tokens_to_close.shape[1] - 1

    def start(self, view: str) -> tuple[int, int, int, int]:
        """The carry right after BOS; `view` is "semantic" or "detail"."""
        return {"semantic": self.start_semantic, "detail": self.start_detail}[view], 0, 0, 0

    def shortest(self, view: str) -> int:
        """Tokens after BOS of the shortest legal document. A key may be left out, so both views
        need ELEMENT END EOS, with or without anything to copy."""
        state = self.start(view)[0]
        return int(self.min_tokens_to_close[state].min())

    def legal(self, carry, left: int, copyable: np.ndarray) -> np.ndarray:
        """bool[V+T]: which tokens may come next. `copyable` is bool[T]."""
        state, depth, chars, classes = carry
        allowed = self.min_tokens_to_close[state].astype(np.int32) + depth <= left
        allowed &= (self.lowest_depth <= depth) & (depth <= self.highest_depth)
        allowed &= chars + self.min_chars_to_close[state].astype(np.int32) <= self.max_key
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
        rows = _rows_of(self)
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


@lru_cache(maxsize=4)
def _rows_of(automaton: Automaton) -> list[list[int]]:
    return automaton.next_state.tolist()


@lru_cache(maxsize=16)
def _build(vocabulary: Vocabulary, caps: Caps) -> Automaton:
    if caps.key_length < max(map(len, ELEMENTS)):
        raise BadUsage(f"key_length {caps.key_length} is less than an element's name; raise it")
    rules = list(edges(vocabulary))
    names = tuple(dict.fromkeys(name for rule in rules for name in (rule[0], rule[2])))
    number = {name: i for i, name in enumerate(names)}
    sources, tokens, targets = (
        np.array(column)
        for column in zip(*((number[s], x, number[t]) for s, x, t in rules), strict=True)
    )
    shape = len(names), vocabulary.size + 1
    next_state = np.zeros(shape, np.int16)
    next_state[sources, tokens] = targets

    is_element = np.zeros(shape[1], bool)
    is_element[ELEMENT_BASE : ELEMENT_BASE + ELEMENT_WIDTH] = True
    depth_step = is_element.astype(np.int8)
    depth_step[END] = -1
    lowest_depth = np.where(is_element, 0, 1).astype(np.int16)
    highest_depth = (caps.depth - is_element).astype(np.int16)
    lowest_depth[[PAD, BOS, EOS]] = highest_depth[[PAD, BOS, EOS]] = 0

    # Inside a node, the way out is to a state in which END is legal.
    may_end = np.isin(names, [source for source, token, _ in rules if token == END])
    chars = _key_characters(vocabulary)
    to_end = partial(_distances, may_end, sources, targets)
    tokens_to_close = np.full(shape, ILLEGAL, np.int16)
    # x itself, then to an END, the END of every open node, then EOS.
    inside = to_end(np.ones(len(rules), int))[targets]
    tokens_to_close[sources, tokens] = 2 + inside + depth_step[tokens]
    tokens_to_close[tokens_to_close[:, EOS] < ILLEGAL, EOS] = 1
    tokens_to_close[number["done"], PAD] = 0

    chars_to_close = np.full(shape, ANY_LENGTH, np.int16)
    ways = chars[tokens] + to_end(chars[tokens].astype(int))[targets]
    in_key = np.array([in_a_key(name) for name in names])
    chars_to_close[sources, tokens] = np.where(in_key[targets], ways, ANY_LENGTH)

    begins = np.isin([*vocabulary.kinds, "copy"], CLASS_KINDS)
    return Automaton(
        start_semantic=number["semantic start"],
        start_detail=number["detail start"],
        min_tokens_to_close=tokens_to_close,
        next_state=next_state,
        min_chars_to_close=chars_to_close,
        opens_class=np.isin(names, WHOLE)[:, None] & begins,
        depth_step=depth_step,
        lowest_depth=lowest_depth,
        highest_depth=highest_depth,
        chars=chars,
        is_element=is_element,
        max_depth=caps.depth,
        max_key=caps.key_length,
        max_classes=caps.classes,
        max_length=2 * caps.nodes + 1,
        state_names=names,
    )


def _key_characters(vocabulary: Vocabulary) -> np.ndarray:
    """int16[V+1]: what a token adds to the key's length, its separator included."""
    chars = np.zeros(vocabulary.size + 1, np.int16)
    for token, (kind, text) in enumerate(zip(vocabulary.kinds, vocabulary.texts, strict=True)):
        if kind == "byte":  # counted once a character, at its lead byte
            chars[token] = not 0x80 <= text[0] < 0xC0
        elif kind == "element" and token - ELEMENT_BASE < len(ELEMENTS):
            chars[token] = len(ELEMENTS[token - ELEMENT_BASE])
        else:
            # Every tag and every class has exactly one of these four, so they pay for the
            # `.` or `@` in front.
            starts = kind in ("tag", "tag_raw", "attribute", "attribute_raw")
            chars[token] = len(text) + starts
    return chars


def _distances(may_end, sources, targets, costs) -> np.ndarray:
    """int64[S]: the cheapest way from each state to one that may end, over edges with costs."""
    distance = np.where(may_end, 0, 1000)  # more than any way costs
    while True:
        better = distance.copy()
        np.minimum.at(better, sources, distance[targets] + costs)
        if (better == distance).all():
            return distance
        distance = better
