"""Rounds of self-training: what is learned from, when they stop, and how they go on."""

import itertools
import json
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from configs import document_tune
from tests.tasks.conftest import small_config, write_untrained_run
from xojl_jax import self_train, train
from xojl_jax.data.shards import ShardSource, write_manifest, write_shards
from xojl_jax.engine import checkpoint_files
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.tasks.base import PseudoLabel
from xojl_jax.tasks.layout.task import SAMPLE_DATA
from xojl_jax.xojl.record import parse_record

ROOT = Path(__file__).parent.parent


def write(folder, splits):
    """Shards of the sample data's first records: split -> (the split there, which of them)."""
    summaries, sites = [], {}
    for split, (name, numbers) in splits.items():
        source = ShardSource(SAMPLE_DATA, name)
        records = [source[number] for number in numbers]
        summary = write_shards(records, folder, split)
        summaries.append(replace(summary, weights=[1.0] * len(records)))
        sites[split] = sorted({parse_record(r.record).source["site"] for r in records})
    write_manifest(folder, summaries, note={"sites": sites})
    return folder


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """(labeled, unlabeled): records of other sites."""
    folder = tmp_path_factory.mktemp("shards")
    labeled = {"train": ("train", range(4)), "val": ("val", range(8))}
    return write(folder / "labeled", labeled), write(
        folder / "unlabeled", {"train": ("train", range(40, 45))}
    )


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """A run with a calibration; its parameters are noise."""
    path = tmp_path_factory.mktemp("teacher")
    write_untrained_run(small_config(), path)
    for checkpoint in (path / "checkpoints").iterdir():
        checkpoint_files.write_calibration(checkpoint, {"detail": [1.0, 0.5]})
    return path


def plan_of(shards, folder, **settings):
    labeled, unlabeled = shards
    config = small_config(**{"data.path": str(labeled), "total_steps": 2})
    return self_train.make_plan(config, folder, str(unlabeled), **settings)


def rounds_of(*figures):
    return [
        {"round": number, "val": {"scores": {"f1": {"value": value}, "other": {"value": 0}}}}
        for number, value in enumerate(figures)
    ]


@pytest.mark.parametrize(
    ("figures", "why"),
    [
        ((), ""),
        ((0.5,), ""),
        ((0.5, 0.6), ""),
        ((0.5, 0.6, 0.6), "round 2 is no better"),
        ((0.5, 0.505), "round 1 is no better"),
        ((0.5, 0.6, 0.7), "2 rounds are done"),
    ],
)
def test_it_stops_where_it_no_longer_helps(figures, why, shards, tmp_path):
    """Protects the end: by the first score on validation records, `min_delta` and --rounds."""
    plan = plan_of(shards, tmp_path, rounds=2)
    with plan.config.unlocked():
        plan.config.min_delta = 0.01
    assert self_train.reason_to_stop(rounds_of(*figures), plan).startswith(why)
    assert bool(why) == bool(self_train.reason_to_stop(rounds_of(*figures), plan))


def test_records_without_a_sure_part_are_left_out_and_all_are_counted():
    labels = [
        PseudoLabel("a", b"", (0.9, 0.2), (True, True)),
        PseudoLabel("b", b"", (0.1, 0.2), (True, True)),
        PseudoLabel("c", b"", (0.5, 0.8), (False, True)),
        PseudoLabel("d", b"", (1.0,)),
    ]
    tally = Counter()
    found = [label.record for label in self_train.sure_labels(labels, 0.5, tally)]
    assert found == ["a", "c", "d"]
    assert tally == {"records": 3, "parts": 7, "sure": 4, "known": 3, "right": 2}


def test_what_does_not_fit_is_refused(shards, teacher, tmp_path):
    """Protects figures from sites that were learned from, and people from rounds of two kinds."""
    labeled, unlabeled = shards
    config = small_config(**{"data.path": str(labeled)})
    with pytest.raises(BadUsage, match="--unlabeled is missing"):
        self_train.make_plan(config, tmp_path)
    seen = write(tmp_path / "seen", {"train": ("val", range(2))})
    with pytest.raises(BadInput, match="--test-sites=synth:1/"):
        self_train.make_plan(config, tmp_path, str(seen))
    write_manifest(tmp_path / "seen", [write_shards([], tmp_path / "seen", "val")])
    with pytest.raises(BadInput, match="names no sites"):
        self_train.make_plan(config, tmp_path, str(tmp_path / "seen"))
    with pytest.raises(BadUsage, match="does not learn from its own answers"):
        self_train.make_plan(document_tune.get_config("tiny"), tmp_path, str(unlabeled))
    self_train.make_plan(config, tmp_path, str(unlabeled))
    with pytest.raises(BadUsage, match="rounds of other settings"):
        self_train.make_plan(config, tmp_path, str(unlabeled), precision=0.8)
    shutil.copytree(teacher, tmp_path / "run")
    for path in tmp_path.glob("run/checkpoints/*/calibration.json"):
        path.unlink()
    plan = plan_of(shards, tmp_path / "other", teacher=str(tmp_path / "run"))
    with pytest.raises(BadUsage, match="is not calibrated"):
        self_train.learn(plan)


def test_a_round_goes_on_where_it_was(shards, teacher, tmp_path, monkeypatch, capsys):
    """Protects the command from the teacher's answers to the line that is kept: all real but for
    the training, which writes down what it is given, and is interrupted the first time."""
    given, codes = [], itertools.chain([train.PREEMPTED], itertools.repeat(0))

    def train_one(config, path, exits):
        given.append(config)
        code = next(codes)
        if not code:
            write_untrained_run(config, path)
        return code

    monkeypatch.setattr(train, "train_one", train_one)
    plan = plan_of(shards, tmp_path, teacher=str(teacher), precision=0.0)
    with plan.config.unlocked():
        plan.config.min_delta = 1.0  # what noise scores is no better, whatever it is
    assert self_train.learn(plan) == train.PREEMPTED
    assert self_train.learn(plan) == 0 and len(given) == 2
    assert "5 were there already; 0 in" in capsys.readouterr().err

    begin, after = map(json.loads, (tmp_path / self_train.ROUNDS).read_text().splitlines())
    assert begin["model"] == str(teacher) and "unlabeled" not in begin
    told = after["unlabeled"]
    assert told["records"] == 5 and 0 < told["sure"] <= told["parts"]
    assert 0 < begin["val"]["sure"] <= 1 and 0 <= begin["val"]["right"] <= 1
    assert told["threshold"] == begin["threshold"] == given[0].data.least_confidence
    built = given[1].data.path
    for split, count, pseudo in (("train", 9, 5), ("val", 8, 0)):
        source = ShardSource(built, split)
        found = [parse_record(source[number].record) for number in range(len(source))]
        assert len(found) == count
        assert sum(record.layout_confidence is not None for record in found) == pseudo
    # Run again, it has nothing to do.
    assert self_train.learn(plan) == 0 and len(given) == 2
    assert "round 1 is no better than those before" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "method"), [(4, []), (2, ["--method=nodes"])], ids=["whole", "html encoder"]
)
def test_rounds_by_the_command(stage, method, shards, tmp_path):
    """By the command line, a first teacher that is trained, and a student, or two if the first of
    them is better: trained, calibrated and judged for real; whole models by their decoders, HTML
    encoders, which have none, by the labels of nodes."""
    labeled, unlabeled = shards
    (tmp_path / "small.py").write_text(
        "from tests.tasks.conftest import small_config\n"
        "def get_config():\n"
        "    changes = {'total_steps': 2, 'batch_size': 8, 'best_metric': ''}\n"
        "    changes |= {'model.html_layers': 1, 'model.decoder_layers': 1}\n"
        f"    return small_config(**changes, heads='node,category', stage={stage})\n"
    )
    flags = (
        f"--config={tmp_path / 'small.py'}",
        f"--config.data.path={labeled}",
        f"--unlabeled={unlabeled}",
        f"--workdir={tmp_path / 'self'}",
        "--rounds=2",
        "--precision=0",
        *method,
    )
    command = [sys.executable, "-m", "xojl_jax.self_train", *flags]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "; the best is round" in done.stdout
    lines = (tmp_path / "self" / self_train.ROUNDS).read_text().splitlines()
    rounds = [json.loads(line)["round"] for line in lines]
    assert rounds in ([0, 1], [0, 1, 2])
