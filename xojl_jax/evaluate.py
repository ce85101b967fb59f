"""Evaluates a trained run: `python -m xojl_jax.evaluate --workdir=runs/stage4-tiny --split=test`.

Every metric comes with a 95 % interval over records, beside the same metric of a baseline that
knows nothing but tags.
"""

import argparse
import json
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from xojl_jax import command, restore
from xojl_jax.data import loader
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.restore import Trained
from xojl_jax.tasks.layout import metrics
from xojl_jax.tasks.layout.answer import Answer, read_answers
from xojl_jax.tasks.layout.baseline import TagBaseline
from xojl_jax.tasks.layout.dataset import LayoutDataset
from xojl_jax.xojl.record import Record

EPILOG = """
examples:
  python -m xojl_jax.evaluate --workdir=runs/stage4-tiny
  python -m xojl_jax.evaluate --workdir=runs/stage4-tiny --split=test --out=report.json
  python -m xojl_jax.evaluate --workdir=runs/stage4-tiny --data=SHARDS --method=beam
"""
# The scores in the printed table, with what they say.
SHOWN = {
    "element_micro_f1": "F1 of the elements of a section, as a bag",
    "element_macro_f1": "… averaged over the kinds of element",
    "aligned_micro_f1": "F1 of elements on the right HTML node",
    "tree_distance": "tree edit distance / size of the larger tree (lower is better)",
    "bleu": "BLEU of the layout tags",
    "exact_match_semantic": "layouts with every element right",
    "valid": "answers that parse",
    "completed": "answers that end within their length",
}


def main(argv: list[str]) -> None:
    """Reads the flags, then evaluates."""
    flags = parse(argv)
    run = restore.load(flags.workdir, flags.data, flags.image_size)
    dataset = run.task.dataset(flags.split)
    records = load_records(dataset, flags.limit)
    answers = predict_all(run, dataset, records, flags)
    records, answers = labelled(records, answers)
    report = describe(run, flags, len(dataset.source), len(dataset))
    report["views"] = {view: score(records, answers, view) for view in answers[0]}
    report["baseline"] = score_baseline(run, records)
    show(report)
    save(report, flags.out or default_output(flags, run))


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m xojl_jax.evaluate",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--workdir", required=True, help="a run of stage 4, or one checkpoint")
    parser.add_argument("--split", default="val", help="train, val (default) or test")
    parser.add_argument("--data", help="shards to use instead of the run's own")
    parser.add_argument("--out", help="JSON report (default: WORKDIR/evaluation-SPLIT.json)")
    parser.add_argument("--limit", type=int, help="only the first records of the split")
    parser.add_argument("--batch-size", type=int, default=16, help="records a decode (default 16)")
    restore.add_image_size(parser)
    parser.add_argument("--mode", default="dual", choices=("dual", "semantic", "detail"))
    parser.add_argument("--method", default="greedy", choices=("greedy", "beam"))
    parser.add_argument("--beam", type=int, default=4, help="hypotheses of a beam (default 4)")
    flags = parser.parse_args(argv)
    for name in ("limit", "batch_size", "beam"):
        value = getattr(flags, name)
        if value is not None and value < 1:
            raise BadUsage(f"--{name.replace('_', '-')} is {value}: choose 1 or more")
    return flags


def load_records(dataset: LayoutDataset, limit: int | None) -> list[Record]:
    return [dataset.record(i) for i in range(min(limit or len(dataset), len(dataset)))]


def predict_all(
    run: Trained, dataset: LayoutDataset, records: list[Record], flags: argparse.Namespace
) -> list[dict[str, Answer]]:
    """The answers to every record, in order."""
    predict = restore.predictor(run, mode=flags.mode, method=flags.method, beam=flags.beam)
    size = min(flags.batch_size, len(records))
    answers: list[dict[str, Answer]] = []
    batches = loader.one_epoch(dataset, batch_size=size, limit=len(records))
    with batches:
        steps = -(-len(records) // size)
        console = Console(stderr=True)
        for batch, valid in track(batches, "predicting", total=steps, console=console):
            here = records[len(answers) : len(answers) + int(valid.sum())]
            htmls = [record.html for record in here]
            answers += read_answers(predict(batch), htmls, run.task.vocabulary, flags.mode)
    return answers


def labelled(
    records: list[Record], answers: list[dict[str, Answer]]
) -> tuple[list[Record], list[dict[str, Answer]]]:
    """Those records that have a layout to compare with, and their answers."""
    kept = [(r, a) for r, a in zip(records, answers, strict=True) if r.layout is not None]
    if not kept:
        raise BadInput("no record of the split has a section_layout: there is nothing to compare")
    if len(kept) < len(records):
        print(f"{len(records) - len(kept)} records without a section_layout are not scored")
    return [record for record, _ in kept], [answer for _, answer in kept]


def score(records: list[Record], answers: list[dict[str, Answer]], view: str) -> dict:
    """All metrics of one view. The semantic view points at no nodes: nothing to align there."""
    aligned = view == "detail"
    return metrics.evaluate(
        [
            metrics.Result(
                answer[view].layout,
                record.layout,
                answer[view].nodes if aligned else None,
                record.alignment() if aligned else None,
                answer[view].completed,
            )
            for record, answer in zip(records, answers, strict=True)
        ]
    )


def score_baseline(run: Trained, records: list[Record]) -> dict:
    """The same metrics of the most frequent label per tag, counted on the training split."""
    train = run.task.dataset("train")
    baseline = TagBaseline.fit(train.record(i) for i in range(len(train)))
    guesses = [baseline.predict(record.html) for record in records]
    return metrics.evaluate(
        [
            metrics.Result(guess.forest, record.layout, guess.nodes, record.alignment())
            for guess, record in zip(guesses, records, strict=True)
        ]
    )


def describe(run: Trained, flags: argparse.Namespace, stored: int, usable: int) -> dict:
    """What was evaluated on what; records that are too large for the model are not hidden."""
    return {
        "checkpoint": run.metadata["checkpoint"],
        "weights": run.metadata["weights"],
        "data": str(run.task.folder),
        "split": flags.split,
        "records_in_split": stored,
        "records_too_large": stored - usable,
        "method": flags.method if flags.method == "greedy" else f"beam {flags.beam}",
    }


def show(report: dict) -> None:
    """A table of the views beside the baseline."""
    columns = {**report["views"], "tags only": report["baseline"]}
    records = report["baseline"]["records"]
    left_out = report["records_too_large"]
    table = Table(
        title=f"{report['split']} split of {report['data']}: {records} records"
        + (f", {left_out} too large for the model left out" if left_out else ""),
        caption="95 % intervals over records in brackets",
    )
    table.add_column("metric")
    for name in columns:
        table.add_column(name, justify="right")
    for name, meaning in SHOWN.items():
        table.add_row(meaning, *(_cell(column["scores"].get(name)) for column in columns.values()))
    Console(width=max(Console().width, 120)).print(table)


def _cell(score: dict | None) -> str:
    if score is None or score["value"] is None:
        return "–"
    return f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"


def default_output(flags: argparse.Namespace, run: Trained) -> Path:
    return run.folder / f"evaluation-{flags.split}.json"


def save(report: dict, path: str | Path) -> None:
    try:
        Path(path).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadUsage(f"--out: {path} cannot be written ({error.strerror})") from error
    print(f"report written to {path}")


if __name__ == "__main__":
    command.run(main)
