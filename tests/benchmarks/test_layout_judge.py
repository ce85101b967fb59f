"""The benchmark of the judge of layouts: what it damages, and how it counts."""

from benchmarks import layout_judge
from benchmarks.layout_judge import counts_of, damaged, f1, print_ranking
from data_prep.roundtrip.layouts.rendering import PlacedLayout
from xojl_jax.xojl.build import layout_from_labels
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import ELEMENTS, parse_html, preorder

HTML = parse_html(
    {"section": {"h2": "", "div": {"div": {"h3": "", "p": ""}, "div#2": {"h3": "", "a": ""}}}}
)
LABELS = ["section", "heading", "grid", "column", "heading", "paragraph", "column", "heading"]


def record(name, labels, site):
    layout, nodes = layout_from_labels(HTML, [ELEMENTS.index(label) for label in labels])
    return Record("a.png", HTML, layout, id=name, source={"site": site}, layout_nodes=nodes)


def test_every_damage_is_one_and_the_right_layout_has_none():
    """Protects the figures: one element differs, none is lost but where one is left out."""
    right = record("a", [*LABELS, "button"], "one")
    other = record("b", ["section", *["paragraph"] * 8], "two")
    truth = PlacedLayout(right.layout, right.alignment())
    found = dict(damaged(right, [right, other]))
    assert f1(counts_of(truth, truth)) == 1
    assert {name: counts_of(layout, truth) for name, layout in found.items()} == {
        "another leaf": [8, 1, 1],
        "no leaf": [8, 0, 1],
        "another container": [8, 1, 1],
        "no container": [8, 0, 1],
        "swapped": [7, 2, 2],
        "another section's": counts_of(found["another section's"], truth),
    }
    for layout in found.values():
        assert len(layout.nodes) == len(preorder(layout.forest))
    assert found.keys() == dict(damaged(right, [right, other])).keys()


def test_a_score_that_knows_ranks_best(capsys):
    """Protects the ranking: where the score is right and the probability wrong, all that can be
    gained is gained; the weight is chosen on the other half of the sites."""
    good = {"score": 0.9, "counts": [4, 0, 0], "log_probability": -3.0}
    bad = {"score": 0.5, "counts": [2, 2, 2], "log_probability": -1.0}
    rows = [
        {"id": str(k), "site": f"site {k}", "judged": {"m 0": bad, "m 1": good}} for k in range(8)
    ]
    halves = {layout_judge._hash(row["site"]) // 20 % 2 for row in rows}
    assert halves == {0, 1}
    print_ranking(rows, "m")
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    values = {" ".join(words[:-7]): words[-7] for words in lines[2:]}
    assert values["beam's best"] == "0.500"
    assert values["ranked again"] == values["oracle"] == "1.000"
