"""The ledger's table: what each part brings and costs, with intervals, as Markdown.

A figure is the family's score (benchmarks/ledger_families.py), with the part minus without it, over
the records that both answered. Its interval is a paired bootstrap over records and, where there are
several, seeds: a difference is drawn of the same records and seeds on both sides.
"""

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ledger_claims import BASELINE, Ablation
from benchmarks.ledger_families import FAMILIES, Family
from xojl_jax.evaluation import bootstrap
from xojl_jax.files import write_text

NOT_MEASURED = "not measured"

Answers = dict[int, dict[str, Any]]  # by seed, as ledger_answers.py writes them


def write(out: Path, page: Path) -> None:
    """Puts the table of a ledger's folder between its family's marks of a page, whose text stays;
    at its end where it has none."""
    text = page.read_text(encoding="utf-8") if page.is_file() else "# Ledger\n"
    begin, end = marks(FAMILIES[read_settings(out)["family"]])
    if begin not in text:
        text += f"\n{begin}\n{end}\n"
    before, rest = text.split(begin)
    _, after = rest.split(end)
    write_text(page, f"{before}{begin}\n{render(out)}\n{end}{after}")


def marks(family: Family) -> tuple[str, str]:
    """Where its table begins and ends on a page."""
    return f"<!-- {family.mark}: begin -->", f"<!-- {family.mark}: end -->"


def read_settings(out: Path) -> dict[str, Any]:
    """What all runs of a folder have in common. Ledgers of before are of the layout task."""
    return {"family": "layout"} | json.loads((out / "settings.json").read_text())


def render(out: Path) -> str:
    """The settings of a ledger's folder, its baseline and a row for each ablation."""
    settings = read_settings(out)
    family = FAMILIES[settings["family"]]
    baseline = read(out, BASELINE)
    sets = [Path(data).name for data in settings["held_out"]]
    head = ["row", "part", "claim", *(f"{family.score_name} on {name}" for name in sets)]
    head += ["seeds", "step time", "FLOPs", "memory", "parameters", "by default"]
    lines = [describe(family, settings, baseline), "", _row(head), _row(["---"] * len(head))]
    lines += [
        _row(cells(family, ablation, read(out, name), baseline, sets))
        for name, ablation in family.ablations.items()
    ]
    return "\n".join(lines)


def read(out: Path, name: str) -> Answers:
    """What was answered, by seed."""
    found = {}
    for path in sorted((out / name).glob("seed-*/answers.json")):
        found[int(path.parent.name.removeprefix("seed-"))] = json.loads(path.read_text())
    return found


def describe(family: Family, settings: Mapping[str, Any], baseline: Answers) -> str:
    """What all runs have in common, and what the baseline scores."""
    fields = ", ".join(f"`{name}={value}`" for name, value in settings["fields"].items())
    lines = [f"All runs: `{family.config}` with {fields}."]
    for seed, answers in baseline.items():
        scores = [
            f"{name} {family.score(_rows(family, [held]).sum((0, 1))):.3f} ({family.size(held)})"
            for name, held in answers["held_out"].items()
        ]
        cost = answers["cost"]
        lines.append(
            f"Baseline, seed {seed}: {family.score_name} {', '.join(scores)}; "
            f"{cost['seconds']:.2f} s and {cost['memory'] / 2**20:.0f} MiB a step, "
            f"{cost['parameters'] / 1e6:.2f} M parameters; {answers['machine']}."
        )
    return "\n".join(textwrap.fill(line, 100, break_on_hyphens=False) for line in lines)


def cells(
    family: Family, ablation: Ablation, found: Answers, baseline: Answers, sets: list[str]
) -> list[str]:
    """A row of the table."""
    start = [ablation.row, ablation.part, ablation.claim or "–"]
    state = "on" if ablation.default else "off"
    seeds = sorted(set(found) & set(baseline))
    if not seeds:
        return [*start, *([NOT_MEASURED] * len(sets)), "0", *(["–"] * 4), state]
    with_part, without = (baseline, found) if ablation.default else (found, baseline)
    brought = [
        difference(
            family,
            [with_part[seed]["held_out"][name] for seed in seeds],
            [without[seed]["held_out"][name] for seed in seeds],
        )
        for name in sets
    ]
    costs = [[answers[seed]["cost"] for seed in seeds] for answers in (with_part, without)]
    ratios = [_percent(*costs, name) for name in ("seconds", "flops", "memory", "parameters")]
    figures = ["{} [{}, {}]".format(*(_signed(value) for value in each)) for each in brought]
    return [*start, *figures, str(len(seeds)), *ratios, f"{state}; {verdict(brought, len(seeds))}"]


def difference(
    family: Family, with_part: list[dict], without: list[dict]
) -> tuple[float, float, float]:
    """(value, low, high) of what the part brings, over the records that both have."""
    kept = set(with_part[0]["records"])
    for held in (*with_part, *without):
        kept &= set(held["records"])
    pair = [_rows(family, side, kept) for side in (with_part, without)]
    return bootstrap.paired_difference(*pair, family.score)


def verdict(brought: list[tuple[float, float, float]], seeds: int) -> str:
    """What the intervals say, in words."""
    helps = any(low > 0 for _, low, _ in brought)
    harms = any(high < 0 for _, _, high in brought)
    if not helps and not harms:
        return "no difference shown"
    told = "helps one set, harms another" if helps and harms else "helps" if helps else "harms"
    return told + (", with one seed" if seeds == 1 else "")


def _rows(family: Family, sides: list[dict], kept: set[str] | None = None) -> np.ndarray:
    """int64[K, R, *row]: counts by seed and record, those of `kept` alone."""
    return np.array(
        [
            [
                row
                for record, row in zip(held["records"], held[family.rows], strict=True)
                if kept is None or record in kept
            ]
            for held in sides
        ]
    )


def _signed(value: float) -> str:
    """With three digits; nothing is +0.000, never -0.000."""
    return f"{round(value, 3) + 0.0:+.3f}"


def _percent(with_part: list[dict], without: list[dict], name: str) -> str:
    """What the part adds to a cost, in percent of what is there without it."""
    more, less = (np.mean([cost[name] for cost in side]) for side in (with_part, without))
    return f"{100 * (more / less - 1):+.0f} %"


def _row(entries: list[str]) -> str:
    return "| " + " | ".join(entries) + " |"
