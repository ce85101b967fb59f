"""Decisions of docs/labels.md that two readers needed, on trees written down here."""

import pytest

from data_prep.label import command as label
from tests.data_prep.label.drafts import TABLE, Draft, card, labeled, record_of


def test_what_a_card_starts_with_titles_it():
    """A bold first line with lighter text below, also under initials; a painted bar at its head."""
    style = {"background-color": "rgb(240, 240, 240)"}
    bold = {"font-weight": "700"}
    person = Draft(
        "div",
        (0, 0, 300, 200),
        Draft("div", (130, 10, 56, 56), text="EW", style={"background-color": "rgb(0, 0, 90)"}),
        Draft("div", (0, 80, 300, 20), text="Emily Wang", style=bold),
        Draft("div", (0, 100, 300, 16), text="Designer"),
        style=style,
    )
    panel = Draft(
        "div",
        (400, 0, 300, 200),
        Draft("div", (400, 0, 300, 50), text="Panel", style={"background-color": "rgb(9, 9, 9)"}),
        Draft("div", (400, 50, 300, 150), text="What stands in it."),
        style=style,
    )
    assert labeled(
        Draft("section", (0, 0, 1200, 300), Draft("div", (0, 0, 1200, 200), person))
    ) == ("{section:{wrapper:{paragraph:,heading:,paragraph#2:}}}")
    assert labeled(Draft("section", (0, 0, 1200, 300), Draft("div", (0, 0, 1200, 200), panel))) == (
        "{section:{wrapper:{heading:,paragraph:}}}"
    )


def test_a_price_is_one_text_and_no_counter():
    """Figure and period are parts of one line; what is counted makes a counter."""

    def figure(label):
        big = Draft("span", (0, 0, 40, 40), text="$9", style={"font-size": "36px"})
        small = Draft("span", (40, 20, 80, 14), text=label, style={"font-size": "12px"})
        tile = Draft("div", (0, 0, 200, 40), big, small)
        text = Draft("p", (0, 60, 600, 20), text="For teams that grow. It has it all.")
        return labeled(Draft("section", (0, 0, 1200, 300), tile, text))

    assert figure("/ month") == "{section:{heading:,paragraph:}}"
    assert figure("Earnings") == "{section:{counter:,paragraph:}}"


def test_a_count_on_a_pictogram_belongs_to_it():
    badge = Draft("span", (112, 8, 12, 10), text="3+")
    link = Draft("a", (80, 0, 60, 60), Draft("i", (100, 10, 20, 20), kind="svg"), badge)
    title = Draft("h2", (0, 100, 600, 40), text="Title")
    assert labeled(Draft("section", (0, 0, 1200, 200), link, title)) == "{section:{icon:,heading:}}"


def test_bars_and_main_part_of_a_page_are_bands():
    """Also under a box that holds them all: nothing is labeled above sections."""
    menu = Draft("nav", (0, 0, 1200, 60), Draft("h1", (0, 0, 200, 40), text="Shop"), _menu())
    main = Draft(
        "div",
        (0, 60, 1200, 300),
        Draft("h2", (0, 60, 600, 40), text="Title"),
        Draft("p", (0, 120, 600, 40), text="Running text of the page. It says more."),
    )
    page = Draft("div", (0, 0, 1200, 360), menu, main)
    foot = Draft("p", (0, 380, 300, 20), text="Made by us")
    made = labeled(Draft("section", (0, 0, 1200, 400), page, foot))
    assert made == (
        "{section:{section:{heading:,list:},section#2:{heading:,paragraph:},paragraph:}}"
    )


def _menu():
    items = [
        Draft("li", (x, 0, 90, 40), Draft("a", (x, 0, 90, 40), text=f"Link {x}", href="#"))
        for x in (600, 700, 800)
    ]
    return Draft("ul", (600, 0, 300, 40), *items)


def test_tiles_of_color_with_a_caption_are_a_gallery():
    """Gradient tiles with a caption count as pictures; a card of text on a color is none."""

    def tiles(text_top, rows):
        out = []
        for x in (0, 250, 500):
            lines = [
                Draft("div", (x, text_top + 20 * i, 200, 16), text=f"photo {x} {i}")
                for i in range(rows)
            ]
            style = {"background-image": "linear-gradient(red, blue)"}
            out.append(Draft("div", (x, 0, 220, 220), *lines, style=style))
        return labeled(Draft("section", (0, 0, 1200, 240), Draft("div", (0, 0, 720, 220), *out)))

    assert tiles(200, 1) == "{section:{gallery:}}"
    assert "gallery" not in tiles(20, 3)


@pytest.mark.parametrize("painted", [True, False])
def test_a_column_is_the_box_that_paints_else_the_innermost(painted):
    """Of `div.col > div.card > div.body`, which hold the same: a guide for readers, too."""

    def cell(x):
        box = (x, 100, 300, 300)
        style = {"background-color": "rgb(9, 9, 9)"} if painted else {}
        inside = Draft("div", box, card(x, painted=False))
        return Draft("div", box, Draft("div", box, inside, style=style))

    row = Draft("div", (0, 100, 1000, 300), cell(0), cell(400))
    made = label.label(*record_of(Draft("section", (0, 0, 1200, 500), row)), TABLE)
    elements = made.record.elements_by_node()
    columns = [node for node, element in elements.items() if element == "column"]
    # section 0, row 1, then of each cell: outermost, the one that may paint, another, the card's
    first, second = (3, 10) if painted else (5, 12)
    assert columns == [first, second]
