"""What a whole data set is like: counts, distributions, balance. One type, and its JSON form."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_prep.validate.checks import KINDS
from data_prep.validate.coverage import PARTS
from data_prep.validate.duplicates import Pair
from data_prep.validate.findings import LIMITS, Finding, Totals
from xojl_jax.xojl.record import CATEGORIES
from xojl_jax.xojl.tree import ELEMENTS

_UNKNOWN_SHOWN = 30  # unknown names by part in the JSON form


@dataclass(frozen=True)
class Overview:
    """Everything that summary, JSON and page tell."""

    path: str
    findings: list[Finding]
    totals: Totals
    pairs: list[Pair]

    @property
    def readable(self) -> list[Finding]:
        return [f for f in self.findings if f.readable]

    @property
    def labeled(self) -> list[Finding]:
        return [f for f in self.findings if f.labeled]

    @property
    def bad(self) -> list[Finding]:
        return [f for f in self.findings if f.bad]

    def problems(self) -> dict[str, list[Finding]]:
        """Kind -> the records that have it, in the order of KINDS: bad kinds first."""
        found: dict[str, list[Finding]] = {kind: [] for kind in KINDS}
        for finding in self.findings:
            for kind in dict.fromkeys(problem.kind for problem in finding.problems):
                found[kind].append(finding)
        return {kind: findings for kind, findings in found.items() if findings}

    def categories(self) -> Counter[str]:
        """Labeled records by category; what is not in CATEGORIES as `other (as it is)`."""
        return Counter(
            f.category if f.category in CATEGORIES else f"other ({f.category})"
            for f in self.labeled
        )

    def elements(self) -> Counter[str]:
        """Records with the element at least once, all 22, in the order of the language."""
        counts = Counter(e for f in self.labeled for e in f.elements)
        return Counter({element: counts[element] for element in ELEMENTS})

    def sites(self) -> Counter[str]:
        return Counter(f.site for f in self.readable)

    def fitting(self) -> dict[str, int]:
        """Labeled records by preset that takes them; a larger one takes what a smaller takes."""
        # `LIMITS` is in rising order.
        smallest, sizes = Counter(f.fits for f in self.labeled), list(LIMITS)
        return {p: sum(smallest[q] for q in sizes[: i + 1]) for i, p in enumerate(sizes)}

    def quality(self) -> dict[str, list[float]]:
        """Every quality number by its name."""
        found: dict[str, list[float]] = {}
        for finding in self.readable:
            for name, value in (finding.quality or {}).items():
                found.setdefault(name, []).append(value)
        return dict(sorted(found.items()))

    def pair_kinds(self) -> Counter[str]:
        return Counter(pair.kind for pair in self.pairs)

    def aligned(self) -> float | None:
        """Mean share of layout nodes that are found again without layout_nodes."""
        shares = [f.recovered for f in self.labeled if f.recovered is not None]
        return sum(shares) / len(shares) if shares else None

    def to_json(self) -> dict:
        pictures = [f for f in self.readable if f.size]
        mean, std = self.totals.channels.mean_std()
        blank = sum(any(p.kind == "blank" for p in f.problems) for f in pictures)
        return {
            "folder": self.path,
            "records": len(self.findings),
            # Spelled as in version 0.1.0: scripts read this name.
            "labelled": len(self.labeled),
            "bad": len(self.bad),
            "problems": [
                {
                    "kind": kind,
                    "bad": KINDS[kind].bad,
                    "records": len(found),
                    "title": KINDS[kind].title,
                    "advice": KINDS[kind].advice,
                }
                for kind, found in self.problems().items()
            ],
            "records_with_problems": [
                {
                    "where": f.where,
                    "id": f.id,
                    "bad": f.bad,
                    "problems": [problem._asdict() for problem in f.problems],
                }
                for f in self.findings
                if f.problems
            ],
            "categories": {
                "records": dict(self.categories().most_common()),
                "effective_number": effective_number(self.categories()),
            },
            "elements": {
                "records": dict(self.elements()),
                "effective_number": effective_number(self.elements()),
            },
            "sites": dict(self.sites().most_common()),
            "sizes": {
                "html_nodes": spread([f.nodes for f in self.readable]),
                "layout_nodes": spread([f.layout_nodes for f in self.labeled]),
                "semantic_tokens": spread([f.semantic_tokens for f in self.labeled]),
                "detail_tokens": spread([f.detail_tokens for f in self.labeled]),
                "labelled_records_that_fit": self.fitting(),
            },
            "alignment": {
                "layout_nodes_without_html_node": sum(f.without_twin for f in self.labeled),
                "recovered_without_layout_nodes": self.aligned(),
            },
            "images": {
                "records": len(pictures),
                "width": spread([f.size[0] for f in pictures]),
                "height": spread([f.size[1] for f in pictures]),
                "aspect": spread([f.size[0] / f.size[1] for f in pictures]),
                "channel_mean": mean,
                "channel_std": std,
                "blank_share": blank / len(pictures) if pictures else None,
            },
            "quality": {name: spread(values) for name, values in self.quality().items()},
            "vocabulary": self._vocabulary(),
            "likes": {
                "pairs": dict(self.pair_kinds()),
                "of_different_sites": sum(self.crosses_sites(pair) for pair in self.pairs),
            },
        }

    def crosses_sites(self, pair: Pair) -> bool:
        return self.findings[pair.one].site != self.findings[pair.other].site

    def _vocabulary(self) -> dict:
        coverage = self.totals.coverage
        return {
            part: {
                "known_share": coverage.share(part),
                "counted": coverage.total[part],
                "unknown": dict(coverage.unknown[part].most_common(_UNKNOWN_SHOWN)),
            }
            for part in PARTS
        }


def spread(values: Sequence[float]) -> dict[str, float] | None:
    """Least, quartiles, 95th percentile, most; None of nothing."""
    if not values:
        return None
    found = np.percentile(values, (0, 25, 50, 75, 95, 100)).tolist()
    return dict(zip(("least", "p25", "median", "p75", "p95", "most"), found, strict=True))


def effective_number(counts: Counter[str]) -> float:
    """exp(entropy): how many equally frequent classes would be as varied as these."""
    total = sum(counts.values())
    shares = [count / total for count in counts.values() if count]
    return math.exp(-sum(share * math.log(share) for share in shares)) if shares else 0.0
