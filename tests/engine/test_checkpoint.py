"""Checkpoints: what comes back is what was saved, and damage is found before use."""

import dataclasses
import re
import shutil
import time

import jax
import numpy as np
import pytest

from tests.engine.toy_task import ToyTask, names_and_leaves, toy_config
from xojl_jax.engine import checkpoint, checkpoint_files, sharding, state, warm_start
from xojl_jax.engine.saver import Saver
from xojl_jax.errors import BadInput, BadUsage, UserError


@dataclasses.dataclass
class Run:
    """A state that was saved at steps 3, 5 and 8 (two are kept), and what it was saved from."""

    config: object
    task: ToyTask
    setup: state.TrainSetup
    state: state.TrainState
    folder: object

    def saver(self, folder, keep=2):
        metadata = checkpoint.make_metadata(self.task, self.config, self.setup, {})
        return Saver(folder, keep=keep, metadata=metadata)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    config = toy_config(optim__ema_decay=0.9, mesh__fsdp=2, mesh__tensor=2)
    task = ToyTask(config)
    setup = state.make_train_setup(task, config, sharding.make_mesh(config.mesh))
    now = state.from_scratch(task, config, setup)
    now = now.replace(ema=jax.tree.map(lambda x: x * 2, now.ema), step=now.step + 8)
    result = Run(config, task, setup, now, tmp_path_factory.mktemp("run") / "checkpoints")
    result.folder.mkdir()
    saver = result.saver(result.folder)
    for step in (3, 5, 8):
        saver.save(now, step)
    saver.close()
    return result


@pytest.fixture
def copy(run, tmp_path):
    """The checkpoints of `run`, to be harmed."""
    shutil.copytree(run.folder, tmp_path / "checkpoints")
    return tmp_path / "checkpoints"


def largest_file(folder):
    return max((folder / "arrays").rglob("*"), key=lambda path: path.stat().st_size)


def flip_a_byte(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_the_newest_are_kept(run):
    """Protects `keep`: two stay, the oldest goes, nothing half-written is left."""
    assert checkpoint_files.list_steps(run.folder) == [5, 8]
    assert sorted(path.name for path in run.folder.iterdir()) == ["5", "8"]


def test_the_best_outlives_newer_ones(run, tmp_path):
    """Protects WORKDIR/best: kept beside the newest until a better one is there, and readable."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    saver = run.saver(folder, keep=1)
    seen = []
    for step, best in ((1, True), (2, False), (3, False), (4, True), (5, False)):
        saver.save(run.state, step, best=best)
        saver.close() if step == 5 else saver._join()
        seen.append(checkpoint_files.list_steps(folder))
    assert seen == [[1], [1, 2], [1, 3], [4], [4, 5]]
    assert checkpoint_files.find(tmp_path / "best") == folder / "4"
    assert checkpoint_files.find(tmp_path) == folder / "5"
    _, metadata = checkpoint.load_params(tmp_path / "best")
    assert metadata["position"]["step"] == 4


@pytest.mark.parametrize("axes", [(2, 2, 2), (1, 8, 1), (8, 1, 1)])
def test_it_comes_back_on_any_mesh(run, axes):
    """Protects resuming elsewhere: bit for bit, on the shardings of the new mesh."""
    names = ("mesh__data", "mesh__fsdp", "mesh__tensor")
    config = toy_config(optim__ema_decay=0.9, **dict(zip(names, axes, strict=True)))
    setup = state.make_train_setup(run.task, config, sharding.make_mesh(config.mesh))
    restored = checkpoint.restore_newest(run.folder, setup.abstract, on_corrupt="stop")
    expected = names_and_leaves(run.state)
    found = names_and_leaves(restored.state)
    assert found.keys() == expected.keys()
    for name, leaf in found.items():
        np.testing.assert_array_equal(leaf, expected[name], err_msg=name)
    assert jax.tree.map(lambda leaf: leaf.sharding, restored.state) == setup.shardings
    assert restored.metadata["position"] == {"seed": 0, "global_batch": 16, "step": 8}
    assert restored.metadata["task"] == {"classes": ["a", "b", "c", "d"]}
    assert restored.metadata["config"]["optim"]["b2"] == 0.98


def test_parameters_alone(run):
    """Protects evaluate and predict: numpy, the average first, from a workdir or a checkpoint."""
    params, metadata = checkpoint.load_params(run.folder.parent)
    assert metadata["weights"] == "ema"
    assert metadata["checkpoint"] == str(run.folder / "8")
    expected = names_and_leaves(run.state.ema)
    leaves = jax.tree.leaves(params)
    assert all(isinstance(leaf, np.ndarray) for leaf in leaves)
    for name, leaf in names_and_leaves(params).items():
        np.testing.assert_array_equal(leaf, expected[name])
    params, metadata = checkpoint.load_params(run.folder / "5", ema=False)
    assert metadata["weights"] == "params"
    np.testing.assert_array_equal(params["head"], np.asarray(run.state.params["head"]))
    with pytest.raises(BadInput, match="holds no checkpoint"):
        checkpoint.load_params(run.folder / "7")


@pytest.mark.parametrize("harm", ["flip", "truncate", "delete", "add", "manifest", "metadata"])
def test_damage_is_found_and_named(run, copy, harm):
    """Protects from bad disks: every kind of damage is an error that names file and step."""
    victim = largest_file(copy / "8")
    if harm == "flip":
        flip_a_byte(victim)
    elif harm == "truncate":
        victim.write_bytes(victim.read_bytes()[:-1])
    elif harm == "delete":
        victim.unlink()
    elif harm == "add":
        victim = victim.with_name("stowaway")
        victim.write_bytes(b"?")
    else:
        victim = copy / "8" / f"{harm}.json"
        flip_a_byte(victim)
    # A file too many takes nothing from the others: it is the one to remove.
    said = "step 8 is whole, but holds a file" if harm == "add" else "step 8 is damaged"
    with pytest.raises(BadInput, match=said) as caught:
        checkpoint.restore_newest(copy, run.setup.abstract, on_corrupt="stop")
    assert harm == "manifest" or str(victim) in str(caught.value)
    with pytest.raises(BadInput, match=said):
        checkpoint.load_params(copy / "8")


@pytest.mark.parametrize(
    "name", [".DS_Store", "arrays/.DS_Store", "._metadata.json", "Thumbs.db", "arrays/.nfs00a1"]
)
def test_what_a_file_manager_leaves_is_passed_over(copy, caplog, name):
    """Protects a good step from an advice to remove it: looking at a folder is no damage."""
    (copy / "8" / name).write_bytes(b"?")
    checkpoint_files.verify(copy / "8")
    assert name in caplog.text and "passed over" in caplog.text
    checkpoint.load_params(copy / "8")


def test_no_file_of_a_checkpoint_is_exempt(copy):
    """Protects every byte: each file in turn is changed, cut short, emptied, taken away."""
    files = [path for path in sorted((copy / "8").rglob("*")) if path.is_file()]
    assert len(files) > 8
    for path in files:
        whole = path.read_bytes()
        # What a changed manifest says is wrong is another file.
        named = "" if path.name == checkpoint_files.MANIFEST else re.escape(path.name)
        harms = {whole[:-1], b"", whole[: len(whole) // 2] + b"?" + whole[len(whole) // 2 + 1 :]}
        for harmed in harms - {whole}:
            path.write_bytes(harmed)
            with pytest.raises(BadInput, match=f"step 8 is damaged.*{named}"):
                checkpoint_files.verify(copy / "8")
        path.unlink()
        with pytest.raises(BadInput, match=f"step 8 is damaged.*{named}"):
            checkpoint_files.verify(copy / "8")
        path.write_bytes(whole)
    checkpoint_files.verify(copy / "8")


def test_fallback_takes_the_one_before_but_never_none(run, copy):
    """Protects from a silent fresh start: the older sound checkpoint, or an error."""
    flip_a_byte(largest_file(copy / "8"))
    restored = checkpoint.restore_newest(copy, run.setup.abstract, on_corrupt="fallback")
    assert restored.metadata["position"]["step"] == 5
    flip_a_byte(largest_file(copy / "5"))
    with pytest.raises(BadInput, match="none of the checkpoints"):
        checkpoint.restore_newest(copy, run.setup.abstract, on_corrupt="fallback")


def test_nothing_to_restore(run, tmp_path):
    """Protects the first start: an empty folder is no error, and neither are leftovers."""
    (tmp_path / "12.partial" / "arrays").mkdir(parents=True)
    (tmp_path / "9").mkdir()
    assert checkpoint_files.list_steps(tmp_path) == []
    assert checkpoint.restore_newest(tmp_path, run.setup.abstract, on_corrupt="stop") is None
    run.saver(tmp_path).close()
    assert not (tmp_path / "12.partial").exists()


def test_another_model_is_refused_by_path(run, monkeypatch):
    """Protects from a checkpoint of another shape: the difference is listed by path."""
    monkeypatch.setattr("tests.engine.toy_task.HIDDEN", 14)
    setup = state.make_train_setup(run.task, run.config, run.setup.mesh)
    with pytest.raises(BadInput, match=r"blocks/bias is .*\[2, 12\].* there, .*\[2, 14\].* here"):
        checkpoint.restore_newest(run.folder, setup.abstract, on_corrupt="stop")


def test_a_failed_save_is_heard_and_harms_nothing(run, copy, monkeypatch):
    """Protects from a full disk: the next check raises, older checkpoints stay."""
    saver = run.saver(copy, keep=1)

    def disk_full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint_files, "digests", disk_full)
    saver.save(run.state, 9)
    deadline = time.monotonic() + 60
    with pytest.raises(UserError, match=r"saving checkpoint 9 .* No space left .* step 8"):
        while time.monotonic() < deadline:
            saver.check()
            time.sleep(0.01)
    assert checkpoint_files.list_steps(copy) == [5, 8]
    monkeypatch.undo()
    saver.save(run.state, 10)
    saver.close()
    assert checkpoint_files.list_steps(copy) == [10]


def test_what_is_saved_is_the_state_at_that_moment(run, tmp_path):
    """Protects donation: the step may overwrite the state while the save is still writing."""
    saver = run.saver(tmp_path)
    copied = jax.tree.map(lambda leaf: leaf + 0, run.state)
    spoil = jax.jit(lambda tree: jax.tree.map(lambda leaf: leaf * 0 + 7, tree), donate_argnums=0)
    saver.save(copied, 1)
    jax.block_until_ready(spoil(copied))
    saver.close()
    restored = checkpoint.restore_newest(tmp_path, run.setup.abstract, on_corrupt="stop")
    np.testing.assert_array_equal(restored.state.params["head"], run.state.params["head"])


def test_parameters_of_other_runs_are_taken_over(run, tmp_path):
    """Protects init_from: what matches comes over, the rest is named, no match is an error."""
    fresh = state.from_scratch(run.task, run.config, run.setup)
    taken, origins, report = warm_start.apply(fresh, run.setup, str(run.folder.parent))
    np.testing.assert_array_equal(taken.params["head"], run.state.ema["head"])
    assert taken.params["head"].sharding == fresh.params["head"].sharding
    np.testing.assert_array_equal(taken.ema["head"], run.state.ema["head"])
    assert set(origins.values()) == {str(run.folder / "8")}
    assert f"blocks: 3 of 3 arrays from {run.folder / '8'}" in report
    _, origins, report = warm_start.apply(fresh, run.setup, "")
    assert not origins
    assert "start from scratch" in report[0]
    with pytest.raises(BadInput, match="holds no checkpoint"):
        warm_start.apply(fresh, run.setup, f"{run.folder.parent}, {tmp_path}")


def test_a_source_may_be_something_else_than_a_run(run):
    """Protects a start from exported models, which the engine knows nothing of: who calls it reads
    them, and the report names them."""
    fresh = state.from_scratch(run.task, run.config, run.setup)
    head = np.full(fresh.params["head"].shape, 5, np.float32)

    def load_params(source: str):
        return {"head": head}, {"config": dict(run.config), "checkpoint": f"{source}, exported"}

    taken, origins, report = warm_start.apply(fresh, run.setup, "model", load_params=load_params)
    np.testing.assert_array_equal(taken.params["head"], head)
    assert origins == {"head": "model, exported"}
    assert "head: 1 of 1 arrays from model, exported" in report


def test_published_weights_are_taken_over_where_no_run_has_them(run):
    """Protects a start from published weights: what they hold comes over and is named; a run that
    `init_from` names counts before them."""
    fresh = state.from_scratch(run.task, run.config, run.setup)
    published = {"head": np.full_like(fresh.params["head"], 3)}
    taken, origins, report = warm_start.apply(fresh, run.setup, "", published=published)
    np.testing.assert_array_equal(taken.params["head"], published["head"])
    assert origins == {"head": warm_start.PUBLISHED}
    assert "head: 1 of 1 arrays from published weights" in report
    source = str(run.folder.parent)
    taken, origins, _ = warm_start.apply(fresh, run.setup, source, published=published)
    np.testing.assert_array_equal(taken.params["head"], run.state.ema["head"])


def test_a_task_says_where_another_tasks_parameters_go(run):
    """Protects parts that are trained by themselves: a task is asked with the other's name."""
    fresh = state.from_scratch(run.task, run.config, run.setup)

    def path_of_other(path: str, task: str) -> str:
        return f"{task}/odd" if path == "odd" else path

    source = str(run.folder.parent)
    _, origins, _ = warm_start.apply(fresh, run.setup, source, path_of_other=path_of_other)
    _, whole, _ = warm_start.apply(fresh, run.setup, source)
    assert whole.keys() - origins.keys() == {"odd"}


def test_init_from_something_else_is_an_error(run, monkeypatch):
    """Protects from a run of another preset: nothing matches, and that is said."""
    for name, size in {"PIXELS": 12, "WIDTH": 6, "HIDDEN": 10}.items():
        monkeypatch.setattr(f"tests.engine.toy_task.{name}", size)
    setup = state.make_train_setup(run.task, run.config, run.setup.mesh)
    fresh = setup.abstract
    with pytest.raises(BadUsage, match=r"no array of .* matches this model"):
        warm_start.apply(fresh, setup, str(run.folder.parent))
