"""The automaton in JAX against its numpy reference, on the real tables, and against a language that
can be enumerated.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xojl_jax.nn.decoding import constraint
from xojl_jax.tasks.layout import grammar_constraint
from xojl_jax.xojl import vocabulary
from xojl_jax.xojl.grammar import Automaton
from xojl_jax.xojl.vocabulary import EOS

AUTOMATON = Automaton.load()
TABLES = grammar_constraint.grammar_tables(AUTOMATON)
COPYABLE = np.array([True, False, True])

mask = jax.jit(grammar_constraint.grammar_mask)
advance = jax.jit(grammar_constraint.grammar_advance)


def random_walk(rng, view, left):
    """Carries, budgets, legal sets and tokens of one random document, by the reference."""
    carry, steps = AUTOMATON.start(view), []
    favorites = rng.exponential(size=AUTOMATON.vocabulary_size + len(COPYABLE)) ** 4
    while not steps or steps[-1][3] != vocabulary.EOS:
        legal = AUTOMATON.legal(carry, left, COPYABLE)
        weight = np.where(legal, favorites, 0)
        token = rng.choice(len(weight), p=weight / weight.sum())
        steps.append((carry, left, legal, token))
        carry, left = AUTOMATON.advance(carry, token), left - 1
    return steps


@pytest.mark.parametrize("view", ["semantic", "detail"])
def test_agrees_with_the_reference_on_random_walks(view):
    """Same legal sets and same carries at every step of many documents, as one [B, L] call."""
    rng = np.random.default_rng(0)
    walks = [random_walk(rng, view, left) for left in range(3, 83)]
    shape = (len(walks), max(map(len, walks)))
    carries, lefts = np.zeros((*shape, 4), np.int32), np.zeros(shape, np.int32)
    tokens = np.zeros(shape, np.int32)
    for row, walk in enumerate(walks):
        for column, (carry, left, _, token) in enumerate(walk):
            carries[row, column], lefts[row, column], tokens[row, column] = carry, left, token
    carry = grammar_constraint.GrammarCarry.from_columns(jnp.asarray(carries))
    legal = np.asarray(mask(TABLES, carry, lefts, COPYABLE))
    ahead = np.stack(advance(TABLES, carry, tokens), axis=-1)
    for row, walk in enumerate(walks):
        np.testing.assert_array_equal(legal[row, : len(walk)], [step[2] for step in walk])
        np.testing.assert_array_equal(ahead[row, : len(walk) - 1], carries[row, 1 : len(walk)])
        targets = [vocabulary.BOS, *tokens[row, : len(walk)]]
        np.testing.assert_array_equal(AUTOMATON.carries(targets, view), carries[row, : len(walk)])


def test_agrees_with_the_reference_everywhere():
    """Every state at the edges of every budget, also states that no document reaches."""
    rng = np.random.default_rng(1)
    count = 4000
    carries = np.stack(
        [
            rng.integers(len(AUTOMATON.state_names), size=count),
            rng.choice([0, 1, 2, 62, 63, 64], size=count),
            rng.choice([0, 1, 7, 1000, 1015, 1022, 1023, 1024], size=count),
            rng.choice([0, 1, 63, 64], size=count),
        ],
        axis=-1,
    ).astype(np.int32)
    lefts = (carries[:, 1] + rng.integers(-2, 9, size=count)).astype(np.int32)
    legal = mask(
        TABLES, grammar_constraint.GrammarCarry.from_columns(jnp.asarray(carries)), lefts, COPYABLE
    )
    expected = [
        AUTOMATON.legal(carry, left, COPYABLE)
        for carry, left in zip(carries.tolist(), lefts.tolist(), strict=True)
    ]
    np.testing.assert_array_equal(legal, expected)


def test_the_first_ids_are_those_of_the_vocabulary():
    """nn and xojl may not import one another: the three ids that both define are the same."""
    assert (constraint.PAD, constraint.BOS, constraint.EOS) == (
        vocabulary.PAD,
        vocabulary.BOS,
        vocabulary.EOS,
    )
    assert TABLES.vocabulary_size == AUTOMATON.vocabulary_size


@pytest.mark.parametrize("view", ["semantic", "detail"])
def test_the_shortest_document_is_that_of_the_reference(view):
    """The budget below which a row comes out empty."""
    start = jnp.int32(AUTOMATON.start(view)[0])
    assert int(grammar_constraint.shortest_document(TABLES, start)) == AUTOMATON.shortest(view)


@pytest.mark.parametrize("view", ["semantic", "detail"])
def test_the_constraint_is_the_automaton(view):
    """The protocol's methods give what the functions give, for rows [B] and for beams [B, K]."""
    state = jnp.full(2, AUTOMATON.start(view)[0], jnp.int32)
    copyable = jnp.array([[True, False, True], [False, False, True]])
    rule = grammar_constraint.GrammarConstraint(TABLES, state, copyable)
    carry, left = rule.start(), jnp.array([9, 4], jnp.int32)
    element = jnp.full(2, vocabulary.ELEMENT_BASE, jnp.int32)
    assert rule.shortest().tolist() == [AUTOMATON.shortest(view)] * 2
    legal = jax.jit(grammar_constraint.GrammarConstraint.legal)
    for token in (element, jnp.full(2, AUTOMATON.vocabulary_size, jnp.int32)):
        carry, left = rule.advance(carry, token), left - 1
        beams = jax.tree.map(lambda leaf: jnp.stack([leaf] * 3, axis=1), carry)
        of_rows, of_beams = legal(rule, carry, left), legal(rule, beams, left[:, None])
        for row in range(2):
            one = tuple(int(leaf[row]) for leaf in carry)
            expected = AUTOMATON.legal(one, int(left[row]), np.asarray(copyable[row]))
            np.testing.assert_array_equal(of_rows[row], expected)
            for beam in range(3):
                np.testing.assert_array_equal(of_beams[row, beam], expected)


END, ELEMENT, TAG = 3, 4, 5
V = 6
BETWEEN, OPENED, NAMED, FIRST = range(4)


@dataclasses.dataclass
class TinyAutomaton:
    """`{ ELEMENT (TAG | COPY) … END } EOS`, at least one node."""

    max_depth: int = 2
    max_key: int = 9
    max_classes: int = 1

    def __post_init__(self):
        moves = {  # (state, token): (min_tokens_to_close at depth 0, next state)
            (FIRST, ELEMENT): (4, OPENED),
            # the node that they name is open already, so it counts as depth
            (OPENED, TAG): (2, NAMED),
            (OPENED, V): (2, NAMED),
            (NAMED, ELEMENT): (4, OPENED),
            (NAMED, END): (1, BETWEEN),
            (BETWEEN, ELEMENT): (4, OPENED),
            (BETWEEN, END): (1, BETWEEN),
            (BETWEEN, EOS): (1, BETWEEN),
        }
        self.min_tokens_to_close = np.full((4, V + 1), grammar_constraint.NEVER, np.int16)
        self.next_state = np.zeros((4, V + 1), np.int16)
        for (state, token), (tokens, after) in moves.items():
            self.min_tokens_to_close[state, token] = tokens
            self.next_state[state, token] = after
        self.depth_step = np.zeros(V + 1, np.int8)
        self.depth_step[[ELEMENT, END]] = 1, -1
        self.is_element = self.depth_step > 0
        self.lowest_depth = np.where(self.is_element, 0, 1)
        self.highest_depth = self.max_depth - self.is_element
        self.lowest_depth[EOS] = self.highest_depth[EOS] = 0
        self.min_chars_to_close = np.zeros((4, V + 1), np.int16)
        self.chars = np.zeros(V + 1, np.int16)
        self.opens_class = np.zeros((4, V + 1), bool)


TINY = grammar_constraint.grammar_tables(TinyAutomaton())
mask_of_paths = jax.jit(functools.partial(grammar_constraint.grammar_mask, TINY))


@jax.jit
def advance_paths(carries, origin, token):
    parents = jax.tree.map(lambda leaf: leaf[origin], carries)
    return grammar_constraint.grammar_advance(TINY, parents, token)


def documents(copies, max_length, max_depth=2):
    """Every document of at most max_length tokens."""
    names = [TAG, *range(V, V + copies)]
    found, unfinished = [], [((), 0)]
    while unfinished:
        tokens, depth = unfinished.pop()
        if len(tokens) + depth + 1 > max_length:
            continue
        if tokens and depth == 0:
            found.append((*tokens, EOS))
        if depth:
            unfinished.append(((*tokens, END), depth - 1))
        if depth < max_depth:
            unfinished.extend(((*tokens, ELEMENT, name), depth + 1) for name in names)
    return found


@pytest.mark.parametrize("copies", [0, 1, 2])
@pytest.mark.parametrize("max_length", [4, 5, 7, 10])
def test_the_mask_allows_exactly_the_language(copies, max_length):
    """Walking every legal path gives every document that fits, each once, and nothing else."""
    copyable = jnp.ones(copies, bool)
    paths, found = [()], []
    carries = grammar_constraint.GrammarCarry.start(jnp.full(512, FIRST, jnp.int32))
    for position in range(max_length):
        legal = mask_of_paths(carries, jnp.int32(max_length - position), copyable)
        origin, token = np.nonzero(np.asarray(legal)[: len(paths)])
        # each path that is not finished can go on
        assert set(origin.tolist()) == set(range(len(paths)))
        longer = [(*paths[row], int(x)) for row, x in zip(origin, token, strict=True)]
        found.extend(path for path in longer if path[-1] == EOS)
        onward = token != EOS
        paths = [path for path in longer if path[-1] != EOS]
        padding = (0, 512 - len(paths))
        origin, token = (np.pad(x[onward], padding).astype(np.int32) for x in (origin, token))
        carries = advance_paths(carries, origin, token)
    assert not paths
    assert sorted(found) == sorted(documents(copies, max_length))


def test_the_shortest_tiny_document():
    """Protects rows whose budget is too small: one node takes four tokens."""
    assert int(grammar_constraint.shortest_document(TINY, jnp.int32(FIRST))) == 4
