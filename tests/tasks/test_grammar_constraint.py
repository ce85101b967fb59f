"""The automaton in JAX against its numpy reference, on the real tables."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xojl_jax.nn.decoding import constraint as lifted
from xojl_jax.xojl import vocabulary
from xojl_jax.xojl.grammar import Automaton

AUTOMATON = Automaton.load()
TABLES = lifted.grammar_tables(AUTOMATON)
COPYABLE = np.array([True, False, True])

mask = jax.jit(lifted.grammar_mask)
advance = jax.jit(lifted.grammar_advance)


def random_walk(rng, view, left):
    """Carries, budgets, legal sets and tokens of one random document, by the reference."""
    carry, steps = AUTOMATON.start(view), []
    favourites = rng.exponential(size=AUTOMATON.vocabulary_size + len(COPYABLE)) ** 4
    while not steps or steps[-1][3] != vocabulary.EOS:
        legal = AUTOMATON.legal(carry, left, COPYABLE)
        weight = np.where(legal, favourites, 0)
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
    carry = lifted.GrammarCarry.from_columns(jnp.asarray(carries))
    legal = np.asarray(mask(TABLES, carry, lefts, COPYABLE))
    ahead = np.stack(advance(TABLES, carry, tokens), axis=-1)
    for row, walk in enumerate(walks):
        np.testing.assert_array_equal(legal[row, : len(walk)], [step[2] for step in walk])
        np.testing.assert_array_equal(ahead[row, : len(walk) - 1], carries[row, 1 : len(walk)])
        targets = [vocabulary.BOS, *tokens[row, : len(walk)]]
        np.testing.assert_array_equal(AUTOMATON.carries(targets, view), carries[row, : len(walk)])


def test_agrees_with_the_reference_everywhere():
    """Every state at the edges of every budget, also where no document would lead."""
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
    legal = mask(TABLES, lifted.GrammarCarry.from_columns(jnp.asarray(carries)), lefts, COPYABLE)
    expected = [
        AUTOMATON.legal(carry, left, COPYABLE)
        for carry, left in zip(carries.tolist(), lefts.tolist(), strict=True)
    ]
    np.testing.assert_array_equal(legal, expected)


def test_the_first_ids_are_those_of_the_vocabulary():
    """nn may not import the language, so the three ids that it must know are checked here."""
    assert (lifted.PAD, lifted.BOS, lifted.EOS) == (
        vocabulary.PAD,
        vocabulary.BOS,
        vocabulary.EOS,
    )
    assert TABLES.vocabulary_size == AUTOMATON.vocabulary_size


@pytest.mark.parametrize("view", ["semantic", "detail"])
def test_the_shortest_document_is_that_of_the_reference(view):
    """The budget below which a row comes out empty."""
    start = jnp.int32(AUTOMATON.start(view)[0])
    assert int(lifted.shortest_document(TABLES, start)) == AUTOMATON.shortest(view)


@pytest.mark.parametrize("fill", [0.0, np.nan, np.inf, -np.inf, 3e38, -3e38])
def test_log_probs_survive_any_logits(fill):
    """Legal tokens keep a finite log-probability, illegal ones -inf, and the sum is 1."""
    legal = np.arange(9) % 3 == 1
    for logits in (np.full(9, fill, np.float32), np.where(np.arange(9) == 4, fill, 0.0)):
        log_probs = np.asarray(lifted.legal_log_probs(jnp.asarray(logits, jnp.float32), legal))
        assert np.isfinite(log_probs[legal]).all()
        assert (log_probs[~legal] == -np.inf).all()
        np.testing.assert_allclose(np.exp(log_probs).sum(), 1, rtol=1e-5)


def test_log_probs_of_ordinary_logits_are_a_masked_softmax():
    """The sanitising changes nothing where there is nothing to mend; bfloat16 logits are
    welcome.
    """
    logits = jax.random.normal(jax.random.key(0), (5, 40), jnp.bfloat16)
    legal = jax.random.bernoulli(jax.random.key(1), 0.5, (5, 40))
    expected = jax.nn.log_softmax(jnp.where(legal, logits.astype(jnp.float32), -jnp.inf))
    log_probs = lifted.legal_log_probs(logits, legal)
    assert log_probs.dtype == jnp.float32
    np.testing.assert_allclose(log_probs, expected, rtol=1e-6)
