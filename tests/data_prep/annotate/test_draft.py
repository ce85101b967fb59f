"""What a reader does to labels, undone and redone, and a draft's file."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.annotate.draft import Draft, edit
from data_prep.annotate.proposals import CATEGORY, Start
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.record import CATEGORIES
from xojl_jax.xojl.tree import ELEMENTS, parse_html, preorder

# 0 section, 1 div, 2 h1, 3 p, 4 img
NODES = preorder(parse_html('{"section":{"div":{"h1":"","p":""},"img":""}}'))
START = Start({0: "section", 2: "heading", 3: "paragraph"}, "hero")
DRAFT = Draft.begin("f", START)


def after(draft, do, node=None, **more):
    return draft.add(edit({"do": do, "node": node, **more}, draft.now(), NODES))


def labels(draft):
    return draft.now().labels


def test_a_label_is_changed_and_taken_away():
    assert labels(after(DRAFT, "label", 3, element="heading"))[3] == "heading"
    assert 3 not in labels(after(DRAFT, "unlabel", 3))
    wrapped = after(DRAFT, "label", 1, element="wrapper")
    assert labels(wrapped) == {0: "section", 1: "wrapper", 2: "heading", 3: "paragraph"}
    assert labels(after(wrapped, "unlabel", 1)) == labels(DRAFT)
    assert labels(after(wrapped, "unlabel", 1, inside=True)) == {0: "section"}


def test_what_is_inside_a_leaf_is_merged_into_it():
    merged = after(DRAFT, "label", 1, element="button")
    assert labels(merged) == {0: "section", 1: "button"}
    assert labels(merged.undo()) == labels(DRAFT)


def test_a_label_moves_along_a_chain():
    out = after(after(DRAFT, "unlabel", 3), "move", 2, to="out")
    assert labels(out) == {0: "section", 1: "heading"}
    assert labels(after(out, "move", 1, to="in")) == {0: "section", 2: "heading"}
    for node, to in ((0, "out"), (2, "in"), (4, "out")):
        with pytest.raises(BadUsage, match="node"):
            after(DRAFT, "move", node, to=to)


def test_what_was_judged_is_known():
    """Accepting changes no label; the category counts as a place of its own."""
    seen = after(after(DRAFT, "accept", 2), "category", category="cta")
    assert labels(seen) == labels(DRAFT)
    assert seen.now().seen == {2, CATEGORY}
    assert seen.now().category == "cta"
    assert seen.undo().now().category == "hero"


@pytest.mark.parametrize(
    "asked",
    [
        {"do": "delete everything"},
        {"do": ["label"]},
        {"do": "label", "node": 99, "element": "icon"},
        {"do": "label", "node": True, "element": "icon"},
        {"do": "label", "node": 1, "element": "banner"},
        {"do": "category", "category": "banner"},
        {"do": "accept"},
    ],
)
def test_what_is_no_decision_is_refused(asked):
    with pytest.raises(BadUsage, match="no such"):
        edit(asked, DRAFT.now(), NODES)


DECISIONS = st.one_of(
    st.tuples(st.just("label"), st.integers(0, 4), st.sampled_from(ELEMENTS)),
    st.tuples(st.sampled_from(["unlabel", "accept"]), st.integers(0, 4), st.none()),
    st.tuples(st.just("category"), st.none(), st.sampled_from(CATEGORIES)),
)


@given(st.lists(DECISIONS, max_size=8), st.integers(0, 8))
@settings(deadline=None)
def test_undo_goes_back_through_every_state_and_a_file_keeps_all(decisions, back):
    """Protects people's work: undo and redo are exact, and so is what is read from the file."""
    states = [DRAFT]
    for do, node, what in decisions:
        states.append(after(states[-1], do, node, element=what, category=what))
    last = states[-1]
    back = min(back, len(decisions))
    for _ in range(back):
        last = last.undo()
    assert last.now() == states[len(decisions) - back].now()
    assert Draft.from_json(last.to_json(), "file") == last
    for _ in range(back):
        last = last.redo()
    assert last.now() == states[-1].now()
    with pytest.raises(BadUsage, match="redo"):
        last.redo()


def test_a_change_after_undo_ends_redo():
    changed = after(after(DRAFT, "unlabel", 2).undo(), "unlabel", 3)
    assert labels(changed) == {0: "section", 2: "heading"}
    with pytest.raises(BadUsage, match="nothing to redo"):
        changed.redo()
    with pytest.raises(BadUsage, match="nothing to undo"):
        DRAFT.undo()


@pytest.mark.parametrize(
    "text", ["", b"\xff", "{", "[]", "{}", '{"labels": {"a": "icon"}, "changes": []}']
)
def test_a_damaged_file_says_what_to_do(text):
    with pytest.raises(BadInput, match=r"d\.json is damaged .* move it away"):
        Draft.from_json(text, "d.json")
