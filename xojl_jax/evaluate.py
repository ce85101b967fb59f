"""Evaluates a trained run: `python -m xojl_jax.evaluate --workdir=runs/stage4-tiny --split=test`.

Every metric comes with a 95 % interval, over sites where these are known, beside the same metric of
a baseline that needs no model.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from xojl_jax import command, compilation_cache, probe, restore, suite
from xojl_jax.data import loader
from xojl_jax.data.shards import NoSplit
from xojl_jax.engine import checkpoint_files
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.evaluation.drawing import stacked
from xojl_jax.restore import LoadedModel
from xojl_jax.tasks.base import Dataset, Inference


def main(argv: list[str]) -> None:
    """Reads the flags, then evaluates."""
    flags = parse(argv)
    compilation_cache.enable(flags.compilation_cache)
    model = restore.load(flags.workdir, flags.data, flags)
    inference = model.inference
    dataset = inference.dataset(flags.split)
    if flags.calibrate:
        calibrate(model, flags)
        return
    if flags.probe:
        report = probe.evaluate(model, flags)
        probe.show(report)
        save(report, flags.out or model.folder / f"probe-{flags.split}.json")
        return
    if flags.suite:
        report = suite.evaluate(model, dataset, flags)
        suite.show(report, inference)
        save(report, flags.out or model.folder / f"suite-{flags.split}.json")
        return
    references = inference.references(dataset, flags.limit)
    answers = predict_all(model, dataset, references, flags)
    out = Path(flags.out or model.folder / f"evaluation-{flags.split}.json")
    if flags.pictures:
        draw(inference, dataset, references, answers, flags.pictures, out.with_suffix(""))
    references, answers = labeled(inference, references, answers)
    report = describe(model, dataset, flags)
    report["views"] = inference.score(answers, references)
    try:
        report["baseline"] = inference.baseline(references, answers)
    except NoSplit as error:  # it is fitted to the training split
        report["baseline"] = None
        report["remarks"] = [*report.get("remarks", ()), f"without a baseline: {error}"]
    show(report, inference)
    save(report, out)


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m xojl_jax.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--workdir", required=True, help="a trained run, one checkpoint, or an exported model")
    add("--split", default="val", help="train, val (default) or test")
    add("--data", help="shards to use instead of the run's own")
    add("--out", help="JSON report (default: WORKDIR/evaluation-SPLIT.json)")
    add(
        "--limit",
        type=int,
        help="only the first records of the split; with --suite and --probe, so many of a split at "
        "even distances",
    )
    add("--batch-size", type=int, default=16, help="records a decode (default 16)")
    add(
        "--suite",
        action="store_true",
        help="how well harder questions are answered, side by side: groups of the records, and "
        "changed inputs (docs/suite.md)",
    )
    add(
        "--probe",
        metavar="KIND",
        help="how well a linear classifier tells groups of this kind apart by the model's vectors, "
        "fitted to the training split (docs/probe.md)",
    )
    add(
        "--also",
        nargs="*",
        default=[],
        metavar="SHARDS",
        help="with --suite, the same split of other shards, such as pages labeled by hand",
    )
    add(
        "--pictures",
        type=int,
        default=0,
        metavar="N",
        help="draw N records, taken at random: the label above the answer; beside the report",
    )
    add(
        "--calibrate",
        action="store_true",
        help="fit the probabilities of --confidence to this split, keep them in the checkpoint",
    )
    flags, _ = restore.parse_flags("evaluate", parser, argv)
    for name, least in (("limit", 1), ("batch_size", 1), ("pictures", 0)):
        value = getattr(flags, name)
        if value is not None and value < least:
            raise BadUsage(f"--{name.replace('_', '-')} is {value}: choose {least} or more")
    return flags


def calibrate(model: LoadedModel, flags: argparse.Namespace) -> None:
    """Keeps in the checkpoint what makes its probabilities true on a split.

    Raises:
      BadUsage: the task has no probabilities, or the model is an exported one, whose hashes would
        no longer be true.
    """
    if model.exported is not None:
        raise BadUsage(
            "--calibrate: calibrate the run, and export it again; or a smaller model while it is "
            "made, xojl_jax.compress --calibrate"
        )
    calibration = fit_calibration(model, flags)
    checkpoint = Path(model.metadata["checkpoint"])
    checkpoint_files.write_calibration(checkpoint, calibration)
    print(f"calibration kept in {checkpoint}: {json.dumps(calibration)}")


def fit_calibration(model: LoadedModel, flags: argparse.Namespace) -> dict[str, Any]:
    """What makes the model's probabilities true on a split, for `calibration.json`; prints how far
    from the truth they are on sites that a fit has not seen.

    Args:
      flags: as `parse` gives them, with --calibrate.

    Raises:
      BadUsage: the task has no probabilities.
    """
    dataset = model.inference.dataset(flags.split)
    calibration: dict[str, Any] = {}
    for settings in model.inference.to_calibrate(flags):
        references, answers = answered(model, dataset, settings)
        fitted = model.inference.calibrate(answers, references)
        if fitted is None:
            raise BadUsage("--calibrate: this task's answers have no probabilities")
        calibration |= fitted
        for view, found in model.inference.calibration_errors(answers, references).items():
            error, sites = found["expected_calibration_error"], found["sites"]
            told = "cannot be told of one site"
            if error is not None:
                told = f"is {error:.3f} ({sites} sites)"
            print(f"{view}: calibration error on sites that a fit left out, one by one, {told}")
    return calibration


def answered(
    model: LoadedModel, dataset: Dataset, flags: argparse.Namespace
) -> tuple[list[Any], list[Any]]:
    """The labeled references of a split, and the model's answers to them."""
    references = model.inference.references(dataset, flags.limit)
    answers = predict_all(model, dataset, references, flags)
    return labeled(model.inference, references, answers)


def predict_all(
    model: LoadedModel, dataset: Dataset, references: list[Any], flags: argparse.Namespace
) -> list[Any]:
    """The answers to the first records of a data set, in order: one for each reference."""
    options = model.inference.options(flags)
    predict = restore.predictor(model, options)
    size = min(flags.batch_size, len(references))
    answers: list[Any] = []
    batches = loader.one_epoch(dataset, batch_size=size, limit=len(references))
    with batches:
        steps = -(-len(references) // size)
        console = Console(stderr=True)
        for batch, valid in track(batches, "predicting", total=steps, console=console):
            sources = references[len(answers) : len(answers) + int(valid.sum())]
            answers += model.inference.decode(predict(batch), sources, options)
    return answers


def labeled(
    inference: Inference, references: list[Any], answers: list[Any]
) -> tuple[list[Any], list[Any]]:
    """Those references that have a label to compare with, and their answers."""
    pairs = zip(references, answers, strict=True)
    kept = [(r, a) for r, a in pairs if inference.is_labeled(r)]
    if not kept:
        raise BadInput(
            f"no record of the split has a {inference.label}: there is nothing to compare"
        )
    if len(kept) < len(references):
        print(f"{len(references) - len(kept)} records without a {inference.label} are not scored")
    return [reference for reference, _ in kept], [answer for _, answer in kept]


def draw(
    inference: Inference,
    dataset: Dataset,
    references: list[Any],
    answers: list[Any],
    count: int,
    folder: Path,
) -> None:
    """Writes pictures of a few records, the same at each call; says where, or what they need."""
    able = [n for n, reference in enumerate(references) if inference.is_labeled(reference)]
    chosen = np.random.default_rng(0).permutation(able)[:count]
    drawn = 0
    for number in sorted(map(int, chosen)):
        inputs = inference.stored_inputs(dataset, number, str(number))
        pictures = {
            inference.label: inference.draw_reference(inputs, references[number]),
            "answer": inference.draw(inputs, answers[number]),
        }
        if all(pictures.values()):
            folder.mkdir(parents=True, exist_ok=True)
            stacked(pictures).save(folder / f"{number}.png")
            drawn += 1
    print(f"{drawn} pictures in {folder}")
    if drawn < len(chosen):
        print(f"{len(chosen) - drawn} not drawn: it takes {inference.picture_needs}")


def describe(model: LoadedModel, dataset: Dataset, flags: argparse.Namespace) -> dict[str, Any]:
    """What was evaluated on what; records that are too large for the model are not hidden."""
    return {
        "checkpoint": model.metadata["checkpoint"],
        "weights": model.metadata["weights"],
        **model.inference.describe(dataset, flags),
    }


def show(report: dict[str, Any], inference: Inference) -> None:
    """A table of the views beside the baseline."""
    reports, records = inference.columns(report)
    left_out = report["records_too_large"]
    table = Table(
        title=f"{report['split']} split of {report['data']}: {records} records"
        + (f", {left_out} too large for the model left out" if left_out else ""),
        caption=f"95 % intervals over {inference.interval_unit} in brackets",
    )
    table.add_column("metric")
    for name in reports:
        table.add_column(name, justify="right")
    for name, meaning in inference.shown_metrics.items():
        scores = [column["scores"].get(name) for column in reports.values()]
        if any(scores):
            table.add_row(meaning, *map(suite.cell, scores))
    Console(width=max(Console().width, 120)).print(table)
    for remark in report.get("remarks", ()):
        print(remark)


def save(report: dict[str, Any], path: str | Path) -> None:
    try:
        Path(path).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadUsage(f"--out: {path} cannot be written ({error.strerror})") from error
    print(f"report written to {path}")


if __name__ == "__main__":
    command.run(main)
