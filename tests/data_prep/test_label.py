"""Labels follow the meaning of the elements, on trees written down here."""

import json

import pytest

from data_prep import label
from data_prep.label_rules import Table
from xojl_jax.errors import BadInput
from xojl_jax.xojl.record import Record, parse_record, record_to_json
from xojl_jax.xojl.tree import Content, Node, preorder, print_layout, to_semantic, used_elements

TABLE = Table.load()
SIZES = {"h1": "40px", "h2": "32px", "h3": "24px"}


class Draft:
    """A node to label: tag, box, author's words; text and pictures as contents."""

    def __init__(self, tag, box, *children, text="", kind="", look=None, **author):
        self.tag, self.box, self.children, self.text = tag, box, children, text
        self.kind = kind or ("text" if text else "src" if tag == "img" else "")
        self.look, self.author = look or {}, author

    def node(self) -> Node:
        content = (Content(self.kind, "xv1"),) if self.kind else ()
        return Node(None, self.tag, (), content, tuple(c.node() for c in self.children))

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()

    def all_text(self) -> str:
        return " ".join(filter(None, (self.text, *(c.all_text() for c in self.children))))


def record_of(root: Draft) -> tuple[Record, list[dict]]:
    nodes = list(root.walk())
    author = []
    for n in nodes:
        bold = n.tag in SIZES
        look = {"font-size": SIZES.get(n.tag, "16px"), "font-weight": "700" if bold else "400"}
        inline = n.tag in ("a", "span", "b", "i", "svg", "img")
        look["display"] = "inline" if inline else "block"
        said = {("class" if k == "class_" else k): v for k, v in n.author.items()}
        author.append({**said, "text": n.all_text(), "look": look | n.look})
    boxes = tuple((*n.box, i) for i, n in enumerate(nodes))
    return Record("a.webp", (root.node(),), id="r", html_boxes=boxes), author


def labelled(root: Draft) -> str:
    """The semantic layout as JSON text, by the rules; it must keep the law of labels."""
    made = label.label(*record_of(root), TABLE)
    assert not made.fault
    return print_layout(to_semantic(made.record.layout)).replace('"', "")


def card(x, *, painted=True):
    look = {"background-color": "rgb(240, 240, 240)"} if painted else {}
    return Draft(
        "div",
        (x, 100, 300, 300),
        Draft("img", (x, 100, 300, 180), src="a.jpg"),
        Draft("h3", (x, 290, 300, 30), text="Card title"),
        Draft("p", (x, 330, 300, 60), text="Running text of the card. It says more."),
        look=look,
    )


def test_cards_in_a_row_are_columns_of_a_grid():
    row = Draft("div", (0, 100, 1200, 300), card(0), card(400), card(800))
    root = Draft("section", (0, 0, 1200, 420), Draft("h2", (0, 0, 1200, 50), text="Title"), row)
    cell = "{image:,heading:,paragraph:}"
    assert labelled(root) == (
        f"{{section:{{heading:,grid:{{column:{cell},column#2:{cell},column#3:{cell}}}}}}}"
    )


def test_unstyled_wrappers_give_way():
    """One child and no style, or no labelled sibling: the box is not there."""
    inner = Draft(
        "div",
        (0, 0, 800, 200),
        Draft("h1", (0, 0, 800, 60), text="Hello"),
        Draft("p", (0, 80, 800, 60), text="Some text. And some more."),
    )
    root = Draft("header", (0, 0, 1200, 300), Draft("div", (0, 0, 900, 250), inner))
    assert labelled(root) == "{section:{heading:,paragraph:}}"


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
    button = Draft("a", (800, 0, 120, 40), text="Sign up", look=painted)
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
    assert labelled(root) == "{section:{grid:{paragraph:,list:,button:,social:}}}"


def test_carousel_accordion_and_tab_are_containers_of_what_shows():
    slide = Draft("div", (0, 0, 900, 300), Draft("img", (0, 0, 900, 300), src="a.jpg"))
    caption = Draft("p", (0, 310, 900, 30), text="A caption of the slide")
    carousel = Draft("div", (0, 0, 900, 350), slide, caption, class_="carousel slide")
    assert labelled(Draft("section", (0, 0, 1200, 400), carousel)) == (
        "{section:{carousel:{image:,paragraph:}}}"
    )
    folds = [Draft("div", (0, 50 * i, 900, 40), text=f"Question {i}?") for i in range(3)]
    accordion = Draft("div", (0, 0, 900, 150), *folds, class_="accordion")
    made = labelled(Draft("section", (0, 0, 1200, 400), accordion))
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
    made = labelled(Draft("section", (0, 0, 1200, 400), tab, heading))
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
    ],
)
def test_single_elements(draft, element):
    other = Draft("p", (0, 400, 900, 20), text="beside it")
    assert labelled(Draft("section", (0, 0, 1200, 500), draft, other)) == (
        f"{{section:{{{element}:,paragraph:}}}}"
        if element != "paragraph"
        else "{section:{paragraph:,paragraph#2:}}"
    )


def test_counters_galleries_and_fields():
    def figure(x):
        return Draft(
            "div",
            (x, 0, 200, 90),
            Draft("div", (x, 0, 200, 50), text="1,200+", look={"font-size": "40px"}),
            Draft("div", (x, 60, 200, 20), text="Customers"),
        )

    row = Draft("div", (0, 0, 1200, 100), figure(0), figure(300), figure(600))
    assert labelled(Draft("section", (0, 0, 1200, 200), row)) == (
        "{section:{grid:{counter:,counter#2:,counter#3:}}}"
    )
    cells = [
        Draft("a", (310 * i, 0, 300, 200), Draft("img", (310 * i, 0, 300, 200))) for i in range(3)
    ]
    gallery = Draft("div", (0, 0, 1000, 200), *cells)
    heading = Draft("h2", (0, 300, 900, 50), text="Pictures")
    assert labelled(Draft("section", (0, 0, 1200, 400), gallery, heading)) == (
        "{section:{gallery:,heading:}}"
    )
    field = Draft("input", (0, 60, 300, 40), text="Your name", type="text")
    form = Draft("form", (0, 0, 600, 200), heading, field)
    assert "paragraph" not in labelled(Draft("section", (0, 0, 1200, 400), form))


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


def write_folder(folder, root):
    record, author = record_of(root)
    (folder / "records.jsonl").write_text(record_to_json(record) + "\n")
    (folder / "author.jsonl").write_text(json.dumps({"id": "r", "nodes": author}) + "\n")


def test_command_labels_a_folder_and_does_it_again_alike(tmp_path, capsys):
    """The layout copies tag, classes and content of its html nodes, so it aligns exactly."""
    row = Draft("div", (0, 100, 1200, 300), card(0), card(400), card(800))
    write_folder(tmp_path, Draft("section", (0, 0, 1200, 420), row))
    label.main([str(tmp_path)])
    once = (tmp_path / "records.jsonl").read_text()
    record = parse_record(once)
    html = preorder(record.html)
    for visit, index in zip(preorder(record.layout), record.layout_nodes, strict=True):
        assert (visit.node.tag, visit.node.classes) == (
            html[index].node.tag,
            html[index].node.classes,
        )
    assert record.used_elements == used_elements(record.layout)
    assert "1 of 1 records labelled" in capsys.readouterr().err
    label.main([str(tmp_path)])
    assert (tmp_path / "records.jsonl").read_text() == once


def test_command_mistakes_are_one_clear_line(tmp_path):
    with pytest.raises(BadInput, match=r"no author\.jsonl"):
        label.main([str(tmp_path)])
    (tmp_path / "author.jsonl").write_text("{}\n")
    with pytest.raises(BadInput, match=r"author\.jsonl:1"):
        label.main([str(tmp_path)])
    (tmp_path / "author.jsonl").write_text("")
    with pytest.raises(BadInput, match=r"no records\.jsonl"):
        label.main([str(tmp_path)])
