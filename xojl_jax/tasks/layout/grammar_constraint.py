"""XOJL's grammar automaton as a constraint of decoding: arrays that enter the compiled loop.

The tables are those of `xojl.grammar.Automaton`, so the compiled step, training and decoding share
one automaton. A token id below V is a vocabulary token; V + i is COPY(i), a pointer to html node i.
Column V of a table is for every COPY.

The functions broadcast over leading axes: [B] in a decoding step, [B, K] in beam search, [B, L]
under teacher forcing.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from xojl_jax.xojl.grammar import Automaton

# `min_tokens_to_close` of a token that the grammar forbids: more than any budget.
NEVER = np.iinfo(np.int16).max


_DTYPES = {
    "opens_class": jnp.bool_,
    "is_element": jnp.bool_,
    "max_key": jnp.int32,
    "max_classes": jnp.int32,
}


class GrammarTables(NamedTuple):
    """S states, V vocabulary tokens; column V is for every COPY. See `xojl.grammar`."""

    min_tokens_to_close: jax.Array  # int16[S, V+1]: to EOS, x first among them, from depth 0
    next_state: jax.Array  # int16[S, V+1]
    min_chars_to_close: jax.Array  # int16[S, V+1]: to finish the node's key, those of x included
    opens_class: jax.Array  # bool[S, V+1]
    chars: jax.Array  # int16[V+1]: characters that x adds to the key
    depth_step: jax.Array  # int16[V+1]: +1 opens a node, -1 closes one
    lowest_depth: jax.Array  # int16[V+1]: open nodes that x needs
    highest_depth: jax.Array  # int16[V+1]
    is_element: jax.Array  # bool[V+1]: x begins a node, and with it a key
    max_key: jax.Array  # int32[]
    max_classes: jax.Array  # int32[]

    @property
    def vocabulary_size(self) -> int:
        return self.min_tokens_to_close.shape[-1] - 1


class GrammarCarry(NamedTuple):
    """The state of the automaton and its counters; every leaf int32[...]."""

    state: jax.Array
    depth: jax.Array  # open nodes
    chars: jax.Array  # length of the open node's key so far
    classes: jax.Array  # classes of the open node so far

    @classmethod
    def start(cls, state: jax.Array) -> "GrammarCarry":
        """The carry right after BOS, given the view's start state int32[...]."""
        zero = jnp.zeros_like(state)
        return cls(state, zero, zero, zero)

    @classmethod
    def from_columns(cls, columns: jax.Array) -> "GrammarCarry":
        """From int32[..., 4], the form in which a batch holds it."""
        return cls(*(columns[..., i] for i in range(4)))


class GrammarConstraint(NamedTuple):
    """The XOJL documents that each row may become: `nn.decoding.constraint.Constraint`."""

    tables: GrammarTables
    view_start: jax.Array  # int32[B]: the state after BOS; semantic and detail rows may be mixed
    copyable: jax.Array  # bool[B, T]: which html nodes may be copied; T may be 0

    def start(self) -> GrammarCarry:
        return GrammarCarry.start(self.view_start)

    def legal(self, state: GrammarCarry, left: jax.Array) -> jax.Array:
        # bool[B, T] -> [B, 1, …, T]: one axis for each that the state has beyond its rows.
        batch, nodes = self.copyable.shape
        copyable = self.copyable.reshape(batch, *(1,) * (state.state.ndim - 1), nodes)
        return grammar_mask(self.tables, state, left, copyable)

    def advance(self, state: GrammarCarry, token: jax.Array) -> GrammarCarry:
        return grammar_advance(self.tables, state, token)

    def shortest(self) -> jax.Array:
        return shortest_document(self.tables, self.view_start)


def grammar_tables(automaton: Automaton) -> GrammarTables:
    """The device arrays of an automaton, whose attributes have the names of the tables."""
    return GrammarTables(
        *(
            jnp.asarray(getattr(automaton, name), _DTYPES.get(name, jnp.int16))
            for name in GrammarTables._fields
        )
    )


def shortest_document(tables: GrammarTables, start: jax.Array) -> jax.Array:
    """Tokens of the shortest document from a start state int32[...], EOS included, BOS not."""
    # COPY is left out: it may be that no html node can be copied.
    return jnp.min(_at(tables.min_tokens_to_close, start)[..., :-1], axis=-1).astype(jnp.int32)


def grammar_mask(
    tables: GrammarTables, carry: GrammarCarry, left: jax.Array, copyable: jax.Array
) -> jax.Array:
    """The legal next tokens, bool[..., V+T].

    `left` int32[...] counts the tokens that may still be emitted, the next one included; `copyable`
    bool[..., T] says which html nodes may be copied.

    At least one token is legal whenever `left` was at least `shortest_document` at the start and
    only legal tokens were emitted since. Write n for `min_tokens_to_close`: the length of a
    shortest way to close, which goes through vocabulary tokens that open neither a node nor a class
    unless the state demands one. So if x was legal, n[s, x] + depth <= left, then the first token y
    of that shortest way has n[s', y] + depth' = n[s, x] + depth - 1 <= left - 1. The same holds for
    `min_chars_to_close`: what x was charged pays for the characters of the way that finishes its
    key.
    """
    tokens = _as_budget(left - carry.depth)
    characters = _as_budget(tables.max_key - carry.chars)
    depth = carry.depth.astype(jnp.int16)[..., None]
    full = carry.classes >= tables.max_classes
    legal = _at(tables.min_tokens_to_close, carry.state) <= tokens[..., None]
    legal &= _at(tables.min_chars_to_close, carry.state) <= characters[..., None]
    legal &= ~(_at(tables.opens_class, carry.state) & full[..., None])
    legal &= (tables.lowest_depth <= depth) & (depth <= tables.highest_depth)
    return jnp.concatenate([legal[..., :-1], legal[..., -1:] & copyable], axis=-1)


def grammar_advance(tables: GrammarTables, carry: GrammarCarry, token: jax.Array) -> GrammarCarry:
    """The carry after a legal token int32[...]."""
    column = jnp.minimum(token, tables.vocabulary_size)
    entry = (carry.state, column)
    begins = _at(tables.is_element, column)
    return GrammarCarry(
        state=_at(tables.next_state, entry).astype(jnp.int32),
        depth=carry.depth + _at(tables.depth_step, column).astype(jnp.int32),
        chars=jnp.where(begins, 0, carry.chars) + _at(tables.chars, column).astype(jnp.int32),
        classes=jnp.where(begins, 0, carry.classes)
        + _at(tables.opens_class, entry).astype(jnp.int32),
    )


def _as_budget(amount: jax.Array) -> jax.Array:
    """int16, so that it compares with table rows as they are; what is forbidden stays out of
    reach.
    """
    return jnp.clip(amount, -1, NEVER - 1).astype(jnp.int16)


def _at(table: jax.Array, index: Any) -> jax.Array:
    # Clipped: a beam that died has a state that nobody reads, and must not fault.
    return table.at[index].get(mode="clip")
