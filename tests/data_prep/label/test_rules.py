"""The table of rules: precedence, faults in it that are told in one line, the shipped one."""

import pytest

from data_prep.label.node_context import NodeContext
from data_prep.label.rules import SHIPPED, Table
from data_prep.label.section_tree import SectionTree
from xojl_jax.errors import BadInput
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import ELEMENTS, Node

RULE = """
[[node]]
name = "{name}"
element = "button"
why = "For the test."
{rest}
confidence = 0.5
"""


def table(tmp_path, text, words="go = 'go|start'"):
    path = tmp_path / "rules.toml"
    path.write_text(f"[words]\n{words}\n{text}")
    return Table.load(path)


def first(made, tag="a", width=100.0, **author):
    record = Record("a.png", (Node(None, tag),), html_boxes=((0, 0, width, 30, 0),))
    said = {("class" if key == "class_" else key): value for key, value in author.items()}
    rule = made.first("node", NodeContext(SectionTree(record, [said], made.patterns), 0, None))
    return rule and rule.name


def test_the_first_rule_that_holds_wins(tmp_path):
    """Order is precedence; all conditions of a rule must hold."""
    rules = [
        RULE.format(name="narrow", rest='when = ["width < 50"]'),
        RULE.format(name="tagged", rest='tags = ["a"]\nwhen = ["says go"]'),
        RULE.format(name="not", rest='when = ["not says go", "height == 30"]'),
        RULE.format(name="either", rest='when = ["width >= 300 or says go"]'),
    ]
    made = table(tmp_path, "".join(rules))
    assert first(made, width=40.0, class_="go") == "narrow"
    assert first(made, class_="go") == "tagged"
    assert first(made, class_="going") == "not"  # whole words only
    assert first(made, tag="b", class_="btn-go") == "either"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RULE.format(name="x", rest='when = ["says stop"]'), "nothing is known as 'says stop'"),
        (RULE.format(name="x", rest='when = ["paintd"]'), "did you mean 'painted'"),
        (RULE.format(name="x", rest='when = ["width ~ 3"]'), "width ~ 3"),
        (RULE.format(name="x", rest='when = "painted"'), "when is no list"),
        (RULE.format(name="x", rest="color = 3"), "no such field: color"),
        (RULE.format(name="x", rest="") * 2, "two rules are named 'x'"),
        (RULE.format(name="x", rest="").replace("button", "knob"), "'knob' is no element"),
        (RULE.format(name="x", rest="").replace("0.5", "1.5"), "not between 0 and 1"),
        (RULE.format(name="x", rest="").replace('why = "For the test."', ""), "why is missing"),
        ("[[nodes]]\nname = 'x'", "is no part of a table"),
        ("[node]\nname = 'x'", r"write \[\[node\]\]"),
        ("[[node]\n", "not TOML"),
    ],
)
def test_a_wrong_table_is_one_clear_line(tmp_path, text, message):
    with pytest.raises(BadInput, match=message) as caught:
        table(tmp_path, text)
    assert "rules.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_pattern_or_no_file_is_one_clear_line(tmp_path):
    with pytest.raises(BadInput, match=r"\[words\] go: not a pattern"):
        table(tmp_path, "", words="go = '(go'")
    with pytest.raises(BadInput, match="cannot read"):
        Table.load(tmp_path / "none.toml")


def test_the_shipped_table_covers_every_element():
    """Each element has a rule, each rule a reason, and every pattern is asked for."""
    made = Table.load()
    rules = [rule for part in made.parts.values() for rule in part]
    assert {rule.element for rule in rules} >= set(ELEMENTS)
    assert all(rule.why.endswith(".") for rule in rules)
    text = SHIPPED.read_text()
    in_code = {"network", "tab_bar", "panels", "fold", "clone", "bar"}
    assert [name for name in made.patterns if f" {name}" not in text and name not in in_code] == []
