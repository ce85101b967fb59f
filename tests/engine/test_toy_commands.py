"""A second task goes through every command by its command line, in real processes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.engine.subprocesses import ROOT, SETTINGS

CONFIG = "--config=tests/engine/toy_config.py"


def call(command: str, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "tests.engine.toy_command", command, *arguments],
        cwd=ROOT,
        env=os.environ | SETTINGS,
        capture_output=True,
        text=True,
        timeout=280,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """The working directory of a toy run, trained by the command."""
    workdir = tmp_path_factory.mktemp("toy") / "run"
    done = call("train", CONFIG, "--config.total_steps=60", f"--workdir={workdir}")
    assert done.returncode == 0, done.stderr
    return workdir


def test_evaluate_takes_another_task(run):
    """Protects the seam: scores with intervals beside a baseline, in the table and the report."""
    done = call("evaluate", f"--workdir={run}", "--split=val", "--batch-size=8")
    assert done.returncode == 0, done.stderr
    assert "right corners" in done.stdout and "most frequent" in done.stdout
    report = json.loads((run / "evaluation-val.json").read_text())
    assert report["records_in_split"] == report["baseline"]["records"] == 16
    score = report["views"]["corner"]["scores"]["accuracy"]
    assert score["low"] <= score["value"] <= score["high"]
    assert score["value"] > report["baseline"]["scores"]["accuracy"]["value"]


def test_predict_takes_another_task(run, tmp_path):
    """Protects the seam: the task's own flags, JSON alone on standard output, a picture."""
    pixels = tmp_path / "third.json"
    pixels.write_text(json.dumps([10] * 8 + [190] * 4 + [10] * 4))
    done = call("predict", f"--workdir={run}", f"--pixels={pixels}")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["corner"] == "c"
    assert "corner c of third" in done.stderr
    with Image.open(run / "predictions" / "third.png") as picture:
        assert picture.size == (4, 4)
    turned = call("predict", f"--workdir={run}", f"--pixels={pixels}", "--upside-down")
    assert json.loads(turned.stdout)["corner"] == "b"
    stored = call("predict", f"--workdir={run}", "--sample=15", "--split=val")
    assert "of val-15" in stored.stderr


def test_a_mistake_in_the_tasks_flags_is_one_line(run):
    """Protects people: exit code 2, and the words of the task."""
    done = call("predict", f"--workdir={run}")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "error: give one of --pixels and --sample"


def test_help_shows_the_flags_of_the_runs_task(run):
    """Protects `--help`: of the run that is named, not of the default task."""
    shown = call("predict", f"--workdir={run}", "--help").stdout
    assert "--pixels" in shown and "--screenshot" not in shown


def test_plan_compiles_another_task():
    """Protects the seam: the training step and the answering step of a task without a decoder."""
    done = call("plan", CONFIG, "--compile", "--decode=2")
    assert done.returncode == 0, done.stderr
    assert "memory of a training step" in done.stdout
    assert re.search(r"answering 2 record", done.stdout)
