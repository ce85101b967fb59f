"""The language of answers: spelled, read back, and the only thing that decoding can write."""

import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings

from tests.documents.random_answers import WORDS, every_answer
from xojl_jax.documents.answers import (
    FieldsAnswer,
    RegionsAnswer,
    TableAnswer,
    TextAnswer,
    WordsAnswer,
    answer_to_fields,
    read_answer,
    table_grid,
    words_of_page,
)
from xojl_jax.documents.json_fields import Region
from xojl_jax.documents.word_pieces import BYTES, SPECIAL, START, WordPieces
from xojl_jax.nn.decoding.generate import generate
from xojl_jax.tasks.document.answering.answer_constraint import STATES, answer_constraint
from xojl_jax.tasks.document.answering.spelling import (
    PageWords,
    box_around,
    first_pieces,
    from_tokens,
    to_tokens,
)
from xojl_jax.tasks.document.answering.vocabulary import AnswerVocabulary, Kind

PIECES = WordPieces((*SPECIAL, *BYTES, START, "a", "b", f"{START}a", f"{START}ab"), ((START, "a"),))
BINS, COLUMNS = 40, 5
VOCABULARY = AnswerVocabulary(PIECES, BINS)
V = VOCABULARY.size
# The words of a page in one to three pieces each, and padding behind them.
WORD = np.array([0, 0, 1, 2, 2, 2, 3, 4, 5, 6, 6, 7, 8, -1, -1, -1], np.int32)
# Three lines of three words.
BOXES = np.array([[c / 4, r / 4, c / 4 + 0.2, r / 4 + 0.1] for r in range(3) for c in range(3)])
PAGE = PageWords.of(tuple(f"w{i}" for i in range(WORDS)), BOXES, WORD)


def constraint(rows: int = 1, copyable: np.ndarray | None = None):
    copyable = first_pieces(WORD) if copyable is None else copyable
    return answer_constraint(VOCABULARY, jnp.tile(jnp.asarray(copyable), (rows, 1)), COLUMNS)


def rounded(box):
    return tuple(VOCABULARY.coordinate(VOCABULARY.corner(value)) for value in box)


def as_spelled(answer):
    """An answer as its tokens keep it: corners of boxes are in the middle of their bins, a region
    that its words tell has the box around them, and the sign that begins pieces is another one."""
    fields = json.loads(json.dumps(answer_to_fields(answer), ensure_ascii=False).replace("▁", "_"))
    for region in fields.get("regions", []):
        span = PAGE.span(region["box"])
        region["box"] = box_around(BOXES, *span) if span else rounded(region["box"])
    for pair in fields.get("words", []):
        if isinstance(pair, list):
            pair[1] = rounded(pair[1])
    return read_answer(fields, "answer")


@given(every_answer())
@settings(deadline=None)
def test_an_answer_is_read_back_from_its_tokens(answer):
    """Protects what is learned: tokens say all that the answer says, pointers exactly."""
    tokens = to_tokens(answer, PAGE, VOCABULARY)
    found = answer_to_fields(from_tokens(tokens, WORD, BOXES, VOCABULARY))
    assert found == answer_to_fields(as_spelled(answer))


@pytest.fixture(scope="module")
def walk():
    """(tokens [L], left int32[]) -> bool[L], which of the tokens are legal one after the other."""

    @jax.jit
    def run(tokens, length):
        own = constraint()

        def step(state, inputs):
            token, number = inputs
            legal = own.legal(state, (length - number)[None])[0, token]
            return own.advance(state, token[None]), legal

        return jax.lax.scan(step, own.start(), (tokens, jnp.arange(tokens.shape[0])))[1]

    return run


@given(answer=every_answer())
# Its span is shorter than corners would be: nothing may be charged that it does not need.
@example(answer=RegionsAnswer((Region("0", (0.0, 0.0, 0.6, 0.55)),)))
@settings(max_examples=200, deadline=None)
def test_every_answer_can_be_written(answer, walk):
    """Protects the labels: the constraint allows all of them, in exactly the tokens they take."""
    if isinstance(answer, TableAnswer) and table_grid(answer).shape[1] > COLUMNS:
        return
    tokens = np.array(to_tokens(answer, PAGE, VOCABULARY), np.int32)
    padded = np.pad(tokens, (0, 256 - len(tokens)))
    assert walk(padded, np.int32(len(tokens)))[: len(tokens)].all()


def test_regions_are_told_by_their_words_where_these_are_as_large():
    """Protects boxes of regions: two pointers say what is nearly the box around words that follow
    one another; corners say the rest."""

    def tokens(box):
        return to_tokens(RegionsAnswer((Region("a", box),)), PAGE, VOCABULARY)[2:-1]

    assert PAGE.span((0, 0, 0.71, 0.36)) == (0, 5)
    assert tokens((0, 0, 0.71, 0.36))[-2:] == [V + 0, V + 8]  # the first pieces of words 0 and 5
    assert len(tokens((0, 0, 0.7, 0.35))) == len(tokens((0, 0, 0.45, 0.35))) - 2  # four corners
    assert PAGE.span((0, 0, 0.45, 0.35)) is None  # words 0, 1, 3 and 4
    assert PAGE.span((0, 0, 1, 0.7)) is None  # much white
    cut = PageWords.of(PAGE.words, BOXES, np.where(WORD >= 5, -1, WORD))
    assert cut.span((0, 0, 0.7, 0.35)) is None


def test_words_that_the_sample_does_not_hold_are_spelled():
    """Protects long pages: what was cut off can still be said."""
    cut = PageWords.of(PAGE.words, BOXES, np.where(WORD == 8, -1, WORD))
    tokens = to_tokens(TextAnswer((7, 8)), cut, VOCABULARY)
    assert from_tokens(tokens, WORD, BOXES, VOCABULARY) == TextAnswer((7, "w8"))


def tempers() -> np.ndarray:
    """float32[K, V + T]: what each temper adds to noise."""
    kinds = VOCABULARY.kinds()[np.minimum(np.arange(V + len(WORD)), V)]
    rows = [np.zeros(len(kinds))]
    for loved in (
        (Kind.TABLE, Kind.CELL, Kind.UP, Kind.LEFT, Kind.ROW),
        (Kind.TABLE, Kind.UP, Kind.CROSS, Kind.LEFT),
        (Kind.TABLE, Kind.HEADER, Kind.POINTER),
        (Kind.REGIONS, Kind.REGION, Kind.BEGIN, Kind.CORNER),
        (Kind.REGIONS, Kind.REGION, Kind.BEGIN, Kind.POINTER),
        (Kind.FIELDS, Kind.FIELD, Kind.VALUE),
        (Kind.FIELDS, Kind.CONTINUE, Kind.POINTER),
        (Kind.WORDS, Kind.BEGIN, Kind.CORNER),
        (Kind.PAD, Kind.BOS),
        (Kind.EOS,),
    ):
        rows.append(20.0 * np.isin(kinds, loved))
    rows.append(np.where(kinds == Kind.EOS, -np.inf, 0))  # it never wants to end
    rows += [np.full(len(kinds), fill) for fill in (np.nan, np.inf, -np.inf)]
    return np.array(rows, np.float32)


TEMPERS = tempers()


@functools.partial(jax.jit, static_argnames=("method", "length"))
def decode(rng, temper, budget, copyable, *, method, length):
    rows = len(temper)
    own = answer_constraint(VOCABULARY, copyable, COLUMNS)

    def step(carry, token, position, state):
        key = jax.random.fold_in(rng, position)
        noise = jax.random.normal(key, (token.shape[0], V + copyable.shape[1])) * 3
        per = token.shape[0] // rows
        return noise + jnp.repeat(jnp.asarray(TEMPERS)[temper], per, axis=0), carry

    return generate(
        step,
        jnp.zeros((rows, 1)),
        own,
        max_length=budget,
        buffer_length=length,
        method=method,
        beam=3,
        rng=rng,
    )


def check(tokens, length, budget, copyable) -> str:
    """Reads what was decoded as records are read; returns its form."""
    assert 2 <= length <= budget
    assert tokens[length - 1] == Kind.EOS
    assert (tokens[: length - 1] != Kind.EOS).all() and (tokens[length:] == Kind.PAD).all()
    answer = from_tokens(tokens, WORD, BOXES, VOCABULARY)
    assert read_answer(answer_to_fields(answer), "decoded") is not None  # boxes, labels, spans
    pointed = set(words_of_page(answer))
    assert pointed <= set(WORD[np.flatnonzero(copyable)].tolist())
    if isinstance(answer, TableAnswer):
        assert table_grid(answer).shape[1] <= COLUMNS
    return type(answer).__name__


@pytest.mark.parametrize(
    ("method", "rows"),
    [
        ("greedy", 600),
        ("sample", 1200),
        ("beam", 200),
        pytest.param("greedy", 3000, marks=pytest.mark.slow),
        pytest.param("sample", 6000, marks=pytest.mark.slow),
        pytest.param("beam", 1000, marks=pytest.mark.slow),
    ],
)
def test_whatever_the_logits_every_answer_is_whole(method, rows):
    """Protects the promise of the language: of two thousand decodes of indifferent, greedy and
    adversarial logits (ten thousand in the slow tier) each parses, ends, fits, and lies on the
    page."""
    rng = np.random.default_rng(len(method))
    budget = rng.integers(2, 49, rows).astype(np.int32)
    temper = rng.integers(0, len(TEMPERS), rows)
    copyable = first_pieces(WORD)[None] & (rng.random((rows, 1)) < 0.8)
    found = decode(
        jax.random.key(rows), temper, budget, jnp.asarray(copyable), method=method, length=48
    )
    tokens, lengths = np.asarray(found.tokens), np.asarray(found.length)
    forms = {check(*row) for row in zip(tokens, lengths, budget, copyable, strict=True)}
    every = (TextAnswer, WordsAnswer, FieldsAnswer, RegionsAnswer, TableAnswer)
    assert forms == {form.__name__ for form in every}


def test_every_state_can_be_reached():
    """Protects the automaton from a state that nothing leads to."""
    from xojl_jax.tasks.document.answering.answer_constraint import AUTOMATON

    reached = {"start"} | {to for ways in AUTOMATON.values() for to in ways.values()}
    assert reached == set(STATES)
