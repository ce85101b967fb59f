"""Learns from records without labels: `python -m xojl_jax.self_train --unlabeled=SHARDS`.

Self-training in rounds, as Noisy Student does it (Xie et al. 2020): a teacher labels the records,
a student learns from labeled and pseudo-labeled ones together, and is the next round's teacher.
Parts of an answer that the teacher is not sure enough of carry no loss (as in FixMatch, Sohn et al.
2020); what is enough follows from its precision on validation data. docs/self_training.md.
"""

import functools
import itertools
import json
import math
import shutil
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from absl import flags
from ml_collections import ConfigDict

from xojl_jax import (
    command,
    compilation_cache,
    evaluate,
    predict,
    predict_records,
    restore,
    sequence,
    suite,
    tasks,
    train,
)
from xojl_jax.config_fields import flatten
from xojl_jax.data.shards import NoSplit, read_manifest, write_manifest, write_shards
from xojl_jax.engine import compatibility
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.evaluation.calibration import least_for_precision
from xojl_jax.files import write_text
from xojl_jax.restore import LoadedModel
from xojl_jax.subcommand import run_data_prep
from xojl_jax.tasks.base import Inference, PseudoLabel
from xojl_jax.tasks.shard_task import ShardTask

USAGE = """
Learns from records without labels, in rounds.

  python -m xojl_jax.self_train --config=configs/shipped.py --config.data.path=data/read-shards \\
      --unlabeled=data/unlabeled-shards --workdir=runs/self --rounds=3

--config, --config.FIELD=VALUE
                    as of xojl_jax.train: how each student is trained, from config.init_from or
                    from scratch; config.data.path: shards of the labeled records, whose validation
                    split decides
--unlabeled=SHARDS  whose training split is labeled, by data_prep.build --unlabelled
--teacher=MODEL     a calibrated run or an exported model that labels first; without it, a run on
                    the labeled records alone
--rounds=3          at most; fewer where a round is no better than the one before
--precision=0.9     of the parts that are learned from, on validation records: 0.9 of them are right
--method=METHOD     how models answer, as of xojl_jax.predict; nodes for students without a decoder
--workdir=DIR       where everything goes; default runs/self-PRESET

Running the same command again goes on where it was. Exit codes are those of xojl_jax.train.
"""

_UNLABELED = flags.DEFINE_string("unlabeled", "", "shards of records without labels")
_TEACHER = flags.DEFINE_string("teacher", "", "a run or an exported model that labels first")
_ROUNDS = flags.DEFINE_integer("rounds", 3, "at most so many", lower_bound=1)
_PRECISION = flags.DEFINE_float("precision", 0.9, "of what is learned from", 0.0, 1.0)
_METHOD = flags.DEFINE_string("method", "", "how models answer; the task's own way by default")

# Figures of a round, in the file and beside it.
ROUNDS, SETTINGS = "rounds.jsonl", "settings.json"
JUDGED_BY = ("val", "test")  # the first decides


class Plan(NamedTuple):
    """What all rounds share.

    Attributes:
      config: of the students.
      folder: where everything goes.
      labeled, unlabeled: folders of shards.
      teacher: a run or an exported model; "" trains one on the labeled records.
      rounds: at most so many.
      precision: of what is learned from, on validation records.
      inference: the task's answers.
      method: how models answer; "" is the task's own way.
    """

    config: ConfigDict
    folder: Path
    labeled: Path
    unlabeled: Path
    teacher: str
    rounds: int
    precision: float
    inference: type[Inference]
    method: str = ""

    @property
    def label_flags(self) -> tuple[str, ...]:
        """The flags under which answers are labels."""
        return (*self.inference.label_flags, *([f"--method={self.method}"] if self.method else []))


def main() -> int:
    """Reads the flags, then runs the rounds."""
    config = command.read_config(train.CONFIG)
    compilation_cache.enable(train.CACHE.value)
    folder = train.WORKDIR.value or f"runs/self-{config.preset}"
    settings = (_UNLABELED.value, _TEACHER.value, _ROUNDS.value, _PRECISION.value, _METHOD.value)
    return learn(make_plan(config, folder, *settings))


def make_plan(
    config: ConfigDict,
    folder: str | Path,
    unlabeled: str = "",
    teacher: str = "",
    rounds: int = 3,
    precision: float = 0.9,
    method: str = "",
) -> Plan:
    """The plan of these settings.

    Raises:
      BadUsage: the task learns from labels alone, or `folder` holds rounds of other settings.
      BadInput: students would be judged by sites that they have seen.
    """
    task = tasks.make(config)
    if not (
        isinstance(task, ShardTask)
        and task.inference_type is not None
        and task.inference_type.label_flags
        and "data.least_confidence" in flatten(config.to_dict())
    ):
        raise BadUsage(f"the task {config.task} does not learn from its own answers")
    if not unlabeled:
        raise BadUsage("--unlabeled is missing: shards of data_prep.build --unlabelled")
    folder = Path(folder).expanduser().absolute()
    paths = (folder, task.folder, Path(unlabeled))
    plan = Plan(config, *paths, teacher, rounds, precision, task.inference_type, method)
    check_sites(plan.labeled, plan.unlabeled)
    names = ("labeled", "unlabeled", "teacher", "precision", "method")
    text = json.dumps({name: str(getattr(plan, name)) for name in names}, indent=2) + "\n"
    path = folder / SETTINGS
    if path.is_file() and path.read_text("utf-8") != text:
        raise BadUsage(f"{folder} holds rounds of other settings ({path}): name another --workdir")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, text)
    return plan


def check_sites(labeled: Path, unlabeled: Path) -> None:
    """Raises BadInput where a site that students are judged by has unlabeled records, too."""
    held = {site for split in JUDGED_BY for site in sites_of(labeled, split)}
    if both := sorted(held & set(sites_of(unlabeled, "train"))):
        names = ",".join(both)
        raise BadInput(
            f"{unlabeled} has records of {len(both)} sites by which {labeled} judges; build it "
            f"again and put them aside: --test-sites={names}"
        )


def sites_of(shards: Path, split: str) -> list[str]:
    """The sites of a split, as data_prep.build wrote them down."""
    note = read_manifest(shards).note
    if "sites" not in note:
        raise BadInput(f"{shards}: its manifest names no sites; make it with data_prep.build")
    return note["sites"].get(split, [])


# --- the rounds ------------------------------------------------------------------------------


def learn(plan: Plan) -> int:
    """Runs the rounds that are missing; returns 75 if interrupted, else 0."""
    path = plan.folder / ROUNDS
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    rounds = [json.loads(line) for line in lines]
    while not (why := reason_to_stop(rounds, plan)):
        found = run_round(plan, rounds)
        if found is None:
            return train.PREEMPTED
        rounds.append(found)
        write_text(path, "".join(json.dumps(one) + "\n" for one in rounds))
        print(describe(found, plan.inference), flush=True)
    best = max(rounds, key=figure)
    print(f"{why}; the best is round {best['round']}: {best['model']}")
    return 0


def reason_to_stop(rounds: list[dict[str, Any]], plan: Plan) -> str:
    """Why there is no next round; "" if there is."""
    if len(rounds) > 1:
        best_before = max(map(figure, rounds[:-1]))
        if figure(rounds[-1]) <= best_before + plan.config.min_delta:
            return f"round {rounds[-1]['round']} is no better than those before, and the last"
    return f"{plan.rounds} rounds are done" if len(rounds) > plan.rounds else ""


def figure(one: dict[str, Any]) -> float:
    """What decides which round is better: the first score, on the first split."""
    return next(iter(one[JUDGED_BY[0]]["scores"].values()))["value"]


def run_round(plan: Plan, rounds: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The figures of the next round, ready for JSON; None if interrupted. Round 0 is the teacher.
    What an earlier try finished is not done again."""
    number = len(rounds)
    folder = plan.folder / f"round-{number}"
    if not rounds and plan.teacher:
        return {"round": 0, "model": plan.teacher, **judge(plan, plan.teacher)}
    changes, learned = {"data.path": str(plan.labeled)}, {}
    if rounds:
        teacher = rounds[-1]
        if teacher["threshold"] is None:
            raise BadInput(
                f"{teacher['model']}: of validation records no confidence finds answers of which "
                f"{plan.precision:g} is right: lower --precision, or begin with a better --teacher"
            )
        shards, learned = pseudo_label(plan, teacher["model"], teacher["threshold"], folder)
        changes = {"data.path": str(shards), "data.least_confidence": teacher["threshold"]}
    model = folder / "run"
    if code := train_student(plan, changes, model):
        assert code == train.PREEMPTED
        return None
    calibrate(plan, model)
    return {"round": number, "model": str(model), **learned, **judge(plan, str(model))}


def train_student(plan: Plan, changes: dict[str, Any], path: Path) -> int:
    """Trains on from `config.init_from`, not from the teacher, whose errors would stay."""
    config = plan.config.copy_and_resolve_references()
    with config.unlocked():
        config.update_from_flattened_dict(changes)
    if sequence.has_ended(sequence.Run(config, path, "")):
        return 0
    return train.train_one(config, path, exits=False)


def calibrate(plan: Plan, path: Path) -> None:
    """Fits the run's confidences to validation records; the checkpoint keeps it."""
    arguments = [f"--workdir={path}", f"--data={plan.labeled}", "--split=val", "--calibrate"]
    settings = evaluate.parse([*arguments, *plan.label_flags])
    evaluate.calibrate(restore.load(path, settings.data, settings), settings)


def judge(plan: Plan, path: str) -> dict[str, Any]:
    """The figures of a model by split, and the "threshold" of confidence at which `precision` of
    its answers' parts are right on the first, None where there is none; and by split the share of
    the parts that are "sure", at or above it, and the share of these that is "right"."""
    arguments = [f"--workdir={path}", f"--data={plan.labeled}", *plan.label_flags]
    settings = evaluate.parse(arguments)
    model = restore.load(path, settings.data, settings)
    check_calibration(model)
    told: dict[str, Any] = {}
    for split in JUDGED_BY:
        try:
            dataset = model.inference.dataset(split)
        except NoSplit:
            if split == JUDGED_BY[0]:
                raise
            continue
        references, answers = evaluate.answered(model, dataset, settings)
        told[split] = scores_of(model.inference, answers, references)
        sure, right = model.inference.confidences(answers, references)
        if split == JUDGED_BY[0]:
            found = least_for_precision(sure, right, plan.precision)
            # Answers in files have four digits.
            told["threshold"] = None if found is None else math.floor(found * 1e4) / 1e4
        enough = sure >= (told["threshold"] or 0)
        if enough.any():
            told[split] |= {"sure": float(enough.mean()), "right": float(right[enough].mean())}
    return told


def scores_of(inference: Inference, answers: list[Any], references: list[Any]) -> dict[str, Any]:
    (report,) = inference.score(answers, references).values()
    scores = {name: report["scores"].get(name) for name in inference.shown_metrics}
    return {
        "records": report["records"],
        "scores": {name: score for name, score in scores.items() if score is not None},
        "calibration_error": report["confidence"]["expected_calibration_error"],
    }


def check_calibration(model: LoadedModel) -> None:
    if not getattr(model.task, "calibration", None):
        raise BadUsage(
            f"{model.metadata['checkpoint']} is not calibrated: run xojl_jax.evaluate --calibrate "
            "(of an exported model, on its run, and export it again)"
        )


# --- pseudo-labels ---------------------------------------------------------------------------


def pseudo_label(
    plan: Plan, teacher: str, threshold: float, folder: Path
) -> tuple[Path, dict[str, Any]]:
    """Shards of the labeled records and, in their training split, of those that the teacher labels;
    and what there is of these."""
    shards, tally = folder / "shards", Counter()
    labels = sure_labels(labels_of(plan, teacher, folder / "answers.jsonl"), threshold, tally)
    if shards.is_dir():
        deque(labels, maxlen=0)  # to count them
    else:
        join(plan, labels, folder / "pseudo-labeled", shards)
    right = tally["right"] / tally["known"] if tally["known"] else None
    told = {name: tally[name] for name in ("records", "parts", "sure")}
    return shards, {"unlabeled": {**told, "right": right, "threshold": threshold}}


def labels_of(plan: Plan, teacher: str, answers: Path) -> Iterator[PseudoLabel]:
    """The unlabeled records with the teacher's answers; the file `answers` keeps these."""
    arguments = [f"--workdir={teacher}", f"--records={plan.unlabeled}", f"--out={answers}"]
    settings, _ = predict.parse([*arguments, *plan.label_flags])
    model = restore.load(teacher, str(plan.unlabeled), settings)
    inference = model.inference
    dataset = inference.dataset("train")
    inputs = (
        (str(n), functools.partial(inference.stored_inputs, dataset, n, str(n)))
        for n in range(len(dataset))
    )
    predict_records.write_answers(model, settings, inputs, len(dataset))
    with answers.open(encoding="utf-8") as stream:
        for told in map(json.loads, stream):
            if "error" not in told:
                label = inference.pseudo_label(dataset, int(told["record"]), told)
                if label is not None:
                    yield label


def sure_labels(
    labels: Iterable[PseudoLabel], threshold: float, tally: Counter[str]
) -> Iterator[PseudoLabel]:
    """Those with a part that is sure enough. Counts the "parts" of all, and those that are "sure";
    of these the ones that had a label, "known", and that are "right"; and the "records"."""
    for label in labels:
        sure = [confidence >= threshold for confidence in label.confidence]
        tally.update(parts=len(sure), sure=sum(sure))
        if label.right is not None:
            tally.update(known=sum(sure), right=sum(itertools.compress(label.right, sure)))
        if any(sure):
            tally["records"] += 1
            yield label


def join(plan: Plan, labels: Iterable[PseudoLabel], middle: Path, shards: Path) -> None:
    """Shards of the labeled records and of these, which train; the splits of sites stay."""
    shutil.rmtree(middle, ignore_errors=True)  # what an earlier try left half done
    summary = write_shards(((label.record, label.picture) for label in labels), middle, "train")
    if not summary.count:
        raise BadInput(f"{plan.unlabeled}: no part of any answer is sure enough to learn from")
    write_manifest(middle, [summary])
    held = [f"--{name}-sites={','.join(sites_of(plan.labeled, name))}" for name in JUDGED_BY]
    records = ["--records", str(plan.labeled), str(middle)]
    out = ["--out", str(shards), "--splits=100,0,0"]
    code, why = run_data_prep("build", [*records, *out, *held])
    if code:
        raise BadInput(f"{plan.labeled} and {middle} cannot be built into one: {why}")


# --- what is told ----------------------------------------------------------------------------


def describe(one: dict[str, Any], inference: type[Inference]) -> str:
    """A round in a few lines."""
    lines = [f"round {one['round']}, {one['model']}"]
    if told := one.get("unlabeled"):
        right = "" if told["right"] is None else f", {told['right']:.3f} of them right"
        lines.append(
            f"  learned from {told['records']} unlabeled records: {told['sure']} of {told['parts']}"
            f" parts of their labels, those at confidence {told['threshold']:g} or above{right}"
        )
    for split in JUDGED_BY:
        if split in one:
            name, score = next(iter(one[split]["scores"].items()))
            meaning = inference.shown_metrics[name]
            lines.append(
                f"  {split}, {one[split]['records']} records: {suite.cell(score)} {meaning}; "
                f"calibration error {one[split]['calibration_error']:.3f}"
            )
            if "sure" in one[split]:
                lines[-1] += "; {sure:.2f} of its parts sure, {right:.3f} of these right".format(
                    **one[split]
                )
    return "\n".join(lines)


if __name__ == "__main__":
    command.run_absl(main, USAGE, compatibility.RENAMED_FIELDS)
