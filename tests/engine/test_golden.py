"""Checkpoints that earlier releases wrote: what they hold is read today as it was then."""

import json
import shutil

import jax
import numpy as np
import pytest

from configs import layout
from tests.engine.golden import FOLDER, golden_config, golden_setup, summary
from tests.engine.toy_task import ToyTask, names_and_leaves
from xojl_jax import config_fields
from xojl_jax.engine import checkpoint, checkpoint_files, compatibility, sharding, state
from xojl_jax.errors import BadInput

GOLDEN = sorted(path for path in FOLDER.glob("checkpoint-*") if path.is_dir())


@pytest.fixture(params=GOLDEN, ids=lambda path: path.name)
def golden(request, tmp_path):
    """A golden checkpoint as step 3 of a working directory, and the sums of its arrays."""
    shutil.copytree(request.param, tmp_path / "checkpoints" / "3")
    sums = json.loads(request.param.with_name(request.param.name + ".json").read_text())
    return tmp_path, sums


def test_there_is_one_of_each_release():
    """Protects the others in this file from having nothing to read."""
    assert [path.name for path in GOLDEN] == ["checkpoint-0.1.0"]


def test_a_run_of_an_earlier_release_is_taken_up(golden):
    """Protects resuming over an update: parameters, optimizer, averages and counters are what they
    were, and every file is as it was committed."""
    path, sums = golden
    restored = checkpoint.restore_newest(
        path / "checkpoints", golden_setup().abstract, on_corrupt="stop"
    )
    assert summary(checkpoint.as_tree(restored.state)) == sums
    assert int(restored.state.seed) == 0
    assert restored.metadata["position"] == {"seed": 0, "global_batch": 16, "step": 3}


@pytest.mark.parametrize("which", ["ema", "params"])
def test_weights_of_an_earlier_release_are_read(golden, which):
    """Protects evaluate, predict and init_from."""
    path, sums = golden
    params, metadata = checkpoint.load_params(path, ema=which == "ema")
    assert metadata["weights"] == which
    found = summary(params)
    assert found == {name: sums[f"{which}/{name}"] for name in found}
    assert len(found) == sum(name.startswith("params/") for name in sums)
    assert all(np.isfinite(leaf).all() for leaf in names_and_leaves(params).values())


def test_an_unknown_format_is_refused(golden):
    """Protects from reading what a later release means otherwise: both formats are named."""
    path, _ = golden
    newer = path / "checkpoints" / "3"
    metadata = json.loads((newer / checkpoint_files.METADATA).read_text())
    metadata["format"] = checkpoint.FORMAT + 1
    (newer / checkpoint_files.METADATA).write_text(json.dumps(metadata))
    (newer / checkpoint_files.MANIFEST).write_text(json.dumps(checkpoint_files.digests(newer)))
    with pytest.raises(BadInput, match=r"has format 2, this version reads 1: use the version that"):
        checkpoint.load_params(path)
    with pytest.raises(BadInput, match=r"has format 2, this version reads 1"):
        checkpoint.restore_newest(path / "checkpoints", golden_setup().abstract, on_corrupt="stop")


def test_a_config_of_an_earlier_release_has_the_fields_of_today(golden):
    """Protects resume, evaluate and predict on old runs: renamed fields keep their values, and each
    field that was added since has the value under which nothing changes."""
    path, _ = golden
    metadata = checkpoint.read_metadata(path / "checkpoints" / "3")
    fields = config_fields.flatten(metadata["config"])
    assert fields.keys() == config_fields.flatten(layout.make("tiny").to_dict()).keys()
    assert fields["optim.groups.vision.lr"] == 0.03 and fields["optim.groups.html.lr"] == 0.001
    assert fields["optim.groups.vision.freeze_at"] == 0
    assert compatibility.upgrade_config(metadata["config"]) == metadata["config"]


def test_renamed_parameters_are_read_everywhere(golden, monkeypatch):
    """Protects a model whose parameter paths change: parameters, averages and moments of an old
    checkpoint are found under the new names, and every number is as it was."""
    path, sums = golden
    names = {"blocks/": "tower/layers/", "head": "output"}
    monkeypatch.setattr(compatibility, "RENAMED_PARAMS", names)

    class Renamed(ToyTask):
        def init(self, rng):
            params = super().init(rng)
            blocks, head = params.pop("blocks"), params.pop("head")
            return params | {"tower": {"layers": blocks}, "output": head}

    config = golden_config()
    mesh = sharding.make_mesh(config.mesh, jax.devices()[:1])
    abstract = state.make_train_setup(Renamed(config), config, mesh).abstract
    restored = checkpoint.restore_newest(path / "checkpoints", abstract, on_corrupt="stop")
    found = summary(checkpoint.as_tree(restored.state))
    assert len(found) == len(sums)
    for name, wanted in sums.items():
        tree, _, parameter = name.rpartition("/blocks/")
        name = f"{tree}/tower/layers/{parameter}" if tree else name
        assert found[name.replace("/head", "/output")] == wanted
    params, metadata = checkpoint.load_params(path)
    assert set(params) == {"tower", "output", "odd", "vision"}
    assert "tower/layers/up" in metadata["arrays"] and "blocks/up" not in metadata["arrays"]
