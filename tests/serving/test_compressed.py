"""Models that are smaller, and programs in several sizes: what is written, and which size runs.

Nothing is traced or compiled here: a stub stands in place of every program.
"""

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.serving.conftest import PROGRAMS
from xojl_jax import compress
from xojl_jax.compression.methods import boxed
from xojl_jax.config_fields import flatten
from xojl_jax.data.transforms import stack
from xojl_jax.engine import int8, sharding
from xojl_jax.serving import folder as folders
from xojl_jax.serving import model as exported_model
from xojl_jax.serving import programs, training, write

READ = ("image", "image_mask", "patch_mask", "html_mask", "html_class_mask", "html_path")


class StubProgram:
    """Gives what it was asked for."""

    def __init__(self, blob, options, inputs):
        self.options, self.inputs = options, inputs

    def __call__(self, params, batch):
        return {name: np.shape(batch[name]) for name in self.inputs}


def serialize(inference, options, params, spec):
    return b"a program", {name: (spec[name].shape[1:], spec[name].dtype.name) for name in READ}


@pytest.fixture(scope="module")
def stubbed():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "serialize", serialize)
        patch.setattr(exported_model, "Program", StubProgram)
        patch.setattr(training, "summarize", lambda inference, report: {})
        yield


@pytest.fixture(scope="module")
def small(own, stubbed, tmp_path_factory):
    """The model with int8 kernels, and its programs in two sizes."""
    pytest.importorskip("qwix")
    out = tmp_path_factory.mktemp("models") / "int8"
    params = int8.quantize(jax.tree.map(np.asarray, own.params), int8.output_axes(boxed(own.task)))
    compression = {"parent": "small-7", "method": "int8", "what": "int8"}
    arguments = (own.task, own.inference, params, own.metadata)
    write.write(
        out, *arguments, name="a", compression=compression, buckets=2, report=lambda _: None
    )
    return exported_model.read(out)


def test_a_compressed_model_is_one_like_any_other(own, small):
    """Protects what reads it: a newer format, a quarter of a kernel's size, float32 of the parent's
    shapes and values within a step, and a card that names the parent."""
    told, stored = small.model, load_file(small.path / folders.PARAMS)
    assert told["format"] == 2 and told["stored"] == "int8"
    assert len(told["arrays"]) == len(jax.tree.leaves(own.params))
    read, given = flatten(small.params, "/"), flatten(own.params, "/")
    assert read.keys() == given.keys()
    for name, array in given.items():
        scale = stored.get(f"{name}/scale", np.zeros(1))
        assert read[name].dtype == np.float32 and read[name].shape == array.shape
        assert (np.abs(read[name] - array) <= 0.51 * scale).all(), name
    kernels = sum(array.size for array in stored.values() if array.dtype == np.int8)
    whole = sum(a.nbytes for a in jax.tree.leaves(own.params))
    assert (small.path / folders.PARAMS).stat().st_size < whole - 2.5 * kernels
    assert not (small.path / folders.ORBAX).exists()
    assert "Compressed from `small-7`: int8" in (small.path / folders.CARD).read_text()


def test_a_small_section_runs_in_a_small_program(own, small):
    """Protects buckets: a batch that fits runs in the smaller size, and no real item is cut off."""
    dataset = own.inference.dataset("val")
    program = small.program(PROGRAMS[0])
    ((bucket, _),) = program._smaller
    samples = [stack([dataset[i]]) for i in range(len(dataset))]
    fits = [own.task.fits(sample, bucket) for sample in samples]
    assert True in fits and False in fits
    assert [program.size_of(dataset[i]) == 0 for i in range(len(dataset))] == fits
    fitting, large = samples[fits.index(True)], samples[fits.index(False)]
    sizes = dict(bucket.sizes)
    shapes = program(small.params, fitting)
    assert shapes["html_path"][1] == sizes["nodes"] < fitting["html_mask"].shape[1]
    assert shapes["html_class_mask"][1:] == (sizes["nodes"], sizes["classes"])
    # This model was trained without buckets: its spatial attention reads padding.
    assert shapes["image"] == fitting["image"].shape
    cut = own.task.cut({name: fitting[name] for name in READ}, bucket)
    for name in ("patch_mask", "html_mask", "html_class_mask"):
        assert cut[name].sum() == fitting[name].sum()
    assert program(small.params, large)["html_mask"] == large["html_mask"].shape
    program.warm(small.params, 3)


def test_the_command_prunes_recovers_and_writes(own, small, tmp_path, monkeypatch):
    """Protects the way through `compress`: the smaller config, parameters that fit it, what the
    recovery trains with, its own calibration, and what is told of the result."""
    told = {}

    def trained(task, config, path, *, params):
        told.update(config=config, path=path, params=params)
        return 0

    monkeypatch.setattr(compress.train, "train", trained)
    monkeypatch.setattr(compress.checkpoint, "load_params", lambda _: (told["params"], {}))

    def fitted(smaller, flags):
        told["calibrated"] = (str(smaller.task.folder), flags.split, smaller.inference.raw)
        assert jax.tree.map(np.shape, smaller.params) == jax.tree.map(np.shape, told["params"])
        return {"detail": [0.75, 0.5]}

    monkeypatch.setattr(compress.evaluate, "fit_calibration", fitted)
    out = tmp_path / "half"
    argv = [f"--workdir={small.path}", f"--out={out}", "--compilation-cache=off"]
    recovery = ["--recover=20", "--distill", "--set=batch_size=2"]
    calibrate = "--calibrate=some/shards"
    assert compress.main([*argv, "--method=structured", *recovery, calibrate]) == 0
    assert told["calibrated"] == ("some/shards", "val", True)
    config, model = told["config"], told["config"].model
    assert (model.heads, model.head_width, model.mlp_width) == (1, 16, 64)
    assert (config.total_steps, config.batch_size) == (20, 2)
    assert config.teacher == str(small.path)
    written = exported_model.read(out)
    fitting = jax.tree.map(np.shape, sharding.unbox(boxed(written.task)))
    assert jax.tree.map(np.shape, written.params) == fitting
    assert written.model["name"] == "a-structured" and written.model["format"] == 1
    assert written.task.calibration == {"detail": [0.75, 0.5]}
    assert written.model["config"]["data"]["path"] == own.task.config.data.path
    assert "structured, 0.5 kept, 20 steps" in written.model["compression"]["what"]
