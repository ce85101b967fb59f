"""Two small sections to read, with their authors' words and pictures."""

import json

import pytest
from PIL import Image

from data_prep.annotate.command import parse_flags, read
from data_prep.annotate.sections import Sections
from tests.data_prep.label.drafts import Draft, record_of
from xojl_jax.xojl.record import record_to_json


def hero() -> Draft:
    """Nodes: 0 section, 1 div, 2 h1, 3 p, 4 a (painted), 5 img."""
    painted = {"background-color": "rgb(0, 0, 90)"}
    return Draft(
        "section",
        (0, 0, 1200, 400),
        Draft(
            "div",
            (40, 40, 500, 300),
            Draft("h1", (40, 40, 500, 60), text="Welcome to <us>"),
            Draft("p", (40, 120, 500, 60), text="Running text of the page. It says more."),
            Draft("a", (40, 220, 140, 44), text="Begin", style=painted, class_="btn", href="#"),
        ),
        Draft("img", (640, 40, 500, 300), src="a.jpg"),
    )


def note() -> Draft:
    """Nodes: 0 section, 1 h2, 2 p."""
    return Draft(
        "section",
        (0, 0, 1200, 200),
        Draft("h2", (40, 20, 500, 40), text="A note"),
        Draft("p", (40, 80, 700, 60), text="Running text of the note. It says more."),
    )


@pytest.fixture
def raw(tmp_path):
    """A folder as data_prep.capture leaves it: sections "hero" and "note"."""
    folder = tmp_path / "raw"
    folder.mkdir()
    records, authors = [], []
    for name, root in (("hero", hero()), ("note", note())):
        record, author = record_of(root)
        values = json.loads(record_to_json(record))
        values |= {"id": name, "screenshot": f"{name}.png", "quality": {"capture": 0.9}}
        values["source"] = {"uri": f"npm:x@1/{name}.html", "box": [0, 0, *root.box[2:]]}
        records.append(json.dumps(values))
        authors.append(json.dumps({"id": name, "nodes": author}))
        Image.new("RGB", root.box[2:], "white").save(folder / f"{name}.png")
    (folder / "records.jsonl").write_text("\n".join(records) + "\n")
    (folder / "author.jsonl").write_text("\n".join(authors) + "\n")
    return folder


@pytest.fixture
def begin(raw, tmp_path):
    """`begin("ana", "--blank")`: her work, as the command starts it. One at a time."""
    opened = []

    def open_one(reader="ana", *flags, records=raw):
        for one in opened:
            one.close()
        options = parse_flags(
            [f"--records={records}", f"--out={tmp_path / 'read'}", f"--reader={reader}", *flags]
        )
        sections = Sections(records, rejected=options.rejected)
        opened.append(read(options, sections)[0])
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


class Reader:
    """Does to one section what the page would ask for."""

    def __init__(self, reading, name):
        self.reading, self.name = reading, name
        self.told = reading.show(name)

    def do(self, what, node=None, **more):
        asked = {"do": what, "node": node, **more, "version": self.told["version"]}
        self.told = self.reading.decide(self.name, asked)
        return self.told
