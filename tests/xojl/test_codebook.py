"""The codebook is data: the shipped file is sound, another replaces it, a bad one is refused."""

import pytest

from xojl_jax.errors import BadUsage
from xojl_jax.xojl.codebook import SHIPPED, Codebook, Value
from xojl_jax.xojl.tree import parse_layout
from xojl_jax.xojl.vocabulary import Vocabulary

BOOK = Codebook.load()


def test_what_the_users_format_fixes_is_there():
    """The codes that the seed documents use, and enough beside them."""
    fixed = {"pt": "padding-top", "mr": "margin-right", "ml": "margin-left"}
    fixed |= {"fs": "font-size", "c": "color"}
    assert fixed.items() <= BOOK.properties.items()
    assert BOOK.units["r"] == "rem" and BOOK.units["x"] == "px"
    assert {"t", "m"} == set(BOOK.devices) and BOOK.pseudo_classes["h"] == "hover"
    assert len(BOOK.properties) >= 60 and len(BOOK.tags) >= 60 and len(BOOK.keywords) >= 100


def test_the_seeds_worked_example():
    """`t:h:pt_7r` -> t / h / pt / 7 / r (X035)."""
    parts = BOOK.split_class("t:h:pt_7r")
    assert (parts.device, parts.pseudos, parts.attribute) == ("t", ("h",), "pt")
    assert parts.value == "7r" and parts.values == (Value("7r", 7.0, "r"),)


@pytest.mark.parametrize(
    ("text", "device", "pseudos", "attribute", "values"),
    [
        ("c_000", None, (), "c", [("000", None, None)]),
        ("m_-1.5r+auto", None, (), "m", [("-1.5r", -1.5, "r"), ("auto", None, None)]),
        ("z_10", None, (), "z", [("10", 10.0, None)]),
        ("w_7q", None, (), "w", [("7q", None, None)]),
        ("container", None, (), "container", []),
        ("t:", None, (), "t:", []),
        ("h:t:x_1", None, ("h",), "t:x", [("1", 1.0, None)]),
        ("foo_bar_baz", None, (), "foo", [("bar_baz", None, None)]),
        ("_x", None, (), "_x", []),
        ("w_" + "9" * 400, None, (), "w", [("9" * 400, None, None)]),
    ],
)
def test_classes_come_apart(text, device, pseudos, attribute, values):
    """Unknown parts stay as they are; a color is not a number; numbers are finite."""
    parts = BOOK.split_class(text)
    assert parts[:3] == (device, pseudos, attribute)
    assert [tuple(value) for value in parts.values] == values


def test_another_file_replaces_the_shipped_one(tmp_path):
    """Its tags get tokens, its digest differs, and what it lacks is spelled out."""
    text = SHIPPED.read_text("utf-8").replace('"div", "span",', '"div", "my-card",')
    (tmp_path / "own.toml").write_text(text, "utf-8")
    book = Codebook.load(tmp_path / "own.toml")
    assert "my-card" in book.tags and book.digest != BOOK.digest
    assert Codebook.from_dict(book.to_dict()) == book and hash(book) != hash(BOOK)
    vocabulary = Vocabulary.load(book)
    layout = parse_layout({"grid.my-card": {"icon.span": ""}})
    tokens = vocabulary.tokenize_detail(layout)
    assert vocabulary.id_of("tag:my-card") in tokens and vocabulary.detokenize(tokens) == layout


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('pt = "padding-top"', 'ptop = "padding-top"', "properties: 'ptop' is not of the form"),
        ('pt = "padding-top"', 'pt = "padding"', "two codes for one meaning"),
        ('pt = "padding-top"', 'p = "padding-top"', "not TOML"),
        ('r = "rem"', 'rr = "rem"', "units: 'rr'"),
        ('h = "hover"', 't = "hover"', "'t' is a device and a pseudo-class"),
        ("[units]", "[unit]", "units is missing"),
        ('"auto", "none"', '"auto", "auto"', "an entry twice"),
        ('"auto", "none"', '"auto", "no_ne"', "keywords: 'no_ne'"),
        ('"auto", "none"', '"auto", 7', "'7' is not a short string"),
        ("[tokens]", "[words]", r"no \[tokens\] table"),
    ],
)
def test_a_faulty_file_is_refused(tmp_path, before, after, message):
    """One line that names the file and the entry."""
    text = SHIPPED.read_text("utf-8")
    assert before in text
    (tmp_path / "bad.toml").write_text(text.replace(before, after, 1), "utf-8")
    with pytest.raises(BadUsage, match=message) as caught:
        Codebook.load(tmp_path / "bad.toml")
    assert str(caught.value).startswith("bad.toml: ")


def test_a_missing_file_is_bad_usage(tmp_path):
    """No traceback for a wrong path."""
    with pytest.raises(BadUsage, match=r"none.toml: No such file"):
        Codebook.load(tmp_path / "none.toml")
