"""GriTS agrees with counts by hand and with its authors' program; TEDS is in test_metrics.py."""

import math

import numpy as np
import pytest

from xojl_jax.tasks.document.answering import table_scores
from xojl_jax.tasks.document.answering.table_scores import TableCell, grits


def table(*rows):
    """Cells by their texts, or (text, rows, columns)."""
    cells = [[(c, 1, 1) if isinstance(c, str) else c for c in row] for row in rows]
    return tuple(tuple(TableCell(*cell, False) for cell in row) for row in cells)


def both(predicted, reference):
    """(content, topology)."""
    return grits(predicted, reference), grits(predicted, reference, texts=False)


def test_texts_by_hand():
    """Four places each; one text shares three of four letters in order; two empty ones are
    equal."""
    reference = table(["a", ""], ["c", "abcd"])
    assert both(reference, reference) == (1, 1)
    assert both(table(["a", ""], ["c", "abxd"]), reference) == pytest.approx((3.75 / 4, 1))
    assert both(table(["a", "b"], ["c", "abcd"]), reference) == pytest.approx((3 / 4, 1))


def test_rows_and_columns_by_hand():
    """What is missing or told twice counts against the whole; the rest is paired in its order."""
    reference = table(["a", "b"], ["c", "d"], ["e", "f"])
    missing = table(["a", "b"], ["e", "f"])
    assert both(missing, reference) == both(reference, missing) == pytest.approx((2 * 4 / 10,) * 2)
    twice = table(["a", "a", "b"], ["c", "c", "d"], ["e", "e", "f"])
    assert both(twice, reference) == pytest.approx((2 * 6 / 15,) * 2)
    turned = table(["e", "f"], ["c", "d"], ["a", "b"])
    assert both(turned, reference) == pytest.approx((2 * 2 / 12, 1))  # one row is in order


def test_spans_by_hand():
    """A header over two columns, told as two cells, the second empty: each of its places overlaps
    by half, and the empty text has nothing of the other. A cell of four places overlaps by a
    quarter. A span that stands elsewhere is paired with itself."""
    reference = table([("head", 1, 2)], ["a", "b"])
    predicted = table(["head", ""], ["a", "b"])
    assert both(predicted, reference) == pytest.approx((3 / 4, 3 / 4))
    large, small = table([("a", 2, 2)], []), table(["a", "a"], ["a", "a"])
    assert both(small, large) == pytest.approx((1, 1 / 4))
    left, right = table([("x", 1, 2), "y"]), table(["y", ("x", 1, 2)])
    assert both(left, right) == pytest.approx((2 * 2 / 6,) * 2)


def test_nothing_and_too_much(monkeypatch):
    """Two empty tables are the same; a comparison that takes too much is none."""
    assert both((), ()) == (1, 1)
    assert both((), table(["a"])) == both(table(["a"]), ()) == (0, 0)
    monkeypatch.setattr(table_scores, "MAX_PAIRS", 3)
    assert all(map(math.isnan, both(table(["a", "b"]), table(["a", "b"]))))


@pytest.mark.parametrize("seed", range(5))
def test_a_part_of_a_table_is_found(seed):
    """Rows and columns that were left out at random: all that stays is paired with itself."""
    rng = np.random.default_rng(seed)
    texts = np.array([[f"{r}/{c}" for c in range(6)] for r in range(9)])
    rows, columns = (np.flatnonzero(rng.random(n) < 0.6) for n in texts.shape)
    part = texts[rows][:, columns]
    assert part.size
    wanted = 2 * part.size / (part.size + texts.size)
    assert both(table(*part.tolist()), table(*texts.tolist())) == pytest.approx((wanted,) * 2)


def test_the_authors_program_says_the_same():
    """Figures of grits-metric 0.7.0, which is no dependency: its own ones need a compiler."""
    reference = table(
        [("Region", 2, 1), ("Sales", 1, 2), "Note"],
        ["2023", "2024", "new"],
        ["North", "12.50", "13", ("all", 2, 1)],
        ["South", "7", "8.25"],
    )
    predicted = table(
        ["Region", "Sales", "", "Note"],
        ["", "2023", "2024", "new"],
        ["North", "12.5", ("13", 1, 2)],
        ["East", "1", "2", "x"],
        ["South", "7", "8,25", "all"],
    )
    assert both(predicted, reference) == pytest.approx((0.7021604938271605, 0.7222222222222222))
