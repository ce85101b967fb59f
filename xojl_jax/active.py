"""Which records to read next: `python -m xojl_jax.active --workdir=RUN --records=DIR --out=FILE`.

Reading a record by eye teaches most where the model is unsure or contradicts the label that the
record has (Settles 2009), and where nothing alike was read just before. So each record is worth the
mean of 1 - confidence and, where it has a label, 1 - agreement with it; and the list takes, again
and again, the record whose worth times its distance to the nearest one taken is largest (maximal
marginal relevance, Carbonell and Goldstein 1998). Distances are of the words that the task knows of
an input, such as the tags of its tree.

The answers are kept beside the list, in FILE with .answers.jsonl at its end: what was interrupted
goes on where it was, and the next list costs no predictions.
"""

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xojl_jax import command, predict, predict_records, restore
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.files import replacing
from xojl_jax.tasks.base import Inference


def main(argv: list[str]) -> int:
    """Answers the records, then ranks them. Returns 1 where some records were bad."""
    flags, inference = parse(argv)
    out, flags.out = Path(flags.out), f"{flags.out}.answers.jsonl"
    code = predict_records.run(flags, inference)
    lines = [json.loads(line) for line in Path(flags.out).read_text("utf-8").splitlines()]
    answers = {line["record"]: line for line in lines if "error" not in line}
    if not answers:
        raise BadInput(f"{flags.records}: every record is bad, {flags.out} says why")
    words = words_of_records(flags, set(answers))
    names = list(words)  # answers may be left of records that are gone
    worths = [worth(answers[name]) for name in names]
    similar = vectors([words[name] for name in names])
    chosen = rank([told["worth"] for told in worths], similar, flags.count)
    with replacing(out) as path, path.open("w", encoding="utf-8") as stream:
        for index, nearest in chosen:
            told = {"record": names[index], **worths[index], "nearest": nearest}
            stream.write(json.dumps(told, ensure_ascii=False) + "\n")
    print(f"{out}: {len(chosen)} of {len(names)} records to read, the first first", file=sys.stderr)
    return code


def parse(argv: list[str]) -> tuple[argparse.Namespace, type[Inference]]:
    """The flags, those of `predict` among them, and how the run's task answers."""
    parser = argparse.ArgumentParser(
        prog="python -m xojl_jax.active",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="All other flags are those of: python -m xojl_jax.predict --records",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--workdir", help="a trained run, one checkpoint, or an exported model (default: ours)")
    add("--records", metavar="DIR", required=True, help="a folder of records, labeled or not")
    add("--out", metavar="FILE", required=True, help="the list, a line of JSON a record")
    add("--count", type=int, default=100, help="records to list (default 100)")
    own, rest = parser.parse_known_args(argv)
    if own.count < 1:
        raise BadUsage(f"--count is {own.count}: choose 1 or more")
    rest += [f"--records={own.records}", f"--out={own.out}", "--confidence"]
    rest += [f"--workdir={own.workdir}"] if own.workdir else []
    flags, inference = predict.parse(rest)
    flags.count = own.count
    return flags, inference


def worth(line: dict[str, Any]) -> dict[str, float | None]:
    """What reading a record is worth, from the line of its answer: "worth" in [0, 1], and its parts
    "unsure" and "disagreement", the latter None for a record without a label. An answer without a
    single node is as unsure as can be."""
    views = line.get("views", {"": line}).values()
    nodes = [p for view in views for p in view.get("confidence") or ()]
    unsure = 1 - math.fsum(nodes) / len(nodes) if nodes else 1.0
    agreement = line.get("label_agreement")
    parts = [unsure] if agreement is None else [unsure, 1 - agreement]
    told = {"worth": sum(parts) / len(parts), "unsure": unsure}
    rounded = {name: round(value, 4) for name, value in told.items()}
    return rounded | {"disagreement": None if agreement is None else round(1 - agreement, 4)}


def words_of_records(flags: argparse.Namespace, names: set[str]) -> dict[str, Counter[str]]:
    """By record the words that the task knows of its input, and how often each occurs."""
    inference = restore.load(flags.workdir, flags.data, flags).inference
    return {
        name: Counter(_words(inference.input_features(read())))
        for name, read in inference.read_records(Path(flags.records))
        if name in names
    }


def _words(features: dict[str, Any]) -> Iterator[str]:
    for name, value in features.items():
        if isinstance(value, list):
            yield from (f"{name} {word}" for word in value)


def vectors(bags: Sequence[Counter[str]]) -> np.ndarray:
    """float32[n, words]: logarithmic counts times inverse document frequency, of length 1; 0 for an
    empty bag."""
    columns = {word: at for at, word in enumerate(sorted(set().union(*bags)))}
    x = np.zeros((len(bags), len(columns)), np.float32)
    for row, bag in zip(x, bags, strict=True):
        for word, count in bag.items():
            row[columns[word]] = math.log1p(count)
    x *= np.log((1 + len(bags)) / (1 + (x > 0).sum(0))) + 1
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)


def rank(worths: Sequence[float], x: np.ndarray, count: int) -> list[tuple[int, float]]:
    """The records to read, best first: (index, similarity in [0, 1] to the nearest before it).

    Args:
      worths: of each record, in [0, 1].
      x: float32[n, words], a vector of length 1 for each.
    """
    left, nearest = np.asarray(worths, np.float64), np.zeros(len(worths))
    taken = np.zeros(len(worths), bool)
    chosen: list[tuple[int, float]] = []
    while len(chosen) < min(count, len(worths)):
        # Of records that are all alike the most worth comes first.
        order = np.lexsort((left, np.where(taken, -1, left * (1 - nearest))))
        best = int(order[-1])
        chosen.append((best, round(float(nearest[best]), 4)))
        taken[best] = True
        nearest = np.maximum(nearest, np.clip(x @ x[best], 0, 1))
    return chosen


if __name__ == "__main__":
    command.run(main)
