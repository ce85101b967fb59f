"""Scores agree with hand counts, with independent programs, and with what intervals promise."""

import functools
import json
from collections import Counter
from functools import cache
from typing import cast

import numpy as np
import pytest
from sacrebleu.metrics import BLEU

from xojl_jax.errors import BadInput
from xojl_jax.evaluation import bootstrap
from xojl_jax.evaluation.counts import f1_scores
from xojl_jax.evaluation.text_scores import bleu_row, bleu_scores
from xojl_jax.tasks.layout import baseline, metrics
from xojl_jax.tasks.layout.inference import LayoutInference
from xojl_jax.tasks.layout.metrics import Result
from xojl_jax.tasks.layout.sample_spec import MERGED
from xojl_jax.xojl.record import Record, parse_record
from xojl_jax.xojl.tree import ELEMENTS, Node, parse_layout, preorder

ID = {name: i for i, name in enumerate(ELEMENTS)}


def layout(text):
    """`section(heading, list(icon))` -> forest, for short tests."""
    stack, word = [[]], ""
    for char in text + ",":
        if char in "(),":
            if word.strip():
                stack[-1].append([word.strip(), []])
            word = ""
            if char == "(":
                stack.append(stack[-1][-1][1])
            elif char == ")":
                stack.pop()
        else:
            word += char

    def node(item):
        return Node(item[0], None, children=tuple(map(node, item[1])))

    return tuple(map(node, stack[0]))


def random_layout(rng, size, names=("section", "grid", "list")):
    children = [[] for _ in range(size + 1)]
    parents = [int(rng.integers(-1, i)) for i in range(size)]
    made = {}
    for i in reversed(range(size)):
        made[i] = Node(str(rng.choice(names)), None, children=tuple(reversed(children[i])))
        children[parents[i]].append(made[i])
    return tuple(reversed(children[-1]))


REFERENCE = layout(
    "section(grid(wrapper(heading, paragraph), wrapper(heading, paragraph)), button)"
)
PREDICTED = layout("section(wrapper(heading, heading, heading), paragraph, image)")


def test_bags_of_elements_counted_by_hand():
    """Three headings where two are: two right, one wrong; and so on."""
    tp, fp, fn = metrics.bag_counts(PREDICTED, REFERENCE)
    found = {name: (tp[i], fp[i], fn[i]) for name, i in ID.items() if tp[i] + fp[i] + fn[i]}
    assert found == {
        "section": (1, 0, 0),
        "grid": (0, 0, 1),
        "wrapper": (1, 0, 1),
        "heading": (2, 1, 0),
        "paragraph": (1, 0, 1),
        "button": (0, 0, 1),
        "image": (0, 1, 0),
    }
    scores = f1_scores(np.stack([tp, fp, fn]))
    assert scores["precision"][ID["heading"]] == pytest.approx(2 / 3)
    assert scores["recall"][ID["wrapper"]] == pytest.approx(1 / 2)
    assert scores["micro_f1"] == pytest.approx(10 / (10 + 2 + 4))
    # section 1, grid 0, wrapper 2/3, heading 4/5, paragraph 2/3, button 0; image does not occur
    assert scores["macro_f1"] == pytest.approx((1 + 0 + 2 / 3 + 4 / 5 + 2 / 3 + 0) / 6)


def test_aligned_counts_ask_for_the_right_node():
    """A heading on the paragraph's node is wrong on both sides; a node without twin is left out."""
    reference, predicted = (
        layout("section(heading, paragraph, icon)"),
        layout("section(paragraph, heading, icon)"),
    )
    tp, fp, fn = metrics.aligned_counts(predicted, (0, 1, 2, None), reference, (0, 1, 2, None))
    assert (tp.sum(), fp.sum(), fn.sum()) == (1, 2, 2)
    assert tp[ID["section"]] == 1 and fp[ID["heading"]] == 1 and fn[ID["heading"]] == 1
    assert metrics.bag_counts(predicted, reference)[1:].sum() == 0


def slow_distance(one, two):
    """The textbook recursion on forests, without any of apted's strategy."""

    def plain(forest):
        return tuple((v.element, plain(v.children)) for v in forest)

    @cache
    def size(forest):
        return sum(1 + size(children) for _, children in forest)

    @cache
    def distance(a, b):
        if not a or not b:
            return size(a) + size(b)
        (name_a, inner_a), (name_b, inner_b) = a[-1], b[-1]
        return min(
            distance(a[:-1] + inner_a, b) + 1,
            distance(a, b[:-1] + inner_b) + 1,
            distance(a[:-1], b[:-1]) + distance(inner_a, inner_b) + (name_a != name_b),
        )

    return distance(plain(one), plain(two))


@pytest.mark.parametrize("seed", range(40))
def test_tree_distance_agrees_with_the_textbook(seed):
    """Random small forests, several roots and empty ones included."""
    rng = np.random.default_rng(seed)
    one, two = (random_layout(rng, int(rng.integers(0, 8))) for _ in range(2))
    assert metrics.tree_distance(one, two) == slow_distance(one, two)
    assert metrics.tree_distance(two, one) == metrics.tree_distance(one, two)


def test_tree_distance_by_hand():
    """One rename, one deletion; 0 for equal trees, 1 for nothing in common, never above 1."""
    assert metrics.tree_distance(layout("section(list)"), layout("section(grid, icon)")) == 2
    assert metrics.normalized_tree_distance(REFERENCE, REFERENCE) == 0
    assert metrics.normalized_tree_distance((), REFERENCE) == 1
    assert metrics.normalized_tree_distance((), ()) == 0
    chain, star = layout("list(list(list(list(list))))"), layout("tab(tab, tab, tab, tab)")
    assert metrics.normalized_tree_distance(chain, star) == 1
    assert metrics.normalized_tree_distance(layout("section(list)"), layout("section")) == 0.5


def test_very_large_trees_are_not_measured():
    """Cubic time is not spent; the value is missing, and counted as missing."""
    large = (Node("section", None, children=(Node("icon", None),) * 300),)
    report = metrics.evaluate([Result(large, large), Result(PREDICTED, REFERENCE)], samples=10)
    assert np.isnan(metrics.tree_distance(large, REFERENCE))
    assert report["scores"]["tree_distance"]["records"] == 1
    assert report["scores"]["exact_match"]["records"] == 2


def test_words_of_a_layout():
    """Names open, brackets close."""
    assert metrics.layout_words(layout("section(list, grid(icon)), tab")) == [
        *("section", "list", ")", "grid", "icon", ")", ")", ")", "tab", ")")
    ]
    assert metrics.layout_words(()) == []


def test_corpus_bleu_agrees_with_sacrebleu():
    """Summed rows give what the library gives for the corpus, also where n-grams do not match."""
    rng = np.random.default_rng(0)
    library = BLEU(tokenize="none", force=True)
    for size in (1, 2, 5, 30):
        for _ in range(5):
            pairs = [
                (random_layout(rng, int(rng.integers(1, 9))), random_layout(rng, 5))
                for _ in range(size)
            ]
            words = [tuple(map(metrics.layout_words, pair)) for pair in pairs]
            sums = sum(bleu_row(*pair) for pair in words)
            predicted, reference = (
                [" ".join(side) for side in part] for part in zip(*words, strict=True)
            )
            expected = library.corpus_score(predicted, [reference]).score / 100
            assert bleu_scores(sums) == pytest.approx(expected, abs=1e-9)


def test_perfect_and_empty_predictions():
    """Every score of a copy is 1 (distance 0), every score of nothing is 0 (distance 1)."""
    nodes = tuple(range(9))
    perfect = metrics.evaluate([Result(REFERENCE, REFERENCE, nodes, nodes)] * 4)
    for name, score in perfect["scores"].items():
        wanted = 0 if name == "tree_distance" else 1
        assert (score["value"], score["low"], score["high"]) == pytest.approx((wanted,) * 3), name
    assert perfect["aligned_records"] == 4
    nothing = metrics.evaluate([Result(None, REFERENCE, (), nodes, completed=False)] * 4)
    for name, score in nothing["scores"].items():
        assert score["value"] == (1 if name == "tree_distance" else 0), name
    assert nothing["elements"]["heading"] == {
        "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 8, "predicted": 0
    }  # fmt: skip


def test_an_interval_draws_units_whole():
    """One maker with many pages is one vote: as if each of its records were one of the others'."""
    good, bad = Result(REFERENCE, REFERENCE), Result(None, REFERENCE)
    by_record = metrics.evaluate([good] * 50 + [bad] * 50)["scores"]["valid"]
    by_unit = metrics.evaluate([good] * 50 + [bad] * 50, ["a"] * 50 + ["b"] * 50)["scores"]["valid"]
    assert by_record["value"] == by_unit["value"] == 0.5
    assert (by_unit["low"], by_unit["high"]) == (0.0, 1.0)
    assert by_record["low"] > 0.3


def test_units_are_sites_where_there_are_enough():
    """Of a few sites no interval can be drawn: records are then drawn each by itself."""
    units = functools.partial(LayoutInference.units, cast("LayoutInference", None))
    records = [Record("a.png", (), source={"site": f"s{i % 10}"}) for i in range(30)]
    assert units(records) == [f"s{i % 10}" for i in range(30)]
    assert units(records[:9]) is None
    assert units([Record("a.png", ())] * 30) is None


def test_exact_match_looks_at_classes_too():
    """The semantic match does not."""
    one = parse_layout({"section.div@pt_1r": {"heading.h1": ""}})
    two = parse_layout({"section.div@pt_2r": {"heading.h1": ""}})
    scores = metrics.evaluate([Result(one, two), Result(one, one)], samples=50)["scores"]
    assert scores["exact_match"]["value"] == 0.5
    assert scores["exact_match_semantic"]["value"] == 1


def test_categories_count_where_both_are_known():
    one = parse_layout({"section.div": {"heading.h1": ""}})
    told = [("hero", "hero"), ("hero", "faq"), (None, "faq"), ("faq", None)]
    results = [Result(one, one, category=a, reference_category=b) for a, b in told]
    score = metrics.evaluate(results, samples=50)["scores"]["category"]
    assert (score["value"], score["records"]) == (0.5, 2)
    assert "category" not in metrics.evaluate(results[2:], samples=50)["scores"]


def test_the_report_is_json():
    """Also where a score is missing."""
    large = (Node("section", None, children=(Node("icon", None),) * 300),)
    report = metrics.evaluate([Result(large, large)], samples=10)
    text = json.dumps(report, allow_nan=False)
    assert json.loads(text)["scores"]["tree_distance"]["value"] is None
    with pytest.raises(BadInput, match="no record"):
        metrics.evaluate([])


def test_intervals_are_seeded_and_hold_the_value():
    """The same seed gives the same interval, another seed a slightly other one."""
    rng = np.random.default_rng(0)
    results = [Result(random_layout(rng, 6), random_layout(rng, 6)) for _ in range(40)]
    one, again, other = (metrics.evaluate(results, seed=s) for s in (1, 1, 2))
    assert one == again != other
    for score in one["scores"].values():
        assert score["low"] <= score["value"] <= score["high"]
    width = [r["scores"]["element_micro_f1"] for r in (one, other)]
    assert width[0]["high"] - width[0]["low"] == pytest.approx(
        width[1]["high"] - width[1]["low"], rel=0.2
    )


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """Micro-F1 over 60 records, drawn 300 times from a known distribution: near 95 %."""
    rng = np.random.default_rng(3)
    right, claimed = 0.7, 5  # each record claims 5 elements of 5, each right with this chance
    covered = 0
    for trial in range(300):
        tp = rng.binomial(claimed, right, 60)
        rows = np.stack([tp, claimed - tp, claimed - tp], -1)[..., None]
        weights = bootstrap.bootstrap_weights(60, samples=300, seed=trial)
        sums = np.tensordot(weights, rows, 1)
        low, high = bootstrap.interval(f1_scores(sums)["micro_f1"])
        covered += low <= right <= high
    assert 0.90 <= covered / 300 <= 0.985


def test_macro_intervals_take_elements_as_they_occur():
    """An element that a resample does not hold does not drag its mean down."""
    rows = np.zeros((2, 3, 22))
    rows[0, 0, 0] = rows[1, 0, 1] = 1
    only_first = np.tensordot(np.array([[2, 0]]), rows, 1)
    assert f1_scores(only_first)["macro_f1"] == [1.0]


def test_the_tag_baseline_learns_the_most_frequent_label():
    """Being merged into the parent competes like any element; unknown tags take the overall one."""

    def record(html, section_layout, nodes):
        return parse_record(
            {
                "screenshot": "a.png",
                "html": html,
                "section_layout": section_layout,
                "layout_nodes": nodes,
            }
        )

    html = {"div": {"h1": "", "b": ""}}
    records = [
        record(html, {"section.div": {"heading.h1": ""}}, [0, 1]),
        record(html, {"section.div": {"heading.h1": ""}}, [0, 1]),
        record(html, {"grid.div": {"button.h1": "", "icon.b": ""}}, [0, 1, 2]),
        parse_record({"screenshot": "a.png", "html": {"div": {"b": ""}}}),
    ]
    fitted = baseline.TagBaseline.fit(records)
    assert fitted.labels == {"div": 0, "h1": ID["heading"], "b": MERGED}
    forest, nodes = fitted.predict(records[2].html)
    assert [v.node.element for v in preorder(forest)] == ["section", "heading"]
    assert nodes == (0, 1)
    assert fitted.default == 0  # three times section, heading, merged: the smallest id
    with pytest.raises(BadInput, match="aligned"):
        baseline.TagBaseline.fit(records[3:])


def test_the_helpers_of_this_file():
    """The short notation means what it says."""
    assert Counter(v.node.element for v in preorder(REFERENCE))["wrapper"] == 2
    assert [v.depth for v in preorder(layout("section(list, grid(icon)), tab"))] == [0, 1, 1, 2, 0]
