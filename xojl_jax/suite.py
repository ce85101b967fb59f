"""Questions that are harder than a split's average: its groups, and changed inputs (X117).

A task says which groups its records are in (`Inference.groups`) and how inputs can be made harder
(`Inference.changes`). All records are answered once for the groups, and once for each change.
"""

import argparse
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from xojl_jax import restore
from xojl_jax.data.transforms import stack
from xojl_jax.errors import BadInput
from xojl_jax.restore import LoadedModel
from xojl_jax.tasks.base import Dataset, Inference

# Scores in the printed table, the first of `Inference.shown_metrics`; the report has all.
SHOWN = 4
ALL = "all records"

Report = dict[str, Any]
Predict = Callable[[dict[str, np.ndarray]], Any]


def evaluate(model: LoadedModel, dataset: Dataset, flags: argparse.Namespace) -> Report:
    """Scores of every split of the suite, ready for JSON.

    Returns:
      "splits": name -> view -> {"records", "scores"}, as `Inference.score` gives them; beside
      "data", "split" and "checkpoint".
    """
    inference = model.inference
    labeled = labeled_records(inference, dataset, flags.limit)
    numbers, references = list(labeled), list(labeled.values())
    predict = restore.predictor(model, inference.options(flags))
    answers = answer(inference, predict, dataset, numbers, flags)
    splits = {ALL: score(inference, answers, references)}
    for name, members in members_of_groups(inference, references).items():
        chosen = ([side[i] for i in members] for side in (answers, references))
        splits[name] = score(inference, *chosen)
    for name, change in inference.changes().items():
        changed = Changed(inference, dataset, numbers, change)
        answers = answer_inputs(inference, predict, changed, flags, len(numbers))
        if answers:
            asked = [labeled[number] for number in changed.numbers]
            splits[name] = score(inference, answers, asked)
    for path in flags.also:
        splits[Path(path).name] = evaluate_other(path, predict, flags)
    return {
        "checkpoint": model.metadata["checkpoint"],
        **inference.describe(dataset, flags),
        "splits": splits,
    }


def evaluate_other(path: str, predict: Predict, flags: argparse.Namespace) -> Report:
    """The scores of the same split of other shards."""
    inference = restore.load(flags.workdir, path, flags).inference
    dataset = inference.dataset(flags.split)
    labeled = labeled_records(inference, dataset, flags.limit)
    answers = answer(inference, predict, dataset, list(labeled), flags)
    return score(inference, answers, list(labeled.values()))


class Changed:
    """The changed inputs of some records, in order; `numbers` are those of the records that the
    change is possible for, once the iteration is over."""

    def __init__(self, inference: Inference, dataset: Dataset, numbers: Sequence[int], change):
        self._inference, self._dataset = inference, dataset
        self._asked, self._change = numbers, change
        self.numbers: list[int] = []

    def __iter__(self) -> Iterator[Any]:
        for number in self._asked:
            stored = self._inference.stored_inputs(self._dataset, number, str(number))
            if (inputs := self._change(stored)) is not None:
                self.numbers.append(number)
                yield inputs


def labeled_records(inference: Inference, dataset: Dataset, limit: int | None) -> dict[int, Any]:
    """The records that have a label by their number, at most `limit` of them at even distances:
    shards have the records of a site in a row.

    Raises:
      BadInput: none has.
    """
    references = inference.references(dataset, None)
    every = [n for n, reference in enumerate(references) if inference.is_labeled(reference)]
    if not every:
        raise BadInput(
            f"no record of the split has a {inference.label}: there is nothing to compare"
        )
    return {number: references[number] for number in evenly(every, limit)}


def evenly(numbers: Sequence[int], limit: int | None) -> list[int]:
    """At most `limit` of the numbers, at even distances; all of them for None or 0."""
    if not limit or limit >= len(numbers):
        return list(numbers)
    return [numbers[place * len(numbers) // limit] for place in range(limit)]


def answer(
    inference: Inference,
    predict: Predict,
    dataset: Dataset,
    numbers: Sequence[int],
    flags: argparse.Namespace,
) -> list[Any]:
    """The answers to some records of a data set, in order."""
    stored = (inference.stored_inputs(dataset, number, str(number)) for number in numbers)
    return answer_inputs(inference, predict, stored, flags, len(numbers))


def answer_inputs(
    inference: Inference,
    predict: Predict,
    inputs: Iterable[Any],
    flags: argparse.Namespace,
    total: int,
) -> list[Any]:
    """The answers to inputs, in order; a batch of them is in memory at a time.

    Args:
      predict: what `restore.predictor` gives.
      total: how many there are at most, for the progress that is shown.
    """
    options = inference.options(flags)
    answers: list[Any] = []
    shown = track(inputs, "predicting", total=total, console=Console(stderr=True))
    left = iter(shown)
    while sources := list(itertools.islice(left, flags.batch_size)):
        sources = [inference.fit_inputs(one) for one in sources]
        samples = [inference.featurize(one) for one in sources]
        samples += samples[:1] * (flags.batch_size - len(samples))  # one program for all batches
        answers += inference.decode(predict(stack(samples)), sources, options)
    return answers


def members_of_groups(inference: Inference, references: Sequence[Any]) -> dict[str, list[int]]:
    """ "KIND: GROUP" -> places of its members in `references`, kind after kind."""
    found: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, groups in enumerate(inference.groups(references)):
        for kind, group in groups.items():
            found[kind][group].append(place)
    return {
        f"{kind}: {group}": members
        for kind, groups in found.items()
        for group, members in sorted(groups.items())
    }


def score(inference: Inference, answers: Sequence[Any], references: Sequence[Any]) -> Report:
    """Records and scores by view, without what else the task reports."""
    reports = inference.score(answers, references)
    return {
        view: {"records": report["records"], "scores": report["scores"]}
        for view, report in reports.items()
    }


def show(report: Report, inference: Inference) -> None:
    """A table for each view, a row for each split."""
    views = report["splits"][ALL]
    metrics = list(inference.shown_metrics)[:SHOWN]
    for view in views:
        table = Table(
            title=f"{report['split']} split of {report['data']}, {view}",
            caption=f"95 % intervals over {inference.interval_unit} in brackets",
        )
        table.add_column("split")
        table.add_column("records", justify="right")
        for name in metrics:
            table.add_column(name, justify="right")
        for name, found in report["splits"].items():
            scores = found[view]["scores"]
            table.add_row(
                name, str(found[view]["records"]), *(cell(scores.get(m)) for m in metrics)
            )
        Console(width=max(Console().width, 140)).print(table)
    for remark in report.get("remarks", ()):
        print(remark)


def cell(score: Report | None) -> str:
    """A score and its interval, for a table."""
    if score is None or score["value"] is None:
        return "–"
    return f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"
