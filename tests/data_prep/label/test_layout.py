"""Labels follow the meaning of the elements, on trees written down here."""

import pytest

from data_prep.label import command as label
from tests.data_prep.label.drafts import TABLE, Draft, card, labeled, record_of


def test_cards_in_a_row_are_columns_of_a_grid():
    row = Draft("div", (0, 100, 1200, 300), card(0), card(400), card(800))
    root = Draft("section", (0, 0, 1200, 420), Draft("h2", (0, 0, 1200, 50), text="Title"), row)
    cell = "{image:,heading:,paragraph:}"
    assert labeled(root) == (
        f"{{section:{{heading:,grid:{{column:{cell},column#2:{cell},column#3:{cell}}}}}}}"
    )


def test_unstyled_wrappers_give_way():
    """One child and no style, or no labeled sibling: the box is not there."""
    inner = Draft(
        "div",
        (0, 0, 800, 200),
        Draft("h1", (0, 0, 800, 60), text="Hello"),
        Draft("p", (0, 80, 800, 60), text="Some text. And some more."),
    )
    root = Draft("header", (0, 0, 1200, 300), Draft("div", (0, 0, 900, 250), inner))
    assert labeled(root) == "{section:{heading:,paragraph:}}"


def test_lists_buttons_and_social_groups():
    """Three links in a list are a list, painted links are buttons, links to networks are social."""
    menu = Draft(
        "ul",
        (300, 0, 400, 40),
        *(
            Draft(
                "li", (300 + 100 * i, 0, 90, 40), Draft("a", (300 + 100 * i, 0, 90, 40), text="Go")
            )
            for i in range(4)
        ),
    )
    painted = {"background-color": "rgb(0, 0, 200)", "display": "inline-block"}
    button = Draft("a", (800, 0, 120, 40), text="Sign up", style=painted)
    icons = (
        Draft(
            "a",
            (1000 + 40 * i, 0, 30, 30),
            Draft("i", (1000 + 40 * i, 0, 30, 30), kind="svg", class_=f"fab fa-{name}"),
            href=f"https://{name}.com/x",
        )
        for i, name in enumerate(("twitter", "facebook"))
    )
    social = Draft("div", (1000, 0, 100, 40), *icons)
    bar = Draft(
        "div", (0, 0, 1200, 40), Draft("a", (0, 0, 100, 40), text="Brand"), menu, button, social
    )
    root = Draft("nav", (0, 0, 1200, 60), bar)
    assert labeled(root) == "{section:{grid:{paragraph:,list:,button:,social:}}}"


def test_carousel_accordion_and_tab_are_containers_of_what_shows():
    slide = Draft("div", (0, 0, 900, 300), Draft("img", (0, 0, 900, 300), src="a.jpg"))
    caption = Draft("p", (0, 310, 900, 30), text="A caption of the slide")
    carousel = Draft("div", (0, 0, 900, 350), slide, caption, class_="carousel slide")
    assert labeled(Draft("section", (0, 0, 1200, 400), carousel)) == (
        "{section:{carousel:{image:,paragraph:}}}"
    )
    folds = [Draft("div", (0, 50 * i, 900, 40), text=f"Question {i}?") for i in range(3)]
    accordion = Draft("div", (0, 0, 900, 150), *folds, class_="accordion")
    made = labeled(Draft("section", (0, 0, 1200, 400), accordion))
    assert made.startswith("{section:{accordion:{")
    bar = Draft(
        "ul",
        (0, 0, 300, 40),
        *(Draft("li", (100 * i, 0, 90, 40), text="Tab") for i in range(3)),
        role="tablist",
    )
    panel = Draft(
        "div",
        (0, 50, 900, 200),
        Draft("p", (0, 50, 900, 90), text="Panel text"),
        class_="tab-content",
    )
    tab = Draft("div", (0, 0, 900, 260), bar, panel)
    heading = Draft("h2", (0, 300, 900, 50), text="More")
    made = labeled(Draft("section", (0, 0, 1200, 400), tab, heading))
    assert made == "{section:{tab:{list:,paragraph:},heading:}}"


@pytest.mark.parametrize(
    ("draft", "element"),
    [
        (Draft("hr", (0, 0, 900, 2)), "divider"),
        (Draft("iframe", (0, 0, 900, 300), kind="src", src="https://maps.google.com/x"), "map"),
        (Draft("iframe", (0, 0, 900, 300), kind="src", src="https://youtube.com/embed/x"), "video"),
        (Draft("video", (0, 0, 900, 300), kind="src"), "video"),
        (Draft("img", (0, 0, 140, 140), class_="qr-code"), "qr"),
        (Draft("img", (0, 0, 40, 40), src="mark.svg"), "icon"),
        (Draft("img", (0, 0, 40, 40), src="face.jpg"), "image"),
        (Draft("i", (0, 0, 24, 24), kind="svg"), "icon"),
        (Draft("input", (0, 0, 90, 40), text="Send", type="submit"), "button"),
        (Draft("h3", (0, 0, 900, 90), text="It is long. It has two sentences."), "paragraph"),
        (Draft("pre", (0, 0, 900, 90), text="<b>code</b>"), "paragraph"),
        (
            Draft(
                "a",
                (0, 0, 640, 300),
                Draft("img", (0, 0, 640, 300)),
                href="https://www.openstreetmap.org/",
            ),
            "map",
        ),
        (
            Draft(
                "div",
                (0, 0, 640, 360),
                Draft("img", (0, 0, 640, 360), src="a.jpg"),
                Draft("i", (300, 160, 40, 40), kind="svg", class_="fa fa-play"),
            ),
            "video",
        ),
        (
            Draft(
                "button",
                (0, 0, 40, 40),
                Draft("svg", (10, 10, 20, 20), kind="svg"),
                class_="navbar-toggler",
            ),
            "icon",  # it can be clicked, but does not look like a button
        ),
        (Draft("a", (0, 0, 90, 30), text="More", class_="btn btn-link"), "paragraph"),
    ],
)
def test_single_elements(draft, element):
    other = Draft("p", (0, 400, 900, 20), text="beside it")
    assert labeled(Draft("section", (0, 0, 1200, 500), draft, other)) == (
        f"{{section:{{{element}:,paragraph:}}}}"
        if element != "paragraph"
        else "{section:{paragraph:,paragraph#2:}}"
    )


def test_counters_galleries_and_fields():
    def figure(x):
        return Draft(
            "div",
            (x, 0, 200, 90),
            Draft("div", (x, 0, 200, 50), text="1,200+", style={"font-size": "40px"}),
            Draft("div", (x, 60, 200, 20), text="Customers"),
        )

    row = Draft("div", (0, 0, 1200, 100), figure(0), figure(300), figure(600))
    assert labeled(Draft("section", (0, 0, 1200, 200), row)) == (
        "{section:{grid:{counter:,counter#2:,counter#3:}}}"
    )
    cells = [
        Draft("a", (310 * i, 0, 300, 200), Draft("img", (310 * i, 0, 300, 200))) for i in range(3)
    ]
    gallery = Draft("div", (0, 0, 1000, 200), *cells)
    heading = Draft("h2", (0, 300, 900, 50), text="Pictures")
    assert labeled(Draft("section", (0, 0, 1200, 400), gallery, heading)) == (
        "{section:{gallery:,heading:}}"
    )
    field = Draft("input", (0, 60, 300, 40), text="Your name", type="text")
    form = Draft("form", (0, 0, 600, 200), heading, field)
    assert "paragraph" not in labeled(Draft("section", (0, 0, 1200, 400), form))


def test_categories_by_words_titles_and_content():
    def category(tag="section", title="Hello", **author):
        heading = Draft("h2", (0, 0, 900, 50), text=title)
        text = Draft("p", (0, 60, 900, 50), text="Some words")
        root = Draft(tag, (0, 0, 1200, 400), heading, text, **author)
        return label.label(*record_of(root), TABLE).record.category

    assert category("footer") == "footer"
    assert category("nav") == "navigation"
    assert category(class_="section pricing-table") == "pricing"
    assert category(id="ourTeam") == "team"
    assert category(title="What our clients say") == "testimonials"
    assert category(title="Our services") == "features"
    assert category() == "content"


def test_the_section_itself_is_a_slider():
    """Its root must be the section, so the carousel is the next node that holds the slides; dots,
    arrows and copied slides are not there."""
    slides = [
        Draft("div", (400 * i, 0, 390, 300), Draft("img", (400 * i, 0, 390, 300), src=f"{i}.jpg"))
        for i in range(2)
    ]
    copy = Draft(
        "div",
        (800, 0, 390, 300),
        Draft("img", (800, 0, 390, 300), src="0.jpg"),
        class_="slick-cloned",
    )
    track = Draft("div", (0, 0, 1200, 300), *slides, copy, class_="slick-track")
    dots = Draft("ul", (0, 310, 1200, 20), Draft("li", (0, 310, 20, 20), text="1"))
    dots.author["class_"] = "slick-dots"
    assert labeled(Draft("div", (0, 0, 1200, 340), track, dots, class_="slick")) == (
        "{section:{carousel:{image:,image#2:}}}"
    )


def test_a_run_is_a_list_from_three_on():
    """Equal links are a list, two are not; cards that are links make a grid."""

    def links(count, *, rich=False):
        parts = []
        for i in range(count):
            box = (300 * i, 0, 280, 80)
            title = Draft("div", (300 * i, 0, 280, 30), text="Title", style={"font-weight": "700"})
            text = Draft("div", (300 * i, 40, 280, 30), text="What it is about")
            parts.append(Draft("a", box, title, text) if rich else Draft("a", box, text="Go"))
        return Draft("div", (0, 0, 1200, 80), *parts)

    heading = Draft("h2", (0, 100, 900, 50), text="More")
    page = (0, 0, 1200, 200)
    assert labeled(Draft("section", page, links(3), heading)) == "{section:{list:,heading:}}"
    two = labeled(Draft("section", page, links(2), heading))
    assert two == "{section:{grid:{paragraph:,paragraph#2:},heading:}}"
    assert labeled(Draft("section", page, links(3, rich=True), heading)).count("column") == 3


def test_text_over_a_backdrop_is_no_freedom():
    """A picture behind the words of a card is not content; a picture with a caption on it is."""

    def card(position):
        picture = Draft("img", (0, 0, 800, 300), src="a.jpg", style={"position": position})
        words = [
            Draft("h2", (40, 40, 500, 40), text="Title"),
            Draft("p", (40, 90, 500, 40), text="Some text of the card"),
        ]
        words = Draft("div", (40, 40, 500, 90), *words)
        below = Draft("p", (0, 320, 800, 20), text="beside it")
        return Draft(
            "section", (0, 0, 1200, 400), Draft("div", (0, 0, 800, 300), picture, words), below
        )

    assert "image" not in labeled(card("absolute"))
    assert labeled(card("static")) == (
        "{section:{freedom:{image:,wrapper:{heading:,paragraph:}},paragraph:}}"
    )


@pytest.mark.parametrize(("weight", "head"), [("700", "heading"), ("400", "paragraph")])
def test_rows_of_a_table_have_no_label(weight, head):
    """Its cells are children of the table; a column's head is a heading where it looks like one."""

    def row(y, tag):
        style = {"font-weight": weight if tag == "th" else "400"}
        cells = (Draft(tag, (300 * i, y, 300, 40), text=f"Cell {i}", style=style) for i in range(3))
        return Draft("tr", (0, y, 900, 40), *cells)

    table = Draft("table", (0, 0, 900, 120), row(0, "th"), row(40, "td"), row(80, "td"))
    below = Draft("p", (0, 200, 900, 20), text="beside it")
    made = labeled(Draft("section", (0, 0, 1200, 300), table, below))
    assert made.startswith(f"{{section:{{grid:{{{head}:,{head}#2:,{head}#3:,paragraph")
    assert made.count("grid") == 1


def test_bare_links_to_networks_in_a_card_are_no_buttons():
    """Without a node of their own they have no label at all, and the card is not counted as sure
    because of it."""
    icons = [
        Draft(
            "a",
            (100 + 50 * i, 350, 40, 40),
            Draft("i", (110 + 50 * i, 360, 20, 20), kind="svg"),
            class_="btn btn-dark",
            href=f"https://{host}.com/",
            style={"background-color": "rgb(0, 0, 0)"},
        )
        for i, host in enumerate(("twitter", "facebook", "linkedin"))
    ]
    name = Draft("h4", (100, 300, 200, 30), text="Jane Doe")
    card = Draft("div", (100, 100, 200, 300), name, *icons)
    root = Draft("section", (0, 0, 1200, 420), card, Draft("p", (0, 400, 900, 20), text="Text"))
    assert "button" not in labeled(root)


def test_fields_with_labels_are_no_list():
    """Form fields have no element; the words over each of them are a text of their own."""
    items = [
        Draft(
            "li",
            (0, 80 * i, 900, 70),
            Draft("label", (0, 80 * i, 140, 20), text=f"Field {i}"),
            Draft("input", (0, 80 * i + 25, 900, 40), type="text"),
        )
        for i in range(3)
    ]
    made = labeled(Draft("section", (0, 0, 900, 300), Draft("ul", (0, 0, 900, 240), *items)))
    assert "list" not in made
    assert made.count("paragraph") == 3


def test_a_painted_button_needs_no_sign():
    """Its pictogram may not have been drawn: one sees a button all the same."""
    style = {"background-color": "rgb(0, 0, 200)"}
    button = Draft("button", (500, 0, 40, 40), style=style)
    title = Draft("h2", (0, 0, 400, 40), text="Inbox")
    made = labeled(Draft("section", (0, 0, 900, 100), Draft("div", (0, 0, 900, 60), title, button)))
    assert "button" in made


def test_words_and_links_in_one_line_are_one_text():
    inline = {"display": "inline"}
    parts = [
        Draft("span", (0, 2, 80, 16), text="Powered by", style=inline),
        Draft("a", (84, 2, 60, 16), text="CoreUI", style=inline, href="/"),
    ]
    line = Draft("div", (0, 0, 278, 20), *parts)
    title = Draft("h2", (0, 40, 400, 40), text="Inbox")
    made = labeled(Draft("section", (0, 0, 900, 100), line, title))
    assert made.count("paragraph") == 1
