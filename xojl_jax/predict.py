"""Predicts with a trained run: `python -m xojl_jax.predict --workdir=RUN --sample=0`.

Without --workdir the model in the box answers. Standard output holds the answer's JSON and nothing
else. A picture of the answer goes to RUN/predictions/. With --records, the answers to a whole
folder go to a file, a line each; what was interrupted goes on where it was.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import jax

from xojl_jax import command, compilation_cache, predict_records, restore, shipped
from xojl_jax.errors import BadUsage
from xojl_jax.restore import LoadedModel
from xojl_jax.tasks.base import Inference


def main(argv: list[str]) -> int:
    """Reads the flags, then predicts. Returns 1 where some records of a folder were bad."""
    flags, inference = parse(argv)
    if page := inference.page_to_capture(flags):
        return predict_page(page, flags, inference)
    if flags.records:
        return predict_records.run(flags, inference)
    files = inference.read_inputs(flags) if flags.sample is None else None
    compilation_cache.enable(flags.compilation_cache)
    model = restore.load(flags.workdir, flags.data, flags)
    inputs = model.inference.fit_inputs(stored_inputs(flags, model) if files is None else files)
    answer = predict(model, inputs, flags)
    report("\n".join(model.inference.summarize(inputs, answer)))
    print(model.inference.to_json(answer))
    draw(model, inputs, answer, picture_path(flags, model, inputs))
    return 0


def parse(argv: list[str]) -> tuple[argparse.Namespace, type[Inference]]:
    """The flags, and how the run's task answers."""
    parser = argparse.ArgumentParser(
        prog="python -m xojl_jax.predict",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--workdir", help="a trained run, one checkpoint, or an exported model (default: ours)")
    add("--sample", type=int, help="a record of the run's data instead of files, counted from 0")
    add("--split", default="test", help="the split of --sample (default test)")
    add("--data", help="shards for --sample instead of the run's own")
    add("--seed", type=int, default=0, help="of what is drawn at random (default 0)")
    add("--picture", help="where the picture goes (default: predictions/NAME.png, in WORKDIR)")
    add("--records", metavar="DIR", help="a folder of records: answers to all of them")
    add("--out", metavar="FILE.jsonl", help="where the answers to --records go, a line each")
    add("--batch-size", type=int, default=8, help="records of --records a decode (default 8)")
    flags, inference = restore.parse_flags("predict", parser, argv)
    page = inference.page_to_capture(flags)
    if page and flags.records:
        raise BadUsage("--page makes the records: leave --records away")
    flags.beside = None  # where pictures go, in place of the model's own folder
    if flags.workdir is None:
        flags.workdir, flags.beside = shipped.use("--workdir"), Path()
    if bool(flags.records) != bool(flags.out) and not page:
        raise BadUsage("--records and --out go together: a folder of records, and a file")
    if flags.batch_size < 1:
        raise BadUsage(f"--batch-size is {flags.batch_size}: choose 1 or more")
    return flags, inference


def predict_page(page: str, flags: argparse.Namespace, inference: type[Inference]) -> int:
    """The answers to the parts of a page, from top to bottom: to a file as those to --records,
    or as a JSON list."""
    with tempfile.TemporaryDirectory() as folder:
        report(f"rendering {page}")
        flags.records = str(inference.capture(page, Path(folder)))
        if flags.out:
            return predict_records.run(flags, inference)
        flags.out = str(Path(folder) / "answers.jsonl")
        code = predict_records.run(flags, inference)
        lines = Path(flags.out).read_text(encoding="utf-8").splitlines()
    print(json.dumps([json.loads(line) for line in lines], ensure_ascii=False, indent=2))
    return code


def stored_inputs(flags: argparse.Namespace, model: LoadedModel) -> Any:
    """Inputs from a record of the run's data."""
    inference = model.inference
    dataset = inference.dataset(flags.split)
    if not 0 <= flags.sample < len(dataset):
        raise BadUsage(
            f"--sample={flags.sample}: the {flags.split} split has records 0 to {len(dataset) - 1}"
        )
    return inference.stored_inputs(dataset, flags.sample, f"{flags.split}-{flags.sample}")


def predict(model: LoadedModel, inputs: Any, flags: argparse.Namespace) -> Any:
    """The answer to one input."""
    inference = model.inference
    options = inference.options(flags)
    batch = {name: array[None] for name, array in inference.featurize(inputs).items()}
    prediction = restore.predictor(model, options)(batch, jax.random.key(flags.seed))
    (answer,) = inference.decode(prediction, [inputs], options)
    return answer


def picture_path(flags: argparse.Namespace, model: LoadedModel, inputs: Any) -> Path:
    if flags.picture:
        return Path(flags.picture)
    return (flags.beside or model.folder) / "predictions" / f"{inputs.name}.png"


def draw(model: LoadedModel, inputs: Any, answer: Any, path: Path) -> None:
    """Writes a picture of the answer, or says what one would need."""
    picture = model.inference.draw(inputs, answer)
    if picture is None:
        report(f"no picture: it takes {model.inference.picture_needs}")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
    report(f"picture: {path}")


def report(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    command.run(main)
