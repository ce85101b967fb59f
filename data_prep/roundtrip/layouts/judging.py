"""`python -m data_prep.roundtrip DIR --layouts`: how like their screenshots layouts are."""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from data_prep.browser.chromium import Browser, PageError
from data_prep.cli.progress import Progress
from data_prep.records.captured import Authors
from data_prep.roundtrip.folder import Judged, digest_of
from data_prep.roundtrip.layouts.answers import Judgeable, read_judgeable
from data_prep.roundtrip.layouts.likeness import compare_layout
from data_prep.roundtrip.layouts.rendering import PlacedLayout, layout_likenesses, render_layouts
from data_prep.roundtrip.layouts.reranking import rerank
from data_prep.roundtrip.rendering import PAGE_SECONDS, read_screenshot
from data_prep.roundtrip.side_by_side import side_by_side
from data_prep.roundtrip.verdicts import Verdicts
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.evaluation.bootstrap import ScoreTable
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import print_layout

VERSION = 1  # of the components and measures: another one, and all is judged again


def judge_layouts(
    folder: Path, answers: Path | None, workers: int, out: Path | None = None
) -> None:
    """Judges the layouts of a folder's records, or the answers to them; prints the figures.

    With `out`, answers are written again, each with the hypothesis that is best now.
    """
    authors = Authors(folder, optional=True)
    everything = list(read_judgeable(folder, answers))
    judged = Judged(verdicts_path(folder, answers))
    todo = []
    for each in everything:
        if each.layouts and each.record is not None:
            author = authors.get(each.record.id) or []
            digest = digest_of(folder, each.record, author, VERSION, _written(each.layouts))
            if judged.verdicts.get(each.name, {}).get("digest") != digest:
                todo.append((folder, each.name, each.record, author, each.layouts, digest))
    before = sum(bool(each.layouts) for each in everything) - len(todo)
    if before:
        print(f"{before} layouts were judged before", file=sys.stderr)
    with judged:
        for verdict in Progress(Verdicts(verdict_of, todo, workers), "layouts"):
            judged.add(verdict)
    report(everything, judged.verdicts)
    if answers is not None and out is not None:
        scores = {each.place: judged.verdicts.get(each.name, {}) for each in everything}
        scores = {place: verdict.get("scores", []) for place, verdict in scores.items()}
        changed = rerank(answers, scores, out)
        print(f"{out}: {changed} of {len(everything)} answers are other hypotheses now")


def verdicts_path(folder: Path, answers: Path | None) -> Path:
    """Beside the answers, `NAME.judged.jsonl`; of records' own layouts, in their folder."""
    return folder / "layouts.jsonl" if answers is None else answers.with_suffix(".judged.jsonl")


def verdict_of(
    browser: Browser,
    folder: Path,
    name: str,
    record: Record,
    author: list[dict],
    layouts: list[PlacedLayout],
    digest: str,
) -> dict:
    """A line of the verdicts: the score of the first layout and its parts, `scores` of all."""
    start = {"id": name, "digest": digest}
    try:
        pixels = read_screenshot(folder, record)
        found = layout_likenesses(browser, record, author, pixels, layouts)
    except PageError as error:
        return {**start, "failed": str(error)}
    scores = [round(each.score, 4) for each in found]
    more = {"scores": scores} if len(scores) > 1 else {}
    return {**start, "score": scores[0], **found[0].rounded(), **more}


def _written(layouts: Sequence[PlacedLayout]) -> list:
    return [[print_layout(layout.forest), layout.nodes] for layout in layouts]


# --- for people -----------------------------------------------------------------------------------


def report(everything: Sequence[Judgeable], verdicts: dict[str, dict]) -> None:
    """The means with 95 % intervals, sites drawn whole, to standard output."""
    failed, found, sites = Counter(), [], []
    for each in everything:
        verdict = verdicts.get(each.name, {})
        if each.layouts and "score" in verdict:
            found.append(verdict)
            source = each.record.source if each.record else None
            sites.append(str((source or {}).get("site", each.name)))
        else:
            failed[each.failed or verdict.get("failed", "not judged")] += 1
    print(f"{len(found)} layouts judged, {sum(failed.values())} without a score")
    for reason, count in failed.most_common():
        print(f"  {count} without a score: {reason}")
    if not found:
        return
    table = ScoreTable(len(found), groups=sites)
    for name in ("score", "position", "size", "color", "structure", "edges"):
        table.add_mean(name, [verdict[name] for verdict in found])
        value, low, high = (table.scores[name][key] for key in ("value", "low", "high"))
        print(f"  {name:10} {value:.3f} [{low:.3f}, {high:.3f}]")


def explain_layout(folder: Path, answers: Path | None, name: str, out: Path) -> None:
    """Draws one: the screenshot, the layout as a page of our own, and what differs."""
    each = next((each for each in read_judgeable(folder, answers) if each.name == name), None)
    if each is None:
        raise BadUsage(f"--explain {name}: no such record in {answers or folder}")
    if each.record is None or not each.layouts:
        raise BadInput(f"{name}: {each.failed}")
    author = Authors(folder, optional=True).get(each.record.id) or []
    try:
        pixels = read_screenshot(folder, each.record)
        with Browser(page_seconds=PAGE_SECONDS) as browser:
            [shown] = render_layouts(browser, each.record, author, pixels, each.layouts[:1])
    except PageError as error:
        raise BadInput(f"{name}: {error}") from error
    likeness = compare_layout(pixels, shown.picture, shown.blocks)
    parts = likeness.rounded()
    try:
        sheet = side_by_side(
            pixels, shown.picture, shown.blocks, shown.names, likeness.score, parts
        )
        sheet.save(out)
    except (OSError, ValueError) as error:
        raise BadUsage(f"--out {out}: cannot write ({error})") from error
    print(f"{name}: {likeness.score:.3f} " + json.dumps(parts))
