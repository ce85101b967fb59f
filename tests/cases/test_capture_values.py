"""What people met in captured values: each case was once a fault, and says what is right.

No browser is needed: the styles, files and trees here are as a browser or an editor writes them.
"""

import random

import pytest

from data_prep.capture.charsets import html_text
from data_prep.capture.section import depth_of
from data_prep.capture.sources import find_pages
from data_prep.label import command as label
from data_prep.label.rules import Table
from data_prep.trees.colors import plain_colors
from data_prep.trees.compact import compact
from data_prep.trees.extracted import Extracted
from data_prep.trees.values import written_value
from tests.data_prep.label.drafts import Draft, record_of
from xojl_jax.xojl.codebook import Codebook

BOOK = Codebook.load()
UNITS = {css: code for code, css in BOOK.units.items()}


@pytest.mark.parametrize(
    ("css", "plain"),
    [
        ("oklch(0.7 0.2 30)", "rgb(255, 97, 77)"),
        ("oklab(0.627966 0.22488 0.125859 / 0.5)", "rgba(255, 0, 0, 0.5)"),
        ("lab(60 40 -50)", "rgb(178, 119, 234)"),
        ("lch(50% 60 120deg)", "rgb(84, 132, 4)"),
        ("color(display-p3 1 0 0)", "rgb(255, 0, 0)"),  # outside of sRGB: cut off
        ("color(srgb 1 0.5 none / 25%)", "rgba(255, 128, 0, 0.25)"),
        ("color(xyz-d65 .5 .5 .5)", "rgb(204, 183, 180)"),
        ("inset 0 8px 24px oklch(0 0 0 / 0.25)", "inset 0 8px 24px rgba(0, 0, 0, 0.25)"),
        ("color(--mine 1 2 3)", "color(--mine 1 2 3)"),
    ],
)
def test_colors_of_css_4_become_srgb(css, plain):
    """They vanished, or became words of the tree (`bg_oklch+…`)."""
    assert plain_colors(css) == plain


@pytest.mark.parametrize(
    ("css", "raw", "written"),
    [
        ("transform", "matrix(0, 1, -1, 0, 5, 0)", "translate+5x+0+rotate+90d"),
        ("transform", "matrix(2, 0, 0, 2, 0, -20)", "translate+0+-20x+scale+2"),
        ("transform", "matrix(1, 0, 0, 1, 0, 0)", "none"),
        ("transform", "matrix(1, 0, 1, 1, 0, 0)", None),  # skewed
        ("transform", "matrix3d(1, 0, 0, 0)", None),
        # A theme's ring of no width hid the shadow that shows.
        (
            "box-shadow",
            "rgba(0, 0, 0, 0) 0px 0px 0px 0px, rgb(0, 0, 0) 0px 1px 3px 0px",
            "000+0+1x+3x+0",
        ),
        ("box-shadow", "rgba(0, 0, 0, 0) 0px 0px 0px 0px", "none"),
        ("background-position", "calc(100% - 12px) 50%", "right+0.75r+50p"),
        ("background-image", 'image-set(url("a.png") 1x)', "url"),
    ],
)
def test_values_come_to_what_is_seen(css, raw, written):
    assert written_value(css, raw, UNITS) == written


def node(tag: str, parent: int, display: str) -> dict:
    styles = {"display": display}
    return {
        "tag": tag,
        "parent": parent,
        "box": [0, 0, 9, 9],
        "z": 0,
        "styles": styles,
        "content": [],
    }


def test_an_inline_custom_element_is_no_block():
    """What goes without saying is that of the `div` which is written for it."""
    nodes = [
        node("section", -1, "block"),
        node("x-word", 0, "inline"),
        node("x-box", 0, "block"),
        node("x-tag", 0, "inline-block"),
    ]
    tree = compact(Extracted([0, 0, 9, 9], nodes), BOOK, random.Random(0)).forest[0]
    assert [(child.tag, child.classes) for child in tree.children] == [
        ("div", ("d_inline",)),
        ("div", ()),
        ("div", ("d_inline-block",)),
    ]


def test_the_depth_of_a_tree_is_counted_in_levels():
    """A section that is deeper than a tree may be is left out, never cut."""
    assert depth_of([]) == 0 and depth_of([{"parent": -1}]) == 1
    assert depth_of([{"parent": i - 1} for i in range(70)] + [{"parent": 0}]) == 70


def test_a_cell_with_a_title_is_not_one_text():
    """Layouts of old are made of tables: what is in their cells is labeled."""

    def table(*inside: Draft, **said) -> Draft:
        cell = Draft("td", (0, 0, 600, 100), *inside, **said)
        other = Draft("td", (600, 0, 600, 100), text="Plain")
        row = Draft("tr", (0, 0, 1200, 100), cell, other)
        return Draft("section", (0, 0, 1280, 200), Draft("table", (0, 0, 1200, 100), row))

    titled = table(
        Draft("h3", (0, 0, 600, 40), text="Oak"),
        Draft("p", (0, 50, 600, 24), text="Hard and heavy."),
    )
    assert "heading" in label.label(*record_of(titled), Table.load()).record.used_elements
    plain = table(text="Hard and heavy")
    assert "heading" not in label.label(*record_of(plain), Table.load()).record.used_elements


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("cp1251", "<meta charset=windows-1251>"),
        ("cp1251", '<meta http-equiv=Content-Type content="text/html; charset=windows-1251">'),
        ("koi8-r", "<meta charset='koi8-r'>"),
        ("utf-16", ""),
        ("utf-8-sig", "<!--" + "x" * 2000 + "--><meta charset=windows-1251>"),  # the mark wins
        ("utf-8", ""),
        ("utf-8", "<meta charset=nobody-knows>"),
    ],
)
def test_files_are_read_in_the_encoding_that_they_name(encoding, said):
    """Texts of framed documents became U+FFFD in records that counted as good."""
    text = f"<html><head>{said}</head><p>Хлеб каждый день"
    assert html_text(text.encode(encoding)).endswith("Хлеб каждый день")


def test_labels_mean_what_they_mean_on_the_web():
    """Shift_JIS is Windows-31J, ISO-8859-1 is Windows-1252, GB2312 is GB18030."""
    assert html_text("<meta charset=Shift_JIS>①毎日".encode("cp932")).endswith("①毎日")
    assert html_text("<meta charset=iso-8859-1>“é”".encode("cp1252")).endswith("“é”")
    assert html_text("<meta charset=gb2312>镕".encode("gb18030")).endswith("镕")
    assert html_text("<?xml version='1.0' encoding='ISO-8859-1'?>é".encode("cp1252"))[-1] == "é"
    assert html_text(b"\xe9t\xe9") == "été"  # nothing said, and no UTF-8


def test_frames_and_lists_of_any_encoding_are_found(tmp_path):
    """A `srcdoc` in a page of windows-1251, a frameset, a page in UTF-16; a list by an editor of
    Windows, with a byte order mark and two characters at the end of a line."""
    framed = "<meta charset=windows-1251><iframe srcdoc='<h2>Доставка</h2>'></iframe>"
    (tmp_path / "one.html").write_bytes(framed.encode("cp1251"))
    (tmp_path / "two.html").write_bytes("<html><body><p>Чай".encode("utf-16"))
    (tmp_path / "three.html").write_text("<html><frameset><frame src=two.html></frameset>")
    listed = tmp_path / "pages.txt"
    for encoding in ("utf-8-sig", "utf-16"):
        listed.write_bytes("one.html\r\ntwo.html\r\nthree.html\r\n".encode(encoding))
        pages = find_pages([f"@{listed}"], frames=True)
        assert [page.text for page in pages] == [None, "<h2>Доставка</h2>", None, None]
        assert [page.path for page in pages if page.text is None] == [
            "one.html",
            "two.html",
            "three.html",
        ]
