"""Whole runs in real processes: killed, stopped, resumed; and the command's flags."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent import futures

import numpy as np
import pytest

from tests.engine.subprocesses import (
    PATIENCE,
    ROOT,
    SETTINGS,
    Process,
    final_state,
    losses,
    written,
)
from tests.engine.toy_task import ToyTask, toy_config
from xojl_jax import train as training
from xojl_jax.engine import checkpoint_files, metric_writer, workdir
from xojl_jax.errors import BadUsage

# Mounts in here are seen by nobody else, and go with the command.
OWN_MOUNTS = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]


def toy(path, *fields, **environment):
    fields += ("checkpoint_every=4", "total_steps=12", "keep=1", "log_every=1")
    return Process("tests.engine.toy_run", str(path), *fields, **environment)


@pytest.mark.timeout(900)  # seven processes, on a busy machine
def test_killed_and_stopped_runs_end_like_an_undisturbed_one(tmp_path):
    """Protects resuming: SIGKILL at four points of a save, SIGTERM in a step, a second job; the
    final state equals the undisturbed run's bit for bit, and no half-written save is ever listed.
    """
    undisturbed = toy(tmp_path / "calm")
    run = tmp_path / "harried"
    for kill_at, durable in {
        "arrays:2": [],
        "manifest:1": [],
        "rename:2": [4],
        "prune:1": [4, 8],
    }.items():
        code, text = toy(run, TOY_KILL_AT=kill_at).end()
        assert code == -signal.SIGKILL, text
        assert checkpoint_files.list_steps(run / "checkpoints") == durable, kill_at

    process = toy(run, TOY_SECONDS_PER_SAMPLE="0.03")
    process.await_line("step 9/12")
    assert "resuming after step 8" in process.text
    with pytest.raises(BadUsage, match="is in use by"), workdir.claim(run, toy_config()):
        pass
    process.signal(signal.SIGTERM)
    code, text = process.end()
    assert code == 75, text
    assert "stopping after this step" in text
    (stopped_at,) = checkpoint_files.list_steps(run / "checkpoints")
    assert stopped_at in (9, 10, 11)

    code, text = toy(run).end()
    assert code == 0, text
    assert f"resuming after step {stopped_at}" in text
    assert "step 12  evaluation" in text
    assert not list((run / "checkpoints").glob("*.partial"))

    code, text = undisturbed.end()
    assert code == 0, text
    expected, last = final_state(tmp_path / "calm")
    found, also_last = final_state(run)
    assert last == also_last == 12
    for name, leaf in expected.items():
        np.testing.assert_array_equal(found[name], leaf, err_msg=name)


def test_a_second_signal_ends_at_once_and_leaves_the_last_checkpoint(tmp_path):
    """Protects from a step that never ends: the first signal waits for it, the second does not, and
    what was saved is sound."""
    run = tmp_path / "run"
    process = toy(run, TOY_SIGNAL_AT="HANG:6:0")
    process.await_line("step 6/12")
    manifest = run / "checkpoints" / "4" / checkpoint_files.MANIFEST
    deadline = time.monotonic() + PATIENCE
    while not manifest.is_file() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.signal(signal.SIGTERM)
    process.await_line("SIGTERM: stopping after this step (again: at once)")
    time.sleep(metric_writer.FLUSH_SECONDS + 0.5)
    process.signal(signal.SIGTERM)
    code, text = process.end(patience=30)
    assert code == -signal.SIGTERM, text
    assert checkpoint_files.list_steps(run / "checkpoints") == [4]
    checkpoint_files.verify(manifest.parent)
    # Its curves end with what its checkpoint holds, or later.
    assert set(losses(run)) >= {1, 2, 3, 4}


def test_a_run_that_only_skips_is_given_up(tmp_path):
    """Protects a night of computing, in a real run: Inf in every batch ends it with exit code 1,
    and the records of each skipped step are named."""
    code, text = toy(tmp_path / "run", "on_nonfinite_limit=3", TOY_POISON="inf:64").end()
    assert code == 1, text
    assert "Traceback" not in text
    lines = text.splitlines()
    assert "given up at step 3: 3 steps in a row" in lines[-1]
    named = [line for line in lines if line.startswith("step 1 was skipped")]
    records = named[0].split("records ")[1].split(", ")
    assert len(set(records)) == 16 and set(records) <= set(map(str, range(64)))


SLEEPING_IN_C = """
import hashlib, sys
from xojl_jax.engine import loop
with loop.StopRequest() as stop, stop.at_once():
    print("compiling", file=sys.stderr, flush=True)
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", 10**9)  # as in the compiler, no Python code runs
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_nothing_is_saved_ends_at_once(number):
    """Protects pre-emption: a signal in the minutes of compiling ends the run then, with 75."""
    command = [sys.executable, "-c", SLEEPING_IN_C]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr.readline() == "compiling\n"
        time.sleep(0.5)
        process.send_signal(number)
        try:
            assert process.wait(60) == 75
        finally:
            process.kill()
        assert "stopped before the first step" in process.stderr.read()


def test_a_signal_while_another_bucket_is_compiled_is_honored(tmp_path):
    """Protects pre-emption: whether a step waits for the program that takes minutes or trains with
    another one meanwhile, a signal saves that step and ends the process, exit code 75."""
    runs = {
        name: toy(
            tmp_path / name, TOY_SECONDS_PER_SAMPLE="0.05", TOY_COMPILES=f"further:{needed_after}"
        )
        for name, needed_after in (("trains", 12), ("waits", 6))
    }
    for process in runs.values():  # the one that trains first: the other one does not end
        process.await_line("step 6/12")
        process.signal(signal.SIGTERM)
    for name, process in runs.items():
        code, text = process.end(patience=60)
        assert code == 75, text
        (saved,) = checkpoint_files.list_steps(tmp_path / name / "checkpoints")
        assert f"checkpoint {saved} is saved" in text
        assert saved == 6 or (name == "trains" and saved > 6)
        checkpoint_files.verify(tmp_path / name / "checkpoints" / str(saved))


def await_newer_checkpoint(run, newest: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while max(checkpoint_files.list_steps(run / "checkpoints"), default=0) <= newest:
        assert time.monotonic() < deadline, f"no checkpoint after step {newest}"
        time.sleep(0.05)


SOAK_FIELDS = ("keep=2", "log_every=100", "total_steps=600")


def kill_inside_saves(run, times: int, seed: int, environment: dict[str, str]) -> Counter:
    """Kills a run that saves every step so many times, and looks at what is listed after each."""
    chance, kills, newest = random.Random(seed), Counter(), 0
    while kills.total() < times:
        point = chance.choice(("arrays", "manifest", "rename", "prune", "any moment"))
        planted = (
            {"TOY_KILL_AT": f"{point}:{chance.randint(1, 4)}"} if point != "any moment" else {}
        )
        process = Process(
            "tests.engine.toy_run",
            str(run),
            *SOAK_FIELDS,
            "checkpoint_every=1",
            **(environment | planted),
        )
        if not planted:
            await_newer_checkpoint(run, newest)
            time.sleep(chance.uniform(0, 0.3))
            process.signal(signal.SIGKILL)
        code, text = process.end()
        assert code == -signal.SIGKILL, text
        kills[point] += 1
        listed = checkpoint_files.list_steps(run / "checkpoints")
        assert max(listed, default=0) >= newest, (point, listed)
        newest = max(listed, default=0)
        for step in listed:
            checkpoint_files.verify(run / "checkpoints" / str(step))
    print(f"{run.name}: {kills.total()} kills, the newest checkpoint is of step {newest}")
    return kills


@pytest.mark.slow
@pytest.mark.timeout(3 * 3600)
def test_two_hundred_kills_inside_saves(tmp_path):
    """Protects checkpoints: whatever a save was doing, what is listed afterwards is sound, nothing
    that was listed is gone but what was pruned, and the end equals the undisturbed run's."""
    # Two runs beside each other, and programs compiled once: most of a life is its start.
    cached = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "cache"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    harried, calm = [tmp_path / "one", tmp_path / "other"], tmp_path / "calm"
    with futures.ThreadPoolExecutor(len(harried)) as lanes:
        soaks = [
            lanes.submit(kill_inside_saves, run, 100, seed, cached)
            for seed, run in enumerate(harried)
        ]
        print(sum((soak.result() for soak in soaks), Counter()))
    # Steps take milliseconds, and saves are no part of the numbers: the rest does with few.
    for path in (*harried, calm):
        process = Process(
            "tests.engine.toy_run", str(path), *SOAK_FIELDS, "checkpoint_every=200", **cached
        )
        code, text = process.end()
        assert code == 0, text
    expected, _ = final_state(calm)
    for run in harried:
        found, last = final_state(run)
        assert last == 600
        for name, leaf in expected.items():
            np.testing.assert_array_equal(found[name], leaf, err_msg=name)


@pytest.mark.slow
def test_a_full_disk_fails_loudly_and_harms_nothing(tmp_path):
    """Protects what is saved: on a disk with room for two checkpoints the third save fails, in one
    line that says what is sound; the run goes on from there on another disk."""
    disk, rescued = tmp_path / "disk", tmp_path / "rescued"
    disk.mkdir()
    mounted = f"mount -t tmpfs -o size=500k tmpfs {disk}"
    if subprocess.run([*OWN_MOUNTS, mounted], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    toy_run = f"{sys.executable} -m tests.engine.toy_run {disk}/run keep=9 checkpoint_every=2"
    done = subprocess.run(
        [*OWN_MOUNTS, f"{mounted} && {toy_run}; code=$?; cp -r {disk}/. {rescued}; exit $code"],
        cwd=ROOT,
        env=os.environ | SETTINGS,
        capture_output=True,
        text=True,
        timeout=240,
    )
    saved = checkpoint_files.list_steps(rescued / "run" / "checkpoints")
    assert done.returncode == 1 and 1 <= len(saved) < 6, done.stderr
    # Among what the storage's own threads log: which of them fail first is up to them.
    told = [line for line in done.stderr.splitlines() if line.endswith("Mend the disk and resume")]
    assert len(told) == 1 and "No space left" in told[0], done.stderr
    assert f"the newest sound one is step {saved[-1]}" in told[0], done.stderr
    for step in saved:
        checkpoint_files.verify(rescued / "run" / "checkpoints" / str(step))
    assert not list((rescued / "run" / "checkpoints").glob("*.partial/arrays"))
    code, text = toy(rescued / "run").end()
    assert code == 0 and f"resuming after step {saved[-1]}" in text, text


@pytest.mark.slow
def test_a_disk_that_turns_read_only_fails_loudly_and_harms_nothing(tmp_path):
    """Protects what is saved where a file system protects itself: the next save fails in one line
    that says what is sound, and a run cannot start there; it goes on from there elsewhere."""
    disk, rescued = tmp_path / "run" / "checkpoints", tmp_path / "rescued"
    disk.mkdir(parents=True)
    if subprocess.run(
        [*OWN_MOUNTS, f"mount -t tmpfs tmpfs {disk}"], capture_output=True
    ).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    toy_run = f"{sys.executable} -m tests.engine.toy_run"
    fields = "keep=2 checkpoint_every=4 log_every=1 total_steps=1000"
    # A disk can be remounted only while no file on it is being written: between two saves.
    script = f"""
        mount -t tmpfs tmpfs {disk}
        {toy_run} {tmp_path}/run {fields} &
        until test -e {disk}/4/manifest.json; do sleep 0.1; done
        until mount -o remount,ro {disk} 2> {tmp_path}/busy; do sleep 0.1; done
        wait $!; code=$?
        cp -r {disk} {rescued}
        {toy_run} {disk}/another && exit 99
        test $? = 2 && exit $code
    """
    done = subprocess.run(
        [*OWN_MOUNTS, script],
        cwd=ROOT,
        env=os.environ | SETTINGS | {"TOY_SECONDS_PER_SAMPLE": "0.01"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 1, done.stderr
    saved = checkpoint_files.list_steps(rescued)
    told = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(told) == 2, done.stderr
    assert "Read-only file system" in told[0] and "saving checkpoint" in told[0]
    assert f"the newest sound one is step {saved[-1]}. Mend the disk and resume" in told[0]
    assert "cannot write the working directory" in told[1] and "Read-only" in told[1]
    for step in saved:
        checkpoint_files.verify(rescued / str(step))
    shutil.copytree(rescued, tmp_path / "elsewhere" / "checkpoints")
    code, text = toy(tmp_path / "elsewhere", f"total_steps={saved[-1] + 1}").end()
    assert code == 0 and f"resuming after step {saved[-1]}" in text, text


def test_a_run_is_watched_and_stops_when_nothing_gets_better(tmp_path):
    """Protects early stopping, the best checkpoint, histograms and traces: a model that does not
    learn is evaluated three times, and the run ends in good order; once more, and it stays ended.
    """
    run = tmp_path / "run"
    config = toy_config(
        total_steps=40, eval_every=2, checkpoint_every=100, patience=2, histograms=True
    )
    with config.unlocked():
        config.optim.groups.vision.lr = config.optim.groups.rest.lr = 0.0
    assert training.train(ToyTask(config), config, run, profile="1:2") == 0
    directory = workdir.Workdir(run)
    assert [entry["step"] for entry in directory.read_evaluations()] == [2, 4, 6]
    summary = directory.read_summary()
    assert (summary["outcome"], summary["step"], summary["best_step"]) == ("stopped early", 6, 2)
    assert checkpoint_files.list_steps(run / "checkpoints") == [2, 6]
    assert checkpoint_files.find(run / "best").name == "2"
    assert list(directory.tensorboard.rglob("*.xplane.pb"))
    histograms = {v.tag: v.histo for _, v in written(directory.tensorboard) if v.HasField("histo")}
    assert sum(histograms["head"].bucket) == 8 * 4
    assert training.train(ToyTask(config), config, run) == 0
    assert directory.read_summary()["goodput"]["lives"] == 2
    assert checkpoint_files.list_steps(run / "checkpoints") == [2, 6]


def test_a_misspelled_field_is_one_line_and_exit_2(tmp_path):
    """Protects the command: a user's mistake is never a traceback."""
    process = Process(
        "xojl_jax.train",
        "--config=configs/stage4.py:tiny",
        "--config.batchsize=4",
        f"--workdir={tmp_path / 'run'}",
    )
    code, text = process.end()
    assert code == 2, text
    assert len(text.strip().splitlines()) == 1, text
    assert "batchsize" in text
    assert not (tmp_path / "run").exists()
