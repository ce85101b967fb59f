"""Pages that say themselves what their nodes are: captured by a real browser, labeled by marks."""

import json

import pytest

from data_prep.label import command as label
from data_prep.label.marked import MarkedLabeler
from data_prep.records.captured import read_records
from tests.data_prep.label.drafts import TABLE, Draft, record_of
from tests.data_prep.label.labeled_page import label_page
from xojl_jax.xojl.tree import print_layout, to_semantic

PAGE = """<!doctype html><title>Page</title><style>
body{margin:0;font:16px/1.5 sans-serif} .band{padding:40px 60px} .row{display:flex;gap:24px}
</style>
<div class="band row" data-xojl="grid" data-xojl-category="stats"><div
data-xojl="wrapper"><p data-xojl="heading">Not by its look</p>
<p data-xojl="paragraph">Text that is long enough to be seen</p></div>
<span class="btn button" data-xojl="counter">12</span></div>
<section class="band"><h2 data-xojl="heeding">Spelled wrongly</h2><p data-xojl="">More</p></section>
<section class="band"><h2>Without a mark</h2><p>Nobody said what this is</p></section>
<section class="band" data-xojl-category="prices"><h2 data-xojl="heading">Of no kind</h2></section>
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, chromium):
    return label_page(tmp_path_factory.mktemp("marked"), PAGE, "--with", "marks")


def test_marks_are_the_labels_whatever_nodes_look_like(folder):
    """The root is a section: it is the band that capture cut out."""
    (record,) = read_records(folder / "records.jsonl")
    assert print_layout(to_semantic(record.layout)).replace('"', "") == (
        "{section:{wrapper:{heading:,paragraph:},counter:}}"
    )
    assert record.category == "stats"
    assert record.layout_confidence is None
    assert record.quality["label"] == 1.0


def test_sections_without_marks_or_with_unknown_ones_are_rejected_with_the_reason(folder):
    lines = (folder / "rejected.jsonl").read_text().splitlines()
    assert [json.loads(line)["rejected"] for line in lines] == [
        "data-xojl='heeding' is no element",
        "no node is marked (data-xojl)",
        "data-xojl-category='prices' is no category",
    ]


def test_marks_reach_neither_the_model_nor_the_rules(folder):
    """Otherwise a model would be trained to read the answer."""
    assert "xojl" not in json.dumps(json.loads((folder / "records.jsonl").read_text())["html"])
    bare = Draft("section", (0, 0, 900, 90), Draft("p", (0, 0, 900, 50), text="Some words"))
    said = Draft(
        "section", (0, 0, 900, 90), Draft("p", (0, 0, 900, 50), text="Some words", mark="heading")
    )
    by_rules = [label.label(*record_of(root), TABLE).record.layout for root in (bare, said)]
    assert by_rules[0] == by_rules[1]
    by_marks = label.label(*record_of(said), TABLE, MarkedLabeler).record
    assert set(by_marks.used_elements) == {"section", "heading"}
