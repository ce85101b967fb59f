"""The decoding loop on a language small enough to enumerate, which is no task's: `generate` needs
the protocol alone. The real grammar is in tests/tasks/test_decoding_theorem.py.
"""

import functools
import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xojl_jax.nn.decoding.constraint import BOS, EOS, PAD
from xojl_jax.nn.decoding.generate import generate

CLOSE, OPEN, NAME = 3, 4, 5
V = 6
BETWEEN, OPENED, NAMED, FIRST = range(4)
MAX_DEPTH = 2


class Nesting(NamedTuple):
    phase: jax.Array  # int32[...]
    depth: jax.Array  # int32[...]
    used: jax.Array  # bool[..., T]: the row's names that were written


class Brackets(NamedTuple):
    """`{ OPEN (NAME | V + i) … CLOSE } EOS`, at least one pair; each of a row's own names V + i at
    most once.
    """

    phase: jax.Array  # int32[B]: FIRST, or BETWEEN where nothing has to be written
    names: jax.Array  # bool[B, T]: the names that the row has

    def start(self):
        return Nesting(self.phase, jnp.zeros_like(self.phase), jnp.zeros_like(self.names))

    def legal(self, state, left):
        phase, depth, used = state
        spare = left - depth - 1  # beyond a CLOSE for each open bracket, and EOS
        nothing = jnp.zeros_like(spare >= 0)
        end = (phase == BETWEEN) & (depth == 0) & (spare >= 0)
        close = ((phase == NAMED) | (phase == BETWEEN)) & (depth > 0) & (spare >= 0)
        begin = (phase != OPENED) & (depth < MAX_DEPTH) & (spare >= 3)
        name = (phase == OPENED) & (spare >= 1)
        words = jnp.stack([nothing, nothing, end, close, begin, name], axis=-1)
        rows, count = self.names.shape
        names = self.names.reshape(rows, *(1,) * (phase.ndim - 1), count)
        return jnp.concatenate([words, name[..., None] & names & ~used], axis=-1)

    def advance(self, state, token):
        step = jnp.where(token == OPEN, 1, jnp.where(token == CLOSE, -1, 0))
        phase = jnp.where(token == OPEN, OPENED, jnp.where(token >= NAME, NAMED, BETWEEN))
        written = jnp.arange(self.names.shape[-1]) == token[..., None] - V
        return Nesting(phase, state.depth + step, state.used | written)

    def shortest(self):
        return jnp.where(self.phase == FIRST, 4, 1)


def brackets(names, phase=FIRST):
    """The constraint of rows that must write at least one pair; names is bool[B, T]."""
    return Brackets(jnp.full(names.shape[:1], phase, jnp.int32), names)


def documents(names, max_length):
    """Every document of at most max_length tokens of a row with so many names."""
    found, unfinished = [], [((), 0)]
    while unfinished:
        tokens, depth = unfinished.pop()
        if len(tokens) + depth + 1 > max_length:
            continue
        if tokens and depth == 0:
            found.append((*tokens, EOS))
        if depth:
            unfinished.append(((*tokens, CLOSE), depth - 1))
        if depth < MAX_DEPTH:
            unused = [name for name in range(V, V + names) if name not in tokens]
            unfinished.extend(((*tokens, OPEN, name), depth + 1) for name in [NAME, *unused])
    return found


def markov_logits(key, size):
    return 3 * jax.random.normal(key, (V + 1, size))


def markov(logits):
    """A model whose next-token logits depend on the last token and the position."""

    def step_fn(carry, last, position, state):
        del state
        wobble = jnp.cos(
            position.astype(jnp.float32) * jnp.arange(logits.shape[1], dtype=jnp.float32)
        )
        return logits[jnp.minimum(last, V)] + wobble, carry

    return step_fn


@functools.partial(jax.jit, static_argnames=("length", "method", "beam", "nbest"))
def run(
    logits,
    names,
    budget,
    *,
    length,
    method="greedy",
    beam=4,
    nbest=1,
    penalty=0.0,
    key=None,
    heat=1.0,
):
    return generate(
        markov(logits),
        (),
        brackets(names),
        max_length=budget,
        buffer_length=length,
        method=method,
        beam=beam,
        nbest=nbest,
        length_penalty=penalty,
        rng=key,
        temperature=heat,
        keep_gains=method != "beam",
    )


@functools.partial(jax.jit, static_argnums=0)
def _replay(step_fn, memory, tokens, names, budget):
    """Log-probabilities among the legal tokens float32[L] of one document int32[L], step by
    step.
    """

    def step(state, inputs):
        memory, last, nesting = state
        position, token = inputs
        raw, memory = step_fn(memory, last[0], position, nesting)
        legal = constraint.legal(nesting, budget - position)[0]
        log_probs = jax.nn.log_softmax(jnp.where(legal, raw, -jnp.inf))
        token = token[None]
        return (memory, token, constraint.advance(nesting, token)), log_probs[token[0]]

    constraint = brackets(names[None])
    positions = jnp.arange(len(tokens), dtype=jnp.int32)
    start = (memory, jnp.full(1, BOS, jnp.int32), constraint.start())
    return jax.lax.scan(step, start, (positions, tokens))[1]


def replay(step_fn, memory, tokens, names, budget):
    padded = jnp.asarray([*tokens, *[PAD] * (20 - len(tokens))], jnp.int32)
    return float(_replay(step_fn, memory, padded, names, jnp.int32(budget))[: len(tokens)].sum())


def table_step(logits, last, position, state):
    return markov(logits)((), last, position, state)[0], logits


def score(logits, tokens, names, budget):
    """The log-probability of one document of the markov model."""
    return replay(table_step, logits, tokens, names, budget)


def rows(generated):
    return [
        tuple(tokens[:length].tolist())
        for tokens, length in zip(
            np.asarray(generated.tokens), np.asarray(generated.length), strict=True
        )
    ]


@jax.jit
def legal_after(names, states, left):
    return brackets(names).legal(states, left)


@jax.jit
def advance_paths(names, states, origin, token):
    parents = jax.tree.map(lambda leaf: leaf[origin], states)
    return brackets(names).advance(parents, token)


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("max_length", [4, 5, 7, 10])
def test_the_toy_constraint_allows_exactly_the_language(count, max_length):
    """Walking every legal path gives every document that fits, each once, and nothing else."""
    names = jnp.ones((512, count), bool)
    paths, found = [()], []
    states = brackets(names).start()
    for position in range(max_length):
        legal = legal_after(names, states, jnp.int32(max_length - position))
        origin, token = np.nonzero(np.asarray(legal)[: len(paths)])
        # each path that is not finished can go on
        assert set(origin.tolist()) == set(range(len(paths)))
        longer = [(*paths[row], int(x)) for row, x in zip(origin, token, strict=True)]
        found.extend(path for path in longer if path[-1] == EOS)
        onward = token != EOS
        paths = [path for path in longer if path[-1] != EOS]
        padding = (0, 512 - len(paths))
        origin, token = (np.pad(x[onward], padding).astype(np.int32) for x in (origin, token))
        states = advance_paths(names, states, origin, token)
    assert not paths
    assert sorted(found) == sorted(documents(count, max_length))


def test_documents_that_cannot_fit_come_out_empty():
    """A budget below the shortest document gives length 0 and PAD, and does not delay the
    other rows.
    """
    names = jnp.ones((3, 2), bool)
    out = run(markov_logits(jax.random.key(0), V + 2), names, jnp.array([3, 4, -1]), length=12)
    assert out.length.tolist() == [0, 4, 0]
    assert (np.asarray(out.tokens)[[0, 2]] == PAD).all()
    assert brackets(names).shortest().tolist() == [4, 4, 4]


@pytest.mark.parametrize("method", ["greedy", "sample", "beam"])
def test_rows_hold_documents_then_padding(method):
    """Each row is a document within its own budget; PAD follows EOS."""
    names = jnp.arange(3) < jnp.arange(40)[:, None] % 4
    budget = 4 + jnp.arange(40) % 13
    out = run(
        markov_logits(jax.random.key(1), V + 3),
        names,
        budget,
        length=16,
        method=method,
        key=jax.random.key(2),
    )
    for row, tokens in enumerate(rows(out)):
        assert tokens in documents(3, int(budget[row]))
        assert all(token < V or names[row, token - V] for token in tokens)
        assert (np.asarray(out.tokens)[row, len(tokens) :] == PAD).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_beam_of_one_is_greedy(seed):
    """Width 1 follows the most likely token, also with a length penalty."""
    logits, names = markov_logits(jax.random.key(seed), V + 2), jnp.ones((4, 2), bool)
    budget = jnp.array([4, 7, 11, 12])
    greedy = run(logits, names, budget, length=12)
    for penalty in (0.0, 1.0):
        beam = run(logits, names, budget, length=12, method="beam", beam=1, penalty=penalty)
        assert rows(beam) == rows(greedy)
        np.testing.assert_allclose(beam.score, greedy.score, rtol=1e-5)


@pytest.mark.parametrize("method", ["greedy", "sample", "beam"])
def test_score_is_the_log_probability_of_the_tokens(method):
    """The score equals the masked log-softmax at each token, summed."""
    logits, names = markov_logits(jax.random.key(3), V + 2), jnp.ones((3, 2), bool)
    budget = jnp.array([6, 9, 12])
    out = run(logits, names, budget, length=12, method=method, key=jax.random.key(4), penalty=0.7)
    for row, tokens in enumerate(rows(out)):
        expected = score(logits, tokens, names[row], int(budget[row]))
        np.testing.assert_allclose(out.score[row], expected, rtol=1e-5)
        if out.gains is not None:
            gains = np.asarray(out.gains[row])
            np.testing.assert_allclose(gains[: len(tokens)].sum(), expected, rtol=1e-5)
            assert (gains[len(tokens) :] == 0).all()


@pytest.mark.parametrize("penalty", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_beam_as_wide_as_the_language_finds_the_optimum(seed, penalty):
    """With a beam for every prefix the search is exhaustive: the best come out, in their order."""
    logits, names = markov_logits(jax.random.key(seed), V + 1), jnp.ones((1, 1), bool)
    everything = documents(1, 10)
    scores = [score(logits, tokens, names[0], 10) for tokens in everything]
    np.testing.assert_allclose(np.exp(scores).sum(), 1, rtol=1e-4)
    ranks = [s / ((5 + len(t)) / 6) ** penalty for s, t in zip(scores, everything, strict=True)]
    best = sorted(range(len(scores)), key=ranks.__getitem__, reverse=True)[:5]
    out = run(
        logits,
        names,
        jnp.array([10]),
        length=10,
        method="beam",
        beam=len(everything) + 8,
        nbest=5,
        penalty=penalty,
    )
    assert rows(out) == [everything[i] for i in best]
    np.testing.assert_allclose(out.score, [scores[i] for i in best], rtol=1e-5)


def test_hypotheses_that_do_not_exist_are_empty():
    """Protects n-best answers of short documents: a row has no more hypotheses than documents."""
    logits, names = markov_logits(jax.random.key(1), V + 1), jnp.ones((2, 1), bool)
    out = run(logits, names, jnp.array([4, 10]), length=10, method="beam", nbest=4)
    found = rows(out)
    assert sorted(found[:2]) == sorted(documents(1, 4)) and found[2:4] == [(), ()]
    assert len(set(found[4:])) == 4 and () not in found[4:]


def test_a_wider_beam_is_usually_better():
    """Beam search is worth its price: over many models, width 6 scores higher than greedy on
    average.
    """
    names, budget = jnp.ones((1, 2), bool), jnp.array([16])
    gain = []
    for seed in range(20):
        logits = markov_logits(jax.random.key(seed), V + 2)
        wide = run(logits, names, budget, length=16, method="beam", beam=6)
        gain.append(float(wide.score[0] - run(logits, names, budget, length=16).score[0]))
    assert np.mean(gain) > 0.1


@pytest.mark.parametrize("method", ["greedy", "sample", "beam"])
def test_a_row_does_not_depend_on_the_others(method):
    """A batch of one equals the same row in a batch of many, with keys for the rows."""
    logits, names = markov_logits(jax.random.key(5), V + 2), jnp.ones((6, 2), bool)
    budget, keys = jnp.array([4, 16, 8, 12, 5, 16]), jax.random.split(jax.random.key(6), 6)
    many = run(logits, names, budget, length=16, method=method, key=keys, penalty=1.0)
    for row in range(6):
        one = jax.tree.map(lambda leaf, row=row: leaf[row : row + 1], (names, budget, keys))
        alone = run(logits, one[0], one[1], length=16, method=method, key=one[2], penalty=1.0)
        assert rows(alone) == [rows(many)[row]]
        assert alone.score[0] == many.score[row]


def test_sampling_follows_the_distribution():
    """Frequencies of whole documents match their probabilities; another key gives other draws."""
    logits, budget = 0.5 * markov_logits(jax.random.key(7), V + 1), 7
    names = jnp.ones((5_000, 1), bool)
    draw = functools.partial(run, logits, names, jnp.int32(budget), length=budget, method="sample")
    out = draw(key=jax.random.key(8))
    drawn = rows(out)
    for tokens in documents(1, budget):
        expected = np.exp(score(logits, tokens, names[0], budget))
        assert abs(drawn.count(tokens) / len(drawn) - expected) < 0.03
    assert rows(draw(key=jax.random.key(8))) == drawn
    assert rows(draw(key=jax.random.key(9))) != drawn
    cold = draw(key=jax.random.key(8), heat=0.0)
    assert set(rows(cold)) == {rows(run(logits, names[:1], jnp.int32(budget), length=budget))[0]}


def counting_model(weight):
    """A model with a memory: its logits depend on every token so far, through a float state a
    row.
    """

    def step_fn(memory, last, position, state):
        del position, state
        memory = 0.7 * memory + weight[jnp.minimum(last, V)]
        return 2 * jnp.sin(memory), memory

    return step_fn


def test_beam_rows_carry_their_own_memory():
    """The model's carry moves with its hypothesis: replaying the winner alone gives the same
    score.
    """
    weight = jax.random.normal(jax.random.key(10), (V + 1, V + 2))
    step_fn, names = counting_model(weight), jnp.ones((2, 2), bool)
    memory = jax.random.normal(jax.random.key(12), (2, V + 2))
    out = jax.jit(
        lambda memory: generate(
            step_fn,
            memory,
            brackets(names),
            max_length=16,
            method="beam",
        )
    )(memory)
    for row, tokens in enumerate(rows(out)):
        expected = replay(step_fn, memory[row], tokens, names[row], 16)
        np.testing.assert_allclose(out.score[row], expected, rtol=1e-5)


@pytest.mark.parametrize("method", ["greedy", "sample", "beam"])
def test_the_loop_stops_when_every_row_is_finished(method):
    """A model that ends at once costs four steps, not the whole buffer."""

    def step_fn(steps, last, position, state):
        del position, state
        wish = jnp.full((last.shape[0], V), -20.0).at[:, jnp.array([CLOSE, EOS])].set(20.0)
        return wish, steps + 1

    out = []

    def noting(steps, last, position, state):
        logits, steps = step_fn(steps, last, position, state)
        jax.debug.callback(out.append, position)
        return logits, steps

    generated = generate(
        noting,
        jnp.zeros(3, jnp.int32),
        brackets(jnp.ones((3, 0), bool)),
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
    names, keys = jnp.ones((2, 2), bool), [jax.random.key(seed) for seed in range(2)]

    @jax.jit
    def decode(logits, budget, heat, names, key):
        return generate(
            markov(logits),
            (),
            brackets(names),
            max_length=budget,
            buffer_length=12,
            method=method,
            temperature=heat,
            rng=key,
        )

    jaxpr = str(jax.make_jaxpr(decode)(*inputs[0], names, keys[0]))
    assert "callback" not in jaxpr
    with jax.transfer_guard("disallow"):
        outs = [decode(*values, names, key) for values, key in zip(inputs, keys, strict=True)]
    assert decode._cache_size() == 1
    assert (outs[0].score != outs[1].score).all()


def test_rows_of_different_languages_share_a_batch():
    """Rows with other start states and budgets decode in one batch as they would alone."""
    logits, names = markov_logits(jax.random.key(11), V + 2), jnp.ones((2, 2), bool)
    phases = jnp.array([FIRST, BETWEEN], jnp.int32)

    def decode(phase, budget):
        return generate(
            markov(logits),
            (),
            Brackets(phase, names[: len(phase)]),
            max_length=budget,
            buffer_length=9,
        )

    both = decode(phases, jnp.array([9, 5]))
    alone = [decode(phases[i : i + 1], jnp.array([[9], [5]][i])) for i in range(2)]
    assert rows(both) == list(itertools.chain.from_iterable(map(rows, alone)))


@pytest.mark.parametrize("method", ["greedy", "sample", "beam"])
def test_a_carry_that_grows_changes_nothing(method):
    """Protects `lengths`: a memory that is made larger when it is full gives the same sequences."""
    weights = jax.random.normal(jax.random.key(0), (V, V + 3)) * 3
    names = jnp.ones((4, 3), bool)

    def step(memory, last, position, state):
        # Everything that was written counts, so that a lost position would be noticed.
        memory = memory.at[:, position].set(last.clip(max=V - 1))
        seen = (jnp.arange(memory.shape[1]) <= position)[:, None]
        counts = jnp.where(seen, jax.nn.one_hot(memory, V), 0.0).sum(1)
        return counts @ weights, memory

    def grow(memory, length):
        return jnp.pad(memory, ((0, 0), (0, length - memory.shape[1])))

    def decode(*lengths):
        return generate(
            step,
            jnp.zeros((4, lengths[0]), jnp.int32),
            brackets(names),
            max_length=9,
            method=method,
            rng=jax.random.key(1),
            lengths=lengths,
            grow=grow,
        )

    small, large = decode(2, 5, 9), decode(9)
    np.testing.assert_array_equal(small.tokens, large.tokens)
    np.testing.assert_allclose(small.score, large.score, rtol=1e-6)
    assert small.length.max() > 5, "all three sizes are used"


def test_wrong_use_is_told():
    """Mistakes of a caller are named when the loop is traced, not met as a shape error deep
    inside.
    """
    call = functools.partial(
        generate,
        markov(markov_logits(jax.random.key(0), V)),
        (),
    )
    names = jnp.ones((1, 0), bool)
    with pytest.raises(ValueError, match="greedy, sample, beam"):
        call(brackets(names), max_length=9, method="best")
    with pytest.raises(ValueError, match="buffer_length"):
        call(brackets(names), max_length=jnp.array([9]))
    with pytest.raises(ValueError, match="rng"):
        call(brackets(names), max_length=9, method="sample")
    with pytest.raises(ValueError, match="logits"):
        call(brackets(jnp.ones((1, 3), bool)), max_length=9)
