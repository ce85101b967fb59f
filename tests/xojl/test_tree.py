"""The JSON form: what is read, what is written, and what is refused, with its place."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.tree import (
    CONTAINERS,
    ELEMENTS,
    Caps,
    Content,
    Node,
    TreeIndex,
    XojlError,
    parse_html,
    parse_layout,
    preorder,
    print_html,
    print_layout,
    to_semantic,
    used_elements,
)


def html(tag, *classes, content=(), children=()):
    return Node(None, tag, classes, content, children)


def test_the_seeds_examples_are_read():
    """The two shapes that the users' own files have, with all three separators."""
    assert parse_html('{"div@mr_auto@ml_auto": {"h1@fs_3r": {"text": "xv854"}}}') == (
        html(
            "div",
            "mr_auto",
            "ml_auto",
            children=(html("h1", "fs_3r", content=(Content("text", "xv854"),)),),
        ),
    )
    seed = {"wrapper.div.fs_18x": {"heading.h1.c_fff": ""}}
    expected = (Node("wrapper", "div", ("fs_18x",), (), (Node("heading", "h1", ("c_fff",)),)),)
    assert parse_layout(seed) == expected
    assert parse_layout('{"wrapper.div@fs_18x": {"heading.h1@c_fff": ""}}') == expected
    assert parse_layout('{"wrapper-div-fs_18x": {"heading@h1-c_fff": {}}}') == expected
    assert parse_layout('{"wrapper": {"heading": ""}}') == to_semantic(expected)


def test_elements_are_the_closed_list():
    """22 elements in their stable order; eight of them are containers."""
    assert len(ELEMENTS) == len(set(ELEMENTS)) == 22 and ELEMENTS[0] == "section"
    assert ELEMENTS[5] == "heading" and ELEMENTS[-1] == "social"
    assert len(CONTAINERS) == 8 and set(ELEMENTS) > CONTAINERS


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("p@fs_1.125r", ["p", "fs_1.125r"]),
        ("p.fs_1.125r.c_fff", ["p", "fs_1.125r", "c_fff"]),
        ("h1-c_fff", ["h1", "c_fff"]),
        ("my-widget", ["my-widget"]),
        ("my-widget-c_fff", ["my-widget", "c_fff"]),
        ("div-d_inline-block-m_-1r", ["div", "d_inline-block", "m_-1r"]),
        ("div@t:h:pt_7r", ["div", "t:h:pt_7r"]),
        ("div@-webkit_x", ["div", "-webkit_x"]),
        ("div@--main_x", ["div", "--main_x"]),
        ("a--b_c", ["a-", "b_c"]),
        ("a-_b", ["a-_b"]),
        ("a@c_#fff", ["a", "c_#fff"]),
        ("a@c_#fff#2", ["a", "c_#fff"]),
        ("h1.5.5", ["h1.5.5"]),
        ("h1.x5", ["h1", "x5"]),
    ],
)
def test_where_keys_are_cut(key, names):
    """`@` always, `.` but for decimals, `-` only before what reads as a class."""
    (node,) = parse_html({key: ""})
    assert [node.tag, *node.classes] == names
    (node,) = parse_layout({f"image.{key}": ""})
    assert [node.element, node.tag, *node.classes] == ["image", *names]


def test_equal_siblings_keep_their_order():
    """The writer numbers them, the reader takes numbers and repeated keys; content takes part."""
    expected = (html("p"), html("p", content=(Content("text", "a"),)), html("p"))
    assert print_html(expected) == '{"p":"","p#2":{"text":"a"},"p#3":""}'
    assert parse_html('{"p": "", "p": {"text": "a"}, "p": {}}') == expected
    assert parse_html([("p", ""), ("p", [("text", "a")]), ("p", {})]) == expected
    mixed = (
        html(
            "div",
            content=(Content("text", "1"), Content("text", "2", 1), Content("svg", "3", 1)),
            children=(html("svg"), html("text#2")),
        ),
    )
    text = '{"div":{"text":"1","svg":{},"text#2":"2","svg#2":"3","text#2#1":""}}'
    assert print_html(mixed) == text and parse_html(text) == mixed


def test_a_key_that_ends_like_an_ordinal_keeps_its_end():
    """Only the last `#n` is an ordinal, so the writer adds one where the key has its own."""
    forest = (html("a", "c_#123"), html("a", "c_#123"), html("#7"))
    assert print_html(forest) == '{"a@c_#123#1":"","a@c_#123#2":"","#7#1":""}'
    assert parse_html(print_html(forest)) == forest


def test_another_separator_stands_only_where_it_is_read():
    """A caller's separator gives way to `@` where it would be part of a name."""
    forest = (html("h1", "2xl", "row", "c_fff", "-x_y"),)
    assert print_html(forest, ".") == '{"h1@2xl.row.c_fff.-x_y":""}'
    assert print_html(forest, "-") == '{"h1@2xl@row-c_fff@-x_y":""}'
    for separator in "@.-":
        assert parse_html(print_html(forest, separator)) == forest
    with pytest.raises(BadUsage):
        print_html(forest, "_")


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.text(st.sampled_from("@.-_#0a:é"), min_size=1, max_size=6), min_size=1, max_size=4),
    st.sampled_from("@.-"),
)
def test_reading_is_stable(names, separator):
    """Whatever a key reads as, it is written so that it reads as the same again."""
    try:
        forest = parse_html({separator.join(names): ""})
    except XojlError:
        return
    for other in "@.-":
        assert parse_html(print_html(forest, other)) == forest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": {"b": 1}}', "a number at html a[0]/b[0]: expected an object of nodes"),
        ('{"a": "", "b": [1]}', "a list at html b[1]"),
        ('{"a": "text"}', "a string at html a[0]"),
        ('{"a": null}', "null at html a[0]"),
        ('{"a": {"b": NaN}}', "NaN at html a[0]/b[0]"),
        ('{"a": -Infinity}', "-Infinity at html a[0]"),
        ('{"a": true}', "true or false at html a[0]"),
        ("[]", "a list at html: expected an object"),
        ('""', "a string at html: expected an object"),
        ('{"a": ""', "not JSON (it ends too early) at html line 1 column 9"),
        ('{"a": ' + "9" * 5000 + "}", "a number too long to read at html"),
        ('{"\\ud800": ""}', "a lone surrogate in a key at html \\ud800[0]"),
        ('{"a": {"text": "\\udfff"}}', "a lone surrogate at html a[0]/text[0]"),
        (b'{"a\xff": ""}', "bytes that are not UTF-8 at html byte 3"),
        ('{"a@@b": ""}', "an empty tag or class in a key at html a[0]"),
        ('{"": ""}', "an empty tag or class in a key at html [0]"),
        ('{"text": "x"}', "text outside every node at html text[0]"),
        (
            '{"div": {"p": "", "a\\n@": ""}}',
            "an empty tag or class in a key at html div[0]/a\\n[1]",
        ),
    ],
)
def test_what_is_not_a_tree_is_refused_with_its_place(text, message):
    """One typed error that says what, where, and what was expected, on one line."""
    with pytest.raises(XojlError) as caught:
        parse_html(text)
    assert str(caught.value).startswith(message) and ": expected " in str(caught.value)
    assert "\n" not in str(caught.value) and isinstance(caught.value, BadInput)


@pytest.mark.parametrize("key", ["div", "headings", "heading_x", "", "Heading.h1", "@h1", "text"])
def test_an_unknown_element_is_refused(key):
    """A layout key begins with one of the 22."""
    with pytest.raises(XojlError, match="unknown element in a key at layout section"):
        parse_layout({"section": {key: {}}})


def test_caps_are_inclusive_and_can_be_raised():
    """Every cap holds at its value and breaks one past it."""
    chain = '{"a":' * 64 + '""' + "}" * 64
    cases = [
        ("depth", 64, chain, "too deep a node"),
        ("nodes", 3, '{"a":"","b":{"c":""}}', "one node too many"),
        ("classes", 2, '{"a@b@c":""}', "2 classes"),
        ("key_length", 5, '{"a@b@c#12":""}', "a key of 5 characters"),
        ("document", 8, '{"é":""}'[:-1] + "}", "bytes or more"),
    ]
    for name, value, text, message in cases:
        size = len(text.encode()) if name == "document" else value
        assert parse_html(text, Caps(**{name: size}))
        with pytest.raises(XojlError, match=message):
            parse_html(text, Caps(**{name: size - 1}))
        with pytest.raises(XojlError):
            parse_html(text.encode(), Caps(**{name: size - 1}))


def test_a_huge_document_is_refused_before_it_is_parsed():
    """The cap on bytes comes first: what is inside does not matter."""
    with pytest.raises(XojlError, match="at html: expected at most 4,194,304 bytes"):
        parse_html(b"\xff" * (4 * 2**20 + 1))
    with pytest.raises(XojlError, match="at most 10 bytes"):
        parse_html("[" * 11, Caps(document=10))


@pytest.mark.parametrize("opening", ['{"div@p_1r":', '{"a":{"b":[', "["])
def test_a_hundred_thousand_levels_of_text_are_refused(opening):
    """No RecursionError, and the message shows the way down."""
    with pytest.raises(XojlError, match="nesting too deep to read at html"):
        parse_html(opening * 100_000)


def test_a_hundred_thousand_levels_are_handled_where_the_caps_allow():
    """Reading, comparing, walking and writing do not recurse."""
    levels = 100_000
    document = ""
    for _ in range(levels):
        document = {"grid.a": document}
    with pytest.raises(XojlError, match="too deep a node at layout grid\\[0\\]/"):
        parse_layout(document)
    caps = Caps(depth=levels, nodes=levels)
    forest = parse_layout(document, caps)
    again = parse_layout(document, caps)
    assert forest == again and hash(forest) == hash(again)
    visits = preorder(forest)
    assert visits[-1].depth == levels - 1 and visits[0].subtree_end == levels
    assert print_layout(forest, semantic=True).count("grid") == levels


def test_preorder_gives_parents_depths_and_ranges():
    """j is a descendant of i iff i < j < subtree_end of i."""
    forest = parse_html('{"a": {"b": {"c": ""}, "d": ""}, "e": ""}')
    visits = preorder(forest)
    assert [v.node.tag for v in visits] == list("abcde")
    assert [v.parent for v in visits] == [-1, 0, 1, 0, -1]
    assert [v.depth for v in visits] == [0, 1, 2, 1, 0]
    assert [v.subtree_end for v in visits] == [4, 3, 3, 4, 5]
    assert [v.index for v in visits] == list(range(5)) and preorder(()) == []


def test_used_elements_are_sorted_and_single():
    """What the record's field must hold."""
    layout = parse_layout('{"section": {"image": "", "heading": "", "image#2": ""}}')
    assert used_elements(layout) == ("heading", "image", "section")


@pytest.mark.parametrize(
    "node",
    [
        html("a@b"),
        html("a.b"),
        html("a-b_c"),
        html(""),
        html("a", "\ud800"),
        html(None),
        Node("heading", "h1"),
        html("a", content=(Content("text", "x", 1),)),
        html("a", content=(Content("text", "x", 1), Content("src", "y", 0)), children=(html("b"),)),
    ],
)
def test_what_would_not_read_back_is_not_written(node):
    """The writer refuses a node outside the domain rather than write another one."""
    with pytest.raises(XojlError):
        print_html((node,))


def test_a_layout_without_tags_before_classes_is_not_written():
    """Classes need a tag in front; html trees are not layouts."""
    for node in (Node("grid", None, ("c_fff",)), html("p"), Node("card", "p")):
        with pytest.raises(XojlError):
            print_layout((node,))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from(["a", "p#2", "text"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(JSON | st.text(max_size=30) | st.binary(max_size=30))
def test_anything_at_all_is_a_tree_or_an_xojl_error(value):
    """No other exception comes out, from decoded values, from text and from bytes."""
    texts = [value]
    if not isinstance(value, bytes):
        texts.append(json.dumps(value))
    for given_value, parse in itertools.product(texts, (parse_html, parse_layout)):
        try:
            forest = parse(given_value)
        except XojlError as error:
            assert "\n" not in str(error)
        else:
            text = print_html(forest) if parse is parse_html else print_layout(forest)
            assert parse(text) == forest


def test_a_tree_index_is_walked_once():
    """Protects what takes either form: the index of an index is itself, with preorder's visits."""
    forest = parse_html({"div": {"p": "", "a": {"i": ""}}})
    index = TreeIndex.of(forest)
    assert TreeIndex.of(index) is index
    assert index.visits == preorder(forest) and len(index) == 4
