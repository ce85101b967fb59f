"""What the page tells of the language is whole, and the same as in the documentation."""

from pathlib import Path

from data_prep.annotate.guide import MENDS, mend, read_guide
from xojl_jax.xojl.structure import violations
from xojl_jax.xojl.tree import ELEMENTS, parse_layout

PAGE = Path(__file__).parents[3] / "docs/annotate.md"
BROKEN = (
    '{"wrapper": {"heading": ""}}',
    '{"section": ""}',
    '{"section": {"heading": {"icon": ""}}}',
    '{"section": {"wrapper": {"section": {"heading": ""}, "icon": ""}}}',
    '{"section": {"column": {"heading": ""}}}',
    '{"section": {"grid": {"heading": ""}}}',
    '{"section": {"freedom": {"heading": ""}}}',
)


def test_every_element_has_a_key_of_its_own():
    guide = read_guide()
    assert list(guide) == list(ELEMENTS)
    keys = [about["key"] for about in guide.values()]
    assert len(set(keys)) == len(ELEMENTS)
    # x takes a label away, u undoes.
    assert all(len(key) == 1 and key.islower() and key not in "xu" for key in keys)


def test_every_broken_rule_has_advice():
    """Protects readers from an error that they cannot mend: one example breaks each rule."""
    rules = {found.rule for text in BROKEN for found in violations(parse_layout(text))}
    assert all(mend(rule) for rule in rules), rules
    assert {start for start in MENDS for rule in rules if rule.startswith(start)} == set(MENDS)


def test_the_documentation_has_the_same_words():
    """docs/annotate.md, "The elements": a row an element."""
    text = PAGE.read_text(encoding="utf-8")
    for element, about in read_guide().items():
        row = f"| `{about['key']}` | {element} | {' '.join([about['is'], *about['mind']])} |"
        assert row in text, row
