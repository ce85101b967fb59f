"""Tokens: stable ids, the two views, copies, and the vocabulary that a checkpoint keeps."""

import json
import random
import re
from pathlib import Path

import pytest

from tests.xojl.random_trees import random_pair
from xojl_jax.xojl.tree import (
    ELEMENTS,
    Caps,
    Content,
    Node,
    XojlError,
    parse_html,
    parse_layout,
    to_semantic,
)
from xojl_jax.xojl.vocabulary import (
    BOS,
    ELEMENT_BASE,
    ELEMENT_WIDTH,
    END,
    EOS,
    PAD,
    Vocabulary,
    copyable,
)

V = Vocabulary.load()


def names(tokens):
    return [V.name_of(token) for token in tokens]


def test_ids_that_the_model_relies_on():
    """PAD is 0, the elements are together in their stable order, 30 wide; V stays small."""
    assert (PAD, BOS, EOS, END) == (0, 1, 2, 3)
    assert [V.element_token(name) for name in ELEMENTS] == list(range(4, 26))
    assert V.kinds[ELEMENT_BASE : ELEMENT_BASE + ELEMENT_WIDTH] == ("element",) * 30
    assert V.kinds[ELEMENT_BASE + ELEMENT_WIDTH] == "tag"
    assert V.size <= 1200 and V.size % 64 == 0 and len(set(V.names)) == V.size


def test_the_documented_table_is_true():
    """docs/record.md lists the ids of the shipped codebook."""
    page = Path(__file__).parents[2].joinpath("docs", "record.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+)(?: to (\d+))? \| (\w+)(?:, (\w+))?", page, re.MULTILINE)
    documented = {}
    for first, last, *kinds in rows:
        kinds = [_KINDS.get(kind, kind.lower()) for kind in kinds if kind]
        for token in range(int(first), int(last or first) + 1):
            documented[token] = kinds[-1] if len(kinds) == 2 and token == int(last) else kinds[0]
    assert documented == dict(enumerate(V.kinds))
    assert f"V = {V.size}:" in page


_KINDS = {"PAD": "special", "EOS": "special", "BOS": "special", "END": "special"}
_KINDS |= {"ATTR": "attribute", "ATTR_RAW": "attribute_raw"}


def test_a_node_is_spelled_in_bounded_pieces():
    """Known tags, attributes and keywords are one token each; the rest is bytes."""
    layout = parse_layout('{"heading.h1@t:h:pt_7r@m_auto+1x@blé": {"text": "é"}}')
    assert names(V.tokenize_detail(layout)) == [
        "special:BOS", "element:heading", "tag:h1",
        "device:t", "pseudo:h", "attribute:pt", "byte:37", "byte:72",
        "attribute:m", "keyword:auto", "byte:2b", "byte:31", "byte:78",
        "attribute_raw:", "byte:62", "byte:6c", "byte:c3", "byte:a9",
        "content:text", "byte:c3", "byte:a9",
        "special:END", "special:EOS",
    ]  # fmt: skip
    assert V.tokenize_semantic(layout) == [BOS, V.element_token("heading"), END, EOS]


def test_a_node_without_a_tag_needs_no_ident():
    """The semantic form inside a detail document: ELEMENT, then members or END."""
    layout = parse_layout('{"wrapper": {"text": "a", "heading.h1": "", "svg": ""}}')
    tokens = V.tokenize_detail(layout)
    assert names(tokens)[1:4] == ["element:wrapper", "content:text", "byte:61"]
    assert V.detokenize(tokens) == layout


def test_copies_stand_for_equal_nodes():
    """COPY takes tag, classes and content; BARE leaves the content out; what differs is spelled."""
    html = parse_html('{"div@p_1r": {"h1@c_fff": {"text": "xv854"}, "p": {"text": "b"}}}')
    layout = (
        Node("wrapper", "div", ("p_1r",), (), (
            Node("heading", "h1", ("c_fff",), (Content("text", "xv854"),)),
            Node("paragraph", "p"),
        )),
    )  # fmt: skip
    tokens = V.tokenize_detail(layout, html)
    assert names(tokens) == [
        "special:BOS", "element:wrapper", "copy:0", "element:heading", "copy:1", "special:END",
        "element:paragraph", "copy:2", "bare:", "special:END", "special:END", "special:EOS",
    ]  # fmt: skip
    assert V.detokenize(tokens, html) == layout
    assert "copy:1" not in names(V.tokenize_detail(layout, html, (0, None, 1)))
    other = (Node("heading", "h1", ("c_fff",), (Content("src", "y"),)),)
    tokens = V.tokenize_detail(other, html)
    assert names(tokens)[2:5] == ["copy:1", "bare:", "content:src"]
    assert V.detokenize(tokens, html) == other


def test_pairs_survive_with_and_without_the_alignment():
    """detokenize(tokenize(t)) == t where copies are taken, and they are taken often."""
    rng = random.Random(11)
    copies = 0
    for _ in range(2000):
        html, layout, twins = random_pair(rng)
        for given in (twins, None):
            tokens = V.tokenize_detail(layout, html, given)
            assert V.detokenize(tokens, html) == layout
            copies += sum(token >= V.size for token in tokens)
        assert V.detokenize(V.tokenize_semantic(layout)) == to_semantic(layout)
    assert copies > 2000


def test_nodes_that_could_break_a_cap_are_not_copyable():
    """A key too long with its element in front, too many classes, or content past the bound."""
    html = (
        Node(None, "p"),
        Node(None, "x" * 1014),
        Node(None, "x" * 1015),
        Node(None, "p", ("a_b",) * 65),
        Node(None, "p", (), (Content("text", "x" * 5000),)),
        Node(None, "p", (), (Content("text", "\0" * 900),)),
    )
    assert copyable(html).tolist() == [True, True, False, False, False, False]
    assert copyable(html, Caps(classes=65)).tolist()[3]
    layout = (Node("image", "x" * 1015),)
    tokens = V.tokenize_detail(layout, html)
    assert max(tokens) < V.size and V.detokenize(tokens) == layout


def test_a_checkpoint_brings_its_vocabulary_back():
    """to_json and from_json are inverse; a damaged or other text is refused."""
    text = V.to_json()
    assert Vocabulary.from_json(text).names == V.names
    assert Vocabulary.from_json(text).codebook == V.codebook
    other = json.loads(text)
    other["tokens"][40] = "tag:other"
    for bad in (text[:-9], "[]", "{}", "[" * 5000, json.dumps(other)):
        with pytest.raises(XojlError, match="at vocabulary: expected"):
            Vocabulary.from_json(bad)


@pytest.mark.parametrize(
    "tokens",
    [
        [],
        [BOS],
        [BOS, EOS],
        [BOS, END, EOS],
        [BOS, 5],
        [BOS, 5, EOS],
        [BOS, 5, BOS, END, EOS],
        [BOS, 5, V.id_of("byte:41"), END, EOS],
        [BOS, V.id_of("tag:div"), EOS],
        [BOS, 5, V.id_of("tag_raw:"), V.id_of("byte:ff"), END, EOS],
        [BOS, 5, V.size, END, EOS],
        [BOS, -1, EOS],
        [BOS, ELEMENT_BASE + 25, END, EOS],
        [BOS, V.id_of("content:text"), EOS],
    ],
)
def test_other_sequences_are_refused(tokens):
    """A sequence that the automaton would not make gives an XojlError, never something made up."""
    with pytest.raises(XojlError, match="token"):
        V.detokenize(tokens)


def test_trees_that_have_no_tokens_are_refused():
    """An empty layout, an HTML tree, an unwritable name."""
    for forest in ((), (Node(None, "p"),), (Node("grid", "a@b"),), (Node("grid", "p", ("a.b",)),)):
        with pytest.raises(XojlError, match="at tokenize"):
            V.tokenize_detail(forest)
