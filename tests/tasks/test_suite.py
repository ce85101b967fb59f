"""The suite's groups and changes: what is counted together, and what inputs lose."""

import numpy as np

from xojl_jax.tasks.layout import suite
from xojl_jax.tasks.layout.inputs import Inputs
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import parse_html, parse_layout


def record(category: str, *elements: str, source: dict | None = None) -> Record:
    layout = {"section.div": {f"{element}.div": {"text": "xv1"} for element in elements}}
    return Record("", (), parse_layout(layout), category=category, source=source)


def test_an_element_is_new_in_its_category_alone():
    """Protects X077: an element that training has in other categories is a new combination."""
    training = [record("hero", "heading"), record("faq", "button")]
    asked = [record("hero", "heading"), record("hero", "button"), record("faq", "button")]
    found = [groups["category and element"] for groups in suite.groups(asked, training)]
    assert found == ["seen together", "never seen together", "seen together"]


def test_groups_are_what_a_source_says():
    """Protects reports by site: made sections are one, and what is not known has no group."""
    asked = [
        record("hero", source={"site": "startbootstrap-agency", "language": "de"}),
        record("hero", source={"site": "synth:1/s3", "script": "greek"}),
        record("hero", source={"site": "a.org", "framework": "tailwind"}),
        record("hero"),
    ]
    found = suite.groups(asked, [])
    for groups in found:
        groups.pop("category and element")
    assert found == [
        {"site": "startbootstrap-agency", "framework": "bootstrap", "language": "de"},
        {"site": "made", "framework": "made", "script": "greek"},
        {"site": "a.org", "framework": "tailwind"},
        {},
    ]


def test_changes_keep_the_size_and_leave_out_what_they_cannot_change():
    """Protects boxes, which are in pixels of the screenshot, and fair counts."""
    image = np.random.default_rng(0).integers(0, 255, (7, 10, 3), dtype=np.uint8)
    html = parse_html({"div": {"p": {"text": "xv1"}}})
    whole = Inputs("a", image, html, ((0.0,) * 5, (0.0,) * 5))
    for name, change in suite.CHANGES.items():
        changed = change(whole)
        assert changed is not None and changed is not whole, name
        assert changed.image is None or changed.image.shape == image.shape, name
        assert changed.image is not None or changed.html, name
    tree_alone = whole._replace(image=None, html_boxes=None)
    assert [change(tree_alone) for change in suite.CHANGES.values()] == [None] * len(suite.CHANGES)
