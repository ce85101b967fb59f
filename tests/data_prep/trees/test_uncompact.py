"""The inverse of compact.py: a page written from a tree gives the tree back."""

import random
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.trees.compact import compact, properties
from data_prep.trees.style_sheet import css_value, style_sheet
from data_prep.trees.uncompact import (
    Placeholder,
    PlaceholderContents,
    Setting,
    page_of,
)
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.tree import Content, Node, parse_html, preorder

BOOK = Codebook.load()


def placeholders_of(forest, text="some words"):
    placeholder = {
        "text": Placeholder(text),
        "src": Placeholder(size=(40, 30)),
        "svg": Placeholder(size=(16, 16)),
    }
    return [[placeholder[c.kind] for c in visit.node.content] for visit in preorder(forest)]


def page(forest, **setting):
    return page_of(
        forest, BOOK, PlaceholderContents(Setting(800, 300, **setting), placeholders_of(forest))
    )


@pytest.mark.parametrize(
    ("css", "written", "text"),
    [
        ("padding-top", "2r", "2rem"),
        ("margin-left", "auto", "auto"),
        ("width", "33.33p", "33.333333%"),
        ("width", "23.7p", "23.7%"),
        ("color", "300", "#300"),
        ("background-color", "0003", "#0003"),
        ("background-color", "transparent", "transparent"),
        ("box-shadow", "0003+0+4x+8x+0", "0 4px 8px 0 #0003"),
        ("box-shadow", "000+0+1x+2x+inset", "0 1px 2px inset #000"),
        ("transform", "translate+-50p+-50p+rotate+45d", "translate(-50%,-50%) rotate(45deg)"),
        ("transform", "none", "none"),
        ("filter", "blur+4x", "blur(4px)"),
        ("filter", "none", "none"),
        ("aspect-ratio", "auto+16+9", "auto 16 / 9"),
        ("grid-template-columns", "repeat+3+minmax+0+1f", "repeat(3,minmax(0,1fr))"),
        ("grid-template-columns", "200x+1f", "200px 1fr"),
        ("font-family", "mono", "monospace"),
        ("gap", "1r", "1rem"),
        ("border-radius", "4x+4x+0+0", "4px 4px 0 0"),
        ("flex-grow", "1", "1"),
        ("line-height", "1.5", "1.5"),
    ],
)
def test_written_values_become_css(css, written, text):
    """Each form that values.py writes is read as the CSS that it came from."""
    assert css_value(css, written, BOOK) == text


def test_narrow_screens_override_desktop_and_pseudo_classes_are_rules():
    """Rules placeholder in the order of the cascade, whatever the order of the classes."""
    names = ["m:pt_1r", "h:c_f00", "t:pt_2r", "pt_4r", "p_3r", "be:bg_000", "zz_1", "plain"]
    sheet = style_sheet(names, BOOK)
    found = re.findall(r"\.((?:\\.|[\w-])+)", sheet.replace("\\", ""))
    places = [sheet.index(text) for text in ("padding:3", "top:4rem", "top:2rem", "top:1rem")]
    assert places == sorted(places), found
    assert "@media (max-width: 1023px){.t\\:pt_2r{padding-top:2rem}}" in sheet
    assert ".h\\:c_f00:hover{color:#f00}" in sheet
    assert '::before{background-color:#000;content:""}' in sheet
    assert "zz_1" not in sheet
    assert "plain" not in sheet


NAMES = st.text("abz09_.:+-é<&\"'", min_size=1, max_size=6)
FORESTS = st.recursive(
    st.builds(
        lambda tag, classes: Node(None, tag, tuple(classes)),
        st.sampled_from(["p", "a", "div", "li", "td", "h1", "img", "details", "body", "x&"]),
        st.lists(NAMES, max_size=3),
    ),
    lambda inner: st.builds(
        lambda tag, children, text: Node(
            None, tag, (), (Content("text", "xv1", 0),) if text else (), tuple(children)
        ),
        st.sampled_from(["p", "a", "div", "button", "tr"]),
        st.lists(inner, max_size=3),
        st.booleans(),
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(FORESTS, st.text(max_size=8))
def test_every_tree_is_well_formed_and_keeps_its_nodes(root, text):
    """Whatever the tree and its texts hold, a browser reads the page, and no node moves."""
    visits = preorder((root,))
    written = page_of(
        (root,), BOOK, PlaceholderContents(Setting(800, 300), placeholders_of((root,), text))
    )
    tree = ET.fromstring(written)
    found = [int(e.get("data-xojl")) for e in tree.iter() if e.get("data-xojl") is not None]
    # What is drawn as one thing holds nothing: its children are left out, everything else is there.
    drawn = {v.index for v in visits if v.node.tag == "img"}
    assert found == [v.index for v in visits if v.parent not in drawn]


def test_the_page_gives_the_tree_back(chromium, tmp_path):
    """compact(render(page_of(tree))) == tree: nothing is added, nothing is read otherwise."""
    text = """{"section@d_flex@pt_4r@fd_column@ai_center@g_1.5r@c_234@bg_fafafa@ff_sans@lh_1.5": {
      "h2@mb_1r@c_123457@fs_2r@fwt_700@ls_1x@ta_center@tt_uppercase": {"text": "xv1"},
      "p@mxw_40r@fst_italic": {"text": "xv2", "a@c_06c@td_underline": {"text": "xv3"},
        "div@pl_1r": {"text": "xv4"}},
      "div@d_grid@w_100p@g_20x@gtc_1f+2f": {
        "div@pt_7x@pr_9x@pb_7x@pl_9x@bw_1x@bco_ccc@rad_5x@sh_0003+0+4x+7x+0": {"text": "xv5"},
        "div@pos_relative@h_7.5r@ov_hidden": {
          "span@d_block@pos_absolute@t_10x@l_50p@z_3@op_0.5@tf_translate+-50p+0": {"text": "xv6"}}},
      "ul@lst_square": {"li@mb_4x": {"text": "xv7"}, "li": {"text": "xv8"}},
      "table@w_50p": {"tbody": {"tr": {"td@pt_4x@va_middle": {"text": "xv9"},
        "th@bbw_2x@bbc_f00": {"text": "xv10"}}}}
    }}"""
    forest = parse_html(text)
    (tmp_path / "page.xhtml").write_text(page(forest), encoding="utf-8")
    with chromium.open_site(tmp_path, "page.xhtml") as shown:
        extracted = shown.extract('[data-xojl="0"]', properties(BOOK))
    again = compact(extracted, BOOK, random.Random(0)).forest
    seen = [(v.node.tag, v.node.classes, len(v.node.content)) for v in preorder(again)]
    wanted = [(v.node.tag, v.node.classes, len(v.node.content)) for v in preorder(forest)]
    # The section is placed and given its width by the page around it.
    around = ("pos_relative", "w_50r", "w_800x", "mnw_0")
    root = tuple(name for name in seen[0][1] if name not in around)
    assert [(seen[0][0], root, seen[0][2]), *seen[1:]] == wanted


def test_pseudo_elements_become_rules_that_nothing_leaves():
    """Protects the judge's page: what a page said of its pseudo-elements stays within their rules,
    and loads nothing; a mask's color, which would fill a box, is left out."""
    told = {"content": 'a"}', "width": "9px", "color": "red}*{", "left": "url(x)", "a{": "b"}
    masked = {"content": "", "height": "9px", "background-color": "red", "picture": "true"}
    forest = (Node(None, "p"),)
    given = PlaceholderContents(
        Setting(100, 50), [[]], pseudo={0: {"before": told, "after": masked}}
    )
    text = page_of(forest, BOOK, given)
    assert '[data-xojl="0"]::before{content:"\\61 \\22 \\7d ";width:9px;}' in text
    assert '[data-xojl="0"]::after{content:"";height:9px;}' in text


def test_white_space_is_kept_where_the_tree_says_so():
    """Inside `pre` no line break of our own is added, and a text's own stay."""
    forest = parse_html(
        '{"pre@ws_pre": {"text": "xv1", "b": {"text": "xv2"}}, "p": {"text": "xv3"}}'
    )
    placeholders = [[Placeholder("a\nb")], [Placeholder("c")], [Placeholder("d\ne")]]
    written = page_of(forest, BOOK, PlaceholderContents(Setting(100, 100), placeholders))
    body = written[written.index("<body>") :]
    assert ">a\nb<b" in body
    assert ">c</b></pre>" in body
    assert ">d<br/>e</p>" in body
