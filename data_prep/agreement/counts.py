"""Counts of labels that agree, and precision, recall, F1 and intervals from them."""

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from scipy import stats

from data_prep.agreement.matching import match
from data_prep.records.gold import BoxLabel

LAYOUT = ("section", "grid", "column", "wrapper", "freedom")
GROUPS = ("leaves + advanced", "containers")
ALL = "all"  # both groups


@dataclass
class Comparison:
    """Counts over sections; every reported figure is computed from these."""

    # page -> (element, "gold" | "made" | "right") -> how many
    pages: dict[str, Counter] = field(default_factory=lambda: defaultdict(Counter))
    confusions: Counter = field(default_factory=Counter)  # (gold element, made element), "-" none
    rules: Counter = field(default_factory=Counter)  # (rule, element, whether right)
    categories: Counter = field(default_factory=Counter)  # (by hand, by rule, the rule)
    # per section: (quality.label, F1 of all its labels)
    trust: list[tuple[float, float]] = field(default_factory=list)
    last_f1: float = 0.0  # of all labels of the section that was added last

    def add(self, page: str, gold: list[BoxLabel], made: list[BoxLabel]) -> list[BoxLabel]:
        """Counts one section; returns the gold labels that were not found."""
        counts, found = self.pages[page], match(gold, made)
        counts.update((label.element, "gold") for label in gold)
        counts.update((label.element, "made") for label in made)
        counts.update((gold[g].element, "right") for g, _ in found.right)
        self.confusions.update((gold[g].element, made[m].element) for g, m in found.confused)
        self.confusions.update((gold[g].element, "-") for g in found.missed)
        self.confusions.update(("-", made[m].element) for m in found.extra)
        self.last_f1 = 2 * len(found.right) / max(len(gold) + len(made), 1)
        right = {m for _, m in found.right}
        self.rules.update((x.rule, x.element, m in right) for m, x in enumerate(made) if x.rule)
        return [gold[g] for g in (*found.missed, *(g for g, _ in found.confused))]

    def total(self, pages=None) -> Counter:
        """The counts of pages (all by default), summed over elements and groups as well.

        A page that is given twice counts twice: that is how `interval` resamples.
        """
        out = Counter()
        for page in self.pages if pages is None else pages:
            for (element, what), count in self.pages[page].items():
                out[element, what] += count
                out[GROUPS[element in LAYOUT], what] += count
                out[ALL, what] += count
        return out

    def trust_correlation(self) -> float:
        """Spearman's rank correlation of quality.label and F1 of sections; 0 if one is constant."""
        trusts, scores = zip(*self.trust, strict=True) if self.trust else ((), ())
        if len(set(trusts)) < 2 or len(set(scores)) < 2:
            return 0.0
        return float(stats.spearmanr(trusts, scores).statistic)

    def interval(self, group: str, samples: int = 1000) -> tuple[float, float]:
        """95 % bootstrap interval of F1.

        Pages are resampled, not sections: sections of one page share an author and are not
        independent.
        """
        pages, dice = sorted(self.pages), random.Random(0)
        scores = sorted(
            scores_of(self.total(dice.choices(pages, k=len(pages))), group)[2]
            for _ in range(samples)
        )
        return scores[samples // 40], scores[-1 - samples // 40]


def scores_of(counts: Counter, name: str) -> tuple[float, float, float]:
    """(precision, recall, F1) of an element or a group."""
    right, gold, made = (counts[name, what] for what in ("right", "gold", "made"))
    return (
        right / made if made else 0.0,
        right / gold if gold else 0.0,
        2 * right / (gold + made) if gold + made else 0.0,
    )
