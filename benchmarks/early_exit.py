"""What early exits (X095, X101) save and cost: one run, answered with several thresholds.

  python -m xojl_jax.train --config=configs/stage4.py:tiny --config.model.exit_at=0.85 \\
      --config.model.decoder_layers=6 --workdir=RUN
  python -m benchmarks.early_exit --workdir=RUN --data=SHARDS

Answers one section at a time, as the service does for one person: layers are left out where all
rows of a batch are sure. Thresholds take turns, so that other work on the machine meets them
alike; everything is compiled before. A threshold of 1 runs all layers.
"""

import argparse
import statistics
import time

import jax
import numpy as np
from ml_collections import ConfigDict

from benchmarks import ledger_layout
from benchmarks.buckets import describe_machine
from xojl_jax import command, evaluate, restore, suite, tasks
from xojl_jax.errors import BadUsage

OPTIONS = {"mode": "detail", "method": "greedy"}


def main(argv: list[str]) -> None:
    flags = parse(argv)
    settings = evaluate.parse([f"--workdir={flags.workdir}", "--mode=detail"])
    trained = restore.load(flags.workdir, flags.data, settings)
    if not trained.metadata["config"]["model"]["exit_at"]:
        raise BadUsage(f"{flags.workdir} was trained without exits (config.model.exit_at)")
    models = {at: with_threshold(trained, at, flags.data) for at in (1.0, *flags.thresholds)}
    predictors = {at: restore.predictor(model, OPTIONS) for at, model in models.items()}
    dataset = trained.inference.dataset(flags.split)
    numbers = suite.evenly(range(len(dataset)), flags.sections)
    answers: dict[float, list] = {at: [] for at in models}
    seconds: dict[float, list[tuple[float, float]]] = {at: [] for at in models}
    for index in (numbers[0], *numbers):  # the first one of all compiles
        batch = {name: np.asarray(array)[None] for name, array in dataset[index].items()}
        for at, predict in predictors.items():
            start, used = time.perf_counter(), time.process_time()
            prediction = predict(batch, jax.random.key(0))
            seconds[at].append((time.perf_counter() - start, time.process_time() - used))
            answers[at] += trained.inference.decode(prediction, [dataset.record(index)], OPTIONS)
    print(f"{describe_machine()}; {flags.workdir}, {len(numbers)} sections, one at a time")
    for at in models:
        found = ledger_layout.counts(trained.inference, dataset, numbers, answers[at][1:])
        score = ledger_layout.f1(np.array(found["aligned"]).sum(0))
        clock, used = (
            1e3 * statistics.mean(column) for column in zip(*seconds[at][1:], strict=True)
        )
        print(
            f"threshold {at:.2f}  F1 {float(score):.3f}  {clock:7.1f} ms a section, "
            f"processor {used:7.1f} ms",
            flush=True,
        )


def with_threshold(
    trained: restore.LoadedModel, at: float, data: str | None
) -> restore.LoadedModel:
    """The same parameters, leaving later layers out where an earlier one is surer than `at`."""
    config = ConfigDict(trained.metadata["config"])
    config.model.exit_at = at
    if data is not None:
        config.data.path = data
    task = tasks.make(config, trained.metadata["task"])
    return trained._replace(task=task, inference=task.inference(None))


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.early_exit",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--workdir", required=True, help="a run of stage 4 with exits")
    parser.add_argument("--data", help="shards instead of the run's own")
    parser.add_argument("--split", default="test", help="default test")
    parser.add_argument("--sections", type=int, default=64, help="default 64")
    parser.add_argument(
        "--thresholds", type=float, nargs="+", default=[0.95, 0.85, 0.7, 0.5], metavar="SHARE"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    command.run(main)
