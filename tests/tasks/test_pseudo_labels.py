"""Answers as labels: what a record says of them, read back."""

from xojl_jax.tasks.layout.answer import DecodedLayout, describe_layout
from xojl_jax.tasks.layout.pseudo_labels import pseudo_label
from xojl_jax.xojl.record import parse_record
from xojl_jax.xojl.tree import parse_layout

RECORD = {
    "screenshot": "a.png",
    "html": {"section@p_1r": {"h1": {"text": "xv1"}, "p": "", "p#2": ""}},
    "section_layout": {"section.section@p_1r": {"heading.h1": {"text": "xv1"}, "icon.p": ""}},
    "layout_nodes": [0, 1, 2],
    "category": "faq",
    "quality": {"capture": 0.5, "label": 0.9, "reader": 1},
    "source": {"site": "a.org"},
    "extra": 1,
}
LAYOUT = parse_layout(
    {
        "section.section@p_1r": {
            "heading.h1": {"text": "xv1"},
            "paragraph.p": "",
            "paragraph.p#2": "",
        }
    }
)


def told(layout, nodes, sure):
    answer = DecodedLayout(layout, nodes, True, -1.0, sure)
    return describe_layout(answer, "detail", None) | {"category": "hero"}


def test_an_answer_is_the_records_label():
    """Protects what students learn from: the answer's nodes with their confidences, equal siblings
    included, in place of all that was said of the old label; input and source stay."""
    record = parse_record(RECORD)
    sure = (0.99994, 0.5, 0.25, 0.125)
    found = pseudo_label(record, b"picture", told(LAYOUT, (0, 1, 2, 3), sure))
    assert found.picture == b"picture" and found.confidence == (0.9999, 0.5, 0.25, 0.125)
    assert found.right == (True, True, False, False)
    labeled = parse_record(found.record)
    assert (labeled.layout, labeled.layout_nodes) == (LAYOUT, (0, 1, 2, 3))
    assert labeled.layout_confidence == found.confidence and labeled.category == "hero"
    assert labeled.used_elements == ("heading", "paragraph", "section")
    assert labeled.quality == {"capture": 0.5}
    assert labeled.extra == {"extra": 1, "labeled_by": "model"}
    assert (labeled.html, labeled.source) == (record.html, record.source)


def test_no_answer_is_no_label():
    """Protects shards from empty layouts; and of a record without a label nothing is right or
    wrong."""
    bare = {name: RECORD[name] for name in ("screenshot", "html")}
    record = parse_record(bare)
    assert pseudo_label(record, b"", told(None, (), ())) is None
    found = pseudo_label(record, b"", told(parse_layout({"section": ""}), (None,), (0.5,)))
    assert found.right is None and parse_record(found.record).layout_nodes == (None,)
