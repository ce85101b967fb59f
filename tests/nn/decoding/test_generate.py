"""The decoding loop on a grammar small enough to enumerate. The theorem test uses the real
automaton.
"""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xojl_jax.nn.decoding.constraint import (
    EOS,
    NEVER,
    PAD,
    GrammarCarry,
    grammar_advance,
    grammar_mask,
    grammar_tables,
    shortest_document,
)
from xojl_jax.nn.decoding.generate import generate

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
        moves = {  # (state, token): (need at depth 0, next state)
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
        self.need = np.full((4, V + 1), NEVER, np.int16)
        self.next_state = np.zeros((4, V + 1), np.int16)
        for (state, token), (need, after) in moves.items():
            self.need[state, token], self.next_state[state, token] = need, after
        self.depth_step = np.zeros(V + 1, np.int8)
        self.depth_step[[ELEMENT, END]] = 1, -1
        self.is_element = self.depth_step > 0
        self.lowest_depth = np.where(self.is_element, 0, 1)
        self.highest_depth = self.max_depth - self.is_element
        self.lowest_depth[EOS] = self.highest_depth[EOS] = 0
        self.room = np.zeros((4, V + 1), np.int16)
        self.chars = np.zeros(V + 1, np.int16)
        self.opens_class = np.zeros((4, V + 1), bool)


TABLES = grammar_tables(TinyAutomaton())


def documents(copies, max_length, max_depth=2):
    """Every document of at most max_length tokens."""
    names = [TAG, *range(V, V + copies)]
    found, open_ends = [], [((), 0)]
    while open_ends:
        tokens, depth = open_ends.pop()
        if len(tokens) + depth + 1 > max_length:
            continue
        if tokens and depth == 0:
            found.append((*tokens, EOS))
        if depth:
            open_ends.append(((*tokens, END), depth - 1))
        if depth < max_depth:
            open_ends.extend(((*tokens, ELEMENT, name), depth + 1) for name in names)
    return found


def markov_logits(key, size):
    return 3 * jax.random.normal(key, (V + 1, size))


def markov(logits):
    """A model whose next-token logits depend on the last token and the position."""

    def step_fn(carry, last, position, grammar):
        del grammar
        wobble = jnp.cos(
            position.astype(jnp.float32) * jnp.arange(logits.shape[1], dtype=jnp.float32)
        )
        return logits[jnp.minimum(last, V)] + wobble, carry

    return step_fn


@functools.partial(jax.jit, static_argnames=("length", "method", "beam"))
def run(
    logits, copyable, budget, *, length, method="greedy", beam=4, penalty=0.0, key=None, heat=1.0
):
    start = jnp.full(copyable.shape[:1], FIRST, jnp.int32)
    return generate(
        markov(logits),
        (),
        TABLES,
        view_start=start,
        copyable=copyable,
        max_length=budget,
        buffer_length=length,
        method=method,
        beam=beam,
        length_penalty=penalty,
        rng=key,
        temperature=heat,
    )


@functools.partial(jax.jit, static_argnums=0)
def _replay(step_fn, memory, tokens, copyable, budget):
    """Log-probabilities among the legal tokens float32[L] of one document int32[L], step by
    step.
    """

    def step(state, inputs):
        memory, last, carry = state
        position, token = inputs
        raw, memory = step_fn(memory, last, position, carry)
        legal = grammar_mask(TABLES, carry, budget - position, copyable)
        log_probs = jax.nn.log_softmax(jnp.where(legal, raw, -jnp.inf))
        return (memory, token, grammar_advance(TABLES, carry, token)), log_probs[token]

    positions = jnp.arange(len(tokens), dtype=jnp.int32)
    start = (memory, jnp.int32(1), GrammarCarry.start(jnp.int32(FIRST)))
    return jax.lax.scan(step, start, (positions, tokens))[1]


def replay(step_fn, memory, tokens, copyable, budget):
    padded = jnp.asarray([*tokens, *[PAD] * (20 - len(tokens))], jnp.int32)
    return float(_replay(step_fn, memory, padded, copyable, jnp.int32(budget))[: len(tokens)].sum())


def table_step(logits, last, position, grammar):
    return markov(logits)((), last, position, grammar)[0], logits


def score(logits, tokens, copyable, budget):
    """The log-probability of one document of the markov model."""
    return replay(table_step, logits, tokens, copyable, budget)


def rows(generated):
    return [
        tuple(tokens[:length].tolist())
        for tokens, length in zip(
            np.asarray(generated.tokens), np.asarray(generated.length), strict=True
        )
    ]


mask_of_paths = jax.jit(functools.partial(grammar_mask, TABLES))


@jax.jit
def advance_paths(carries, origin, token):
    parents = jax.tree.map(lambda leaf: leaf[origin], carries)
    return grammar_advance(TABLES, parents, token)


@pytest.mark.parametrize("copies", [0, 1, 2])
@pytest.mark.parametrize("max_length", [4, 5, 7, 10])
def test_the_mask_allows_exactly_the_language(copies, max_length):
    """Walking every legal path gives every document that fits, each once, and nothing else."""
    copyable = jnp.ones(copies, bool)
    paths, found = [()], []
    carries = GrammarCarry.start(jnp.full(512, FIRST, jnp.int32))
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


def test_documents_that_cannot_fit_come_out_empty():
    """A budget below the shortest document gives length 0 and PAD, and does not hold up the
    other rows.
    """
    copyable = jnp.ones((3, 2), bool)
    out = run(markov_logits(jax.random.key(0), V + 2), copyable, jnp.array([3, 4, -1]), length=12)
    assert out.length.tolist() == [0, 4, 0]
    assert (np.asarray(out.tokens)[[0, 2]] == PAD).all()
    assert int(shortest_document(TABLES, jnp.int32(FIRST))) == 4


@pytest.mark.parametrize("method", ["greedy", "sample", "beam"])
def test_rows_hold_documents_then_padding(method):
    """Each row is a document within its own budget; PAD follows EOS."""
    copyable = jnp.arange(3) < jnp.arange(40)[:, None] % 4
    budget = 4 + jnp.arange(40) % 13
    out = run(
        markov_logits(jax.random.key(1), V + 3),
        copyable,
        budget,
        length=16,
        method=method,
        key=jax.random.key(2),
    )
    for row, tokens in enumerate(rows(out)):
        assert tokens in documents(3, int(budget[row]))
        assert all(token < V or copyable[row, token - V] for token in tokens)
        assert (np.asarray(out.tokens)[row, len(tokens) :] == PAD).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_beam_of_one_is_greedy(seed):
    """Width 1 follows the most likely token, also with a length penalty."""
    logits, copyable = markov_logits(jax.random.key(seed), V + 2), jnp.ones((4, 2), bool)
    budget = jnp.array([4, 7, 11, 12])
    greedy = run(logits, copyable, budget, length=12)
    for penalty in (0.0, 1.0):
        beam = run(logits, copyable, budget, length=12, method="beam", beam=1, penalty=penalty)
        assert rows(beam) == rows(greedy)
        np.testing.assert_allclose(beam.score, greedy.score, rtol=1e-5)


@pytest.mark.parametrize("method", ["greedy", "sample", "beam"])
def test_score_is_the_log_probability_of_the_tokens(method):
    """The score equals the masked log-softmax at each token, summed."""
    logits, copyable = markov_logits(jax.random.key(3), V + 2), jnp.ones((3, 2), bool)
    budget = jnp.array([6, 9, 12])
    out = run(
        logits, copyable, budget, length=12, method=method, key=jax.random.key(4), penalty=0.7
    )
    for row, tokens in enumerate(rows(out)):
        expected = score(logits, tokens, copyable[row], int(budget[row]))
        np.testing.assert_allclose(out.score[row], expected, rtol=1e-5)


@pytest.mark.parametrize("penalty", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_beam_as_wide_as_the_language_finds_the_optimum(seed, penalty):
    """With room for every prefix the search is exhaustive."""
    logits, copyable = markov_logits(jax.random.key(seed), V + 1), jnp.ones((1, 1), bool)
    everything = documents(1, 10)
    scores = [score(logits, tokens, copyable[0], 10) for tokens in everything]
    np.testing.assert_allclose(np.exp(scores).sum(), 1, rtol=1e-4)
    best = max(
        range(len(scores)), key=lambda i: scores[i] / ((5 + len(everything[i])) / 6) ** penalty
    )
    out = run(
        logits,
        copyable,
        jnp.array([10]),
        length=10,
        method="beam",
        beam=len(everything) + 8,
        penalty=penalty,
    )
    assert rows(out) == [everything[best]]
    np.testing.assert_allclose(out.score[0], scores[best], rtol=1e-5)


def test_a_wider_beam_is_usually_better():
    """Beam search is worth its price: over many models, width 6 scores higher than greedy on
    average.
    """
    copyable, budget = jnp.ones((1, 2), bool), jnp.array([16])
    gain = []
    for seed in range(20):
        logits = markov_logits(jax.random.key(seed), V + 2)
        wide = run(logits, copyable, budget, length=16, method="beam", beam=6)
        gain.append(float(wide.score[0] - run(logits, copyable, budget, length=16).score[0]))
    assert np.mean(gain) > 0.1


@pytest.mark.parametrize("method", ["greedy", "sample", "beam"])
def test_a_row_does_not_depend_on_the_others(method):
    """A batch of one equals the same row in a batch of many, with keys for the rows."""
    logits, copyable = markov_logits(jax.random.key(5), V + 2), jnp.ones((6, 2), bool)
    budget, keys = jnp.array([4, 16, 8, 12, 5, 16]), jax.random.split(jax.random.key(6), 6)
    many = run(logits, copyable, budget, length=16, method=method, key=keys, penalty=1.0)
    for row in range(6):
        one = jax.tree.map(lambda leaf, row=row: leaf[row : row + 1], (copyable, budget, keys))
        alone = run(logits, one[0], one[1], length=16, method=method, key=one[2], penalty=1.0)
        assert rows(alone) == [rows(many)[row]]
        assert alone.score[0] == many.score[row]


def test_sampling_follows_the_distribution():
    """Frequencies of whole documents match their probabilities; another key gives other draws."""
    logits, budget = 0.5 * markov_logits(jax.random.key(7), V + 1), 7
    copyable = jnp.ones((5_000, 1), bool)
    draw = functools.partial(
        run, logits, copyable, jnp.int32(budget), length=budget, method="sample"
    )
    out = draw(key=jax.random.key(8))
    drawn = rows(out)
    for tokens in documents(1, budget):
        expected = np.exp(score(logits, tokens, copyable[0], budget))
        assert abs(drawn.count(tokens) / len(drawn) - expected) < 0.03
    assert rows(draw(key=jax.random.key(8))) == drawn
    assert rows(draw(key=jax.random.key(9))) != drawn
    cold = draw(key=jax.random.key(8), heat=0.0)
    assert set(rows(cold)) == {rows(run(logits, copyable[:1], jnp.int32(budget), length=budget))[0]}


def counting_model(weight):
    """A model with a memory: its logits depend on every token so far, through a float state a
    row.
    """

    def step_fn(memory, last, position, grammar):
        del position, grammar
        memory = 0.7 * memory + weight[jnp.minimum(last, V)]
        return 2 * jnp.sin(memory), memory

    return step_fn


def test_beam_rows_carry_their_own_memory():
    """The model's carry moves with its hypothesis: replaying the winner alone gives the same
    score.
    """
    weight = jax.random.normal(jax.random.key(10), (V + 1, V + 2))
    step_fn, copyable = counting_model(weight), jnp.ones((2, 2), bool)
    start = jnp.full(2, FIRST, jnp.int32)
    memory = jax.random.normal(jax.random.key(12), (2, V + 2))
    out = jax.jit(
        lambda memory: generate(
            step_fn,
            memory,
            TABLES,
            view_start=start,
            copyable=copyable,
            max_length=16,
            method="beam",
        )
    )(memory)
    for row, tokens in enumerate(rows(out)):
        expected = replay(step_fn, memory[row], tokens, copyable[row], 16)
        np.testing.assert_allclose(out.score[row], expected, rtol=1e-5)


@pytest.mark.parametrize("method", ["greedy", "sample", "beam"])
def test_the_loop_stops_when_every_row_is_finished(method):
    """A model that ends at once costs four steps, not the whole buffer."""

    def step_fn(steps, last, position, grammar):
        del position, grammar
        wish = jnp.full((last.shape[0], V), -20.0).at[:, jnp.array([END, EOS])].set(20.0)
        return wish, steps + 1

    out = []

    def noting(steps, last, position, grammar):
        logits, steps = step_fn(steps, last, position, grammar)
        jax.debug.callback(out.append, position)
        return logits, steps

    generated = generate(
        noting,
        jnp.zeros(3, jnp.int32),
        TABLES,
        view_start=jnp.full(3, FIRST, jnp.int32),
        copyable=jnp.ones((3, 0), bool),
        max_length=500,
        method=method,
        beam=2,
        rng=jax.random.key(0),
    )
    jax.effects_barrier()
    assert generated.length.tolist() == [4, 4, 4]
    assert len(out) <= 5


@pytest.mark.parametrize("method", ["greedy", "sample", "beam"])
def test_nothing_leaves_the_device_and_nothing_compiles_twice(method):
    """The whole loop runs under a transfer guard; other values of the same shapes reuse the
    program.
    """
    inputs = [
        jax.device_put(
            (markov_logits(jax.random.key(seed), V + 2), jnp.full(2, 7 + seed), 0.5 + seed)
        )
        for seed in range(2)
    ]
    copyable, keys = jnp.ones((2, 2), bool), [jax.random.key(seed) for seed in range(2)]

    @jax.jit
    def decode(logits, budget, heat, copyable, key):
        return generate(
            markov(logits),
            (),
            TABLES,
            view_start=jnp.full(2, FIRST, jnp.int32),
            copyable=copyable,
            max_length=budget,
            buffer_length=12,
            method=method,
            temperature=heat,
            rng=key,
        )

    jaxpr = str(jax.make_jaxpr(decode)(*inputs[0], copyable, keys[0]))
    assert "callback" not in jaxpr
    with jax.transfer_guard("disallow"):
        outs = [decode(*values, copyable, key) for values, key in zip(inputs, keys, strict=True)]
    assert decode._cache_size() == 1
    assert (outs[0].score != outs[1].score).all()


def test_semantic_and_detail_rows_share_a_batch():
    """Rows with other start states and budgets decode in one batch as they would alone."""
    logits, copyable = markov_logits(jax.random.key(11), V + 2), jnp.ones((2, 2), bool)
    starts = jnp.array([FIRST, BETWEEN], jnp.int32)

    def decode(start, budget):
        return generate(
            markov(logits),
            (),
            TABLES,
            view_start=start,
            copyable=copyable[: len(start)],
            max_length=budget,
            buffer_length=9,
        )

    both = decode(starts, jnp.array([9, 5]))
    alone = [decode(starts[i : i + 1], jnp.array([[9], [5]][i])) for i in range(2)]
    assert rows(both) == list(itertools.chain.from_iterable(map(rows, alone)))


def test_wrong_use_is_told():
    """Mistakes of a caller are named when the loop is traced, not met as a shape error deep
    inside.
    """
    call = functools.partial(
        generate,
        markov(markov_logits(jax.random.key(0), V)),
        (),
        TABLES,
        view_start=jnp.zeros(1, jnp.int32),
        copyable=jnp.ones((1, 0), bool),
    )
    with pytest.raises(ValueError, match="greedy, sample, beam"):
        call(max_length=9, method="best")
    with pytest.raises(ValueError, match="buffer_length"):
        call(max_length=jnp.array([9]))
    with pytest.raises(ValueError, match="rng"):
        call(max_length=9, method="sample")
    with pytest.raises(ValueError, match="logits"):
        call(max_length=9, copyable=jnp.ones((1, 3), bool))
