"""Always valid, always finished: the automaton's theorem, by proof over its tables and by walks."""

import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.xojl.random_trees import random_html, random_layout, random_pair
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.grammar import ILLEGAL, Automaton
from xojl_jax.xojl.keys import is_writable
from xojl_jax.xojl.tree import Caps, parse_layout, preorder, print_layout
from xojl_jax.xojl.vocabulary import BOS, END, EOS, PAD, Vocabulary, copyable

AUTOMATON = Automaton.load()
VOCABULARY = Vocabulary.load()
NARROW = Caps(depth=3, classes=2, key_length=24)


def test_every_legal_token_leaves_a_way_to_end():
    """The induction step, checked for every state and token: after x, some y is legal with what
    x was bound to leave, at any depth, whatever the number of classes."""
    a = AUTOMATON
    tokens_to_close = a.min_tokens_to_close.astype(int)
    chars_to_close = a.min_chars_to_close.astype(int)
    ends_at_root = tokens_to_close[:, EOS] == 1
    for state, token in zip(*np.nonzero(tokens_to_close < ILLEGAL), strict=True):
        after = a.next_state[state, token]
        if token in (PAD, EOS):
            assert tokens_to_close[after, PAD] == 0  # done: only padding follows
            continue
        left = tokens_to_close[state, token] - 1 - int(a.depth_step[token])
        spare = max(chars_to_close[state, token] - int(a.chars[token]), int(chars_to_close.min()))
        way_out = (tokens_to_close[after] <= left) & (chars_to_close[after] <= spare)
        way_out &= ~a.opens_class[after]
        inside = way_out & (a.lowest_depth <= 1) & (a.highest_depth >= a.max_depth)
        assert inside.any(), (a.state_names[state], VOCABULARY.name_of(token))
        if token == END:  # may have closed a root
            assert ends_at_root[after] and tokens_to_close[after, EOS] <= left


def test_only_an_element_can_begin_and_only_eos_can_end():
    """A document has at least one node, and END and EOS depend on what is open."""
    nothing = np.zeros(0, bool)
    for view in ("semantic", "detail"):
        carry = AUTOMATON.start(view)
        first = {VOCABULARY.kinds[x] for x in np.flatnonzero(AUTOMATON.legal(carry, 99, nothing))}
        assert first == {"element"}
        inside = AUTOMATON.advance(carry, VOCABULARY.element_token("grid"))
        assert AUTOMATON.legal(inside, 99, nothing)[[END, EOS]].tolist() == [True, False]
        closed = AUTOMATON.advance(inside, END)
        assert AUTOMATON.legal(closed, 99, nothing)[[END, EOS]].tolist() == [False, True]
        ended = AUTOMATON.advance(closed, EOS)
        assert np.flatnonzero(AUTOMATON.legal(ended, 0, nothing)).tolist() == [PAD]


@pytest.mark.parametrize("view", ["semantic", "detail"])
def test_the_shortest_document_is_one_node(view):
    """`shortest` is exact: that many tokens are enough and one fewer leaves nothing legal."""
    shortest = AUTOMATON.shortest(view)
    assert shortest == 3
    assert AUTOMATON.legal(AUTOMATON.start(view), shortest, np.zeros(0, bool)).any()
    assert not AUTOMATON.legal(AUTOMATON.start(view), shortest - 1, np.zeros(0, bool)).any()


def walk(automaton, view, max_length, copies, preference, rng):
    """The token sequence of a decoder that always takes the legal token it likes best."""
    carry, tokens = automaton.start(view), [BOS]
    for left in range(max_length, 0, -1):
        legal = automaton.legal(carry, left, copies)
        assert legal.any(), (automaton.state_names[carry[0]], carry, left)
        noise = rng.gumbel(size=len(legal)) if rng else 0.0
        token = int(np.argmax(np.where(legal, preference + noise, -np.inf)))
        tokens.append(token)
        if token == EOS:
            return tokens
        carry = automaton.advance(carry, token)
    raise AssertionError("the walk did not end")


def check_walk(automaton, caps, tokens, view, html, max_length):
    layout = VOCABULARY.detokenize(tokens, html)
    assert len(tokens) - 1 <= max_length
    assert parse_layout(print_layout(layout), caps) == layout
    assert parse_layout(print_layout(layout, separator="-"), caps) == layout
    if view == "semantic":
        assert all(not v.node.tag and not v.node.content for v in preorder(layout))


def preferences(copies: int):
    """Adversarial tastes: one kind above all, one character above all, or a random order."""
    size = VOCABULARY.size + copies
    kinds = np.array([*VOCABULARY.kinds, *["copy"] * copies])
    for kind in sorted(set(kinds)):
        yield np.where(kinds == kind, 50.0, 0.0)
        yield np.where(kinds == kind, 50.0, np.where(kinds == "element", 40.0, 0.0))
    for text in ("-", ".", "_", "@", "#", "+", "0", "\0", "é", "ࠀ", "퟿", "🙂", "\U0010ffff"):
        likes = np.zeros(size)
        likes[[VOCABULARY.id_of(f"byte:{byte:02x}") for byte in text.encode()]] = 50.0
        likes[[VOCABULARY.id_of("tag_raw:"), VOCABULARY.id_of("attribute_raw:")]] = 30.0
        yield likes
    for seed in range(12):
        yield np.random.default_rng(seed).normal(size=size) * 8


@pytest.mark.parametrize("caps", [Caps(), NARROW], ids=["default", "narrow"])
@pytest.mark.parametrize("view", ["semantic", "detail"])
def test_every_walk_parses_ends_and_fits(view, caps):
    """From the shortest length up, whatever the decoder prefers, with and without copies."""
    automaton = Automaton.load(VOCABULARY, caps)
    rng = np.random.default_rng(0)
    html = random_html(random.Random(3), 8)
    for html_given in (html, ()):
        copies = copyable(html_given, caps)
        for number, likes in enumerate(preferences(len(copies))):
            for max_length in (3 + number % 7, int(rng.integers(3, 90))):
                noise = rng if number % 2 else None
                tokens = walk(automaton, view, max_length, copies, likes, noise)
                check_walk(automaton, caps, tokens, view, html_given, max_length)


def test_walks_reach_the_caps_and_stay_within():
    """Key length 1024, 64 classes and depth 64 are reached by a decoder that strives for them."""
    kinds = np.array(VOCABULARY.kinds)
    nothing = np.zeros(0, bool)

    def taste(**weights):
        return sum(np.where(kinds == kind, weight, 0.0) for kind, weight in weights.items())

    deep = walk(AUTOMATON, "detail", 400, nothing, taste(element=9.0), None)
    visits = preorder(VOCABULARY.detokenize(deep))
    assert max(visit.depth for visit in visits) == 63
    check_walk(AUTOMATON, Caps(), deep, "detail", (), 400)

    classes = walk(AUTOMATON, "detail", 400, nothing, taste(tag=9.0, attribute=8.0), None)
    assert max(len(v.node.classes) for v in preorder(VOCABULARY.detokenize(classes))) == 64
    check_walk(AUTOMATON, Caps(), classes, "detail", (), 400)

    longest = walk(AUTOMATON, "detail", 3000, nothing, taste(tag_raw=9.0, byte=8.0), None)
    tags = [v.node.tag or "" for v in preorder(VOCABULARY.detokenize(longest))]
    assert len("section.") + max(map(len, tags)) == 1024
    check_walk(AUTOMATON, Caps(), longest, "detail", (), 3000)


def test_the_longest_document_stays_within_the_cap_on_nodes():
    """At max_length, a decoder that writes nothing but nodes makes exactly as many as the cap."""
    caps = Caps(nodes=40)
    automaton = Automaton.load(VOCABULARY, caps)
    flat = np.where(np.array(VOCABULARY.kinds) == "element", 1.0, 0.0)
    flat[END] = 2.0
    tokens = walk(automaton, "semantic", automaton.max_length, np.zeros(0, bool), flat, None)
    layout = VOCABULARY.detokenize(tokens)
    assert len(layout) == caps.nodes and parse_layout(print_layout(layout), caps) == layout


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_training_masks_never_mask_the_truth(seed):
    """Every target of every tokenized layout is legal under its carry with exactly the tokens
    that are left, and `carries` is what `advance` says step by step."""
    a, rng = AUTOMATON, random.Random(seed)
    for _ in range(1500):
        html, layout, twins = random_pair(rng)
        copies = copyable(html)
        view = rng.choice(("semantic", "detail"))
        tokens = (
            VOCABULARY.tokenize_semantic(layout)
            if view == "semantic"
            else VOCABULARY.tokenize_detail(layout, html, rng.choice((twins, None)))
        )
        carries = a.carries(tokens + [PAD] * 3, view)
        carry = a.start(view)
        for i, token in enumerate(tokens[1:]):
            assert tuple(carries[i]) == carry
            column = min(token, VOCABULARY.size)
            state, depth, chars, classes = carry
            assert a.min_tokens_to_close[state, column] + depth <= len(tokens) - 1 - i
            assert a.lowest_depth[column] <= depth <= a.highest_depth[column]
            assert chars + int(a.min_chars_to_close[state, column]) <= a.max_key
            assert classes < a.max_classes or not a.opens_class[state, column]
            assert column < VOCABULARY.size or copies[token - VOCABULARY.size]
            carry = a.advance(carry, token)
        assert [tuple(row) for row in carries[len(tokens) - 1 :]] == [carry] * 3


@settings(max_examples=300, deadline=None)
@given(
    st.text(
        st.sampled_from("@.-_+#:09a é🙂") | st.characters(exclude_categories=["Cs"]), max_size=8
    )
)
def test_the_automaton_and_the_reader_agree_on_names(name):
    """A class spelled in raw bytes is legal exactly if it reads back from a key."""
    carry = AUTOMATON.start("detail")
    spelled = [VOCABULARY.byte_base + byte for byte in name.encode()]
    opening = ("element:grid", "tag:div", "attribute_raw:")
    for token in [*map(VOCABULARY.id_of, opening), *spelled, END, EOS]:
        if not AUTOMATON.legal(carry, 99, np.zeros(0, bool))[token]:
            assert not is_writable(name)
            return
        carry = AUTOMATON.advance(carry, token)
    assert is_writable(name)


def test_key_length_is_counted_as_the_reader_counts_it():
    """The carry's `chars` is the length of the key that is printed, the element in front."""
    rng = random.Random(5)
    for _ in range(300):
        layout = random_layout(rng, 1)
        tokens = VOCABULARY.tokenize_detail(layout)
        key = print_layout(layout)[2:].split('"', 1)[0]
        if "\\" in key or "#" in key or layout[0].content:
            continue
        carries = AUTOMATON.carries(tokens, "detail")
        assert carries[-2, 2] == len(key)
        assert carries[-2, 3] == len(layout[0].classes)


def test_tables_are_small_and_quick_to_build():
    """S stays below 200, the tables come as plain arrays, and another codebook has its own."""
    began = time.process_time()
    automaton = Automaton.load(Vocabulary(Codebook.load()), Caps(depth=5))
    assert time.process_time() - began < 3  # 0.1 s on an idle core
    states, columns = automaton.min_tokens_to_close.shape
    assert states < 200 and columns == VOCABULARY.size + 1 <= 1201
    tables = {name: array for name, array in vars(automaton).items() if hasattr(array, "shape")}
    assert len(tables) == 9
    for name, array in tables.items():
        assert array.shape in {(states, columns), (columns,)}, name
        assert array.dtype in (np.int16, np.int8, np.bool_), name
    assert Automaton.load() is AUTOMATON
    with pytest.raises(KeyError):
        automaton.start("other")
