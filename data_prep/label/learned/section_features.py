"""What the learned labeler sees of a section as a whole, to tell its category: a row of numbers.

What `[[category]]` rules may ask of it, the labels that the rules came to, the category that they
say, and where on its page it is.
"""

from data_prep.label.layout import Labeler
from data_prep.label.node_context import MATCHERS, MEASURES, PREDICATES, NodeContext
from data_prep.label.rules import Table
from data_prep.label.section_tree import SectionTree
from xojl_jax.xojl.record import CATEGORIES

BY_RULES = "category by rules"  # a number in no order
_MATCHERS = ("band says", "holds", "title reads", "reads")
_PREDICATES = ("header_tag", "low_pictures")
_TAGS = ("section", "header", "footer", "nav", "main", "article", "aside", "form")


def section_features(tree: SectionTree, table: Table, rules: Labeler) -> dict[str, float]:
    """name -> number; the same names for every section under one table of rules."""
    labels = rules.root.children if rules.root else ()
    ctx = NodeContext(tree, 0, rules, labels, item=rules.root)
    rule = table.first("category", ctx)
    row = {name: float(MEASURES[name](ctx)) for name in sorted(MEASURES)}
    row |= {name: float(PREDICATES[name](ctx)) for name in _PREDICATES}
    row |= {f"is {tag}": float(tree.tag[0] == tag) for tag in _TAGS}
    for matcher in _MATCHERS:
        row |= {f"{matcher} {name}": float(MATCHERS[matcher](ctx, name)) for name in table.patterns}
    return row | {
        BY_RULES: CATEGORIES.index(rule.element) if rule else -1,
        "confidence of rules": rule.confidence if rule else 0.0,
        "top on page": tree.page_top,
        "nodes": len(tree),
    }
