"""Answers to a folder of records: a line of JSON each, in batches, resumable.

A bad record has a line, too, with its error: every record of the folder has exactly one.
"""

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from xojl_jax import compilation_cache, restore
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.restore import LoadedModel
from xojl_jax.tasks.base import Inference, Sample


class Item(NamedTuple):
    """A record that was read: its inputs and their arrays, or what is wrong with it."""

    name: str
    inputs: Any = None
    sample: Sample | None = None
    error: str = ""


def run(flags: argparse.Namespace, inference: type[Inference]) -> int:
    """Answers all records of `flags.records`; returns 1 if some were bad, else 0."""
    folder = Path(flags.records)
    total = inference.count_records(folder)
    records = inference.read_records(folder)
    first = next(records, None)  # a folder that holds none is refused before a model is loaded
    if first is None:
        raise BadInput(f"{folder} holds no records")
    compilation_cache.enable(flags.compilation_cache)
    model = restore.load(flags.workdir, flags.data, flags)
    return write_answers(model, flags, itertools.chain([first], records), total)


def write_answers(
    model: LoadedModel,
    flags: argparse.Namespace,
    records: Iterable[tuple[str, Callable[[], Any]]],
    total: int,
) -> int:
    """Answers records, `total` of them, to which `flags.out` has no answers yet; returns 1 if some
    were bad, else 0."""
    out = Path(flags.out)
    about = {"model": name_of(model), "options": model.inference.options(flags)}
    done, bad = read_done(out, about)
    left = ((name, read) for name, read in records if name not in done)
    began, count = time.monotonic(), 0
    with out.open("ab") as stream, _progress() as progress:
        bar = progress.add_task("predicting", total=total, completed=len(done))
        for items, lines in answer_all(model, flags, left, about):
            for line in lines:
                stream.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
            count += len(items)
            bad += sum(bool(item.error) for item in items)
            progress.update(bar, advance=len(items))
    seconds = time.monotonic() - began
    print(
        f"{out}: {len(done) + count} records, {bad} of them bad"
        + (f", {len(done)} were there already" if done else "")
        + f"; {count} in {seconds:.1f} s, {count / max(seconds, 1e-9):.2f} records/s",
        file=sys.stderr,
    )
    return 1 if bad else 0


def name_of(model: LoadedModel) -> str:
    """What a line says of the model that answered."""
    step = Path(model.metadata["checkpoint"]).name
    return model.metadata.get("version", f"{model.task.run_name()}-{step}")


def read_done(out: Path, about: dict[str, Any]) -> tuple[set[str], int]:
    """Names of the records that the file has answers to, and how many of them are bad.

    A line that a killed run left unfinished is cut off.

    Raises:
      BadUsage: the file is not of this model and these options, or cannot be written.
    """
    done, bad, whole = set(), 0, 0
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.open("ab").close()
        with out.open("rb") as stream:
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                told = json.loads(line)
                if {name: told[name] for name in about} != about:
                    raise BadUsage(
                        f"--out: {out} holds answers of {told['model']} {told['options']}, these "
                        f"are of {about['model']} {about['options']}: name another file"
                    )
                done.add(told["record"])
                bad += "error" in told
                whole += len(line)
        with out.open("r+b") as stream:
            stream.truncate(whole)
    except OSError as error:
        raise BadUsage(f"--out: {out} cannot be written ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadUsage(f"--out: {out} is no file of ours ({error}): name another") from error
    return done, bad


def answer_all(
    model: LoadedModel,
    flags: argparse.Namespace,
    records: Iterator[tuple[str, Callable[[], Any]]],
    about: dict[str, Any],
) -> Iterator[tuple[list[Item], list[dict[str, Any]]]]:
    """(items, a line for each) by batch. While one is predicted, the next one is read."""
    inference, options, rows = model.inference, about["options"], flags.batch_size
    predict = restore.predictor(model, options)
    key = jax.random.key(flags.seed)

    def read_next() -> list[Item]:
        return [_read(inference, *pair) for pair in itertools.islice(records, rows)]

    with ThreadPoolExecutor(1) as reader:
        reading = reader.submit(read_next)
        while items := reading.result():
            reading = reader.submit(read_next)
            sound = [item for item in items if not item.error]
            answers = iter(())
            if sound:
                padded = [sound[min(row, len(sound) - 1)].sample for row in range(rows)]
                batch = {name: np.stack([s[name] for s in padded]) for name in padded[0]}
                sources = [item.inputs for item in sound]
                prediction = predict(batch, jax.random.fold_in(key, _number(items)))
                answers = iter(inference.decode(prediction, sources, options))
            yield items, [_line(inference, item, answers, about) for item in items]


def _number(items: list[Item]) -> int:
    """What is drawn at random depends on the records, and not on where a run was interrupted."""
    return sum(map(ord, items[0].name))


def _read(inference: Inference, name: str, read: Callable[[], Any]) -> Item:
    try:
        inputs = inference.fit_inputs(read())
        return Item(name, inputs, inference.featurize(inputs))
    except BadInput as error:
        return Item(name, error=str(error))


def _line(inference: Inference, item: Item, answers: Iterator[Any], about) -> dict[str, Any]:
    told = {"record": item.name, **about}
    if item.error:
        return {**told, "error": item.error}
    return {**told, **inference.to_values(item.inputs, next(answers))}


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description} {task.completed}/{task.total}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
