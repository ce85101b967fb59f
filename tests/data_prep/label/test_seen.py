"""What a person sees decides: decisions of docs/labels.md that need no word of an author."""

import pytest

from tests.data_prep.label.drafts import Draft, labeled


def links(tag, count, down=False):
    """A list of that many links, beside or under one another."""
    boxes = [(0, 30 * i, 90, 20) if down else (100 * i, 0, 90, 20) for i in range(count)]
    items = [
        Draft("li", box, Draft("a", box, text=f"Page {i}", href="#")) for i, box in enumerate(boxes)
    ]
    return Draft(tag, (0, 0, 100 * count, 30 * count if down else 20), *items)


@pytest.mark.parametrize(
    ("count", "down", "expected"),
    [
        (3, False, "list:"),
        (3, True, "list:"),
        (2, False, "grid:{paragraph:,paragraph#2:}"),
        (2, True, "wrapper:{paragraph:,paragraph#2:}"),
    ],
)
def test_three_links_are_a_list_and_two_are_two(count, down, expected):
    """Whatever the tag: the language begins a run at three."""
    text = Draft("p", (0, 200, 600, 20), text="Some text beside it.")
    made = labeled(Draft("section", (0, 0, 1200, 300), links("ul", count, down), text))
    assert made == f"{{section:{{{expected},paragraph:}}}}"


def test_a_menu_of_two_levels_is_one_list():
    inner = Draft("ul", (20, 60, 80, 60), *links("ul", 3, down=True).children)
    title = Draft("a", (0, 30, 90, 20), text="More", href="#")
    nested = Draft("li", (0, 30, 100, 90), title, inner)
    first, _, last = links("ul", 3, down=True).children
    menu = Draft("ul", (0, 0, 200, 150), first, nested, last)
    assert labeled(Draft("section", (0, 0, 1200, 300), menu)) == "{section:{list:}}"


def test_a_bold_term_over_its_text_titles_it():
    """`dl` with cells of a term and a text is a grid of cells, not a list."""
    cells = [
        Draft(
            "div",
            (x, 0, 380, 100),
            Draft("dt", (x, 0, 380, 20), text=f"Term {x}", style={"font-weight": "600"}),
            Draft("dd", (x, 30, 380, 60), text="What is said about it, in a line."),
        )
        for x in (0, 400, 800)
    ]
    made = labeled(Draft("section", (0, 0, 1200, 300), Draft("dl", (0, 0, 1200, 100), *cells)))
    assert made.startswith("{section:{grid:{column:{heading:,paragraph:},column#2")


def test_rows_that_say_that_they_open_are_an_accordion():
    """ARIA alone: no class, no `details`."""
    rows = [
        Draft(
            "div",
            (0, y, 900, 60),
            Draft(
                "button",
                (0, y, 900, 40),
                Draft("span", (0, y, 700, 20), text=f"Question {y}?"),
                **{"aria-expanded": "false"},
            ),
        )
        for y in (0, 80, 160)
    ]
    made = labeled(Draft("section", (0, 0, 1200, 300), Draft("div", (0, 0, 900, 240), *rows)))
    assert made == "{section:{accordion:{heading:,heading#2:,heading#3:}}}"


def test_a_sign_is_as_large_as_its_type():
    """The box of a block sign is as wide as the column."""
    sign = Draft("i", (0, 0, 400, 64), kind="svg", style={"font-size": "64px", "display": "block"})
    title = Draft("h2", (0, 100, 600, 40), text="Title")
    assert labeled(Draft("section", (0, 0, 1200, 200), sign, title)) == (
        "{section:{icon:,heading:}}"
    )


def test_bars_over_one_another_are_the_sign_of_a_menu():
    style = {"background-color": "rgb(0, 0, 0)", "display": "block"}
    bars = [Draft("span", (0, y, 24, 2), style=style) for y in (0, 8, 16)]
    title = Draft("h2", (0, 100, 600, 40), text="Title")
    made = labeled(
        Draft("section", (0, 0, 1200, 200), Draft("a", (0, 0, 24, 24), *bars, href="#"), title)
    )
    assert made == "{section:{icon:,heading:}}"


def test_shapes_behind_a_picture_are_no_content():
    shape = Draft("svg", (0, 0, 300, 300), kind="svg", style={"position": "absolute"})
    picture = Draft("img", (50, 20, 200, 260), src="phone.png")
    text = Draft("p", (600, 0, 300, 20), text="An app for every phone.")
    made = labeled(
        Draft("section", (0, 0, 1200, 400), Draft("div", (0, 0, 300, 300), shape, picture), text)
    )
    assert made == "{section:{image:,paragraph:}}"


def test_the_line_over_a_title_is_text_and_a_plan_over_its_price_is_not():
    """An `h3` of body size over a much larger title; a price is no title."""
    small = {"font-size": "16px", "font-weight": "700"}
    body = Draft("p", (0, 200, 600, 20), text="Running text of the section, as long as it needs.")
    over = Draft("h3", (0, 0, 600, 20), text="Services", style=small)
    title = Draft("h2", (0, 30, 600, 50), text="What we offer", style={"font-size": "40px"})
    price = Draft("p", (0, 30, 600, 50), text="$29", style={"font-size": "40px"})
    assert labeled(Draft("section", (0, 0, 1200, 300), over, title, body)) == (
        "{section:{paragraph:,heading:,paragraph#2:}}"
    )
    assert labeled(Draft("section", (0, 0, 1200, 300), over, price, body)) == (
        "{section:{heading:,heading#2:,paragraph:}}"
    )


def test_a_chosen_box_is_a_button_with_its_field():
    """Three labels drawn as buttons, each around a radio button, are a run."""
    style = {"background-color": "rgb(230, 230, 230)"}
    choices = [
        Draft(
            "label",
            (90 * i, 0, 80, 40),
            Draft("input", (90 * i + 4, 4, 12, 12), type="radio"),
            text=f"Size {i}",
            style=style,
            class_="btn",
        )
        for i in range(3)
    ]
    title = Draft("h2", (0, 100, 600, 40), text="Title")
    made = labeled(
        Draft("section", (0, 0, 1200, 200), Draft("div", (0, 0, 270, 40), *choices), title)
    )
    assert made == "{section:{list:,heading:}}"


def test_a_line_along_a_box_is_its_border():
    """A strip at the head of a card, unlike a line between two texts."""
    strip = {"background-color": "rgb(255, 200, 0)"}
    paint = {"background-color": "rgb(240, 240, 240)"}

    def card(at):
        texts = [Draft("p", (10, y, 300, 20), text=f"Line at {y}") for y in (30, 120)]
        line = Draft("div", (0 if at == 0 else 40, at, 320 if at == 0 else 240, 3), style=strip)
        parts = [line, *texts] if at == 0 else [texts[0], line, texts[1]]
        return labeled(
            Draft("section", (0, 0, 1200, 300), Draft("div", (0, 0, 320, 160), *parts, style=paint))
        )

    assert "divider" not in card(0)
    assert "divider" in card(80)


def test_a_footer_that_is_one_list_stays_a_list():
    """A band needs something in it."""
    body = Draft("p", (0, 0, 1200, 100), text="Running text of the card. It says more.")
    links = [Draft("a", (400 * i, 100, 300, 20), text=f"Do {i}", href="#") for i in range(3)]
    foot = Draft("footer", (0, 100, 1200, 20), *links)
    made = labeled(Draft("section", (0, 0, 1200, 120), body, foot))
    assert made == "{section:{paragraph:,list:}}"


def test_a_root_without_a_font_size_is_labeled_like_any_other():
    """Style sheets set `font-size: 0` against the gaps between inline blocks."""
    text = Draft("p", (0, 20, 600, 20), text="Short.", style={"font-size": "14px"})
    root = Draft("section", (0, 0, 1200, 100), text, style={"font-size": "0px"})
    assert labeled(root) == "{section:{paragraph:}}"
