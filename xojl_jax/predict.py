"""Predicts one section: `python -m xojl_jax.predict --workdir=RUN --screenshot=F --html=F`.

Standard output holds the XOJL JSON and nothing else. A picture of the boxes with their element
names goes to RUN/predictions/.
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from xojl_jax import command, restore
from xojl_jax.data.images import decode_image
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.evaluation.drawing import draw_boxes
from xojl_jax.restore import Trained
from xojl_jax.tasks.layout.answer import Answer, boxes_to_draw, read_answers
from xojl_jax.tasks.layout.features import Featuriser
from xojl_jax.tasks.layout.tree_features import cut_html
from xojl_jax.xojl.record import CATEGORIES, Record, parse_record
from xojl_jax.xojl.tree import Forest, parse_html, preorder, print_layout

EPILOG = """
examples:
  python -m xojl_jax.predict --workdir=runs/demo --screenshot=hero.png --html=hero.json
  python -m xojl_jax.predict --workdir=runs/demo --html=hero.json --mode=semantic
  python -m xojl_jax.predict --workdir=runs/demo --sample=3 --split=test

--html takes a compact tree such as {"section": {"h1@fs_3r": ""}}, or a whole record, whose boxes
are then used, too. Without --html nothing can be copied, and the layout is spelled out.
"""


class Inputs(NamedTuple):
    """What is known of the section; html is () and image None where it is missing."""

    name: str
    image: np.ndarray | None
    html: Forest
    html_boxes: tuple[tuple[float, ...], ...] | None


def main(argv: list[str]) -> None:
    """Reads the flags, then predicts."""
    flags = parse(argv)
    run = restore.load(flags.workdir, flags.data, flags.image_size)
    inputs = fit_to_model(read_inputs(flags, run), run)
    answers, category = predict(run, inputs, flags)
    tell(inputs, answers, category)
    print(as_json(answers, flags.mode))
    draw(inputs, answers, picture_path(flags, run, inputs))


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m xojl_jax.predict",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--workdir", required=True, help="a run of stage 4, or one checkpoint")
    add("--screenshot", help="PNG, JPEG or WebP of the section")
    add("--html", help="JSON of the section's compact tree, or of its record")
    add("--sample", type=int, help="instead: a record of the run's data, counted from 0")
    add("--split", default="test", help="the split of --sample (default test)")
    add("--data", help="shards for --sample instead of the run's own")
    restore.add_image_size(parser)
    add("--mode", default="detail", choices=("detail", "semantic", "dual"))
    add("--method", default="greedy", choices=("greedy", "sample", "beam"))
    add("--beam", type=int, default=4, help="hypotheses of a beam (default 4)")
    add("--temperature", type=float, default=1.0, help="of --method=sample (default 1)")
    add("--seed", type=int, default=0, help="of --method=sample (default 0)")
    add("--picture", help="where the picture goes (default: WORKDIR/predictions/NAME.png)")
    flags = parser.parse_args(argv)
    given = flags.screenshot or flags.html
    if flags.sample is None and not given:
        raise BadUsage("nothing to predict: give --screenshot, --html, or --sample (see --help)")
    if flags.sample is not None and given:
        raise BadUsage("--sample brings its own screenshot and tree: leave the other two away")
    if flags.beam < 1 or flags.temperature <= 0:
        raise BadUsage("--beam must be 1 or more, --temperature more than 0")
    return flags


# --- input -----------------------------------------------------------------------------------


def read_inputs(flags: argparse.Namespace, run: Trained) -> Inputs:
    if flags.sample is not None:
        return _read_sample(flags, run)
    image = decode_image(_read_file(flags.screenshot)) if flags.screenshot else None
    record = _read_html(flags.html) if flags.html else None
    if record is not None and image is None and record.screenshot:
        beside = Path(flags.html).parent / record.screenshot
        image = decode_image(beside.read_bytes()) if beside.is_file() else None
    return Inputs(
        name=Path(flags.screenshot or flags.html).stem,
        image=image,
        html=record.html if record else (),
        html_boxes=record.html_boxes if record else None,
    )


def _read_sample(flags: argparse.Namespace, run: Trained) -> Inputs:
    dataset = run.task.dataset(flags.split)
    if not 0 <= flags.sample < len(dataset):
        raise BadUsage(
            f"--sample={flags.sample}: the {flags.split} split has records 0 to {len(dataset) - 1}"
        )
    record = dataset.record(flags.sample)
    stored = dataset.source[int(dataset.numbers[flags.sample])]
    image = decode_image(stored.image) if stored.image else None
    return Inputs(f"{flags.split}-{flags.sample}", image, record.html, record.html_boxes)


def _read_file(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error


def _read_html(path: str) -> Record:
    """A record, or a bare tree as a record without a screenshot."""
    text = _read_file(path)
    if text.lstrip()[:1] == b"<":
        raise BadInput(
            f"{path} is HTML mark-up, not a compact tree: make records of the page with "
            "python -m data_prep.capture, and give one of them"
        )
    if b'"screenshot"' in text and b'"html"' in text:
        return parse_record(text, where=path)
    return Record(screenshot="", html=parse_html(text, place=path))


def fit_to_model(inputs: Inputs, run: Trained) -> Inputs:
    """Cuts a tree that is too large for the model, and says so."""
    limit = run.task.spec.max_nodes
    html, left_out = cut_html(inputs.html, limit)
    if not left_out:
        return inputs
    say(f"warning: the tree has {left_out} nodes more than the model's {limit}; they are left out")
    return inputs._replace(html=html, html_boxes=None)


# --- prediction and output -------------------------------------------------------------------


def predict(
    run: Trained, inputs: Inputs, flags: argparse.Namespace
) -> tuple[dict[str, Answer], str]:
    """The answers by view, and the category."""
    record = Record(screenshot="", html=inputs.html, html_boxes=inputs.html_boxes)
    sample = Featuriser(run.task.spec, run.task.vocabulary).build(record, inputs.image)
    batch = {name: array[None] for name, array in sample.items()}
    run_predict = restore.predictor(
        run,
        mode=flags.mode,
        method=flags.method,
        beam=flags.beam,
        temperature=flags.temperature,
    )
    prediction = run_predict(batch, jax.random.key(flags.seed))
    (answers,) = read_answers(prediction, [inputs.html], run.task.vocabulary, flags.mode)
    return answers, CATEGORIES[int(prediction.category[0])]


def tell(inputs: Inputs, answers: dict[str, Answer], category: str) -> None:
    """Says on standard error what the answer is made from."""
    used = [
        name
        for name, there in (("screenshot", inputs.image is not None), ("HTML", inputs.html))
        if there
    ]
    say(f"used: {' and '.join(used)}; category {category}")
    for view, answer in answers.items():
        nodes = len(preorder(answer.layout))
        say(f"{view}: {nodes} elements, log probability {answer.score:.2f}")


def as_json(answers: dict[str, Answer], mode: str) -> str:
    """One view as it is; both as {"semantic": …, "detail": …}."""
    texts = {
        view: print_layout(answer.layout, semantic=view == "semantic", indent=2)
        for view, answer in answers.items()
    }
    if mode != "dual":
        return texts[mode]
    inner = ",\n".join(f'  "{view}": ' + text.replace("\n", "\n  ") for view, text in texts.items())
    return f"{{\n{inner}\n}}"


def picture_path(flags: argparse.Namespace, run: Trained, inputs: Inputs) -> Path:
    if flags.picture:
        return Path(flags.picture)
    return run.folder / "predictions" / f"{inputs.name}.png"


def draw(inputs: Inputs, answers: dict[str, Answer], path: Path) -> None:
    """Draws the detail view, whose nodes have boxes; says why where there is nothing to draw."""
    detail = answers.get("detail")
    if detail is None or inputs.image is None or inputs.html_boxes is None:
        say("no picture: it takes the detail view, a screenshot, and a record with html_boxes")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draw_boxes(inputs.image, boxes_to_draw(detail, inputs.html_boxes)).save(path)
    say(f"picture: {path}")


def say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    command.run(main)
