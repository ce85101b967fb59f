"""Which labels of one record are those of another: the same element, and nearly the same box."""

from collections.abc import Sequence
from typing import NamedTuple

from data_prep.records.gold import Box, BoxLabel

SAME = 0.7  # intersection over union from which two boxes count as the same


def iou(one: Box, two: Box) -> float:
    """Intersection over union, with sides of 2 px at least.

    A divider is 1 px thick: one px of difference would make the overlap 0.
    """
    one, two = _thick(one), _thick(two)
    wide = min(one[0] + one[2], two[0] + two[2]) - max(one[0], two[0])
    tall = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
    common = max(0.0, wide) * max(0.0, tall)
    return common / (one[2] * one[3] + two[2] * two[3] - common)


def _thick(box: Box) -> Box:
    return box[0], box[1], max(box[2], 2.0), max(box[3], 2.0)


class Matched(NamedTuple):
    """Indices into the two lists of labels."""

    right: list[tuple[int, int]]  # (gold, made): same element, same box
    confused: list[tuple[int, int]]  # same box, another element
    missed: list[int]  # gold labels that nothing fits
    extra: list[int]  # made labels that fit nothing


def match(gold: Sequence[BoxLabel], made: Sequence[BoxLabel]) -> Matched:
    """Matches one to one, greedily by overlap: labels with equal elements first."""
    free_gold, free_made = set(range(len(gold))), set(range(len(made)))
    pairs = []
    for g in free_gold:
        for m in free_made:
            overlap = iou(gold[g].box, made[m].box)
            if overlap >= SAME:
                pairs.append((gold[g].element != made[m].element, -overlap, g, m))
    right, confused = [], []
    for differ, _, g, m in sorted(pairs):
        if g in free_gold and m in free_made:
            free_gold.remove(g)
            free_made.remove(m)
            (confused if differ else right).append((g, m))
    return Matched(right, confused, sorted(free_gold), sorted(free_made))
