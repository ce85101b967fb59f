"""`evaluate --probe`: what a model's vectors tell, by a linear classifier on them (R040).

The labels are groups of one kind that the task's records are in (`Inference.groups`). Beside the
model are the same model before training, and the most frequent label.
"""

import argparse
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from xojl_jax import suite
from xojl_jax.data import loader
from xojl_jax.engine import sharding, state
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.evaluation import linear_probe
from xojl_jax.evaluation.bootstrap import ScoreTable
from xojl_jax.restore import LoadedModel
from xojl_jax.tasks.base import Dataset, Inference

Report = dict[str, Any]
Hits = dict[str, np.ndarray]  # float64[records] by score

TRAIN = "train"
TOP = 5  # the scores are of the first guess, and of the first five
# One of so many units of the training split chooses the penalty.
HELD_OUT = 5


class Labeled(NamedTuple):
    """Records that have a label.

    Attributes:
      numbers: of the records in their data set.
      labels: of each.
      units: of each what intervals draw whole.
    """

    numbers: list[int]
    labels: list[str]
    units: list[str]


def evaluate(model: LoadedModel, flags: argparse.Namespace) -> Report:
    """Scores of the probes, ready for JSON.

    Returns:
      "probes": row -> {"scores", "penalty"}; "classes", name -> records of the training split;
      "records_in_training", "records"; "labels", the kind; beside "data", "split", "checkpoint".

    Raises:
      BadUsage: the split is the training split, or no record has such a label.
    """
    inference = model.inference
    if flags.split == TRAIN:
        raise BadUsage("--probe fits to the training split: choose --split=val or test")
    splits = {name: inference.dataset(name) for name in (TRAIN, flags.split)}
    found = {name: labeled_records(inference, dataset, flags) for name, dataset in splits.items()}
    train, test = found[TRAIN], found[flags.split]
    names = sorted(set(train.labels))
    if len(names) < 2:
        raise BadInput(f"--probe {flags.probe}: all records of the training split are {names[0]!r}")
    known = [label in names for label in test.labels]
    test = Labeled(*([x for x, keep in zip(part, known, strict=True) if keep] for part in test))
    number = {name: i for i, name in enumerate(names)}
    labels, truths = (np.array([number[label] for label in side.labels]) for side in (train, test))
    _, unit = np.unique(train.units, return_inverse=True)
    held_out = unit % HELD_OUT == 0
    guesses = np.tile(np.bincount(labels), (len(truths), 1))
    probes = {"most frequent": table(hits_of(guesses, truths), test.units)}
    hits_of_vector: dict[str, dict[str, Hits]] = {}
    compute = jax.jit(inference.vectors)
    untrained = initial_params(model)
    for title, params in (("the model", model.params), ("before training", untrained)):
        vectors = {
            split: vectors_of(compute, params, splits[split], records.numbers, flags)
            for split, records in ((TRAIN, train), (flags.split, test))
        }
        for name in vectors[TRAIN]:
            probe, penalty = linear_probe.fit_best(
                vectors[TRAIN][name], labels, len(names), held_out
            )
            hits = hits_of(probe.scores(vectors[flags.split][name]), truths)
            hits_of_vector.setdefault(name, {})[title] = hits
            probes[f"{title}: {name}"] = table(hits, test.units) | {"penalty": penalty}
    for name, by_title in hits_of_vector.items():
        # On the same records: what is hard for both is no difference.
        trained, before = by_title.values()
        gain = {top: trained[top] - before[top] for top in trained}
        probes[f"gained: {name}"] = table(gain, test.units)
    return {
        "checkpoint": model.metadata["checkpoint"],
        **inference.describe(splits[flags.split], flags),
        "labels": flags.probe,
        "classes": {name: train.labels.count(name) for name in names},
        "records_in_training": len(train.numbers),
        "records": len(test.numbers),
        "records_of_unknown_classes": known.count(False),
        "probes": probes,
    }


def labeled_records(inference: Inference, dataset: Dataset, flags: argparse.Namespace) -> Labeled:
    """Those of a split that are in a group of the kind `flags.probe`."""
    references = inference.references(dataset, None)
    groups = inference.groups(references)
    units = inference.units(references) or [str(number) for number in range(len(references))]
    numbers = [n for n, group in enumerate(groups) if flags.probe in group]
    if not numbers:
        kinds = sorted(set().union(*groups)) or ["none"]
        raise BadUsage(
            f"--probe {flags.probe}: no record is in a group of that kind; these have "
            f"{', '.join(kinds)}"
        )
    numbers = suite.evenly(numbers, flags.limit)
    return Labeled(numbers, [groups[n][flags.probe] for n in numbers], [units[n] for n in numbers])


def initial_params(model: LoadedModel) -> Any:
    """The parameters that the run began with, had it begun from scratch."""
    seed = model.task.config.seed
    init = jax.jit(lambda: sharding.unbox(model.task.init(state.stream(seed, state.INIT_STREAM))))
    return init()


def vectors_of(
    compute: Callable[[Any, dict[str, np.ndarray]], dict[str, jax.Array]],
    params: Any,
    dataset: Dataset,
    numbers: list[int],
    flags: argparse.Namespace,
) -> dict[str, np.ndarray]:
    """float[N, D] by name, of some records of a data set, in order.

    Args:
      compute: `Inference.vectors`, compiled.
    """
    found: dict[str, list[np.ndarray]] = {}
    size = min(flags.batch_size, len(numbers))
    with loader.one_epoch(Chosen(dataset, numbers), batch_size=size) as batches:
        total = -(-len(numbers) // size)
        for batch, valid in track(batches, "vectors", total=total, console=Console(stderr=True)):
            for name, rows in jax.device_get(compute(params, batch)).items():
                found.setdefault(name, []).append(rows[valid])
    return {name: np.concatenate(parts) for name, parts in found.items()}


class Chosen:
    """Some samples of a data set, in order."""

    def __init__(self, dataset: Dataset, numbers: list[int]):
        self._dataset, self._numbers = dataset, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return self._dataset[self._numbers[index]]


def hits_of(scores: np.ndarray, truths: np.ndarray) -> Hits:
    """Whether the label is the first guess, and among the first five where there are more."""
    return {
        f"top_{k}": linear_probe.in_top(scores, truths, k).astype(float)
        for k in (1, TOP)
        if k < scores.shape[1]
    }


def table(hits: Hits, units: list[str]) -> Report:
    """The means over records, with intervals."""
    found = ScoreTable(len(units), groups=units)
    for name, values in hits.items():
        found.add_mean(name, list(values))
    return {"scores": found.scores}


def show(report: Report) -> None:
    """A table, a row for each probe."""
    scores = list(next(iter(report["probes"].values()))["scores"])
    shown = Table(
        title=f"{report['labels']} of {report['records']} records of the {report['split']} split, "
        f"{len(report['classes'])} classes, by a linear probe fitted to "
        f"{report['records_in_training']} records of the training split",
        caption="95 % intervals in brackets",
    )
    shown.add_column("vectors")
    for name in scores:
        shown.add_column(name.replace("_", "-"), justify="right")
    for title, probe in report["probes"].items():
        shown.add_row(title, *(suite.cell(probe["scores"].get(name)) for name in scores))
    Console(width=max(Console().width, 100)).print(shown)
