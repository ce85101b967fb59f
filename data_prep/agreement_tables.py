"""The figures of a comparison as text, as Markdown, and as plain values."""

from collections import Counter, defaultdict

from data_prep.agreement_counts import GROUPS, Comparison, scores_of
from xojl_jax.xojl.tree import ELEMENTS

MOST = 15  # confusions that are shown


class Tables:
    """Of rules (`made`) and of the baseline, over the same sections."""

    def __init__(self, made: Comparison, baseline: Comparison, sections: int):
        self._made, self._baseline, self._sections = made, baseline, sections

    def as_dict(self) -> dict:
        """Everything, rounded; `rules` has (element, labels, share that is right) by name."""
        counts, base = self._made.total(), self._baseline.total()
        elements = {}
        for name in (*GROUPS, *ELEMENTS):
            if name in GROUPS or counts[name, "gold"] or counts[name, "made"]:
                precision, recall, f1 = scores_of(counts, name)
                elements[name] = {
                    "gold": counts[name, "gold"],
                    "made": counts[name, "made"],
                    "precision": round(precision, 4),
                    "recall": round(recall, 4),
                    "f1": round(f1, 4),
                    "f1_per_tag": round(scores_of(base, name)[2], 4),
                }
        for name in GROUPS:
            elements[name]["interval"] = [round(v, 4) for v in self._made.interval(name)]
        return {
            "sections": self._sections,
            "pages": len(self._made.pages),
            "elements": elements,
            "confusions": [
                [*pair, count] for pair, count in self._made.confusions.most_common(MOST)
            ],
            "rules": {
                rule: {"element": element, "labels": total, "precision": round(right / total, 4)}
                for (rule, element), (right, total) in sorted(_rules(self._made.rules).items())
            },
        }

    def text(self) -> str:
        figures = self.as_dict()
        lines = [f"{figures['sections']} sections of {figures['pages']} pages"]
        lines.append(f"{'':20}{'F1':>7}  {'95 %':16}{'per tag':>8}{'gold':>7}{'made':>7}")
        for name, row in figures["elements"].items():
            within = "[{:.3f}, {:.3f}]".format(*row["interval"]) if "interval" in row else ""
            lines.append(
                f"{name:20}{row['f1']:7.3f}  {within:16}{row['f1_per_tag']:8.3f}"
                f"{row['gold']:7}{row['made']:7}"
            )
        lines.append("commonest confusions (by hand, by rule, how often; - is none):")
        lines += [f"  {a:12}{b:12}{count:5}" for a, b, count in figures["confusions"]]
        return "\n".join(lines)

    def markdown(self) -> str:
        figures = self.as_dict()
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
        lines += ["", "| rule | element | labels | right |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {rule} | {row['element']} | {row['labels']} | {row['precision']:.0%} |"
            for rule, row in figures["rules"].items()
        ]
        return "\n".join(lines)


def _rules(counts: Counter) -> dict[tuple[str, str], tuple[int, int]]:
    """(rule, element) -> (right, all)."""
    out: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for (rule, element, right), count in counts.items():
        out[rule, element][0] += count if right else 0
        out[rule, element][1] += count
    return {key: (right, total) for key, (right, total) in out.items()}
