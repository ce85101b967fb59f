"""Sections of our own: drawn alike every time, labeled by the rules, free of telling names."""

import io
import json
import subprocess
import sys
from collections import Counter, defaultdict
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from data_prep.synthesize import command as synthesize
from data_prep.synthesize.components import SECTIONS, SITE, make_page, pictures
from data_prep.synthesize.components.draw_context import make_context
from data_prep.synthesize.components.markup import (
    El,
    css,
    derive_labels,
    document,
    keep_nesting,
    labeled_tree,
)
from data_prep.synthesize.components.photos import MAKERS
from data_prep.synthesize.components.rows import WAYS
from data_prep.synthesize.components.tables import table
from data_prep.synthesize.components.theme import draw_theme
from data_prep.synthesize.components.transliteration import SCRIPTS, transliterate
from data_prep.synthesize.rendering import Limits, make_records
from xojl_jax.errors import BadUsage
from xojl_jax.xojl.record import CATEGORIES, parse_record, read_directory, record_to_json
from xojl_jax.xojl.structure import violations
from xojl_jax.xojl.tree import ELEMENTS, preorder, print_html

SEED = 11
DRAWS = 400


@pytest.fixture(scope="module")
def pages():
    return [make_page(SEED, index) for index in range(DRAWS)]


@pytest.fixture(scope="module")
def made(chromium):
    """Eight rendered sections: (record, PNG)."""
    return make_records(chromium, SEED, range(8), Limits(), Counter())


# --- what is drawn --------------------------------------------------------------------------------


def test_a_section_is_a_pure_function_of_seed_and_index():
    """The same seed and index give the same page, byte for byte; others give others."""

    def text(seed, index, attempt=0):
        page = make_page(seed, index, attempt)
        return document([page.shown()])

    for index in range(8):
        assert text(3, index) == text(3, index)
    assert len({text(3, 0), text(4, 0), text(3, 1), text(3, 0, 1)}) == 4


def test_every_element_is_common_enough_to_be_learned(pages):
    """Rare elements come from here: each is in three sections of a hundred or more."""
    counts = Counter(m for page in pages for m in {n.mark for n in page.root.walk() if n.mark})
    assert set(counts) == set(ELEMENTS)
    assert min(counts.values()) >= 0.03 * DRAWS, counts.most_common()[-3:]


def test_every_category_is_common_enough_to_be_learned(pages):
    """No class of the category head goes without samples: one in a hundred at least."""
    counts = Counter(page.category for page in pages)
    assert set(counts) == set(CATEGORIES) == {category for category, _, _ in SECTIONS}
    assert min(counts.values()) >= 0.01 * DRAWS, counts.most_common()[-3:]


def test_the_sections_of_a_site_share_a_style_and_no_other_site_has_it(pages):
    """Splits by site keep styles apart only if a site is one author with one theme."""
    styles = defaultdict(set)
    for index, page in enumerate(pages):
        assert page.site == f"{SEED}/s{index // SITE}"
        styles[page.site].add((page.width, page.place["font-family"], str(page.base)))
    assert len(styles) == DRAWS / SITE and all(len(found) == 1 for found in styles.values())
    themes = {str(draw_theme(Random(site))) for site in styles}
    assert len(themes) == len(styles)


def test_every_manner_and_tongue_is_drawn():
    """What no author uses teaches nothing."""
    drawn = [draw_theme(Random(f"{SEED}/s{at}")) for at in range(400)]
    assert {theme.script for theme in drawn} == {name for name, _ in SCRIPTS}
    assert len({theme.profile.name for theme in drawn}) == 12
    assert {way for theme in drawn for way in theme.profile.rows} == set(WAYS)


@given(st.text(), st.sampled_from([name for name, _ in SCRIPTS]))
def test_another_script_keeps_figures_and_the_number_of_words(text, script):
    """Lengths and shapes of texts must stay those that the layout was drawn for."""
    said = transliterate(text, script, Random(0))
    assert len(said.split(" ")) == len(text.split(" "))
    assert [c for c in said if c in "0123456789"] == [c for c in text if c in "0123456789"]


def test_tags_alone_do_not_give_the_labels_away(pages):
    """Even told which nodes are labeled, the best guess from the tag is wrong in 4 of 10. Cells of
    tables are left out: they are texts, here as on real pages."""
    seen = defaultdict(Counter)
    for page in pages:
        for node in page.root.walk():
            if node.mark and node.tag not in ("td", "th"):
                seen[node.tag][node.mark] += 1
    right = sum(marks.most_common(1)[0][1] for marks in seen.values())
    total = sum(sum(marks.values()) for marks in seen.values())
    assert right / total < 0.6
    for element in ("heading", "paragraph", "button", "list", "column", "wrapper"):
        assert sum(marks[element] > 0 for marks in seen.values()) >= 5, element


@pytest.mark.parametrize("maker", sorted(set(MAKERS), key=lambda maker: maker.__name__))
def test_every_picture_is_an_address_that_needs_no_network(maker):
    """Pictures are drawn by us, inside the page; the same random state gives the same picture."""
    made = maker(Random(3), 300, 200)
    assert made.startswith(("data:image/svg+xml,", "data:image/png;base64,"))
    assert '"' not in made and made == maker(Random(3), 300, 200)


@pytest.mark.parametrize("way", sorted(WAYS))
def test_every_way_to_set_cells_keeps_each_cell_once(way):
    """A row that loses or repeats a cell would label what is not there."""
    ctx = make_context(Random(1), draw_theme(Random(1)), 1280)
    cells = [El("div", {}, [leaf()]) for _ in range(3)]
    made = WAYS[way](ctx, list(cells), [1 / 3] * 3, 20, "stretch")
    assert [node for node in made.walk() if node in cells] == cells
    assert made.mark == "grid"


def test_the_qr_drawing_has_three_eyes():
    """A code is known by its eyes."""
    art = pictures.qr(Random(1))
    side = int(art.split("viewBox='0 0 ")[1].split(" ")[0]) - 4
    for left, top in ((0, 0), (side - 7, 0), (0, side - 7)):
        ring = [(left + i, top) for i in range(7)] + [(left + 3, top + 3)]
        assert all(f"M{x + 2} {y + 2}h1" in art for x, y in ring)
        assert f"M{left + 3} {top + 3}h1" not in art  # the white ring


# --- labels that follow from others ---------------------------------------------------------------


def leaf(mark="paragraph"):
    return El("p", {}, ["text"], mark)


def labels(*kids: El) -> list:
    """The labels under a section, nested: (mark, [children])."""
    root = El("section", {}, list(kids), "section")
    derive_labels(root, "#ffffff")

    def nested(node):
        inner = [item for kid in node.elements() for item in nested(kid)]
        return [(node.mark, inner)] if node.mark else inner

    return nested(root)[0][1]


P = ("paragraph", [])


def test_one_labeled_child_and_no_visible_style_is_dropped():
    assert labels(El("div", {}, [El("div", {}, [leaf()])])) == [P]


def test_a_painted_box_is_a_wrapper_even_around_one_child():
    box = El("div", css(background="#eeeeee"), [leaf()])
    assert labels(El("div", {}, [box])) == [("wrapper", [P])]
    assert labels(El("div", css(background="#ffffff"), [leaf()])) == [P]  # white on white
    assert labels(El("div", css(border_bottom="1px solid"), [leaf()])) == [P]  # a line, no box


def test_an_unstyled_group_needs_a_labeled_sibling():
    group = [leaf(), leaf()]
    assert labels(El("div", {}, group)) == [P, P]
    assert labels(El("div", {}, [leaf(), leaf()]), leaf()) == [("wrapper", [P, P]), P]
    deep = El("div", {}, [El("div", {}, [leaf(), leaf()])])
    assert labels(deep, leaf()) == [("wrapper", [P, P]), P]


def test_cells_that_group_are_columns():
    """A cell that is itself a leaf keeps its leaf label."""
    grid = El("div", {}, [El("div", {}, [leaf(), leaf()]), leaf("image")], "grid")
    assert labels(grid) == [("grid", [("column", [P, P]), ("image", [])])]
    inner = El("div", {}, [El("div", {}, [leaf(), leaf()]), leaf()], "grid")
    nested = El("div", {}, [inner, leaf()], "grid")
    assert labels(nested) == [("grid", [("column", [("wrapper", [P, P]), P]), P])]
    alone = El("div", {}, [leaf()], "grid")
    assert labels(alone, leaf()) == [P, P]  # one cell makes no grid


def test_a_table_is_one_grid_of_cells():
    """Lines, head and body of a table have no label; a cell that groups is a column."""
    cell = El("td", {}, [El("div", {}, [leaf("image"), leaf()])])
    line = El("tr", {}, [El("td", {}, ["text"], "paragraph"), cell])
    table = El("table", {}, [El("tbody", {}, [line, El("tr", {}, [leaf()])])], "grid")
    group = ("column", [("image", []), P])
    assert labels(table, leaf()) == [("grid", [P, group, P]), P]


def test_the_head_of_a_table_titles_where_it_looks_like_a_title():
    """`th` in the weight of running text is a label; heavier, it titles its column."""
    seen = set()
    for seed in range(40):
        made = table(make_context(Random(seed), draw_theme(Random(seed)), 1280))
        for cell in (n for n in made.walk() if n.tag == "th" and n.kids):
            heavy = int(cell.style["font-weight"]) > 400
            assert cell.mark == ("heading" if heavy else "paragraph")
            seen.add(heavy)
    assert seen == {True, False}


def test_a_slide_is_labeled_from_two_children_on():
    one = El("div", css(background="#eeeeee"), [leaf()], slide=True)
    two = El("div", {}, [leaf(), leaf()], slide=True)
    assert labels(El("div", {}, [one], "carousel")) == [("carousel", [P])]
    assert labels(El("div", {}, [two], "carousel")) == [("carousel", [("wrapper", [P, P])])]


def test_hidden_things_and_the_inside_of_a_leaf_have_no_label():
    hidden = El("div", {}, [leaf()], hidden=True)
    counter = El("div", {}, [leaf("heading"), leaf()], "counter")
    assert labels(hidden, counter) == [("counter", [])]


# --- markup --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outer", "inner", "kept"),
    [
        ("p", "div", ("div", "div")),
        ("a", "a", ("div", "a")),
        ("button", "button", ("div", "button")),
        ("h2", "h3", ("div", "h3")),
        ("li", "li", ("li", "div")),
        ("a", "div", ("a", "div")),
        ("p", "span", ("p", "span")),
    ],
)
def test_no_tag_is_torn_out_of_another_by_the_parser(outer, inner, kept):
    """A browser closes a `p` before a block: labels would land elsewhere than they were derived."""
    node = El(outer, {}, [El(inner, {}, ["text"])])
    keep_nesting(El("section", {}, [node]))
    assert (node.tag, node.kids[0].tag) == kept


def test_what_is_drawn_is_what_is_labeled(made):
    """The layout of a record is the derived tree, node for node."""
    for index, (record, _, _) in enumerate(made):
        shown = [(visit.node.element, visit.depth) for visit in preorder(record.layout)]
        drawn = [labeled_tree(make_page(SEED, index, attempt).root) for attempt in range(3)]
        assert shown in drawn


# --- what is rendered -----------------------------------------------------------------------------


def test_every_record_keeps_the_rules_and_reads_back_equal(made):
    """Exact labels: a record that breaks a rule must never be written."""
    assert len(made) == 8
    for record, _, _ in made:
        again = parse_record(record_to_json(record))
        assert record_to_json(again) == record_to_json(record)
        boxes = [record.html_boxes[node] for node in record.layout_nodes]
        assert list(violations(record.layout, boxes)) == []
        assert record.category in CATEGORIES
        assert len(record.html_boxes) <= 128 and len(record.layout_nodes) <= 80


def test_every_layout_node_can_be_copied_from_its_html_node(made):
    """Tag, classes and content of a layout node are those of its twin, in document order."""
    for record, _, _ in made:
        html = [visit.node for visit in preorder(record.html)]
        assert list(record.layout_nodes) == sorted(set(record.layout_nodes))
        for visit, at in zip(preorder(record.layout), record.layout_nodes, strict=True):
            twin = html[at]
            assert (visit.node.tag, visit.node.classes) == (twin.tag, twin.classes)
            assert [c[:2] for c in visit.node.content] == [c[:2] for c in twin.content]


def test_nothing_that_tells_the_answer_reaches_the_html(made):
    """No mark, class name, id, source or word of the page is in the tree that the model reads."""
    for record, _, _ in made:
        text = print_html(record.html).lower()
        assert not any(leak in text for leak in ("xojl", "class", "data:", "href", "s0k", "#s0"))
        for visit in preorder(record.html):
            assert visit.node.element is None
            assert all(c.value.startswith("xv") for c in visit.node.content)


def test_the_screenshot_is_the_section_at_the_viewport(made):
    for record, png, _ in made:
        with Image.open(io.BytesIO(png)) as image:
            width, height = image.size
        assert (width, height) == tuple(record.source["box"][2:])
        assert 0.5 * record.viewport[0] <= width <= record.viewport[0]
        assert 48 <= height <= 1100


def test_the_other_screens_and_the_pointer_leave_their_classes(made):
    """A model that edits pages meets `t:`, `m:` and `h:` classes: made pages must have them."""
    classes = [
        c for record, _, _ in made for visit in preorder(record.html) for c in visit.node.classes
    ]
    assert any(c.startswith("m:") for c in classes)
    assert any(c.startswith("h:") for c in classes)


def test_neighbors_do_not_matter(chromium, made):
    """Section 5 rendered alone equals section 5 rendered among others: tree, boxes and all."""
    alone = make_records(chromium, SEED, [5], Limits(), Counter())[0]
    assert record_to_json(alone[0]) == record_to_json(made[5][0])


def test_the_command_writes_a_data_set(chromium, tmp_path):
    """What it writes loads as records, and a folder in use is refused in one line."""
    out = tmp_path / "made"
    command = [sys.executable, "-m", "data_prep.synthesize", "--out", str(out), "--count", "2"]
    command += ["--seed", "5", "--first", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "sections with each element" in done.stdout and "left" in done.stderr
    records = [record for _, record in read_directory(out)]
    assert [record.source["uri"] for record in records] == ["synth:5/3", "synth:5/4"]
    for record in records:
        with Image.open(out / record.screenshot) as image:
            assert image.format == "WEBP" and image.width == record.source["box"][2]
    # A round trip needs the words: one for each placeholder of each node.
    lines = (out / "author.jsonl").read_text(encoding="utf-8").splitlines()
    for record, line in zip(records, map(json.loads, lines), strict=True):
        held = [len(node["content"]) for node in line["nodes"]]
        assert line["id"] == record.id
        assert held == [len(visit.node.content) for visit in preorder(record.html)]
        assert any(isinstance(item, str) for node in line["nodes"] for item in node["content"])
    with pytest.raises(BadUsage, match="not empty"):
        synthesize.main(command[3:])


@pytest.mark.parametrize(
    ("flag", "value"), [("--count", "0"), ("--max-nodes", "3"), ("--quality", "101")]
)
def test_a_wrong_number_is_refused(tmp_path, flag, value):
    argv = ["--out", str(tmp_path), "--count", "1"]
    with pytest.raises(BadUsage, match=flag):
        synthesize.main([*argv, flag, value])
