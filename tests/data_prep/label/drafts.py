"""Trees to label, as nested drafts, and the records that capture would make of them."""

import json

from data_prep.label import command as label
from data_prep.label.rules import Table
from xojl_jax.xojl.record import Record, record_to_json
from xojl_jax.xojl.tree import Content, Node, print_layout, to_semantic

TABLE = Table.load()
SIZES = {"h1": "40px", "h2": "32px", "h3": "24px"}


class Draft:
    """A node to label: tag, box, author's words; text and pictures as contents."""

    def __init__(self, tag, box, *children, text="", kind="", style=None, **author):
        self.tag, self.box, self.children, self.text = tag, box, children, text
        self.kind = kind or ("text" if text else "src" if tag == "img" else "")
        self.style, self.author = style or {}, author

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
        style = {"font-size": SIZES.get(n.tag, "16px"), "font-weight": "700" if bold else "400"}
        inline = n.tag in ("a", "span", "b", "i", "svg", "img")
        style["display"] = "inline" if inline else "block"
        said = {("class" if k == "class_" else k): v for k, v in n.author.items()}
        author.append({**said, "text": n.all_text(), "look": style | n.style})
    boxes = tuple((*n.box, i) for i, n in enumerate(nodes))
    return Record("a.webp", (root.node(),), id="r", html_boxes=boxes), author


def labeled(root: Draft) -> str:
    """The semantic layout as JSON text, by the rules; it must keep the rules of the language."""
    made = label.label(*record_of(root), TABLE)
    assert not made.fault
    return print_layout(to_semantic(made.record.layout)).replace('"', "")


def card(x, *, painted=True):
    style = {"background-color": "rgb(240, 240, 240)"} if painted else {}
    return Draft(
        "div",
        (x, 100, 300, 300),
        Draft("img", (x, 100, 300, 180), src="a.jpg"),
        Draft("h3", (x, 290, 300, 30), text="Card title"),
        Draft("p", (x, 330, 300, 60), text="Running text of the card. It says more."),
        style=style,
    )


def write_folder(folder, root):
    record, author = record_of(root)
    (folder / "records.jsonl").write_text(record_to_json(record) + "\n")
    (folder / "author.jsonl").write_text(json.dumps({"id": "r", "nodes": author}) + "\n")
