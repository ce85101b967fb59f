"""The figures of a comparison as text, as Markdown, and as a dict."""

from collections import Counter, defaultdict

from data_prep.agreement.counts import ALL, GROUPS, Comparison, scores_of
from xojl_jax.xojl.tree import ELEMENTS

MOST = 15  # confusions that are listed


class Tables:
    """Comparisons of the rules' labels (`made`) and of the baseline, over the same sections."""

    def __init__(self, made: Comparison, baseline: Comparison, sections: int):
        self._made, self._baseline, self._sections = made, baseline, sections

    def as_dict(self) -> dict:
        """All figures, rounded; `rules` has element, labels and precision by name."""
        counts, base = self._made.total(), self._baseline.total()
        elements = {}
        for name in (*GROUPS, *ELEMENTS):
            if name in GROUPS or counts[name, "gold"] or counts[name, "made"]:
                elements[name] = _row(counts, base, name)
        every = _row(counts, base, ALL)
        for name, row in (*((name, elements[name]) for name in GROUPS), (ALL, every)):
            row["interval"] = [round(v, 4) for v in self._made.interval(name)]
        return {
            "sections": self._sections,
            "pages": len(self._made.pages),
            ALL: every,
            "elements": elements,
            "confusions": [
                [*pair, count] for pair, count in self._made.confusions.most_common(MOST)
            ],
            "categories": self._categories(),
            "trust_correlation": round(self._made.trust_correlation(), 4),
            "rules": {
                rule: {"element": element, "labels": total, "precision": round(right / total, 4)}
                for (rule, element), (right, total) in sorted(_rules(self._made.rules).items())
            },
        }

    def _categories(self) -> dict:
        """For sections with a gold category: how many are right, confusions, counts by rule."""
        counts = self._made.categories
        by_rule: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for (hand, made, rule), count in counts.items():
            by_rule[rule][0] += count * (hand == made)
            by_rule[rule][1] += count
        wrong = Counter()
        for (hand, made, _), count in counts.items():
            wrong[hand, made] += count * (hand != made)
        return {
            "sections": sum(counts.values()),
            "right": sum(right for right, _ in by_rule.values()),
            "confusions": [[*pair, n] for pair, n in wrong.most_common(MOST) if n],
            "rules": {rule: list(pair) for rule, pair in sorted(by_rule.items())},
        }

    def text(self) -> str:
        figures = self.as_dict()
        lines = [f"{figures['sections']} sections of {figures['pages']} pages"]
        lines.append(f"{'':20}{'F1':>7}  {'95 %':16}{'per tag':>8}{'gold':>7}{'made':>7}")
        for name, row in ((ALL, figures[ALL]), *figures["elements"].items()):
            within = "[{:.3f}, {:.3f}]".format(*row["interval"]) if "interval" in row else ""
            lines.append(
                f"{name:20}{row['f1']:7.3f}  {within:16}{row['f1_per_tag']:8.3f}"
                f"{row['gold']:7}{row['made']:7}"
            )
        lines.append("commonest confusions (gold, made, how often; - is none):")
        lines += [f"  {a:12}{b:12}{count:5}" for a, b, count in figures["confusions"]]
        if figures["categories"]["sections"]:
            lines.append("categories: {right} of {sections} right".format(**figures["categories"]))
        lines.append(
            f"rank correlation of quality.label and F1: {figures['trust_correlation']:.2f}"
        )
        return "\n".join(lines)

    def markdown(self) -> str:
        figures = self.as_dict()
        lines = [self.elements(figures), "", "| rule | element | labels | right |"]
        lines += ["| --- | --- | --- | --- |"]
        lines += [
            f"| {rule} | {row['element']} | {row['labels']} | {row['precision']:.0%} |"
            for rule, row in figures["rules"].items()
        ]
        return "\n".join(lines)

    def elements(self, figures: dict) -> str:
        """Markdown tables of the scores by element and of the confusions."""
        lines = [f"{figures['sections']} sections of {figures['pages']} pages.", ""]
        lines += ["| element | by hand | by rule | precision | recall | F1 | 95 % | F1 per tag |"]
        lines += ["| --- | --- | --- | --- | --- | --- | --- | --- |"]
        for name, row in figures["elements"].items():
            within = "[{:.3f}, {:.3f}]".format(*row["interval"]) if "interval" in row else ""
            lines.append(
                f"| {name} | {row['gold']} | {row['made']} | {row['precision']:.3f} | "
                f"{row['recall']:.3f} | {row['f1']:.3f} | {within} | {row['f1_per_tag']:.3f} |"
            )
        lines += ["", "| by hand | by rule | how often |", "| --- | --- | --- |"]
        lines += [f"| {a} | {b} | {count} |" for a, b, count in figures["confusions"]]
        return "\n".join(lines)


def _row(counts: Counter, base: Counter, name: str) -> dict:
    """The figures of an element or a group; `base`: counts of the baseline that goes by tags."""
    precision, recall, f1 = scores_of(counts, name)
    return {
        "gold": counts[name, "gold"],
        "made": counts[name, "made"],
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1": round(f1, 4),
        "f1_per_tag": round(scores_of(base, name)[2], 4),
    }


def document(parts: dict[str, Tables]) -> str:
    """The tables of docs/labels.md: an overview, every gold split, the rules side by side."""
    figures = {name: tables.as_dict() for name, tables in parts.items()}
    lines = [
        "| | sections, pages | leaves + advanced: F1 | per tag | containers: F1 | per tag "
        "| categories right | quality.label and F1 |",
        "| --- |" + " --- |" * 7,
    ]
    for name, of in figures.items():
        cells = [f"{of['sections']}, {of['pages']}"]
        for group in GROUPS:
            row = of["elements"][group]
            within = "[{:.3f}, {:.3f}]".format(*row["interval"])
            cells += [f"{row['f1']:.3f} {within}", f"{row['f1_per_tag']:.3f}"]
        cells += ["{right} of {sections}".format(**of["categories"])]
        cells += [f"{of['trust_correlation']:.2f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    for name, tables in parts.items():
        lines += ["", f"### {name}", "", tables.elements(figures[name])]
    lines += [
        "",
        "### Rules",
        "",
        "| rule | says | " + " | ".join(f"{n} | right" for n in parts) + " |",
    ]
    lines += ["| --- | --- |" + " --- | --- |" * len(parts)]
    for rule in sorted({rule for of in figures.values() for rule in of["rules"]}):
        rows = [of["rules"].get(rule) for of in figures.values()]
        says = next(row["element"] for row in rows if row)
        cells = [f"{row['labels']} | {row['precision']:.0%}" if row else " | " for row in rows]
        lines.append(f"| {rule} | {says} | {' | '.join(cells)} |")
    lines += ["", "### Categories", "", "| by hand | by rule | how often |", "| --- | --- | --- |"]
    # One table for all splits: each has too few sections for a table of its own.
    wrong = Counter()
    for of in figures.values():
        for hand, made, count in of["categories"]["confusions"]:
            wrong[hand, made] += count
    lines += [f"| {hand} | {made} | {count} |" for (hand, made), count in wrong.most_common()]
    return "\n".join(lines)


def _rules(counts: Counter) -> dict[tuple[str, str], tuple[int, int]]:
    """(rule, element) -> (right, all)."""
    out: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for (rule, element, right), count in counts.items():
        out[rule, element][0] += count if right else 0
        out[rule, element][1] += count
    return {key: (right, total) for key, (right, total) in out.items()}
