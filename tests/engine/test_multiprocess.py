"""Several real processes: they train as one does, stop together, move, and outlive one another."""

import json
import shutil
import signal
import time

import numpy as np
import pytest

from tests.engine.subprocesses import (
    FAST_COMPILE,
    Process,
    ends,
    final_state,
    job,
    losses,
    trained_rows,
)
from tests.engine.toy_task import ToyTask, names_and_leaves, toy_config
from xojl_jax import train as training
from xojl_jax.data.order import SampleOrder
from xojl_jax.engine import checkpoint, checkpoint_files, workdir

# What another number of processes or another mesh may change: the order of float32 sums. Losses
# are compared step by step, from the first step to the last, without starting afresh in between.
CLOSE = {"rtol": 1e-5, "atol": 0.0}
EIGHT = (
    f"{FAST_COMPILE} --xla_force_host_platform_device_count=8 "
    # As in tests/conftest.py: two cores, eight devices.
    "--xla_cpu_enable_concurrency_optimized_scheduler=false"
)
STEPS = 12


def toys(count, path, *fields, **environment) -> list[Process]:
    fields = ("checkpoint_every=4", f"total_steps={STEPS}", "log_every=1", *fields)
    return job(count, "tests.engine.toy_run", str(path), *fields, **environment)


# A config of every task, at a size for two cores.
TASKS = {
    "layout": "configs/stage4.py:tiny",
    "document": "configs/document_pretrain.py:tiny",
    "text": "configs/document_text.py:tiny",
    "answers": "configs/document_tune.py:tiny",
}


def shipped(config, count, path, *flags, **environment) -> list[Process]:
    """A config as it is, shortened."""
    return job(
        count,
        "xojl_jax.train",
        f"--config={config}",
        "--config.log_every=1",
        f"--workdir={path}",
        *flags,
        **environment,
    )


def same_arrays(found, expected, **tolerance):
    assert found.keys() == expected.keys()
    for name, leaf in expected.items():
        np.testing.assert_allclose(found[name], leaf, err_msg=name, **tolerance)


def expected_rows(steps: int) -> dict[int, dict[int, int]]:
    """Step -> row -> record, as the order of samples has it."""
    order, config = SampleOrder(0, 64), toy_config()
    size = config.batch_size
    return {s: {r: order.record_at(s * size + r) for r in range(size)} for s in range(steps)}


def test_two_processes_train_as_eight_devices_do(tmp_path):
    """Protects several processes: each trains on its own rows, one checkpoint is written together,
    and losses and parameters are those of one process that has eight devices."""
    pair = toys(2, tmp_path / "pair", "mesh__fsdp=2", TOY_ROWS=str(tmp_path))
    config = toy_config(log_every=1)
    assert training.train(ToyTask(config), config, tmp_path / "single") == 0
    assert ends(pair) == [0, 0], pair[0].text
    assert trained_rows(tmp_path) == expected_rows(STEPS)
    for index in (0, 1):
        lines = (tmp_path / f"{index}.jsonl").read_text().splitlines()
        rows = {row for line in lines for row, _ in json.loads(line)["rows"]}
        assert rows == set(range(8 * index, 8 * index + 8)), "each loads its own half"
    expected, found = losses(tmp_path / "single"), losses(tmp_path / "pair")
    assert list(found) == list(expected) == list(range(1, STEPS + 1))
    np.testing.assert_allclose(list(found.values()), list(expected.values()), **CLOSE)
    arrays, last = final_state(tmp_path / "pair")
    assert last == STEPS
    same_arrays(arrays, final_state(tmp_path / "single")[0], rtol=1e-4, atol=1e-5)


def test_what_the_first_process_refuses_ends_all(tmp_path):
    """Protects the others from waiting: a working directory in use is a line and an exit each."""
    with workdir.claim(tmp_path / "run", toy_config()):
        pair = toys(2, tmp_path / "run")
        assert ends(pair) == [2, 3], pair[0].text
    assert "is in use by" in pair[0].text.splitlines()[-1]
    assert "the first process refused" in pair[1].text.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_run_moves_from_one_process_to_four_to_two(tmp_path):
    """Protects moving a run: stopped twice by a signal, taken up by other processes on another
    mesh, it takes every step once, on the same records, with the losses of a run that stayed."""
    straight, moved = toys(1, tmp_path / "straight", TOY_ROWS=str(tmp_path)), tmp_path / "moved"
    assert ends(straight) == [0], straight[0].text
    straight_rows = trained_rows(tmp_path)
    noted = tmp_path / "rows"
    noted.mkdir()
    # Four take steps 5 to 8 and stop because the third of them is asked to; two take the rest.
    for count, fields, signalled, last in (
        (1, (), "SIGTERM:3:0", 4),
        (4, ("mesh__data=4",), "SIGTERM:7:2", 8),
        (2, ("mesh__fsdp=2",), "", STEPS),
    ):
        environment = {"TOY_SIGNAL_AT": signalled} if signalled else {}
        processes = toys(count, moved, *fields, TOY_ROWS=str(noted), **environment)
        assert ends(processes) == [75 if signalled else 0] * count, processes[0].text
        assert checkpoint_files.list_steps(moved / "checkpoints")[-1] == last
        assert f"{count} cpu device(s), {count} host(s)" in processes[0].text

    assert trained_rows(noted) == straight_rows == expected_rows(STEPS)
    expected, found = losses(tmp_path / "straight"), losses(moved)
    assert list(found) == list(expected) == list(range(1, STEPS + 1))
    apart = [abs(found[s] / expected[s] - 1) for s in expected]
    print(f"losses differ by {max(apart):.1e} of themselves at most")
    np.testing.assert_allclose(list(found.values()), list(expected.values()), **CLOSE)
    arrays, _ = final_state(moved)
    same_arrays(arrays, final_state(tmp_path / "straight")[0], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("asked", [0, 1])
def test_a_signal_to_either_stops_both_at_one_step(tmp_path, asked):
    """Protects a pre-empted host: both save the same step and end with 75."""
    pair = toys(2, tmp_path, "checkpoint_every=100", TOY_SIGNAL_AT=f"SIGTERM:4:{asked}")
    assert ends(pair) == [75, 75], pair[0].text
    assert checkpoint_files.list_steps(tmp_path / "checkpoints") == [5]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("asked", [0, 1])
def test_a_signal_to_either_while_compiling_ends_both_at_once(tmp_path, asked):
    """Protects a pre-empted host from the minutes of compiling: one hears of it, both end then with
    75, and neither is taken for a lost one."""
    pair = toys(2, tmp_path, TOY_COMPILES="forever")
    for process in pair:
        process.await_line("compiling")
    pair[asked].signal(signal.SIGTERM)
    assert ends(pair, patience=60) == [75, 75], pair[0].text
    for process in pair:
        assert "stopped before the first step" in process.text.splitlines()[-1], process.text


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("asked", [0, 1])
def test_a_signal_to_either_while_another_bucket_is_compiled_stops_both(tmp_path, asked):
    """Protects a pre-empted host: both wait for a program, both save the step before, exit 75."""
    pair = toys(2, tmp_path, "checkpoint_every=100", TOY_COMPILES="further:6")
    pair[0].await_line("step 6/")
    time.sleep(2)
    pair[asked].signal(signal.SIGTERM)
    assert ends(pair, patience=60) == [75, 75], pair[0].text
    assert checkpoint_files.list_steps(tmp_path / "checkpoints") == [6]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("harm", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("victim", [0, 1])
def test_a_peer_that_dies_or_stands_still_ends_the_other(tmp_path, harm, victim):
    """Protects from waiting forever: the other ends in a known time, its last line says why, what
    was saved is sound, and both together go on from there."""
    run, patience = tmp_path / "run", 20
    environment = {"TOY_SIGNAL_AT": f"{harm.name}:5:{victim}", "TOY_PEER_TIMEOUT": str(patience)}
    pair = toys(2, run, "checkpoint_every=2", **environment)
    pair[0].await_line(f"step 5/{STEPS}")
    began = time.monotonic()
    code, text = pair[1 - victim].end()
    seconds = time.monotonic() - began
    print(f"{harm.name} to process {victim}: the other ended with {code} after {seconds:.1f} s")
    # Cut off, it says so itself; what JAX misses the heartbeats of, it aborts.
    assert code in (1, -signal.SIGABRT), text
    assert seconds < 3 * patience, text
    last = text.splitlines()[-1]
    assert last.startswith("error: ") and "another process of this run" in last, text
    pair[victim].kill()
    steps = checkpoint_files.list_steps(run / "checkpoints")
    assert steps and steps[-1] >= 2
    for step in steps:
        checkpoint_files.verify(run / "checkpoints" / str(step))
    again = toys(2, run, "checkpoint_every=2")
    assert ends(again) == [0, 0], again[0].text
    assert f"resuming after step {steps[-1]}" in again[0].text
    straight = toys(1, tmp_path / "straight", "checkpoint_every=2")
    assert ends(straight) == [0], straight[0].text
    same_arrays(final_state(run)[0], final_state(tmp_path / "straight")[0], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_peer_that_hangs_with_its_heart_beating_ends_both(tmp_path):
    """Protects from what heartbeats do not show: no step ends any more, so all processes end."""
    patience = 15
    environment = {"TOY_SIGNAL_AT": "HANG:5:1", "TOY_STALL_TIMEOUT": str(patience)}
    pair = toys(2, tmp_path, "checkpoint_every=2", **environment)
    pair[0].await_line(f"step 5/{STEPS}")
    began = time.monotonic()
    codes = ends(pair)
    print(f"both ended after {time.monotonic() - began:.1f} s with {codes}")
    # The one that notices first says so; the other may be cut off, or aborted by JAX, before.
    assert set(codes) <= {1, -signal.SIGABRT}, pair[0].text
    lasts = [process.text.splitlines()[-1] for process in pair]
    assert any(last.startswith(f"error: no step has ended for {patience} s") for last in lasts)
    assert all("another process of this run" in last for last in lasts), lasts
    assert checkpoint_files.list_steps(tmp_path / "checkpoints")[0] == 2


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_disk_that_fails_the_first_process_ends_both(tmp_path):
    """Protects the other from waiting for a save that will never be whole."""
    run = tmp_path / "run"
    pair = toys(2, run, "checkpoint_every=100", TOY_SECONDS_PER_SAMPLE="0.05")
    pair[0].await_line(f"step 2/{STEPS}")
    # A file where the folder should be: what mkdir says of it holds for root, too.
    shutil.rmtree(run / "checkpoints")
    (run / "checkpoints").write_text("")
    pair[0].signal(signal.SIGTERM)
    assert ends(pair) == [1, 1], pair[0].text
    told = [[line for line in p.text.splitlines() if line.startswith("error: ")] for p in pair]
    assert len(told[0]) == len(told[1]) == 1, told
    assert "saving checkpoint" in told[0][0]
    assert "another process of this run failed" in told[1][0]


@pytest.mark.slow
@pytest.mark.timeout(3 * 3600)
@pytest.mark.parametrize("task", TASKS)
def test_a_task_in_one_process_in_four_and_on_eight_devices(tmp_path, task):
    """Protects every task as it is shipped: the same losses, step by step, and evaluation."""
    curves = {}
    for name, count, environment in (
        ("one process", 1, {}),
        ("four processes", 4, {}),
        ("eight devices", 1, {"XLA_FLAGS": EIGHT}),
    ):
        run, began = tmp_path / name, time.monotonic()
        flags = "--config.total_steps=4", "--config.batch_size=8"
        processes = shipped(TASKS[task], count, run, *flags, **environment)
        assert set(ends(processes, 3000)) == {0}, processes[0].text
        (evaluation,) = workdir.Workdir(run).read_evaluations()
        assert list(losses(run)) == [1, 2, 3, 4]
        curves[name] = [*losses(run).values(), evaluation["loss"]]
        print(f"{name}, {time.monotonic() - began:.0f} s: {curves[name]}")
    for name in ("four processes", "eight devices"):
        np.testing.assert_allclose(curves[name], curves["one process"], **CLOSE)


@pytest.mark.slow
@pytest.mark.timeout(3 * 3600)
@pytest.mark.parametrize("task", TASKS)
def test_a_task_killed_and_stopped_ends_bit_for_bit(tmp_path, task):
    """Protects the resuming of every task: SIGKILL after a step, SIGTERM after another."""
    calm, run, steps = tmp_path / "calm", tmp_path / "run", 10
    flags = (f"--config.total_steps={steps}", "--config.checkpoint_every=1")
    flags += ("--config.batch_size=4", "--config.eval_batches=0")
    assert ends(shipped(TASKS[task], 1, calm, *flags), 3000) == [0]
    for number, code, line in ((signal.SIGKILL, -9, "step 3/"), (signal.SIGTERM, 75, "step 6/")):
        (process,) = shipped(TASKS[task], 1, run, *flags)
        process.await_line(line, 3000)
        process.signal(number)
        assert ends([process], 3000) == [code], process.text
        print(number.name, "after", checkpoint_files.list_steps(run / "checkpoints"))
    assert ends(shipped(TASKS[task], 1, run, *flags), 3000) == [0]
    (expected, _), (found, metadata) = map(checkpoint.load_params, (calm, run))
    assert metadata["position"]["step"] == steps
    same_arrays(names_and_leaves(found), names_and_leaves(expected), rtol=0, atol=0)
    # A killed process may not have written its last ones.
    assert losses(run).items() <= losses(calm).items()


@pytest.mark.slow
@pytest.mark.parametrize("poison", ["nan", "inf"])
def test_poison_on_one_process_skips_the_step_on_both(tmp_path, poison):
    """Protects the state of all: a record that only one process holds skips its step on both, and
    they end with the same numbers as one process that met it."""
    found, ended = {}, {}
    for count in (2, 1):
        run = tmp_path / str(count)
        processes = toys(count, run, TOY_POISON=f"{poison}:1")
        assert ends(processes) == [0] * count
        lines = processes[0].text.splitlines()
        found[count] = [line.split(":")[0] for line in lines if "was skipped" in line]
        ended[count], _ = final_state(run)
    assert found[2] == found[1] != []
    assert ended[2].keys() == ended[1].keys()
    for name, leaf in ended[1].items():
        # Summands cancel in some gradients: what another order of the sum changes is as large as
        # they are, not as the result.
        close = CLOSE | {"atol": CLOSE["rtol"] * float(np.abs(leaf).max(initial=0))}
        np.testing.assert_allclose(ended[2][name], leaf, err_msg=name, **close)
    assert all(np.isfinite(leaf).all() for leaf in ended[2].values())
