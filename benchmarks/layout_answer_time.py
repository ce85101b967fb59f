"""What an answer to one section takes by each way to answer: token by token, and by labeled nodes.

  python -m benchmarks.layout_answer_time
  python -m benchmarks.layout_answer_time --workdir=runs/mine --data=SHARDS --sections=64

From arrays to a layout, one section at a time, everything compiled before. The ways take turns, so
that other work on the machine meets them alike; processor time is that of all threads.
"""

import argparse
import statistics
import time

import jax
import numpy as np

from benchmarks.buckets import describe_machine
from xojl_jax import command, evaluate, restore, shipped

METHODS = ("greedy", "nodes", "beam")


def main(argv: list[str]) -> None:
    flags = parse(argv)
    workdir = flags.workdir or shipped.use("--workdir")
    arguments = [f"--workdir={workdir}", f"--split={flags.split}", "--mode=detail"]
    settings = evaluate.parse(arguments)
    model = restore.load(workdir, flags.data, settings)
    dataset = model.inference.dataset(flags.split)
    count = min(flags.sections, len(dataset))
    ways = {name: {"mode": "detail", "method": name, "beam": 4} for name in METHODS}
    predictors = {name: restore.predictor(model, options) for name, options in ways.items()}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in METHODS}
    for number in range(-1, count):
        index = max(number, 0)
        batch = {name: np.asarray(array)[None] for name, array in dataset[index].items()}
        for name, options in ways.items():
            start, used = time.perf_counter(), time.process_time()
            prediction = predictors[name](batch, jax.random.key(0))
            model.inference.decode(prediction, [dataset.record(index)], options)
            spent = time.perf_counter() - start, time.process_time() - used
            if number >= 0:  # the first one of all compiles
                seconds[name].append(spent)
    print(f"{describe_machine()}; {workdir}, {count} sections")
    for name in METHODS:
        clock, used = (
            1e3 * statistics.median(column) for column in zip(*seconds[name], strict=True)
        )
        print(f"{name:8s} median {clock:8.1f} ms a section, processor {used:8.1f} ms", flush=True)


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.layout_answer_time",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--workdir", help="a run of stage 4 or an exported model (default: ours)")
    parser.add_argument("--data", help="shards instead of the run's own")
    parser.add_argument("--split", default="test", help="default test")
    parser.add_argument("--sections", type=int, default=32, help="default 32")
    return parser.parse_args(argv)


if __name__ == "__main__":
    command.run(main)
