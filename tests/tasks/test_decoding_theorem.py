"""The theorem: any logits, any length, any method give a document that parses, ends, and fits.

The rows of a batch are the models: each row has its own temper, from indifferent to adversarial,
its own budget and its own view, so that one call decodes thousands of different documents.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xojl_jax.nn.decoding.generate import generate
from xojl_jax.tasks.layout.grammar_constraint import (
    GrammarCarry,
    GrammarConstraint,
    grammar_mask,
    grammar_tables,
)
from xojl_jax.xojl import tree
from xojl_jax.xojl.grammar import Automaton
from xojl_jax.xojl.vocabulary import BOS, ELEMENT_BASE, END, EOS, PAD, Vocabulary, copyable

VOCABULARY = Vocabulary.load()
V = VOCABULARY.size
AUTOMATON = Automaton.load()
TABLES = grammar_tables(AUTOMATON)

HTML = tree.parse_html(
    {
        "div@fs_1.5r@t:pt_2r": {
            "h1@c_fff": {"text": "xv854"},
            "my-widget": "",
            "p@" + "m:h:c_aaa" * 110: {"text": "long"},
            "section": {"a@ml_1r": {"text": "y", "svg": "z"}, "img": {"src": "w"}},
            "span@" + "@".join(f"pt_{i}r" for i in range(64)): "",
        }
    }
)


def tempers():
    """float32[K, V+1]: what each temper adds to noise; column V is every COPY. The last is
    special.
    """
    kinds = np.array([*VOCABULARY.kinds, "copy"])
    tempers = [np.zeros(V + 1)]

    def loves(*loved, strength=30.0):
        tempers.append(strength * np.isin(kinds, loved))

    loves("element")
    loves("byte")
    loves("attribute_raw", "byte")
    loves("attribute", "device", "pseudo", "keyword", strength=6.0)
    loves("content", "byte", "element", strength=5.0)
    loves("copy", "element", strength=6.0)
    loves("special", "reserved")
    for token, wish in ((END, -np.inf), (EOS, -np.inf), (END, 9.0), (ELEMENT_BASE, np.inf)):
        row = np.zeros(V + 1)
        row[token] = wish
        tempers.append(row)
    # never ends at all, in whichever way
    tempers.append(np.where(np.isin(np.arange(V + 1), (END, EOS)), -1e30, 0))
    # long characters that are always cut by the next lead byte
    lead = VOCABULARY.byte_base + np.arange(0xC2, 0xF5)
    tempers.append(40.0 * np.isin(np.arange(V + 1), lead))
    tempers.extend(np.full(V + 1, fill) for fill in (np.nan, np.inf, -np.inf))
    tempers.append(
        np.where(np.arange(V + 1) % 3 == 0, np.nan, np.where(kinds == "byte", np.inf, 0))
    )
    return np.array(tempers, np.float32)


TEMPERS = tempers()
ADVERSARY, INDIFFERENT = len(TEMPERS), len(TEMPERS) + 1
KINDS = len(TEMPERS) + 2


@functools.partial(jax.jit, static_argnames=("length", "method", "beam"))
def decode(key, kind, start, budget, copies, *, length, method, beam=1):
    """Decodes rows whose logits are noise (by row and position) plus the row's temper."""
    rows, width = len(kind), V + copies.shape[1]
    bank = 3 * jax.random.normal(key, (509, width))
    wide = jnp.concatenate([TEMPERS, jnp.zeros((2, V + 1))], axis=0)[
        :, jnp.minimum(jnp.arange(width), V)
    ]

    def step_fn(memory, last, position, grammar):
        row, seed = memory
        noise = bank[(7 * seed + 13 * position + 3 * last) % 509]
        legal = grammar_mask(TABLES, GrammarCarry(*grammar), budget[row] - position, copies[row])
        # the adversary knows what is illegal, and wants it above all
        against = jnp.where(legal, 0.0, 1e30)
        logits = noise + wide[kind[row]]
        logits = jnp.where((kind[row] == ADVERSARY)[:, None], noise + against, logits)
        return jnp.where((kind[row] == INDIFFERENT)[:, None], 0.0, logits), memory

    return generate(
        step_fn,
        (jnp.arange(rows), jnp.arange(rows)),
        GrammarConstraint(TABLES, view_start=start, copyable=copies),
        max_length=budget,
        buffer_length=length,
        method=method,
        beam=beam,
        length_penalty=0.6,
        rng=key,
        temperature=1.5,
    )


def check(generated, budget, html, semantic):
    """Every row detokenizes, prints, parses back, ends with EOS and fits."""
    assert np.isfinite(generated.score).all()
    documents = set()
    for tokens, length, limit, skeleton in zip(
        *jax.device_get((generated.tokens, generated.length)), budget, semantic, strict=True
    ):
        assert 3 <= length <= limit
        assert tokens[length - 1] == EOS and (tokens[: length - 1] != EOS).all()
        assert (tokens[length:] == PAD).all()
        forest = VOCABULARY.detokenize([BOS, *tokens[:length].tolist()], html)
        assert forest
        text = tree.print_layout(forest)
        assert tree.parse_layout(text) == forest
        if skeleton:
            assert tree.to_semantic(forest) == forest
        documents.add(text)
    return len(documents)


def run(seed, rows, lengths, html, buffer=None, **how):
    """Decodes `rows` rows and checks them all; how many different documents there were."""
    index = np.arange(rows)
    budget = np.asarray(lengths)[index % len(lengths)].astype(np.int32)
    semantic = index % 5 == 0
    start = np.where(semantic, AUTOMATON.start_semantic, AUTOMATON.start_detail).astype(np.int32)
    copies = np.broadcast_to(copyable(html), (rows, len(copyable(html))))
    kind = (index * 7 % KINDS).astype(np.int32)
    generated = decode(
        jax.random.key(seed), kind, start, budget, copies, length=buffer or max(lengths), **how
    )
    return check(generated, budget, html, semantic)


SHORT = range(3, 72)


@pytest.mark.parametrize("html", [(), HTML], ids=["no html", "html"])
@pytest.mark.parametrize(("method", "rows"), [("greedy", 1500), ("sample", 700)])
def test_many_short_documents(method, rows, html):
    """2 x 2,200 decodes, every length from the shortest legal one up."""
    assert run(0, rows, SHORT, html, method=method) > rows // 2


@pytest.mark.parametrize(
    ("beam", "html"),
    [
        pytest.param(2, (), marks=pytest.mark.slow),
        pytest.param(2, HTML, marks=pytest.mark.slow),
        (4, ()),
        (4, HTML),
    ],
    ids=lambda value: ("html" if value else "no html") if isinstance(value, tuple) else value,
)
def test_many_short_beams(beam, html):
    """400 decodes each."""
    assert run(beam, 400, SHORT, html, method="beam", beam=beam) > 200


@pytest.mark.parametrize("method", ["greedy", "sample", "beam"])
def test_the_longest_documents(method):
    """Every temper at the full length of 2,048, where the caps of depth, key and classes bite."""
    run(9, KINDS, [2048], HTML, method=method, beam=2)


@pytest.mark.parametrize("method", ["greedy", "sample", "beam"])
def test_a_batch_of_one(method):
    """Alone in its batch, at the shortest lengths and at a common one."""
    for length in (3, 4, 5, 200):
        run(length, 1, [length], HTML, buffer=200, method=method, beam=3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_soak(seed):
    """More of the same, at odd lengths."""
    lengths = np.random.default_rng(seed).integers(3, 400, 50).tolist()
    for html in ((), HTML):
        for method in ("greedy", "sample", "beam"):
            run(seed, 500, lengths, html, method=method, beam=3)
