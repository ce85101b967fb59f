"""The language of answers as a constraint of decoding: always whole, always finished, every box on
the page, every table a rectangle of whole cells.

A small automaton over kinds of tokens, and beside it what a box and a table remember. `vocabulary`
has the grammar. The functions broadcast over leading axes, as `nn.decoding.constraint` asks.

Letters: B rows, V tokens of the vocabulary, T tokens of the page, C columns that a table may have.
"""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from xojl_jax.tasks.document.answering.vocabulary import AnswerVocabulary, Kind

Array = jax.Array

_WORD = {Kind.BEGIN: "{}_piece", Kind.POINTER: "{}"}
_PIECE = _WORD | {Kind.CONTINUE: "{}_piece"}
_PLACES = (Kind.CELL, Kind.HEADER, Kind.LEFT, Kind.UP, Kind.CROSS)


def _words(state: str, others: dict[Kind, str]) -> dict[str, dict[Kind, str]]:
    """Two states, `state` after a whole word and `state`_piece after a piece, which may go on."""
    return {
        name: {kind: to.format(state) for kind, to in word.items()} | others
        for name, word in ((state, _WORD), (f"{state}_piece", _PIECE))
    }


def _box(state: str, behind: str) -> dict[str, dict[Kind, str]]:
    """The three states within a box, and where its last corner leads."""
    names = [f"{state}_y0", f"{state}_x1", f"{state}_y1", behind]
    return {at: {Kind.CORNER: to} for at, to in itertools.pairwise(names)}


_FIELD, _END = {Kind.FIELD: "label_first"}, {Kind.EOS: "end"}
_REGION, _VALUE = {Kind.REGION: "region_first"}, {Kind.VALUE: "value"}
_PLACED = {Kind.BEGIN: "placed_piece", Kind.POINTER: "placed"}
_NEXT_PLACE = dict.fromkeys((Kind.CELL, Kind.HEADER), "cell") | dict.fromkeys(
    (Kind.LEFT, Kind.UP, Kind.CROSS), "span"
)
_IN_ROW = _NEXT_PLACE | {Kind.ROW: "row"}
# State -> kind of token -> the state behind it.
AUTOMATON: dict[str, dict[Kind, str]] = {
    "start": {
        Kind.TEXT: "text",
        Kind.WORDS: "placed",
        Kind.FIELDS: "fields",
        Kind.REGIONS: "regions",
        Kind.TABLE: "row",
    },
    **_words("text", _END),
    "placed": _PLACED | _END,
    "placed_piece": {Kind.CONTINUE: "placed_piece", Kind.CORNER: "placed_y0"},
    **_box("placed", "placed"),
    "fields": _FIELD | _END,
    "label_first": {Kind.BEGIN: "label_piece", Kind.POINTER: "label"},
    **_words("label", _VALUE),
    **_words("value", _FIELD | _END),
    "regions": _REGION | _END,
    "region_first": {Kind.BEGIN: "region_piece"},
    "region_piece": {
        Kind.BEGIN: "region_piece",
        Kind.CONTINUE: "region_piece",
        Kind.CORNER: "region_y0",
        Kind.POINTER: "region_last",
    },
    "region_last": {Kind.POINTER: "regions"},
    **_box("region", "regions"),
    **_words("cell", _IN_ROW),
    "span": _IN_ROW,
    "row": _NEXT_PLACE | _END,
    "end": {},
}
STATES = tuple(AUTOMATON)
# More than any budget.
NEVER = np.iinfo(np.int32).max // 2


def _tables() -> tuple[np.ndarray, np.ndarray]:
    """next_state int32[states, kinds]; and tokens to EOS at least behind each, [2, states, kinds],
    of a page without words and of one with some, NEVER where the kind is not allowed. Within a row
    of a table, what its columns still need is not counted."""
    number = {state: i for i, state in enumerate(STATES)}
    next_state = np.zeros((len(STATES), len(Kind)), np.int32)
    to_end = np.full((2, len(STATES), len(Kind)), NEVER, np.int32)
    for has_words in (False, True):
        shortest = _shortest(has_words)
        for state, ways in AUTOMATON.items():
            for kind, to in ways.items():
                next_state[number[state], kind] = number[to]
                to_end[int(has_words), number[state], kind] = 1 + shortest[to]
    return next_state, to_end


def _shortest(has_words: bool) -> dict[str, int]:
    """Of each state, tokens to the end at least; where the page has no words, no way is by a
    pointer."""
    shortest = dict.fromkeys(STATES, NEVER) | {"end": 0}
    for _ in STATES:
        for state, ways in AUTOMATON.items():
            open_ = [to for kind, to in ways.items() if has_words or kind != Kind.POINTER]
            if open_:
                shortest[state] = 1 + min(shortest[to] for to in open_)
    return {state: min(count, NEVER - 1) for state, count in shortest.items()}


NEXT_STATE, TO_END = _tables()
_CORNERS = {"y0": ("placed_y0", "region_y0"), "x1": ("placed_x1", "region_x1")}
_IN_TABLE = ("cell", "cell_piece", "span")


def _is(*states: str) -> np.ndarray:
    return np.isin(STATES, states)


class AnswerCarry(NamedTuple):
    """What is remembered of an answer so far; leaves int32[…], the last two int32[…, C].

    Attributes:
      state: a number in `STATES`.
      x0, y0: of the box that is open, as bins.
      first: position of the first word of the span that is open.
      column: tokens of the open row so far.
      columns: of the table; 0 in its first row.
      above, row: kinds of the tokens of the row before, and of the open one.
    """

    state: Array
    x0: Array
    y0: Array
    first: Array
    column: Array
    columns: Array
    above: Array
    row: Array


@struct.dataclass
class AnswerConstraint:
    """The answers that each row may become: `nn.decoding.constraint.Constraint`.

    Attributes:
      kinds: int32[V + 1], of tokens, the last of all pointers.
      bins: int32[V], of corners; 0 of others.
      copyable: bool[B, T], where a word of the page begins.
      forms: bool[B, kinds], the kinds that an answer may begin with.
      max_columns: C.
    """

    kinds: Array
    bins: Array
    copyable: Array
    forms: Array
    max_columns: int = struct.field(pytree_node=False)

    def start(self) -> AnswerCarry:
        rows = self.copyable.shape[0]
        zero = jnp.zeros(rows, jnp.int32)
        blank = jnp.zeros((rows, self.max_columns), jnp.int32)
        return AnswerCarry(zero, zero, zero, zero, zero, zero, blank, blank)

    def shortest(self) -> Array:
        """A form and EOS."""
        return jnp.full(self.copyable.shape[0], 2, jnp.int32)

    def legal(self, state: AnswerCarry, left: Array) -> Array:
        """bool[…, V + T]. Where a kind is legal, one of the kinds behind it is: what is charged for
        it is the length of a way to the end, which costs one token less at its first one."""
        kinds = self._legal_kinds(state, left)
        tokens = jnp.take(kinds, self.kinds, axis=-1)
        low = jnp.where(_at(_is(*_CORNERS["x1"]), state.state), state.x0, 0)
        low = jnp.where(_at(_is("placed_y1", "region_y1"), state.state), state.y0, low)
        words = tokens[..., :-1] & (self.bins >= low[..., None])
        # bool[B, T] -> [B, 1, …, T]: one axis for each that the state has beyond its rows.
        rows, length = self.copyable.shape
        copyable = self.copyable.reshape(rows, *(1,) * (state.state.ndim - 1), length)
        # A span's last word is not before its first one, which itself may be the last.
        first = jnp.where(_at(_is("region_last"), state.state), state.first, 0)
        pointers = tokens[..., -1:] & copyable & (jnp.arange(length) >= first[..., None])
        return jnp.concatenate([words, pointers], axis=-1)

    def _legal_kinds(self, state: AnswerCarry, left: Array) -> Array:
        """bool[…, kinds]."""
        rows = self.copyable.shape[0]
        has_words = self.copyable.any(-1).astype(jnp.int32)
        has_words = has_words.reshape(rows, *(1,) * (state.state.ndim - 1))
        need = _at(TO_END, has_words, state.state)
        in_table = _at(_is(*_IN_TABLE, "row"), state.state)
        place = jnp.asarray(np.isin(list(Kind), _PLACES))
        word = jnp.asarray(np.isin(list(Kind), (Kind.BEGIN, Kind.CONTINUE, Kind.POINTER)))
        # Columns that the row still needs behind a token of this kind.
        missing = jnp.maximum(state.columns - state.column, 0)[..., None]
        more = jnp.where(place, jnp.maximum(missing - 1, 0), jnp.where(word, missing, 0))
        need = need + jnp.where(in_table[..., None], more, 0)
        legal = need <= left[..., None]
        legal &= jnp.where(_at(_is("start"), state.state)[..., None], self._forms(state), True)
        return legal & jnp.where(in_table[..., None], self._fits(state), True)

    def _forms(self, state: AnswerCarry) -> Array:
        rows, kinds = self.forms.shape
        return self.forms.reshape(rows, *(1,) * (state.state.ndim - 1), kinds)

    def _fits(self, state: AnswerCarry) -> Array:
        """bool[…, kinds]: what the cells around the next place allow.

        A cell of several rows and columns must be CROSS wherever UP or CROSS is to the left and
        LEFT or CROSS above: so every cell is a rectangle.
        """
        at = jnp.minimum(state.column, self.max_columns - 1)[..., None]
        above = jnp.take_along_axis(state.above, at, axis=-1)[..., 0]
        back = jnp.take_along_axis(state.row, jnp.maximum(at - 1, 0), axis=-1)[..., 0]
        back = jnp.where(state.column > 0, back, int(Kind.PAD))
        cross = _one_of(back, Kind.UP, Kind.CROSS) & _one_of(above, Kind.LEFT, Kind.CROSS)
        first_row = state.columns == 0
        room = jnp.where(first_row, state.column < self.max_columns, state.column < state.columns)
        # A row that is just closed has no columns of its own yet.
        ended = jnp.where(first_row, state.column > 0, state.column == state.columns)
        start = room & ~cross
        kinds = {
            Kind.CELL: start,
            Kind.HEADER: start,
            Kind.LEFT: start & _one_of(back, Kind.CELL, Kind.HEADER, Kind.LEFT),
            Kind.UP: start & _one_of(above, Kind.CELL, Kind.HEADER, Kind.UP),
            Kind.CROSS: room & cross,
            Kind.ROW: ended,
        }
        always = jnp.ones_like(start)
        return jnp.stack([kinds.get(kind, always) for kind in Kind], axis=-1)

    def advance(self, state: AnswerCarry, token: Array) -> AnswerCarry:
        column = jnp.minimum(token, self.kinds.shape[0] - 1)
        kind = _take(self.kinds, column)
        bin_ = _take(self.bins, jnp.minimum(token, self.bins.shape[0] - 1))
        corner = kind == Kind.CORNER
        first = corner & _at(_is("placed_piece", "region_piece"), state.state)
        second = corner & _at(_is(*_CORNERS["y0"]), state.state)
        opened = (kind == Kind.POINTER) & _at(_is("region_piece"), state.state)
        size = self.kinds.shape[0] - 1
        place, row = _one_of(kind, *_PLACES), kind == Kind.ROW
        at = jax.nn.one_hot(state.column, self.max_columns, dtype=jnp.bool_)
        written = jnp.where(place[..., None] & at, kind[..., None], state.row)
        return AnswerCarry(
            state=_at(NEXT_STATE, state.state, kind),
            x0=jnp.where(first, bin_, state.x0),
            y0=jnp.where(second, bin_, state.y0),
            first=jnp.where(opened, token - size, state.first),
            column=jnp.where(row, 0, state.column + place.astype(jnp.int32)),
            columns=jnp.where(row, state.column, state.columns),
            above=jnp.where(row[..., None], state.row, state.above),
            row=jnp.where(row[..., None], 0, written),
        )


def answer_constraint(
    vocabulary: AnswerVocabulary, copyable: Array, max_columns: int, forms: Array | None = None
) -> AnswerConstraint:
    """The constraint of a batch; forms bool[B, kinds], None: any."""
    kinds = vocabulary.kinds().astype(np.int32)
    bins = np.where(kinds[:-1] == Kind.CORNER, np.arange(vocabulary.size), 0)
    bins = np.where(bins, bins - vocabulary.first_corner, NEVER)
    if forms is None:
        forms = jnp.ones((copyable.shape[0], len(Kind)), bool)
    return AnswerConstraint(
        jnp.asarray(kinds), jnp.asarray(bins, jnp.int32), copyable, forms, max_columns
    )


def _one_of(kind: Array, *wanted: Kind) -> Array:
    return jnp.isin(kind, jnp.array(wanted, jnp.int32))


def _at(table: np.ndarray, *index: Array) -> Array:
    # Clipped: a beam that died has a state that nobody reads, and must not fault.
    return jnp.asarray(table).at[index].get(mode="clip")


def _take(table: Array, index: Array) -> Array:
    return table.at[index].get(mode="clip")
