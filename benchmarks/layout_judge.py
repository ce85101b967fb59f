"""How well the judge of layouts tells right ones from wrong ones, and what its ranking gains.

  python -m benchmarks.layout_judge --rows rows.jsonl DIR NAME=ANSWERS.jsonl ...

DIR holds labeled records. Of each, its own layout is judged, the same with one thing damaged, and
the answers of each file of `predict --records`, with their hypotheses where it wrote several
(`--method=beam --nbest=8`). Verdicts are appended to --rows; records that have theirs are not
judged again. The weight of the score in a ranking is chosen on one half of the sites and measured
on the other, and the other way round. docs/judge.md has the figures.
"""

import argparse
import hashlib
import itertools
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from data_prep.browser.chromium import Browser, PageError
from data_prep.records.captured import Authors
from data_prep.roundtrip.layouts.answers import layouts_of, read_answers
from data_prep.roundtrip.layouts.rendering import PlacedLayout, layout_likenesses
from data_prep.roundtrip.rendering import read_screenshot
from xojl_jax.errors import BadInput
from xojl_jax.evaluation.bootstrap import ScoreTable
from xojl_jax.tasks.layout.metrics import aligned_counts
from xojl_jax.xojl.build import Label, build_layout
from xojl_jax.xojl.record import Record, read_directory
from xojl_jax.xojl.tree import CONTAINERS, preorder

# What an element is easily taken for.
TAKEN_FOR = {
    "section": ["wrapper"],
    "grid": ["wrapper"],
    "column": ["wrapper"],
    "wrapper": ["grid"],
    "freedom": ["wrapper"],
    "carousel": ["wrapper", "grid"],
    "tab": ["wrapper"],
    "accordion": ["wrapper"],
    "heading": ["paragraph", "button"],
    "paragraph": ["heading", "button", "list"],
    "button": ["paragraph", "heading"],
    "icon": ["paragraph", "button"],
    "image": ["paragraph", "heading"],
    "list": ["paragraph", "social"],
    "counter": ["paragraph", "heading"],
    "social": ["list"],
    "gallery": ["list", "image"],
}
ELSE = ["paragraph"]
WEIGHTS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
PAGE_SECONDS = 300.0  # for machines that do other work

Rows = list[dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.layout_judge")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("answers", nargs="*", metavar="NAME=ANSWERS.jsonl")
    parser.add_argument("--rows", required=True, type=Path, metavar="FILE.jsonl")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop judging then")
    args = parser.parse_args()
    files = dict(pair.split("=", 1) for pair in args.answers)
    answers = {name: read_answers(Path(path)) for name, path in files.items()}
    done = {row["id"] for row in read_rows(args.rows)}
    began = time.monotonic()
    with Browser(page_seconds=PAGE_SECONDS) as browser, args.rows.open("a") as out:
        for row in judge_folder(browser, args.folder, answers, done):
            out.write(json.dumps(row) + "\n")
            out.flush()
            if time.monotonic() - began > args.seconds:
                break
    rows = read_rows(args.rows)
    print(f"{len(rows)} sections of {len({row['site'] for row in rows})} sites")
    print_damages(rows)
    for name in files:
        print_correlation(rows, name)
    for one, two in itertools.combinations(files, 2):
        print_pairs(rows, one, two)
    for name in files:
        if any(f"{name} 1" in row["judged"] for row in rows):
            print_ranking(rows, name)


def read_rows(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


# --- judging --------------------------------------------------------------------------------------


def judge_folder(
    browser: Browser, folder: Path, answers: dict[str, dict[str, Any]], done: set[str]
) -> Iterator[dict[str, Any]]:
    """`{"id", "site", "judged": {name: {"score", "counts", "log_probability"}}}`."""
    authors = Authors(folder, optional=True)
    places = {}
    for place, record in read_directory(folder):
        if isinstance(record, Record) and record.layout is not None:
            places[record.id or place] = (place, record)
    others = [record for _, record in places.values()]
    # By a hash, so that whatever part of them is judged is drawn at random.
    for name in sorted(set(places) - done, key=_hash):
        place, record = places[name]
        named = {"right": PlacedLayout(record.layout or (), record.alignment())}
        named |= dict(damaged(record, others))
        probabilities = {}
        for model, lines in answers.items():
            try:
                line = lines[place]
                layouts = layouts_of(line)
            except (KeyError, BadInput):
                continue
            told = line.get("hypotheses", [line])
            for k, layout in enumerate(layouts):
                named[f"{model} {k}"] = layout
                probabilities[f"{model} {k}"] = told[k].get("log_probability")
        try:
            pixels, author = read_screenshot(folder, record), authors.get(record.id) or []
            found = layout_likenesses(browser, record, author, pixels, list(named.values()))
        except PageError as error:
            print(f"{name}: {error}")
            continue
        judged = {
            key: {
                "score": round(likeness.score, 5),
                **likeness.rounded(),
                "counts": counts_of(layout, named["right"]),
                "log_probability": probabilities.get(key),
            }
            for (key, layout), likeness in zip(named.items(), found, strict=True)
        }
        yield {"id": name, "site": (record.source or {}).get("site", place), "judged": judged}


def _hash(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)


def counts_of(layout: PlacedLayout, right: PlacedLayout) -> list[int]:
    """Elements on the right html node, too many, missing."""
    return aligned_counts(*layout, *right).sum(1).tolist()


def damaged(record: Record, others: Sequence[Record]) -> Iterator[tuple[str, PlacedLayout]]:
    """(damage, the right layout with it): one element of another kind, one left out, two swapped;
    and another section's layout, its nodes spread over this one's."""
    rng = random.Random(record.id)
    rows = [
        Label(str(visit.node.element), visit.node, visit.parent)
        for visit in preorder(record.layout or ())
    ]
    nodes = list(record.alignment())
    inner = range(1, len(rows))
    for kind, wanted in (("leaf", False), ("container", True)):
        of_kind = [k for k in inner if (rows[k].element in CONTAINERS) == wanted]
        if of_kind:
            k = rng.choice(of_kind)
            taken = rows[k]._replace(element=rng.choice(TAKEN_FOR.get(rows[k].element, ELSE)))
            yield f"another {kind}", _placed([*rows[:k], taken, *rows[k + 1 :]], nodes)
            yield f"no {kind}", _without(rows, nodes, k)
    pairs = [
        (a, b)
        for a, b in itertools.combinations(inner, 2)
        if rows[a].element != rows[b].element
        and (rows[a].element in CONTAINERS) == (rows[b].element in CONTAINERS)
    ]
    if pairs:
        a, b = rng.choice(pairs)
        swapped = list(rows)
        swapped[a] = rows[a]._replace(element=rows[b].element)
        swapped[b] = rows[b]._replace(element=rows[a].element)
        yield "swapped", _placed(swapped, nodes)
    site, most = (record.source or {}).get("site"), len(preorder(record.html))
    strange = [
        other.layout
        for other in others
        if (other.source or {}).get("site") != site
        and 2 <= len(preorder(other.layout or ())) <= most
    ]
    if strange:
        layout = rng.choice(strange) or ()
        at = np.linspace(0, most - 1, len(preorder(layout))).round().astype(int)
        yield "another section's", PlacedLayout(layout, tuple(at.tolist()))


def _placed(rows: Sequence[Label], nodes: Sequence[int | None]) -> PlacedLayout:
    return PlacedLayout(build_layout(rows), tuple(nodes))


def _without(rows: Sequence[Label], nodes: Sequence[int | None], k: int) -> PlacedLayout:
    """Its children are its parent's."""
    above = rows[k].parent
    left = [row for number, row in enumerate(rows) if number != k]
    moved = [above if row.parent == k else row.parent for row in left]
    moved = [parent - (parent > k) for parent in moved]
    kept = [row._replace(parent=parent) for row, parent in zip(left, moved, strict=True)]
    return _placed(kept, [node for number, node in enumerate(nodes) if number != k])


# --- figures --------------------------------------------------------------------------------------


def f1(counts: Sequence[float]) -> float:
    right, extra, missing = counts
    return 2 * right / max(2 * right + extra + missing, 1e-9)


def wins(pairs: Sequence[tuple[float, float]]) -> list[float]:
    """1 where the first of two numbers is larger, a half where they are equal."""
    return [float(a > b) + 0.5 * (a == b) for a, b in pairs]


def told(value: dict[str, Any]) -> str:
    return "{value:.3f} [{low:.3f}, {high:.3f}]".format(**value)


def mean(values: Sequence[float], sites: Sequence[str]) -> str:
    table = ScoreTable(len(values), groups=sites)
    table.add_mean("mean", values)
    return told(table.scores["mean"])


def print_damages(rows: Rows) -> None:
    print("right layout above the damaged one, ties half:")
    everything = []
    for damage in sorted({key for row in rows for key in row["judged"] if not key[-1].isdigit()}):
        if damage == "right":
            continue
        having = [row for row in rows if damage in row["judged"]]
        pairs = [
            (row["judged"]["right"]["score"], row["judged"][damage]["score"]) for row in having
        ]
        everything += [low for _, low in pairs]
        equal = np.mean([a == b for a, b in pairs])
        value = mean(wins(pairs), [row["site"] for row in having])
        print(f"  {damage:18} {len(having):4} {value}, the same page {equal:.1%}")
    right = [row["judged"]["right"]["score"] for row in rows]
    area = np.mean(wins(list(itertools.product(right, everything))))
    print(f"  any right above any damaged one (AUC): {area:.3f}")


def print_correlation(rows: Rows, name: str) -> None:
    having = [row for row in rows if f"{name} 0" in row["judged"]]
    pairs = np.array(
        [
            (row["judged"][f"{name} 0"]["score"], f1(row["judged"][f"{name} 0"]["counts"]))
            for row in having
        ]
    )

    def rank(weights: np.ndarray) -> dict[str, np.ndarray]:
        found = [spearmanr(*np.repeat(pairs, each, axis=0).T).statistic for each in weights]
        return {"rho": np.array(found)}

    table = ScoreTable(len(having), groups=[row["site"] for row in having])
    table.add_weighted(rank)
    print(f"{name}: Spearman's rho of score and F1 {told(table.scores['rho'])}")


def print_pairs(rows: Rows, one: str, two: str) -> None:
    """Of two answers, how often the better one scores higher."""
    values, sites = [], []
    for row in rows:
        pair = [row["judged"].get(f"{name} 0") for name in (one, two)]
        if all(pair) and f1(pair[0]["counts"]) != f1(pair[1]["counts"]):
            better, worse = sorted(pair, key=lambda each: -f1(each["counts"]))
            values += wins([(better["score"], worse["score"])])
            sites.append(row["site"])
    if values:
        print(
            f"{one} or {two}, the better one scores higher: {mean(values, sites)} of {len(values)}"
        )


def print_ranking(rows: Rows, name: str) -> None:
    """F1 of a beam's best, of those ranked again, and of the best that there is."""
    beams = [(row["site"], beam) for row in rows if (beam := _beam(row, name))]
    halves = [_hash(site) // 20 % 2 for site, _ in beams]
    values, sites = [], []
    for site, beam in beams:
        pairs = [
            (a["score"], b["score"])
            if f1(a["counts"]) > f1(b["counts"])
            else (b["score"], a["score"])
            for a, b in itertools.combinations(beam, 2)
            if f1(a["counts"]) != f1(b["counts"])
        ]
        values += wins(pairs)
        sites += [site] * len(pairs)
    print(f"{name}: of two hypotheses the better one scores higher {mean(values, sites)}")
    chosen = {half: _best_weight(beams, halves, half) for half in (0, 1)}
    picks: dict[str, Callable[[list, int], dict]] = {
        "beam's best": lambda beam, half: beam[0],
        "ranked again": lambda beam, half: pick(beam, chosen[1 - half]),
        "by score alone": lambda beam, half: max(beam, key=lambda each: each["score"]),
        "most elements": lambda beam, half: max(beam, key=lambda each: sum(each["counts"][:2])),
        "oracle": lambda beam, half: max(beam, key=lambda each: f1(each["counts"])),
    }
    counts = np.array(
        [
            [choose(beam, half)["counts"] for choose in picks.values()]
            for (_, beam), half in zip(beams, halves, strict=True)
        ]
    )

    def scores(sums: np.ndarray) -> dict[str, np.ndarray]:
        right, extra, missing = np.moveaxis(sums, -1, 0)
        values = (2 * right / (2 * right + extra + missing)).T
        found = dict(zip(picks, values, strict=True))
        return found | {f"{key} - beam's best": value - values[0] for key, value in found.items()}

    table = ScoreTable(len(beams), groups=[site for site, _ in beams])
    table.add(counts, scores)
    print(f"  F1 by html node; weights {chosen[0]:g} and {chosen[1]:g} by the halves of sites:")
    for key in picks:
        gain = told(table.scores[f"{key} - beam's best"])
        print(f"  {key:16} {told(table.scores[key])}, gain {gain}")


def _beam(row: dict[str, Any], name: str) -> list[dict[str, Any]]:
    keys = itertools.takewhile(row["judged"].__contains__, (f"{name} {k}" for k in range(64)))
    return [row["judged"][key] for key in keys]


def pick(beam: list[dict[str, Any]], weight: float) -> dict[str, Any]:
    return max(beam, key=lambda each: each["log_probability"] + weight * each["score"])


def _best_weight(beams: list, halves: list[int], half: int) -> float:
    def total(weight: float) -> float:
        own = [pick(beam, weight) for (_, beam), h in zip(beams, halves, strict=True) if h == half]
        return f1(np.sum([each["counts"] for each in own], axis=0)) if own else 0.0

    return max(WEIGHTS, key=total)


if __name__ == "__main__":
    main()
